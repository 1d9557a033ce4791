"""A heat map over time of a channel with the axis ``unit``: a row a unit, a column a step."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from unrolled.models.trace import Channel, Trace
from unrolled.viewer.panels.tracks.columns import Bytes, PlaceColumns, place_table
from unrolled.viewer.panels.tracks.geometry import Geometry
from unrolled.viewer.panels.tracks.track import Track
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.themes import Theme

MARK_WIDTH, MARK_HEIGHT = 5.0, 3.0


def channel_title(channel: Channel) -> str:
    """Its title, with the layer where there are several."""
    return channel.title if channel.layer == 0 else f"{channel.title} · layer {channel.layer}"


class HeatTrack(Track):
    """The heat map of one channel; a click on a row pins that unit."""

    def __init__(self, session: Session, theme: Theme, channel: Channel) -> None:
        super().__init__(session, theme, name=channel.name, symbol=channel.symbol, title=channel_title(channel),
                         low_text=f"{channel.low:g}", high_text=f"{channel.high:g}")
        self.channel = channel
        self.columns = PlaceColumns(channel)
        self._of: Trace | None = None
        self._before_click: tuple[int, ...] = ()

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
        """Take over new steps; another trace begins anew."""
        if self.trace is not self._of:
            self._of = self.trace
            self.columns = PlaceColumns(self.channel)
        if self.trace is not None:
            self.columns.follow(self.trace)
        super().refresh()

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
        return super().contents_state(), self.colour_map, self.session.selection.units

    def contents_length(self) -> int:
        """The steps whose colours are there."""
        return len(self.columns)

    def paint_contents(self, painter: QPainter, plot: QRectF, geometry: Geometry) -> None:
        """The visible columns, then the marks of pinned units."""
        length = len(self.columns)
        clipped = geometry.time(painter.clipBoundingRect().left())  # what lies before is painted already
        shown = self.columns.visible(max(int(geometry.start), int(clipped)), min(int(geometry.stop) + 1, length),
                                     max(int(plot.width() * self.devicePixelRatioF()), 1))
        if shown is None:
            return
        start, stop, places = shown
        colours = self.table[places]                                                  # (units, columns, 4)
        units, columns = places.shape
        image = QImage(colours.data, columns, units, 4 * columns, QImage.Format.Format_RGBA8888)
        painter.drawImage(QRectF(geometry.x(start), plot.top(), geometry.x(stop) - geometry.x(start), plot.height()), image)
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
        value = "" if self.trace is None else f"{float(self.trace.column(self.channel.name)[step, unit]):+.4f}"
        return f"{self.channel.symbol}  unit {unit}  ·  {value}"

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
