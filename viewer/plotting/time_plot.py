"""A plot over time: pyqtgraph's items under one transform, and a pointer that asks for what it wants.

Ranges come from outside. There is no `ViewBox`: setting the range of nine of them took a frame's time, and their menus,
their scaling by themselves and their handling of the mouse would all have to be switched off again. What is below and above
the lines in time is painted into a pixmap each as soon as it rests: the playhead passes between them. Nor does the scene
bring its view up to date, which would flush the whole window once for every plot.
"""

from typing import Any, TypeVar

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QGraphicsItem,
    QGraphicsRectItem,
    QGraphicsScene,
    QGraphicsView,
    QRubberBand,
    QWidget,
)

from unrolled.viewer.drawing.painting import for_the_screen
from unrolled.viewer.plotting.library import pg
from unrolled.viewer.plotting.time_items import LINE_GROUND, Curve, HeatItem, LineInTime, Over, Paint, RangeItem
from unrolled.viewer.theme.themes import Theme

CLICK_DISTANCE = 4.0  # pixels; farther is a drag
ZOOM_A_NOTCH = 0.8
NOTCH = 120.0         # Qt's unit of a wheel
Item = TypeVar("Item", HeatItem, RangeItem, Curve)


class TimePlot(pg.GraphicsView):
    """One plot; x is time in steps, y what its owner says."""

    pressed = Signal(float)  # the left button is held at a time: the playhead is wanted there
    clicked = Signal(float, float)  # it was no drag; the time, and the height in pixels
    double_clicked = Signal()
    pointed = Signal(object)  # where the pointer is, a QPointF in pixels; None outside
    zoomed = Signal(float, float)  # the span of time is wanted so many times as long, a time staying where it is
    # The range of time, or the playhead, is wanted so many steps later.
    panned = Signal(float)
    stepped = Signal(int)
    framed = Signal(QRectF)  # a frame was drawn, in pixels: it is to fill the plot

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        self._root: QGraphicsRectItem | None = None  # the base class resizes itself while it is made
        super().__init__(parent, background=theme.missing)
        self.setCentralItem(None)
        self.setCacheMode(QGraphicsView.CacheModeFlag.CacheNone)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.NoViewportUpdate)
        self.setOptimizationFlags(QGraphicsView.OptimizationFlag.DontSavePainterState
                                  | QGraphicsView.OptimizationFlag.DontAdjustForAntialiasing)
        self.setRenderHint(QPainter.RenderHint.LosslessImageRendering)  # of a drawing: a PDF has no JPEG in it
        self.scene().setItemIndexMethod(QGraphicsScene.ItemIndexMethod.NoIndex)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for widget in (self, self.viewport()):
            widget.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)  # its owner has one
            widget.setMouseTracking(True)
            widget.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # nothing behind it need be painted
        self._root = QGraphicsRectItem()
        self._pixels = QGraphicsRectItem()  # the parent of what is placed in pixels
        self._pixels.setZValue(-1)
        self._below: list[Any] = []
        for group in (self._root, self._pixels):
            group.setFlag(QGraphicsItem.GraphicsItemFlag.ItemHasNoContents)
            self.scene().addItem(group)
        self._times, self._values, self._padding = (0.0, 1.0), (0.0, 1.0), (0.0, 0.0)
        self._contents: QPixmap | None = None  # what is below the lines in time
        self._marks: QPixmap | None = None     # what is above them
        self._stale, self._unseen, self._above = True, True, False
        self._playhead = self._line_in_time(theme.playhead, theme.panel, 10)
        self._divergence = self._line_in_time(theme.warning, theme.panel, 9, Qt.PenStyle.DashLine)
        self._over = Over(self)
        self.scene().addItem(self._over)
        self._pressed_at: QPointF | None = None
        self._panned_from: float | None = None
        self._frame: QRubberBand | None = None
        self._wheel = 0.0

    def set_ranges(self, times: tuple[float, float], values: tuple[float, float], padding: tuple[float, float] = (0, 0)) -> None:
        """Show times from left to right and values from bottom to top; `padding` is left free above and below, in pixels."""
        if (times, values, padding) != (self._times, self._values, self._padding):
            self._times, self._values, self._padding = times, values, padding
            self._transform()

    def redraw(self) -> None:
        self._stale = self._unseen = True
        self.viewport().update()

    def set_playhead(self, time: float | None) -> None:
        """Mark a time as the current one; none without it."""
        self._place(self._playhead, time)

    def set_divergence(self, time: float | None) -> None:
        self._place(self._divergence, time)

    def set_reach(self, share: float) -> None:
        """Let the lines in time reach only so high, as a share of the plot: words stand over them."""
        for line in (self._playhead, self._divergence):
            line.setSpan(0.0, share)

    @property
    def playhead(self) -> float | None:
        """The time that is marked as the current one."""
        return float(self._playhead.value()) if self._playhead.isVisible() else None

    def set_theme(self, theme: Theme) -> None:
        self.setBackground(theme.missing)
        self._playhead.colour(theme.playhead, theme.panel)
        self._divergence.colour(theme.warning, theme.panel)
        self.redraw()

    def heat(self, *, in_pixels: bool = False) -> HeatItem:
        """Bytes as colours, in the plot's coordinates or in pixels; empty at first, and over what was made before it."""
        return self._kept(HeatItem(), self._pixels if in_pixels else self._root)

    def range_item(self) -> RangeItem:
        """A line seen from afar, in pixels."""
        return self._kept(RangeItem(self), self._pixels)

    def curve(self) -> Curve:
        """A line in the plot's coordinates, empty at first, and over what was made before it."""
        return self._kept(Curve(skipFiniteCheck=True), self._root)

    def paint_over(self, paint: Paint | None, *, above_lines: bool = False) -> None:
        """Have words and marks painted over everything, in pixels; over the lines in time too, if that is wanted."""
        self._above = above_lines
        self._over.show_painted(paint)

    def x_of(self, time: float) -> float:
        """Where a time lies, in pixels."""
        start, stop = self._times
        return (time - start) / (stop - start) * float(self.width())

    def time_at(self, x: float) -> float:
        start, stop = self._times
        return start + x / max(float(self.width()), 1.0) * (stop - start)

    def y_of(self, value: float) -> float:
        """Where a value lies, in pixels."""
        (bottom, top), (above, below) = self._values, self._padding
        return above + (top - value) / (top - bottom) * (float(self.height()) - above - below)

    def value_at(self, y: float) -> float:
        (bottom, top), (above, below) = self._values, self._padding
        return top - (y - above) / max(float(self.height()) - above - below, 1.0) * (top - bottom)

    def _transform(self) -> None:
        if self._root is None or self.closed:
            return
        x, y = self.width() / (self._times[1] - self._times[0]), self.y_of(1.0) - self.y_of(0.0)
        self._root.setTransform(QTransform(x, 0.0, 0.0, y, self.x_of(0.0), self.y_of(0.0)))
        self.sigDeviceTransformChanged.emit(self)

    def _kept(self, item: Item, parent: QGraphicsItem | None) -> Item:
        item.setFlag(QGraphicsItem.GraphicsItemFlag.ItemSendsGeometryChanges, False)  # to its view box, which there is not
        item.setParentItem(parent)
        item.setZValue(len(self._below) / 1000)  # below the lines in time
        self._below.append(item)
        return item

    def _line_in_time(self, colour: str, ground: str, level: int, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> LineInTime:
        line = LineInTime(colour, ground, style)
        line.setParentItem(self._root)
        line.setZValue(level)
        line.hide()
        return line

    def _place(self, line: LineInTime, time: float | None) -> None:
        before = line.value() if line.isVisible() else None
        if time == before:
            return
        if time is not None:
            line.move(time)
        line.setVisible(time is not None)
        for place in (before, time):
            if place is not None:
                self.viewport().update(QRectF(self.x_of(place) - LINE_GROUND, 0, 2 * LINE_GROUND, self.height()).toAlignedRect())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Contents from their pixmap, then the lines in time; for a drawing or a larger picture everything anew."""
        painter = QPainter(self.viewport())
        ratio = self.devicePixelRatioF()
        if not for_the_screen(painter, self):
            painter.end()
            super().paintEvent(event)
            return
        if self._unseen and event.rect() == self.viewport().rect():
            self._unseen = False  # a run that grows is another one in the next frame: pixmaps are for a playhead that moves
            self._paint_contents(painter)
            self._paint_lines(painter)
            if self._over.isVisible() and self._above:
                painter.setTransform(QTransform())
                self._over.paint(painter)
            painter.end()
            return
        if self._stale or self._contents is None:
            self._paint_pixmaps(ratio)
        assert self._contents is not None
        parts = [(part, QRect(part.topLeft() * ratio, part.size() * ratio)) for part in event.region()]  # type: ignore[attr-defined]  # the stubs do not know that it can be gone through
        for part, source in parts:  # two strips, mostly: where the playhead was, and where it is
            painter.drawPixmap(part, self._contents, source)
        self._paint_lines(painter)
        if self._marks is not None:
            painter.setTransform(QTransform())
            for part, source in parts:
                painter.drawPixmap(part, self._marks, source)
        painter.end()

    def _paint_lines(self, painter: QPainter) -> None:
        for line in (self._divergence, self._playhead):
            if line.isVisible():
                painter.setTransform(line.sceneTransform())
                line.paint(painter)

    def _paint_contents(self, painter: QPainter) -> None:
        painter.fillRect(self.rect(), self.backgroundBrush())
        for item in self._below:
            if item.isVisible():
                painter.save()
                painter.setTransform(item.sceneTransform(), True)
                item.paint(painter, None, self.viewport())
                painter.restore()
        if self._over.isVisible() and not self._above:
            painter.save()
            self._over.paint(painter)
            painter.restore()

    def _paint_pixmaps(self, ratio: float) -> None:
        self._contents, self._stale, self._unseen = self._pixmap(ratio, self._contents), False, False
        with QPainter(self._contents) as painter:
            self._paint_contents(painter)
        if self._over.isVisible() and self._above:
            self._marks = self._pixmap(ratio, self._marks)
            self._marks.fill(Qt.GlobalColor.transparent)
            with QPainter(self._marks) as painter:
                self._over.paint(painter)
        else:
            self._marks = None

    def _pixmap(self, ratio: float, before: QPixmap | None) -> QPixmap:
        size = self.viewport().size() * ratio
        if before is not None and before.size() == size and before.devicePixelRatio() == ratio:
            return before
        pixmap = QPixmap(size)
        pixmap.setDevicePixelRatio(ratio)
        return pixmap

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._root is not None:
            self._over.resized()
            self._transform()
            self._stale = self._unseen = True

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Left: the playhead, at once; with Shift a frame. Middle: the range of time."""
        place = event.position()
        if event.button() == Qt.MouseButton.MiddleButton:
            self._panned_from = self.time_at(place.x())
        elif event.button() == Qt.MouseButton.LeftButton:
            self._pressed_at = place
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self._frame = QRubberBand(QRubberBand.Shape.Rectangle, self.viewport())
                self._frame.setGeometry(QRect(place.toPoint(), QSize()))
                self._frame.show()
            else:
                self.pressed.emit(self.time_at(place.x()))
        else:
            event.ignore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = event.position()
        if self._panned_from is not None:
            self.panned.emit(self._panned_from - self.time_at(place.x()))
        elif self._frame is not None and self._pressed_at is not None:
            self._frame.setGeometry(QRect(self._pressed_at.toPoint(), place.toPoint()).normalized())
        elif self._pressed_at is not None:
            self.pressed.emit(self.time_at(place.x()))
        self.pointed.emit(place if self.rect().contains(place.toPoint()) else None)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, frame = self._pressed_at, self._frame
        self._pressed_at = self._panned_from = self._frame = None
        if frame is not None:
            chosen = frame.geometry() & self.rect()
            frame.hide()
            frame.deleteLater()
            if chosen.width() > CLICK_DISTANCE:
                self.framed.emit(QRectF(QPointF(chosen.topLeft()), QPointF(chosen.bottomRight())))
        elif pressed is not None and event.button() == Qt.MouseButton.LeftButton:
            moved = event.position() - pressed
            if abs(moved.x()) + abs(moved.y()) < CLICK_DISTANCE:
                self.clicked.emit(self.time_at(pressed.x()), pressed.y())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.double_clicked.emit()

    def leaveEvent(self, event: QEvent) -> None:
        self.pointed.emit(None)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Ctrl: zoom. Shift, or sideways: pan. Alt: the playhead. Otherwise what is around the plot scrolls."""
        along, across = event.angleDelta().y() / NOTCH, event.angleDelta().x() / NOTCH
        keys, notches = event.modifiers(), along or across
        span = self._times[1] - self._times[0]
        if keys & Qt.KeyboardModifier.ControlModifier:
            self.zoomed.emit(ZOOM_A_NOTCH**notches, self.time_at(event.position().x()))
        elif keys & Qt.KeyboardModifier.AltModifier:
            self._wheel += notches
            whole = int(self._wheel)
            self._wheel -= whole
            if whole:
                self.stepped.emit(-whole)
        elif keys & Qt.KeyboardModifier.ShiftModifier or abs(across) > abs(along):
            self.panned.emit(-notches * span / 10)
        else:
            event.ignore()
            return
        event.accept()
