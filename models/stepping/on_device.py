"""What every stepper of a network of ours or of a checkpoint holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from unrolled.models.reference.protocol import Weights
from unrolled.models.stepping.beam import select_rows
from unrolled.models.trace import ModelDescription

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
