"""Cells in colours, and the bar that says what the colours mean."""

from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from unrolled.viewer.drawing.vector_files import VECTORS, draw_cells
from unrolled.viewer.plotting.axis import Axis, Ticks
from unrolled.viewer.plotting.library import pg
from unrolled.viewer.theme.colour_maps import colour_table
from unrolled.viewer.theme.themes import Theme

BAR_WIDTH, GAP = 9, 10


class Cells(pg.ImageItem):
    """An image whose cells keep their edges in drawings too."""

    def paint(self, painter: QPainter, *others: Any) -> None:
        if painter.paintEngine().type() not in VECTORS or self.image is None:
            super().paint(painter, *others)
            return
        if self.qimage is None:
            self.render()
        if self.qimage is not None:
            draw_cells(painter, QRectF(0, 0, *self.image.shape[1::-1]), self.qimage)


class Heatmap:
    """A grid of colours in a plot's box."""

    def __init__(self, box: Any) -> None:
        self._item = Cells()
        self._item.setZValue(-10)
        box.addItem(self._item, ignoreBounds=True)

    def show(self, colours: npt.NDArray[np.uint8] | None, *, left: float = 0.0, top: float = 0.0, opacity: float = 1.0,
             width: float = 1.0, height: float = 1.0) -> None:
        """Draw colours of shape (rows, columns, 4), RGBA, of cells so wide and high; row 0 begins at `top`."""
        if colours is None or not colours.size:
            self._item.clear()
            return
        self._item.setImage(colours, autoLevels=False, levels=None)
        self._item.setRect(QRectF(left, top, width * colours.shape[1], height * colours.shape[0]))
        self._item.setOpacity(opacity)


class ColourBar:
    """The colours of a map from below to above, with numbers."""

    def __init__(self, layout: Any, axis: Axis) -> None:
        self._axis = axis
        self._box = pg.ViewBox(enableMenu=False, enableMouse=False)
        self._box.setFixedWidth(BAR_WIDTH)
        self._box.setDefaultPadding(0)
        self._image = Cells()
        self._box.addItem(self._image)
        self._ticks = Ticks(axis, "right")
        self._ticks.linkToView(self._box)
        layout.addItem(self._box, 1, 3)
        layout.addItem(self._ticks, 1, 4)
        layout.layout.setColumnFixedWidth(2, GAP)

    def show(self, low: float, high: float, colour_map: str, ends: tuple[str, str] | None = None, *, since: float = 0.0) -> None:
        """From one value to another; `ends` are written there, where a number alone would not say all. `since`: from this
        part of the map on.
        """
        bottom, top = float(self._axis.along(low)), float(self._axis.along(high))
        table = colour_table(colour_map)
        self._image.setImage(table[round(since * len(table)) :, None, :], autoLevels=False, levels=None)
        for part in (self._box, self._ticks):
            part.show()
        self._image.setRect(QRectF(0, bottom, 1, top - bottom))
        self._ticks.write_at({} if ends is None else {bottom: ends[0], top: ends[1]})
        self._box.setRange(xRange=(0, 1), yRange=(bottom, top), padding=0)

    def hide(self) -> None:
        for part in (self._box, self._ticks):
            part.hide()

    def set_theme(self, theme: Theme) -> None:
        self._ticks.set_theme(theme)
