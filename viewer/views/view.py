"""What every part of the window is that shows the session: a view that can be told to seek and to refresh.

The coordinator calls both at most once per frame, from what has changed since the last one; a view never paints on
a signal by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from unrolled.viewer.drawing.painting import EmptyText
from unrolled.viewer.state.commands import Do
from unrolled.viewer.state.shown import ShownSession
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.widgets.building import Part, in_column
from unrolled.viewer.widgets.themed import dress


@dataclass(frozen=True, slots=True)
class ViewContext:
    """All that a view knows of the window around it."""

    session: ShownSession  # what is shown; a view reads it, and follows its signals
    do: Do  # takes a `Command`: the only way to have anything changed
    theme: Theme  # the colours to begin with


class View(QWidget):
    note_changed = Signal(str)
    refresh_wanted = Signal()  # a person chose something in it that takes more than one frame to draw, or it was hidden

    def __init__(self, ctx: ViewContext, parent: QWidget | None = None, *, name: str = "") -> None:
        super().__init__(parent)
        self.session, self.do, self.theme = ctx.session, ctx.do, ctx.theme
        self.note = ""  # a few words for the right end of its heading; `note_changed` is sent with every other text
        self.setAccessibleName(name)

    @property
    def title_over(self) -> str:
        """What stands over it, which depends on the model."""
        around = self.parentWidget()
        return (around.accessibleName() if around is not None else "") or self.accessibleName()

    def hold(self, *content: Part, spacing: int = -1) -> None:
        """Have this as what is shown; `say` has a sentence in its place."""
        self._content, self._empty = QWidget(), EmptyText("", self)
        in_column(self._content, *content, spacing=spacing)
        in_column(self, (self._content, 1), (self._empty, 1))

    def say(self, sentence: str) -> None:
        """Say why there is nothing to show, and how to get it; without a sentence show what there is."""
        self._empty.setText(sentence)
        self._empty.setVisible(bool(sentence))
        self._content.setVisible(not sentence)

    @property
    def unfinished(self) -> bool:
        """Whether it could not take over all that is new within a frame's time: it is told to refresh again then."""
        return False

    @property
    def remembered(self) -> tuple[str, ...]:
        """What of its look is kept from one start to the next, for `recall`."""
        return ()

    def recall(self, kept: Sequence[str]) -> None:
        """Take over what was kept."""

    def seek(self, step: int) -> None:
        """The playhead is at this step now (`NOWHERE` without steps): draw what depends on it."""

    def refresh(self) -> None:
        """Input, model, trace, selection or appearance changed, or steps were added: take over what is new. It is told to seek
        afterwards; what is all drawn there needs nothing more.
        """
        self.seek(self.session.playhead.step)

    def showEvent(self, event: QShowEvent) -> None:
        """What changed while it was hidden is taken over with the next frame."""
        super().showEvent(event)
        self.refresh_wanted.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What is at the playhead stays in sight."""
        super().resizeEvent(event)
        self.refresh_wanted.emit()

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours, everything inside of it too."""
        self.theme = theme
        dress(self, theme)
        self.refresh()
        self.seek(self.session.playhead.step)

    def set_note(self, text: str) -> None:
        if text != self.note:
            self.note = text
            self.note_changed.emit(text)
