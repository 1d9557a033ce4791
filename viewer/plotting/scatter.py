"""Units as dots: how often a gate is open across, how often it is shut upwards. It knows no session."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from unrolled.viewer.drawing.painting import mix
from unrolled.viewer.theme.fonts import mono_font, text_font
from unrolled.viewer.theme.themes import Theme

Fractions = npt.NDArray[np.float64]

LEFT, BOTTOM, TOP, RIGHT = 44.0, 34.0, 8.0, 12.0
REACH = 12.0  # pixels from a dot at which it is pointed at
DOT, LARGE_DOT = 2.5, 5.0
MOVES = {Qt.Key.Key_Up: 1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_Left: -1}


class GateScatter(QWidget):
    """A dot a unit.

    Attributes
    ----------
    pointed : Signal(object)
        The unit under the pointer or at the keyboard, or None.
    clicked : Signal(int)
        A unit.
    """

    pointed = Signal(object)
    clicked = Signal(int)
    own_keys = frozenset(MOVES)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._shut: Fractions = np.zeros(0)
        self._open: Fractions = np.zeros(0)
        self._pinned: tuple[int, ...] = ()
        self.unit: int | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(180, 130)
        self.setAccessibleName("Units by how often their gate is open and shut")

    def sizeHint(self) -> QSize:
        """A square."""
        return QSize(300, 240)

    def set_fractions(self, shut: Fractions, opened: Fractions) -> None:
        """Fractions of steps, each (units,)."""
        self._shut, self._open = shut, opened
        self.update()

    def set_marked(self, pinned: tuple[int, ...], unit: int | None) -> None:
        """The pinned units, and the one that is pointed at anywhere."""
        if (pinned, unit) != (self._pinned, self.unit):
            self._pinned, self.unit = pinned, unit
            self.update()

    def place(self, unit: int) -> QPointF:
        """Where a unit's dot is."""
        plot = self._plot
        return QPointF(plot.left() + float(self._open[unit]) * plot.width(),
                       plot.bottom() - float(self._shut[unit]) * plot.height())

    @property
    def _plot(self) -> QRectF:
        return QRectF(LEFT, TOP, max(self.width() - LEFT - RIGHT, 10), max(self.height() - TOP - BOTTOM, 10))

    def unit_at(self, place: QPointF) -> int | None:
        """The nearest unit within reach of a place."""
        if not len(self._shut):
            return None
        plot = self._plot
        x, y = plot.left() + self._open * plot.width(), plot.bottom() - self._shut * plot.height()
        with np.errstate(invalid="ignore"):
            away = np.hypot(x - place.x(), y - place.y())
        if not np.isfinite(away).any():
            return None
        nearest = int(np.nanargmin(away))
        return nearest if away[nearest] <= REACH else None

    def paintEvent(self, event: QPaintEvent) -> None:
        """Axes, dots, the pinned ones in their colours."""
        theme, plot = self.theme, self._plot
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.fillRect(plot, QColor(theme.missing))
            painter.setPen(QPen(QColor(theme.faint), 1, Qt.PenStyle.DashLine))
            painter.drawLine(plot.topLeft(), plot.bottomRight())  # beyond it both fractions would be over 1
            painter.setFont(mono_font(10))
            painter.setPen(QColor(theme.muted))
            for value in (0.0, 0.5, 1.0):
                x, y = plot.left() + value * plot.width(), plot.bottom() - value * plot.height()
                painter.drawText(QRectF(x - 20, plot.bottom() + 2, 40, 13), Qt.AlignmentFlag.AlignCenter, f"{value:g}")
                painter.drawText(QRectF(plot.left() - 26, y - 7, 22, 14), Qt.AlignmentFlag.AlignRight, f"{value:g}")
            painter.setFont(text_font(11))
            painter.drawText(QRectF(plot.left(), plot.bottom() + 15, plot.width(), 16), Qt.AlignmentFlag.AlignCenter,
                             "fraction of steps above 0.9")
            painter.save()
            painter.translate(9, plot.center().y())
            painter.rotate(-90)
            painter.drawText(QRectF(-plot.height() / 2, -8, plot.height(), 16), Qt.AlignmentFlag.AlignCenter,
                             "below 0.1" if plot.height() < 150 else "fraction of steps below 0.1")
            painter.restore()
            painter.setPen(Qt.PenStyle.NoPen)
            dot = mix(theme.missing, theme.accent, 0.75)
            dot.setAlphaF(0.6)
            painter.setBrush(dot)
            for unit in range(len(self._shut)):
                if np.isfinite(self._shut[unit]):
                    painter.drawEllipse(self.place(unit), DOT, DOT)
            for number, unit in enumerate(self._pinned):
                if unit < len(self._shut) and np.isfinite(self._shut[unit]):
                    painter.setBrush(QColor(theme.series[number % len(theme.series)]))
                    painter.drawEllipse(self.place(unit), LARGE_DOT, LARGE_DOT)
            if self.unit is not None and self.unit < len(self._shut) and np.isfinite(self._shut[self.unit]):
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(QColor(theme.text), 1.5))
                painter.drawEllipse(self.place(self.unit), LARGE_DOT + 2, LARGE_DOT + 2)
            if self.hasFocus():
                painter.setPen(QPen(QColor(theme.accent), 1.5))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(plot)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say which unit is pointed at."""
        self.pointed.emit(self.unit_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        """None is."""
        self.pointed.emit(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a unit."""
        unit = self.unit_at(event.position())
        if unit is not None and event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit(unit)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows go through the units by number, Enter chooses."""
        count = len(self._shut)
        by = MOVES.get(Qt.Key(event.key()), 0)
        if count and by:
            self.pointed.emit(0 if self.unit is None else (self.unit + by) % count)
        elif self.unit is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.clicked.emit(self.unit)
        else:
            super().keyPressEvent(event)
