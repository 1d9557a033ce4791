"""A panel's frame: a quiet heading over it, rounded corners, a thin border."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget
from superqt import QElidingLabel


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
        self._heading.setText(title)
        self.setAccessibleName(title)

    def set_note(self, text: str) -> None:
        """A few words at the right end of the heading's line."""
        self._note.setText(text)
        self._note.setToolTip(text)
