"""What a drop or the clipboard holds: files, paths that were copied as text, a picture, or a text."""

import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes

from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QImage

from unrolled.models.inputs.clips import SUFFIXES as CLIP_SUFFIXES
from unrolled.models.inputs.pictures import SUFFIXES as PICTURE_SUFFIXES
from unrolled.models.trace.names import text_name
from unrolled.viewer.drawing.images import file_of

LONGEST_PATH, SHOWN = 4096, 300  # characters
WEB = re.compile(r"[a-z][a-z0-9+.-]*://(\S+|.*\.\w{2,5})|(data|blob|about|javascript|view-source|mailto):\S+|www\.\S+\.\S+|"
                 r"([\w-]+(\.[\w-]+)+|localhost)(:\d+)?/\S*\.\w{2,5}", re.IGNORECASE)
PICTURE_OF_A_PAGE = re.compile(r"<img\b[^>]*\bsrc\s*=", re.IGNORECASE)
PATH = re.compile(r"(/|\.{1,2}/|~[\w-]*/|[A-Za-z]:[\\/]|\\\\)\S")
SUFFIX_AT_THE_END = re.compile(r"\.\w{1,12}$")


class NothingToOpen(ValueError):
    """What was pasted or dropped names something that cannot be opened: one sentence."""


def paths_of(mime: QMimeData) -> list[Path]:
    """The local files, or the paths that the text is; none where it is something else. Raises `NothingToOpen` when it names a
    file that is not there, or something on the web and no picture comes with it.
    """
    local = [_local_path(url) for url in mime.urls() if url.isLocalFile()]
    if local:
        return local
    lines = _lines_of(mime)
    files = [_local_path(QUrl(line)) for line in lines if line.lower().startswith("file:")]
    if files:
        return files
    if _is_a_picture(mime):
        return []
    if _is_of_the_web(mime):
        raise NothingToOpen("A picture on the web cannot be opened; save it first, or copy the picture.")
    if not lines or not all(PATH.match(line) or _is_name_of_a_file(line) for line in lines):
        return []
    there = [_path_that_is_there(line) for line in lines]
    if any(there):
        return [path or Path(line) for path, line in zip(there, lines, strict=True)]  # what is not there is said in its turn
    if len(lines) > 1 or (len(lines[0]) > LONGEST_PATH and " " in lines[0]):
        return []
    if " " not in lines[0] or SUFFIX_AT_THE_END.search(lines[0]):
        shown = text_name(lines[0])
        raise NothingToOpen(f"There is no file “{shown if len(shown) <= SHOWN else f'{shown[:SHOWN]}…'}”.")
    return []


def _is_name_of_a_file(line: str) -> bool:
    """Whether it is a word that ends as the files of photographs and clips do."""
    return not re.search(r"\s", line) and line.lower().endswith((*PICTURE_SUFFIXES, *CLIP_SUFFIXES))


def _path_that_is_there(line: str) -> Path | None:
    try:
        path = Path(line).expanduser()
        return path if path.exists() else None
    except (OSError, RuntimeError, ValueError):  # too long, of a person who is not there, with a zero in it: it names no file
        return None


def _local_path(url: QUrl) -> Path:
    """The path, whose bytes need be no UTF-8."""
    encoded = url.path(QUrl.ComponentFormattingOption.FullyEncoded)
    if os.name != "posix" or url.host() not in ("", "localhost"):
        return Path(url.toLocalFile())
    return Path(os.fsdecode(unquote_to_bytes(encoded)))


def picture_of(mime: QMimeData) -> bytes | None:
    """The picture as the bytes of a PNG file; None without one, and where it is one of a table's cells, whose text is there."""
    image = mime.imageData() if _is_a_picture(mime) else None
    return file_of(image) if isinstance(image, QImage) and not image.isNull() else None


def _lines_of(mime: QMimeData) -> list[str]:
    return [line.strip().strip("\"'") for line in mime.text().splitlines() if line.strip()] if mime.hasText() else []


def _is_of_the_web(mime: QMimeData) -> bool:
    lines = _lines_of(mime)
    return any(url.scheme() for url in mime.urls()) or (
        all(map(WEB.fullmatch, lines)) if lines else bool(PICTURE_OF_A_PAGE.search(mime.html())))


def _is_a_picture(mime: QMimeData) -> bool:
    """Whether there are pixels, and the text beside them is no more than where they are from or the name that they had there."""
    return mime.hasImage() and (
        PICTURE_OF_A_PAGE.search(mime.html()) is not None or _is_of_the_web(mime)
        or all(_is_name_of_a_file(line) and _path_that_is_there(line) is None for line in _lines_of(mime)))
