"""The first phase of training: the true captions, word after word, by cross-entropy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from unrolled.models.families.captioning.batches import GridOf, epoch_of_batches, number_of_batches
from unrolled.models.families.captioning.losses import caption_losses
from unrolled.models.families.captioning.network import Captioner
from unrolled.models.families.captioning.options import TrainingOptions
from unrolled.models.families.captioning.pointing import Pointing
from unrolled.models.training.optimising import Report, RunningAverage, learning_rate_at, parameter_groups


class CrossEntropyPhase:
    """The state of the phase, between any two epochs of which it can be saved and taken up again.

    Parameters
    ----------
    network : Captioner
        Trained in place.
    captions : sequence
        For every picture its captions as tokens, END last.
    grid_of : GridOf
        Where features come from.
    pointing : Pointing, optional
        What teaches attention where to look.
    """

    def __init__(self, network: Captioner, captions: Sequence[Sequence[Sequence[int]]], grid_of: GridOf,
                 options: TrainingOptions, *, start: int, pointing: Pointing | None = None) -> None:
        self.network, self.options = network, options
        self.average = RunningAverage(network, options.average_decay)
        self.optimiser = torch.optim.AdamW(parameter_groups(network, options.weight_decay),
                                           lr=options.learning_rate, betas=(0.9, 0.98))
        self.epoch = 0
        self._captions, self._grid_of, self._start, self._pointing = captions, grid_of, start, pointing
        self._batches = number_of_batches(len(captions), options.pictures_per_batch)

    @property
    def finished(self) -> bool:
        return self.epoch >= self.options.epochs

    def run_epoch(self) -> Iterator[Report]:
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
            grid = self._grid_of(batch.pictures, batch.flipped)
            with torch.autocast(grid.device.type, dtype=torch.bfloat16, enabled=options.half):
                losses = caption_losses(self.network, grid, batch, label_smoothing=options.label_smoothing,
                                        penalties=options.penalties, pointing=self._pointing)
            # Maps are shaped from the second half epoch on, when there is something to look for.
            shaping = min(max(update / self._batches - 0.5, 0.0), 1.0)
            self.optimiser.zero_grad(set_to_none=True)
            losses.total(shaping).backward()  # type: ignore[no-untyped-call]
            norm = nn.utils.clip_grad_norm_(self.network.parameters(), options.clip_norm)
            self.optimiser.step()
            self.average.update(self.network)
            new = {"loss": losses.words.item(), "entropy": losses.entropy.item(), "change": losses.change.item(),
                   "pointing": losses.pointing.item(), "gradient": norm.item()}
            means = {key: 0.98 * means.get(key, value) + 0.02 * value for key, value in new.items()}
            yield Report(update + 1, updates, means, "captions")
        self.epoch += 1

    def state(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "network": self.network.state_dict(), "average": self.average.network.state_dict(),
                "average_updates": self.average.updates, "optimiser": self.optimiser.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        self.epoch = state["epoch"]
        self.network.load_state_dict(state["network"])
        self.average.network.load_state_dict(state["average"])
        self.average.updates = state["average_updates"]
        self.optimiser.load_state_dict(state["optimiser"])
