"""The first phase of training: the true captions, word after word, by cross-entropy."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from unrolled.models.captioning.attend_lstm import AttendLSTM
from unrolled.models.training.batches import epoch_of_batches, number_of_batches
from unrolled.models.training.losses import caption_losses
from unrolled.models.training.options import TrainingOptions

GridOf = Callable[[npt.NDArray[np.int64], npt.NDArray[np.int64]], Tensor]
"""Places of pictures and whether each is mirrored → the encoder's features, (P, L, encoder_features)."""


class RunningAverage:
    """An exponential average of a network's weights; at first it follows fast.

    Parameters
    ----------
    network : Module
    decay : float
        The share of the old average that an update keeps, in the long run.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self._decay = decay
        self.updates = 0

    def update(self, network: nn.Module) -> None:
        """Take in the network's weights."""
        self.updates += 1
        decay = min(self._decay, (1 + self.updates) / (10 + self.updates))
        with torch.no_grad():
            for average, new in zip(self.network.parameters(), network.parameters(), strict=True):
                average.lerp_(new, 1 - decay)


@dataclass(frozen=True, slots=True)
class Report:
    """Where training is: the update's number, of how many, and some means to show."""

    update: int
    updates: int
    means: dict[str, float]


def learning_rate_at(update: int, *, updates: int, warm_up: int, peak: float) -> float:
    """A straight rise over `warm_up` updates, then a cosine to a hundredth of the peak."""
    if update < warm_up:
        return peak * (update + 1) / warm_up
    done = (update - warm_up) / max(updates - warm_up, 1)
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))


class CrossEntropyPhase:
    """The state of the phase, between any two epochs of which it can be saved and taken up again.

    Parameters
    ----------
    network : AttendLSTM
        Trained in place.
    captions : sequence
        For every picture its captions as tokens, END last.
    grid_of : GridOf
        Where features come from.
    """

    def __init__(self, network: AttendLSTM, captions: Sequence[Sequence[Sequence[int]]], grid_of: GridOf,
                 options: TrainingOptions, *, start: int) -> None:
        self.network, self.options = network, options
        self.average = RunningAverage(network, options.average_decay)
        self.optimiser = torch.optim.AdamW(_parameter_groups(network, options.weight_decay),
                                           lr=options.learning_rate, betas=(0.9, 0.98))
        self.epoch = 0
        self._captions, self._grid_of, self._start = captions, grid_of, start
        self._batches = number_of_batches(len(captions), options.pictures_per_batch)

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return self.epoch >= self.options.epochs

    def run_epoch(self) -> Iterator[Report]:
        """Train for one epoch; a report after each update."""
        options = self.options
        random = np.random.default_rng((options.seed, self.epoch))
        torch.manual_seed(options.seed * 1000 + self.epoch)
        updates = self._batches * options.epochs
        means: dict[str, float] = {}
        self.network.train()
        batches = epoch_of_batches(self._captions, start=self._start, size=options.pictures_per_batch,
                                   flips=options.flips, random=random)
        for number, batch in enumerate(batches):
            update = self.epoch * self._batches + number
            rate = learning_rate_at(update, updates=updates, warm_up=max(self._batches // 2, 1), peak=options.learning_rate)
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            losses = caption_losses(self.network, self._grid_of(batch.pictures, batch.flipped), batch,
                                    label_smoothing=options.label_smoothing, penalties=options.penalties)
            # Maps are shaped from the second half epoch on, when there is something to look for.
            shaping = min(max(update / self._batches - 0.5, 0.0), 1.0)
            self.optimiser.zero_grad(set_to_none=True)
            losses.total(shaping).backward()  # type: ignore[no-untyped-call]
            norm = nn.utils.clip_grad_norm_(self.network.parameters(), options.clip_norm)
            self.optimiser.step()
            self.average.update(self.network)
            new = {"loss": losses.words.item(), "entropy": losses.entropy.item(), "change": losses.change.item(),
                   "gradient": norm.item()}
            means = {key: 0.98 * means.get(key, value) + 0.02 * value for key, value in new.items()}
            yield Report(update + 1, updates, means)
        self.epoch += 1

    def state(self) -> dict[str, Any]:
        """What is needed to go on from here: tensors and numbers."""
        return {"epoch": self.epoch, "network": self.network.state_dict(), "average": self.average.network.state_dict(),
                "average_updates": self.average.updates, "optimiser": self.optimiser.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.epoch = state["epoch"]
        self.network.load_state_dict(state["network"])
        self.average.network.load_state_dict(state["average"])
        self.average.updates = state["average_updates"]
        self.optimiser.load_state_dict(state["optimiser"])


def _parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Matrices decay; biases do not."""
    matrices = [p for p in network.parameters() if p.ndim > 1]
    rest = [p for p in network.parameters() if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]
