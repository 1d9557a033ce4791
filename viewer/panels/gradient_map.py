"""A table of norms, word by step, as a heat map on a logarithmic scale: what each word depended on. It knows no session."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from unrolled.models.trace import FloatArray
from unrolled.viewer.panels.painting import elided
from unrolled.viewer.theme.colour_maps import colour_table, to_colours
from unrolled.viewer.theme.fonts import mono_font, text_font
from unrolled.viewer.theme.themes import Theme

COLOUR_MAP = "viridis"
DECADES = 5.0      # the scale goes so far down from the largest
HEADING = 20.0
LABELS = 76.0
LEGEND = 26.0
LEAST_CELL = 9.0


class GradientMap(QWidget):
    """Rows are words, columns the steps that they depended on.

    Attributes
    ----------
    chosen : Signal(int)
        A row or a column was clicked: its step.
    """

    chosen = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.table: FloatArray = np.zeros((0, 0), np.float32)
        self.first = 0
        self.words: tuple[str, ...] = ()
        self.current = -1
        self.symbol = "h"
        self._image: QImage | None = None
        self._colours: npt.NDArray[np.uint8] | None = None
        self.setMinimumSize(220, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("What each word depended on")

    def sizeHint(self) -> QSize:
        """A square of cells, with room for the labels."""
        side = max(len(self.table), 6) * 16
        return QSize(round(LABELS + side), round(HEADING + side + LEGEND))

    @property
    def largest(self) -> float:
        """The top of the scale."""
        finite = self.table[np.isfinite(self.table)]
        return float(finite.max()) if finite.size else 0.0

    def set_table(self, table: FloatArray, *, first: int, words: tuple[str, ...], symbol: str) -> None:
        """Show norms (rows, columns); row r is the word of step first + r, and so is column r."""
        self.table, self.first, self.words, self.symbol = table, first, words, symbol
        self._make_image()
        self.update()

    def set_current(self, step: int) -> None:
        """Mark the row of a step."""
        if step != self.current:
            self.current = step
            self.update()

    def set_theme(self, theme: Theme) -> None:
        """Other colours are in force."""
        self.theme = theme
        self._make_image()
        self.update()

    def value_at(self, place: QPointF) -> tuple[int, int, float] | None:
        """The word's step, the step it depends on, and the norm, under a place on screen."""
        plot, size = self._plot, self.table.shape
        if not plot.contains(place) or not size[0]:
            return None
        row = min(int((place.y() - plot.top()) / plot.height() * size[0]), size[0] - 1)
        column = min(int((place.x() - plot.left()) / plot.width() * size[1]), size[1] - 1)
        return self.first + row, self.first + column, float(self.table[row, column])

    @property
    def _plot(self) -> QRectF:
        rows, columns = max(self.table.shape[0], 1), max(self.table.shape[1], 1)
        room = QRectF(LABELS, HEADING, max(self.width() - LABELS - 6, 10), max(self.height() - HEADING - LEGEND, 10))
        return QRectF(room.left(), room.top(), min(room.width(), columns * 44.0), min(room.height(), rows * 30.0))

    def _make_image(self) -> None:
        self._image = None
        top = self.largest
        if top <= 0:
            return
        with np.errstate(divide="ignore", invalid="ignore"):
            decades = np.log10(self.table / top)
        colours = to_colours(np.maximum(decades, -DECADES).astype(np.float32), low=-DECADES, high=0.0, name=COLOUR_MAP)
        # No word depends on what comes after it.
        later = np.arange(self.table.shape[1])[None, :] > np.arange(self.table.shape[0])[:, None]
        colours[later | ~np.isfinite(self.table)] = np.array(_rgba(self.theme.missing), np.uint8)
        self._colours = np.ascontiguousarray(colours)
        self._image = QImage(self._colours.data, colours.shape[1], colours.shape[0], 4 * colours.shape[1],
                             QImage.Format.Format_RGBA8888)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Words at the left and on top, the map, and its scale below."""
        theme, plot = self.theme, self._plot
        painter = QPainter(self)
        if self._image is None:
            painter.end()
            return
        painter.drawImage(plot, self._image)
        rows, columns = self.table.shape
        high, wide = plot.height() / rows, plot.width() / columns
        font = text_font(11)
        painter.setFont(font)
        every = max(int(np.ceil(13.0 / high)), 1)
        for row in range(0, rows, every):
            step = self.first + row
            painter.setPen(QColor(theme.text if step == self.current else theme.muted))
            box = QRectF(2, plot.top() + row * high, LABELS - 8, max(high, 13.0) if every > 1 else high)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                             elided(self._word(step), font, int(LABELS) - 10))
        every = max(int(np.ceil(30.0 / wide)), 1)
        for column in range(0, columns, every):
            step = self.first + column
            painter.setPen(QColor(theme.text if step == self.current else theme.muted))
            box = QRectF(plot.left() + (column + 0.5 - every / 2) * wide, 0, wide * every, HEADING)
            painter.drawText(box, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter,
                             elided(self._word(step), font, int(wide * every) - 2))
        if self.first <= self.current < self.first + rows:
            painter.setPen(QPen(QColor(theme.playhead), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            row = self.current - self.first
            painter.drawRect(QRectF(plot.left(), plot.top() + row * high, plot.width(), high))
        self._paint_scale(painter, plot)
        painter.end()

    def _paint_scale(self, painter: QPainter, plot: QRectF) -> None:
        theme = self.theme
        font = mono_font(10)
        painter.setFont(font)
        low, high = f"{self.largest * 10**-DECADES:.0e}", f"{self.largest:.2g}"
        metrics = QFontMetricsF(font)
        left = plot.left() + metrics.horizontalAdvance("≤" + low) + 6
        box = QRectF(left, plot.bottom() + 9, 90, 7)
        table = colour_table(COLOUR_MAP)
        strip = QImage(table.tobytes(), len(table), 1, QImage.Format.Format_RGBA8888)
        painter.drawImage(box, strip)
        painter.setPen(QColor(theme.muted))
        painter.drawText(QPointF(plot.left(), box.bottom() + 1), "≤" + low)
        painter.drawText(QPointF(box.right() + 6, box.bottom() + 1), high)
        painter.setFont(text_font(11))
        text = f"‖∂ log p(word) / ∂{self.symbol} of a step‖, logarithmic"
        start = box.right() + 12 + metrics.horizontalAdvance(high)
        painter.drawText(QPointF(start, box.bottom() + 1), elided(text, text_font(11), int(self.width() - start - 4)))

    def _word(self, step: int) -> str:
        place = step - self.first
        return self.words[place] if 0 <= place < len(self.words) else ""

    def event(self, event: QEvent) -> bool:
        """Read out what is under the pointer."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            found = self.value_at(QPointF(event.pos()))
            if found is None:
                QToolTip.hideText()
            else:
                word, step, value = found
                text = ("a word does not depend on what comes after it" if step > word else
                        f"log p(“{self._word(word)}”) by {self.symbol} of step {step + 1} “{self._word(step)}”: {value:.3g}")
                QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go to the word whose row it is."""
        found = self.value_at(event.position())
        if found is not None:
            self._choose(found[0])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and down go to the word before and after."""
        by = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        if by and len(self.table):
            self._choose(min(max(self.current + by, self.first), self.first + len(self.table) - 1))
        else:
            super().keyPressEvent(event)

    def _choose(self, step: int) -> None:
        self.set_current(step)
        self.chosen.emit(step)


def _rgba(colour: str) -> tuple[int, int, int, int]:
    made = QColor(colour)
    return made.red(), made.green(), made.blue(), 255
