"""A field for a number, with a true minus sign."""

from typing import cast

from PySide6.QtWidgets import QDoubleSpinBox

from unrolled.models.trace.numbers import MINUS


class NumberBox(QDoubleSpinBox):
    """Either sign may be typed."""

    def textFromValue(self, value: float) -> str:
        return super().textFromValue(value).replace("-", MINUS)

    def valueFromText(self, text: str) -> float:
        return super().valueFromText(text.replace(MINUS, "-"))

    def validate(self, text: str, position: int) -> object:
        state, *_ = cast("tuple[object, ...]", super().validate(text.replace(MINUS, "-"), position))
        return state, text.replace("-", MINUS), position
