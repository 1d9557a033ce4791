"""What steppers have in common: their network on its device; and those whose network takes the step, which is packed here."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from unrolled.models.cells import CellState
from unrolled.models.cells.hook import Hook, identity, joined
from unrolled.models.checkpoints.files import CheckpointError
from unrolled.models.reference.protocol import Reference, Weights
from unrolled.models.stepping.choosing import select_rows
from unrolled.models.stepping.stepper import StepRecord, Structure
from unrolled.models.trace import ModelDescription


class SteppedNetwork(Protocol):
    @property
    def structure(self) -> Structure:
        """What a step is made of."""

    def start(self, memory: Any) -> CellState:
        """The state before the first step, each tensor (1, 1, …)."""

    def step(self, memory: Any, state: CellState, words: Tensor, hook: Hook) -> tuple[CellState, Tensor, tuple[Tensor, ...]]:
        """Read words (1, K): the new state, the logits (1, K, V), and all channels in their order, each (1, K or 1, …)."""


def entropy_of(weights: Tensor) -> Tensor:
    """Of attention (…, L), as a fraction of even attention's: (…, 1)."""
    sums: Tensor = torch.special.entr(weights).sum(dim=-1, keepdim=True)
    return sums / math.log(max(weights.shape[-1], 2))


NetworkT = TypeVar("NetworkT", bound=nn.Module)


class OnDevice(Generic[NetworkT]):
    """A network on one device, made ready to be stepped; `suppressed_tokens` are never chosen, however probable."""

    description: ModelDescription

    def __init__(self, network: NetworkT, *, device: str, suppressed_tokens: Sequence[int] = ()) -> None:
        self.device = torch.device(device)
        self.network: NetworkT = network.to(self.device).eval().requires_grad_(False)
        self.suppressed_tokens: Sequence[int] = tuple(suppressed_tokens)
        self.weights: Callable[[], Weights] = self.network.state_dict
        self.draw: Callable[[int], tuple[bytes, str]] | None = None

    def select(self, state: Any, rows: Tensor) -> Any:
        return select_rows(state, rows)


class NetworkStepper(OnDevice[NetworkT]):
    """A network that takes its steps itself, as a `SteppedNetwork`."""

    @property
    def _stepped(self) -> SteppedNetwork:
        network: Any = self.network
        stepped: SteppedNetwork = network
        return stepped

    def start(self, memory: Any) -> CellState:
        return self._stepped.start(memory)

    def step(self, memory: Any, state: CellState, tokens: Sequence[int],
             hook: Hook = identity) -> tuple[CellState, StepRecord]:
        words = torch.tensor([list(tokens)], device=self.device)                               # (1, K)
        state, logits, channels = self._stepped.step(memory, state, words, hook)
        log_probs = torch.log_softmax(logits, dim=-1)
        return state, StepRecord(joined(log_probs, *channels).flatten(0, 1), logits.shape[-1])

    @property
    def structure(self) -> Structure:
        return self._stepped.structure

    def differentiable(self, memory: Any, rows: int) -> tuple[Any, Tensor | None]:
        """No vectors are looked at; a family whose models look at some has its own."""
        return memory, None

    def reference(self) -> Reference:
        """There is none, unless a family has its own. Raises `CheckpointError`, which says so."""
        raise CheckpointError(f"“{self.description.title}” comes without a second computation to be compared with.")
