"""A painted picture as an array."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QImage

Pixels = npt.NDArray[np.uint8]


def pixels_of(image: QImage) -> Pixels:
    """An RGB888 picture as an array of its own, shape (height, width, 3)."""
    width, height = image.width(), image.height()
    lines = np.frombuffer(image.constBits(), np.uint8).reshape(height, image.bytesPerLine())
    pixels: Pixels = lines[:, : 3 * width].reshape(height, width, 3).copy()
    return pixels
