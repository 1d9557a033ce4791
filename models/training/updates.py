"""A training of so many updates, which can be saved between any two of them and taken up again.

What differs between models is where a batch comes from and what its loss is; that is a `Task`. The batch of an update
depends on the seed and the update's number alone, so that a training that was interrupted sees the same ones.
"""

import math
import pickle
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import msgspec
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from unrolled.models.checkpoints.files import FORMAT_VERSION, Card, CheckpointError, Header, save_checkpoint
from unrolled.models.trace.atomic import atomic_write
from unrolled.models.training.recipe import TrainingReport, TrainingRequest


class UpdateOptions(msgspec.Struct, frozen=True, kw_only=True):
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
    request : TrainingRequest
        Beside its checkpoint a file keeps where the training is.
    about : Struct, optional
        What a training must have been asked for to be taken up again; the options by default.
    phase : str
        What it is called in reports.
    averaged : int
        See `running_average`.
    """

    def __init__(self, task: Task, options: UpdateOptions, request: TrainingRequest, *, about: msgspec.Struct | None = None,
                 phase: str = "training", averaged: int = 0) -> None:
        self._task, self._options, self._request, self._phase = task, options, request, phase
        if options.threads:
            torch.set_num_threads(options.threads)
        self.average = running_average(task.network, options.average_decay, updates=averaged)
        self._optimiser = torch.optim.AdamW(parameter_groups(task.network, options.weight_decay),
                                            lr=options.learning_rate, betas=(0.9, 0.98))
        self._file = ResumeFile(request, about or options, phase)
        self.update = 0
        saved = self._file.read(request.device)
        if saved:
            with self._file.taking_up():
                self._restore(saved)

    def run(self) -> Iterator[TrainingReport]:
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
            yield TrainingReport(self.update, options.updates, means, self._phase)
            if time.monotonic() - saved_at > SECONDS_BETWEEN_SAVES:
                self.save()
                saved_at = time.monotonic()

    def save(self) -> None:
        self._file.write({"update": self.update, "network": self._task.network.state_dict(),
                          "average": self.average.state_dict(), "optimiser": self._optimiser.state_dict(),
                          "task": self._task.state()})

    def finish(self, config: msgspec.Struct, words: tuple[str, ...], card: Card, *, encoder: str = "", encoder_hash: str = "",
               more: Mapping[str, str] | None = None) -> None:
        """Write the checkpoint, of the weights' running average; `more` stands beside the network's lengths."""
        lengths = msgspec.structs.asdict(config) | dict(more or {})
        header = Header(version=FORMAT_VERSION, model=self._request.model, config=lengths, words=words, encoder=encoder,
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


class ResumeFile:
    """``NAME.PHASE.resume`` beside the checkpoint that a training will write. What a training of another model or with other
    options left is refused; the same data may lie in another folder.
    """

    def __init__(self, request: TrainingRequest, options: msgspec.Struct, phase: str) -> None:
        self._path = request.output.with_name(f"{request.output.name}.{phase}.resume")
        self._about = f"{request.model} {msgspec.json.encode(options).decode()}"

    def read(self, device: str = "cpu") -> dict[str, Any]:
        """What an interrupted training left; nothing where there was none. Raises `CheckpointError` when it is damaged, or of
        a training that was asked for in other words.
        """
        if not self._path.is_file():
            return {}
        try:
            saved: dict[str, Any] = torch.load(self._path, map_location=device, weights_only=True)
            if not isinstance(saved, dict):
                raise TypeError("The outermost object is not a dictionary.")
        except (RuntimeError, OSError, pickle.UnpicklingError, EOFError, TypeError) as error:
            raise self._damaged() from error
        if saved.get("options") != self._about:
            raise CheckpointError(f"“{self._path}” is of a training with other options; give the same ones "
                                  "to go on with it, or delete it to start again.")
        return saved

    @contextmanager
    def taking_up(self) -> Iterator[None]:
        """While what was read is given back to what trains. Raises `CheckpointError` where a part is missing or does not fit."""
        try:
            yield
        except (KeyError, RuntimeError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise self._damaged() from error

    def _damaged(self) -> CheckpointError:
        return CheckpointError(f"“{self._path}” is damaged; delete it to start again.")

    def write(self, state: dict[str, Any]) -> None:
        with atomic_write(self._path) as file:
            torch.save({"options": self._about, **state}, file)

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


def running_average(network: nn.Module, decay: float, *, updates: int = 0) -> AveragedModel:
    """An average of a network's weights that keeps the share `decay` at an update, in the long run; at first it follows fast.

    It begins as after so many `updates`: of weights that are trained already it is slow from the first on.
    """
    def mix(averages: Any, new: Any, _: Tensor | int) -> None:
        count = int(made.n_averaged)  # as the host has it: what is given lies beside the weights, and a GPU would be waited for
        torch._foreach_lerp_(averages, new, 1 - min(decay, (1 + count) / (10 + count)))

    made = AveragedModel(network, multi_avg_fn=mix)
    made.module.eval().requires_grad_(False)
    made.n_averaged.fill_(updates)
    return made


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
