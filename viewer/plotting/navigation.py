"""Moving about in a plot: by wheel, by dragging, by a box."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt

from unrolled.viewer.plotting.library import pg


class Box(pg.ViewBox):
    """What lies between the axes: the wheel zooms, dragging pans, dragging with Shift zooms into a box.

    Parameters
    ----------
    navigable : bool
        Whether any of that is done.
    wheel_zooms : callable
        Whether the wheel zooms, without Ctrl, or what is around scrolls.
    changed : callable
        A person has moved about.
    """

    def __init__(self, *, navigable: bool, wheel_zooms: Callable[[], bool], changed: Callable[[], None]) -> None:
        super().__init__(enableMenu=False, enableMouse=navigable, defaultPadding=0)
        self.disableAutoRange()
        self._navigable, self._wheel_zooms = navigable, wheel_zooms
        self.sigRangeChangedManually.connect(lambda *_: changed())

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:
        """Pan, or with Shift draw the box that is shown next."""
        if self._navigable and event.button() == Qt.MouseButton.LeftButton:
            boxed = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.state["mouseMode"] = self.RectMode if boxed else self.PanMode
            super().mouseDragEvent(event, axis)

    def wheelEvent(self, event: Any, axis: int | None = None) -> None:
        """Zoom round the pointer, or let what is around scroll."""
        if self._navigable and (event.modifiers() & Qt.KeyboardModifier.ControlModifier or self._wheel_zooms()):
            super().wheelEvent(event, axis)
        else:
            event.ignore()
