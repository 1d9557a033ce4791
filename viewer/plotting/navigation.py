"""Moving about in a plot: by wheel, by dragging, by a box, by typing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from unrolled.viewer.plotting.axis import Axis
from unrolled.viewer.plotting.library import pg

Limits = tuple[float, float]


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


class RangesDialog(QDialog):
    """Both ranges, to be typed."""

    def __init__(self, x: Axis, y: Axis, ranges: tuple[Limits, Limits], chosen: Callable[[Limits, Limits], None],
                 parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Ranges")
        self.setAccessibleName("Ranges")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._axes, self._chosen = (x, y), chosen
        self.fields: list[QLineEdit] = []
        form = QFormLayout()
        for axis, limits, usual in zip(self._axes, ranges, ("Across", "Upwards"), strict=True):
            line = QHBoxLayout()
            for limit, end in zip(limits, ("from", "to"), strict=True):
                field = QLineEdit(f"{limit:.6g}")
                field.setAccessibleName(f"{axis.name or usual}, {end}")
                self.fields.append(field)
                line.addWidget(QLabel(end))
                line.addWidget(field)
            form.addRow(QLabel(axis.name or usual), line)
        self.wrong = QLabel("")
        self.wrong.setObjectName("muted")
        self.wrong.setWordWrap(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self._take)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 16)
        layout.setSpacing(12)
        layout.addLayout(form)
        layout.addWidget(self.wrong)
        layout.addWidget(buttons)

    def _take(self) -> None:
        try:
            ends = [float(field.text().replace("−", "-").replace(",", "")) for field in self.fields]
        except ValueError:
            self.wrong.setText("Each end must be a number.")
            return
        ranges = (ends[0], ends[1]), (ends[2], ends[3])
        for axis, (low, high) in zip(self._axes, ranges, strict=True):
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                self.wrong.setText("A range begins below where it ends.")
                return
            if axis.log and low <= 0:
                self.wrong.setText("A logarithmic axis has positive ends only.")
                return
        self._chosen(*ranges)
        self.accept()
