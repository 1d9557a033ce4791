"""The colours of a map from below to above, with what stands at the two ends."""

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QLinearGradient, QPainter

from unrolled.viewer.export.type_setting import BOTTOM, LEFT, TOP, font, write
from unrolled.viewer.theme.colour_maps import colour_table
from unrolled.viewer.theme.themes import Theme

STOPS = 33


def draw_colour_bar(painter: QPainter, place: QRectF, *, colour_map: str, ends: tuple[str, str], letter: float,
                    theme: Theme) -> None:
    """Draw the bar, a shape in a vector file too, and right of it its ends."""
    table = colour_table(colour_map)
    ramp = QLinearGradient(place.bottomLeft(), place.topLeft())
    for level in np.linspace(0, len(table) - 1, STOPS).round().astype(int):
        ramp.setColorAt(level / (len(table) - 1), QColor(*table[level].tolist()))
    painter.fillRect(place, ramp)
    beside = QRectF(place.right() + 0.4 * letter, place.top(), 8 * letter, place.height())
    for words, where in zip(ends, (BOTTOM, TOP), strict=True):
        write(painter, beside, words, LEFT | where, used=font(letter), colour=theme.muted)
