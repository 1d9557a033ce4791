"""The bar at the bottom: the whole run in one row, to be dragged through.

To screen readers it is a slider whose value is the step.
"""

from functools import lru_cache

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractSlider

from unrolled.models.trace import Trace
from unrolled.models.trace.envelope import Envelope
from unrolled.viewer.drawing.label_line import label_line, runs
from unrolled.viewer.drawing.painting import for_the_screen, mix, paint_spans
from unrolled.viewer.drawing.step_geometry import Geometry
from unrolled.viewer.plotting.context_menu import attach
from unrolled.viewer.plotting.table import steps_table
from unrolled.viewer.state.beginning import empty_text
from unrolled.viewer.state.commands import Seek
from unrolled.viewer.state.open_store import Steps
from unrolled.viewer.state.wording import LABELS, is_end, shown, step_noun
from unrolled.viewer.theme.fonts import mono_font, text_font
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.building import in_column

HEIGHT = 52
EDGE = 12.0          # pixels left and right of the row
COUNT_WIDTH = 74.0   # at least, for the step's number, at the right
FEWEST_SHOWN = 12    # steps; a run that has just begun does not fill the row, so that nothing jumps
ROOM_FOR_WORDS = 30.0
PROFILE_HEIGHT = 16.0
PAGE = 10            # steps
FRAMED = 3.0         # pixels of the line above steps that were framed in the map of states
MARK = 5.0           # pixels that the playhead's mark reaches to either side
SCRUB = "Drag to scrub through the run (←, →, Home, End)"
EMPTY = "The run appears here, to scrub through."


