"""One small network and its task, trained an update at a time.

Every number depends on the settings, the seed and what was changed while it trained, in that order of updates; the
global generator is left alone, so that nothing else in the process is disturbed.
"""

import math
import time
from typing import Any

import torch
from torch import Tensor, nn

from unrolled.models.cells import Cell, CellState, first_state, make_cell, run_sequence
from unrolled.models.protocol.training_room import (
    TrainingRoomChanges,
    TrainingRoomSettings,
    TrainingRoomStarted,
    TrainingRoomUpdated,
)
from unrolled.models.training_room.gradients import StepsAtOnce, clip_by_norm, gradient_map, norm_of, summed, unroll
from unrolled.models.training_room.tasks import TASKS, Batch, Task

BLOCKS = {"rnn": ("h",), "lstm": ("i", "f", "g", "o"), "gru": ("r", "z", "n")}
BATCH = 32
LARGEST_NUMBER = 3e38  # of float32; what is beyond is no loss any more


def blocks(cell: Cell) -> tuple[Tensor, ...]:
    """The square blocks of W_hh, each (hidden, hidden); views."""
    return torch.split(cell.weight_hh.detach(), cell.hidden_size)


def spectral_radius(matrix: Tensor) -> float:
    """The largest absolute value of its eigenvalues."""
    return float(torch.linalg.eigvals(matrix).abs().max())


def largest_singular_value(matrix: Tensor) -> float:
    """‖W‖₂, the most that it lengthens any vector."""
    return float(torch.linalg.matrix_norm(matrix, 2))


def set_spectral_radius(cell: Cell, radius: float) -> None:
    """Scale every block so that it has this radius."""
    with torch.no_grad():
        for block in blocks(cell):
            block.mul_(radius / max(spectral_radius(block), 1e-12))


class Exploded(ArithmeticError):
    """A loss or a gradient is no finite number: one sentence for people. The weights are those of one update before."""


