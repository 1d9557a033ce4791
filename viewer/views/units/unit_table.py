"""A small table: a row a unit, a column a channel, each value over a bar on its channel's range."""

import math
from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QHeaderView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTableView, QWidget

from unrolled.models.trace import Channel
from unrolled.models.trace.numbers import MINUS, signed
from unrolled.viewer.drawing.painting import coloured, laid_out, mix
from unrolled.viewer.plotting.context_menu import FocusRing
from unrolled.viewer.theme.fonts import mono_font, text_font
from unrolled.viewer.theme.icons import icon
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.widgets.row_model import DISPLAY, Index, RowModel, delete_key, show_rows

BEYOND = 3.0  # pixels: the mark of a value beyond its bar
HEAD_HEIGHT = 18
ROW_HEIGHT = 28
NAME_WIDTH = 38
BUTTON = 18
NARROWEST_CELL = 27
HOVER_HINT = "Hover over a track to read a unit"


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit's values at a step."""

    unit: int  # which
    colour: int | None  # the place of its colour among the theme's series; None for the unit under the pointer
    values: tuple[float, ...]  # one a channel; nan where a channel has no such unit


def short(value: float) -> str:
    """A value in at most four characters, zero left out before the point: ``".53"``, ``"−1.2"``."""
    if not math.isfinite(value):
        return "–"
    size = abs(value)
    digits = f"{size:.2f}"[1:] if size < 0.995 else f"{size:.1f}" if size < 9.95 else f"{size:.0f}"
    return digits if value >= 0 or digits == ".00" else MINUS + digits


