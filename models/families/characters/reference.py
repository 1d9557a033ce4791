"""A character model computed a second time."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.reference.cell import ReferenceCell
from unrolled.models.reference.protocol import Hook, State, Weights, doubled, under


class CharacterReference:
    """See `unrolled.models.reference.protocol.Reference`."""

    def __init__(self, weights: Weights, *, kind: str) -> None:
        self._weights = doubled(weights)
        self._cell = ReferenceCell(kind, under(self._weights, "cell"))

    @property
    def computed_by(self) -> tuple[str, ...]:
        return (self._cell.name, "F.log_softmax")

    @property
    def state_names(self) -> tuple[str, ...]:
        return self._cell.state_names

    def read(self, given: str) -> None:
        """There is nothing that every step looks at."""

    def start(self, memory: None) -> State:
        return self._cell.start()

    def step(self, memory: None, state: State, token: int, number: int, hook: Hook) -> dict[str, Tensor]:
        vector = hook("word_vector", F.embedding(torch.tensor([token]), self._weights["embed.weight"]))
        found = self._cell.step(vector, state, hook)
        logits = hook("logits", F.linear(found["hidden"], self._weights["score.weight"], self._weights["score.bias"]))
        return {name: value.flatten() for name, value in (found | {"log_probs": F.log_softmax(logits, dim=-1)}).items()}
