"""Two parts side by side; where there is no room for that, one under the other."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QScrollArea, QWidget

from unrolled.viewer.widgets.building import in_row, scrolled

NARROW = 540  # device-independent pixels


class TwoParts(QScrollArea):
    """In a wide place, whose width they share by `stretch`, the second part scrolls by itself beside the first.

    In a narrow one both scroll together, the first at least `first_height` pixels high, above the second.
    """

    def __init__(self, first: QWidget, second: QWidget, *, stretch: tuple[int, int] = (1, 1), first_height: int = 0) -> None:
        super().__init__(widgetResizable=True)
        self._first, self._second, self._first_height = first, second, first_height
        self.narrow = False
        self.setFrameShape(QFrame.Shape.NoFrame)
        inside, self._area = QWidget(), scrolled(second, sideways=True)
        self._layout = in_row(inside, (first, stretch[0]), (self._area, stretch[1]), spacing=12)
        self.setWidget(inside)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what is inside has it
        second.installEventFilter(self)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = event.size().width() < NARROW
        if narrow != self.narrow:
            self.narrow = narrow
            way = QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight
            self._layout.setDirection(way)
            self._first.setMinimumHeight(self._first_height if narrow else 0)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize) and self.narrow:
            self._fit()
        return super().eventFilter(watched, event)

    def _fit(self) -> None:
        layout, wanted = self._second.layout(), 0
        if self.narrow and layout is not None:
            width = max(self._area.viewport().width(), 100)
            wanted = layout.totalHeightForWidth(width) if layout.hasHeightForWidth() else layout.totalSizeHint().height()
        if self._area.minimumHeight() != wanted:
            self._area.setMinimumHeight(wanted)
