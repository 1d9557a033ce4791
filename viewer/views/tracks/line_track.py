"""Lines over time on a fixed range: a scalar channel, or one channel of the pinned units."""

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QMenu

from unrolled.models.trace import Channel, FloatArray, Trace
from unrolled.models.trace.bins import Bins
from unrolled.models.trace.envelope import Envelope
from unrolled.models.trace.numbers import MINUS, general, signed
from unrolled.models.trace.tables import column_names
from unrolled.viewer.drawing.step_geometry import HEADER
from unrolled.viewer.plotting.table import Column
from unrolled.viewer.state.wording import channel_title
from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.views.tracks.heat_track import number_text, range_text
from unrolled.viewer.views.tracks.menu import add_ranges
from unrolled.viewer.views.tracks.sources import AnyLine, Lines, StoredLine, lines_in
from unrolled.viewer.views.tracks.track import MARGIN, Track
from unrolled.viewer.views.view import ViewContext
from unrolled.viewer.widgets.building import named
from unrolled.viewer.widgets.combo_box import ComboBox

if TYPE_CHECKING:
    from unrolled.viewer.plotting.time_items import Curve, RangeItem
    from unrolled.viewer.plotting.time_plot import TimePlot

Floats = npt.NDArray[np.floating]

PADDING = 4.0   # pixels between the range's ends and the plot's
DOT = 2.5
ROOM_FOR_DOTS = 14.0
ROOM_FOR_ZERO = 70
MARK = 5.5      # of what lies beyond the range: half a triangle's width, and its height
RANGE_TINT = 0.35  # of a line's colour between its least and its greatest value
EDGE = 2.0      # pixels of the plot's edge, seen from afar, where a line goes on beyond the range
MOST_ENVELOPES = 16


