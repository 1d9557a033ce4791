"""A panel's frame: a quiet heading over it, rounded corners, a thin border."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QWidget
from superqt import QElidingLabel

from unrolled.viewer.widgets.building import in_column, in_row


class Section(QFrame):
    """A panel under its heading."""

    def __init__(self, title: str, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("section")
        self.content = content
        self._heading = QLabel(title)
        self._heading.setObjectName("sectionHeading")
        self._note = QElidingLabel("")
        self._note.setObjectName("sectionNote")
        self._note.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        line = in_row(None, self._heading, (self._note, 1), spacing=12)
        line.setContentsMargins(4, 0, 4, 0)
        in_column(self, line, (content, 1), spacing=6).setContentsMargins(8, 7, 8, 8)
        self.setAccessibleName(title)

    def set_title(self, title: str) -> None:
        self._heading.setText(title)
        self.setAccessibleName(title)

    def set_note(self, text: str) -> None:
        """A few words at the right end of the heading's line."""
        self._note.setText(text)
        self._note.setToolTip(text)
