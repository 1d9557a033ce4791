"""Colours of marks, as functions of the theme, so that a mark is drawn again when the theme changes."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QColor

from unrolled.viewer.theme.themes import Theme

Ink = Callable[[Theme], QColor]


def ink(use: str, alpha: int = 255) -> Ink:
    """A colour of the theme by its use (``"accent"``), and how much of the ground it hides, from 0 to 255."""
    def of(theme: Theme) -> QColor:
        colour = QColor(getattr(theme, use))
        colour.setAlpha(alpha)
        return colour

    return of


def series(number: int, alpha: int = 255) -> Ink:
    """One of the colours of pinned units, which repeat."""
    def of(theme: Theme) -> QColor:
        colour = QColor(theme.series[number % len(theme.series)])
        colour.setAlpha(alpha)
        return colour

    return of
