"""The gradients of one sequence: the map over t and k with the cut, and what is left by distance with the bound."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QFocusEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from unrolled.viewer.plotting.plot import BOTTOM, LEFT, TOP, Plot, Scale
from unrolled.viewer.theme.colour_maps import colour_table, to_colours
from unrolled.viewer.theme.fonts import mono_font, text_font
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.training_room.history import GradientMap, History
from unrolled.viewer.training_room.sentences import number, power

LEGEND = 54.0               # pixels right of the map
DARKEST, BRIGHTEST = -6, 1  # powers of ten; more where gradients explode, in whole steps
GROWTH = 3
GRIP = 9.0
LOWEST, HIGHEST = -8, 1     # of the decay's axis
MOST_DECADES = 12


class MapPlot(Plot):
    """‖∂L_t/∂h_k‖: a row for each t, a column for each k; what truncation cuts off lies under a veil.

    Attributes
    ----------
    window_changed : Signal(int)
        A person moved the cut: so many steps, 0 for all.
    truncation : int
        The cut; 0: none.
    """

    window_changed = Signal(int)

    def __init__(self, theme: Theme, colour_map: str, parent: QWidget | None = None) -> None:
        super().__init__("Gradient of each loss with respect to each state", theme, parent)
        self.colour_map = colour_map
        self.shown: GradientMap | None = None
        self.of_cell = False
        self.truncation = 0
        self.steps = 24
        self.top_decade = BRIGHTEST
        self._dragging = False
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip("Drag the cut to change the window of truncated back-propagation (Left and Right, Home, End)")

    def begin(self, steps: int) -> None:
        """Another training: nothing is there yet, and the colours mean what they did at first."""
        self.shown, self.steps, self.top_decade = None, steps, BRIGHTEST
        self.update()

    def show_map(self, shown: GradientMap | None, *, of_cell: bool) -> None:
        """Draw these gradients."""
        self.shown, self.of_cell = shown, of_cell
        if shown is not None:
            self.steps = shown.steps
            values = shown.values(of_cell)
            most = float(values[np.isfinite(values)].max(initial=0.0))
            while most > 10.0**self.top_decade and self.top_decade < 30:
                self.top_decade += GROWTH
        self.update()

    def set_window(self, window: int) -> None:
        """Draw the cut there."""
        self.truncation = window if 0 < window < self.steps else 0
        words = f"Truncated after {self.truncation} steps" if self.truncation else "Not truncated"
        self.setAccessibleDescription(words)
        self.update()

    @property
    def square(self) -> QRectF:
        """Where the map lies."""
        side = min(self.width() - LEFT - LEGEND - 8, self.height() - TOP - BOTTOM)
        left = LEFT + max((self.width() - LEFT - LEGEND - 8 - side) / 2, 0)
        return QRectF(left, TOP, max(side, 1), max(side, 1))

    def paint_plot(self, painter: QPainter) -> None:
        """Map, cut, axes, legend."""
        square = self.square
        self.paint_frame(painter, square)
        if self.shown is not None:
            self._paint_cells(painter, square, self.shown)
        else:
            self.paint_words(painter, square, "The gradient of every loss with respect to every earlier state.")
        self._paint_cut(painter, square)
        self._paint_axes(painter, square)
        self._paint_scale(painter, square)

    def _paint_cells(self, painter: QPainter, square: QRectF, shown: GradientMap) -> None:
        values = shown.values(self.of_cell)
        with np.errstate(divide="ignore", invalid="ignore"):
            places = np.log10(values).astype(np.float32)
        places[np.isposinf(places)] = 1e9
        places[np.isneginf(places)] = -1e9
        colours = to_colours(places, low=DARKEST, high=self.top_decade, name=self.colour_map)
        colours[np.triu_indices(shown.steps, 1)] = 0
        colours[~shown.counted] = 0  # no loss at this step
        image = QImage(colours.data, shown.steps, shown.steps, 4 * shown.steps, QImage.Format.Format_RGBA8888)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(square, image)

    def cut_line(self) -> list[QPointF]:
        """The edge of what is kept, from its top to its bottom: for each t the last k that is reached."""
        square, steps = self.square, self.steps
        window, side = self.truncation or self.steps, self.square.width() / self.steps
        points = [QPointF(square.left(), square.top() + min(window, steps) * side)]
        for row in range(window, steps):
            x = square.left() + (row - window + 1) * side
            points += [QPointF(x, square.top() + row * side), QPointF(x, square.top() + (row + 1) * side)]
        return points

    def grip(self) -> QPointF:
        """The middle of the edge, where it can be taken hold of."""
        square, steps = self.square, self.steps
        window, side = self.truncation or steps, self.square.width() / self.steps
        middle = (window + steps) / 2
        return QPointF(square.left() + (middle - window) * side, square.top() + middle * side)

    def _paint_cut(self, painter: QPainter, square: QRectF) -> None:
        theme, line = self.theme, self.cut_line()
        colour = QColor(theme.playhead)
        if self.truncation:
            beyond = QPolygonF([*line, QPointF(square.left(), square.bottom())])
            veil = QColor(theme.missing)
            veil.setAlpha(190)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(veil)
            painter.drawPolygon(beyond)
            hatch = QColor(theme.faint)
            hatch.setAlpha(110)
            painter.setBrush(QBrush(hatch, Qt.BrushStyle.BDiagPattern))
            painter.drawPolygon(beyond)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme.panel), 3.5))
            painter.drawPolyline(QPolygonF(line))
            painter.setPen(QPen(colour, 1.5))
            painter.drawPolyline(QPolygonF(line))
        painter.setPen(QPen(QColor(theme.panel), 1.5))
        painter.setBrush(colour)
        painter.drawEllipse(self.grip(), 5.5, 5.5)
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _paint_axes(self, painter: QPainter, square: QRectF) -> None:
        painter.setFont(mono_font(10))
        painter.setPen(QColor(self.theme.muted))
        side = square.width() / self.steps
        every = max(math.ceil(34 / side / 4) * 4, 4)
        for step in [1, *range(every, self.steps + 1, every)]:
            middle = (step - 0.5) * side
            painter.drawText(QRectF(square.left() - 36, square.top() + middle - 8, 30, 16),
                             Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, str(step))
            if middle < square.width() - 52:
                painter.drawText(QRectF(square.left() + middle - 20, square.bottom() + 3, 40, 15),
                                 Qt.AlignmentFlag.AlignCenter, str(step))
        painter.setFont(text_font(11))
        painter.drawText(QRectF(square.right() - 60, square.bottom() + 3, 60, 15),
                         Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, "state k")
        painter.drawText(QRectF(square.left() - 40, 2, 60, TOP - 4), Qt.AlignmentFlag.AlignVCenter, "loss t")
        if self.truncation:
            painter.setPen(QColor(self.theme.playhead))
            text = f"cut after {self.truncation} step" + ("s" if self.truncation > 1 else "")
            painter.drawText(QRectF(square.left() + 20, 2, square.width() - 20, TOP - 4),
                             Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)

    def _paint_scale(self, painter: QPainter, square: QRectF) -> None:
        """The legend: its colours are the same all through a training, unless gradients grow beyond them."""
        bar = QRectF(square.right() + 14, square.top() + 8, 9, square.height() - 16)
        table = np.ascontiguousarray(colour_table(self.colour_map)[::-1])
        image = QImage(table.data, 1, len(table), 4, QImage.Format.Format_RGBA8888)
        painter.drawImage(bar, image)
        painter.setFont(mono_font(10))
        painter.setPen(QColor(self.theme.muted))
        decades = self.top_decade - DARKEST
        every = max(math.ceil(decades * 20 / max(bar.height(), 1)), 1)
        for exponent in range(DARKEST, self.top_decade + 1):
            if (exponent - DARKEST) % every == 0:
                y = bar.bottom() - (exponent - DARKEST) / decades * bar.height()
                sign = "≤" if exponent == DARKEST else ""
                painter.drawText(QRectF(bar.right() + 4, y - 8, 40, 16), Qt.AlignmentFlag.AlignVCenter,
                                 sign + (f"10{power(exponent)}" if exponent else "1"))

    # ── Moving the cut ────────────────────────────────────────────────────────────────────────────────────────

    def distance_at(self, position: QPointF) -> float:
        """How many steps lie between loss and state at a place."""
        square = self.square
        side = square.width() / self.steps
        return (position.y() - square.top() - (position.x() - square.left())) / side

    def near_cut(self, position: QPointF) -> bool:
        """Whether the cut can be taken hold of here."""
        away = position - self.grip()
        if math.hypot(away.x(), away.y()) <= GRIP:
            return True
        side = self.square.width() / self.steps
        inside = self.square.contains(position)
        off = abs(self.distance_at(position) - self.truncation) * side / math.sqrt(2)
        return bool(self.truncation) and inside and off <= GRIP / 1.5

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the cut."""
        if event.button() == Qt.MouseButton.LeftButton and self.near_cut(event.position()):
            self._dragging = True
            self.setFocus(Qt.FocusReason.MouseFocusReason)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the cut, or read out."""
        if self._dragging:
            self._move_to(round(self.distance_at(event.position())))
            return
        near = self.near_cut(event.position())
        self.setCursor(Qt.CursorShape.SizeBDiagCursor if near else Qt.CursorShape.ArrowCursor)
        self._read(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let the cut go."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._dragging = False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the cut by keys."""
        key, window = Qt.Key, self.truncation or self.steps
        target = {key.Key_Left: window + 1, key.Key_Right: window - 1, key.Key_Down: window + 1, key.Key_Up: window - 1,
                  key.Key_Home: 1, key.Key_End: self.steps}.get(key(event.key()))
        if target is None:
            event.ignore()
            return
        self._move_to(target)

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the pointer."""
        self.read_out.emit("")

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Whatever was held is let go."""
        self._dragging = False
        super().focusOutEvent(event)

    def _move_to(self, window: int) -> None:
        window = min(max(window, 1), self.steps)
        before = self.truncation
        self.set_window(window)
        if self.truncation != before:
            self.window_changed.emit(self.truncation)

    def _read(self, position: QPointF) -> None:
        square, shown = self.square, self.shown
        if shown is None or not square.contains(position):
            self.read_out.emit("")
            return
        side = square.width() / self.steps
        row = min(int((position.y() - square.top()) / side), self.steps - 1)
        column = min(int((position.x() - square.left()) / side), self.steps - 1)
        state = "c" if self.of_cell and shown.cell is not None else "h"
        if column > row:
            self.read_out.emit(f"loss {row + 1} comes before state {column + 1}")
        elif not shown.counted[row]:
            self.read_out.emit(f"step {row + 1} has no loss")
        else:
            value = float(shown.values(self.of_cell)[row, column])
            cut = ", cut off" if self.truncation and row - column >= self.truncation else ""
            self.read_out.emit(f"‖∂L({row + 1})/∂{state}({column + 1})‖ = {number(value)}{cut}")


