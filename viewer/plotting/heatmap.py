"""A table of norms, word by step, as a heat map on a logarithmic scale: what each word depended on. It knows no session."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from unrolled.models.trace import FloatArray
from unrolled.viewer.drawing.painting import draw_focus, elided
from unrolled.viewer.state.wording import power_of_ten, precise
from unrolled.viewer.theme.colour_maps import colour_table, to_colours
from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.theme.themes import Theme

DECADES_AT_MOST = 6  # the scale goes so far down
HEADING = 20.0
LABELS = 76.0        # at most: it is as wide as the longest word
LEGEND = 38.0
BAR = 7.0
LEAST_LINE = 11.5
LEAST_COLUMN = 30.0
LARGEST_CELL = (56.0, 30.0)
THIN = 5.0           # a row this low
STALE = 0.3          # of its strength: what is not true of the run on screen any more


def decades_of(tables: Iterable[FloatArray]) -> tuple[int, int]:
    """The powers of ten between which all norms lie, at most `DECADES_AT_MOST` of them; what is 0 is on no such scale."""
    found = [table[np.isfinite(table) & (table > 0)] for table in tables]
    norms = np.concatenate(found) if found else np.zeros(0, np.float32)
    if not norms.size:
        return -1, 0
    high = math.ceil(math.log10(float(norms.max())) - 1e-6)
    return max(min(math.floor(math.log10(float(norms.min())) + 1e-6), high - 1), high - DECADES_AT_MOST), high


class GradientMap(QWidget):
    """Rows are words, columns the steps that they depended on.

    Attributes
    ----------
    chosen : Signal(int)
        A row was clicked: its step.
    reading : str
        What is under the pointer, in words; empty elsewhere.
    """

    chosen = Signal(int)
    own_keys = (Qt.Key.Key_Up, Qt.Key.Key_Down)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.table: FloatArray = np.zeros((0, 0), np.float32)
        self.first = 0
        self.words: tuple[str, ...] = ()
        self.headings: tuple[str, ...] = ()
        self.current = -1
        self.symbol = "h"
        self.reading = ""
        self.stale = False
        self.decades = (-1, 0)
        self._colour_map = "viridis"
        self._image: QImage | None = None
        self._colours: npt.NDArray[np.uint8] | None = None
        self.setMinimumSize(180, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("What each word depended on")
        self.setToolTip("Rows: words. Columns: the steps that they depended on. A click goes to a row’s word (Up, Down)")

    def sizeHint(self) -> QSize:
        """Narrow and low: it fills what room there is."""
        return QSize(260, 120)

    def set_table(self, table: FloatArray, *, first: int, words: tuple[str, ...], headings: tuple[str, ...] = (), symbol: str,
                  decades: tuple[int, int] = (-1, 0), colour_map: str = "viridis", stale: bool = False) -> None:
        """Show norms (rows, columns); row r is the word of step first + r, and so is column r, where it has no heading.

        The scale goes from one power of ten to another; `stale` norms are not those of the run on screen, and pale.
        """
        self.table, self.first, self.words, self.symbol = table, first, words, symbol
        self.headings = headings or words
        self.decades, self._colour_map, self.stale = decades, colour_map, stale
        self._make_image()
        self._read(None)
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

    def place_of(self, word: int, step: int) -> QPointF:
        """The middle of a cell."""
        plot = self._plot
        return QPointF(plot.left() + (step - self.first + 0.5) * plot.width() / max(self.table.shape[1], 1),
                       plot.top() + (word - self.first + 0.5) * plot.height() / max(self.table.shape[0], 1))

    @property
    def _plot(self) -> QRectF:
        rows, columns = max(self.table.shape[0], 1), max(self.table.shape[1], 1)
        metrics = QFontMetricsF(text_font(11))
        labels = min(max((metrics.horizontalAdvance(word) for word in self.words), default=0.0) + 12.0, LABELS)
        room = QRectF(labels, HEADING, max(self.width() - labels - 2, 10), max(self.height() - HEADING - LEGEND, 10))
        return QRectF(room.left(), room.top(), min(room.width(), columns * LARGEST_CELL[0]),
                      min(room.height(), rows * LARGEST_CELL[1]))

    def _make_image(self) -> None:
        self._image = None
        if not self.table.size:
            return
        low, high = self.decades
        with np.errstate(divide="ignore", invalid="ignore"):
            exponents = np.log10(self.table).astype(np.float32)
        colours = to_colours(np.maximum(exponents, low), low=low, high=high, name=self._colour_map)
        colours[~np.isfinite(exponents)] = _rgba(self.theme.missing)  # 0, or not known yet
        self._colours = np.ascontiguousarray(colours)
        self._image = QImage(self._colours.data, colours.shape[1], colours.shape[0], 4 * colours.shape[1],
                             QImage.Format.Format_RGBA8888)

    # ── Painting ──────────────────────────────────────────────────────────────────────────────────────────────

    def paintEvent(self, event: QPaintEvent) -> None:
        """Words at the left and on top, the map, and its scale below."""
        painter = QPainter(self)
        if self._image is not None:
            plot = self._plot
            painter.setOpacity(STALE if self.stale else 1.0)
            painter.drawImage(plot, self._image)
            self._paint_words(painter, plot)
            painter.setOpacity(1.0)
            row = self.current - self.first
            if 0 <= row < len(self.table):
                high = plot.height() / len(self.table)
                painter.setPen(QPen(QColor(self.theme.playhead), 1.5))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                if high < THIN:  # a frame would hide the row
                    painter.fillRect(QRectF(plot.left() - 5, plot.top() + (row + 0.5) * high - 1.5, 4, 3),
                                     QColor(self.theme.playhead))
                else:
                    painter.drawRect(QRectF(plot.left(), plot.top() + row * high, plot.width(), high))
            self._paint_scale(painter, plot)
        if self.hasFocus():
            draw_focus(painter, QRectF(self.rect()), self.theme.accent)
        painter.end()

    def _paint_words(self, painter: QPainter, plot: QRectF) -> None:
        font = text_font(11)
        painter.setFont(font)
        rows, columns = self.table.shape
        high, wide = plot.height() / rows, plot.width() / columns
        every = max(math.ceil(LEAST_LINE / high), 1)
        for row in self._labelled(rows, every):
            self._pen(painter, row)
            box = QRectF(2, plot.top() + (row + 0.5) * high - 8, plot.left() - 8, 16)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                             elided(self._word(self.first + row), font, int(box.width()) - 2))
        longest = max((QFontMetricsF(font).horizontalAdvance(word) for word in self.headings), default=0.0) + 8
        every = max(math.ceil(min(longest, LEAST_COLUMN) / wide), 1)
        for column in self._labelled(columns, every):
            self._pen(painter, column)
            room = wide * every
            box = QRectF(plot.left() + (column + 0.5) * wide - room / 2, 0, room, HEADING)
            painter.drawText(box, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter,
                             elided(self.headings[column], font, int(room) - 2))

    def _labelled(self, count: int, every: int) -> list[int]:
        """Every so many, and the current one in place of its neighbour."""
        current = self.current - self.first
        listed = [place for place in range(0, count, every) if not 0 < abs(place - current) < every]
        return sorted({*listed, current}) if 0 <= current < count else listed

    def _pen(self, painter: QPainter, place: int) -> None:
        painter.setPen(QColor(self.theme.text if self.first + place == self.current else self.theme.muted))

    def _paint_scale(self, painter: QPainter, plot: QRectF) -> None:
        theme, font = self.theme, text_font(11)
        metrics = QFontMetricsF(font)
        low, high = self.decades
        ends = (f"≤{power_of_ten(low)}" if high - low == DECADES_AT_MOST else power_of_ten(low), power_of_ten(high))
        top = plot.bottom() + 7
        painter.setFont(font)
        painter.setPen(QColor(theme.muted))
        text = f"‖∂ log p(word) / ∂{self.symbol}‖"
        line = QRectF(0, top - 5, self.width(), BAR + 9)
        middle = Qt.AlignmentFlag.AlignVCenter
        left, sizes = max(plot.left() - 40, 2.0), [metrics.horizontalAdvance(end) for end in ends]
        bar = QRectF(left + sizes[0] + 6, top, 96, BAR)
        painter.drawText(QRectF(left, line.top(), sizes[0] + 4, line.height()), middle, ends[0])
        painter.drawText(QRectF(bar.right() + 6, line.top(), sizes[1] + 4, line.height()), middle, ends[1])
        start = bar.right() + sizes[1] + 18
        painter.drawText(QRectF(start, line.top(), self.width() - start, line.height()), middle,
                         elided(text, font, int(self.width() - start - 2)))
        strip = np.ascontiguousarray(colour_table(self._colour_map))
        painter.drawImage(bar, QImage(strip.data, len(strip), 1, 4 * len(strip), QImage.Format.Format_RGBA8888))
        painter.setPen(QColor(theme.muted))
        for decade in range(low, high + 1):  # a tick a power of ten
            x = bar.left() + (decade - low) / (high - low) * bar.width()
            painter.drawLine(QPointF(x, bar.bottom()), QPointF(x, bar.bottom() + 3))
        painter.setPen(QColor(theme.text if self.reading else theme.muted))
        said = self.reading or "Point at a cell to read it out"
        below = QRectF(left, line.bottom(), self.width() - left, 16)
        painter.drawText(below, middle, elided(said, font, int(below.width())))

    # ── Pointing and going ────────────────────────────────────────────────────────────────────────────────────

    def _word(self, step: int) -> str:
        place = step - self.first
        return self.words[place] if 0 <= place < len(self.words) else ""

    def _read(self, place: QPointF | None) -> None:
        found = self.value_at(place) if place is not None else None
        reading = ""
        if found is not None:
            word, step, value = found
            if step > word:
                reading = "No word depends on what comes after it"
            elif not math.isfinite(value):
                reading = "Not computed yet"
            else:
                of = f" “{self._word(step)}”" if self.headings is self.words else ""
                reading = f"log p({self._word(word)}) by {self.symbol} of step {step + 1}{of}: {precise(value)}"
        if reading != self.reading:
            self.reading = reading
            self.setAccessibleDescription(reading)
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Read out what is under the pointer."""
        self._read(event.position())

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under it."""
        self._read(None)

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


def _rgba(colour: str) -> npt.NDArray[np.uint8]:
    made = QColor(colour)
    return np.array((made.red(), made.green(), made.blue(), 255), np.uint8)
