"""What every track is: a header that folds it, and a plot on the common time axis.

The plot's contents are painted into a pixmap when they change; the playhead is drawn over it, so that moving it costs
no more than copying pixels.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QImage, QMouseEvent, QPainter, QPaintEvent, QPixmap, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QToolButton, QToolTip, QWidget

from unrolled.models.trace import Trace
from unrolled.models.trace.detokenization import shown
from unrolled.viewer.drawing.step_geometry import EDGE, HEADER, Geometry
from unrolled.viewer.state.session import Session
from unrolled.viewer.state.wording import step_noun
from unrolled.viewer.theme.colour_maps import colour_table
from unrolled.viewer.theme.fonts import mono_font, text_font
from unrolled.viewer.theme.icons import icon
from unrolled.viewer.theme.themes import Theme

FOLDED_HEIGHT = 26
CLICK_DISTANCE = 4.0  # pixels; farther is a drag
ROOM_FOR_GROUND = 16.0  # pixels a step; in narrower ones the line inside of the playhead would hide too much
ZOOM_A_NOTCH = 0.8
NOTCH = 120.0         # Qt's unit of a wheel


class Track(QWidget):
    """One track.

    Parameters
    ----------
    name : str
        What it is remembered by.
    symbol, title : str
        In the header.
    low_text, high_text : str
        The ends of its range, beside it.
    """

    folded_changed = Signal()
    read_out = Signal(str)
    least_height, most_height = 54, 16_777_215
    steps_stand_alone = True  # a new step changes nothing that is painted of the ones before it

    def __init__(self, session: Session, theme: Theme, *, name: str, symbol: str, title: str,
                 low_text: str = "", high_text: str = "") -> None:
        super().__init__()
        self.session, self.theme, self.name, self.symbol, self.title = session, theme, name, symbol, title
        self._ends = low_text, high_text
        self._beyond = False, False
        self._contents = QPixmap()
        self._painted_for: object = None
        self._painted_length = 0
        self._header = QPixmap()
        self._header_for: object = None
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # all of it is painted: Qt need not paint what is behind
        self._pressed_at: QPointF | None = None
        self._panned_from: float | None = None
        self._wheel = 0.0
        self._folded = False
        self._source: Callable[[], Trace | None] | None = None
        self._first_divergence: int | None = None
        self._fold = QToolButton(self)
        self._fold.setObjectName("foldButton")
        self._fold.setAutoRaise(True)
        self._fold.setIconSize(QSize(14, 14))
        self._fold.setGeometry(0, 3, 20, 20)
        self._fold.clicked.connect(lambda: self.set_folded(not self._folded))
        self.setMouseTracking(True)
        self.setAccessibleName(f"{title} over time")
        self.set_folded(False)

    # ── What the panel asks ───────────────────────────────────────────────────────────────────────────────────

    @property
    def folded(self) -> bool:
        """Whether only the header is shown."""
        return self._folded

    def set_folded(self, folded: bool) -> None:
        """Show the header alone, or everything."""
        changed, self._folded = folded != self._folded, folded
        word = "Unfold" if folded else "Fold"
        self._fold.setAccessibleName(f"{word} {self.title}")
        self._fold.setToolTip(f"{word} {self.title} (Space while it has the focus)")
        self._fold.setIcon(icon("unfold" if folded else "fold", self.theme, size=14, colour=self.theme.muted))
        self.setMinimumHeight(FOLDED_HEIGHT if folded else self.least_height)
        self.setMaximumHeight(FOLDED_HEIGHT if folded else self.most_height)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._painted_for = None
        self.update()
        if changed:
            self.folded_changed.emit()

    def set_theme(self, theme: Theme) -> None:
        """Other colours are in force."""
        self.theme = theme
        self.set_folded(self._folded)

    def refresh(self) -> None:
        """Something that it draws may have changed: paint again if it did."""
        if self._state() != self._painted_for or self.contents_length() != self._painted_length:
            self.update()

    def seek(self) -> None:
        """The playhead moved."""
        self.update()

    @property
    def trace(self) -> Trace | None:
        """What is drawn; none while it has other channels, until this track is told to go."""
        trace = self.session.trace if self._source is None else self._source()
        if trace is None:
            return None
        for name, shape in self.channel_shapes().items():
            channel = trace.channels.get(name)
            if channel is None or channel.shape != shape:
                return None
        return trace

    def stand_for(self, source: Callable[[], Trace | None], *, name: str, title: str) -> None:
        """Draw another run than the session's.

        Parameters
        ----------
        source : callable
            Gives its trace.
        name, title : str
            In place of the track's own.
        """
        self._source, self.name, self.title = source, name, title
        self.setAccessibleName(f"{title} over time")
        self.set_folded(self._folded)

    def set_first_divergence(self, step: int | None) -> None:
        """Mark where two runs that are compared part."""
        if step != self._first_divergence:
            self._first_divergence = step
            self.update()

    def set_ends(self, low: str, high: str, *, below: bool = False, above: bool = False) -> None:
        """What stands at the ends of the scale, and whether values lie beyond them: those have colours of their own."""
        if (low, high) != self._ends or (below, above) != self._beyond:
            self._ends, self._beyond = (low, high), (below, above)
            self._painted_for = None
            self.update()

    def channel_shapes(self) -> dict[str, tuple[int, ...]]:
        """The channels without which there is nothing to draw, and the shape that they must have."""
        return {}

    @property
    def plot(self) -> QRectF:
        """Where the plot lies."""
        return QRectF(HEADER, 2, max(self.width() - HEADER - EDGE, 1), max(self.height() - 4, 1))

    @property
    def geometry_of_time(self) -> Geometry:
        """Where steps lie."""
        axis, plot = self.session.time_axis, self.plot
        return Geometry(plot.left(), plot.width(), axis.start, axis.stop)

    @property
    def legend_map(self) -> str:
        """The colour map whose colours stand in the header; empty where values are no colours."""
        return ""

    # ── What each kind of track says for itself ───────────────────────────────────────────────────────────────

    def contents_state(self) -> object:
        """Everything that the contents depend on beside their length, size, time axis and theme."""
        return self.trace  # itself, not its id, which another one may get

    def contents_length(self) -> int:
        """How many steps the contents have."""
        return self._length()

    def paint_contents(self, painter: QPainter, plot: QRectF, geometry: Geometry) -> None:
        """Paint the plot."""

    def value_text(self, step: int, y: float) -> str:
        """What lies at a step and a height, in words."""
        return ""

    def values_text(self, start: int, stop: int, y: float) -> str:
        """What lies at several steps that are drawn as one, from and up to, and at a height, in words."""
        return self.value_text(start, y)

    def clicked_at(self, step: int, y: float) -> None:
        """A click that was no drag."""

    def double_clicked(self) -> None:
        """The second of two clicks: take back what the first one did."""

    def hovered_at(self, y: float | None) -> None:
        """The pointer is at a height of the plot, or left it."""

    @property
    def about(self) -> str:
        """What its header says of it when the pointer rests there."""
        return self.title

    def event(self, event: QEvent) -> bool:
        """What the track is, where the pointer rests on its header."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            over = event.pos().x() < HEADER
            QToolTip.showText(event.globalPos(), self.about, self) if over and self.about else QToolTip.hideText()
            return True
        return super().event(event)

    # ── Painting ──────────────────────────────────────────────────────────────────────────────────────────────

    def _state(self) -> object:
        axis = self.session.time_axis
        return (self.size().toTuple(), self.devicePixelRatioF(), axis.start, axis.stop, self.theme.name, self._folded,
                self.contents_state())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Contents from their pixmap, then the playhead."""
        state, length, painted = self._state(), self.contents_length(), self._painted_length
        if state != self._painted_for or length < painted:
            self._paint_pixmap()
        elif length > painted:
            self._paint_new_steps(painted) if self.steps_stand_alone else self._paint_pixmap()
        self._painted_for, self._painted_length = state, length
        with QPainter(self) as painter:
            painter.drawPixmap(0, 0, self._contents)
            if not self._folded:
                self._paint_first_divergence(painter)
                self._paint_playhead(painter)

    def _paint_first_divergence(self, painter: QPainter) -> None:
        if self._first_divergence is None:
            return
        x, plot = self.geometry_of_time.x(self._first_divergence), self.plot
        if plot.left() <= x <= plot.right():
            painter.fillRect(QRectF(x - 2, plot.top(), 4, plot.height()), QColor(self.theme.panel))
            painter.fillRect(QRectF(x - 1, plot.top(), 2, plot.height()), QColor(self.theme.warning))

    def _paint_pixmap(self) -> None:
        ratio = self.devicePixelRatioF()
        size = QSize(round(self.width() * ratio), round(self.height() * ratio))
        if self._contents.size() != size or self._contents.devicePixelRatio() != ratio:
            self._contents = QPixmap(size)
            self._contents.setDevicePixelRatio(ratio)
        self._contents.fill(QColor(self.theme.panel))
        with QPainter(self._contents) as painter:
            painter.drawPixmap(0, 0, self._header_pixmap())
            if not self._folded:
                plot = self.plot
                painter.fillRect(plot, QColor(self.theme.missing))
                painter.setClipRect(plot)
                self.paint_contents(painter, plot, self.geometry_of_time)

    def _paint_new_steps(self, painted: int) -> None:
        """Paint what came after so many steps, and what the last of those is drawn with; the rest stays."""
        if self._folded:
            return
        plot, geometry = self.plot, self.geometry_of_time
        stride = geometry.stride(self.devicePixelRatioF())
        left = max(geometry.x((int((painted - 1) / stride) - 1) * stride), plot.left())
        with QPainter(self._contents) as painter:
            new = QRectF(left, plot.top(), plot.right() - left, plot.height())
            painter.setClipRect(new.toAlignedRect() & plot.toAlignedRect())
            painter.fillRect(plot, QColor(self.theme.missing))
            self.paint_contents(painter, plot, geometry)

    def _header_pixmap(self) -> QPixmap:
        """The header, laid out once: text costs more than everything else that is painted here."""
        ratio = self.devicePixelRatioF()
        state = (self.width() if self._folded else 0, self.height(), ratio, self.theme.name, self._folded, self._ends,
                 self._beyond, self.legend_map)
        if state != self._header_for:
            self._header_for = state
            width = self.width() if self._folded else HEADER
            self._header = QPixmap(round(width * ratio), round(self.height() * ratio))
            self._header.setDevicePixelRatio(ratio)
            self._header.fill(QColor(self.theme.panel))
            with QPainter(self._header) as painter:
                self._paint_header(painter)
        return self._header

    def _paint_header(self, painter: QPainter) -> None:
        theme = self.theme
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        painter.setPen(QColor(theme.text))
        left = 24.0
        if self.symbol:
            used = text_font(15)
            used.setItalic(True)
            painter.setFont(used)
            painter.drawText(QRectF(left, 2, 24, 21), Qt.AlignmentFlag.AlignVCenter, self.symbol)
            left += 20
        painter.setFont(text_font(11))
        painter.setPen(QColor(theme.muted))
        if self._folded:
            painter.drawText(QRectF(left, 2, 300, 21), Qt.AlignmentFlag.AlignVCenter, self.title)
            return
        metrics = painter.fontMetrics()
        lines = self.title.split(" ", 1) if metrics.horizontalAdvance(self.title) > HEADER - left - 8 else [self.title]
        for number, line in enumerate(lines):
            painter.drawText(QRectF(left, 4 + 14 * number, HEADER - left, 16), Qt.AlignmentFlag.AlignVCenter,
                             metrics.elidedText(line, Qt.TextElideMode.ElideRight, int(HEADER - left)))
        if self.legend_map:
            self._paint_legend(painter, self.legend_map)
        elif self._ends[1] and self.height() >= 48:
            painter.setFont(mono_font(9))
            for text, middle in self.ticks():
                top = min(max(middle - 6.0, 1.0), self.height() - 14.0)
                beside = QRectF(0, top, HEADER - 6, 12)
                painter.drawText(beside, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)

    def ticks(self) -> list[tuple[str, float]]:
        """What is written beside the plot's scale, and at which heights; without a scale both ends at the bottom."""
        return [(" … ".join(self._ends), float(self.height()))]

    def _paint_legend(self, painter: QPainter, colour_map: str) -> None:
        """The colours from the lower to the upper end of the range, between the two."""
        low, high = self._ends
        row = QRectF(24, self.height() - 17, HEADER - 24 - 8, 12)
        painter.setFont(mono_font(9))
        painter.setPen(QColor(self.theme.muted))
        room = painter.fontMetrics().horizontalAdvance(max(low, high, key=len)) + 4
        painter.drawText(row, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, low)
        painter.drawText(row, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, high)
        table = np.ascontiguousarray(colour_table(colour_map))
        strip = QImage(table.data, len(table), 1, 4 * len(table), QImage.Format.Format_RGBA8888)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        bar = row.adjusted(room, 3, -room, -3)
        painter.drawImage(bar, strip, QRectF(strip.rect()))
        for there, colour, edge in ((self._beyond[0], self.theme.below, bar.left()),
                                    (self._beyond[1], self.theme.above, bar.right() - 4)):
            if there:
                painter.fillRect(QRectF(edge, bar.top(), 4, bar.height()), QColor(colour))

    def _paint_playhead(self, painter: QPainter) -> None:
        step = self.session.playhead.step
        if step < 0 or self.trace is None:
            return
        geometry, plot = self.geometry_of_time, self.plot
        band = QRectF(geometry.x(step), plot.top(), max(geometry.step_width, 1.0), plot.height()).intersected(plot)
        if band.isEmpty():
            return
        # A line of the panel's ground beside it: it is to be seen on every colour of every map.
        ground = QColor(self.theme.panel)
        if geometry.step_width < 4:
            middle = band.center().x()
            painter.fillRect(QRectF(middle - 1.5, plot.top(), 3.0, plot.height()), ground)
            painter.fillRect(QRectF(middle - 0.5, plot.top(), 1.0, plot.height()), QColor(self.theme.playhead))
        else:
            if geometry.step_width >= ROOM_FOR_GROUND:
                painter.setPen(ground)
                painter.drawRect(band.adjusted(1.5, 1, -1.5, -2))
            painter.setPen(QColor(self.theme.playhead))
            painter.drawRect(band.adjusted(0.5, 0, -0.5, -1))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Other sizes need another pixmap."""
        self._painted_for = None

    # ── The pointer ───────────────────────────────────────────────────────────────────────────────────────────

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Seek at once; whether it is a click shows when the button is let go."""
        if not self.plot.contains(event.position()) or self._folded:
            event.ignore()
            return
        if event.button() == Qt.MouseButton.MiddleButton:
            self._panned_from = self.geometry_of_time.time(event.position().x())
        elif event.button() == Qt.MouseButton.LeftButton:
            self._pressed_at = event.position()
            self._seek_to(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the playhead, drag the time axis, or read out what is there."""
        position = event.position()
        if self._panned_from is not None:
            self.session.time_axis.pan(self._panned_from - self.geometry_of_time.time(position.x()))
        elif self._pressed_at is not None:
            self._seek_to(position.x())
        self._read(position)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The end of a click or a drag."""
        pressed, self._pressed_at, self._panned_from = self._pressed_at, None, None
        if pressed is None or event.button() != Qt.MouseButton.LeftButton:
            return
        moved = event.position() - pressed
        if abs(moved.x()) + abs(moved.y()) < CLICK_DISTANCE and self._length():
            self.clicked_at(self.geometry_of_time.step(pressed.x(), self._length()), pressed.y())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """The whole run again."""
        if self._folded or not self.plot.contains(event.position()) or event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self.double_clicked()
        self.session.time_axis.reset()

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the pointer."""
        self.read_out.emit("")
        self.hovered_at(None)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Move the playhead; with Ctrl zoom, with Shift pan. Over the header, or folded, the column scrolls."""
        if self._folded or event.position().x() < HEADER:
            event.ignore()
            return
        delta = event.angleDelta().y() or event.angleDelta().x()
        notches = delta / NOTCH
        axis = self.session.time_axis
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            axis.zoom(ZOOM_A_NOTCH**notches, self.geometry_of_time.time(event.position().x()))
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            axis.pan(-notches * (axis.stop - axis.start) / 10)
        else:
            self._wheel += notches
            whole = int(self._wheel)
            self._wheel -= whole
            if whole:
                self.session.playhead.seek(self.session.playhead.step - whole)
        event.accept()

    def _length(self) -> int:
        return 0 if self.trace is None else len(self.trace)

    def _seek_to(self, x: float) -> None:
        if self._length():
            self.session.playhead.seek(self.geometry_of_time.step(x, self._length()))

    def _read(self, position: QPointF) -> None:
        trace, geometry = self.trace, self.geometry_of_time
        time = geometry.time(position.x())
        if trace is None or self._folded or not self.plot.contains(position) or not 0 <= time < len(trace):
            self.read_out.emit("")
            self.hovered_at(None)
            return
        noun = step_noun(trace.provenance)
        start, stop = geometry.bin_at(time, len(trace), self.devicePixelRatioF())
        if stop - start > 1:
            self.read_out.emit(f"{noun}s {start + 1} to {stop}  ·  {self.values_text(start, stop, position.y())}")
        else:
            word = shown(trace.words[int(time)], trace.provenance.detokenization)
            self.read_out.emit(f"{noun} {int(time) + 1}  “{word}”  ·  {self.value_text(int(time), position.y())}")
        self.hovered_at(position.y())
