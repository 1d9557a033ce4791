"""The first phase of training: captions with the true word before each (teacher forcing), cross-entropy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from unrolled.models.families.captioning.batches import Batch, GridOf, epoch_of_batches
from unrolled.models.families.captioning.losses import caption_losses
from unrolled.models.families.captioning.network import Captioner
from unrolled.models.families.captioning.options import TrainingOptions
from unrolled.models.training.recipe import config_of
from unrolled.models.training.updates import Task, UpdateOptions


class CrossEntropyTask(Task):
    """Every picture once an epoch; `captions` are each picture's as tokens, END last."""

    def __init__(self, network: Captioner, captions: Sequence[Sequence[Sequence[int]]], grid_of: GridOf,
                 options: TrainingOptions, *, start: int) -> None:
        self.network: Captioner = network
        self._captions, self._grid_of, self._options, self._start = captions, grid_of, options, start
        self._blocks = -(-len(captions) // options.pictures_per_batch)
        self._batches: tuple[int, list[Batch]] = -1, []

    @property
    def updates(self) -> UpdateOptions:
        own = self._options
        return config_of(UpdateOptions, own, updates=own.epochs * self._blocks, warm_up=max(self._blocks // 2, 1))

    def loss(self, update: int) -> tuple[Tensor, dict[str, float]]:
        """Cross-entropy in nats a word, and what shapes the attention."""
        options = self._options
        epoch, block = divmod(update, self._blocks)
        if self._batches[0] != epoch:
            self._batches = epoch, list(epoch_of_batches(
                self._captions, start=self._start, size=options.pictures_per_batch, flips=options.flips,
                random=np.random.default_rng((options.seed, epoch))))
        batch = self._batches[1][block]
        losses = caption_losses(self.network, self._grid_of(batch.pictures, batch.flipped), batch,
                                label_smoothing=options.label_smoothing, penalties=options.penalties)
        # Maps are shaped from the second half epoch on, when there is something to look for.
        shaping = min(max(update / self._blocks - 0.5, 0.0), 1.0)
        return losses.total(shaping), {"loss": losses.words.item(), "entropy": losses.entropy.item(),
                                       "change": losses.change.item()}
