"""A heat map over time of a channel with the axis ``unit``: a row a unit, a column a step."""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from unrolled.models.trace import Channel, Trace
from unrolled.models.trace.pyramid import PART, PLACES, Bytes, PlaceColumns, places_of
from unrolled.viewer.drawing.spans import place_of
from unrolled.viewer.drawing.step_geometry import Geometry
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.colour_maps import place_table
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.views.tracks.track import Track

Floats = npt.NDArray[np.floating]
MARK_WIDTH, MARK_HEIGHT = 5.0, 3.0


def channel_title(channel: Channel) -> str:
    """Its title, with the layer where there are several."""
    return channel.title if channel.layer == 0 else f"{channel.title} · layer {channel.layer}"


def range_text(values: Floats) -> str:
    """The mean of several values, and from where to where they go."""
    numbers = values[np.isfinite(values)]
    if not len(numbers):
        return "no numbers"
    return f"mean {float(numbers.mean()):+.4f}, from {float(numbers.min()):+.4f} to {float(numbers.max()):+.4f}"


def number_text(value: float, channel: Channel, decimals: int = 4) -> str:
    """A value, and that it lies beyond its channel's scale where it does."""
    beyond = f" (beyond the scale of {channel.low:g} to {channel.high:g})" if beyond_scale(value, channel) else ""
    return f"{value:+.{decimals}f}{beyond}"


def beyond_scale(value: float, channel: Channel) -> int:
    """-1 below the channel's fixed scale, 1 above it, 0 on it."""
    return -1 if value < channel.low else 1 if value > channel.high else 0


def _pixel(colour: str) -> int:
    """A colour as RGBA in one number, in the machine's order."""
    own = QColor(colour)
    return int.from_bytes(bytes((own.red(), own.green(), own.blue(), 255)), sys.byteorder)


