"""Colours of marks, as functions of the theme that is there when they are drawn; and pens, as wide whatever the ranges are."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen

from unrolled.viewer.theme.themes import Theme

Ink = Callable[[Theme], QColor]
PENS = {"solid": Qt.PenStyle.SolidLine, "dashed": Qt.PenStyle.DashLine, "dotted": Qt.PenStyle.DotLine}
thickness = [1.0]


def ink(use: str, alpha: int = 255) -> Ink:
    """A colour of the theme by its use (``"accent"``), and how much of the ground it hides, from 0 to 255."""
    return lambda theme: _faded(getattr(theme, use), alpha)


def series(number: int, alpha: int = 255) -> Ink:
    """One of the colours of pinned units, which repeat."""
    return lambda theme: _faded(theme.series[number % len(theme.series)], alpha)


def _faded(name: str, alpha: int) -> QColor:
    colour = QColor(name)
    colour.setAlpha(alpha)
    return colour


@contextmanager
def thicker(factor: float) -> Iterator[None]:
    """Lines that are made meanwhile are so much thicker: for a drawing that has as many pixels for one of the screen."""
    thickness.append(factor)
    try:
        yield
    finally:
        thickness.pop()


def pen_of(colour: QColor, width: float = 1.0, style: str = "solid") -> QPen:
    pen = QPen(colour, width * thickness[-1], PENS[style])
    pen.setCosmetic(True)
    return pen
