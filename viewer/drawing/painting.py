"""Small things that several panels paint or write alike. It knows no session."""

from __future__ import annotations

import math
from functools import lru_cache

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QLabel, QWidget

MINUS = "−"
CORNER = 6.0


@lru_cache(maxsize=1024)
def mix(ground: str, over: str, amount: float) -> QColor:
    """A colour on the straight line from `ground` (amount 0) to `over` (amount 1)."""
    first, second = QColor(ground), QColor(over)
    return QColor(
        round(first.red() + (second.red() - first.red()) * amount),
        round(first.green() + (second.green() - first.green()) * amount),
        round(first.blue() + (second.blue() - first.blue()) * amount),
    )


def percent(probability: float) -> str:
    """A probability for people, at most five characters: ``"62%"``, ``"3.1%"``, ``"<0.1%"``."""
    if not math.isfinite(probability):
        return "–"
    if probability >= 0.0995:
        return f"{probability * 100:.0f}%"
    return f"{probability * 100:.1f}%" if probability >= 0.0005 else "<0.1%"


def weight_percent(weight: float) -> str:
    """A share that may be far below one percent, to two or three figures: ``"0.51%"``, ``"4.1%"``."""
    if not math.isfinite(weight):
        return "–"
    hundredths = weight * 100
    return (
        f"{hundredths:.0f}%"
        if hundredths >= 99.5
        else f"{hundredths:.1f}%"
        if hundredths >= 0.995
        else f"{hundredths:.2f}%"
    )


def signed(value: float, decimals: int = 3) -> str:
    """A number with a true minus sign."""
    if not math.isfinite(value):
        return "–"
    text = f"{value:.{decimals}f}"
    return MINUS + text[1:] if text.startswith("-") and float(text) != 0.0 else text.lstrip("-")


def draw_focus(painter: QPainter, rectangle: QRectF, colour: str, *, corner: float = CORNER) -> None:
    """The ring that shows where the keyboard is."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(colour), 1.5))
    painter.drawRoundedRect(rectangle.adjusted(0.75, 0.75, -0.75, -0.75), corner, corner)


def elided(text: str, font: QFont, width: int) -> str:
    """A text cut at its end to fit a width, with an ellipsis."""
    return QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, max(width, 0))


class EmptyText(QLabel):
    """Muted words in a panel that has nothing to show yet: what will be there, and how to get it."""

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(text, parent)
        self.setObjectName("muted")
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setWordWrap(True)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
