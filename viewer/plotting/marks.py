"""What is drawn in a plot: lines, ranges, dots, bars, areas. Each is made by the plot, which styles it by the theme."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QBrush, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsPolygonItem

from unrolled.viewer.drawing.vector_files import VECTORS
from unrolled.viewer.plotting.axis import Axis
from unrolled.viewer.plotting.ink import Ink, pen_of
from unrolled.viewer.plotting.library import pg
from unrolled.viewer.theme.themes import Theme

Numbers = npt.NDArray[Any]
NOTHING: Numbers = np.zeros(0)


def lowest_and_highest(x: Numbers, y: Numbers, columns: int) -> tuple[Numbers, Numbers]:
    """At most two samples a pixel: of neighbours the least and the greatest, in that order; what is no number is skipped."""
    stride = -(-len(x) // max(columns, 1))
    if stride <= 2:
        return x, y
    starts = np.arange(0, len(x), stride)
    return (np.repeat(x[starts], 2),
            np.stack((np.fmin.reduceat(y, starts), np.fmax.reduceat(y, starts)), axis=1).ravel())


class Mark:
    """Something drawn in a plot's box."""

    name = ""  # what the legend calls it; it is left out of the legend without one, and while it is hidden
    style = "solid"

    def __init__(self, box: Any, ink: Ink, item: Any, order: float) -> None:
        self._box, self.ink, self._item = box, ink, item
        item.setZValue(order)
        box.addItem(item, ignoreBounds=True)

    @property
    def visible(self) -> bool:
        return bool(self._item.isVisible())

    def set_visible(self, visible: bool) -> None:
        self._item.setVisible(visible)

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""

    def ranges_changed(self) -> None:
        """Another part of the axes is in sight, or the box has another size."""


class Line(Mark):
    """A line through points whose x grows; it is broken where y is no number."""

    def __init__(self, box: Any, y_axis: Axis, ink: Ink, order: float, name: str, width: float, style: str) -> None:
        super().__init__(box, ink, pg.PlotCurveItem(connect="finite"), order)
        self._y_axis, self.name, self._width, self.style = y_axis, name, width, style
        self._x: Numbers = np.zeros(0)
        self._y: Numbers = np.zeros(0)
        self._whole = True  # every point is drawn

    @property
    def visible(self) -> bool:
        return super().visible and len(self._x) > 0

    def show(self, x: Numbers = NOTHING, y: Numbers = NOTHING) -> None:
        """Draw this one; without points it is not there, and has no name in the legend."""
        self._x, self._y = x, self._y_axis.along(y)
        self._draw()

    def ranges_changed(self) -> None:
        """Only what is in sight is drawn, and no finer than pixels."""
        if not self._whole or len(self._x) > self._box.width():
            self._draw()

    def set_theme(self, theme: Theme) -> None:
        self._item.setPen(pen_of(self.ink(theme), self._width, self.style))

    def _draw(self) -> None:
        (left, right), columns = self._box.viewRange()[0], int(self._box.width())
        first, last = np.searchsorted(self._x, (left, right))
        part = slice(max(int(first) - 1, 0), int(last) + 1)
        x, y = lowest_and_highest(self._x[part], self._y[part], columns)
        self._whole = len(x) == len(self._x)
        self._item.setData(np.asarray(x, np.float64), y)


class Range(Mark):
    """The ground between two lines."""

    def __init__(self, box: Any, y_axis: Axis, ink: Ink, order: float) -> None:
        self._low, self._high = pg.PlotCurveItem(), pg.PlotCurveItem()
        super().__init__(box, ink, pg.FillBetweenItem(self._low, self._high), order)
        self._y_axis = y_axis

    def show(self, x: Numbers, low: Numbers, high: Numbers) -> None:
        """Between these; where one is no number there is no ground."""
        low, high = self._y_axis.along(low), self._y_axis.along(high)
        there = np.isfinite(low) & np.isfinite(high)
        self._low.setData(x[there], low[there])
        self._high.setData(x[there], high[there])

    def set_theme(self, theme: Theme) -> None:
        self._item.setBrush(QBrush(self.ink(theme)))


class Symbols(pg.ScatterPlotItem):
    """Dots that are shapes in drawings, not pictures of shapes."""

    def paint(self, painter: QPainter, *others: Any) -> None:
        self.opts["useCache"] = painter.paintEngine().type() not in VECTORS
        super().paint(painter, *others)


