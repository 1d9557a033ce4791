"""What the plots of the training room have in common: margins, axes, labels, and how many numbers share a pixel."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from unrolled.viewer.drawing.painting import draw_focus
from unrolled.viewer.theme.fonts import mono_font, text_font
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.training_room.sentences import power

LEFT, RIGHT, TOP, BOTTOM = 46.0, 12.0, 20.0, 20.0  # pixels round a plot, for its labels
TICK_ROOM = 22.0    # least distance of two labels one above the other
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to pixels, evenly or evenly in the logarithm.

    Attributes
    ----------
    low, high : float
        Values at the ends; above 0 where it is logarithmic.
    start, stop : float
        Pixels at the ends.
    """

    low: float
    high: float
    start: float
    stop: float
    logarithmic: bool = False

    def pixels(self, values: Numbers) -> Numbers:
        """Where values lie; beyond the ends they lie beyond."""
        if self.logarithmic:
            low, high = math.log10(self.low), math.log10(self.high)
            values = np.log10(np.maximum(values, 1e-300))
        else:
            low, high = self.low, self.high
        found: Numbers = self.start + (values - low) / (high - low) * (self.stop - self.start)
        return found

    def pixel(self, value: float) -> float:
        """Where a value lies."""
        return float(self.pixels(np.asarray(value, np.float64)))

    def value(self, pixel: float) -> float:
        """What lies at a pixel."""
        part = (pixel - self.start) / (self.stop - self.start)
        if self.logarithmic:
            low, high = math.log10(self.low), math.log10(self.high)
            return float(10.0 ** (low + part * (high - low)))
        return self.low + part * (self.high - self.low)


