"""Small things that every training needs: the running average of weights, the learning rate's course, a report."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn


class RunningAverage:
    """An average of a network's weights that keeps the share `decay` at an update, in the long run; at first it follows fast."""

    def __init__(self, network: nn.Module, decay: float, updates: int = 0) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self._decay = decay
        self.updates = updates

    def update(self, network: nn.Module) -> None:
        self.updates += 1
        decay = min(self._decay, (1 + self.updates) / (10 + self.updates))
        with torch.no_grad():
            for average, new in zip(self.network.parameters(), network.parameters(), strict=True):
                average.lerp_(new, 1 - decay)
            for kept, buffer in zip(self.network.buffers(), network.buffers(), strict=True):
                kept.copy_(buffer)


@dataclass(frozen=True, slots=True)
class Report:
    """Where training is: the update's number, of how many, some means to show, and the phase's name."""

    update: int
    updates: int
    means: dict[str, float]
    phase: str = "training"


def learning_rate_at(update: int, *, updates: int, warm_up: int, peak: float) -> float:
    """A straight rise over `warm_up` updates, then a cosine to a hundredth of the peak."""
    if update < warm_up:
        return peak * (update + 1) / warm_up
    done = (update - warm_up) / max(updates - warm_up, 1)
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))


def parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Matrices decay; biases do not."""
    matrices = [p for p in network.parameters() if p.ndim > 1]
    rest = [p for p in network.parameters() if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]
