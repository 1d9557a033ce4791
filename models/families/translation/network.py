"""Sequence to sequence with attention: the network, from top to bottom.

Bahdanau et al. 2015, as the lecture draws it: an encoder reads the source sentence both ways and leaves a state h_i at
every piece; the decoder's state s_{t-1} scores each of them, e_t,i = f_att(s_{t-1}, h_i), softmax gives the weights
a_t,i, their weighted mean is the context c_t, and c_t and the word before give the next state s_t and the next word.

Shapes: P sentences, L source pieces, K translations (or hypotheses) for each, V target pieces.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from unrolled.models.cells import first_state, make_cell, run_sequence
from unrolled.models.cells.decoder import DecoderConfig, Memory, RecurrentDecoder


class TranslatorConfig(DecoderConfig, frozen=True, kw_only=True):
    """The network's lengths; see `DecoderConfig` too. `features` is twice `encoder_hidden`."""

    source_vocabulary: int       # how many source pieces there are
    cell: str = "gru"
    source_embedding: int = 256  # the length of a source piece's vector
    encoder_hidden: int = 256    # the length of the encoder's state in each direction


class Translator(RecurrentDecoder):
    def __init__(self, config: TranslatorConfig) -> None:
        if config.features != 2 * config.encoder_hidden:
            raise ValueError("an encoder that reads both ways gives vectors of twice its state's length")
        super().__init__(config)
        self.config = config
        self.embed_source = nn.Embedding(config.source_vocabulary, config.source_embedding)
        self.forwards = make_cell(config.cell, config.source_embedding, config.encoder_hidden)
        self.backwards = make_cell(config.cell, config.source_embedding, config.encoder_hidden)
        nn.init.normal_(self.embed_source.weight, std=config.source_embedding**-0.5)

    def memory(self, source: Tensor, lengths: Tensor) -> Memory:
        """Read source sentences: pieces (P, L), END last, anything behind, and their lengths (P,)."""
        places = torch.arange(source.shape[1], device=source.device)                       # (L,)
        mask = places < lengths.unsqueeze(1)                                               # (P, L)
        # Each sentence back to front, what is behind its end staying behind: reading it begins at its last piece.
        back = torch.where(mask, lengths.unsqueeze(1) - 1 - places, places)                # (P, L)
        words = self.dropout(self.embed_source(source)).transpose(0, 1)                    # (L, P, source embedding)
        order = back.T.unsqueeze(-1)                                                       # (L, P, 1)
        start = first_state(self.forwards, len(source), device=source.device)
        ahead, _ = run_sequence(self.forwards, words, start)                               # (L, P, encoder hidden)
        turned = words.gather(0, order.expand_as(words))
        behind, _ = run_sequence(self.backwards, turned, start)
        behind = behind.gather(0, order.expand_as(behind))
        features = self.dropout(torch.cat((ahead, behind), dim=-1).transpose(0, 1))        # (P, L, features)
        return self.remember(features.float(), mask)
