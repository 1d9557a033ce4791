"""How large something is drawn: by Ctrl with the wheel, by keys, and by its menu."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractScrollArea, QMenu, QScrollArea, QWidget

A_PRESS = 1.25
NOTCH = 120.0  # Qt's unit of a wheel
KEYS = (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus, Qt.Key.Key_0)


class Zoom(QObject):
    """What a widget that can draw its content larger asks for how much.

    Parameters
    ----------
    changed : callable
        Called after the factor became another.
    least, most : float
        Ends of the factor.
    shares : bool
        The plain wheel does something else already.
    """

    whole = "Usual size"

    def __init__(self, widget: QWidget, changed: Callable[[], object], *, least: float = 1.0, most: float = 4.0,
                 shares: bool = True) -> None:
        super().__init__(widget)
        self.factor = 1.0  # 1 as long as nobody has zoomed
        self._widget, self._changed, self._least, self._most, self._shares = widget, changed, least, most, shares
        widget.installEventFilter(self)
        if isinstance(widget, QAbstractScrollArea):  # which has the keys, and its viewport the pointer
            widget.viewport().installEventFilter(self)

    def zoom(self, by: float, at: QPointF | None = None) -> None:
        """Where the widget lies in an area that scrolls, what is at a place stays there."""
        before, self.factor = self.factor, min(max(self.factor * by, self._least), self._most)
        if self.factor == before:
            return
        self._changed()
        viewport = self._widget.parentWidget()
        area = viewport.parentWidget() if viewport is not None else None
        if at is not None and isinstance(area, QScrollArea):
            for bar, place in ((area.horizontalScrollBar(), at.x()), (area.verticalScrollBar(), at.y())):
                bar.setValue(round(bar.value() + place * (self.factor / before - 1.0)))

    def reset(self) -> None:
        self.zoom(1.0 / self.factor)

    def add_to(self, menu: QMenu) -> None:
        menu.addAction("Zoom in\t+", lambda: self.zoom(A_PRESS))
        menu.addAction("Zoom out\t−", lambda: self.zoom(1 / A_PRESS))
        menu.addAction(f"{self.whole}\t0", self.reset).setEnabled(self.factor != 1.0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QWheelEvent):
            if self._shares and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                return False
            self.zoom(A_PRESS ** (event.angleDelta().y() / NOTCH), event.position())
            return True
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and self._takes(event):
            event.accept()  # before they are shortcuts of the window
            return True
        return event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and self._pressed(event)

    def _takes(self, event: QKeyEvent) -> bool:
        return event.key() in KEYS and not event.modifiers() & Qt.KeyboardModifier.ControlModifier

    def _pressed(self, event: QKeyEvent) -> bool:
        key = Qt.Key(event.key())
        if not self._takes(event):
            return False
        {Qt.Key.Key_Minus: lambda: self.zoom(1 / A_PRESS), Qt.Key.Key_0: self.reset}.get(key, lambda: self.zoom(A_PRESS))()
        return True
