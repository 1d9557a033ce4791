"""One number for each place of the input: a small grid for a picture, a bar a word for a sentence. It knows no session."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from unrolled.models.trace import FloatArray
from unrolled.viewer.panels.painting import elided, mix, signed
from unrolled.viewer.theme.colour_maps import to_colours
from unrolled.viewer.theme.fonts import mono_font, text_font
from unrolled.viewer.theme.themes import Theme

TITLE, NOTE, BAR = 18.0, 30.0, 16.0
SIDE = 128


class PlaceMap(QWidget):
    """A map with a title above and its scale in words below.

    Parameters
    ----------
    title : str
    signed_values : bool
        Drawn on both sides of 0 with a diverging map, from −largest to largest; otherwise from 0 to the largest.
    """

    def __init__(self, title: str, theme: Theme, *, signed_values: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme, self.title, self._signed = theme, title, signed_values
        self.values: FloatArray = np.zeros(0, np.float32)
        self.shape: tuple[int, ...] = ()
        self.names: tuple[str, ...] = ()
        self.note = ""
        self._image: QImage | None = None
        self._colours: npt.NDArray[np.uint8] | None = None
        self.setMinimumWidth(SIDE)
        self.setSizePolicy(QSizePolicy.Policy.MinimumExpanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(title)

    @property
    def largest(self) -> float:
        """The end of the scale."""
        finite = np.abs(self.values[np.isfinite(self.values)])
        return float(finite.max()) if finite.size else 0.0

    def set_values(self, values: FloatArray, shape: tuple[int, ...], *, names: tuple[str, ...] = (), note: str = "") -> None:
        """Show values (places,) of a grid (rows, columns), or of words (length,) that are named."""
        self.values, self.shape, self.names, self.note = values, shape, names, note
        low, high = (float(np.nanmin(values)), float(np.nanmax(values))) if values.size else (0.0, 0.0)
        self.setAccessibleDescription(f"from {signed(low, 4)} to {signed(high, 4)}. {note}")
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
        high = len(self.names) * BAR if self.names else SIDE
        return QSize(SIDE, round(TITLE + high + NOTE))

    def minimumSizeHint(self) -> QSize:
        """As large as it wants to be."""
        return self.sizeHint()

    @property
    def _plot(self) -> QRectF:
        high = len(self.names) * BAR if self.names else SIDE
        if self.names or len(self.shape) != 2:
            return QRectF(0, TITLE, min(self.width(), 260), high)
        rows, columns = self.shape
        scale = min(SIDE / columns, SIDE / rows)
        return QRectF(0, TITLE, columns * scale, rows * scale)

    def _make_image(self) -> None:
        self._image = None
        if self.names or len(self.shape) != 2 or not self.values.size:
            return
        top = self.largest or 1.0
        grid = self.values.reshape(self.shape).astype(np.float32)
        colours = to_colours(grid, low=-top, high=top, name=self.theme.diverging) if self._signed \
            else to_colours(grid, low=0.0, high=top, name="inferno")
        self._colours = np.ascontiguousarray(colours)
        rows, columns = self.shape
        self._image = QImage(self._colours.data, columns, rows, 4 * columns, QImage.Format.Format_RGBA8888)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The title, the map or the bars, and the scale."""
        theme, plot = self.theme, self._plot
        painter = QPainter(self)
        painter.setFont(text_font(11))
        painter.setPen(QColor(theme.text))
        painter.drawText(QRectF(0, 0, self.width(), TITLE), Qt.AlignmentFlag.AlignVCenter,
                         elided(self.title, text_font(11), self.width()))
        if self._image is not None:
            painter.drawImage(plot, self._image)
        elif self.names and self.values.size:
            self._paint_bars(painter, plot)
        painter.setPen(QColor(theme.muted))
        painter.setFont(mono_font(10))
        if self.values.size:
            scale = f"−{self.largest:.2g} … {self.largest:.2g}" if self._signed else f"0 … {self.largest:.2g}"
            painter.drawText(QPointF(0, plot.bottom() + 12), scale)
        painter.setFont(text_font(11))
        painter.drawText(QPointF(0, plot.bottom() + 26), elided(self.note, text_font(11), self.width()))
        painter.end()

    def _paint_bars(self, painter: QPainter, plot: QRectF) -> None:
        theme, top = self.theme, self.largest or 1.0
        names = 76.0
        room = plot.width() - names
        zero = names + (room / 2 if self._signed else 0.0)
        half = room / 2 if self._signed else room
        for place, value in enumerate(self.values):
            y = plot.top() + place * BAR
            painter.setPen(QColor(theme.muted))
            painter.drawText(QRectF(0, y, names - 6, BAR), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                             elided(self.names[place], text_font(11), int(names) - 8))
            length = half * abs(float(value)) / top if np.isfinite(value) else 0.0
            left = zero - length if value < 0 else zero
            colour = mix(theme.panel, theme.playhead if value < 0 else theme.accent, 0.75)
            painter.fillRect(QRectF(left, y + 3, max(length, 0.5), BAR - 6), colour)

    def event(self, event: QEvent) -> bool:
        """Read out what is under the pointer."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            text = self.reading(QPointF(event.pos()))
            if text:
                QToolTip.showText(event.globalPos(), text, self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def reading(self, place: QPointF) -> str:
        """What is under a place on screen, in words."""
        plot = self._plot
        if not plot.contains(place) or not self.values.size:
            return ""
        if self.names:
            word = min(int((place.y() - plot.top()) / BAR), len(self.names) - 1)
            return f"“{self.names[word]}”: {signed(float(self.values[word]), 4)}"
        rows, columns = self.shape
        row = min(int((place.y() - plot.top()) / plot.height() * rows), rows - 1)
        column = min(int((place.x() - plot.left()) / plot.width() * columns), columns - 1)
        return f"row {row + 1}, column {column + 1}: {signed(float(self.values[row * columns + column]), 4)}"
