"""A combo box whose arrow is drawn in the text's colour: a style sheet can only show an arrow from a file."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter

FORGOTTEN = 10  # pixels
BESIDE = 36  # pixels of a line in the list that are not its text's


class ComboBox(QComboBox):
    """One of a few: elided in its middle where it is narrow, whole in its list."""

    def offer(self, entries: Iterable[tuple[str, str]], chosen: str | None = None) -> None:
        """Have these entries, each what it stands for and its title; current is the one that is chosen, by default the one that
        was, and the first where that is not among them.
        """
        wanted, offered = self.currentData() if chosen is None else chosen, list(entries)
        if offered != [(self.itemData(place), self.itemText(place)) for place in range(self.count())]:
            self.clear()
            for value, title in offered:
                self.addItem(title, value)
        self.setCurrentIndex(max(self.findData(wanted), 0))

    def sizeHint(self) -> QSize:
        """Qt forgets a part of what a style sheet puts around the text."""
        return super().sizeHint() + QSize(FORGOTTEN, 0)

    def showPopup(self) -> None:
        self.view().setMinimumWidth(self.view().sizeHintForColumn(0) + BESIDE)
        super().showPopup()

    def paintEvent(self, event: QPaintEvent) -> None:
        group = QPalette.ColorGroup.Active if self.isEnabled() else QPalette.ColorGroup.Disabled
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        room = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option,
                                           QStyle.SubControl.SC_ComboBoxEditField, self).width()
        option.currentText = self.fontMetrics().elidedText(self.currentText(), Qt.TextElideMode.ElideMiddle, room - 2)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.setRenderHint(QStylePainter.RenderHint.Antialiasing)
        pen = QPen(self.palette().color(group, QPalette.ColorRole.PlaceholderText), 1.5)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        x, y = self.width() - 14.0, self.height() / 2 + 0.5
        painter.drawPolyline([QPointF(x - 3.5, y - 2), QPointF(x, y + 1.5), QPointF(x + 3.5, y - 2)])
        painter.end()
