"""The translator computed a second time: from its own names of weights, by torch's own modules and functions."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.reference.cell import both_ways
from unrolled.models.reference.decoder import ReferenceAttentional, SentenceMemory
from unrolled.models.reference.protocol import Weights, doubled, under


class JoeyNMTReference(ReferenceAttentional):
    """See `ReferenceAttentional`.

    Parameters
    ----------
    tokens : callable
        Gives a sentence's numbers, END last.
    begin : {'bridge', 'last', 'zero'}
    scaled : tuple of bool
        Whether the source's and the target's word vectors are multiplied by the root of their length.
    """

    def __init__(self, weights: Weights, *, tokens: Callable[[str], Sequence[int]], begin: str,
                 scaled: tuple[bool, bool]) -> None:
        own = doubled(under(weights, "model_state"))
        for table, scale in zip(("src_embed.lut.weight", "trg_embed.lut.weight"), scaled, strict=True):
            own[table] *= math.sqrt(own[table].shape[1]) if scale else 1
        self._encoder, self._tokens, self._begin = both_ways(under(own, "encoder.rnn")), tokens, begin
        super().__init__(own, f"nn.{type(self._encoder).__name__}", cells="decoder.rnn.", table="trg_embed.lut",
                         combine="decoder.att_vector_layer", words="decoder.output_layer")

    def scores(self, hidden: Tensor, features: Tensor) -> Tensor:
        keys = self.linear("decoder.attention.key_layer", features)
        if "decoder.attention.energy_layer.weight" in self.weights:
            query = self.linear("decoder.attention.query_layer", hidden)
            return self.linear("decoder.attention.energy_layer", torch.tanh(query + keys)).T
        return hidden @ keys.T

    def read(self, given: str) -> SentenceMemory:
        features, last = self._encoder(F.embedding(torch.tensor(self._tokens(given)), self.weights["src_embed.lut.weight"]))
        hidden = last[0] if isinstance(last, tuple) else last
        top = torch.cat((hidden[-2], hidden[-1])).unsqueeze(0)                                 # (1, 2 hidden)
        if self._begin == "bridge":
            top = torch.tanh(self.linear("decoder.bridge_layer", top))
        begin = top[:, : self.size] if self._begin != "zero" else top.new_zeros(1, self.size)
        return SentenceMemory(features, (begin,) * len(self.cells.start()))