class UnitTable(QTableView):
    """The table: the unit, its value in each channel, and a cross that unpins it, as Delete does."""

    unpin = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.set_theme(theme)
        self.channels: tuple[Channel, ...] = ()
        self.units = RowModel(self._text, self)
        show_rows(self, self.units, UnitDelegate(self), "Values of the pinned units")
        FocusRing(self)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.horizontalHeader().setFixedHeight(HEAD_HEIGHT)
        self.horizontalHeader().setMinimumSectionSize(BUTTON)
        self.horizontalHeader().setSectionsClickable(False)
        self.clicked.connect(self._clicked)
        delete_key(self, "Unpin", self._unpin)

    def set_channels(self, channels: tuple[Channel, ...]) -> None:
        if channels == self.channels:
            return
        self.channels = channels
        heads = [(_head(own, channels), f"{own.symbol}: {own.title}, {_scale(own)}") for own in channels]
        self.units.set_heads((("", ""), *heads, ("", "")))
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        for column, width in ((0, NAME_WIDTH), (len(channels) + 1, BUTTON)):
            self.horizontalHeader().setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            self.setColumnWidth(column, width)
        self.setMinimumWidth(NAME_WIDTH + NARROWEST_CELL * len(channels) + BUTTON)

    def set_rows(self, rows: tuple[UnitRow, ...]) -> None:
        """The rows; there is always room for the unit under the pointer."""
        same = [(row.unit, row.colour) for row in rows] == [(row.unit, row.colour) for row in self.units.rows]
        self.units.set_rows(rows, (1, len(self.channels)) if same else None)
        self.setFixedHeight(HEAD_HEIGHT + ROW_HEIGHT * (self._pinned() + 1))

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.cross = icon("close", theme, size=12, colour=theme.muted)
        self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The whole table at once, since every step changes all of its values; Qt and the delegate paint the grounds that cells
        have under the pointer and the keyboard.
        """
        if self.viewport().underMouse() or self.currentIndex().isValid():
            super().paintEvent(event)
        rows, last, region = self.units.rows, len(self.channels) + 1, event.region()
        with QPainter(self.viewport()) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            if region.intersects(self._column(0)):
                self._paint_names(painter)
            self._paint_numbers(painter)
            self._paint_bars(painter)
            cross = self._column(last)
            if region.intersects(cross):
                for number, row in enumerate(rows):
                    if row.colour is not None:
                        self.cross.paint(painter, QRect(cross.left() + 3, number * ROW_HEIGHT + 3, 12, 12))
            hint = self.viewport().rect().adjusted(14, len(rows) * ROW_HEIGHT, 0, -4)
            if len(rows) == self._pinned() and region.intersects(hint):
                painter.setFont(text_font(11))
                painter.setPen(coloured(self.theme.muted))
                painter.drawText(hint, Qt.AlignmentFlag.AlignVCenter, HOVER_HINT)

    def _column(self, column: int) -> QRect:
        return QRect(self.columnViewportPosition(column), 0, self.columnWidth(column), len(self.units.rows) * ROW_HEIGHT)

    def _colour(self, row: UnitRow) -> QColor:
        theme = self.theme
        return coloured(theme.muted if row.colour is None else theme.series[row.colour % len(theme.series)])

    def _paint_names(self, painter: QPainter) -> None:
        box = self._column(0)
        painter.setFont(mono_font(11))
        for number, row in enumerate(self.units.rows):
            top = number * ROW_HEIGHT
            painter.setPen(coloured(self.theme.text))
            painter.drawText(QRect(box.left() + 14, top, box.width() - 14, 20), Qt.AlignmentFlag.AlignVCenter, str(row.unit))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._colour(row))
            painter.drawRoundedRect(QRectF(1, top + 6, 8, 8), 2, 2)

    def _paint_numbers(self, painter: QPainter) -> None:
        painter.setPen(coloured(self.theme.text))
        for place in range(len(self.channels)):
            box = self._column(place + 1)
            pixels = _number_pixels(box.width())
            painter.setFont(mono_font(pixels))
            for number, row in enumerate(self.units.rows):
                text = laid_out(short(row.values[place]), mono_font, pixels)
                taken = text.size()
                painter.drawStaticText(QPointF(box.left() + (box.width() - 1 - taken.width()) / 2,
                                               number * ROW_HEIGHT + (20 - taken.height()) / 2), text)

    def _paint_bars(self, painter: QPainter) -> None:
        """Each value's bar on its channel's range; one that is beyond it ends in a mark that says so."""
        theme = self.theme
        grounds, zeros, below, above = [], [], [], []
        of_rows: list[list[QRectF]] = [[] for _ in self.units.rows]
        for place, channel in enumerate(self.channels):
            box, low, high = self._column(place + 1), channel.low, channel.high
            left, width = box.left() + 2.0, box.width() - 5.0
            zero = left + min(max((0.0 - low) / (high - low), 0.0), 1.0) * width
            for number, (row, bars) in enumerate(zip(self.units.rows, of_rows, strict=True)):
                value, top = row.values[place], number * ROW_HEIGHT + 21
                grounds.append(QRectF(left, top, width, 4))
                if not math.isfinite(value):
                    continue
                here = left + min(max((value - low) / (high - low), 0.0), 1.0) * width
                bars.append(QRectF(min(zero, here), top, max(abs(here - zero), 1.0), 4))
                if value < low:
                    below.append(QRectF(left, top - 1, BEYOND, 6))
                elif value > high:
                    above.append(QRectF(left + width - BEYOND, top - 1, BEYOND, 6))
                if left < zero < left + width:
                    zeros.append(QRectF(zero - 0.5, top - 1, 1, 6))
        painter.setPen(Qt.PenStyle.NoPen)
        ground = coloured(theme.missing if theme.name == "light" else theme.border)
        for colour, boxes in ((ground, grounds), *zip(map(self._colour, self.units.rows), of_rows, strict=True),
                              (coloured(theme.below), below), (coloured(theme.above), above), (coloured(theme.faint), zeros)):
            if boxes:
                painter.setBrush(colour)
                painter.drawRects(boxes)

    def _pinned(self) -> int:
        return sum(row.colour is not None for row in self.units.rows)

    def _clicked(self, index: Index) -> None:
        if index.column() > len(self.channels):
            self._unpin(index)

    def _unpin(self, index: Index) -> None:
        if index.row() < self._pinned():
            self.unpin.emit(self.units.rows[index.row()].unit)

    def _text(self, row: UnitRow, column: int, role: Qt.ItemDataRole) -> str:
        if column == 0:
            return str(row.unit) if role == DISPLAY else f"unit {row.unit}"
        if column > len(self.channels):
            return "" if role == DISPLAY or row.colour is None else f"Unpin unit {row.unit} (Del; all: Ctrl+Shift+C)"
        channel, value = self.channels[column - 1], row.values[column - 1]
        if role == DISPLAY:
            return short(value)
        beyond = ", which it exceeds" if value < channel.low or value > channel.high else ""
        return f"unit {row.unit}, {channel.title}: {signed(value, 5)}\n{_scale(channel)}{beyond}"


class UnitDelegate(QStyledItemDelegate):
    """Paints the grounds of the row that has the keyboard and of the cross under the pointer."""

    def __init__(self, table: UnitTable) -> None:
        super().__init__(table)
        self._table = table

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        table, theme, box = self._table, self._table.theme, option.rect
        if table.hasFocus() and table.currentIndex().row() == index.row():
            painter.fillRect(box, mix(theme.panel, theme.accent, 0.14))
        crossed = index.column() > len(table.channels) and table.units.rows[index.row()].colour is not None
        if crossed and option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(QRectF(box.left(), box.top(), BUTTON, BUTTON), coloured(theme.border))


@lru_cache
def _number_pixels(width: int) -> int:
    """The size at which a number fits a column, apart from its neighbour's."""
    return next((size for size in (11, 10) if QFontMetrics(mono_font(size)).horizontalAdvance("−.53") <= width - 4), 9)


def _scale(channel: Channel) -> str:
    return f"bar from {signed(channel.low, 1)} to {signed(channel.high, 1)}"


def _head(channel: Channel, all_channels: tuple[Channel, ...]) -> str:
    """The symbol, with the layer where several have it."""
    alone = sum(other.symbol == channel.symbol for other in all_channels) == 1
    return channel.symbol if alone else f"{channel.symbol}{channel.layer + 1}"
