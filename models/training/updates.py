"""A training of so many updates, which can be saved between any two of them and taken up again.

What differs between models is where a batch comes from and what its loss is; that is a `Task`. The batch of an update
depends on the seed and the update's number alone, so that a training that was interrupted sees the same ones.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Protocol

import msgspec
import torch
from torch import Tensor, nn

from unrolled.models.checkpoints.files import FORMAT_VERSION, Card, Header, save_checkpoint
from unrolled.models.training.optimising import Report, learning_rate_at, parameter_groups, running_average
from unrolled.models.training.recipe import Request
from unrolled.models.training.resuming import ResumeFile


class UpdateOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a network is updated."""

    updates: int                  # how many
    # learning_rate, weight_decay: of AdamW; the rate rises over the first `warm_up` updates and falls to nearly nothing as a
    # cosine
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    warm_up: int = 300
    clip_norm: float = 1.0        # the gradient's longest norm
    average_decay: float = 0.998  # of the running average of the weights, which is what is kept
    seed: int = 1                 # of weights, order and dropout
    threads: int = 0              # of the CPU; 0 leaves PyTorch's own choice
    half: bool = True             # matrices are multiplied in bfloat16 where the processor is made for it; sums stay in float32


class Task(Protocol):
    """What is learned: `network` is trained in place."""

    network: nn.Module

    def loss(self, update: int) -> tuple[Tensor, dict[str, float]]:
        """The loss of an update's batch, and what to show beside it."""

    def rate(self, update: int, options: UpdateOptions) -> float:
        return learning_rate_at(update, updates=options.updates, warm_up=options.warm_up, peak=options.learning_rate)

    def state(self) -> dict[str, Any]:
        """What else is needed to go on, tensors and numbers; nothing where a batch depends on the update's number alone."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        return


SECONDS_BETWEEN_SAVES = 60.0


class Updates:
    """The loop.

    Parameters
    ----------
    request : Request
        Beside its checkpoint a file keeps where the training is.
    about : Struct, optional
        What a training must have been asked for to be taken up again; the options by default.
    phase : str
        What it is called in reports.
    averaged : int
        See `running_average`.
    """

    def __init__(self, task: Task, options: UpdateOptions, request: Request, *, about: msgspec.Struct | None = None,
                 phase: str = "training", averaged: int = 0) -> None:
        self._task, self._options, self._request, self._phase = task, options, request, phase
        if options.threads:
            torch.set_num_threads(options.threads)
        self.average = running_average(task.network, options.average_decay, updates=averaged)
        self._optimiser = torch.optim.AdamW(parameter_groups(task.network, options.weight_decay),
                                            lr=options.learning_rate, betas=(0.9, 0.98))
        self._file = ResumeFile.of(request, about or options, phase)
        self.update = 0
        saved = self._file.read(request.device)
        if saved:
            with self._file.taking_up():
                self._restore(saved)

    def run(self) -> Iterator[Report]:
        """Train to the end; a report after each update."""
        options, network = self._options, self._task.network
        means: dict[str, float] = {}
        saved_at = time.monotonic()
        while self.update < options.updates:
            network.train()
            torch.manual_seed(options.seed * 1_000_003 + self.update)
            for group in self._optimiser.param_groups:
                group["lr"] = self._task.rate(self.update, options)
            with torch.autocast(self._request.device.partition(":")[0], dtype=torch.bfloat16, enabled=options.half):
                loss, shown = self._task.loss(self.update)
            self._optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            norm = nn.utils.clip_grad_norm_(network.parameters(), options.clip_norm)
            if torch.isfinite(norm):  # a batch that overflowed teaches nothing
                self._optimiser.step()
                self.average.update_parameters(network)
            self.update += 1
            new = {**shown, "gradient": norm.item()}
            means = {key: 0.98 * means.get(key, value) + 0.02 * value for key, value in new.items()}
            yield Report(self.update, options.updates, means, self._phase)
            if time.monotonic() - saved_at > SECONDS_BETWEEN_SAVES:
                self.save()
                saved_at = time.monotonic()

    def save(self) -> None:
        self._file.write({"update": self.update, "network": self._task.network.state_dict(),
                          "average": self.average.state_dict(), "optimiser": self._optimiser.state_dict(),
                          "task": self._task.state()})

    def finish(self, config: dict[str, Any], words: tuple[str, ...], card: Card, *, encoder: str = "",
               encoder_hash: str = "") -> None:
        """Write the checkpoint, of the weights' running average."""
        header = Header(version=FORMAT_VERSION, model=self._request.model, config=config, words=words, encoder=encoder,
                        encoder_hash=encoder_hash, card=card)
        save_checkpoint(self._request.output, header, self.average.module.state_dict())
        self.forget()

    def forget(self) -> None:
        self._file.remove()

    def _restore(self, saved: dict[str, Any]) -> None:
        self.update = saved["update"]
        self._task.network.load_state_dict(saved["network"])
        self.average.load_state_dict(saved["average"])
        self._optimiser.load_state_dict(saved["optimiser"])
        self._task.restore(saved["task"])
