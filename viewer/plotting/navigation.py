"""Moving about in a plot: by wheel, by dragging, by a box, by its menu."""

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


def add_ranges(menu: QMenu, plot: "Plot", columns: str = "", rows: str = "") -> None:
    """Zoom, reset, and ranges that are kept or typed: of the axes that have a name, or are given one."""
    menu.addAction("Zoom in\t+", lambda: plot.zoom(1 / ZOOM))
    menu.addAction("Zoom out\t−", lambda: plot.zoom(ZOOM))
    menu.addAction("Reset ranges\t0", plot.reset).setEnabled(plot.held)
    fixed = menu.addAction("Keep these ranges")
    fixed.setCheckable(True)
    fixed.setChecked(plot.held)
    fixed.toggled.connect(lambda on: plot.hold_ranges(*plot.ranges) if on else plot.reset())
    x, y = plot.ranges

    def add_range(name: str, axis: Axis, ends: "Limits", then: "Callable[[Limits], None]") -> None:
        if name := axis.name or name:
            menu.addAction(f"Range of {name}…", lambda: RangeDialog.ask(
                plot, f"Range of {name}", ends, then, above=0.0 if axis.log else None))

    add_range(columns, plot.x_axis, x, lambda ends: plot.hold_ranges(x=ends))
    add_range(rows, plot.y_axis, y, lambda ends: plot.hold_ranges(y=ends))
