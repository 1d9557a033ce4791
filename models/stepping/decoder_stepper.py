"""What the steppers of all models with the recurrent decoder have in common: everything but how an input is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from torch import Tensor

from unrolled.models.cells import CellState
from unrolled.models.cells.decoder import Memory, RecurrentDecoder
from unrolled.models.cells.hook import Hook, identity
from unrolled.models.stepping.network_stepper import OnDevice
from unrolled.models.stepping.recording import DecoderRecorder
from unrolled.models.stepping.stepper import StepRecord, Structure

DecoderT = TypeVar("DecoderT", bound=RecurrentDecoder)


class DecoderStepper(OnDevice[DecoderT]):
    """A recurrent decoder."""

    def __init__(self, network: DecoderT, *, suppressed_tokens: Sequence[int], device: str) -> None:
        super().__init__(network, device=device, suppressed_tokens=suppressed_tokens)
        self._recorder = DecoderRecorder(self.network)

    def start(self, memory: Memory) -> CellState:
        return self.network.start(memory)

    def step(self, memory: Memory, state: CellState, tokens: Sequence[int],
             hook: Hook = identity) -> tuple[CellState, StepRecord]:
        return self._recorder.step(memory, state, tokens, hook)

    @property
    def structure(self) -> Structure:
        sizes = self.network.embed.embedding_dim, self.network.deepen.in_features - self.network.cell.hidden_size
        return Structure(self.network.cell, (("word", sizes[0]), ("context", sizes[1])), self.network.attend)

    def differentiable(self, memory: Memory, rows: int) -> tuple[Memory, Tensor]:
        """A memory for so many rows at once, and its vectors h_j (rows, L, features), which gradients can be taken by."""
        features = memory.features.expand(rows, -1, -1).clone().requires_grad_()
        return self.network.remember(features, memory.mask), features
