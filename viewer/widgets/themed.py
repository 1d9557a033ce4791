"""Whatever paints in a theme's colours, and how a new theme reaches all of it."""

from typing import Protocol, runtime_checkable

from PySide6.QtWidgets import QWidget

from unrolled.viewer.theme.themes import Theme


@runtime_checkable
class Themed(Protocol):
    """A widget that has more to do for another theme than to be painted."""

    def set_theme(self, theme: Theme, /) -> None: ...


@runtime_checkable
class Coloured(Protocol):
    """A widget that paints itself in its theme's colours."""

    theme: Theme


class Painted(QWidget):
    """One that is nothing else."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme


def dress(whole: QWidget, theme: Theme) -> None:
    """Tell everything inside of a widget of a theme."""
    for part in whole.findChildren(QWidget):
        if isinstance(part, Themed):
            part.set_theme(theme)
        elif isinstance(part, Coloured):
            part.theme = theme
            part.update()