class Dots(Mark):
    """Dots of one size, or rings."""

    def __init__(self, box: Any, ink: Ink, order: float, size: float, ring: bool) -> None:
        super().__init__(box, ink, Symbols(size=size, pxMode=True, pen=None), order)
        self._ring = ring
        self._inks: Sequence[Ink] = ()
        self._theme: Theme | None = None
        self._x: Numbers = np.zeros(0)
        self._y: Numbers = np.zeros(0)

    def show(self, x: Numbers, y: Numbers, inks: Sequence[Ink] = ()) -> None:
        """Draw these, each in its own colour if colours are given; what is no number is not drawn."""
        self._x, self._y, self._inks = x, y, inks
        self._item.setData(x, y)
        if self._theme is not None:
            self.set_theme(self._theme)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        if self._ring:
            self._item.setPen(QPen(self.ink(theme), 1.5))
            self._item.setBrush(None)
        elif self._inks:
            self._item.setBrush([QBrush(ink(theme)) for ink in self._inks])
        else:
            self._item.setBrush(QBrush(self.ink(theme)))

    def nearest(self, x: float, y: float, reach: float) -> int | None:
        """The dot nearest to a place, within so many pixels."""
        wide, high = self._box.viewPixelSize()
        away = np.hypot((self._x - x) / wide, (self._y - y) / high)
        if not np.isfinite(away).any():
            return None
        found = int(np.nanargmin(away))
        return found if away[found] <= reach else None


class Bars(Mark):
    """Bars from 0 to a value, one below the other at 0, 1, 2 …; those below 0 in another colour."""

    THICKNESS = 0.62

    def __init__(self, box: Any, ink: Ink, below: Ink, order: float) -> None:
        super().__init__(box, ink, pg.BarGraphItem(x0=0, x1=[], y=[], height=self.THICKNESS, pen=None), order)
        self._below = below
        self._values: Numbers = np.zeros(0)
        self._theme: Theme | None = None

    def show(self, values: Numbers) -> None:
        """Draw these; what is no number has no bar."""
        self._values = np.nan_to_num(np.asarray(values, np.float64), nan=0.0, posinf=1e300, neginf=-1e300)
        self._draw()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._draw()

    def _draw(self) -> None:
        if self._theme is not None:
            inks = (self.ink(self._theme), self._below(self._theme))
            self._item.setOpts(x0=np.zeros(len(self._values)), x1=self._values, y=np.arange(len(self._values)),
                               brushes=[QBrush(inks[int(value < 0)]) for value in self._values])


class _Hatching(QGraphicsPolygonItem):
    """On screen only: drawings have no patterns that stay as wide as a pixel."""

    def paint(self, painter: QPainter, *others: Any) -> None:
        if painter.paintEngine().type() not in VECTORS:
            super().paint(painter, *others)


class Area(Mark):
    """A polygon: a veil over a part of the plot, hatched if wanted, or only its outline."""

    def __init__(self, box: Any, ink: Ink, order: float, hatch: Ink | None, outlined: bool) -> None:
        super().__init__(box, ink, QGraphicsPolygonItem(), order)
        self._outlined, self._hatch = outlined, hatch
        self._hatching: QGraphicsPolygonItem | None = None if hatch is None else _Hatching(self._item)
        for item in (self._item, self._hatching):
            if item is not None:
                item.setPen(QPen(Qt.PenStyle.NoPen))

    def show(self, corners: Sequence[tuple[float, float]]) -> None:
        """With these corners; none hide it."""
        polygon = QPolygonF([QPointF(*corner) for corner in corners])
        for item in (self._item, self._hatching):
            if item is not None:
                item.setPolygon(polygon)

    def rectangle(self, left: float, right: float, low: float, high: float) -> None:
        self.show([(left, low), (right, low), (right, high), (left, high)])

    def set_theme(self, theme: Theme) -> None:
        if self._outlined:
            self._item.setPen(pen_of(self.ink(theme), 1.5))
        else:
            self._item.setBrush(QBrush(self.ink(theme)))
        if self._hatching is not None and self._hatch is not None:
            self._hatching.setBrush(QBrush(self._hatch(theme), Qt.BrushStyle.BDiagPattern))
            self.ranges_changed()

    def ranges_changed(self) -> None:
        """The hatching is as wide whatever the ranges are."""
        if self._hatching is not None:
            brush = self._hatching.brush()
            brush.setTransform(self._item.sceneTransform().inverted()[0])
            self._hatching.setBrush(brush)
