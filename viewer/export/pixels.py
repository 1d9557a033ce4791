"""A painted picture as an array, and as a file in memory."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QBuffer, QIODevice
from PySide6.QtGui import QImage

Pixels = npt.NDArray[np.uint8]


def pixels_of(image: QImage) -> Pixels:
    """A picture as an array of its own, shape (height, width, 3), or (height, width, 4) where it can be seen through."""
    clear = image.hasAlphaChannel()
    image = image.convertToFormat(QImage.Format.Format_RGBA8888 if clear else QImage.Format.Format_RGB888)
    width, height, deep = image.width(), image.height(), 4 if clear else 3
    lines = np.frombuffer(image.constBits(), np.uint8).reshape(height, image.bytesPerLine())
    pixels: Pixels = lines[:, : deep * width].reshape(height, width, deep).copy()
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
