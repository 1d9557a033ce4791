"""The gradients of one sequence: the map over t and k with the cut, and what is left by distance with the bound."""

import math
from collections.abc import Mapping
from functools import partial

import numpy as np
from PySide6.QtCore import Qt, Signal

from unrolled.models.trace.numbers import power_of_ten
from unrolled.viewer.plotting.axis import Axis
from unrolled.viewer.plotting.ink import ink, series
from unrolled.viewer.plotting.plot import Plot
from unrolled.viewer.plotting.table import Table, grid_table
from unrolled.viewer.theme.colour_maps import SEQUENTIAL, to_colours
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.training_room.curves import NONE, other_lines
from unrolled.viewer.training_room.history import GradientMap, History, Numbers
from unrolled.viewer.training_room.sentences import number
from unrolled.viewer.widgets.colour_map_button import add_colour_maps

LOWEST, HIGHEST = -8, 1  # of the decay's axis, powers of ten; more where gradients explode, in whole steps
GROWTH, MOST_DECADES = 3, 12
DARKEST, BRIGHTEST = -6, 1  # powers of ten; more where gradients explode, in whole steps
BRIGHTEST_AT_MOST = 30
BEYOND = 1e9                # a place for 0 and for infinity, which have colours, unlike nan
CUT_KEYS = {Qt.Key.Key_Left: 1, Qt.Key.Key_Down: 1, Qt.Key.Key_Right: -1, Qt.Key.Key_Up: -1}


class MapPlot(Plot):
    """‖∂Lₜ/∂hₖ‖: a row for each t, a column for each k; what truncation cuts off lies under a veil."""

    window_changed = Signal(int)  # a person moved the cut: so many steps, 0 for all

    def __init__(self, theme: Theme, colour_map: str) -> None:
        super().__init__("Gradient of each loss with respect to each state", Axis("state k", whole=True),
                         Axis("loss t", whole=True), theme, downwards=True, square=True,
                         table=lambda: None if self.shown is None else grid_table(self.shown.values(self.of_cell)))
        self.colour_map = colour_map
        self.shown: GradientMap | None = None
        self.of_cell = False
        self.truncation = 0  # the cut; 0 for none
        self.steps = 24
        self.reading = self._read
        self.setToolTip("Drag the line to truncate backpropagation after fewer or more steps (←, →, Home, End)")
        self.take_keys({**{key: partial(self._move_by, by) for key, by in CUT_KEYS.items()},
                             Qt.Key.Key_Home: lambda: self._move_to(1), Qt.Key.Key_End: lambda: self._move_to(self.steps)})
        self.extend_menu = lambda menu: add_colour_maps(menu.addMenu("Colour map"), SEQUENTIAL, self.colour_map,
                                                             self.set_colour_map)
        self.colours = GrowingColours(self)
        self.veil = self.area(ink("panel", 190), hatch=ink("faint", 110))
        self._edge = self.edge(ink("playhead"), moved=lambda k, t: self._move_to(round(t - k)))
        self._fit()

    def begin(self, steps: int) -> None:
        """Another training: nothing is there yet, and the colours mean what they did at first."""
        self.shown, self.steps = None, steps
        self.colours.begin()
        self._fit()

    def show_map(self, shown: GradientMap | None, *, of_cell: bool) -> None:
        if shown is self.shown and of_cell == self.of_cell:
            return
        self.shown, self.of_cell = shown, of_cell
        if shown is not None:
            self.steps = shown.steps
        self._fit()

    def set_colour_map(self, name: str) -> None:
        self.colour_map = name
        self._fit()

    def set_window(self, window: int) -> None:
        window = window if 0 < window < self.steps else 0
        if window != self.truncation:
            self.truncation = window
            self._fit_cut()

    def _fit(self) -> None:
        shown = self.shown
        self.say("" if shown is not None else "Press Train (Space).")
        ends = (0.5, self.steps + 0.5)
        self.set_ranges(ends, ends)
        norms = None
        if shown is not None:
            norms = shown.values(self.of_cell).copy()
            norms[np.triu_indices(shown.steps, 1)] = np.nan
            norms[~shown.counted] = np.nan  # no loss at this step
        self.colours.show(norms, self.colour_map)
        self._edge.set_visible(shown is not None)
        self._fit_cut()

    def _fit_cut(self) -> None:
        """The edge of what is kept: for each t the last k that is reached. Cell k lies from k − 0.5 to k + 0.5."""
        window, steps = self.truncation or self.steps, self.steps
        line = [(0.5, window + 0.5)]
        for row in range(window, steps):
            line += [(row - window + 1.5, row + 0.5), (row - window + 1.5, row + 1.5)]
        middle = (window + steps) / 2
        cut = bool(self.truncation)
        self.veil.show([*line, (0.5, steps + 0.5)] if cut else [])
        self._edge.show(line if cut else [], (middle - window + 0.5, middle + 0.5))
        words = f"Truncated after {window} step{'s' if window > 1 else ''}" if cut else "Not truncated"
        self.setAccessibleDescription(words)

    def _move_by(self, steps: int) -> None:
        self._move_to((self.truncation or self.steps) + steps)

    def _move_to(self, window: int) -> None:
        before = self.truncation
        self.set_window(min(max(window, 1), self.steps))
        if self.truncation != before:
            self.window_changed.emit(self.truncation)

    def _read(self, x: float, y: float) -> str:
        shown, row, column = self.shown, round(y), round(x)
        if shown is None or not (1 <= row <= self.steps and 1 <= column <= self.steps):
            return ""
        if column > row:
            return f"loss {row} comes before state {column}"
        if not shown.counted[row - 1]:
            return f"step {row} has no loss"
        state = "c" if self.of_cell and shown.cell is not None else "h"
        value = float(shown.values(self.of_cell)[row - 1, column - 1])
        cut = ", cut off" if self.truncation and row - column >= self.truncation else ""
        return f"‖∂L({row})/∂{state}({column})‖ = {number(value)}{cut}"


