"""A painted picture as an array, and as a file in memory."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QBuffer, QIODevice
from PySide6.QtGui import QImage

Pixels = npt.NDArray[np.uint8]


def pixels_of(image: QImage) -> Pixels:
    """An RGB888 picture as an array of its own, shape (height, width, 3)."""
    width, height = image.width(), image.height()
    lines = np.frombuffer(image.constBits(), np.uint8).reshape(height, image.bytesPerLine())
    pixels: Pixels = lines[:, : 3 * width].reshape(height, width, 3).copy()
    return pixels


def file_of(image: QImage, kind: str = "png") -> bytes:
    """A picture as the bytes of a file of this suffix. Raises `OSError`.

    Qt writes to memory, since of a file it does not say that the disk was full.
    """
    memory = QBuffer()
    memory.open(QIODevice.OpenModeFlag.WriteOnly)
    if not image.save(memory, kind):  # type: ignore[call-overload]
        raise OSError(f"“.{kind}” is not a format that it is saved in; .png is")
    return bytes(memory.data().data())
