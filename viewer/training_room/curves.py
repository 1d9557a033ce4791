"""The two curves over updates: the loss, and the gradient's norm with the threshold that can be dragged."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from unrolled.viewer.plotting.plot import Numbers, Scale, UpdatesPlot, decades
from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.training_room.history import History
from unrolled.viewer.training_room.sentences import number

GRIP = 7.0  # pixels from the line within which it can be taken hold of
KEY_FACTOR, PAGE_FACTOR = 1.1, 2.0
LEAST_THRESHOLD, MOST_THRESHOLD = 1e-4, 1e6


class LossPlot(UpdatesPlot):
    """The loss of every update, its running mean, and chance level."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("Loss over updates", theme, parent)
        self.history: History | None = None

    def show_history(self, history: History | None) -> None:
        """Draw this training."""
        self.history = history
        self.update()

    def y_scale(self) -> Scale:
        """From 0 to what the highest tenth of losses does not pass, so that one explosion does not flatten the rest."""
        high = 1.0
        if self.history is not None:
            high = self.history.started.chance_loss * 1.6
            losses = self.history.column("loss")
            if len(losses):
                high = max(high, float(np.percentile(losses[:2000], 90)), float(self.history.column("smooth_loss")[-1]))
        unit = 10.0 ** math.floor(math.log10(high))
        high = next(unit * factor for factor in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if unit * factor >= high * (1 - 1e-9))
        return Scale(0, high, self.plot.bottom(), self.plot.top() + 3)

    def paint_plot(self, painter: QPainter) -> None:
        """Chance level, every loss faintly, the mean."""
        theme, plot, history = self.theme, self.plot, self.history
        self.paint_frame(painter, plot)
        if history is None:
            self.paint_words(painter, plot, "The loss of every update will be drawn here. Press Start.")
            return
        x_scale, y_scale = self.updates_scale(len(history)), self.y_scale()
        self.paint_even_axis(painter, plot, y_scale)
        self.paint_bottom(painter, plot, x_scale, "updates")
        chance = QPen(QColor(theme.playhead), 1.5, Qt.PenStyle.DashLine)
        self.paint_legend(painter, plot, ((theme.accent, "loss, smoothed", Qt.PenStyle.SolidLine),
                                          (theme.playhead, "chance level: no memory", Qt.PenStyle.DashLine)))
        painter.setClipRect(plot)
        if len(history):
            faint = QColor(theme.accent)
            faint.setAlpha(80)
            self.paint_band(painter, x_scale, y_scale, history.column("loss"), faint)
            self.paint_band(painter, x_scale, y_scale, history.column("smooth_loss"), QColor(theme.accent))
        painter.setPen(chance)
        y = y_scale.pixel(history.started.chance_loss)
        painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
        painter.setClipping(False)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Read out."""
        if self.history is None or not len(self.history):
            return
        update = round(self.updates_scale(len(self.history)).value(event.position().x()))
        if not 1 <= update <= len(self.history) or not self.plot.contains(event.position()):
            self.read_out.emit("")
            return
        self.read_out.emit(f"update {update:,}: loss {number(float(self.history.column('loss')[update - 1]))}, "
                           f"{self.history.column('accuracy')[update - 1]:.0%} right")

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the pointer."""
        self.read_out.emit("")