class DecayPlot(Plot):
    """What is left of the gradient by distance: measured, and the bound of Pascanu, Mikolov and Bengio 2013."""

    def __init__(self, theme: Theme) -> None:
        super().__init__("Gradient by distance, with the bound", Axis("steps back, t − k", whole=True),
                         Axis("share of ‖∂Lₜ/∂hₜ‖", log=True), theme, table=self._table)
        self.shown: GradientMap | None = None
        self.of_cell = False
        self._state: object = None
        self._middles: dict[str, Numbers] = {}  # of other cells
        self.reading = self._read
        self._spread = self.range(series(0, 50))
        self._middle = self.line(series(0), "median and range over t")
        self._bound = self.line(series(7), "bound ‖W‖ᵗ⁻ᵏ", style="dashed")
        self._others = other_lines(self)
        self.veil = self.area(ink("panel", 170))
        self._cut = self.line(ink("playhead"), order=11)

    def show_history(self, history: History | None, *, of_cell: bool, window: int,
                     others: Mapping[str, History] = NONE) -> None:
        shown = history.latest_map if history is not None else None
        state = (shown, of_cell, window, *others.values())
        if state == self._state:
            return
        self._state, self.shown, self.of_cell = state, shown, of_cell
        self.say("" if shown is not None else "Press Train (Space).")
        for mark in (self._spread, self._middle, self._bound, self.veil, self._cut):
            mark.set_visible(shown is not None)
        maps = ((cell, other.latest_map) for cell, other in others.items())
        self._middles = {cell: other.decay(of_cell).middle for cell, other in maps if other is not None}
        for cell, line in self._others.items():
            middle = self._middles.get(cell)
            line.show(*((np.arange(float(len(middle))), middle) if middle is not None else ()))
        if shown is None:
            self.set_ranges((0.0, 23.0), (10.0**LOWEST, 10.0**HIGHEST))
            self.show_legend()
            return
        x, decay, bound, last = np.arange(float(shown.steps)), shown.decay(of_cell), self.bound(), max(shown.steps - 1.0, 1.0)
        self.set_ranges((0.0, last), (10.0**LOWEST, 10.0**self._highest(decay.high)))
        self._spread.show(x, decay.low, decay.high)
        self._middle.show(x, decay.middle)
        self._bound.show(*((x, np.asarray(bound)) if bound else ()))
        cut = 0 < window < shown.steps
        self.veil.set_visible(cut)
        self._cut.set_visible(cut)
        if cut:
            edge, low, high = window - 0.5, LOWEST - 1.0, MOST_DECADES + GROWTH
            self.veil.show([(edge, low), (last + 1, low), (last + 1, high), (edge, high)])
            self._cut.show(np.full(2, edge), 10.0 ** np.array([low, high], np.float64))
        self.show_legend()

    def bound(self) -> tuple[float, ...]:
        """‖W_hh‖ to the distance's power, for every distance; empty where no bound holds."""
        shown = self.shown
        if shown is None or len(shown.norms) != 1:
            return ()
        return tuple(math.exp(min(distance * math.log(max(shown.norms[0], 1e-30)), 600.0)) for distance in range(shown.steps))

    @staticmethod
    def _highest(measured: Numbers) -> int:
        """The power of ten above what was measured, in steps of three."""
        high, values = HIGHEST, measured[np.isfinite(measured) & (measured > 0)]
        while len(values) and float(values.max()) > 10.0**high and high < MOST_DECADES:
            high += GROWTH
        return high

    def _read(self, x: float, y: float) -> str:
        if self.shown is None:
            return ""
        distance = min(max(round(x), 0), self.shown.steps - 1)
        middle, bound = float(self.shown.decay(self.of_cell).middle[distance]), self.bound()
        beside = f", bound {number(bound[distance])}" if bound else ""
        return f"{distance} steps back: × {number(middle)}{beside}"

    def _table(self) -> Table | None:
        if self.shown is None:
            return None
        decay, bound = self.shown.decay(self.of_cell), self.bound()
        columns = {"steps back": np.arange(self.shown.steps), "least": decay.low, "median": decay.middle, "greatest": decay.high}
        columns |= {"bound": np.array(bound)} if bound else {}
        columns |= {f"{cell}_median": middle for cell, middle in self._middles.items()}
        return Table(tuple(columns), tuple(columns.values()))


