"""The one face of every model that can be stepped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from PIL import Image
from torch import Tensor

from unrolled.models.trace import ModelDescription

MemoryT = TypeVar("MemoryT")
StateT = TypeVar("StateT")


@dataclass(frozen=True, slots=True)
class StepRecord:
    """What a step gives, for K hypotheses: one tensor, so that one copy brings all of it to the host.

    Attributes
    ----------
    packed : Tensor, shape (K, vocabulary + total)
        The log-probabilities of the next word (natural logarithm; what can never be written has minus infinity), then
        all channels, one after another in the description's order.
    vocabulary : int
        How many words there are.
    """

    packed: Tensor
    vocabulary: int

    @property
    def log_probs(self) -> Tensor:
        """Of the next word, (K, vocabulary); a view."""
        return self.packed[:, : self.vocabulary]

    @property
    def values(self) -> Tensor:
        """All channels, (K, total); a view."""
        return self.packed[:, self.vocabulary :]


class Stepper(Protocol, Generic[MemoryT, StateT]):
    """A model: encode an input once, then step. State is a value, so that any step can be taken again from any state."""

    @property
    def description(self) -> ModelDescription:
        """What it records, and its words."""
        ...

    def encode(self, picture: Image.Image) -> MemoryT:
        """Read an input."""
        ...

    def start(self, memory: MemoryT) -> StateT:
        """The state before the first word, one hypothesis."""
        ...

    def step(self, memory: MemoryT, state: StateT, tokens: Sequence[int]) -> tuple[StateT, StepRecord]:
        """Read the token before, one for each hypothesis, and give the new state and the record."""
        ...

    def select(self, state: StateT, rows: Tensor) -> StateT:
        """The state of hypotheses whose parents are in these rows."""
        ...
