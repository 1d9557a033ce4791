"""A panel's frame: a quiet heading over it, rounded corners, a thin border."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QWidget

from unrolled.viewer.widgets.building import elided_label, in_column, in_row, own_ground


class Note(QWidget):
    """A few words, cut to fit: no layout holds their label, else other words would lay out the window."""

    def __init__(self) -> None:
        super().__init__()
        own_ground(self)
        self.label = elided_label(parent=self, look="sectionNote")
        self.label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.label.setGeometry(self.rect())


class Section(QFrame):
    def __init__(self, title: str, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("section")
        self.content = content
        self._heading = QLabel(title)
        self._heading.setObjectName("sectionHeading")
        note = Note()
        self._note = note.label
        line = in_row(None, self._heading, (note, 1), spacing=12)
        line.setContentsMargins(4, 0, 4, 0)
        in_column(self, line, (content, 1), spacing=6).setContentsMargins(8, 7, 8, 8)
        self.setAccessibleName(title)

    def set_title(self, title: str) -> None:
        self._heading.setText(title)
        self.setAccessibleName(title)

    def set_note(self, text: str) -> None:
        if text != self._note.text():
            self._note.setText(text)