class TrainingRoom:
    def __init__(self, settings: TrainingRoomSettings, number: int = 0) -> None:
        self.settings, self.number = settings, number
        self.task: Task = TASKS[settings.task](settings.steps)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.cell: Cell = make_cell(settings.cell, self.task.input_size, settings.hidden)
            self.readout = nn.Linear(settings.hidden, self.task.output_size)
        with torch.no_grad():
            self.cell.bias_ih.zero_()
            self.cell.bias_hh.zero_()
        set_spectral_radius(self.cell, settings.spectral_radius)
        self.parameters = [*self.cell.parameters(), *self.readout.parameters()]
        kind = torch.optim.SGD if settings.optimiser == "sgd" else torch.optim.Adam
        self._optimiser: torch.optim.Optimizer = kind(self.parameters, lr=1e-3)
        self._before = [parameter.detach().clone() for parameter in self.parameters]
        self.updates = 0

    @property
    def started(self) -> TrainingRoomStarted:
        """What there is to be known of it before its first update."""
        task = self.task
        return TrainingRoomStarted(self.number, self.settings, task.sentence, task.chance_loss, task.chance_accuracy,
                                   task.chance_note, BLOCKS[self.settings.cell],
                                   sum(parameter.numel() for parameter in self.parameters))

    def batch(self, update: int) -> Batch:
        generator = torch.Generator().manual_seed(self.settings.seed * 1_000_003 + update)
        return self.task.draw(BATCH, generator)

    def update(self, changes: TrainingRoomChanges, *, picture: bool = False) -> TrainingRoomUpdated:
        """Draw a batch, follow its loss back, shorten the gradient, change the weights. Raises `Exploded` when loss or gradient
        is not finite; then this update changes nothing, and the one before is taken back.

        Parameters
        ----------
        changes : TrainingRoomChanges
            Threshold, window and learning rate that are in force for this update.
        picture : bool
            Whether the gradients of one sequence are wanted as well.
        """
        started = time.perf_counter()
        batch = self.batch(self.updates)
        loss, accuracy, gradients = self.gradients(batch, changes.window)
        cut_away = self.cut_away(batch, gradients) if picture and 0 < changes.window < self.task.steps else 0.0
        before, after = clip_by_norm(gradients, changes.threshold)
        if not (abs(loss) < LARGEST_NUMBER and before < LARGEST_NUMBER):
            self._take_back()
            what = "loss" if not math.isfinite(loss) else "gradient"
            raise Exploded(f"The {what} of update {self.updates + 1} is no longer finite: it exploded. The weights "
                           "are those before the last change; lower the learning rate or the threshold and go on, or "
                           "start again.")
        seen = self.picture(batch) if picture else {}
        self._before = [parameter.detach().clone() for parameter in self.parameters]
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient
        for group in self._optimiser.param_groups:
            group["lr"] = changes.learning_rate
        self._optimiser.step()
        self.updates += 1
        return TrainingRoomUpdated(self.number, self.updates, loss, accuracy, before, after, changes.threshold, changes.window,
                                   (time.perf_counter() - started) * 1000, cut_away=cut_away, **seen)

    def gradients(self, batch: Batch, window: int) -> tuple[float, float, list[Tensor]]:
        """Loss, accuracy, and the gradient of the mean loss, each loss followed back through `window` steps (0: all)."""
        steps = self.task.steps
        if 0 < window < steps:
            states = unroll(self.cell, batch.inputs)
            hidden = states[0].requires_grad_()
            loss, accuracy = self._judge(hidden, batch)
            last, *of_readout = torch.autograd.grad(loss, (hidden, *self.readout.parameters()))
            graph = StepsAtOnce(self.cell, batch.inputs, tuple(part.detach() for part in states))
            of_states = summed(graph.follow_back(last, window))
            return loss.item(), accuracy, [*graph.parameter_gradients(self.cell, of_states), *of_readout]
        hidden, _ = run_sequence(self.cell, batch.inputs, first_state(self.cell, batch.inputs.shape[1]))
        loss, accuracy = self._judge(hidden, batch)
        return loss.item(), accuracy, list(torch.autograd.grad(loss, self.parameters))

    def cut_away(self, batch: Batch, truncated: list[Tensor]) -> float:
        """How long the change is that truncation makes to the gradient of all weights, as a share of the whole gradient.

        A gradient is a sum of vectors, which may cancel: the sum of the norms of what is cut off would not tell.
        """
        _, _, whole = self.gradients(batch, 0)
        changed, length = norm_of(one - other for one, other in zip(whole, truncated, strict=True)), norm_of(whole)
        return changed / length if length > 0 and math.isfinite(changed) else 0.0

    def picture(self, batch: Batch) -> dict[str, Any]:
        """What `TrainingRoomUpdated` says of the gradients of the batch's first sequence, and of the weights, by its names."""
        inputs = batch.inputs[:, :1]
        states = unroll(self.cell, inputs)
        hidden, of_cell = gradient_map(self.cell, inputs, states, self.last_gradients(batch, states))
        parts = blocks(self.cell)
        return {"hidden": _bytes(hidden), "cell": b"" if of_cell is None else _bytes(of_cell),
                "counted": bytes(batch.counted.tolist()), "radii": tuple(map(spectral_radius, parts)),
                "norms": tuple(map(largest_singular_value, parts))}

    def last_gradients(self, batch: Batch, states: CellState) -> Tensor:
        """∂L_k / ∂h_k through step k's own output, of the batch's first sequence, (T, 1, hidden)."""
        hidden = states[0].detach().requires_grad_()
        losses = self.task.losses(self.readout(hidden), batch.targets[:, :1])
        (last,) = torch.autograd.grad(losses[batch.counted].sum(), hidden)
        return last

    def _judge(self, hidden: Tensor, batch: Batch) -> tuple[Tensor, float]:
        outputs = self.readout(hidden)
        loss = self.task.losses(outputs, batch.targets)[batch.counted].mean()
        with torch.no_grad():
            accuracy = float(self.task.right(outputs, batch.targets)[batch.asked].float().mean())
        return loss, accuracy

    def _take_back(self) -> None:
        with torch.no_grad():
            for parameter, before in zip(self.parameters, self._before, strict=True):
                parameter.copy_(before)


def _bytes(values: Tensor) -> bytes:
    return values.numpy().astype("<f4", copy=False).tobytes()
