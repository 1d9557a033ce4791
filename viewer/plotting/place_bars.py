"""Numbers of words as bars, a line a word: one column, or several beside one another. It knows no session."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from unrolled.models.trace import FloatArray
from unrolled.models.trace.numbers import MINUS, brief, precise
from unrolled.viewer.drawing.painting import elided
from unrolled.viewer.plotting.axis import Axis
from unrolled.viewer.plotting.context_menu import attach
from unrolled.viewer.plotting.ink import ink
from unrolled.viewer.plotting.legend import LEGEND_HEIGHT
from unrolled.viewer.plotting.navigation import add_ranges
from unrolled.viewer.plotting.plot import Plot
from unrolled.viewer.plotting.table import Table
from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.widgets.building import in_row

BAR, SCALE, EDGE = 16, 18, 4
WIDE_COLUMN = 170  # from here on there is room for numbers beside the bars
WIDEST = 340


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """A column."""

    # The second where the first does not fit.
    title: str
    brief_title: str
    values: FloatArray  # shape (words,)
    signed: bool  # drawn on both sides of 0, from −`largest` to `largest`; otherwise from 0 on
    largest: float  # the end of the scale


def bars(title: str, values: FloatArray, *, brief_title: str = "", signed: bool = True) -> Bars:
    """A column whose scale ends at its own largest value."""
    finite = np.abs(values[np.isfinite(values)])
    return Bars(title, brief_title or title, values, signed, float(finite.max()) if finite.size else 0.0)


class PlaceBars(QWidget):
    """Words, and of each its bars."""

    chosen = Signal(int)  # the step of a word that was clicked
    own_keys = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter, *Plot.own_keys)

    def __init__(self, name: str, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.names: tuple[str, ...] = ()
        self.columns: tuple[Bars, ...] = ()
        self.steps: tuple[int, ...] = ()
        self._recorded: Table | None = None
        self.marked = -1
        self.plots: list[_Column] = []
        self._layout = in_row(self, spacing=8)
        self.setAccessibleName(name)
        self.setMinimumWidth(120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._figure = attach(self, name, table=self._table, fill=self._fill_menu)

    @property
    def values(self) -> FloatArray:
        return self.columns[0].values if self.columns else np.zeros(0, np.float32)

    def set_bars(self, names: tuple[str, ...], columns: tuple[Bars, ...], *, steps: tuple[int, ...] = (),
                 recorded: Table | None = None) -> None:
        """Show these; with `steps`, a click goes to a word's step, where it is not negative. `recorded` are the numbers behind
        them, where these are fewer.
        """
        self.names, self.columns, self.steps, self._recorded = names, columns, steps, recorded
        while len(self.plots) < len(columns):
            self._add()
        for plot, column in zip(self.plots, columns, strict=False):
            plot.show_column(names, column)
        for number, plot in enumerate(self.plots):
            plot.setVisible(number < len(columns))
        self._mark(min(self.marked, len(names) - 1))
        self.setAccessibleDescription("; ".join(
            f"{column.title}: " + ", ".join(f"{name} {precise(float(value))}" for name, value in
                                            zip(names, column.values, strict=True)) for column in columns))
        self.updateGeometry()

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        for plot in self.plots:
            plot.set_theme(theme)

    def sizeHint(self) -> QSize:
        return QSize(200, LEGEND_HEIGHT + len(self.names) * BAR + SCALE + EDGE)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.sizeHint().height())

    def reading(self, row: int) -> str:
        if not 0 <= row < len(self.names):
            return ""
        numbers = [precise(float(column.values[row])) for column in self.columns]
        if len(numbers) == 1:
            return f"“{self.names[row]}”: {numbers[0]}"
        return f"“{self.names[row]}”: " + ", ".join(
            f"{column.title} {number}" for column, number in zip(self.columns, numbers, strict=True))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        by = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(key, 0)
        if by and self.names:
            self._mark(min(max(self.marked + by, 0), len(self.names) - 1))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._goes(self.marked):
            self._go(self.marked)
        else:
            for plot in self.plots[:1] if key != Qt.Key.Key_0 else self.plots:
                plot.keyPressEvent(event)

    def _fill_menu(self, menu: QMenu) -> None:
        for plot, column in zip(self.plots, self.columns, strict=False):
            if plot.geometry().contains(self._figure.place):
                add_ranges(menu, plot, column.title)  # its rows are words, which have no numbers

    def _add(self) -> None:
        plot = _Column(self.theme, beside=self.plots[0] if self.plots else None)
        plot.reading = lambda x, y: self.reading(round(y))
        plot.pointed.connect(lambda x, y: self._mark(round(y)))
        plot.left.connect(lambda: self._mark(-1))
        plot.clicked.connect(lambda x, y: self._go(round(y)))
        self._layout.addWidget(plot)
        self.plots.append(plot)

    def _goes(self, row: int) -> bool:
        return 0 <= row < len(self.steps) and self.steps[row] >= 0

    def _mark(self, row: int) -> None:
        self.marked = row
        goes = self._goes(row)
        self.setCursor(Qt.CursorShape.PointingHandCursor if goes else Qt.CursorShape.ArrowCursor)
        for plot in self.plots:
            plot.mark(row if goes else -1)

    def _go(self, row: int) -> None:
        if self._goes(row):
            self.chosen.emit(self.steps[row])

    def _table(self) -> Table | None:
        if self._recorded is not None or not self.columns:
            return self._recorded
        return Table(("word", *(column.title for column in self.columns)),
                     (self.names, *(column.values for column in self.columns)))


class _Column(Plot):
    """One column; the first has the names, and those beside it the same rows in sight."""

    def __init__(self, theme: Theme, *, beside: "_Column | None") -> None:
        super().__init__("", Axis(), Axis(), theme, downwards=True, part=True)
        self._column: Bars | None = None
        self._ground = self.area(ink("raised"), order=-5)
        self._bars = self.bars(ink("accent", 190), ink("playhead", 190))
        self._zero = self.line(ink("border"), width=1.0, order=1)
        self._add_axis("right", Axis(), 1, 4)
        self.setMaximumWidth(WIDEST)
        if beside is not None:
            self._axes["left"].hide()
            self._box.setYLink(beside._box)

    def show_column(self, names: tuple[str, ...], column: Bars) -> None:
        self._column = column
        high = column.largest or 1.0
        low = -high if column.signed else 0.0
        self.set_ranges((low, high), (-0.5, max(len(names), 1) - 0.5))
        self.name_rows(names)
        end = brief(column.largest)
        self._axes["bottom"].write_at({low: f"{MINUS}{end}" if column.signed else "0", high: end})
        self._bars.show(np.clip(column.values, low, high))
        self._zero.show(np.zeros(2), np.array([-0.5, len(names) - 0.5]))
        self._fit()

    def mark(self, row: int) -> None:
        self._ground.set_visible(row >= 0)
        if self._column is not None and row >= 0:
            self._ground.rectangle(-self._column.largest, self._column.largest, row - 0.5, row + 0.5)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Numbers beside the bars, and the long title, where there is room."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        column = self._column
        if column is not None:
            numbers = [precise(float(value)) for value in column.values] if self.width() >= WIDE_COLUMN else []
            self._axes["right"].name_places(numbers, mono=True)
            self._axes["right"].setVisible(bool(numbers))
            room, font = self.width() - 8, text_font(11)
            fits = QFontMetricsF(font).horizontalAdvance(column.title) <= room
            self._legend.set_heading(elided(column.title if fits else column.brief_title, font, room), self.theme)
