"""Colours of marks, as functions of the theme, so that a mark is drawn again when the theme changes."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QColor

from unrolled.viewer.theme.themes import Theme

Ink = Callable[[Theme], QColor]


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
