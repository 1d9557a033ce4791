"""What every panel of the window is: a view that can be told to seek and to refresh.

The coordinator calls both at most once per frame, from what has changed since the last one; a panel never paints on
a signal by itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtWidgets import QWidget

from unrolled.models.trace import Channel
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.themes import Theme


class View(QWidget):
    """A view of the session.

    Parameters
    ----------
    session : Session
        What is shown.
    theme : Theme
        The colours to begin with.
    """

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.theme = theme

    @classmethod
    def draws(cls, channels: Iterable[Channel]) -> bool:
        """Whether this kind of panel has anything to show of these channels; judged by roles and axes alone."""
        return True

    @property
    def unfinished(self) -> bool:
        """Whether it could not take over all that is new within a frame's time: it is told to refresh again then."""
        return False

    def seek(self, step: int) -> None:
        """The playhead is at this step now (`NOWHERE` without steps): draw what depends on it."""

    def refresh(self) -> None:
        """Input, model, trace, selection or appearance changed, or steps were added: take over what is new."""

    def set_theme(self, theme: Theme) -> None:
        """Other colours are in force."""
        self.theme = theme
        self.refresh()
        self.seek(self.session.playhead.step)
