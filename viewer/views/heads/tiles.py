"""Small multiples: a row a layer, a column a head, each with its attention as a small picture. It knows no session."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy

from unrolled.models.trace import FloatArray
from unrolled.viewer.drawing.images import image_of
from unrolled.viewer.theme.colour_maps import to_colours
from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.widgets.building import PartTips
from unrolled.viewer.widgets.themed import Painted
from unrolled.viewer.widgets.zoom import Zoom

GAP, LABELS, TOP = 4, 52, 18
SMALLEST, LARGEST = 34, 96  # pixels a side

Tile = tuple[int, int]
"""Row and column."""

KEYS = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0)}


class HeadTiles(Painted):
    clicked = Signal(int, int)  # a tile's row and column
    own_keys = frozenset(KEYS)

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.columns: tuple[str, ...] = ()
        self.values: list[list[FloatArray]] = []
        self.text_of: Callable[[int, int], str] = lambda row, column: ""  # what a tile's tooltip says
        self.chosen: Tile | None = None
        self.marked = -1.0  # where the playhead is: a row of every tile's table; below 0 none
        self._images: list[list[QImage]] = []
        self.zoom = Zoom(self, self._resize, most=8.0)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName("Attention of every layer and head")
        PartTips(self, lambda place: self.text_of(*tile) if (tile := self.tile_at(place)) is not None else "")

    def set_tiles(self, values: list[list[FloatArray]], columns: Sequence[str], *, limits: list[list[tuple[float, float]]],
                  colour_map: str) -> None:
        """Draw these, (rows, columns) each, by layer and head; each between its own limits."""
        if (len(values), tuple(columns)) != (len(self.values), self.columns):
            self.columns = tuple(columns)
            self.updateGeometry()
        self.values = values
        self._images = [[image_of(to_colours(own, low=low, high=high, name=colour_map))
                         for own, (low, high) in zip(row, row_limits, strict=True)]
                        for row, row_limits in zip(values, limits, strict=True)]
        self.update()

    def set_chosen(self, chosen: Tile | None, marked: float) -> None:
        if (chosen, marked) != (self.chosen, self.marked):
            self.chosen, self.marked = chosen, marked
            self.update()

    @property
    def side(self) -> float:
        """Of a tile, in pixels."""
        around = self.parentWidget()  # which stays as wide as it is while tiles are made larger
        return self._side_in(self.width() if around is None else around.width())

    def _side_in(self, width: int) -> float:
        room = (width - LABELS) / max(len(self.columns), 1) - GAP
        return float(min(max(room, SMALLEST), LARGEST)) * self.zoom.factor

    def _resize(self) -> None:
        whole = self.zoom.factor == 1.0
        self.setMinimumSize(QSize(0, 0) if whole else self._size_of(self.side))
        self.updateGeometry()
        self.update()

    def _size_of(self, side: float) -> QSize:
        return QSize(LABELS + round(len(self.columns) * (side + GAP)), TOP + round(len(self.values) * (side + GAP)))

    def heightForWidth(self, width: int) -> int:
        return self._size_of(self._side_in(width) if self.zoom.factor == 1.0 else self.side).height()

    def sizeHint(self) -> QSize:
        return QSize(self.minimumSizeHint().width(), self.heightForWidth(max(self.width(), 1)))

    def minimumSizeHint(self) -> QSize:
        return self._size_of(SMALLEST)

    def place(self, row: int, column: int) -> QRectF:
        side = self.side
        return QRectF(LABELS + column * (side + GAP), TOP + row * (side + GAP), side, side)

    def tile_at(self, position: QPointF) -> Tile | None:
        return next(((row, column) for row in range(len(self.values)) for column in range(len(self.columns))
                     if self.place(row, column).contains(position)), None)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, seen = self.theme, QRectF(event.rect())
        with QPainter(self) as painter:
            painter.setFont(text_font(11))
            painter.setPen(QColor(theme.muted))
            for column, name in enumerate(self.columns):
                box = self.place(0, column)
                painter.drawText(QRectF(box.left() - GAP / 2, 0, box.width() + GAP, TOP - 3), Qt.AlignmentFlag.AlignCenter, name)
            for row, images in enumerate(self._images):
                box = self.place(row, 0)
                painter.setPen(QColor(theme.muted))
                painter.drawText(QRectF(0, box.top(), LABELS - 8, box.height()),
                                 Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"layer {row + 1}")
                for column, image in enumerate(images):
                    box = self.place(row, column)
                    if box.intersects(seen):
                        self._paint_tile(painter, box, image, (row, column) == self.chosen)

    def _paint_tile(self, painter: QPainter, box: QRectF, image: QImage, chosen: bool) -> None:
        theme = self.theme
        painter.fillRect(box, QColor(theme.missing))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, image.width() > box.width())
        painter.drawImage(box, image, QRectF(image.rect()))
        if 0 <= self.marked < image.height():
            y = box.top() + (self.marked + 0.5) / image.height() * box.height()
            painter.setPen(QPen(QColor(theme.playhead), 1))
            painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
        painter.setPen(QPen(QColor(theme.accent if chosen else theme.border), 2 if chosen else 1))
        painter.drawRect(box.adjusted(-1, -1, 1, 1) if chosen else box)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        tile = self.tile_at(event.position())
        if tile is not None and event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit(*tile)
        else:
            super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = KEYS.get(Qt.Key(event.key()))
        if step is None or not self.values:
            super().keyPressEvent(event)
            return
        row, column = self.chosen or (0, 0)
        self.clicked.emit(min(max(row + step[0], 0), len(self.values) - 1),
                          min(max(column + step[1], 0), len(self.columns) - 1))
