"""A heat map over time of a channel with the axis ``unit``: a row a unit, a column a step."""

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter
from PySide6.QtWidgets import QMenu

from unrolled.models.trace import Channel, Trace
from unrolled.models.trace.numbers import MINUS, general
from unrolled.models.trace.pyramid import PART, PLACES, Bytes, places_of
from unrolled.models.trace.tables import column_names
from unrolled.viewer.plotting.table import Column
from unrolled.viewer.state.commands import Hover, Pin, TogglePin
from unrolled.viewer.state.wording import channel_title
from unrolled.viewer.theme.colour_maps import place_table
from unrolled.viewer.views.tracks.header import ROOM_FOR_AXIS_NAME, paint_colours
from unrolled.viewer.views.tracks.menu import add_colour_maps, add_ranges, add_unit_orders
from unrolled.viewer.views.tracks.sources import places_in
from unrolled.viewer.views.tracks.track import MARGIN, Track
from unrolled.viewer.views.view import ViewContext

if TYPE_CHECKING:
    from unrolled.viewer.plotting.time_plot import TimePlot

Floats = npt.NDArray[np.floating]
Units = npt.NDArray[np.intp]
MARK_WIDTH, MARK_HEIGHT = 5.0, 3.0
LEAST_ROWS = 4       # that a frame can be drawn around
FRAME_OF_UNITS = 10  # pixels; a lower frame is about time alone


def range_text(values: Floats) -> str:
    numbers = values[np.isfinite(values)]
    if not len(numbers):
        return "no numbers"
    text = f"mean {float(numbers.mean()):+.4f}, from {float(numbers.min()):+.4f} to {float(numbers.max()):+.4f}"
    return text.replace("-", MINUS)


def number_text(value: float, channel: Channel, decimals: int = 4) -> str:
    """A value, and that it lies beyond its channel's scale where it does."""
    beyond = "" if channel.low <= value <= channel.high or value != value else (
        f" (beyond the scale of {general(channel.low)} to {general(channel.high)})")
    return f"{value:+.{decimals}f}{beyond}".replace("-", MINUS)


