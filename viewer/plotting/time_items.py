"""What stands in a plot over time: heat maps of bytes, lines, the playhead's line, and what is painted over all."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPoint, QPointF, QRectF, QSize
from PySide6.QtGui import QColor, QImage, QPainter, QTransform
from PySide6.QtWidgets import QGraphicsItem, QWidget

from unrolled.viewer.plotting.library import pg

LINE, LINE_GROUND = 2.0, 4.0  # pixels: a line in time, and the ground on both sides of it
Floats = npt.NDArray[np.floating]
Bytes = npt.NDArray[np.uint8]
Paint = Callable[[QPainter], None]


class HeatItem:
    """Bytes as colours; made by `TimePlot.heat`."""

    def __init__(self, item: ByteItem) -> None:
        self._item = item

    def show_bytes(self, codes: Bytes, colours: Bytes, place: QRectF) -> None:
        """Show codes, shape (rows, columns), in the colours (256, 4) of each, over a rectangle of time and values."""
        self._item.show_codes(codes, colours)
        rows, columns = codes.shape
        self._item.setTransform(QTransform(place.width() / columns, 0, 0, place.height() / rows, place.left(), place.top()))
        self._item.show()

    def hide(self) -> None:
        self._item.hide()


class Curve:
    """A line, one pixel wide; made by `TimePlot.curve`."""

    def __init__(self, item: Any) -> None:
        self._item = item

    def show_line(self, times: Floats, values: Floats, colour: str) -> None:
        """Join points, none of which may be nan."""
        self._item.setData(times, values, pen=pg.mkPen(colour, width=1))
        self._item.show()

    def hide(self) -> None:
        self._item.hide()


class ByteItem(pg.ImageItem):
    """An image whose colours are looked up by NumPy: the library makes a list of 256 colours for every new image."""

    def __init__(self) -> None:
        super().__init__(axisOrder="row-major")
        self._pixels = np.zeros((0, 0), np.uint32)  # kept: the image is made over them

    def show_codes(self, codes: Bytes, colours: Bytes) -> None:
        """Look the colours up, into pixels as the screen has them."""
        if self._pixels.shape != codes.shape:
            self.prepareGeometryChange()
        table, kind = screen_colours(colours.tobytes())
        self.image, self._pixels = codes, table.take(codes, mode="wrap")  # a third of the time of an index; always in rows
        rows, columns = codes.shape
        self.qimage = QImage(self._pixels.data, columns, rows, 4 * columns, kind)

    def paint(self, painter: QPainter, *_: object) -> None:
        if self.qimage is not None:
            painter.drawImage(self.boundingRect(), self.qimage)


@lru_cache(maxsize=32)
def screen_colours(colours: bytes) -> tuple[npt.NDArray[np.uint32], QImage.Format]:
    """A table of 256 colours, RGBA, as the pixels of an image, and that image's format."""
    red, green, blue, alpha = np.frombuffer(colours, np.uint8).reshape(256, 4).astype(np.uint32).T
    red, green, blue = ((colour * alpha + 127) // 255 for colour in (red, green, blue))
    seen_through = bool((alpha < 255).any())
    return (alpha << 24 | red << 16 | green << 8 | blue,
            QImage.Format.Format_ARGB32_Premultiplied if seen_through else QImage.Format.Format_RGB32)


class LineInTime(pg.InfiniteLine):
    """An upright line with a line of the ground on either side: it is to be seen on every colour of every map."""

    def __init__(self, colour: str, ground: str) -> None:
        self._bounds_here: QRectF | None = None
        super().__init__(0.0, movable=False)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemSendsGeometryChanges, False)
        self.setAcceptHoverEvents(False)
        self.colour(colour, ground)

    def colour(self, colour: str, ground: str) -> None:
        self.setPen(pg.mkPen(colour, width=LINE))
        self.setHoverPen(pg.mkPen(ground, width=LINE_GROUND))  # it is never hovered; its width makes the item's bounds

    def boundingRect(self) -> QRectF:
        """The same wherever it stands: the base class finds them anew whenever it is moved."""
        if self._bounds_here is None:
            self._bounds_here = self._computeBoundingRect()
        return self._bounds_here

    def move(self, time: float) -> None:
        """Stand at another time; `setPos` looks at ranges and angles that this line does not have, and tells nobody here."""
        self.p = [time, 0.0]
        QGraphicsItem.setPos(self, time, 0.0)

    def viewTransformChanged(self) -> None:
        self._bounds_here = None
        super().viewTransformChanged()

    def paint(self, painter: QPainter, *_: object) -> None:
        left, right = self._endPoints
        for pen in (self.hoverPen, self.pen):
            painter.setPen(pen)
            painter.drawLine(QPointF(left, 0), QPointF(right, 0))


class Over(QGraphicsItem):
    """Words and marks, painted in pixels."""

    def __init__(self, plot: QWidget) -> None:
        super().__init__()
        self._plot = plot
        self._bounds = QRectF()
        self._paint: Paint | None = None
        self.setZValue(5)
        self.hide()

    def show_painted(self, paint: Paint | None) -> None:
        self._paint = paint
        self.setVisible(paint is not None)
        self.update()

    def resized(self) -> None:
        self.prepareGeometryChange()
        self._bounds = QRectF(QPoint(), QSize(self._plot.width(), self._plot.height()))

    def boundingRect(self) -> QRectF:
        return self._bounds

    def paint(self, painter: QPainter, *_: object) -> None:
        if self._paint is not None:
            self._paint(painter)


def colour_bytes(*colours: str | QColor) -> Bytes:
    """A table of 256 colours, RGBA, that begins with these; the others are clear."""
    table = np.zeros((256, 4), np.uint8)
    for number, colour in enumerate(map(QColor, colours)):
        table[number] = colour.red(), colour.green(), colour.blue(), colour.alpha()
    return table
