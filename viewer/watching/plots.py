"""The plots of a watched training: loss and norm over updates, gradients over updates and steps, and those of one update."""

import math
from collections.abc import Callable

import numpy as np

from unrolled.viewer.plotting.axis import Axis
from unrolled.viewer.plotting.ink import ink, series
from unrolled.viewer.plotting.plot import Plot
from unrolled.viewer.plotting.table import Table
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.training_room.curves import decades, updates_range
from unrolled.viewer.training_room.gradient_plots import GrowingColours
from unrolled.viewer.training_room.sentences import number
from unrolled.viewer.watching.history import Numbers, WatchHistory

COLUMNS = 600
COLOUR_MAP = "inferno"
LEAST, MOST = 1e-12, 1e12  # what lies beyond makes no axis longer
NOTHING: Numbers = np.zeros(0)


class _OverUpdates(Plot):
    """What plots over updates share: a line where the update is that is looked at, and a click that goes there."""

    def __init__(self, title: str, y: Axis, theme: Theme, empty: str, table: Callable[[], Table | None], *,
                 downwards: bool = False) -> None:
        super().__init__(title, Axis("update", whole=True), y, theme, downwards=downwards, table=table)
        self.history: WatchHistory | None = None
        self._empty_words = empty
        self._at = self.line(ink("playhead"), width=1.5, order=5)
        self.at = 0
        self.say(empty)

    def _follow(self, history: WatchHistory, update: int, low: float, high: float, *, there: bool) -> None:
        self.history, self.at = history, update
        self.say("" if there else self._empty_words)
        self.set_ranges(updates_range(history.last), (low, high))
        self._at.show(np.full(2, float(update)), np.array([low, high]))


class LossPlot(_OverUpdates):
    """The loss of every update, where the training gives it; `log`: on an axis for positive ones."""

    def __init__(self, theme: Theme, *, log: bool) -> None:
        super().__init__("Loss over updates", Axis("loss", log=log), theme,
                         "Give the loss with w.loss(value), and it is drawn here.", self._table)
        self._log = log
        self._line = self.line(ink("accent"), width=1.2)
        self.reading = self._read

    def show_update(self, history: WatchHistory, update: int) -> None:
        updates, losses = history.losses
        usable = losses[np.isfinite(losses) & ((losses > 0) | (not self._log))]
        low, high = decades(*_ends(usable), least=1) if self._log else _room(usable)
        self._follow(history, update, low, high, there=bool(len(usable)))
        self._line.show(updates, losses)

    def _read(self, x: float, y: float) -> str:
        found = self.history.loss(round(x)) if self.history is not None else math.nan
        return f"update {round(x):,}: loss {number(found)}" if math.isfinite(found) else ""

    def _table(self) -> Table | None:
        return _of_updates(("loss",), *self.history.losses) if self.history is not None else None


class NormPlot(_OverUpdates):
    """The gradient's norm, before and after clipping."""

    def __init__(self, theme: Theme) -> None:
        super().__init__("Gradient norm over updates", Axis("‖g‖", log=True), theme,
                         "How long the gradient is, before and after clipping, is drawn here.", self._table)
        self._before = self.line(series(7), "before clipping", width=1.4)
        self._after = self.line(series(0), "after", width=1.4)
        self.reading = self._read

    def show_update(self, history: WatchHistory, update: int) -> None:
        updates, before, after = history.norms()
        seen, there = _positive(before, after), bool(len(_positive(after)))
        self._follow(history, update, *decades(*_ends(seen), least=2), there=there)
        clipped = bool((before > after * (1 + 1e-4)).any())
        self._before.show(*((updates, before) if there and clipped else ()))
        self._after.show(*((updates, after) if there else ()))
        self._after.name = "after" if clipped else "never clipped"
        self.show_legend()

    def _read(self, x: float, y: float) -> str:
        if self.history is None or (place := self.history.place_of(round(x))) < 0:
            return ""
        own = self.history.updates[place]
        if own.norm_after < 0:
            return ""
        return f"update {own.update:,}: {number(own.norm_before)} before, {number(own.norm_after)} after clipping"

    def _table(self) -> Table | None:
        return _of_updates(("before", "after"), *self.history.norms()) if self.history is not None else None


