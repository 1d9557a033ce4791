"""A small table, painted: a row a unit, a column a channel, each value over a bar on its channel's range."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QHelpEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolButton, QToolTip, QWidget

from unrolled.models.trace import Channel
from unrolled.viewer.state.wording import MINUS, signed
from unrolled.viewer.theme.fonts import mono_font, text_font
from unrolled.viewer.theme.icons import icon
from unrolled.viewer.theme.themes import Theme

BEYOND = 3.0  # pixels: the mark of a value beyond its bar
HEAD_HEIGHT = 18
ROW_HEIGHT = 28
NAME_WIDTH = 38
BUTTON = 18
NARROWEST_CELL = 23
HOVER_HINT = "hover over a track to read a unit"


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit's values at a step.

    Attributes
    ----------
    unit : int
        Which.
    colour : int or None
        The place of its colour among the theme's series; None for the unit under the pointer.
    values : tuple of float
        One a channel; nan where a channel has no such unit.
    """

    unit: int
    colour: int | None
    values: tuple[float, ...]


def short(value: float) -> str:
    """A value in at most four characters, zero left out before the point: ``".53"``, ``"−1.2"``."""
    if not math.isfinite(value):
        return "–"
    size = abs(value)
    digits = f"{size:.2f}"[1:] if size < 0.995 else f"{size:.1f}" if size < 9.95 else f"{size:.0f}"
    return digits if value >= 0 or digits == ".00" else MINUS + digits


