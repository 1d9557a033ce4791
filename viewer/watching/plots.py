"""The plots of a watched training: loss and norm over updates, gradients over updates and steps, and those of one update."""

from __future__ import annotations

import math

import numpy as np

from unrolled.viewer.plotting.axis import Axis
from unrolled.viewer.plotting.ink import ink, series
from unrolled.viewer.plotting.marks import Line
from unrolled.viewer.plotting.plot import Plot
from unrolled.viewer.plotting.table import Table, grid_table
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.training_room.curves import decades, updates_range
from unrolled.viewer.training_room.growing_colours import GrowingColours
from unrolled.viewer.training_room.sentences import number
from unrolled.viewer.watching.history import Numbers, WatchHistory

COLUMNS = 600
COLOUR_MAP = "inferno"
LEAST, MOST = 1e-12, 1e12  # what lies beyond makes no axis longer


class _OverUpdates:
    """What plots over updates share: a line where the update is that is looked at, and a click that goes there."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.history: WatchHistory | None = None
        self._at: Line = plot.line(ink("playhead"), width=1.5, order=5)
        self.at = 0

    def _show_at(self, update: int, low: float, high: float) -> None:
        self.at = update
        self._at.set_visible(self.history is not None)
        self._at.show(np.full(2, float(update)), np.array([low, high]))


class LossPlot(_OverUpdates):
    """The loss of every update, where the training gives it; `log`: on an axis for positive ones."""

    def __init__(self, theme: Theme, *, log: bool) -> None:
        super().__init__(Plot("Loss over updates", Axis("update", whole=True), Axis("loss", log=log), theme, table=self._table))
        self._log = log
        self._line = self.plot.line(ink("accent"), width=1.2)
        self.plot.reading = self._read

    def show(self, history: WatchHistory | None, update: int) -> None:
        self.history = history
        updates, losses = history.losses if history is not None else (np.empty(0), np.empty(0))
        usable = np.isfinite(losses) & ((losses > 0) | (not self._log))
        self.plot.say("" if usable.any() else "Give the loss with w.loss(value), and it is drawn here.")
        self._line.set_visible(bool(usable.any()))
        low, high = decades(*_ends(losses[usable]), least=1) if self._log else _room(losses[usable])
        self.plot.set_ranges(updates_range(history.last if history is not None else 0), (low, high))
        if usable.any():
            self._line.show(updates, losses)
        self._show_at(update, low, high)

    def _read(self, x: float, y: float) -> str:
        found = self.history.loss(round(x)) if self.history is not None else math.nan
        return f"update {round(x):,}: loss {number(found)}" if math.isfinite(found) else ""

    def _table(self) -> Table | None:
        return Table(("update", "loss"), self.history.losses) if self.history is not None else None


class NormPlot(_OverUpdates):
    """The gradient's norm, before and after clipping."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(Plot("Gradient norm over updates", Axis("update", whole=True), Axis("‖g‖", log=True), theme,
                              table=self._table))
        self._before = self.plot.line(series(7), "before clipping", width=1.4)
        self._after = self.plot.line(series(0), "after", width=1.4)
        self.plot.reading = self._read

    def show(self, history: WatchHistory | None, update: int) -> None:
        self.history = history
        updates, before, after = history.norms() if history is not None else (np.empty(0),) * 3
        there = np.isfinite(after) & (after > 0)
        self.plot.say("" if there.any() else "How long the gradient is, before and after clipping, is drawn here.")
        clipped = bool((before > after * (1 + 1e-4)).any())
        self._before.set_visible(clipped)
        self._after.set_visible(bool(there.any()))
        self._after.name = "after" if clipped else "never clipped"
        seen = np.concatenate((before, after))
        low, high = decades(*_ends(seen[np.isfinite(seen) & (seen > 0)]), least=2)
        self.plot.set_ranges(updates_range(history.last if history is not None else 0), (low, high))
        if there.any():
            self._before.show(updates, before)
            self._after.show(updates, after)
        self._show_at(update, low, high)
        self.plot.show_legend()

    def _read(self, x: float, y: float) -> str:
        if self.history is None or (place := self.history.place_of(round(x))) < 0:
            return ""
        own = self.history.updates[place]
        if own.norm_after < 0:
            return ""
        return f"update {own.update:,}: {number(own.norm_before)} before, {number(own.norm_after)} after clipping"

    def _table(self) -> Table | None:
        return Table(("update", "before", "after"), self.history.norms()) if self.history is not None else None


