"""A table of words, a row a layer and a column a step, each on the colour of its probability. It knows no session."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen

from unrolled.models.trace import FloatArray
from unrolled.viewer.drawing.contrast import text_on
from unrolled.viewer.drawing.painting import elided
from unrolled.viewer.theme.colour_maps import to_colours
from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.widgets.building import PartTips
from unrolled.viewer.widgets.themed import Painted
from unrolled.viewer.widgets.zoom import Zoom

LABELS, WIDTH, HEIGHT, GAP = 56, 66, 22, 2
TEXT = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LensColumn:
    """A step: the best word of every layer with its probability, what the tooltips say, and the word that was written."""

    step: int
    words: tuple[str, ...]
    chances: FloatArray
    texts: tuple[str, ...]
    written: str


class LensCanvas(Painted):
    """The table; below it the words that were written."""

    clicked = Signal(int, int)  # a step and a layer

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.columns: tuple[LensColumn, ...] = ()
        self.layers = 0
        self.step, self.layer = -1, -1
        self._colours: list[np.ndarray] = []
        self.zoom = Zoom(self, self._fit, least=0.5)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("The most probable token of every layer, by step")
        PartTips(self, lambda place: self.columns[at[0]].texts[at[1]] if (at := self._at(place)) is not None else "")

    def set_columns(self, columns: tuple[LensColumn, ...], layers: int, colour_map: str) -> None:
        self.columns, self.layers = columns, layers
        self._colours = [to_colours(own.chances, low=0.0, high=1.0, name=colour_map) for own in columns]
        self._fit()

    def _fit(self) -> None:
        self.setMinimumSize(self.sizeHint())
        self.update()

    def set_place(self, step: int, layer: int) -> None:
        if (step, layer) != (self.step, self.layer):
            self.step, self.layer = step, layer
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(LABELS + len(self.columns) * (WIDTH + GAP), (self.layers + 1) * (HEIGHT + GAP) + 4) * self.zoom.factor

    def box(self, column: int, layer: int) -> QRectF:
        """Of a layer's word; of the word that was written where the layer is one too many."""
        extra = 4 if layer == self.layers else 0
        return QRectF(LABELS + column * (WIDTH + GAP), layer * (HEIGHT + GAP) + extra, WIDTH, HEIGHT)

    def column_of(self, step: int) -> int:
        return next((number for number, own in enumerate(self.columns) if own.step == step), -1)

    def _at(self, position: QPointF) -> tuple[int, int] | None:
        position = position * (1 / self.zoom.factor)
        column, layer = int((position.x() - LABELS) // (WIDTH + GAP)), int(position.y() // (HEIGHT + GAP))
        return (column, layer) if 0 <= column < len(self.columns) and 0 <= layer < self.layers else None

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, factor = self.theme, self.zoom.factor
        seen = QRectF(QPointF(event.rect().topLeft()) * (1 / factor), QSizeF(event.rect().size()) * (1 / factor))
        with QPainter(self) as painter:
            painter.scale(factor, factor)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setFont(text_font(TEXT))
            for number, column in enumerate(self.columns):
                if not QRectF(self.box(number, 0).left(), 0, WIDTH, self.height() / factor).intersects(seen):
                    continue
                for layer in range(self.layers):
                    ground = QColor(*(int(part) for part in self._colours[number][layer][:3]))
                    self._paint_word(painter, self.box(number, layer), column.words[layer], ground,
                                     same=column.words[layer] == column.written)
                self._paint_word(painter, self.box(number, self.layers), column.written, QColor(theme.raised), same=False)
            here = self.column_of(self.step)
            if here >= 0:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(QColor(theme.playhead), 2))
                painter.drawRect(QRectF(self.box(here, 0).topLeft(), self.box(here, self.layers).bottomRight()))
            self._paint_labels(painter)

    def _paint_labels(self, painter: QPainter) -> None:
        """At the left edge of what is seen, however far it is scrolled."""
        theme, left = self.theme, self.visibleRegion().boundingRect().left() / self.zoom.factor
        painter.fillRect(QRectF(left, 0, LABELS - 2, self.height() / self.zoom.factor), QColor(theme.panel))
        for layer in range(self.layers + 1):
            place = self.box(0, layer)
            painter.setPen(QColor(theme.text if layer == self.layer else theme.muted))
            painter.drawText(QRectF(left, place.top(), LABELS - 8, HEIGHT), Qt.AlignmentFlag.AlignRight
                             | Qt.AlignmentFlag.AlignVCenter, f"layer {layer + 1}" if layer < self.layers else "written")

    def _paint_word(self, painter: QPainter, box: QRectF, word: str, ground: QColor, *, same: bool) -> None:
        painter.setPen(QPen(QColor(self.theme.accent), 2) if same else Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 3, 3)
        painter.setPen(text_on(ground))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, elided(word, text_font(TEXT), WIDTH - 10))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self._at(event.position())
        if place is not None and event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit(self.columns[place[0]].step, place[1])
        else:
            super().mousePressEvent(event)
