"""Pictures of Qt's from arrays, as arrays, and as files in memory."""

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QBuffer, QIODevice
from PySide6.QtGui import QImage

Pixels = npt.NDArray[np.uint8]


def image_of(pixels: Pixels) -> QImage:
    """An array of shape (height, width, 3), or (height, width, 4) with alpha, as a picture of its own."""
    height, width, deep = pixels.shape
    kind = QImage.Format.Format_RGBA8888 if deep == 4 else QImage.Format.Format_RGB888
    return QImage(np.ascontiguousarray(pixels).data, width, height, deep * width, kind).copy()


def overlay_of(colours: Pixels) -> QImage:
    """Colours with alpha, shape (height, width, 4), as a picture that is soon painted over another."""
    return image_of(colours).convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)


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
