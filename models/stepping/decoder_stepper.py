"""What the steppers of all models with the recurrent decoder have in common: everything but how an input is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import torch
from torch import Tensor

from unrolled.models.cells import CellState
from unrolled.models.cells.decoder import Memory, RecurrentDecoder
from unrolled.models.cells.hook import Hook, identity
from unrolled.models.reference.protocol import Weights
from unrolled.models.stepping.beam import select_rows
from unrolled.models.stepping.recording import DecoderRecorder
from unrolled.models.stepping.stepper import StepRecord, Structure

NetworkT = TypeVar("NetworkT", bound=RecurrentDecoder)


class DecoderStepper(Generic[NetworkT]):
    """A decoder on one device, made ready to be stepped; `suppressed_tokens` are never chosen, however probable."""

    def __init__(self, network: NetworkT, *, suppressed_tokens: Sequence[int], device: str) -> None:
        self.device = torch.device(device)
        self.network: NetworkT = network.to(self.device).eval().requires_grad_(False)
        self.suppressed_tokens: Sequence[int] = tuple(suppressed_tokens)
        self.weights: Callable[[], Weights] = self.network.state_dict
        self.draw: Callable[[int], tuple[bytes, str]] | None = None
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

    def select(self, state: CellState, rows: Tensor) -> CellState:
        return select_rows(state, rows)
