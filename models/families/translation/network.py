"""Sequence to sequence with attention: the network, from top to bottom.

Bahdanau et al. 2015, as the lecture draws it: an encoder reads the source sentence both ways and leaves a state h_i at
every piece; the decoder's state s_{t-1} scores each of them, e_t,i = f_att(s_{t-1}, h_i), softmax gives the weights
a_t,i, their weighted mean is the context c_t, and c_t and the word before give the next state s_t and the next word.

Shapes: P sentences, L source pieces, K translations (or hypotheses) for each, V target pieces.
"""

import torch
from torch import Tensor, nn

from unrolled.models.cells import first_state, make_cell, run_sequence
from unrolled.models.cells.decoder import DecoderConfig, Memory, RecurrentDecoder
from unrolled.models.families.translation.reference import TranslatorReference
from unrolled.models.stepping.decoder_stepper import DecoderStepper
from unrolled.models.stepping.layers import attention_channels, cell_channels
from unrolled.models.stepping.stepper import EncodedInput, InputError
from unrolled.models.tokenizers.plain_signs import in_known_signs, unseen
from unrolled.models.tokenizers.subword_tokenizer import SubwordTokenizer
from unrolled.models.trace import ModelDescription
from unrolled.models.trace.description import UNTRAINED, Identity

LONGEST_SOURCE = 200  # pieces
MARK = "▁"            # of a piece that begins a word


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


class TranslatorStepper(DecoderStepper[Translator]):
    """The translator with its pieces, on one device; `languages` are from which into which, as ``en``, ``fr``."""

    def __init__(self, network: Translator, source_pieces: SubwordTokenizer, target_pieces: SubwordTokenizer, *,
                 languages: tuple[str, str] = ("", ""), device: str = "cpu", identity: Identity = UNTRAINED) -> None:
        super().__init__(network, suppressed_tokens=(target_pieces.start, target_pieces.unknown), device=device)
        self.source_pieces, self.target_pieces, self.languages = source_pieces, target_pieces, languages
        # The sentence's length is not known yet: the description speaks of one word, the reading of all.
        self._channels = cell_channels(network.config.cell, network.config.hidden)
        self.description = ModelDescription(
            **identity._asdict(), task="translation", channels=self._channels + attention_channels(("source",), (1,)),
            words=target_pieces.words, start_token=target_pieces.start, end_token=target_pieces.end,
            suppressed_tokens=tuple(self.suppressed_tokens),
            maximum_steps=LONGEST_SOURCE, parameters=sum(p.numel() for p in network.parameters()),
            encoder=f"{network.config.cell.upper()} that reads both ways",
            input_kind="sentence", detokenization="pieces")

    @torch.inference_mode()
    def read(self, given: str) -> EncodedInput[Memory]:
        """Read a sentence; several lines are read as one. Raises `InputError` when nothing is in it, or it has more than
        `LONGEST_SOURCE` pieces.
        """
        sentence, replaced = in_known_signs(" ".join(given.split()), self.source_pieces.knows)
        tokens = self.source_pieces.encode(sentence)
        if not tokens:
            raise InputError("There is no sentence to translate.")
        if len(tokens) > LONGEST_SOURCE:
            raise InputError(f"This sentence has {len(tokens):,} pieces of words, and {LONGEST_SOURCE} are the most that "
                             "can be read; translate it in parts.")
        names = self.source_pieces.names(sentence)
        notes = (*replaced, *unseen(name.removeprefix(MARK) for token, name in zip(tokens, names, strict=True)
                                    if token == self.source_pieces.unknown))
        source = torch.tensor([[*tokens, self.source_pieces.end]], device=self.device)              # (1, L)
        memory = self.network.memory(source, torch.tensor([source.shape[1]], device=self.device))
        length = source.shape[1]
        return EncodedInput(memory=memory._replace(mask=None),
                            channels=self._channels + attention_channels(("source",), (length,)),
                            source=(*names, self.source_pieces.words[self.source_pieces.end]),
                            maximum_steps=min(2 * length + 10, LONGEST_SOURCE), notes=notes, given_input=sentence)

    def reference(self) -> TranslatorReference:
        config, pieces = self.network.config, self.source_pieces
        return TranslatorReference(self.weights(), begin=config.begin, temperature=config.temperature,
                                   encode=lambda sentence: [*pieces.encode(sentence), pieces.end])