class UnitTable(QWidget):
    """The table.

    Attributes
    ----------
    unpin : Signal(int)
        A person lets this unit go.
    """

    unpin = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.channels: tuple[Channel, ...] = ()
        self.rows: tuple[UnitRow, ...] = ()
        self.buttons: list[QToolButton] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Values of the pinned units")

    def set_channels(self, channels: tuple[Channel, ...]) -> None:
        """The columns."""
        if channels != self.channels:
            self.channels = channels
            self.setMinimumWidth(NAME_WIDTH + NARROWEST_CELL * len(channels) + BUTTON)
            self.update()

    def set_rows(self, rows: tuple[UnitRow, ...]) -> None:
        """The rows; painted only if something differs."""
        if rows == self.rows:
            return
        same_units = [row.unit for row in rows] == [row.unit for row in self.rows]
        same_kinds = [row.colour for row in rows] == [row.colour for row in self.rows]
        self.rows = rows
        if not (same_units and same_kinds):
            self._place_buttons()
            self.updateGeometry()
        self.update()

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        for button in self.buttons:
            button.setIcon(icon("close", theme, size=12, colour=theme.muted))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, HEAD_HEIGHT + ROW_HEIGHT * (self._pinned() + 1))

    def minimumSizeHint(self) -> QSize:
        return QSize(self.minimumWidth(), self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_buttons()

    def cell(self, row: int, column: int) -> QRect:
        """Where a value is."""
        width = (self.width() - NAME_WIDTH - BUTTON) / max(len(self.channels), 1)
        left = round(NAME_WIDTH + column * width)
        return QRect(
            left, HEAD_HEIGHT + row * ROW_HEIGHT, round(NAME_WIDTH + (column + 1) * width) - left, ROW_HEIGHT
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        head, number = text_font(12, weight=QFont.Weight.Medium), self._number_font()
        painter.setFont(head)
        painter.setPen(QColor(theme.muted))
        for column, channel in enumerate(self.channels):
            place = self.cell(0, column)
            painter.drawText(
                QRect(place.x(), 0, place.width() - 2, HEAD_HEIGHT),
                Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignHCenter,
                _head(channel, self.channels),
            )
        painter.setFont(number)
        for line, row in enumerate(self.rows):
            top = HEAD_HEIGHT + line * ROW_HEIGHT
            colour = QColor(
                theme.muted if row.colour is None else theme.series[row.colour % len(theme.series)]
            )
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawRoundedRect(QRectF(1, top + 6, 8, 8), 2, 2)
            painter.setPen(QColor(theme.text))
            painter.drawText(
                QRect(14, top, NAME_WIDTH - 14, 20), Qt.AlignmentFlag.AlignVCenter, str(row.unit)
            )
            for column, value in enumerate(row.values):
                place = self.cell(line, column).adjusted(1, 0, -2, 0)
                painter.setPen(QColor(theme.text))
                painter.drawText(
                    QRect(place.x(), top, place.width(), 20), Qt.AlignmentFlag.AlignCenter, short(value)
                )
                self._draw_bar(
                    painter,
                    QRectF(place.x() + 1, top + 21, place.width() - 2, 4),
                    self.channels[column],
                    value,
                    colour,
                )
        if len(self.rows) == self._pinned():
            painter.setFont(text_font(11))
            painter.setPen(QColor(theme.faint))
            painter.drawText(
                QRect(14, HEAD_HEIGHT + len(self.rows) * ROW_HEIGHT, self.width() - 14, ROW_HEIGHT - 4),
                Qt.AlignmentFlag.AlignVCenter,
                HOVER_HINT,
            )
        painter.end()

    def event(self, event: QEvent) -> bool:
        """A tooltip for each value."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            text = self.text_at(event.pos())
            QToolTip.showText(event.globalPos(), text, self) if text else QToolTip.hideText()
            return True
        return super().event(event)

    def text_at(self, position: QPoint) -> str:
        """A value in full: unit, channel, number and range."""
        for column, channel in enumerate(self.channels):
            if self.cell(0, column).left() <= position.x() <= self.cell(0, column).right():
                line = (position.y() - HEAD_HEIGHT) // ROW_HEIGHT
                scale = f"bar from {signed(channel.low, 1)} to {signed(channel.high, 1)}"
                if position.y() < HEAD_HEIGHT:
                    return f"{channel.symbol}: {channel.title}, {scale}"
                if 0 <= line < len(self.rows):
                    row = self.rows[line]
                    value = row.values[column]
                    beyond = ", which it exceeds" if value < channel.low or value > channel.high else ""
                    return f"unit {row.unit}, {channel.title}: {signed(value, 5)}\n{scale}{beyond}"
        return ""

    def _draw_bar(
        self, painter: QPainter, place: QRectF, channel: Channel, value: float, colour: QColor
    ) -> None:
        painter.fillRect(
            place, QColor(self.theme.missing if self.theme.name == "light" else self.theme.border)
        )
        if not math.isfinite(value):
            return
        zero = min(max((0.0 - channel.low) / (channel.high - channel.low), 0.0), 1.0)
        here = min(max((value - channel.low) / (channel.high - channel.low), 0.0), 1.0)
        left, right = sorted((zero, here))
        painter.fillRect(
            QRectF(
                place.x() + left * place.width(),
                place.y(),
                max((right - left) * place.width(), 1.0),
                place.height(),
            ),
            colour,
        )
        if value < channel.low or value > channel.high:  # the bar ends where its scale does, and says that the value does not
            edge = place.x() if value < channel.low else place.right() - BEYOND
            painter.fillRect(QRectF(edge, place.y() - 1, BEYOND, place.height() + 2),
                             QColor(self.theme.below if value < channel.low else self.theme.above))
        if 0.0 < zero < 1.0:
            painter.fillRect(
                QRectF(place.x() + zero * place.width() - 0.5, place.y() - 1, 1, place.height() + 2),
                QColor(self.theme.faint),
            )

    def _number_font(self) -> QFont:
        width = (self.width() - NAME_WIDTH - BUTTON) / max(len(self.channels), 1)
        font = mono_font(11)
        return font if QFontMetrics(font).horizontalAdvance("−.53") <= width - 3 else mono_font(10)

    def _pinned(self) -> int:
        return sum(row.colour is not None for row in self.rows)

    def _place_buttons(self) -> None:
        pinned = [(line, row.unit) for line, row in enumerate(self.rows) if row.colour is not None]
        while len(self.buttons) > len(pinned):
            self.buttons.pop().deleteLater()
        while len(self.buttons) < len(pinned):
            button = QToolButton(self)
            button.setAutoRaise(True)
            button.setFixedSize(BUTTON, BUTTON)
            button.setStyleSheet("QToolButton { padding: 0; }")
            button.setIconSize(QSize(12, 12))
            button.setIcon(icon("close", self.theme, size=12, colour=self.theme.muted))
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda _=False, button=button: self.unpin.emit(button.property("unit")))
            self.buttons.append(button)
        for button, (line, unit) in zip(self.buttons, pinned, strict=True):
            button.setProperty("unit", unit)
            button.setAccessibleName(f"Unpin unit {unit}")
            button.setToolTip(f"Unpin unit {unit} (all: Ctrl+Shift+C)")
            button.move(self.width() - BUTTON, HEAD_HEIGHT + line * ROW_HEIGHT)
            button.show()


def _head(channel: Channel, all_channels: tuple[Channel, ...]) -> str:
    """The symbol, with the layer where several have it."""
    alone = sum(other.symbol == channel.symbol for other in all_channels) == 1
    return channel.symbol if alone else f"{channel.symbol}{channel.layer}"
