"""One number for each place of the input: a small grid for a picture, a bar a word for a sentence. It knows no session."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from unrolled.models.trace import FloatArray
from unrolled.viewer.drawing.painting import elided
from unrolled.viewer.plotting.bars import BAR, paint_bar
from unrolled.viewer.state.wording import MINUS, brief, precise
from unrolled.viewer.theme.colour_maps import colour_table, to_colours
from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.theme.themes import Theme

TITLE, SCALE, NOTE = 18.0, 26.0, 14.0
SIDE = 112
STRIP = 6.0   # the colours under the map
NAMES = 76.0


class PlaceMap(QWidget):
    """A map with a title above, its scale and a note below.

    Parameters
    ----------
    title : str
    signed_values : bool
        Drawn on both sides of 0 with a diverging map, from −largest to largest; otherwise from 0 on.
    """

    def __init__(self, title: str, theme: Theme, *, signed_values: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme, self.title, self._signed = theme, title, signed_values
        self.values: FloatArray = np.zeros(0, np.float32)
        self.shape: tuple[int, ...] = ()
        self.names: tuple[str, ...] = ()
        self.note = ""
        self._colour_map = "inferno"
        self._top: float | None = None
        self._image: QImage | None = None
        self._colours: npt.NDArray[np.uint8] | None = None
        self.setMinimumWidth(SIDE)
        self.setSizePolicy(QSizePolicy.Policy.MinimumExpanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(title)

    def set_title(self, title: str) -> None:
        """Another title."""
        if title != self.title:
            self.title = title
            self.setAccessibleName(title)
            self.update()

    @property
    def largest(self) -> float:
        """The largest value, whichever its sign."""
        finite = np.abs(self.values[np.isfinite(self.values)])
        return float(finite.max()) if finite.size else 0.0

    @property
    def top(self) -> float:
        """The end of the scale: what was given, or else the largest value."""
        return self.largest if self._top is None else self._top

    @property
    def scale_ends(self) -> tuple[str, str]:
        """What is written at the ends of the scale."""
        more = "≥ " if self.largest > self.top else ""
        return (f"{MINUS}{brief(self.top)}" if self._signed else "0"), more + brief(self.top)

    def set_values(self, values: FloatArray, shape: tuple[int, ...], *, names: tuple[str, ...] = (), note: str = "",
                   top: float | None = None, colour_map: str = "inferno") -> None:
        """Show values (places,) of a grid (rows, columns), or of words (length,) that are named.

        The scale ends at `top`; without it at the largest value. The colour map is that of values with one sign.
        """
        self.values, self.shape, self.names, self.note = values, shape, names, note
        self._top, self._colour_map = top, colour_map
        low, high = (float(np.nanmin(values)), float(np.nanmax(values))) if values.size else (0.0, 0.0)
        self.setAccessibleDescription(f"from {precise(low)} to {precise(high)}. {note}")
        self._make_image()
        self.updateGeometry()
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Other colours are in force."""
        self.theme = theme
        self._make_image()
        self.update()

    def sizeHint(self) -> QSize:
        """A square, or a line a word."""
        return QSize(SIDE, round(self._plot.bottom() + SCALE + (NOTE if self.note else 0)))

    def minimumSizeHint(self) -> QSize:
        """As large as it wants to be."""
        return self.sizeHint()

    @property
    def _plot(self) -> QRectF:
        if self.names or len(self.shape) != 2:
            return QRectF(0, TITLE, min(self.width(), 260), len(self.names) * BAR if self.names else SIDE)
        rows, columns = self.shape
        scale = min(SIDE / columns, SIDE / rows)
        return QRectF(0, TITLE, columns * scale, rows * scale)

    @property
    def _map_name(self) -> str:
        return self.theme.diverging if self._signed else self._colour_map

    def _make_image(self) -> None:
        self._image = None
        if self.names or len(self.shape) != 2 or not self.values.size:
            return
        top = self.top or 1.0
        grid = self.values.reshape(self.shape).astype(np.float32)
        self._colours = np.ascontiguousarray(to_colours(grid, low=-top if self._signed else 0.0, high=top, name=self._map_name))
        rows, columns = self.shape
        self._image = QImage(self._colours.data, columns, rows, 4 * columns, QImage.Format.Format_RGBA8888)

    # ── Painting and pointing ─────────────────────────────────────────────────────────────────────────────────

    def paintEvent(self, event: QPaintEvent) -> None:
        """The title, the map or the bars, and the scale."""
        theme, plot, font = self.theme, self._plot, text_font(11)
        painter = QPainter(self)
        painter.setFont(font)
        painter.setPen(QColor(theme.text))
        painter.drawText(QRectF(0, 0, self.width(), TITLE), Qt.AlignmentFlag.AlignVCenter,
                         elided(self.title, font, self.width()))
        if self._image is not None:
            painter.drawImage(plot, self._image)
        elif self.names and self.values.size:
            self._paint_bars(painter, plot)
        if self.values.size:
            self._paint_scale(painter, plot)
        painter.setFont(font)
        painter.setPen(QColor(theme.muted))
        painter.drawText(QPointF(0, plot.bottom() + SCALE + 9), elided(self.note, font, self.width()))
        painter.end()

    def _paint_scale(self, painter: QPainter, plot: QRectF) -> None:
        if self._image is not None:
            strip = np.ascontiguousarray(colour_table(self._map_name))
            painter.drawImage(QRectF(plot.left(), plot.bottom() + 4, plot.width(), STRIP),
                              QImage(strip.data, len(strip), 1, 4 * len(strip), QImage.Format.Format_RGBA8888))
        left = plot.left() + (NAMES if self.names else 0.0)
        line = QRectF(left, plot.bottom() + (4 + STRIP if self._image is not None else 0), plot.right() - left, 14)
        painter.setFont(text_font(10))
        painter.setPen(QColor(self.theme.muted))
        for end, side in zip(self.scale_ends, (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight), strict=True):
            painter.drawText(line, side | Qt.AlignmentFlag.AlignVCenter, end)

    def _paint_bars(self, painter: QPainter, plot: QRectF) -> None:
        for place, value in enumerate(self.values):
            y = plot.top() + place * BAR
            painter.setPen(QColor(self.theme.muted))
            painter.drawText(QRectF(0, y, NAMES - 6, BAR), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                             elided(self.names[place], text_font(11), int(NAMES) - 8))
            paint_bar(painter, self.theme, QRectF(NAMES, y, plot.width() - NAMES, BAR), float(value), largest=self.top,
                      signed=self._signed)

    def event(self, event: QEvent) -> bool:
        """Read out what is under the pointer."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.reading(QPointF(event.pos())) or self.toolTip(), self)
            return True
        return super().event(event)

    def reading(self, place: QPointF) -> str:
        """What is under a place on screen, in words."""
        plot = self._plot
        if not plot.contains(place) or not self.values.size:
            return ""
        if self.names:
            word = min(int((place.y() - plot.top()) / BAR), len(self.names) - 1)
            return f"“{self.names[word]}”: {precise(float(self.values[word]))}"
        rows, columns = self.shape
        row = min(int((place.y() - plot.top()) / plot.height() * rows), rows - 1)
        column = min(int((place.x() - plot.left()) / plot.width() * columns), columns - 1)
        return f"row {row + 1}, column {column + 1}: {precise(float(self.values[row * columns + column]))}"
