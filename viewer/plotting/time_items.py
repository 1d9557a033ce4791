"""What stands in a plot over time: heat maps of bytes, lines, the playhead's line, and what is painted over all."""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QTransform
from PySide6.QtWidgets import QGraphicsItem, QWidget

from unrolled.models.trace.bins import Bins
from unrolled.viewer.plotting.library import pg

if TYPE_CHECKING:
    from unrolled.viewer.plotting.time_plot import TimePlot

CLEAR, TINT, LINE, ABOVE, BELOW = range(5)  # what the codes of a range stand for
LINE_WIDTH, LINE_GROUND = 2.0, 4.0  # pixels: a line in time, and the ground on both sides of it
Floats = npt.NDArray[np.floating]
Bytes = npt.NDArray[np.uint8]
Paint = Callable[[QPainter], None]


class Curve(pg.PlotCurveItem):
    """A line, one pixel wide; made by `TimePlot.curve`."""

    def show_line(self, times: Floats, values: Floats, colour: str) -> None:
        """Join points, none of which may be nan."""
        self.setData(times, values, pen=pg.mkPen(colour, width=1))
        self.show()


class HeatItem(pg.ImageItem):
    """Bytes as colours, which are looked up by NumPy: the library makes a list of 256 colours for every new image.

    Made by `TimePlot.heat`.
    """

    def __init__(self) -> None:
        super().__init__(axisOrder="row-major")
        self._pixels = np.zeros((0, 0), np.uint32)  # kept: the image is made over them

    def show_bytes(self, codes: Bytes, colours: Bytes, place: QRectF) -> None:
        """Show codes, shape (rows, columns), in the colours (256, 4) of each, over a rectangle of time and values."""
        if self._pixels.shape != codes.shape:
            self.prepareGeometryChange()
        table, kind = screen_colours(colours.tobytes())
        self.image, self._pixels = codes, table.take(codes, mode="wrap")  # a third of the time of an index; always in rows
        rows, columns = codes.shape
        self.qimage = QImage(self._pixels.data, columns, rows, 4 * columns, kind)
        self.setTransform(QTransform(place.width() / columns, 0, 0, place.height() / rows, place.left(), place.top()))
        self.show()

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

    def __init__(self, colour: str, ground: str, style: Qt.PenStyle) -> None:
        self._bounds_here: QRectF | None = None
        self._style = style  # lines are told apart by it, not by their colours alone
        super().__init__(0.0, movable=False)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemSendsGeometryChanges, False)
        self.setAcceptHoverEvents(False)
        self.colour(colour, ground)

    def colour(self, colour: str, ground: str) -> None:
        self.setPen(pg.mkPen(colour, width=LINE_WIDTH, style=self._style))
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


class RangeItem(HeatItem):
    """A line seen from afar, with a pixel a column: its range in a tint and the mean over it; made by `TimePlot.range_item`.

    A thousand rectangles take Qt longer than a frame's share, and a filled outline is laid out anew for every strip that is
    painted; a picture costs neither.
    """

    def __init__(self, plot: "TimePlot") -> None:
        super().__init__()
        self._plot = plot

    def show_spans(self, bins: Bins, spans: list[tuple[Floats, Floats, int]], colours: list[QColor]) -> None:
        """Fill spans, each over those before it.

        Parameters
        ----------
        bins : Bins
            The columns.
        spans : list of (tops, bottoms, code)
            Heights in the plot's pixels, shape (bins,) each, nan for none; at least a pixel is filled.
        colours : list of QColor
            Of the codes from 0 on.
        """
        plot, ratio = self._plot, self._plot.devicePixelRatioF()
        rows = max(round(plot.height() * ratio), 1)
        row = np.arange(rows, dtype=np.int16)[:, None]
        codes = np.zeros((rows, len(bins)), np.uint8)
        for tops, bottoms, code in spans:
            top = np.floor(tops * ratio)
            bottom = np.maximum(np.ceil(bottoms * ratio), top + 1)
            first, last = (np.fmin(np.fmax(edge, 0), rows).astype(np.int16) for edge in (top, bottom))  # of nan 0, so no row
            np.copyto(codes, np.uint8(code), where=(row >= first) & (row < last))
        left, right = plot.x_of(bins.start), plot.x_of(bins.stop)
        self.show_bytes(codes, colour_bytes(*colours), QRectF(left, 0, right - left, plot.height()))


def tinted(colour: str, amount: float) -> QColor:
    made = QColor(colour)
    made.setAlphaF(amount)
    return made
