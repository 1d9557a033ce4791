"""What a training has brought so far, and what follows from it. It knows no Qt and no torch."""

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unrolled.models.protocol.training_room import TrainingRoomStarted, TrainingRoomUpdated

Numbers = npt.NDArray[np.float64]

RECENT_MAPS = 12  # of which a verdict is made
SMOOTHING = 0.9  # the share of the old mean that an update keeps, in the long run
COLUMNS = ("loss", "accuracy", "before", "after", "threshold", "smooth_loss", "smooth_accuracy")


@dataclass(frozen=True, slots=True)
class Decay:
    """How much of a gradient is left so many steps back."""

    # Shape (T,): over all t, the least, the median and the greatest of ‖∂L_t/∂h_{t-d}‖ / ‖∂L_t/∂h_t‖ at distance d; NaN for none.
    low: Numbers
    middle: Numbers
    high: Numbers


@dataclass(frozen=True, slots=True, eq=False)
class GradientMap:
    """The gradients of one sequence, as `TrainingRoomUpdated` brings them: maps (T, T), and the steps that have a loss, (T,)."""

    update: int
    hidden: Numbers
    cell: Numbers | None
    counted: npt.NDArray[np.bool_]
    radii: tuple[float, ...]
    norms: tuple[float, ...]
    cut_away: float = 0.0

    @property
    def steps(self) -> int:
        return len(self.counted)

    def values(self, of_cell: bool) -> Numbers:
        return self.cell if of_cell and self.cell is not None else self.hidden

    def decay(self, of_cell: bool = False) -> Decay:
        values, steps = self.values(of_cell), self.steps
        present = np.diagonal(values)
        use = self.counted & (present > 0) & np.isfinite(present)
        found = np.full((3, steps), np.nan)
        for distance in range(steps):
            rows = np.flatnonzero(use[distance:]) + distance
            if len(rows):
                ratios = values[rows, rows - distance] / present[rows]
                found[:, distance] = ratios.min(), float(np.median(ratios)), ratios.max()
        return Decay(*found)


class History:
    """A training, as far as it has come; in `recent_maps` the newest is the last."""

    def __init__(self, started: TrainingRoomStarted) -> None:
        self.started = started
        self.recent_maps: deque[GradientMap] = deque(maxlen=RECENT_MAPS)
        self._numbers = np.empty((len(COLUMNS), 1024))
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def latest_map(self) -> GradientMap | None:
        return self.recent_maps[-1] if self.recent_maps else None

    def column(self, name: str) -> Numbers:
        """The numbers of every update, shape (updates,); a view."""
        return self._numbers[COLUMNS.index(name), : self._length]

    def append(self, report: TrainingRoomUpdated) -> bool:
        """Take in an update; one that is not the next is left out, and said with False. Raises `ValueError` when its map is
        not as large as it says.
        """
        if report.update != self._length + 1:
            return False
        if report.hidden:
            hidden = report.map_of(report.hidden).astype(np.float64)
            cell = report.map_of(report.cell).astype(np.float64) if report.cell else None
            counted = np.frombuffer(report.counted, np.uint8).astype(np.bool_)
            self.recent_maps.append(GradientMap(report.update, hidden, cell, counted, report.radii, report.norms,
                                                report.cut_away))
        if self._length == self._numbers.shape[1]:
            self._numbers = np.concatenate([self._numbers, np.empty_like(self._numbers)], axis=1)
        keep = min(SMOOTHING, self._length / (self._length + 1))
        loss, accuracy = report.loss, report.accuracy
        if self._length:
            loss += keep * (float(self.column("smooth_loss")[-1]) - loss)
            accuracy += keep * (float(self.column("smooth_accuracy")[-1]) - accuracy)
        self._numbers[:, self._length] = (report.loss, report.accuracy, report.norm_before, report.norm_after,
                                          report.threshold, loss, accuracy)
        self._length += 1
        return True
