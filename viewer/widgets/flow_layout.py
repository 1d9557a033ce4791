"""A layout that sets its items side by side and begins a new line where the width ends, as text does."""

from collections.abc import Iterable

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget
from superqt import QFlowLayout


class FlowLayout(QFlowLayout):
    """Lines of items, each as wide as it wants to be, in the middle of its line's height; `gap` in pixels, both ways."""

    def __init__(self, parent: QWidget | None = None, *parts: QWidget, gap: int = 6) -> None:
        super().__init__(parent)
        self._gap = gap
        self._heights: dict[int, int] = {}
        self.setContentsMargins(0, 0, 0, 0)
        self.renew(parts)

    def renew(self, parts: Iterable[QWidget]) -> None:
        """Hold these, in place of what it holds, which is deleted."""
        while (item := self.takeAt(0)) is not None:
            if (before := item.widget()) is not None:
                before.hide()
                before.deleteLater()
        for part in parts:
            self.addWidget(part)

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def heightForWidth(self, width: int) -> int:
        """The height of all lines in a width; asked for many times while a window is laid out, so it is remembered."""
        if width not in self._heights:
            self._heights[width] = self._place(QRect(0, 0, width, 0), really=False)
        return self._heights[width]

    def invalidate(self) -> None:
        self._heights.clear()
        super().invalidate()

    def setGeometry(self, rectangle: QRect) -> None:
        QLayout.setGeometry(self, rectangle)
        self._place(rectangle, really=True)

    def _place(self, rectangle: QRect, *, really: bool) -> int:
        y, line = rectangle.y(), 0
        for places in self._lines(rectangle.width()):
            if line:
                y += line + self._gap
            line = max(size.height() for _, _, size in places)
            if really:
                for item, x, size in places:
                    top = y + (line - size.height()) // 2
                    item.setGeometry(QRect(QPoint(rectangle.x() + x, top), size))
        return y + line - rectangle.y()

    def _lines(self, width: int) -> list[list[tuple[QLayoutItem, int, QSize]]]:
        """What is in each line: the items, how far from the left, how large."""
        lines: list[list[tuple[QLayoutItem, int, QSize]]] = []
        x = 0
        for item in map(self.itemAt, range(self.count())):
            if item is None or item.isEmpty():
                continue
            size = item.sizeHint().expandedTo(item.minimumSize())
            if not lines or x + size.width() > width:
                lines.append([])
                x = 0
            lines[-1].append((item, x, size))
            x += size.width() + self._gap
        return lines
