"""What a drop or the clipboard holds: a file, a path that was copied as text, or a picture."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QImage

from unrolled.viewer.export.pixels import file_of


def path_of(mime: QMimeData) -> Path | None:
    """The first local file, or the path that the text is; None without either."""
    for url in mime.urls():
        if url.isLocalFile():
            return Path(url.toLocalFile())
    text = mime.text().strip().strip("\"'") if mime.hasText() else ""
    if not text or "\n" in text or len(text) > 4096:
        return None
    if text.startswith("file://"):
        return Path(QUrl(text).toLocalFile())
    try:
        path = Path(text).expanduser()
        return path if path.is_absolute() and path.exists() else None
    except (OSError, RuntimeError, ValueError):
        return None


def picture_of(mime: QMimeData) -> bytes | None:
    """The picture as the bytes of a PNG file; None without one."""
    if not mime.hasImage():
        return None
    image = mime.imageData()
    if not isinstance(image, QImage) or image.isNull():
        return None
    return file_of(image)