def decades(low: float, high: float, *, least: int = 2) -> tuple[float, float]:
    """Whole powers of ten around two positive numbers, at least so many apart."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    if last - first < least:
        last = first + least
    return 10.0**first, 10.0**last


def even_ticks(high: float, most: int) -> list[float]:
    """From 0 to a number, at round distances, at most so many."""
    if high <= 0 or most < 1:
        return [0.0]
    raw = high / most
    unit = 10.0 ** math.floor(math.log10(raw))
    distance = next((unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw * (1 - 1e-9)), unit * 10)
    return [distance * place for place in range(int(high / distance + 1e-9) + 1)]


def lowest_and_highest(values: Numbers, columns: int) -> tuple[npt.NDArray[np.intp], Numbers, Numbers]:
    """Neighbouring values taken together until there are at most so many: first place, least and greatest of each."""
    stride = max(math.ceil(len(values) / max(columns, 1)), 1)
    starts = np.arange(0, len(values), stride)
    return starts, np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)


class Plot(QWidget):
    """A plot with axes.

    Attributes
    ----------
    read_out : Signal(str)
        What is under the pointer, in words; empty when nothing is.
    """

    read_out = Signal(str)

    def __init__(self, name: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setAccessibleName(name)
        self.setMouseTracking(True)
        self.setMinimumSize(160, 96)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def set_theme(self, theme: Theme) -> None:
        """Other colours are in force."""
        self.theme = theme
        self.update()

    def sizeHint(self) -> QSize:
        """It takes the room that there is."""
        return QSize(320, 200)

    @property
    def plot(self) -> QRectF:
        """Where the values lie."""
        return QRectF(LEFT, TOP, max(self.width() - LEFT - RIGHT, 1), max(self.height() - TOP - BOTTOM, 1))

    def paint_plot(self, painter: QPainter) -> None:
        """Paint everything but the ground and the focus ring."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ground, plot, focus."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self.theme.panel))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint_plot(painter)
        if self.hasFocus():
            draw_focus(painter, QRectF(self.rect()), self.theme.accent)
        painter.end()

    # ── Parts ─────────────────────────────────────────────────────────────────────────────────────────────────

    def paint_frame(self, painter: QPainter, plot: QRectF) -> None:
        """The ground of the values."""
        painter.fillRect(plot, QColor(self.theme.missing))

    def paint_words(self, painter: QPainter, plot: QRectF, words: str) -> None:
        """Muted words in the middle, where there is nothing yet."""
        painter.setFont(text_font(12))
        painter.setPen(QColor(self.theme.muted))
        painter.drawText(plot.adjusted(8, 0, -8, 0), int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), words)

    def paint_log_axis(self, painter: QPainter, plot: QRectF, scale: Scale) -> None:
        """A line and a label at powers of ten."""
        first, last = round(math.log10(scale.low)), round(math.log10(scale.high))
        every = max(math.ceil((last - first) * TICK_ROOM / max(plot.height(), 1)), 1)
        for exponent in range(first, last + 1):
            if exponent % every == 0:
                self._tick(painter, plot, scale.pixel(10.0**exponent), f"10{power(exponent)}" if exponent else "1")

    def paint_even_axis(self, painter: QPainter, plot: QRectF, scale: Scale) -> None:
        """A line and a label at round numbers."""
        for value in even_ticks(scale.high, max(int(plot.height() / TICK_ROOM / 1.6), 1)):
            self._tick(painter, plot, scale.pixel(value), f"{value:g}")

    def _tick(self, painter: QPainter, plot: QRectF, y: float, label: str) -> None:
        painter.setPen(QPen(QColor(self.theme.border), 1))
        y = math.floor(y) + 0.5
        painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
        painter.setFont(mono_font(10))
        painter.setPen(QColor(self.theme.muted))
        painter.drawText(QRectF(0, y - 8, plot.left() - 6, 16), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                         label)

    def paint_bottom(self, painter: QPainter, plot: QRectF, scale: Scale, title: str) -> None:
        """Round numbers under the plot, and what they count."""
        painter.setFont(mono_font(10))
        painter.setPen(QColor(self.theme.muted))
        room = painter.fontMetrics().horizontalAdvance(title) + 12
        line = QRectF(plot.left(), plot.bottom() + 3, plot.width(), BOTTOM - 4)
        for value in even_ticks(scale.high, max(int(plot.width() / 80), 1)):
            x = scale.pixel(value)
            if x < plot.right() - room - 12:
                painter.drawText(QRectF(x - 40, line.top(), 80, line.height()), Qt.AlignmentFlag.AlignCenter, f"{value:,.0f}")
        painter.setFont(text_font(11))
        painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, title)

    def paint_legend(self, painter: QPainter, plot: QRectF, entries: Iterable[tuple[str, str, Qt.PenStyle]]) -> None:
        """A short line in its colour before every name, over the plot from the left; what has no room is left out."""
        painter.setFont(text_font(11))
        metrics, x = painter.fontMetrics(), plot.left()
        for colour, name, style in entries:
            width = metrics.horizontalAdvance(name)
            if x + 24 + width > self.width() - 4:
                return
            painter.setPen(QPen(QColor(colour), 2, style))
            painter.drawLine(QPointF(x, TOP / 2), QPointF(x + 16, TOP / 2))
            painter.setPen(QColor(self.theme.muted))
            painter.drawText(QRectF(x + 21, 0, width + 2, TOP), Qt.AlignmentFlag.AlignVCenter, name)
            x += 21 + width + 16

    def paint_curve(self, painter: QPainter, x: Numbers, y: Numbers, pen: QPen) -> None:
        """A line through points; broken where one is no number."""
        painter.setPen(pen)
        usable = np.isfinite(y)
        edges = np.flatnonzero(np.diff(usable.astype(np.int8))) + 1
        for part in np.split(np.arange(len(y)), edges):
            if len(part) and usable[part[0]]:
                points = [QPointF(*place) for place in zip(x[part].tolist(), np.clip(y[part], -1e5, 1e5).tolist(), strict=True)]
                if len(points) == 1:
                    painter.drawPoint(points[0])
                else:
                    painter.drawPolyline(QPolygonF(points))


class UpdatesPlot(Plot):
    """A plot over updates: the first at the left, the newest at the right."""

    def updates_scale(self, updates: int) -> Scale:
        """Where updates lie: room for half as many again, in round numbers, so that it seldom changes."""
        high = 50.0
        while high < updates:
            high *= 2 if round(math.log10(high / 5) % 1, 6) != round(math.log10(2), 6) else 2.5
        return Scale(0, high, self.plot.left(), self.plot.right())

    def paint_band(self, painter: QPainter, x_scale: Scale, y_scale: Scale, values: Numbers, colour: QColor) -> None:
        """A line of many values: where several share a pixel, from their least to their greatest."""
        columns = max(int(self.plot.width() * len(values) / x_scale.high), 1)
        if len(values) <= columns:
            self.paint_curve(painter, x_scale.pixels(np.arange(1.0, len(values) + 1)), y_scale.pixels(values), QPen(colour, 1))
            return
        starts, low, high = lowest_and_highest(values, columns)
        x = np.repeat(x_scale.pixels((starts + 1.0).astype(np.float64)), 2)
        y = np.stack([y_scale.pixels(low), y_scale.pixels(high)], axis=1).ravel()
        self.paint_curve(painter, x, y, QPen(colour, 1))
