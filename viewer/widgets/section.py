"""A panel's frame: a quiet heading over it, rounded corners, a thin border."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget


class Section(QFrame):
    """A panel under its heading.

    Parameters
    ----------
    title : str
        A word or two.
    content : QWidget
        The panel.
    """

    def __init__(self, title: str, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("section")
        self.content = content
        self._heading = QLabel(title)
        self._heading.setObjectName("sectionHeading")
        self._whole_note = ""
        self._note = QLabel("")
        self._note.setObjectName("sectionNote")
        self._note.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._note.setMinimumWidth(1)  # a long note is cut off, and never widens the pane
        line = QHBoxLayout()
        line.setSpacing(12)
        line.setContentsMargins(4, 0, 4, 0)
        line.addWidget(self._heading)
        line.addWidget(self._note, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 7, 8, 8)
        layout.setSpacing(6)
        layout.addLayout(line)
        layout.addWidget(content, 1)
        self.setAccessibleName(title)

    def set_title(self, title: str) -> None:
        """Another heading."""
        self._heading.setText(title)
        self.setAccessibleName(title)

    def set_note(self, text: str) -> None:
        """A few words at the right end of the heading's line."""
        self._whole_note = text
        self._elide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show as much of the note as there is room for."""
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        room = self.width() - self._heading.sizeHint().width() - 48
        shown = self._note.fontMetrics().elidedText(self._whole_note, Qt.TextElideMode.ElideRight, max(room, 0))
        if shown != self._note.text():
            self._note.setText(shown)
            self._note.setToolTip(self._whole_note if shown != self._whole_note else "")