class ScrubRow(QAbstractSlider):
    """One run as a row. The playhead moves by the keys, the wheel, a click or a drag."""

    def __init__(self, ctx: ViewContext) -> None:
        super().__init__()
        self._session, self._do, self.theme = ctx.session, ctx.do, ctx.theme
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setFixedHeight(HEIGHT)
        self.setAccessibleName("Playhead")
        self._hover: float | None = None
        self._wheel = 0.0
        self._chances = Envelope()
        self._profile_of: Trace | None = None
        self._followed: tuple[Trace | None, int, int, str, str, Steps] | None = None
        self._run_painted_for: object = None
        self._runs: list[QPixmap] = []  # as it is after its last step, and before its first
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.valueChanged.connect(self._seek)  # by a screen reader: `follow` blocks what comes from here

    @property
    def _trace(self) -> Trace | None:
        return self._session.trace

    @property
    def _length(self) -> int:
        return 0 if self._trace is None else len(self._trace)

    @property
    def _empty_text(self) -> str:
        return "" if self._length else empty_text(self._session, EMPTY)

    @property
    def _row(self) -> QRectF:
        return QRectF(EDGE, 6, max(self.width() - 2 * EDGE - self._count_width, 1), self.height() - 12)

    @property
    def _count_width(self) -> float:
        """Room for "step / length", the same at every step."""
        return _count_width(len(f"{self._length:,}"))

    @property
    def step_width(self) -> float:
        """Pixels a step."""
        return self._row.width() / max(self._length, FEWEST_SHOWN)

    def x_of(self, step: int) -> float:
        return self._row.left() + (step + 0.5) * self.step_width

    def step_at(self, x: float) -> int:
        """The nearest step that there is; -1 without any."""
        return min(max(int((x - self._row.left()) / self.step_width), 0), self._length - 1)

    def follow(self) -> None:
        """Take over range and value, for those who cannot see it; painted only if something differs."""
        trace, step = self._trace, self._session.playhead.step
        state = (trace, self._length, step, self.theme.name, self._empty_text, self._session.framed_steps)
        if state == self._followed:
            return
        before, self._followed = self._followed, state
        if before is None or before[-1] is not state[-1]:
            self.setToolTip(f"{SCRUB}; the line above marks steps framed in the map of states" if state[-1] else SCRUB)
        self.blockSignals(True)
        self.setRange(0, max(self._length - 1, 0))
        self.setValue(max(step, 0))
        self.blockSignals(False)
        if trace is not None and step >= 0:
            noun = step_noun(trace.provenance).capitalize()
            self.setAccessibleDescription(f"{noun} {step + 1}: {trace.words[step]}")
        if before is None or before[:2] != state[:2] or before[3:] != state[3:] or min(before[2], step) < 0:
            self.update()
            return
        left, right = sorted((self.x_of(before[2]), self.x_of(step)))  # what was to come is done, or the other way round
        edge = self.step_width / 2 + MARK
        self.update(QRectF(left - edge, 0, right - left + 2 * edge, self.height()).toAlignedRect())
        self.update(QRectF(self._row.right(), 0, self.width(), self.height()).toAlignedRect())

    def sliderChange(self, change: QAbstractSlider.SliderChange) -> None:
        """Qt would paint all anew at every step; `follow` knows what is to be painted."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """The row, the profile of probabilities, words where there is room, and the playhead.

        A run that does not grow is painted twice, as all done and as all to come: the playhead only divides the two.
        """
        trace, row, step = self._trace, self._row, self._session.playhead.step
        with QPainter(self) as painter:
            state = (self.size().toTuple(), self.devicePixelRatioF(), self.theme.name, trace, self._length, self.hasFocus(),
                     self._empty_text, self._session.framed_steps)
            if not for_the_screen(painter, self):
                self._paint_row(painter, trace, row, step)
            elif state != self._run_painted_for:
                self._run_painted_for, self._runs = state, []
                self._paint_row(painter, trace, row, step)
            elif trace is not None:
                self._runs = self._runs or [self._run_pixmap(trace, row, at) for at in (len(trace) - 1, -1)]
                divided = self.x_of(step) + (self.step_width / 2 if self.step_width >= 1.0 else 0.0)
                whole = QRectF(self.rect())
                done = QRectF(0.0, 0.0, max(divided, 0.0), whole.height())
                for run, part in zip(self._runs, (done, whole.adjusted(done.width(), 0, 0, 0)), strict=True):
                    painter.setClipRect(part)
                    painter.drawPixmap(0, 0, run)
                painter.setClipping(False)
            else:
                self._paint_row(painter, trace, row, step)
            if trace is not None and len(trace):
                self._paint_playhead(painter, trace, row)

    def _run_pixmap(self, trace: Trace, row: QRectF, playhead: int) -> QPixmap:
        ratio = self.devicePixelRatioF()
        made = QPixmap(self.size() * ratio)
        made.setDevicePixelRatio(ratio)
        with QPainter(made) as painter:
            self._paint_row(painter, trace, row, playhead)
        return made

    def _paint_row(self, painter: QPainter, trace: Trace | None, row: QRectF, playhead: int) -> None:
        theme = self.theme
        painter.fillRect(self.rect(), QColor(theme.window))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)  # two grounds, since an outline of this length takes Qt seven times as long
        border = theme.accent if self.hasFocus() else theme.border
        for colour, inset in ((border, 0.0), (theme.panel, 1.0)):
            painter.setBrush(QColor(colour))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), 8.5 - inset, 8.5 - inset)
        if trace is None or len(trace) == 0:
            painter.setPen(QColor(theme.muted))
            painter.setFont(text_font(12))
            painter.drawText(row, Qt.AlignmentFlag.AlignVCenter, self._empty_text)
            return
        self._paint_run(painter, trace, row, playhead)

    def _paint_run(self, painter: QPainter, trace: Trace, row: QRectF, playhead: int) -> None:
        theme, width = self.theme, self.step_width
        base = row.bottom() - 1
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if width < 1.0:
            self._paint_profile(painter, trace, row, playhead)
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            across, inset = max(width - min(2.0, width / 2), 1.0), row.left() + min(1.0, width / 4)
            heights = np.exp(np.nan_to_num(trace.log_probs, nan=-np.inf)) * PROFILE_HEIGHT
            bars = [QRectF(inset + step * width, base - height, across, height) for step, height in enumerate(heights.tolist())]
            for colour, some in zip(self._colours(), (bars[: playhead + 1], bars[playhead + 1 :]), strict=True):
                painter.setBrush(colour)
                painter.drawRects(some)
        painter.setPen(QPen(QColor(theme.border), 1))
        painter.drawLine(QPointF(row.left(), base), QPointF(row.right(), base))
        for first, last in self._session.framed_steps:
            painter.fillRect(QRectF(row.left() + first * width, 2, max((last + 1 - first) * width, 1.0), FRAMED),
                             QColor(theme.playhead))
        detokenization, words = trace.provenance.detokenization, trace.words
        if width < ROOM_FOR_WORDS and detokenization not in LABELS:
            return
        painter.setFont(text_font(11))
        metrics = painter.fontMetrics()
        steps = runs(words, 0) if detokenization in LABELS else [(step, 1, word) for step, word in enumerate(words)]
        parts = [(first, row.left() + first * width, row.left() + (first + count) * width, shown(word, detokenization))
                 for first, count, word in steps]
        for label in label_line(parts, metrics.horizontalAdvance,
                                lambda word, room: metrics.elidedText(word, Qt.TextElideMode.ElideRight, room), end=row.right()):
            painter.setPen(QColor(theme.text if label.first <= playhead and not is_end(words[label.first]) else theme.muted))
            painter.drawText(QPointF(label.fits(), row.top() + 9 + (metrics.ascent() - metrics.descent()) / 2), label.text)

    def _paint_profile(self, painter: QPainter, trace: Trace, row: QRectF, playhead: int) -> None:
        """Where several steps share a pixel: their mean probability, divided by the playhead."""
        ratio, top = self.devicePixelRatioF(), row.bottom() - 1 - PROFILE_HEIGHT
        if trace is not self._profile_of:
            self._profile_of, self._chances = trace, Envelope()
        self._chances.follow(trace.log_probs, np.exp)
        bins = Geometry(0.0, row.width(), 0.0, float(len(trace))).bins(len(trace), ratio=ratio)
        assert bins is not None
        ground = np.full(len(bins), top + PROFILE_HEIGHT)
        mean = ground - self._chances.over(bins).mean * PROFILE_HEIGHT
        whole = QRectF(row.left(), top, bins.stop * self.step_width, PROFILE_HEIGHT)
        done = QRectF(row.left(), top, max(self.x_of(playhead) - row.left(), 0.0), PROFILE_HEIGHT)
        rest = QRectF(done.right(), top, row.right() - done.right(), PROFILE_HEIGHT)
        for colour, part in zip(self._colours(), (done, rest), strict=True):
            painter.setClipRect(part)
            paint_spans(painter, whole, mean, ground, colour, ratio)
        painter.setClipping(False)

    def _colours(self) -> tuple[QColor, QColor]:
        """Of what lies before the playhead, and after it."""
        return mix(self.theme.panel, self.theme.accent, 0.45), mix(self.theme.panel, self.theme.accent, 0.2)

    def _paint_playhead(self, painter: QPainter, trace: Trace, row: QRectF) -> None:
        theme = self.theme
        step = self._session.playhead.step
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._hover is not None:
            x = self.x_of(self.step_at(self._hover))
            painter.setPen(QPen(QColor(theme.faint), 1))
            painter.drawLine(QPointF(x, row.top() + 18), QPointF(x, row.bottom()))
        if step >= 0:
            x = self.x_of(step)
            painter.setPen(QPen(QColor(theme.playhead), 1))
            painter.drawLine(QPointF(x, row.top() + 18), QPointF(x, row.bottom()))
            painter.setBrush(QColor(theme.playhead))
            top = row.top() + 17
            painter.drawPolygon(QPolygonF([QPointF(x - MARK, top), QPointF(x + MARK, top), QPointF(x, top + 6)]))
        painter.setPen(QColor(theme.muted))
        painter.setFont(mono_font(12))
        painter.drawText(QRectF(row.right() + 4, row.top(), self._count_width - 4, row.height()),
                         Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, f"{step + 1:,} / {len(trace):,}")

    def _seek(self, step: int) -> None:
        self._do(Seek(step))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._length:
            self.setSliderDown(True)
            self._seek(self.step_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover = event.position().x()
        if event.buttons() & Qt.MouseButton.LeftButton and self._length:
            self._seek(self.step_at(event.position().x()))
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.setSliderDown(False)

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = None
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._wheel += event.angleDelta().y() / 120.0
        whole = int(self._wheel)
        self._wheel -= whole
        if whole:
            self._seek(self._session.playhead.step - whole)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        playhead = self._session.playhead
        moves = {Qt.Key.Key_Left: playhead.step - 1, Qt.Key.Key_Down: playhead.step - 1,
                 Qt.Key.Key_Right: playhead.step + 1, Qt.Key.Key_Up: playhead.step + 1,
                 Qt.Key.Key_PageUp: playhead.step + PAGE, Qt.Key.Key_PageDown: playhead.step - PAGE,
                 Qt.Key.Key_Home: 0, Qt.Key.Key_End: playhead.length - 1}
        target = moves.get(Qt.Key(event.key()))
        if target is None or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            event.ignore()
            return
        self._seek(target)


@lru_cache
def _count_width(digits: int) -> float:
    return max(COUNT_WIDTH, QFontMetricsF(mono_font(12)).horizontalAdvance("0") * (2 * digits + 3) + 8)


class ScrubBarView(View):
    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx)
        self.row = ScrubRow(ctx)
        attach(self.row, "Run", table=lambda: steps_table(ctx.session.trace))
        in_column(self, self.row)
        self.setFixedHeight(HEIGHT)

    def seek(self, step: int) -> None:
        self.row.follow()
