"""Asks for the two ends of a scale."""

import math
from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLineEdit, QWidget

from unrolled.models.trace.numbers import MINUS
from unrolled.viewer.state.wording import finite


class RangeDialog(QDialog):
    """Two numbers, the first below the second, and above `above` if that is given."""

    def __init__(self, parent: QWidget, title: str, ends: tuple[float, float], above: float | None = None) -> None:
        super().__init__(parent)
        self._above = -math.inf if above is None else above
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.low, self.high = (QLineEdit(f"{end:g}".replace("-", MINUS)) for end in ends)
        self.low.setAccessibleName("From")
        self.high.setAccessibleName("To")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        form = QFormLayout(self)
        form.addRow("From", self.low)
        form.addRow("To", self.high)
        form.addRow(self.buttons)
        for line in (self.low, self.high):
            line.textChanged.connect(
                lambda: self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(self.ends is not None))

    @classmethod
    def ask(cls, parent: QWidget, title: str, ends: tuple[float, float],
            then: Callable[[tuple[float, float]], object], above: float | None = None) -> "RangeDialog":
        dialog = cls(parent.window(), title, ends, above)

        def accepted() -> None:
            if (chosen := dialog.ends) is not None:
                then(chosen)

        dialog.accepted.connect(accepted)
        dialog.open()
        return dialog

    @property
    def ends(self) -> tuple[float, float] | None:
        """What is typed; None while it is no range."""
        low, high = finite(self.low.text()), finite(self.high.text())
        return (low, high) if low is not None and high is not None and self._above < low < high else None
