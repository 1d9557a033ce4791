"""The model computed a second time, from its own names of weights, by torch's own cells."""

from __future__ import annotations

import string

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.reference.layers import ReferenceLayers
from unrolled.models.reference.protocol import Hook, State, Weights, doubled
from unrolled.models.tokenizers.plain_signs import in_known_signs


class CharRNNReference:
    """See `unrolled.models.reference.protocol.Reference`."""

    def __init__(self, weights: Weights, *, kind: str) -> None:
        self._weights = doubled(weights)
        self._layers = ReferenceLayers(kind, self._weights, "rnn." if "rnn.weight_hh_l0" in weights else "gru.")

    @property
    def computed_by(self) -> tuple[str, ...]:
        return (self._layers.name, "F.log_softmax")

    @property
    def state_names(self) -> tuple[str, ...]:
        return self._layers.state_names

    def read(self, given: str) -> int:
        """The number of the first character, which the first step reads."""
        text, _ = in_known_signs(given, string.printable.__contains__)
        return next(string.printable.index(own) for own in text if own in string.printable)

    def start(self, memory: int) -> State:
        return self._layers.start()

    def step(self, memory: int, state: State, token: int, number: int, hook: Hook) -> dict[str, Tensor]:
        read = torch.tensor([memory if number == 0 else token])
        vector = hook("word_vector", F.embedding(read, self._weights["encoder.weight"]))
        hidden, found = self._layers.step(vector, state, hook)
        logits = hook("logits", F.linear(hidden, self._weights["decoder.weight"], self._weights["decoder.bias"]))
        return {name: value.flatten() for name, value in (found | {"log_probs": F.log_softmax(logits, dim=-1)}).items()}
