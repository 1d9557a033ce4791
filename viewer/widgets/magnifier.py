"""Which part of a picture is in sight: nearer by wheel, keys, menu or a frame, moved by dragging, and all of it again."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QRubberBand, QWidget

from unrolled.viewer.widgets.zoom import NOTCH, Zoom

NEAREST = 32.0
PAN = 0.1  # of what is in sight
LEAST_FRAME = 8  # pixels; a smaller one was a click
PANS = {Qt.Key.Key_Left: (-PAN, 0.0), Qt.Key.Key_Right: (PAN, 0.0), Qt.Key.Key_Up: (0.0, -PAN), Qt.Key.Key_Down: (0.0, PAN)}


class Magnifier(Zoom):
    """What a widget that paints a picture asks for the picture's place.

    The left button moves it where it is `free`, since a brush may want it. Where the plain wheel and plain dragging do something
    else already (`shares`), there are Ctrl with the wheel, and a frame.
    """

    whole = "Show all"

    def __init__(self, widget: QWidget, free: Callable[[], bool] = lambda: True, *, shares: bool = False) -> None:
        super().__init__(widget, widget.update, most=NEAREST, shares=shares)
        self._free = free
        self._middle = QPointF(0.5, 0.5)  # of the fitted place, as shares of the picture
        self._fit = QRectF()
        self._held: QPointF | None = None
        self._frame = QRubberBand(QRubberBand.Shape.Rectangle, widget)

    def place(self, fit: QRectF) -> QRectF:
        """Where the whole picture lies, which fits `fit` as long as nobody has zoomed."""
        self._fit = fit
        if self.factor == 1.0:
            return fit
        width, height = fit.width() * self.factor, fit.height() * self.factor
        return QRectF(fit.center().x() - self._middle.x() * width, fit.center().y() - self._middle.y() * height, width, height)

    def zoom(self, by: float, at: QPointF | None = None) -> None:
        """What lies at a place, else in the middle, stays there."""
        fit, place = self._fit, self.place(self._fit)
        if fit.isEmpty():
            return
        at, middle = fit.center() if at is None else at, fit.center()
        across, down = (at.x() - place.x()) / place.width(), (at.y() - place.y()) / place.height()
        self.factor = min(max(self.factor * by, 1.0), NEAREST)
        self._look_at(across + (middle.x() - at.x()) / (fit.width() * self.factor),
                      down + (middle.y() - at.y()) / (fit.height() * self.factor))

    def pan(self, across: float, down: float) -> None:
        """By shares of what is in sight."""
        self._look_at(self._middle.x() + across / self.factor, self._middle.y() + down / self.factor)

    def show_part(self, part: QRectF) -> None:
        """Bring a part of the widget as near as it fits."""
        place = self.place(self._fit)
        middle = part.center() - place.topLeft()
        by = min(self._fit.width() / part.width(), self._fit.height() / part.height())
        self.factor = min(max(self.factor * by, 1.0), NEAREST)
        self._look_at(middle.x() / place.width(), middle.y() / place.height())

    def reset(self) -> None:
        self.factor = 1.0
        self._look_at(0.5, 0.5)

    def _look_at(self, across: float, down: float) -> None:
        room = 0.5 / self.factor
        self._middle = QPointF(min(max(across, room), 1.0 - room), min(max(down, room), 1.0 - room))
        self._widget.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QMouseEvent):
            return self._dragged(event)
        if (self._shares and self.factor > 1.0 and isinstance(event, QWheelEvent)
                and event.modifiers() == Qt.KeyboardModifier.ShiftModifier):  # across, as over the tracks
            self.pan(-PAN * (event.angleDelta().y() or event.angleDelta().x()) / NOTCH, 0.0)
            return True
        return super().eventFilter(watched, event)

    def _dragged(self, event: QMouseEvent) -> bool:
        kinds, here, held = QEvent.Type, event.position(), self._held
        framing = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if (event.type() == kinds.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton and self._free()
                and (framing or not self._shares)):
            held = self._held = here
            self._frame.setVisible(framing)
            self._frame.setGeometry(here.toPoint().x(), here.toPoint().y(), 0, 0)
        elif event.type() == kinds.MouseMove and self._held is not None:
            if self._frame.isVisible():
                self._frame.setGeometry(QRectF(self._held, here).normalized().toRect())
            elif not self._fit.isEmpty():
                moved, self._held = self._held - here, here
                self.pan(moved.x() / self._fit.width(), moved.y() / self._fit.height())
        elif event.type() == kinds.MouseButtonRelease and self._held is not None:
            part, self._held = QRectF(self._frame.geometry()), None
            if self._frame.isVisible() and min(part.width(), part.height()) >= LEAST_FRAME:
                self.show_part(part)
            self._frame.hide()
        elif event.type() == kinds.MouseButtonDblClick and self._free():
            self.reset()
        return self._shares and held is not None

    def _pressed(self, event: QKeyEvent) -> bool:
        key = Qt.Key(event.key())
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and key in PANS:
            self.pan(*PANS[key])
            return True
        return super()._pressed(event)