class HeatTrack(Track):
    """The heat map of one channel; a click on a row pins that unit."""

    def __init__(self, session: Session, theme: Theme, channel: Channel) -> None:
        super().__init__(session, theme, name=channel.name, symbol=channel.symbol, title=channel_title(channel),
                         low_text=f"{channel.low:g}", high_text=f"{channel.high:g}")
        self.channel = channel
        self.columns = PlaceColumns(channel)
        self._of: Trace | None = None
        self._before_click: tuple[int, ...] = ()

    def channel_shapes(self) -> dict[str, tuple[int, ...]]:
        """The one that is drawn."""
        return {self.channel.name: self.channel.shape}

    @property
    def colour_map(self) -> str:
        """The map in force: diverging for signed channels."""
        return self.theme.diverging if self.channel.signed else self.session.appearance.values.sequential_colour_map

    @property
    def legend_map(self) -> str:
        """The same."""
        return self.colour_map

    @property
    def table(self) -> Bytes:
        """The colour of every place."""
        missing = QColor(self.theme.error)
        return place_table(self.colour_map, (missing.red(), missing.green(), missing.blue()))

    def refresh(self) -> None:
        """Take over new steps, a part of them where there are many; another trace begins anew."""
        if self.trace is not self._of:
            self._of = self.trace
            self.columns = PlaceColumns(self.channel)
        if self.trace is not None and abs(len(self.trace) - len(self.columns)) <= PART:
            self.columns.follow(self.trace)
        below, above = self.columns.beyond
        self.set_ends(f"{'≤' if below else ''}{self.channel.low:g}", f"{'≥' if above else ''}{self.channel.high:g}",
                      below=below, above=above)
        super().refresh()

    @property
    def unfinished(self) -> bool:
        """Whether there are steps whose colours are not known yet."""
        return self.trace is self._of and self.trace is not None and len(self.columns) != len(self.trace)

    def follow_part(self) -> None:
        """Take over some of the steps that are new."""
        if self.trace is not None and self.unfinished:
            self.columns.follow(self.trace, PART)

    def unit_at(self, y: float) -> int:
        """The unit whose row is at a height: the one whose colour the pixel there has, where rows are finer than pixels."""
        plot, units, ratio = self.plot, self.channel.shape[0], self.devicePixelRatioF()
        y = (int(y * ratio) + 0.5) / ratio
        return min(max(int((y - plot.top()) / plot.height() * units), 0), units - 1)

    def y_of(self, unit: int) -> float:
        """The middle of a unit's row."""
        plot = self.plot
        return plot.top() + (unit + 0.5) / self.channel.shape[0] * plot.height()

    def contents_state(self) -> object:
        """Also colours, and which units are marked."""
        return super().contents_state(), self.colour_map, self.session.selection.units, self.columns.beyond

    def contents_length(self) -> int:
        """The steps that can be painted: all, where each has its own column; else those whose means are known."""
        return self._length() if self.geometry_of_time.stride(self.devicePixelRatioF()) == 1.0 else len(self.columns)

    def paint_contents(self, painter: QPainter, plot: QRectF, geometry: Geometry) -> None:
        """The visible columns, then the marks of pinned units."""
        trace, ratio, units = self.trace, self.devicePixelRatioF(), self.channel.shape[0]
        clipped = geometry.time(painter.clipBoundingRect().left())  # what lies before is painted already
        bins = geometry.bins(self.contents_length(), start=clipped, ratio=ratio)
        if bins is None or trace is None:
            return
        rows = min(max(round(plot.height() * ratio), 1), units)
        chosen = None if rows == units else ((np.arange(rows) + 0.5) * (units / rows)).astype(np.intp)
        if bins.stride == 1.0:
            values = trace.column(self.channel.name)[bins.edges[0] : bins.edges[-1]]
            values = values if chosen is None else values.take(chosen, axis=1)
            places = np.ascontiguousarray(places_of(values, low=self.channel.low, high=self.channel.high).T)
        else:
            values, places = np.zeros(0, np.float32), self.columns.reduced(bins, chosen)
        pixels = self.table.view(np.uint32)[:, 0].take(places)  # four bytes as one number: (rows, columns)
        if any(self.columns.beyond):
            # Single values are looked at; of several in one column the mean, which is drawn at the very end of the scale.
            low, high = self.channel.low, self.channel.high
            below, above = (low > values.T, high < values.T) if bins.stride == 1.0 else (places == 0, places == PLACES - 1)
            for where, there, beyond in ((below, self.columns.beyond[0], self.theme.below),
                                         (above, self.columns.beyond[1], self.theme.above)):
                if there:
                    pixels[where] = _pixel(beyond)
        image = QImage(pixels.data, len(bins), rows, 4 * len(bins), QImage.Format.Format_RGBA8888)
        painter.drawImage(place_of(bins, geometry, plot), image)
        for number, unit in enumerate(self.session.selection.units):
            if unit < units:
                y = self.y_of(unit)
                colour = QColor(self.theme.series[number % len(self.theme.series)])
                painter.fillRect(QRectF(plot.left(), y - MARK_HEIGHT / 2, MARK_WIDTH, MARK_HEIGHT), colour)
                colour.setAlpha(150)
                painter.fillRect(QRectF(plot.left(), y - 0.5, plot.width(), 1.0), colour)

    def value_text(self, step: int, y: float) -> str:
        """Unit and value."""
        unit = self.unit_at(y)
        value = "" if self.trace is None else number_text(float(self.trace.column(self.channel.name)[step, unit]), self.channel)
        return f"{self.channel.symbol}  unit {unit}  ·  {value}"

    def values_text(self, start: int, stop: int, y: float) -> str:
        """Unit, the mean that its colour is, and the range."""
        unit = self.unit_at(y)
        values = None if self.trace is None else self.trace.column(self.channel.name)[start:stop, unit]
        return "" if values is None else f"{self.channel.symbol}  unit {unit}  ·  {range_text(values)}"

    def clicked_at(self, step: int, y: float) -> None:
        """Pin the unit, or let it go."""
        self._before_click = self.session.selection.units
        self.session.selection.toggle(self.unit_at(y))

    def double_clicked(self) -> None:
        """It was no click on a row: pinned is what was pinned."""
        self.session.selection.set(self._before_click)

    def hovered_at(self, y: float | None) -> None:
        """Say which unit is under the pointer."""
        self.session.selection.set_hover(None if y is None else self.unit_at(y))
