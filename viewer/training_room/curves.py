"""The two curves over updates: the loss, and the gradient's norm with the threshold that can be dragged."""

import math
from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import Signal

from unrolled.viewer.plotting.axis import Axis
from unrolled.viewer.plotting.ink import ink, series
from unrolled.viewer.plotting.marks import Line
from unrolled.viewer.plotting.plot import Limits, Plot
from unrolled.viewer.plotting.table import Table
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.training_room.controls import CELLS
from unrolled.viewer.training_room.history import History
from unrolled.viewer.training_room.sentences import number

NONE: Mapping[str, History] = {}
LEAST_THRESHOLD, MOST_THRESHOLD = 1e-4, 1e6
NORMS = 1e-8, 1e12  # what lies beyond makes the axis no longer


def updates_range(updates: int) -> Limits:
    """Room for half as many again, in round numbers, so that it seldom changes."""
    high = 50.0
    while high < updates:
        high *= 2 if round(math.log10(high / 5) % 1, 6) != round(math.log10(2), 6) else 2.5
    return 0.0, high


def decades(low: float, high: float, *, least: int = 2) -> Limits:
    """Whole powers of ten around two positive numbers, at least so many apart."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return 10.0**first, 10.0 ** max(last, first + least)


def updates_table(history: History | None, names: tuple[str, ...], others: Mapping[str, History] = NONE) -> Table | None:
    """The columns of a training, a row an update; and of others, with their cells in front of the names."""
    if history is None or not len(history):
        return None
    rows = max(map(len, (history, *others.values())))
    columns = {name: history.column(name) for name in names}
    columns |= {f"{cell}_{name}": other.column(name) for cell, other in others.items() for name in names}
    return Table(("update", *columns), (np.arange(1, rows + 1), *(
        np.append(column, np.full(rows - len(column), np.nan)) for column in columns.values())))


def other_lines(plot: Plot) -> dict[str, Line]:
    """A line for each kind of cell that was trained before, by its name; no two are told apart by their colours alone."""
    return {cell: plot.line(series(number), f"{title} before", width=1.2, style=style, order=-0.5)
            for number, style, (cell, title) in zip((3, 4, 2), ("dotted", "solid", "dashed"), CELLS.items(), strict=True)}


def update_at(history: History | None, x: float) -> int:
    """The index of the update at a place, or -1."""
    update = round(x)
    return update - 1 if history is not None and 1 <= update <= len(history) else -1


class LossCurves(Plot):
    """The loss of every update, its running mean, and chance level."""

    def __init__(self, theme: Theme) -> None:
        super().__init__("Loss over updates", Axis("update", whole=True), Axis("loss"), theme,
                         table=lambda: updates_table(self.history, ("loss", "smooth_loss", "accuracy"), self.others))
        self.history: History | None = None
        self.others = NONE  # by their cells
        self.reading = self._read
        self._each = self.line(ink("accent", 80), width=1.0)
        self._smooth = self.line(ink("accent"), "loss, smoothed")
        self._chance = self.line(ink("playhead"), "chance level", style="dashed", order=1)
        self._others = other_lines(self)
        self.show_history(None)

    def show_history(self, history: History | None, others: Mapping[str, History] = NONE) -> None:
        """A training; smoothed alone, those of other cells on the same task."""
        self.history, self.others = history, others
        self.say("" if history is not None else "Press Train (Space).")
        x_range = updates_range(max(map(len, (history or (), *others.values()))))
        if history is not None:
            self.set_ranges(x_range, (0.0, self._highest(history)))
            self._smooth.name = f"{CELLS[history.started.settings.cell]}, smoothed"
        for line, of, name in ((self._each, history, "loss"), (self._smooth, history, "smooth_loss"),
                               *((line, others.get(cell), "smooth_loss") for cell, line in self._others.items())):
            line.show(*((np.arange(1.0, len(of) + 1), of.column(name)) if of is not None else ()))
        self._chance.show(*((np.array(x_range), np.full(2, history.started.chance_loss)) if history is not None else ()))
        self.show_legend()

    @staticmethod
    def _highest(history: History) -> float:
        """What the highest tenth of losses does not pass, in round numbers: one explosion does not flatten the rest."""
        high = history.started.chance_loss * 1.6
        losses = history.column("loss")
        if len(losses):
            seen = [np.percentile(losses[:2000], 90), history.column("smooth_loss")[-1]]
            high = max(high, *(float(value) for value in seen if math.isfinite(value)), 0.0)
        unit = 10.0 ** math.floor(math.log10(high))
        return next(unit * factor for factor in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if unit * factor >= high * (1 - 1e-9))

    def _read(self, x: float, y: float) -> str:
        place = update_at(self.history, x)
        if place < 0 or self.history is None:
            return ""
        return (f"update {place + 1:,}: loss {number(float(self.history.column('loss')[place]))}, "
                f"{self.history.column('accuracy')[place]:.0%} right")


class NormCurves(Plot):
    """The gradient's norm before and after clipping; the threshold is a line to be dragged."""

    threshold_changed = Signal(float)

    def __init__(self, theme: Theme) -> None:
        super().__init__("Gradient norm over updates, with the clipping threshold", Axis("update", whole=True),
                         Axis("‖g‖", log=True), theme,
                         table=lambda: updates_table(self.history, ("before", "after", "threshold")))
        self.history: History | None = None
        self.threshold = 1.0
        self.reading = self._read
        self.setToolTip("Drag the line to change the threshold (↑, ↓, Page Up, Page Down)")
        self._before = self.line(series(7), "before clipping", width=1.0)
        self._after = self.line(series(0), "after", width=1.0)
        self._line = self.level(ink("playhead"), "threshold", moved=self._move, limits=(LEAST_THRESHOLD, MOST_THRESHOLD))

    def show_history(self, history: History | None) -> None:
        self.history = history
        self.say("" if history is not None else "Press Train (Space).")
        before, after = (history.column(name) if history is not None else np.zeros(0) for name in ("before", "after"))
        low = min(self.threshold, *np.percentile(after, [1])) if len(after) else self.threshold
        high = float(before[np.isfinite(before)].max(initial=self.threshold))
        low, high = (min(max(float(end), NORMS[0]), NORMS[1]) for end in (low, high))
        self.set_ranges(updates_range(len(after)), decades(low, high, least=3))
        x, clipped = np.arange(1.0, len(after) + 1), bool((before > after * (1 + 1e-9)).any())
        self._before.show(*((x, before) if clipped else ()))
        self._after.show(x, after)
        self.show_legend()

    def set_threshold(self, threshold: float, *, clipping: bool) -> None:
        """Draw the line there, faintly where nothing is clipped."""
        self.threshold = threshold
        text = f"threshold {number(threshold)}" if clipping else "clipping is off"
        self._line.show(threshold, text, on=clipping)

    def _move(self, threshold: float) -> None:
        threshold = round(threshold, 2 - math.floor(math.log10(threshold)))
        self.set_threshold(threshold, clipping=True)
        self.threshold_changed.emit(threshold)

    def _read(self, x: float, y: float) -> str:
        place = update_at(self.history, x)
        if place < 0 or self.history is None:
            return ""
        before, after, threshold = (float(self.history.column(name)[place]) for name in ("before", "after", "threshold"))
        return (f"update {place + 1:,}: {number(before)} before, {number(after)} after"
                + (f", threshold {number(threshold)}" if threshold > 0 else ", not clipped"))
