"""Lines over time on a fixed range: a scalar channel, or one channel of the pinned units."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from unrolled.models.trace import Channel, FloatArray, Trace
from unrolled.models.trace.envelope import Envelope
from unrolled.viewer.drawing.spans import paint_spans, place_of
from unrolled.viewer.drawing.step_geometry import HEADER, Geometry
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.views.tracks.heat_track import channel_title, number_text, range_text
from unrolled.viewer.views.tracks.track import Track
from unrolled.viewer.widgets.combo_box import ComboBox

PADDING = 4.0   # pixels between the range's ends and the plot's
DOT = 2.5
ROOM_FOR_DOTS = 14.0
ROOM_FOR_TICKS = 70
MARK = 5.5      # of what lies beyond the range: half a triangle's width, and its height
RANGE_TINT = 0.35  # of a line's colour between its least and its greatest value
MOST_ENVELOPES = 16


class LineTrack(Track):
    """Lines of one channel's values, one for each of some units, or the one of a scalar."""

    least_height = 48
    steps_stand_alone = False  # how a line is smoothed depends on where it goes on

    def __init__(self, session: Session, theme: Theme, channel: Channel, *, name: str, symbol: str, title: str) -> None:
        super().__init__(session, theme, name=name, symbol=symbol, title=title, low_text=f"{channel.low:g}",
                         high_text=f"{channel.high:g}")
        self.channel = channel
        self._envelopes: dict[object, Envelope] = {}
        self._of: Trace | None = None

    def channel_shapes(self) -> dict[str, tuple[int, ...]]:
        """The one that is drawn."""
        return {self.channel.name: self.channel.shape}

    def lines(self) -> list[tuple[str, FloatArray]]:
        """Colour and values, shape (steps,), of every line."""
        trace = self.trace
        if trace is None or self.channel.name not in trace.channels:
            return []
        return [(self.theme.accent, trace.column(self.channel.name))]

    def envelope(self, number: int, values: FloatArray) -> Envelope:
        """A line, ready to be drawn from afar; made when it is first drawn, and brought up to date."""
        if self.trace is not self._of:
            self._of = self.trace
            self._envelopes.clear()
        key = self.line_key(number)
        found = self._envelopes.pop(key, None) or Envelope()
        self._envelopes[key] = found  # the one used last comes last
        while len(self._envelopes) > MOST_ENVELOPES:
            del self._envelopes[next(iter(self._envelopes))]
        found.follow(values)
        return found

    def ticks(self) -> list[tuple[str, float]]:
        """The ends of the range where they lie, and 0 between them where there is room."""
        low, high = self._ends
        if self.height() < ROOM_FOR_TICKS:
            return super().ticks()
        zero = [("0", self.y_of(0.0))] if self.channel.low < 0 < self.channel.high else []
        return [(high, self.y_of(self.channel.high)), *zero, (low, self.y_of(self.channel.low))]

    def line_key(self, number: int) -> object:
        """What tells one line from another, of the same trace."""
        return self.channel.name

    def y_of(self, value: float) -> float:
        """Where a value lies."""
        return float(self.heights(np.asarray(value, np.float64)))

    def heights(self, values: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Where values lie, same shape; beyond the range they lie at its ends."""
        plot, channel = self.plot, self.channel
        share: npt.NDArray[np.floating] = np.clip((values - channel.low) / (channel.high - channel.low), 0.0, 1.0)
        return plot.bottom() - PADDING - share * (plot.height() - 2 * PADDING)

    def paint_contents(self, painter: QPainter, plot: QRectF, geometry: Geometry) -> None:
        """Zero where the range has it, then the lines."""
        if self.channel.signed:
            painter.setPen(QPen(QColor(self.theme.border), 1))
            painter.drawLine(QPointF(plot.left(), self.y_of(0.0)), QPointF(plot.right(), self.y_of(0.0)))
        ratio = self.devicePixelRatioF()
        for number, (colour, values) in enumerate(self.lines()):
            if geometry.stride(ratio) > 1.0:
                self._paint_ranges(painter, plot, geometry, self.envelope(number, values), QColor(colour))
            else:
                self._paint_line(painter, geometry, values, QColor(colour))

    def _paint_beyond(self, painter: QPainter, x: npt.NDArray[np.floating], values: FloatArray) -> None:
        """Triangles at the ends of the range, where values go on beyond them."""
        painter.setPen(Qt.PenStyle.NoPen)
        plot, channel = self.plot, self.channel
        with np.errstate(invalid="ignore"):
            sides = ((values > channel.high, self.theme.above, plot.top() + 0.5, 1.0),
                     (values < channel.low, self.theme.below, plot.bottom() - 0.5, -1.0))
        for where, colour, tip, down in sides:
            painter.setBrush(QColor(colour))
            for middle in x[where].tolist():
                painter.drawPolygon(QPolygonF([QPointF(middle, tip), QPointF(middle - MARK, tip + down * MARK),
                                               QPointF(middle + MARK, tip + down * MARK)]))

    def _paint_line(self, painter: QPainter, geometry: Geometry, values: FloatArray, colour: QColor) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        start, stop = max(int(geometry.start) - 1, 0), min(int(geometry.stop) + 2, len(values))
        steps = np.arange(start, stop)
        steps = steps[np.isfinite(values[start:stop])]
        x = geometry.left + (steps + 0.5 - geometry.start) * geometry.step_width
        points = [QPointF(*place) for place in zip(x.tolist(), self.heights(values[steps]).tolist(), strict=True)]
        painter.setPen(QPen(colour, 1))
        painter.drawPolyline(QPolygonF(points))
        if geometry.step_width >= ROOM_FOR_DOTS:
            painter.setBrush(colour)
            painter.setPen(Qt.PenStyle.NoPen)
            for point in points:
                painter.drawEllipse(point, DOT, DOT)
        self._paint_beyond(painter, x, values[steps])

    def _paint_ranges(self, painter: QPainter, plot: QRectF, geometry: Geometry, line: Envelope, colour: QColor) -> None:
        """From least to greatest in a tint, and the means as a line over it."""
        ratio = self.devicePixelRatioF()
        bins = geometry.bins(len(line), ratio=ratio)
        if bins is None:
            return
        ranges, place = line.over(bins), place_of(bins, geometry, plot)
        tint = QColor(colour)
        tint.setAlphaF(RANGE_TINT)
        paint_spans(painter, place, self.heights(ranges.high), self.heights(ranges.low), tint, ratio)
        edges = ((ranges.high > self.channel.high, self.theme.above, plot.top(), plot.top() + 2.0),
                 (ranges.low < self.channel.low, self.theme.below, plot.bottom() - 2.0, plot.bottom()))
        for where, beyond, top, bottom in edges:
            if where.any():
                paint_spans(painter, place, np.where(where, top, np.nan), np.where(where, bottom, np.nan), QColor(beyond), ratio)
        mean = self.heights(ranges.mean)
        before = np.concatenate((mean[:1], mean[:-1]))  # each mean is joined to the one before it
        paint_spans(painter, place, np.fmin(mean, before), np.fmax(mean, before), colour, ratio)

    def value_text(self, step: int, y: float) -> str:
        """The value."""
        lines = self.lines()
        return f"{self.title} {float(lines[0][1][step]):.3f} {self.channel.unit}" if lines else ""

    def values_text(self, start: int, stop: int, y: float) -> str:
        """Mean and range."""
        lines = self.lines()
        return f"{self.title} {range_text(lines[0][1][start:stop])} {self.channel.unit}" if lines else ""


class ScalarTrack(LineTrack):
    """A scalar channel."""

    most_height = 64

    def __init__(self, session: Session, theme: Theme, channel: Channel) -> None:
        super().__init__(session, theme, channel, name=channel.name, symbol=channel.symbol, title=channel_title(channel))


class PinnedTrack(LineTrack):
    """The pinned units' values of a channel that can be chosen."""

    least_height, most_height = 76, 140

    def __init__(self, session: Session, theme: Theme, channels: list[Channel]) -> None:
        super().__init__(session, theme, channels[0], name="pinned", symbol="", title="pinned units")
        self._channels = channels
        self.picker = ComboBox(self)
        self.picker.setAccessibleName("Channel of the pinned units")
        self.picker.setToolTip("Which quantity of the pinned units is drawn")
        for channel in channels:
            self.picker.addItem(channel.symbol)
            self.picker.setItemData(self.picker.count() - 1, channel_title(channel), Qt.ItemDataRole.ToolTipRole)
        self.picker.setGeometry(22, 26, int(HEADER) - 50, 24)
        self.picker.currentIndexChanged.connect(self._pick)

    def _pick(self, number: int) -> None:
        self.channel = self._channels[number]
        self._ends = f"{self.channel.low:g}", f"{self.channel.high:g}"
        self._painted_for = None
        self.update()

    def set_folded(self, folded: bool) -> None:
        """The picker goes with the plot."""
        super().set_folded(folded)
        if hasattr(self, "picker"):
            self.picker.setVisible(not folded)

    def lines(self) -> list[tuple[str, FloatArray]]:
        """One for each pinned unit, in its colour."""
        trace = self.trace
        if trace is None or self.channel.name not in trace.channels:
            return []
        column = trace.column(self.channel.name)
        return [(self.theme.series[number % len(self.theme.series)], column[:, unit])
                for number, unit in enumerate(self.session.selection.units) if unit < column.shape[1]]

    def line_key(self, number: int) -> object:
        """Channel and unit."""
        return self.channel.name, self.session.selection.units[number]

    def contents_state(self) -> object:
        """Also which units, of which channel."""
        return super().contents_state(), self.session.selection.units, self.channel.name

    def paint_contents(self, painter: QPainter, plot: QRectF, geometry: Geometry) -> None:
        """The lines, or how to get some."""
        if not self.session.selection.units:
            painter.setFont(text_font(12))
            painter.setPen(QColor(self.theme.muted))
            painter.drawText(plot, Qt.AlignmentFlag.AlignCenter, "Click a row of a track to pin that unit")
            return
        super().paint_contents(painter, plot, geometry)

    def value_text(self, step: int, y: float) -> str:
        """The values of all pinned units."""
        symbol = self.channel.symbol
        return "   ".join(f"{symbol}[{unit}] {number_text(float(values[step]), self.channel, 3)}" for unit, (_, values)
                          in zip(self.session.selection.units, self.lines(), strict=False))

    def values_text(self, start: int, stop: int, y: float) -> str:
        """The means of all pinned units."""
        means = "   ".join(f"{self.channel.symbol}[{unit}] {float(np.nanmean(values[start:stop])):+.3f}" for unit, (_, values)
                           in zip(self.session.selection.units, self.lines(), strict=False))
        return f"means  {means}"