class HeatTrack(Track):
    """The heat map of one channel; a click on a row pins that unit."""

    legend_height = 18.0
    own_keys = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter)

    def __init__(self, ctx: ViewContext, channel: Channel) -> None:
        self.channel = self.recorded = channel  # on the scale that is in force, and on the model's own
        self.columns = places_in(None, channel)
        self.order: Units | None = None  # the unit of each row, shape (units,); without it a unit is in its own row
        self._of: Trace | None = None
        self._rows = 0, channel.shape[0]
        self._before_click: tuple[int, ...] = ()
        super().__init__(ctx, name=channel.name, symbol=channel.symbol, title=channel_title(channel))

    def channel_shapes(self) -> dict[str, tuple[int, ...]]:
        return {self.channel.name: self.channel.shape}

    @property
    def colour_map(self) -> str:
        """The map in force: the one chosen for this channel, else a diverging one for signed channels."""
        values = self.session.appearance.values
        otherwise = self.theme.diverging if self.recorded.signed else values.sequential_colour_map
        return values.track_colour_maps.get(self.recorded.name, otherwise)

    @property
    def table_of_places(self) -> Bytes:
        missing = QColor(self.theme.error)
        return place_table(self.colour_map, (missing.red(), missing.green(), missing.blue()))

    @property
    def stretched(self) -> bool:
        return self.channel != self.recorded

    @property
    def about(self) -> str:
        other = (f"\nScale set to {general(self.channel.low)} to {general(self.channel.high)}, which is not its own"
                 if self.stretched else "")
        return f"{self.title}{other}"

    @property
    def ends(self) -> tuple[str, str]:
        below, above = self.columns.beyond
        return (f"{'≤' if below else ''}{general(self.channel.low, 3)}",
                f"{'≥' if above else ''}{general(self.channel.high, 3)}")

    def refresh(self) -> None:
        """Take over new steps, a part of them where there are many; another trace or scale begins anew."""
        low, high = self.session.appearance.values.track_ranges.get(self.recorded.name, (self.recorded.low, self.recorded.high))
        if self.trace is not self._of or (low, high) != (self.channel.low, self.channel.high):
            self._of = self.trace
            self.channel = msgspec.structs.replace(self.recorded, low=low, high=high)
            self.columns = places_in(self.trace, self.channel)
        if self.trace is not None and abs(len(self.trace) - len(self.columns)) <= PART:
            self.columns.follow(self.trace)
        super().refresh()

    @property
    def unfinished(self) -> bool:
        return self.trace is self._of and self.trace is not None and len(self.columns) != len(self.trace)

    def follow_part(self) -> None:
        if self.trace is not None and self.unfinished:
            self.columns.follow(self.trace, PART)

    @property
    def length(self) -> int:
        """The steps that can be drawn: all, where each has its own column; else those whose means are known."""
        every = self.geometry_of_time.stride(self.devicePixelRatioF()) == 1.0
        return super().length if every or self.trace is None else len(self.columns)

    @property
    def ends_shown(self) -> tuple[float, float]:
        return float(self._rows[1]), float(self._rows[0])

    def unit_at(self, y: float) -> int:
        """The unit whose row is at a height: the one whose colour the pixel there has, where rows are finer than pixels."""
        (first, last), ratio = self._rows, self.devicePixelRatioF()
        share = (int(y * ratio) + 0.5) / ratio / max(self.plot.height(), 1.0)
        row = min(max(int(first + share * (last - first)), first), last - 1)
        return row if self.order is None else int(self.order[row])

    def y_of(self, unit: int) -> float:
        first, last = self._rows
        row = unit if self.order is None else int(np.flatnonzero(self.order == unit)[0])
        return (row + 0.5 - first) / (last - first) * self.plot.height()

    def show_rows(self, first: int, last: int) -> None:
        units = self.channel.shape[0]
        first = min(max(first, 0), max(units - LEAST_ROWS, 0))
        self._rows = first, min(max(last, first + LEAST_ROWS), units)
        self.refresh()

    def show_all_rows(self) -> None:
        self.show_rows(0, self.channel.shape[0])

    def contents_state(self) -> object:
        return (super().contents_state(), self.colour_map, self.session.selection.units, self.columns.beyond, self._rows,
                None if self.order is None else self.order.tobytes(), self.channel)

    def header_state(self) -> object:
        return self.colour_map, self.ends, self._rows

    def make_items(self, plot: "TimePlot") -> None:
        self._heat = plot.heat()

    def draw(self, plot: "TimePlot") -> None:
        trace, ratio = self.trace, self.devicePixelRatioF()
        bins = self.geometry_of_time.bins(self.length, ratio=ratio)
        if bins is None or trace is None:
            self._heat.hide()
        else:
            chosen = self._units_drawn(max(round(plot.height() * ratio), 1))
            below, above = self.columns.beyond
            if bins.stride == 1.0 and (below or above or self.unfinished):
                values = trace.column(self.channel.name)[bins.edges[0] : bins.edges[-1]]
                values = values if chosen is None else values.take(chosen, axis=1)
                places = places_of(values, low=self.channel.low, high=self.channel.high).T
                if below or above:  # single values are looked at: what is at the very end of the scale is not beyond it
                    places = np.where(self.channel.low > values.T, 0, np.where(places == 0, 1, places)).astype(np.uint8)
                    ends = (places == PLACES - 1) & ~(self.channel.high < values.T)
                    places[ends] = PLACES - 2
            else:  # of several values in one column the mean, which is drawn at the very end of the scale
                places = self.columns.reduced(bins, chosen)
            first, last = self._rows
            self._heat.show_bytes(places, self._codes(below, above), QRectF(bins.start, first, bins.stop - bins.start,
                                                                           last - first))
        plot.paint_over(self._paint_pinned if self.session.selection.units else None)

    def _units_drawn(self, pixels: int) -> Units | None:
        """The unit of each row that is drawn, no more of them than pixels; None for all in their own order."""
        first, last = self._rows
        rows = last - first
        if rows > pixels:
            picked = (first + (np.arange(pixels) + 0.5) * (rows / pixels)).astype(np.intp)
        elif self.order is None and rows == self.channel.shape[0]:
            return None
        else:
            picked = np.arange(first, last)
        return picked if self.order is None else self.order[picked]

    def _codes(self, below: bool, above: bool) -> Bytes:
        """The colours of the places; those of both ends are the marks of what lies beyond them, where anything does."""
        table: Bytes = self.table_of_places
        if not (below or above):
            return table
        table = table.copy()
        for there, place, name in ((below, 0, self.theme.below), (above, PLACES - 1, self.theme.above)):
            if there:
                colour = QColor(name)
                table[place] = colour.red(), colour.green(), colour.blue(), 255
        return table

    def _paint_pinned(self, painter: QPainter) -> None:
        width, height = self.plot.width(), self.plot.height()
        for number, unit in enumerate(self.session.selection.units):
            if unit < self.channel.shape[0] and 0 <= (y := self.y_of(unit)) < height:
                colour = QColor(self.theme.series[number % len(self.theme.series)])
                painter.fillRect(QRectF(0, y - MARK_HEIGHT / 2, MARK_WIDTH, MARK_HEIGHT), colour)
                colour.setAlpha(150)
                painter.fillRect(QRectF(0, y - 0.5, width, 1.0), colour)

    def ticks(self) -> list[tuple[str, float]]:
        """The first and the last row's unit, or its place where units are sorted, and what they are."""
        first, last = self._rows
        height, row = self.plot.height(), self.plot.height() / (last - first) / 2
        name = [("unit" if self.order is None else "sorted", self.height() / 2)] if self.height() >= ROOM_FOR_AXIS_NAME else []
        return [(str(first), MARGIN + row), *name, (str(last - 1), MARGIN + height - row)]

    def paint_legend(self, painter: QPainter) -> None:
        paint_colours(painter, self.theme, self.height(), self.table_of_places[:PLACES], self.ends, self.columns.beyond,
                      stretched=self.stretched)

    def value_text(self, step: int, y: float) -> str:
        unit = self.unit_at(y)
        value = "" if self.trace is None else number_text(float(self.trace.column(self.channel.name)[step, unit]), self.channel)
        return f"{self.channel.symbol}  unit {unit}  ·  {value}"

    def values_text(self, start: int, stop: int, y: float) -> str:
        unit = self.unit_at(y)
        values = None if self.trace is None else self.trace.column(self.channel.name)[start:stop, unit]
        return "" if values is None else f"{self.channel.symbol}  unit {unit}  ·  {range_text(values)}"

    def clicked_at(self, y: float) -> None:
        self._before_click = self.session.selection.units
        self.do(TogglePin(self.unit_at(y)))

    def double_clicked(self) -> None:
        """It was no click on a row: pinned is what was pinned. All rows are shown again."""
        self.do(Pin(self._before_click))
        self.show_all_rows()

    def framed(self, frame: QRectF) -> None:
        """Show the rows of the frame, if it is one and no stroke along the time."""
        if frame.height() >= FRAME_OF_UNITS and self.canvas is not None:
            self.show_rows(int(self.canvas.value_at(frame.top())), int(-(-self.canvas.value_at(frame.bottom()) // 1)))

    def hovered_at(self, y: float | None) -> None:
        self.do(Hover(None if y is None else self.unit_at(y)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, hover, step = event.key(), self.session.selection.hover, self.session.playhead.step
        if key not in self.own_keys or self.trace is None or not 0 <= step < len(self.trace):
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if hover is not None:
                self.do(TogglePin(hover))
        else:
            first, last = self._rows
            order = np.arange(self.channel.shape[0]) if self.order is None else self.order
            row = int(np.flatnonzero(order == hover)[0]) + (1 if key == Qt.Key.Key_Down else -1) if hover is not None else first
            unit = int(order[min(max(row, first), last - 1)])
            self.do(Hover(unit))
            value = number_text(float(self.trace.column(self.channel.name)[step, unit]), self.channel)
            self.read_out.emit(f"{self.channel.symbol}  unit {unit}  ·  {value}  ·  Return pins it")

    def numbers(self, start: int, stop: int) -> tuple[list[str], list[Column]]:
        """A column a unit that is in sight, in the order of the rows."""
        trace = self.trace
        assert trace is not None
        units = np.arange(self.channel.shape[0]) if self.order is None else self.order
        values = trace.column(self.channel.name)[start:stop]
        shown = units[self._rows[0] : self._rows[1]].tolist()
        names = tuple(column_names(self.recorded))
        return [names[unit] for unit in shown], [values[:, unit] for unit in shown]

    def fill_menu(self, menu: QMenu) -> None:
        add_colour_maps(menu, self, self.recorded)
        add_ranges(menu, self, self.recorded)
        add_unit_orders(menu, self, self.recorded)
        super().fill_menu(menu)
        menu.addAction("Show all units", self.show_all_rows).setEnabled(self._rows != (0, self.channel.shape[0]))
