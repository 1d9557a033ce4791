"""What a drop or the clipboard holds: files, paths that were copied as text, a picture, or a text."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QImage

from unrolled.models.trace.names import text_name
from unrolled.viewer.export.pixels import file_of

LONGEST_PATH = 4096
WEB = re.compile(r"(https?|ftp|data|blob):\S+", re.IGNORECASE)
ABSOLUTE = re.compile(r"(/|~/|[A-Za-z]:[\\/]|\\\\)\S")
SUFFIX_AT_THE_END = re.compile(r"\.\w{1,12}$")


class NothingToOpen(ValueError):
    """What was pasted or dropped names something that cannot be opened: one sentence."""


def paths_of(mime: QMimeData) -> list[Path]:
    """The local files, or the paths that the text is; none where it is something else. Raises `NothingToOpen` when it names a
    file that is not there, or something on the web and no picture comes with it.
    """
    local = [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]
    if local:
        return local
    lines = [line.strip().strip("\"'") for line in mime.text().splitlines() if line.strip()] if mime.hasText() else []
    files = [Path(QUrl(line).toLocalFile()) for line in lines if line.lower().startswith("file:")]
    if files:
        return files
    if not mime.hasImage() and (any(url.scheme() for url in mime.urls()) or (lines and all(map(WEB.fullmatch, lines)))):
        raise NothingToOpen("A picture on the web cannot be opened; save it first, or copy the picture.")
    if len(lines) != 1 or len(lines[0]) > LONGEST_PATH or not ABSOLUTE.match(lines[0]):
        return []
    try:
        path = Path(lines[0]).expanduser()
        if path.exists():
            return [path]
    except (OSError, RuntimeError, ValueError):
        return []
    if " " not in lines[0] or SUFFIX_AT_THE_END.search(lines[0]):
        raise NothingToOpen(f"There is no file “{text_name(lines[0])}”.")
    return []


def picture_of(mime: QMimeData) -> bytes | None:
    """The picture as the bytes of a PNG file; None without one."""
    if not mime.hasImage():
        return None
    image = mime.imageData()
    if not isinstance(image, QImage) or image.isNull():
        return None
    return file_of(image)
