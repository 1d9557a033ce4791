"""JoeyNMT's recurrent translator in our own cells.

An LSTM or GRU reads the sentence both ways; its last states, through a layer (``bridge``), as they are (``last``) or not at
all (``zero``), are the decoder's first. Attention is Bahdanau's, e = v · tanh(W_k h + W_q s), or Luong's, e = s · W_k h,
and asks with the new state.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from unrolled.models.cells import CellState
from unrolled.models.checkpoints.files import misfit
from unrolled.models.checkpoints.fitting import fitted, renamed
from unrolled.models.families.joey_nmt.settings import nested
from unrolled.models.stepping.attentional import AttentionalConfig, AttentionalDecoder
from unrolled.models.stepping.layers import kind_of, layer_count, layer_names, layer_weights

ENCODER = {"embed.": "src_embed.lut.", "rnn.": "encoder.rnn.", "bridge.": "decoder.bridge_layer."}
DECODER = {"embed.": "trg_embed.lut.", "combine.": "decoder.att_vector_layer.", "score.": "decoder.output_layer.",
           "attend.features_to_size.": "decoder.attention.key_layer.", "attend.score.": "decoder.attention.energy_layer.",
           "attend.hidden_to_size.": "decoder.attention.query_layer."}


class SentenceReader(nn.Module):
    """What reads a sentence, and makes the decoder's first state."""

    def __init__(self, *, kind: str, vocabulary: int, embedding: int, hidden: int, layers: int, begin: str,
                 decoder: AttentionalConfig) -> None:
        super().__init__()
        self.decoder, self.begin = decoder, begin
        self.embed = nn.Embedding(vocabulary, embedding)
        self.rnn = (nn.LSTM if kind == "lstm" else nn.GRU)(embedding, hidden, layers, bidirectional=True)
        self.bridge = nn.Linear(2 * hidden, decoder.hidden) if begin == "bridge" else None
        self.eval().requires_grad_(False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (L,) → the states of both directions, (1, L, 2 · hidden)."""
        states: Tensor = self.rnn(self.embed(tokens))[0]
        return states.unsqueeze(0)

    def first_state(self, features: Tensor) -> CellState:
        """The same for every layer, from h_j (P, L, 2 · hidden): each direction's state is where it has read everything."""
        half = features.shape[-1] // 2
        last = torch.cat((features[:, -1, :half], features[:, 0, half:]), dim=-1)              # (P, 2 hidden)
        if self.bridge is not None:
            begin = torch.tanh(self.bridge(last))                                              # (P, decoder's hidden)
        elif self.begin == "last":
            begin = last[:, : self.decoder.hidden]
        else:
            begin = last.new_zeros(len(last), self.decoder.hidden)
        return (begin.unsqueeze(1),) * (self.decoder.layers * (2 if self.decoder.cell == "lstm" else 1))


def decoder_of(path: Path, theirs: Mapping[str, Tensor], settings: Mapping[str, Any]) -> AttentionalDecoder:
    """From all weights but the encoder's. Raises `CheckpointError`."""
    table, reading = theirs["trg_embed.lut.weight"], theirs.get("decoder.rnn.weight_ih_l0")
    kind = kind_of(theirs, "decoder.rnn.", ("lstm", "gru"))
    keys = theirs["decoder.attention.key_layer.weight"]
    if table.ndim != 2 or keys.ndim != 2 or not kind or reading is None or reading.ndim != 2:
        raise misfit(path, "its decoder is not an LSTM or GRU over words")
    hidden, embedding, features = theirs["decoder.rnn.weight_hh_l0"].shape[1], table.shape[1], keys.shape[1]
    config = AttentionalConfig(kind, layer_count(theirs, "decoder.rnn."), len(table), embedding, hidden, features,
                               fed=reading.shape[1] != embedding, bias=False,
                               attention=len(keys) if "decoder.attention.energy_layer.weight" in theirs else 0)
    own = {name: value for name, value in theirs.items()
           if name.startswith(("trg_embed.", "decoder.")) and not name.startswith(("decoder.rnn.", "decoder.bridge_layer."))}
    weights = renamed(path, own, DECODER) | layer_weights(theirs, "decoder.rnn.", "layers.")
    weights["attend.features_to_size.bias"] = torch.zeros(len(keys))
    if nested(settings, "model", "decoder", "embeddings", "scale"):
        weights["embed.weight"] = weights["embed.weight"] * math.sqrt(embedding)
    told = layer_names(config.layers, "decoder.rnn.", "layers.") | DECODER
    return fitted(path, lambda: AttentionalDecoder(config), weights, told)


def reader_of(path: Path, theirs: Mapping[str, Tensor], settings: Mapping[str, Any],
              decoder: AttentionalConfig) -> SentenceReader:
    """From the encoder's weights and the bridge. Raises `CheckpointError`."""
    table, kind = theirs["src_embed.lut.weight"], kind_of(theirs, "encoder.rnn.", ("lstm", "gru"))
    if table.ndim != 2 or not kind:
        raise misfit(path, "its encoder is not an LSTM or GRU over words")
    hidden = theirs["encoder.rnn.weight_hh_l0"].shape[1]
    named = nested(settings, "model", "decoder", "init_hidden")
    begin = "bridge" if "decoder.bridge_layer.weight" in theirs else "last" if named == "last" else "zero"
    if begin == "last" and decoder.hidden not in (hidden, 2 * hidden):
        raise misfit(path, f"an encoder's {hidden} units cannot be its decoder's {decoder.hidden}")
    own = {name: value for name, value in theirs.items()
           if name.startswith(("src_embed.", "encoder.", "decoder.bridge_layer."))}
    weights = renamed(path, own, ENCODER)
    if nested(settings, "model", "encoder", "embeddings", "scale"):
        weights["embed.weight"] = weights["embed.weight"] * math.sqrt(table.shape[1])
    return fitted(path, lambda: SentenceReader(
        kind=kind, vocabulary=len(table), embedding=table.shape[1], hidden=hidden, layers=layer_count(theirs, "encoder.rnn."),
        begin=begin, decoder=decoder), weights, ENCODER)