class DecayPlot(Plot):
    """What is left of the gradient by distance: measured, and the bound of Pascanu, Mikolov and Bengio 2013."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("Gradient by distance, with the bound", theme, parent)
        self.history: History | None = None
        self.of_cell = False
        self.truncation = 0

    def show_history(self, history: History | None, *, of_cell: bool, window: int) -> None:
        """Draw this training."""
        self.history, self.of_cell, self.truncation = history, of_cell, window
        self.update()

    @property
    def shown(self) -> GradientMap | None:
        """What is drawn."""
        return self.history.latest_map if self.history is not None else None

    def bound(self) -> tuple[float, ...]:
        """‖W_hh‖ to the distance's power, for every distance; empty where no bound holds."""
        shown = self.shown
        if shown is None or len(shown.norms) != 1:
            return ()
        return tuple(math.exp(min(distance * math.log(max(shown.norms[0], 1e-30)), 600.0)) for distance in range(shown.steps))

    def y_scale(self) -> Scale:
        """Powers of ten around what was measured, in steps of three."""
        low, high = LOWEST, HIGHEST
        shown = self.shown
        if shown is not None:
            decay = shown.decay(self.of_cell)
            values = decay.high[np.isfinite(decay.high) & (decay.high > 0)]
            while len(values) and float(values.max()) > 10.0**high and high < MOST_DECADES:
                high += GROWTH
        return Scale(10.0**low, 10.0**high, self.plot.bottom(), self.plot.top(), logarithmic=True)

    def paint_plot(self, painter: QPainter) -> None:
        """Axes, range, middle, bound, cut."""
        theme, plot, shown = self.theme, self.plot, self.shown
        self.paint_frame(painter, plot)
        y_scale = self.y_scale()
        x_scale = Scale(0, max((shown.steps if shown is not None else 24) - 1, 1), plot.left() + 2, plot.right() - 2)
        self.paint_log_axis(painter, plot, y_scale)
        self.paint_bottom(painter, plot, x_scale, "steps back, t − k")
        if shown is None:
            self.paint_words(painter, plot, "How much of a gradient is left so many steps back.")
            return
        bound = self.bound()
        colour = QColor(theme.series[0])
        entries = [(colour.name(), "measured: median and range over t", Qt.PenStyle.SolidLine)]
        if bound and not (self.of_cell and shown.cell is not None):
            entries.append((theme.series[1], "bound ‖W‖ᵗ⁻ᵏ", Qt.PenStyle.DashLine))
        self.paint_legend(painter, plot, entries)
        painter.setClipRect(plot)
        x = x_scale.pixels(np.arange(shown.steps, dtype=np.float64))
        decay = shown.decay(self.of_cell)
        usable = np.flatnonzero(np.isfinite(decay.low))
        if len(usable):
            top = zip(x[usable].tolist(), y_scale.pixels(decay.high[usable]).tolist(), strict=True)
            bottom = zip(x[usable][::-1].tolist(), y_scale.pixels(decay.low[usable][::-1]).tolist(), strict=True)
            painter.setPen(Qt.PenStyle.NoPen)
            ground = QColor(colour)
            ground.setAlpha(50)
            painter.setBrush(ground)
            painter.drawPolygon(QPolygonF([QPointF(a, min(max(b, -1e4), 1e4)) for a, b in (*top, *bottom)]))
            painter.setBrush(Qt.BrushStyle.NoBrush)
        self.paint_curve(painter, x, y_scale.pixels(decay.middle), QPen(colour, 1.5))
        if bound:
            self.paint_curve(painter, x, y_scale.pixels(np.asarray(bound)),
                             QPen(QColor(theme.series[1]), 1.5, Qt.PenStyle.DashLine))
        if 0 < self.truncation < shown.steps:
            self._paint_cut(painter, plot, x_scale.pixel(self.truncation - 0.5))
        painter.setClipping(False)

    def _paint_cut(self, painter: QPainter, plot: QRectF, x: float) -> None:
        veil = QColor(self.theme.missing)
        veil.setAlpha(170)
        painter.fillRect(QRectF(x, plot.top(), plot.right() - x, plot.height()), veil)
        painter.setPen(QPen(QColor(self.theme.playhead), 1.5))
        painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Read out."""
        shown, plot = self.shown, self.plot
        if shown is None or not plot.contains(event.position()):
            self.read_out.emit("")
            return
        distance = round((event.position().x() - plot.left() - 2) / max(plot.width() - 4, 1) * (shown.steps - 1))
        distance = min(max(distance, 0), shown.steps - 1)
        middle, bound = float(shown.decay(self.of_cell).middle[distance]), self.bound()
        beside = f", bound {number(bound[distance])}" if bound else ""
        self.read_out.emit(f"{distance} steps back: × {number(middle)}{beside}")

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the pointer."""
        self.read_out.emit("")
