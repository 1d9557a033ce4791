"""A fixed amount of painting, by which figures of two machines, or of two hours of one, can be compared."""

import time

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter, QPixmap

from unrolled.viewer.theme.fonts import text_font

SIZE = 1600, 1000
IMAGE_SIDE = 512
COLUMNS, LINES = 10, 20
REPEATS = 15


class Reference:
    """Paints the same again and again, and says how long it took.

    Once is: an opaque image of 512 × 512 pixels scaled, without smoothing, to a pixmap of 1600 × 1000, and 200 words of
    11 pixels written over it, each at a place of its own. Needs a QGuiApplication.
    """

    def __init__(self) -> None:
        self._pixmap = QPixmap(*SIZE)
        pixels = np.random.default_rng(0).integers(0, 2**24, (IMAGE_SIDE, IMAGE_SIDE), np.uint32) | np.uint32(0xFF000000)
        self._image = QImage(pixels.data, IMAGE_SIDE, IMAGE_SIDE, 4 * IMAGE_SIDE, QImage.Format.Format_RGB32).copy()
        self._took: list[float] = []

    def sample(self, repeats: int = REPEATS) -> None:
        """Paint it so many times more: before, between and after what it is held against."""
        for _ in range(repeats):
            began = time.perf_counter()
            self._paint()
            self._took.append((time.perf_counter() - began) * 1000)

    @property
    def milliseconds(self) -> float:
        """The median of all times so far."""
        return round(float(np.median(self._took)), 3)

    def spread(self, milliseconds: list[float]) -> dict[str, float]:
        """Median and 95th percentile of some times, and the median as a multiple of this one."""
        median, p95 = float(np.median(milliseconds)), float(np.percentile(milliseconds, 95))
        return {"median": round(median, 2), "p95": round(p95, 2), "of_reference": round(median / self.milliseconds, 2)}

    def _paint(self) -> None:
        with QPainter(self._pixmap) as painter:
            painter.drawImage(QRectF(0, 0, *SIZE), self._image)
            painter.setFont(text_font(11))
            painter.setPen(QColor("black"))
            for number in range(COLUMNS * LINES):
                line, column = divmod(number, COLUMNS)
                painter.drawText(QPointF(20 + column * SIZE[0] / COLUMNS, 20 + line * SIZE[1] / LINES), f"word {number}")