class NormPlot(UpdatesPlot):
    """The gradient's norm before and after clipping; the threshold is a line to be dragged.

    Attributes
    ----------
    threshold_changed : Signal(float)
        A person moved the line.
    """

    threshold_changed = Signal(float)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("Gradient norm over updates, with the clipping threshold", theme, parent)
        self.history: History | None = None
        self.threshold = 1.0
        self.clipping = True
        self._dragged_on: Scale | None = None
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip("Drag the line to change the threshold (Up and Down, Page Up and Page Down)")

    def show_history(self, history: History | None) -> None:
        """Draw this training."""
        self.history = history
        self.update()

    def set_threshold(self, threshold: float, *, clipping: bool) -> None:
        """Draw the line there, faintly where nothing is clipped."""
        self.threshold, self.clipping = threshold, clipping
        self.setAccessibleDescription(f"Threshold {number(threshold)}" if clipping else "Nothing is clipped")
        self.update()

    def y_scale(self) -> Scale:
        """Whole powers of ten around all norms and the threshold; it stays while the line is dragged."""
        if self._dragged_on is not None:
            return self._dragged_on
        low = high = self.threshold
        if self.history is not None and len(self.history):
            before, after = self.history.column("before"), self.history.column("after")
            low, high = min(low, float(np.percentile(after, 1))), max(high, float(before.max()))
        low, high = decades(min(max(low, 1e-8), 1e12), min(max(high, 1e-8), 1e12), least=3)
        return Scale(low, high, self.plot.bottom(), self.plot.top(), logarithmic=True)

    def paint_plot(self, painter: QPainter) -> None:
        """Both norms and the threshold."""
        theme, plot, history = self.theme, self.plot, self.history
        before, after = QColor(theme.series[1]), QColor(theme.series[0])
        self.paint_frame(painter, plot)
        y_scale = self.y_scale()
        updates = len(history) if history is not None else 0
        x_scale = self.updates_scale(updates)
        self.paint_log_axis(painter, plot, y_scale)
        self.paint_bottom(painter, plot, x_scale, "updates")
        solid = Qt.PenStyle.SolidLine
        self.paint_legend(painter, plot, ((before.name(), "before clipping", solid), (after.name(), "after", solid),
                                          (theme.playhead, "threshold", Qt.PenStyle.DashLine)))
        painter.setClipRect(plot)
        if history is not None and updates:
            norms = history.column("before")
            unclipped = np.where(norms > history.column("after") * (1 + 1e-9), norms, np.nan)
            if np.isfinite(unclipped).any():
                self.paint_band(painter, x_scale, y_scale, norms, before)
            self.paint_band(painter, x_scale, y_scale, history.column("after"), after)
        painter.setClipping(False)
        if history is None:
            self.paint_words(painter, QRectF(plot.left(), plot.top(), plot.width(), plot.height() * 0.5),
                             "How long the gradient is at every update will be drawn here.")
        self._paint_threshold(painter, plot, y_scale)

    def _paint_threshold(self, painter: QPainter, plot: QRectF, scale: Scale) -> None:
        colour = QColor(self.theme.playhead)
        if not self.clipping:
            colour.setAlpha(90)
        y = min(max(scale.pixel(self.threshold), plot.top()), plot.bottom())
        painter.setPen(QPen(colour, 1.5, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawPolygon(QPolygonF([QPointF(plot.right() - 1, y), QPointF(plot.right() + 10, y - 6),
                                       QPointF(plot.right() + 10, y + 6)]))
        text = f"threshold {number(self.threshold)}" if self.clipping else "clipping is off"
        painter.setFont(text_font(11))
        width = painter.fontMetrics().horizontalAdvance(text)
        below = y - 18 < plot.top()
        place = QRectF(plot.right() - width - 10, y + 2 if below else y - 18, width + 8, 16)
        ground = QColor(self.theme.missing)
        ground.setAlpha(215)
        painter.setBrush(ground)
        painter.drawRoundedRect(place, 3, 3)
        painter.setPen(QColor(self.theme.playhead if self.clipping else self.theme.muted))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)

    # ── Moving the line ───────────────────────────────────────────────────────────────────────────────────────

    def near_line(self, position: QPointF) -> bool:
        """Whether the line can be taken hold of here."""
        return abs(position.y() - self.y_scale().pixel(self.threshold)) <= GRIP and position.x() >= self.plot.left()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the line."""
        if event.button() == Qt.MouseButton.LeftButton and self.near_line(event.position()):
            self._dragged_on = self.y_scale()
            self.setFocus(Qt.FocusReason.MouseFocusReason)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the line, or read out."""
        if self._dragged_on is not None:
            y = min(max(event.position().y(), self.plot.top()), self.plot.bottom())
            self._move_to(self._dragged_on.value(y))
            return
        near = self.near_line(event.position())
        self.setCursor(Qt.CursorShape.SizeVerCursor if near else Qt.CursorShape.ArrowCursor)
        self._read(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let the line go."""
        if event.button() == Qt.MouseButton.LeftButton and self._dragged_on is not None:
            self._dragged_on = None
            self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the line by keys."""
        key = Qt.Key
        factor = {key.Key_Up: KEY_FACTOR, key.Key_Down: 1 / KEY_FACTOR, key.Key_PageUp: PAGE_FACTOR,
                  key.Key_PageDown: 1 / PAGE_FACTOR}.get(key(event.key()))
        if factor is None:
            event.ignore()
            return
        self._move_to(self.threshold * factor)

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the pointer."""
        self.read_out.emit("")

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Whatever was held is let go."""
        self._dragged_on = None
        super().focusOutEvent(event)

    def _move_to(self, threshold: float) -> None:
        threshold = min(max(threshold, LEAST_THRESHOLD), MOST_THRESHOLD)
        digits = 2 - math.floor(math.log10(threshold))
        self.set_threshold(round(threshold, digits), clipping=True)
        self.threshold_changed.emit(self.threshold)

    def _read(self, position: QPointF) -> None:
        if self.history is None or not len(self.history):
            return
        update = round(self.updates_scale(len(self.history)).value(position.x()))
        if not 1 <= update <= len(self.history) or not self.plot.contains(position):
            self.read_out.emit("")
            return
        columns: list[Numbers] = [self.history.column(name) for name in ("before", "after", "threshold")]
        before, after, threshold = (float(column[update - 1]) for column in columns)
        self.read_out.emit(f"update {update:,}: {number(before)} before, {number(after)} after"
                           + (f", threshold {number(threshold)}" if threshold > 0 else ", not clipped"))