class GradientMapPlot(_OverUpdates):
    """‖∂L/∂hₜ‖ of one layer: a column an update, a row a step."""

    def __init__(self, theme: Theme) -> None:
        self._values: Numbers | None = None
        self._first, self._width = 0.0, 1.0
        super().__init__("Gradient of the loss with respect to each state, over updates", Axis("step t", whole=True), theme,
                         "What flows back to every step’s state is drawn here, one column per update.", self._table,
                         downwards=True)
        self.colours = GrowingColours(self)
        self.reading = self._read
        self._of = ("", False)

    def show_update(self, history: WatchHistory, update: int, layer: str, *, of_cell: bool) -> None:
        self._of = layer, of_cell
        found = history.gradient_map(layer, COLUMNS, of_cell=of_cell)
        self._values, self._first, self._width = found or (None, 0.0, 1.0)
        self.colours.show(self._values, COLOUR_MAP, left=self._first, width=self._width)
        steps = len(self._values) if self._values is not None else 1
        self._follow(history, update, 0.5, steps + 0.5, there=found is not None)

    def _read(self, x: float, y: float) -> str:
        if self._values is None:
            return ""
        step, column = round(y), math.floor((x - self._first) / self._width)
        if not (1 <= step <= len(self._values) and 0 <= column < self._values.shape[1]):
            return ""
        return f"about update {round(x):,}, step {step}: {number(float(self._values[step - 1, column]))}"

    def _table(self) -> Table | None:
        """A row an update that was seen, in place of a column of those that are drawn."""
        layer, of_cell = self._of
        updates, norms = self.history.seen_gradients(layer, of_cell=of_cell) if self.history is not None else ((), ())
        if not updates:
            return None
        steps = range(max(map(len, norms)))
        return Table(("update", *(f"step {step}" for step in steps)), (np.array(updates), *(
            np.array([own[step] if step < len(own) else np.nan for own in norms]) for step in steps)))


class ProfilePlot(Plot):
    """‖∂L/∂hₜ‖ and ‖∂L/∂cₜ‖ over the steps of one update."""

    def __init__(self, theme: Theme) -> None:
        super().__init__("Gradients over steps at one update", Axis("step t", whole=True), Axis("norm", log=True), theme,
                         table=self._table)
        self._hidden_line = self.line(series(0), "‖∂L/∂hₜ‖", width=1.6)
        self._cell_line = self.line(series(3), "‖∂L/∂cₜ‖", width=1.6)
        self.hidden, self._cell = NOTHING, NOTHING
        self.reading = self._read
        self.show_profile(NOTHING, NOTHING)

    def show_profile(self, hidden: Numbers, cell: Numbers) -> None:
        """Of as many steps as there are; `cell` is empty of a layer that has none."""
        self.hidden, self._cell = hidden, cell
        self.say("" if len(hidden) else "The gradients at the update that is looked at are drawn here.")
        self.set_ranges((1.0, max(len(hidden), 2.0)), decades(*_ends(_positive(hidden, cell))))
        for line, values in ((self._hidden_line, hidden), (self._cell_line, cell)):
            line.show(np.arange(1.0, len(values) + 1), values)
        self.show_legend()

    def _read(self, x: float, y: float) -> str:
        step = round(x)
        if not 1 <= step <= len(self.hidden):
            return ""
        of_cell = f", ∂L/∂c {number(float(self._cell[step - 1]))}" if len(self._cell) else ""
        return f"step {step}: ∂L/∂h {number(float(self.hidden[step - 1]))}{of_cell}"

    def _table(self) -> Table | None:
        if not len(self.hidden):
            return None
        of_cell = (("cell",), (self._cell,)) if len(self._cell) else ((), ())
        return Table(("step", "hidden", *of_cell[0]), (np.arange(len(self.hidden)), self.hidden, *of_cell[1]))


def _of_updates(names: tuple[str, ...], updates: Numbers, *columns: Numbers) -> Table:
    return Table(("update", *names), (updates.astype(int), *columns))


def updates_table(history: WatchHistory) -> Table:
    """A row an update: its loss, and the gradient's norm where it was seen."""
    (with_loss, losses), (seen, before, after) = history.losses, history.norms()
    updates = np.union1d(with_loss, seen)
    columns = [np.full(len(updates), np.nan) for _ in range(3)]
    for column, (at, values) in zip(columns, ((with_loss, losses), (seen, before), (seen, after)), strict=True):
        column[np.searchsorted(updates, at)] = values
    return _of_updates(("loss", "norm_before", "norm_after"), updates, *columns)


def of_gradients(hidden: Numbers) -> str:
    """What is left of a gradient on its way from the step where it is largest to the first, in a few words."""
    if len(hidden) < 2:
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


def _positive(*norms: Numbers) -> Numbers:
    """Those that have a place on a logarithmic axis."""
    seen = np.concatenate(norms)
    return seen[np.isfinite(seen) & (seen > 0)]


def _ends(values: Numbers) -> tuple[float, float]:
    """The least and the greatest, within reason."""
    if not len(values):
        return 0.1, 1.0
    low, high = (min(max(float(end), LEAST), MOST) for end in (values.min(), values.max()))
    return low, high