class GrowingColours:
    """A heat map in a plot, with the bar that says what its colours mean."""

    def __init__(self, plot: Plot) -> None:
        self._heat = plot.heatmap()
        self._bar = plot.colour_bar(Axis(log=True))
        self.top = BRIGHTEST  # the power of ten of the brightest colour

    def begin(self) -> None:
        self.top = BRIGHTEST

    def show(self, norms: Numbers | None, colour_map: str, *, left: float = 0.5, width: float = 1.0) -> None:
        """Draw norms of shape (rows, columns), nan where there is none; row 0 is that of step 1."""
        colours = None
        if norms is not None:
            most = norms.max(initial=0.0, where=np.isfinite(norms))
            while most > 10.0**self.top and self.top < BRIGHTEST_AT_MOST:
                self.top += GROWTH
            with np.errstate(divide="ignore", invalid="ignore"):
                places = np.nan_to_num(np.log10(norms), nan=np.nan, posinf=BEYOND, neginf=-BEYOND).astype(np.float32)
            colours = to_colours(places, low=DARKEST, high=self.top, name=colour_map)
        self._heat.show(colours, left=left, top=0.5, width=width)
        self._bar.show(10.0**DARKEST, 10.0**self.top, colour_map, (f"≤{power_of_ten(DARKEST)}", power_of_ten(self.top)))
