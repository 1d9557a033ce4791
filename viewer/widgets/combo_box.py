"""A combo box whose text is cut in its middle: what differs among long titles is often at their end."""

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPaintEvent
from PySide6.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter, QToolTip

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

    def event(self, event: QEvent) -> bool:
        """What is cut is whole in its tooltip."""
        if (isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip
                and self._option().currentText != self.currentText()):
            QToolTip.showText(event.globalPos(), "\n".join(filter(None, (self.currentText(), self.toolTip()))), self)
            return True
        return super().event(event)

    def _option(self) -> QStyleOptionComboBox:
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        room = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option,
                                           QStyle.SubControl.SC_ComboBoxEditField, self).width()
        option.currentText = self.fontMetrics().elidedText(self.currentText(), Qt.TextElideMode.ElideMiddle, room - 2)
        return option

    def paintEvent(self, event: QPaintEvent) -> None:
        option = self._option()
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()
