"""Whatever paints in a theme's colours, and how a new theme reaches all of it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from PySide6.QtWidgets import QWidget

from unrolled.viewer.theme.themes import Theme


@runtime_checkable
class Themed(Protocol):
    """A widget that is told of another theme."""

    def set_theme(self, theme: Theme, /) -> None: ...


class Painted(QWidget):
    """A widget that paints itself in a theme's colours."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.update()


def dress(whole: QWidget, theme: Theme) -> None:
    """Tell everything inside of a widget of a theme."""
    for part in whole.findChildren(QWidget):
        if isinstance(part, Themed):
            part.set_theme(theme)
