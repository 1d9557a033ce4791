"""Numbers of words as bars, a line a word: one column, or several beside one another. It knows no session."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from unrolled.models.trace import FloatArray
from unrolled.viewer.drawing.painting import draw_focus, elided, mix
from unrolled.viewer.state.wording import MINUS, brief, precise
from unrolled.viewer.theme.fonts import mono_font, text_font
from unrolled.viewer.theme.themes import Theme

TITLE, SCALE, BAR = 18.0, 16.0, 16.0
NAMES = 76.0          # at most: they are as wide as the longest
NUMBERS = 58.0        # beside the bars where there is room
WIDE_COLUMN = 150.0   # from here on there is
GAP = 10.0
WIDEST = 260.0


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """A column.

    Attributes
    ----------
    title, brief_title : str
        The second where the first does not fit.
    values : array of float32, shape (words,)
    signed : bool
        Drawn on both sides of 0, from −`largest` to `largest`; otherwise from 0 on.
    largest : float
        The end of the scale.
    """

    title: str
    brief_title: str
    values: FloatArray
    signed: bool
    largest: float


def bars(title: str, values: FloatArray, *, brief_title: str = "", signed: bool = True) -> Bars:
    """A column whose scale ends at its own largest value."""
    finite = np.abs(values[np.isfinite(values)])
    return Bars(title, brief_title or title, values, signed, float(finite.max()) if finite.size else 0.0)


def paint_bar(painter: QPainter, theme: Theme, room: QRectF, value: float, *, largest: float, signed: bool) -> None:
    """One bar in its room: from the middle to either side, or from the left."""
    half = room.width() / 2 if signed else room.width()
    zero = room.left() + (half if signed else 0.0)
    length = half * min(abs(value) / largest, 1.0) if largest and np.isfinite(value) else 0.0
    colour = mix(theme.panel, theme.playhead if value < 0 else theme.accent, 0.75)
    painter.fillRect(QRectF(zero - length if value < 0 else zero, room.top() + 3, max(length, 0.5), room.height() - 6), colour)


class PlaceBars(QWidget):
    """Words, and of each its bars.

    Attributes
    ----------
    chosen : Signal(int)
        A word was clicked that has a step: that step.
    """

    chosen = Signal(int)
    own_keys = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter)

    def __init__(self, name: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.names: tuple[str, ...] = ()
        self.columns: tuple[Bars, ...] = ()
        self.steps: tuple[int, ...] = ()
        self._marked = -1
        self.setAccessibleName(name)
        self.setMinimumWidth(120)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def values(self) -> FloatArray:
        """Of the first column."""
        return self.columns[0].values if self.columns else np.zeros(0, np.float32)

    def set_bars(self, names: tuple[str, ...], columns: tuple[Bars, ...], *, steps: tuple[int, ...] = ()) -> None:
        """Show these; with `steps`, a click goes to a word's step, where it is not negative."""
        self.names, self.columns, self.steps = names, columns, steps
        self._marked = min(self._marked, len(names) - 1)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if any(step >= 0 for step in steps) else Qt.FocusPolicy.NoFocus)
        self.setAccessibleDescription("; ".join(
            f"{column.title}: " + ", ".join(f"{name} {precise(float(value))}" for name, value in
                                            zip(names, column.values, strict=True)) for column in columns))
        self.updateGeometry()
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Other colours are in force."""
        self.theme = theme
        self.update()

    def sizeHint(self) -> QSize:
        """A line a word."""
        return QSize(200, round(TITLE + len(self.names) * BAR + SCALE))

    def minimumSizeHint(self) -> QSize:
        """As high as it wants to be."""
        return QSize(120, self.sizeHint().height())

    @property
    def _plot(self) -> QRectF:
        return QRectF(0, TITLE, self.width(), len(self.names) * BAR)

    def reading(self, place: QPointF) -> str:
        """What is under a place on screen, in words."""
        row = self._row_at(place)
        if row < 0 or not self.columns:
            return ""
        numbers = [precise(float(column.values[row])) for column in self.columns]
        if len(numbers) == 1:
            return f"“{self.names[row]}”: {numbers[0]}"
        return f"“{self.names[row]}”: " + ", ".join(
            f"{column.title} {number}" for column, number in zip(self.columns, numbers, strict=True))

    # ── Painting ──────────────────────────────────────────────────────────────────────────────────────────────

    def paintEvent(self, event: QPaintEvent) -> None:
        """Names, and column after column its title, bars and scale."""
        theme, font = self.theme, text_font(11)
        painter = QPainter(self)
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        names = min(max((metrics.horizontalAdvance(name) for name in self.names), default=0.0) + 10.0, NAMES)
        if self._marked >= 0 and self._goes(self._marked):
            painter.fillRect(QRectF(0, TITLE + self._marked * BAR, self.width(), BAR), QColor(theme.raised))
        for row, name in enumerate(self.names):
            painter.setPen(QColor(theme.text if self._goes(row) else theme.muted))
            painter.drawText(QRectF(0, TITLE + row * BAR, names - 8, BAR),
                             Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, elided(name, font, int(names) - 8))
        count = max(len(self.columns), 1)
        wide = min((self.width() - names - GAP * (count - 1)) / count, WIDEST)
        for place, column in enumerate(self.columns):
            self._paint_column(painter, column, names + place * (wide + GAP), wide)
        if self.hasFocus():
            draw_focus(painter, QRectF(self.rect()), theme.accent)
        painter.end()

    def _paint_column(self, painter: QPainter, column: Bars, left: float, wide: float) -> None:
        theme, font, below = self.theme, text_font(11), TITLE + len(self.names) * BAR
        numbers = NUMBERS if wide >= WIDE_COLUMN else 0.0
        room = wide - numbers
        painter.setFont(font)
        painter.setPen(QColor(theme.text))
        title = column.title if QFontMetricsF(font).horizontalAdvance(column.title) <= wide else column.brief_title
        painter.drawText(QRectF(left, 0, wide, TITLE), Qt.AlignmentFlag.AlignVCenter, elided(title, font, int(wide)))
        zero = left + room / 2 if column.signed else left
        painter.fillRect(QRectF(zero, TITLE, 1, below - TITLE), QColor(theme.border))
        painter.setFont(mono_font(10))
        painter.setPen(QColor(theme.muted))
        for row, value in enumerate(column.values):
            bar = QRectF(left, TITLE + row * BAR, room, BAR)
            paint_bar(painter, theme, bar, float(value), largest=column.largest, signed=column.signed)
            if numbers:
                painter.drawText(QRectF(bar.right(), bar.top(), numbers, BAR),
                                 Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, precise(float(value)))
        painter.setFont(text_font(10))
        ends = (f"{MINUS}{brief(column.largest)}" if column.signed else "0", brief(column.largest))
        for end, side in zip(ends, (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight), strict=True):
            painter.drawText(QRectF(left, below, room, SCALE), side | Qt.AlignmentFlag.AlignVCenter, end)

    # ── Pointing and going ────────────────────────────────────────────────────────────────────────────────────

    def _row_at(self, place: QPointF) -> int:
        inside = self._plot.contains(place) and bool(self.names)
        return min(int((place.y() - TITLE) / BAR), len(self.names) - 1) if inside else -1

    def _goes(self, row: int) -> bool:
        return 0 <= row < len(self.steps) and self.steps[row] >= 0

    def _mark(self, row: int) -> None:
        if row != self._marked:
            self._marked = row
            self.setCursor(Qt.CursorShape.PointingHandCursor if self._goes(row) else Qt.CursorShape.ArrowCursor)
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Mark the line that a click would go to."""
        self._mark(self._row_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        """None."""
        self._mark(-1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go to a word's step."""
        self._go(self._row_at(event.position()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and down mark a line, Enter goes there."""
        key = Qt.Key(event.key())
        by = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(key, 0)
        if by and self.names:
            self._mark(min(max(self._marked + by, 0), len(self.names) - 1))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._goes(self._marked):
            self._go(self._marked)
        else:
            super().keyPressEvent(event)

    def _go(self, row: int) -> None:
        if self._goes(row):
            self.chosen.emit(self.steps[row])

    def event(self, event: QEvent) -> bool:
        """Read out what is under the pointer."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.reading(QPointF(event.pos())), self)
            return True
        return super().event(event)
