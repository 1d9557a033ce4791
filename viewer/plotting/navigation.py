"""Moving about in a plot: by wheel, by dragging, by a box, by its menu."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu

from unrolled.viewer.plotting.axis import Axis
from unrolled.viewer.plotting.library import pg
from unrolled.viewer.widgets.range_dialog import RangeDialog

if TYPE_CHECKING:
    from unrolled.viewer.plotting.plot import Limits, Plot

ZOOM = 1.25


class Box(pg.ViewBox):
    """What lies between the axes: dragging pans, with Shift it zooms into a box; the wheel zooms, with Ctrl or where
    `wheel_zooms` says so. `changed` is called when a person has moved about.
    """

    def __init__(self, *, wheel_zooms: Callable[[], bool], changed: Callable[[], None]) -> None:
        super().__init__(enableMenu=False, defaultPadding=0)
        self.disableAutoRange()
        self._wheel_zooms = wheel_zooms
        self.sigRangeChangedManually.connect(lambda *_: changed())

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            boxed = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.state["mouseMode"] = self.RectMode if boxed else self.PanMode
            super().mouseDragEvent(event, axis)

    def wheelEvent(self, event: Any, axis: int | None = None) -> None:
        """Zoom round the pointer, or let what is around scroll."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier or self._wheel_zooms():
            super().wheelEvent(event, axis)
        else:
            event.ignore()


def add_ranges(menu: QMenu, plot: Plot) -> None:
    """Zoom, reset, and ranges that are kept or typed."""
    menu.addAction("Zoom in\t+", lambda: plot.zoom(1 / ZOOM))
    menu.addAction("Zoom out\t−", lambda: plot.zoom(ZOOM))
    menu.addAction("Reset ranges\t0", plot.reset).setEnabled(plot.held)
    fixed = menu.addAction("Keep these ranges")
    fixed.setCheckable(True)
    fixed.setChecked(plot.held)
    fixed.toggled.connect(lambda on: plot.hold_ranges(*plot.ranges) if on else plot.reset())
    x, y = plot.ranges

    def ask(axis: Axis, ends: Limits, then: Callable[[Limits], None]) -> None:
        RangeDialog.ask(plot, f"Range of {axis.name}" if axis.name else "Range", ends, then, above=0.0 if axis.log else None)

    menu.addAction(f"Range of {plot.x_axis.name or 'columns'}…",
                   lambda: ask(plot.x_axis, x, lambda ends: plot.hold_ranges(ends, y)))
    menu.addAction(f"Range of {plot.y_axis.name or 'rows'}…",
                   lambda: ask(plot.y_axis, y, lambda ends: plot.hold_ranges(x, ends)))
