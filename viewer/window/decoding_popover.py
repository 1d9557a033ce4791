"""How tokens are chosen: the method, and what belongs to it."""

from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QDoubleSpinBox, QFormLayout, QFrame, QSpinBox, QWidget

from unrolled.models.protocol.decoding import Decoding
from unrolled.viewer.state.commands import Do, SetDecoding
from unrolled.viewer.widgets.building import countdown, in_column, muted_label
from unrolled.viewer.widgets.combo_box import ComboBox

SETTLE_MILLISECONDS = 250  # so that typing a number does not run the caption for each digit

TITLES = {"top_k": "Top-k", "top_p": "Top-p"}
METHODS = (("greedy", "Greedy", "The most probable token at each step.", ()),
           ("beam", "Beam search", "Several hypotheses side by side; the one with the best score is kept. Others’ models are "
                                   "searched and scored as their authors’ code does it.",
            ("beam_width", "length_penalty")),
           ("sampling", "Sampling", "Tokens drawn from the distribution.", ("temperature", "top_k", "top_p", "seed")))


class DecodingPopover(QFrame):
    """A small window under its button; what is changed is in force at once.

    Parameters
    ----------
    searches : bool
        Whether what the model says is fed back to it, so that there is something to search.
    """

    def __init__(self, decoding: Decoding, do: Do, parent: QWidget | None = None, *, searches: bool = True) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._do = do
        self.setObjectName("popover")
        self.setAccessibleName("Decoding")
        self.setFixedWidth(280)
        self.method = ComboBox()
        for value, title, *_ in METHODS:
            if searches or value != "beam":
                self.method.addItem(title, value)
        self.explanation = muted_label(wrapped=True)
        self.numbers: dict[str, QSpinBox | QDoubleSpinBox] = {
            "beam_width": _whole(1, 64), "length_penalty": _real(0.0, 5.0, 0.1), "temperature": _real(0.05, 10.0, 0.1),
            "top_k": _whole(0, 10_000, zero="off"), "top_p": _real(0.01, 1.0, 0.05), "seed": _whole(0, 2**31 - 1)}
        self._form = QFormLayout(horizontalSpacing=16, verticalSpacing=8,
                                 fieldGrowthPolicy=QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for name, widget in {"method": self.method, **self.numbers}.items():
            title = TITLES.get(name) or name.replace("_", " ").capitalize()
            widget.setAccessibleName(title)
            self._form.addRow(title, widget)
        in_column(self, self._form, self.explanation, spacing=8).setContentsMargins(16, 12, 16, 16)
        self._settle = countdown(self, SETTLE_MILLISECONDS, self._say)
        self.show_decoding(decoding)
        self.method.currentIndexChanged.connect(self._method_changed)
        for spin in self.numbers.values():
            spin.valueChanged.connect(lambda _: self._settle.start())

    def decoding(self) -> Decoding:
        numbers: dict[str, Any] = {name: round(spin.value(), 3) for name, spin in self.numbers.items()}
        return Decoding(method=str(self.method.currentData()), **numbers)

    def show_decoding(self, decoding: Decoding) -> None:
        self.blockSignals(True)
        self.method.setCurrentIndex(self.method.findData(decoding.method))
        for name, spin in self.numbers.items():
            spin.setValue(min(getattr(decoding, name), spin.maximum()))
        self._settle.stop()
        self.blockSignals(False)
        self._show_rows()

    def open_under(self, button: QWidget) -> None:
        """Show it under a button, inside of the screen."""
        self.adjustSize()
        place = button.mapToGlobal(QPoint(button.width() - self.width(), button.height() + 6))
        place.setX(max(place.x(), button.screen().availableGeometry().left() + 8))
        self.move(place)
        self.show()
        self.method.setFocus()

    def _method_changed(self) -> None:
        self._show_rows()
        self._say()

    def _show_rows(self) -> None:
        method = str(self.method.currentData())
        explanation, of_method = next((text, names) for value, _, text, names in METHODS if value == method)
        for name, spin in self.numbers.items():
            self._form.setRowVisible(spin, name in of_method)
        self.explanation.setText(explanation)
        self.adjustSize()

    def _say(self) -> None:
        self._settle.stop()
        self._do(SetDecoding(self.decoding()))


def _whole(low: int, high: int, *, zero: str = "") -> QSpinBox:
    spin = QSpinBox(minimum=low, maximum=high)
    spin.setSpecialValueText(zero)
    return spin


def _real(low: float, high: float, step: float) -> QDoubleSpinBox:
    return QDoubleSpinBox(singleStep=step, decimals=2, minimum=low, maximum=high)
