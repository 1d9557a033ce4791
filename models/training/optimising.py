"""Small things that every training needs: the running average of weights, the learning rate's course, a report."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def running_average(network: nn.Module, decay: float, *, updates: int = 0) -> AveragedModel:
    """An average of a network's weights that keeps the share `decay` at an update, in the long run; at first it follows fast.

    It begins as after so many `updates`: of weights that are trained already it is slow from the first on.
    """
    def mixed(average: Tensor, new: Tensor, count: Tensor | int) -> Tensor:
        return average.lerp(new, 1 - min(decay, (1 + int(count)) / (10 + int(count))))

    made = AveragedModel(network, avg_fn=mixed)
    made.module.eval().requires_grad_(False)
    made.n_averaged.fill_(updates)
    return made


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
