"""The translator computed a second time: from its own names of weights, by torch's own modules and functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.reference.attentional import ReferenceAttentional, SentenceMemory
from unrolled.models.reference.layers import ReferenceLayers, both_ways
from unrolled.models.reference.protocol import Hook, State, Weights, doubled, under

ROWS = {4: "lstm", 3: "gru"}  # of the weights of h, for each unit


class JoeyNMTReference:
    """See `unrolled.models.reference.protocol.Reference`.

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
        self._weights, self._tokens, self._begin = own, tokens, begin
        self._tables = [own[f"{side}_embed.lut.weight"] * (math.sqrt(own[f"{side}_embed.lut.weight"].shape[1]) if scale else 1)
                        for side, scale in zip(("src", "trg"), scaled, strict=True)]
        self._encoder = both_ways(_kind(own["encoder.rnn.weight_hh_l0"]), under(own, "encoder.rnn"))
        layers = ReferenceLayers(_kind(own["decoder.rnn.weight_hh_l0"]), own, "decoder.rnn.")
        combine = own["decoder.att_vector_layer.weight"], own["decoder.att_vector_layer.bias"]
        fed = own["decoder.rnn.weight_ih_l0"].shape[1] != self._tables[1].shape[1]
        self._decoder = ReferenceAttentional(self._tables[1], layers, self._scores, combine,
                                             (own["decoder.output_layer.weight"], None), fed)

    @property
    def computed_by(self) -> tuple[str, ...]:
        return (f"nn.{type(self._encoder).__name__}", self._decoder.layers.name, "F.softmax over F.linear", "F.log_softmax")

    @property
    def state_names(self) -> tuple[str, ...]:
        return self._decoder.state_names

    def _scores(self, hidden: Tensor, features: Tensor) -> Tensor:
        weights = under(self._weights, "decoder.attention")
        keys = F.linear(features, weights["key_layer.weight"])
        if "energy_layer.weight" in weights:
            return F.linear(torch.tanh(F.linear(hidden, weights["query_layer.weight"]) + keys), weights["energy_layer.weight"]).T
        return hidden @ keys.T

    def read(self, given: str) -> SentenceMemory:
        features, last = self._encoder(F.embedding(torch.tensor(self._tokens(given)), self._tables[0]))
        hidden = last[0] if isinstance(last, tuple) else last
        top = torch.cat((hidden[-2], hidden[-1])).unsqueeze(0)                                 # (1, 2 hidden)
        size = len(self._decoder.combine[0])
        if self._begin == "bridge":
            bridge = under(self._weights, "decoder.bridge_layer")
            top = torch.tanh(F.linear(top, bridge["weight"], bridge["bias"]))
        begin = top[:, :size] if self._begin != "zero" else top.new_zeros(1, size)
        return SentenceMemory(features, (begin,) * len(self._decoder.layers.start()))

    def start(self, memory: SentenceMemory) -> State:
        return self._decoder.start(memory)

    def step(self, memory: SentenceMemory, state: State, token: int, number: int, hook: Hook) -> dict[str, Tensor]:
        return self._decoder.step(memory, state, token, hook)


def _kind(weight: Tensor) -> str:
    return ROWS[len(weight) // weight.shape[1]]
