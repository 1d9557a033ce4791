"""Labels and tooltips show what they are given as it is: a model's word or a file's name may look like HTML.

Qt otherwise guesses from the text itself, and loads pictures that it names.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QLabel


class PlainTexts(QObject):
    """Makes every label plain before it is first seen, tooltips among them, but for those that say that they are rich."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Look at what is about to be shown."""
        if event.type() == QEvent.Type.Polish and isinstance(watched, QLabel) \
                and watched.textFormat() == Qt.TextFormat.AutoText:
            watched.setTextFormat(Qt.TextFormat.PlainText)
        return False
