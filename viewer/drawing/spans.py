"""Upright spans as a picture, a column each: how ranges are drawn where several steps share a column of pixels.

A thousand rectangles take Qt longer than a frame's share; one picture does not. It knows neither session nor trace.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

Heights = npt.NDArray[np.floating]


def paint_spans(painter: QPainter, place: QRectF, tops: Heights, bottoms: Heights, colour: QColor, ratio: float) -> None:
    """Paint a span in each of the columns that a place is divided into; at least a pixel high.

    Parameters
    ----------
    place : QRectF
        In device-independent pixels.
    tops, bottoms : arrays, shape (columns,)
        In the same pixels; nan for none.
    ratio : float
        The screen's pixels in each of them.
    """
    rows = max(round(place.height() * ratio), 1)
    with np.errstate(invalid="ignore"):
        first = np.floor((tops - place.top()) * ratio)
        last = np.maximum(np.ceil((bottoms - place.top()) * ratio), first + 1)
        row = np.arange(rows, dtype=np.float32)[:, None]
        inside = (row >= first.astype(np.float32)) & (row < last.astype(np.float32))  # (rows, columns); never for nan
    alpha = colour.alphaF()
    red, green, blue = (round(part * alpha) for part in (colour.red(), colour.green(), colour.blue()))
    pixels = inside.astype(np.uint32) * np.uint32(colour.alpha() << 24 | red << 16 | green << 8 | blue)
    image = QImage(pixels.data, len(tops), rows, 4 * len(tops), QImage.Format.Format_ARGB32_Premultiplied)
    painter.drawImage(place, image)
