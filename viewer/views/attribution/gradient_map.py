"""A table of norms, word by step, on a logarithmic scale: what each word depended on. It knows no session."""

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtWidgets import QWidget

from unrolled.models.trace import FloatArray
from unrolled.models.trace.numbers import precise
from unrolled.viewer.drawing.gradient_colours import ends_of, gradient_colours
from unrolled.viewer.plotting.axis import Axis
from unrolled.viewer.plotting.ink import ink
from unrolled.viewer.plotting.plot import Plot
from unrolled.viewer.plotting.table import Table
from unrolled.viewer.theme.colour_maps import SEQUENTIAL
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.widgets.building import elided_label, in_column
from unrolled.viewer.widgets.colour_map_button import add_colour_maps

LEAST_ROWS, LEAST_COLUMNS = 5, 7  # a shorter table leaves room, so that its cells are not huge
THIN = 5.0           # a row this low would be hidden by a frame round it
STALE = 0.3          # of its strength: what is not true of the run on screen any more


class GradientMap(QWidget):
    """Rows are words, columns the steps that they depended on."""

    chosen = Signal(int)  # the step of the row that was clicked
    colour_map_chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table: FloatArray = np.zeros((0, 0), np.float32)
        self.first = 0
        self.words: tuple[str, ...] = ()
        self.headings: tuple[str, ...] = ()
        self._recorded_words: Sequence[str] = ()
        self.current = -1
        self.symbol = "h"
        self.reading = ""  # what is under the pointer
        self.stale = False
        self.decades = (-1, 0)
        self._colour_map = "viridis"
        self._other: tuple[object, ...] = ()
        self.plot = Plot("What each prediction depended on", Axis("state of step", whole=True), Axis("predicted", whole=True),
                         theme, downwards=True, table=self._recorded)
        self.plot.setToolTip("Rows: what was predicted. Columns: the steps that it depended on. A click goes to a row’s step "
                             "(Up, Down)")
        self.plot.reading = self._words_at
        self.plot.read_out.connect(self._read)
        self.plot.clicked.connect(self._clicked)
        self.plot.take_keys({Qt.Key.Key_Up: lambda: self._move(-1), Qt.Key.Key_Down: lambda: self._move(1)})
        self.plot.extend_menu = lambda menu: add_colour_maps(menu.addMenu("Colour map"), SEQUENTIAL, self._colour_map,
                                                             self.colour_map_chosen.emit)
        self._heat = self.plot.heatmap()
        self._bar = self.plot.colour_bar(Axis(log=True))
        self._frame = self.plot.area(ink("playhead"), outlined=True)
        self._dot = self.plot.scatter(ink("playhead"), size=7.0, order=11)
        self._said = elided_label(look="muted")
        self.setFocusProxy(self.plot)
        self.setMinimumSize(180, 120)
        in_column(self, (self.plot, 1), self._said, spacing=0)
        self._read("")

    def sizeHint(self) -> QSize:
        return QSize(260, 120)

    def set_table(self, table: FloatArray, *, first: int, words: tuple[str, ...], headings: tuple[str, ...] = (), symbol: str,
                  recorded: Sequence[str] = (), decades: tuple[int, int] = (-1, 0), colour_map: str = "viridis",
                  stale: bool = False) -> None:
        """Show norms (rows, columns); row r is the word of step first + r, and so is column r, where it has no heading.

        The scale goes from one power of ten to another; `stale` norms are not those of the run on screen, and pale. `recorded`
        are the words as a trace has them, where they are shown otherwise.
        """
        other = (first, words, symbol, decades, stale, colour_map)
        if other == self._other and np.array_equal(table, self.table, equal_nan=True):
            return  # another word of the same run
        self._other = other
        self.table, self.first, self.words, self.symbol = table, first, words, symbol
        self.headings = headings or words
        self._recorded_words = recorded or words
        self.decades, self._colour_map, self.stale = decades, colour_map, stale
        rows, columns = table.shape
        self.plot.set_ranges((-0.5, max(columns, LEAST_COLUMNS) - 0.5), (-0.5, max(rows, LEAST_ROWS) - 0.5))
        self._bar.show(10.0 ** decades[0], 10.0 ** decades[1], colour_map, ends_of(decades))
        self._show_cells()
        self._mark()
        self._read("")

    def set_current(self, step: int) -> None:
        if step != self.current:
            self.current = step
            self._mark()

    def set_theme(self, theme: Theme) -> None:
        self.plot.set_theme(theme)
        self._show_cells()

    def place_of(self, word: int, step: int) -> QPointF:
        """The middle of a cell, in pixels of the plot's surface."""
        return self.plot.place_of(step - self.first, word - self.first)

    def _show_cells(self) -> None:
        if not self.table.size:
            self._heat.show(None)
            return
        colours = gradient_colours(self.table, self.decades, self._colour_map, self.plot.theme.missing)
        self._heat.show(colours, left=-0.5, top=-0.5, opacity=STALE if self.stale else 1.0)

    def _mark(self) -> None:
        row, (rows, columns) = self.current - self.first, self.table.shape
        there = 0 <= row < rows
        thin = there and abs(self.plot.place_of(0, 1).y() - self.plot.place_of(0, 0).y()) < THIN
        self._frame.set_visible(there and not thin)
        self._dot.set_visible(thin)
        if thin:
            self._dot.show(np.array([-0.5]), np.array([float(row)]))
        elif there:
            self._frame.rectangle(-0.5, columns - 0.5, row - 0.5, row + 0.5)
        self.plot.name_rows(self.words[:rows] or (" ",), row)  # no numbers stand where words will be
        self.plot.name_columns(self.headings[:columns] or (" ",), row)

    def _words_at(self, x: float, y: float) -> str:
        row, column = round(y), round(x)
        if not (0 <= row < self.table.shape[0] and 0 <= column < self.table.shape[1]):
            return ""
        if column > row:
            return "Nothing depends on what comes after it"
        if not math.isfinite(self.table[row, column]):
            return "Not computed yet"
        of = f" “{self.words[column]}”" if self.headings is self.words else ""
        return (f"log p({self.words[row]}) by {self.symbol} of step {self.first + column + 1}{of}: "
                f"{precise(float(self.table[row, column]))}")

    def _read(self, words: str) -> None:
        self.reading = words
        self.plot.setAccessibleDescription(words)
        self._said.setText(words or f"‖∂ log p / ∂{self.symbol}‖: point at a cell to read it out")

    def _clicked(self, x: float, y: float) -> None:
        if 0 <= round(y) < len(self.table):
            self._choose(self.first + round(y))

    def _move(self, by: int) -> None:
        if len(self.table):
            self._choose(min(max(self.current + by, self.first), self.first + len(self.table) - 1))

    def _choose(self, step: int) -> None:
        self.set_current(step)
        self.chosen.emit(step)

    def _recorded(self) -> Table | None:
        if not self.table.size:
            return None
        steps = range(self.first, self.first + self.table.shape[1])
        return Table(("step", "word", *(f"{self.symbol}[{step}]" for step in steps)),
                     (np.arange(self.first, self.first + len(self.table)), self._recorded_words, *self.table.T))
