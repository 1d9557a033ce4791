"""Pens whose width is in pixels whatever the ranges are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen

thickness = [1.0]
PENS = {"solid": Qt.PenStyle.SolidLine, "dashed": Qt.PenStyle.DashLine}


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