class LineTrack(Track):
    """Lines of one channel's values, one for each of some units, or the one of a scalar."""

    least_height = 48
    padding = PADDING, PADDING

    def __init__(self, ctx: ViewContext, channel: Channel, *, name: str, symbol: str, title: str) -> None:
        self.channel = self.recorded = channel  # on the scale that is in force, and on the model's own
        self._envelopes: dict[object, Envelope] = {}
        self._of: Trace | None = None
        self._curves: list[Curve] = []
        self._ranges: list[RangeItem] = []
        super().__init__(ctx, name=name, symbol=symbol, title=title)

    def channel_shapes(self) -> dict[str, tuple[int, ...]]:
        return {self.channel.name: self.channel.shape}

    def lines(self) -> Lines:
        """Colour and values, shape (steps,), of every line."""
        trace = self.trace
        if trace is None or self.channel.name not in trace.channels:
            return []
        return [(self.theme.accent, line) for line in lines_in(trace, self.channel.name)]

    def line_key(self, number: int) -> object:
        """What tells one line from another, of the same trace."""
        return self.channel.name

    def envelope(self, number: int, values: AnyLine) -> Envelope | StoredLine:
        """A line, ready to be drawn from afar; made when it is first drawn, and brought up to date."""
        if isinstance(values, StoredLine):
            return values
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

    def refresh(self) -> None:
        low, high = self.session.appearance.values.track_ranges.get(self.recorded.name, (self.recorded.low, self.recorded.high))
        self.channel = msgspec.structs.replace(self.recorded, low=low, high=high)
        super().refresh()

    def header_state(self) -> object:
        return self.channel

    def contents_state(self) -> object:
        return super().contents_state(), self.channel

    @property
    def ends_shown(self) -> tuple[float, float]:
        return self.channel.low, self.channel.high

    def ticks(self) -> list[tuple[str, float]]:
        """The ends of the range where they lie, and 0 between them where there is room."""
        low, high = self.channel.low, self.channel.high
        zero = [0.0] if low < 0 < high and self.height() >= ROOM_FOR_ZERO else []
        return [(general(value, 3), MARGIN + self.y_of(value)) for value in (high, *zero, low)]

    def heights(self, values: Floats) -> Floats:
        """Where values lie in the plot, same shape; beyond the range they lie at its ends."""
        (low, high), (above, below) = self.ends_shown, self.padding
        share: Floats = np.clip((values - low) / (high - low), 0.0, 1.0)
        return self.plot.height() - below - share * (self.plot.height() - above - below)

    def y_of(self, value: float) -> float:
        return float(self.heights(np.asarray(value, np.float64)))

    def make_items(self, plot: "TimePlot") -> None:
        self._zero = plot.curve()

    def draw(self, plot: "TimePlot") -> None:
        """Zero where the range has it, then the lines: point by point, or from afar their ranges."""
        geometry, ratio, lines = self.geometry_of_time, self.devicePixelRatioF(), self.lines()
        low, high = self.ends_shown
        if low < 0 < high:
            self._zero.show_line(np.array([geometry.start, geometry.stop]), np.zeros(2), self.theme.border)
        else:
            self._zero.hide()
        afar = geometry.stride(ratio) > 1.0
        bins = geometry.bins(self.length, ratio=ratio) if afar else None
        self._fit(plot, 0 if afar else len(lines), len(lines) if bins is not None else 0)
        for number, (colour, values) in enumerate(lines):
            if bins is not None:
                self._show_ranges(number, self.envelope(number, values), bins, colour)
            elif not afar:
                steps, found = self._in_sight(values)
                self._curves[number].show_line(steps + 0.5, np.clip(found, low, high), colour)
        plot.paint_over(None if afar else self.paint_marks, above_lines=True)

    def _fit(self, plot: "TimePlot", curves: int, ranges: int) -> None:
        """Have so many items; those that are not needed show nothing."""
        while len(self._curves) < curves:
            self._curves.append(plot.curve())
        while len(self._ranges) < ranges:
            self._ranges.append(plot.range_item())
        for curve in self._curves[curves:]:
            curve.hide()
        for item in self._ranges[ranges:]:
            item.hide()

    def _in_sight(self, values: AnyLine) -> tuple[npt.NDArray[np.intp], FloatArray]:
        """The steps in sight, and one on either side, that have a number, and their numbers."""
        axis = self.session.time_axis
        start, stop = max(int(axis.start) - 1, 0), min(int(axis.stop) + 2, len(values))
        found = values[start:stop]
        there = np.flatnonzero(np.isfinite(found))
        return start + there, found[there]

    def _show_ranges(self, number: int, line: Envelope | StoredLine, bins: Bins, colour: str) -> None:
        """From least to greatest in a tint, the means as a line over it, and at the edges where values go on beyond them."""
        from unrolled.viewer.plotting.time_items import ABOVE, BELOW, LINE, TINT, tinted

        ranges = line.over(bins)
        mean = self.heights(ranges.mean)
        before = np.concatenate((mean[:1], mean[:-1]))  # each mean is joined to the one before it
        spans = [(self.heights(ranges.high), self.heights(ranges.low), TINT)]
        for where, code, top in ((ranges.high > self.channel.high, ABOVE, 0.0),
                                 (ranges.low < self.channel.low, BELOW, self.plot.height() - EDGE)):
            if where.any():
                spans.append((np.where(where, top, np.nan), np.where(where, top + EDGE, np.nan), code))
        spans.append((np.fmin(mean, before), np.fmax(mean, before), LINE))
        theme = self.theme
        self._ranges[number].show_spans(bins, spans, [tinted(colour, 0.0), tinted(colour, RANGE_TINT), QColor(colour),
                                                      QColor(theme.above), QColor(theme.below)])

    def paint_marks(self, painter: QPainter) -> None:
        """A dot a step where there is room, and triangles at the ends of the range where values go on beyond them."""
        geometry = self.geometry_of_time
        if geometry.stride(self.devicePixelRatioF()) > 1.0:  # another run is there, and about to be drawn
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for colour, values in self.lines():
            steps, found = self._in_sight(values)
            x = (steps + 0.5 - geometry.start) * geometry.step_width
            if geometry.step_width >= ROOM_FOR_DOTS:
                painter.setPen(QPen(QColor(colour), 2 * DOT, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
                places = zip(x.tolist(), self.heights(found).tolist(), strict=True)
                painter.drawPoints(QPolygonF([QPointF(*place) for place in places]))
            painter.setPen(Qt.PenStyle.NoPen)
            for where, beyond, tip, down in ((found > self.channel.high, self.theme.above, 0.5, 1.0),
                                             (found < self.channel.low, self.theme.below, self.plot.height() - 0.5, -1.0)):
                painter.setBrush(QColor(beyond))
                for middle in x[where].tolist():
                    painter.drawPolygon(QPolygonF([QPointF(middle, tip), QPointF(middle - MARK, tip + down * MARK),
                                                   QPointF(middle + MARK, tip + down * MARK)]))

    def value_text(self, step: int, y: float) -> str:
        lines = self.lines()
        return f"{self.title} {signed(float(lines[0][1][step]))} {self.channel.unit}" if lines else ""

    def values_text(self, start: int, stop: int, y: float) -> str:
        lines = self.lines()
        return f"{self.title} {range_text(lines[0][1][start:stop])} {self.channel.unit}" if lines else ""

    @property
    def about(self) -> str:
        return f"{self.title}, {self.channel.unit}" if self.channel.unit else self.title

    def numbers(self, start: int, stop: int) -> tuple[list[str], list[Column]]:
        return [self.channel.name], [values[start:stop] for _, values in self.lines()]

    def fill_menu(self, menu: QMenu) -> None:
        add_ranges(menu, self, self.recorded)
        super().fill_menu(menu)


class ScalarTrack(LineTrack):
    most_height = 64

    def __init__(self, ctx: ViewContext, channel: Channel) -> None:
        super().__init__(ctx, channel, name=channel.name, symbol=channel.symbol, title=channel_title(channel))


class PinnedTrack(LineTrack):
    """The pinned units' values of a channel that can be chosen."""

    least_height, most_height = 76, 140
    legend_height = 46.0  # of its picker

    def __init__(self, ctx: ViewContext, channels: list[Channel]) -> None:
        self._channels = channels
        super().__init__(ctx, channels[0], name="pinned", symbol="", title="pinned units")
        self.picker = named(ComboBox(self), "Channel of the pinned units", "Which quantity of the pinned units is drawn")
        self.controls.append(self.picker)
        for channel in channels:
            self.picker.addItem(channel.symbol)
            self.picker.setItemData(self.picker.count() - 1, channel_title(channel), Qt.ItemDataRole.ToolTipRole)
        self.picker.setGeometry(22, 26, int(HEADER) - 56, 24)
        self.picker.currentIndexChanged.connect(self._pick)

    def _pick(self, number: int) -> None:
        self.recorded = self._channels[number]
        self._seen = None
        self.refresh()

    def lines(self) -> Lines:
        trace = self.trace
        if trace is None or self.channel.name not in trace.channels:
            return []
        shown = [(number, unit) for number, unit in enumerate(self.session.selection.units) if unit < self.channel.shape[0]]
        lines = lines_in(trace, self.channel.name, [unit for _, unit in shown])
        return [(self.theme.series[number % len(self.theme.series)], line)
                for (number, _), line in zip(shown, lines, strict=True)]

    def line_key(self, number: int) -> object:
        return self.channel.name, self.session.selection.units[number]

    def contents_state(self) -> object:
        return super().contents_state(), self.session.selection.units

    def draw(self, plot: "TimePlot") -> None:
        super().draw(plot)
        if not self.session.selection.units:
            self._zero.hide()
            plot.paint_over(self._paint_hint, above_lines=True)

    def _paint_hint(self, painter: QPainter) -> None:
        painter.setFont(text_font(12))
        painter.setPen(QColor(self.theme.muted))
        how, hint = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, "Click a row of a track to pin that unit"
        room = QRectF(0, 0, self.plot.width(), self.plot.height())
        painter.fillRect(painter.boundingRect(room, how, hint).adjusted(-4, 0, 4, 0), QColor(self.theme.missing))
        painter.drawText(room, how, hint)  # over the playhead, which would go through it

    def value_text(self, step: int, y: float) -> str:
        symbol = self.channel.symbol
        return "   ".join(f"{symbol}[{unit}] {number_text(float(values[step]), self.channel, 3)}" for unit, (_, values)
                          in zip(self.session.selection.units, self.lines(), strict=False))

    def values_text(self, start: int, stop: int, y: float) -> str:
        means = "   ".join(f"{self.channel.symbol}[{unit}] {float(np.nanmean(values[start:stop])):+.3f}" for unit, (_, values)
                           in zip(self.session.selection.units, self.lines(), strict=False))
        return f"means  {means}".replace("-", MINUS)

    def numbers(self, start: int, stop: int) -> tuple[list[str], list[Column]]:
        lines: list[Column] = [values[start:stop] for _, values in self.lines()]
        names = tuple(column_names(self.recorded))
        return [names[unit] for unit in self.session.selection.units[: len(lines)]], lines