class GradientMapPlot(_OverUpdates):
    """‖∂L/∂h_t‖ of one layer: a column an update, a row a step."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(Plot("Gradient of the loss with respect to each state, over updates", Axis("update", whole=True),
                              Axis("step t", whole=True), theme, downwards=True, table=self._table))
        self._colours = GrowingColours(self.plot)
        self.plot.reading = self._read
        self._values: Numbers | None = None
        self._first, self._width = 0.0, 1.0

    def show(self, history: WatchHistory | None, update: int, layer: str, *, of_cell: bool) -> None:
        self.history = history
        found = history.gradient_map(layer, COLUMNS, of_cell=of_cell) if history is not None else None
        self.plot.say("" if found is not None else "What flows back to every step’s state is drawn here: a column an update.")
        self._values, self._first, self._width = found or (None, 0.0, 1.0)
        steps = len(self._values) if self._values is not None else 1
        self._colours.show(self._values, COLOUR_MAP, left=self._first, width=self._width)
        self.plot.set_ranges(updates_range(history.last if history is not None else 0), (0.5, steps + 0.5))
        self._show_at(update, 0.5, steps + 0.5)

    def _read(self, x: float, y: float) -> str:
        if self._values is None:
            return ""
        step, column = round(y), math.floor((x - self._first) / self._width)
        if not (1 <= step <= len(self._values) and 0 <= column < self._values.shape[1]):
            return ""
        return f"about update {round(x):,}, step {step}: {number(float(self._values[step - 1, column]))}"

    def _table(self) -> Table | None:
        return grid_table(self._values)


class ProfilePlot:
    """‖∂L/∂h_t‖ and ‖∂L/∂c_t‖ over the steps of one update."""

    def __init__(self, theme: Theme) -> None:
        self.plot = Plot("Gradients over steps at one update", Axis("step t", whole=True), Axis("norm", log=True), theme,
                         table=self._table)
        self._hidden = self.plot.line(series(0), "‖∂L/∂h_t‖", width=1.6)
        self._cell = self.plot.line(series(3), "‖∂L/∂c_t‖", width=1.6)
        self._found: tuple[Numbers, Numbers] | None = None
        self.plot.reading = self._read

    def show(self, hidden: Numbers | None, cell: Numbers | None) -> None:
        """`cell` is None of a layer that has none."""
        self._found = None if hidden is None else (hidden, np.empty(0) if cell is None else cell)
        self.plot.say("" if hidden is not None else "The gradients at the update that is looked at are drawn here.")
        for line, values in ((self._hidden, hidden), (self._cell, cell)):
            line.set_visible(values is not None)
            if values is not None:
                line.show(np.arange(1.0, len(values) + 1), values)
        seen = np.concatenate([values for values in (hidden, cell) if values is not None] or [np.empty(0)])
        steps = len(hidden) if hidden is not None else 1
        self.plot.set_ranges((1.0, max(steps, 2.0)), decades(*_ends(seen[np.isfinite(seen) & (seen > 0)])))
        self.plot.show_legend()

    def _read(self, x: float, y: float) -> str:
        if self._found is None or not 1 <= round(x) <= len(self._found[0]):
            return ""
        hidden, cell = self._found
        step = round(x)
        of_cell = f", ∂L/∂c {number(float(cell[step - 1]))}" if len(cell) else ""
        return f"step {step}: ∂L/∂h {number(float(hidden[step - 1]))}{of_cell}"

    def _table(self) -> Table | None:
        if self._found is None:
            return None
        hidden, cell = self._found
        of_cell = (("cell",), (cell,)) if len(cell) else ((), ())
        return Table(("step", "hidden", *of_cell[0]), (np.arange(len(hidden)), hidden, *of_cell[1]))


def of_gradients(hidden: Numbers | None) -> str:
    """What is left of a gradient on its way from the step where it is largest to the first, in a few words."""
    if hidden is None or len(hidden) < 2:
        return ""
    if not np.isfinite(hidden).all():
        return "not all finite"
    largest = int(np.argmax(hidden))
    most, first = float(hidden[largest]), float(hidden[0])
    if most == 0:
        return "no gradient reaches any state"
    if largest == 0:
        return "largest at step 1"
    return f"at step 1 × {number(first / most)} of step {largest + 1}"


def _room(values: Numbers) -> tuple[float, float]:
    """A little more than from the least to the greatest, of what is no outlier."""
    low, high = (float(end) for end in np.percentile(values, (0.5, 99.5))) if len(values) else (0.0, 1.0)
    spare = 0.08 * (high - low) or 0.5
    return low - spare, high + spare


def _ends(values: Numbers) -> tuple[float, float]:
    """The least and the greatest, within reason."""
    if not len(values):
        return 0.1, 1.0
    low, high = (min(max(float(end), LEAST), MOST) for end in (values.min(), values.max()))
    return low, high
