"""What every track is: a header that folds it and says what it shows, and a plot on the common time axis."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolButton, QToolTip, QWidget

from unrolled.models.trace import Trace
from unrolled.models.trace.detokenization import shown
from unrolled.viewer.drawing.step_geometry import EDGE, HEADER, Geometry
from unrolled.viewer.plotting.context_menu import attach
from unrolled.viewer.plotting.table import Column, Table
from unrolled.viewer.state.commands import PanSteps, Seek, ShowSteps, ShowWholeRun, ZoomSteps
from unrolled.viewer.state.open_store import Steps
from unrolled.viewer.state.wording import step_noun
from unrolled.viewer.theme.icons import icon
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.views.tracks.header import paint_header
from unrolled.viewer.views.tracks.menu import add_zooms
from unrolled.viewer.views.tracks.sources import blocks_of
from unrolled.viewer.views.view import ViewContext

if TYPE_CHECKING:  # pyqtgraph is imported after the window has been seen
    from unrolled.viewer.plotting.time_plot import TimePlot

FOLDED_HEIGHT = 26
MARGIN = 2  # pixels over and under the plot
FRAMED = 3  # pixels of the line over steps that were framed in the map of states


class Track(QWidget):
    """One track, remembered by its name; symbol and title stand in its header."""

    folded_changed = Signal()
    read_out = Signal(str)  # what is under the pointer, in words
    least_height, most_height = 51, 16_777_215
    legend_height = 0.0    # pixels at the bottom of the header
    padding = 0.0, 0.0  # pixels between the ends of the scale and the plot's

    def __init__(self, ctx: ViewContext, *, name: str, symbol: str, title: str) -> None:
        super().__init__()
        self.session, self.do, self.theme = ctx.session, ctx.do, ctx.theme
        self.name, self.symbol, self.title = name, symbol, title
        self.canvas: TimePlot | None = None  # the plot, as soon as the plotting library is there
        self._drawn_for: object = None
        self._header_for: object = None
        self.folded = False
        self._source: Callable[[], Trace | None] | None = None
        self._seen: Trace | None = None
        self._fits = False
        self.first_divergence: int | None = None
        self.plot = QRectF(HEADER, MARGIN, 1, 1)  # where it lies
        self.controls: list[QWidget] = []  # what goes with the plot when the track is folded
        self._fold = QToolButton(self, autoRaise=True)
        self._fold.setObjectName("foldButton")
        self._fold.setIconSize(QSize(14, 14))
        self._fold.setGeometry(0, 3, 20, 20)
        self._fold.clicked.connect(lambda: self.set_folded(not self.folded))
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # all of it is painted: Qt need not paint what is behind
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(f"{title} over time")
        self.set_folded(False)
        attach(self, lambda: self.title, table=self.table, fill=self.fill_menu)

    # ── What the view asks ────────────────────────────────────────────────────────────────────────────────────

    def attach(self) -> None:
        """Make the plot; its pointer moves the playhead and the time axis of all tracks."""
        from unrolled.viewer.plotting.time_plot import TimePlot

        self.canvas = plot = TimePlot(self.theme, self)
        do, playhead = self.do, self.session.playhead
        plot.pressed.connect(lambda time: do(Seek(int(time))))
        plot.stepped.connect(lambda steps: do(Seek(playhead.step + steps)))
        plot.zoomed.connect(lambda factor, around: do(ZoomSteps(factor, around)))
        plot.panned.connect(lambda steps: do(PanSteps(steps)))
        plot.framed.connect(lambda frame: do(ShowSteps(plot.time_at(frame.left()), plot.time_at(frame.right()))))
        plot.double_clicked.connect(lambda: do(ShowWholeRun()))
        plot.clicked.connect(self._clicked)
        plot.double_clicked.connect(self.double_clicked)
        plot.pointed.connect(self._pointed)
        plot.framed.connect(self.framed)
        plot.setVisible(not self.folded)
        plot.setGeometry(self.plot.toRect())
        self.make_items(plot)
        self._framed_steps = plot.heat(in_pixels=True)
        plot.set_divergence(self.first_divergence)

    def set_folded(self, folded: bool) -> None:
        changed, self.folded = folded != self.folded, folded
        word = "Unfold" if folded else "Fold"
        self._fold.setAccessibleName(f"{word} {self.title}")
        self._fold.setToolTip(f"{word} {self.title} (Space while it has the focus)")
        self._fold.setIcon(icon("unfold" if folded else "fold", self.theme, size=14, colour=self.theme.muted))
        self.setMinimumHeight(FOLDED_HEIGHT if folded else self.least_height)
        self.setMaximumHeight(FOLDED_HEIGHT if folded else self.most_height)
        for part in (self.canvas, *self.controls):
            if part is not None:
                part.setVisible(not folded)
        self.update()
        if changed:
            self.folded_changed.emit()

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.set_folded(self.folded)

    def refresh(self) -> None:
        """Something that it draws may have changed: draw again if it did."""
        if self.header_state() != self._header_for:
            self._header_for = self.header_state()
            self.update()
        plot, axis = self.canvas, self.session.time_axis
        if plot is None or self.folded:
            return
        state = (plot.size().toTuple(), self.devicePixelRatioF(), axis.start, axis.stop, self.theme.name, self.length,
                 self._framed(), self.contents_state())
        if state != self._drawn_for:
            self._drawn_for = state
            plot.set_ranges((axis.start, axis.stop), self.ends_shown, self.padding)
            self.draw(plot)
            self._mark_framed(plot)
            plot.redraw()

    @property
    def trace(self) -> Trace | None:
        """What is drawn; none while it has other channels, until this track is told to go."""
        trace = self.session.trace if self._source is None else self._source()
        if trace is None:
            return None
        if trace is not self._seen:
            self._seen = trace
            channels = ((trace.channels.get(name), shape) for name, shape in self.channel_shapes().items())
            self._fits = all(channel is not None and channel.shape == shape for channel, shape in channels)
        return trace if self._fits else None

    @property
    def length(self) -> int:
        trace = self.trace
        return 0 if trace is None else len(trace)

    def stand_for(self, source: Callable[[], Trace | None], *, name: str, title: str) -> None:
        """Draw the run that `source` gives, in place of the session's."""
        self._source, self.name, self.title = source, name, title
        self.setAccessibleName(f"{title} over time")
        self.set_folded(self.folded)

    def set_first_divergence(self, step: int | None) -> None:
        if step == self.first_divergence:
            return
        self.first_divergence = step
        if self.canvas is not None:
            self.canvas.set_divergence(step)

    @property
    def geometry_of_time(self) -> Geometry:
        axis = self.session.time_axis
        return Geometry(0.0, self.plot.width(), axis.start, axis.stop, blocks_of(self.trace))

    def _framed(self) -> Steps:
        return self.session.framed_steps if self._source is None else ()

    def _mark_framed(self, plot: "TimePlot") -> None:
        """A line over the steps that were framed in the map of states, and one of the ground below it."""
        from unrolled.viewer.plotting.time_items import colour_bytes

        framed = self._framed()
        if not framed:
            self._framed_steps.hide()
            return
        edges = np.array(framed, np.int64) + np.arange(2)  # (runs of steps, 2); they rise, and lie apart
        columns = max(round(plot.width() * self.devicePixelRatioF()), 1)
        axis = self.session.time_axis
        times = axis.start + np.arange(columns + 1) / columns * (axis.stop - axis.start)
        before = np.searchsorted(edges.ravel(), times[:-1], side="right")
        codes = (before % 2 == 1) | (np.searchsorted(edges.ravel(), times[1:]) > before)
        rows = np.array([*[1] * FRAMED, 2], np.uint8)[:, None]
        self._framed_steps.show_bytes(codes * rows, colour_bytes("transparent", self.theme.playhead, self.theme.panel),
                                      QRectF(0, 0, plot.width(), len(rows)))

    # ── What each kind of track says for itself ───────────────────────────────────────────────────────────────

    def channel_shapes(self) -> dict[str, tuple[int, ...]]:
        """The channels without which there is nothing to draw, and the shape that they must have."""
        return {}

    @property
    def ends_shown(self) -> tuple[float, float]:
        """The values at the bottom and the top of the plot."""
        return 0.0, 1.0

    def contents_state(self) -> object:
        """Everything that the contents depend on beside their length, size, time axis and theme."""
        return self.trace  # itself, not its id, which another one may get

    def header_state(self) -> object:
        """Everything that the header depends on beside size and theme."""
        return None

    def make_items(self, plot: "TimePlot") -> None:
        """What is in the plot from the beginning."""

    def draw(self, plot: "TimePlot") -> None:
        """Put into the plot what is to be seen."""

    def ticks(self) -> list[tuple[str, float]]:
        """The numbers beside the plot and the height at which each stands, in the track's pixels."""
        return []

    def paint_legend(self, painter: QPainter) -> None:
        """What else stands in the header."""

    def value_text(self, step: int, y: float) -> str:
        """What lies at a step and a height of the plot, in words."""
        return ""

    def values_text(self, start: int, stop: int, y: float) -> str:
        """What lies at several steps that are drawn as one, from and up to, and at a height, in words."""
        return self.value_text(start, y)

    def clicked_at(self, y: float) -> None:
        """A click that was no drag, at a height of the plot."""

    def double_clicked(self) -> None:
        """The second of two clicks: take back what the first one did."""

    def framed(self, frame: QRectF) -> None:
        """A frame was drawn in the plot, whose span of time is shown now."""

    def hovered_at(self, y: float | None) -> None:
        """The pointer is at a height of the plot, or left it."""

    def numbers(self, start: int, stop: int) -> tuple[list[str], list[Column]]:
        """The recorded numbers of some steps, from and up to: a name and a column each."""
        return [], []

    def fill_menu(self, menu: QMenu) -> None:
        """What can be chosen for this track."""
        add_zooms(menu, self.do)

    @property
    def about(self) -> str:
        """What its header says of it when the pointer rests there."""
        return self.title

    # ── Header ────────────────────────────────────────────────────────────────────────────────────────────────

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            over = event.pos().x() < HEADER
            QToolTip.showText(event.globalPos(), self.about, self) if over and self.about else QToolTip.hideText()
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor(self.theme.panel))
            if self.canvas is None and not self.folded:
                painter.fillRect(self.plot, QColor(self.theme.missing))
            paint_header(painter, self)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.plot = QRectF(HEADER, MARGIN, max(self.width() - HEADER - EDGE, 1), max(self.height() - 2 * MARGIN, 1))
        if self.canvas is not None:
            self.canvas.setGeometry(self.plot.toRect())
            self.refresh()

    # ── The pointer ───────────────────────────────────────────────────────────────────────────────────────────

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The header does nothing with it."""
        event.ignore()

    def _clicked(self, _: float, y: float) -> None:
        if self.length:
            self.clicked_at(y)

    def _pointed(self, place: QPointF | None) -> None:
        trace, geometry = self.trace, self.geometry_of_time
        time = geometry.time(place.x()) if place is not None else -1.0
        if place is None or trace is None or not 0 <= time < len(trace):
            self.read_out.emit("")
            self.hovered_at(None)
            return
        noun = step_noun(trace.provenance)
        start, stop = geometry.bin_at(time, len(trace), self.devicePixelRatioF())
        if stop - start > 1:
            self.read_out.emit(f"{noun}s {start + 1} to {stop}  ·  {self.values_text(start, stop, place.y())}")
        else:
            word = shown(trace.words[int(time)], trace.provenance.detokenization)
            self.read_out.emit(f"{noun} {int(time) + 1}  “{word}”  ·  {self.value_text(int(time), place.y())}")
        self.hovered_at(place.y())

    def table(self) -> Table | None:
        """What was recorded at the steps in sight; they are counted from 0, as in every file."""
        trace, axis = self.trace, self.session.time_axis
        start, stop = max(int(axis.start), 0), min(math.ceil(axis.stop), 0 if trace is None else len(trace))
        if trace is None or stop <= start:
            return None
        names, columns = self.numbers(start, stop)
        return Table(["step", "word", *names], [range(start, stop), trace.words[start:stop], *columns])
