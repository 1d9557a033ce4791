"""What a file is, told by its first bytes: neither its suffix nor the model that is loaded has a say."""

import io
import re
from pathlib import Path

from PIL import Image

from unrolled.models.inputs.animations import begun_frames
from unrolled.models.inputs.encodings import wide_encoding
from unrolled.models.inputs.marks import MARKS, SVG
from unrolled.models.inputs.pictures import FORMATS
from unrolled.models.inputs.pixels_alone import pixels_alone

HEAD = 64 * 1024  # bytes that are looked at
QUICK_BYTES = 512 * 1024
QUICK_PIXELS = 4_000_000
MOST_CONTROL = 0.02  # of a text's characters

PLAIN_PICTURE = re.compile(rb"P[123]\s+(#[^\n]*\n\s*)*\d+\s+\d+\s")  # one that is written in figures
VIDEOS = {b"\x1a\x45\xdf\xa3": "matroska", b"FLV\1": "flv", b"OggS": "ogg", b"\0\0\1\xba": "mpeg", b"\0\0\1\xb3": "mpegvideo",
          b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "asf"}
BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")  # what an MP4 begins with
PICTURE_BRANDS = (b"avif", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1")
UTF_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")


def video_format(head: bytes) -> str:
    """FFmpeg's name of the container that begins so; empty for whatever is none of those that are read."""
    if head[4:8] in BOXES and head[8:12] not in PICTURE_BRANDS:
        return "mov"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    for packet in (188, 192):  # a transport stream has a mark at every packet
        start = packet - 188
        if len(head) > start + 2 * packet and head[start] == head[start + packet] == head[start + 2 * packet] == 0x47:
            return "mpegts"
    return next((name for mark, name in VIDEOS.items() if head.startswith(mark)), "")


def media_of(data: bytes) -> tuple[str, ...]:
    """What a file can be read as: ``clip``, ``picture``, ``text``, the fittest first; nothing where its bytes do not tell.

    Parameters
    ----------
    data : bytes
        The file, or its beginning.
    """
    if _is_animated(data):
        return ("clip", "picture")
    if video_format(data) or data.startswith(b"\x93NUMPY"):
        return ("clip",)
    is_box = data[4:8] == b"ftyp"  # of a brand that is no video's
    is_picture = data.startswith(MARKS) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")
    if (is_picture and not _is_text(data)) or is_box or PLAIN_PICTURE.match(data):
        return ("picture",)
    if SVG.match(data[:4096]):
        return ("text", "picture")  # for a model of pictures it is none, and what it is can be said
    return ("text",) if _is_text(data) or wide_encoding(data[:HEAD]) else ()


def head_of(path: Path, length: int = HEAD) -> bytes:
    """The first bytes of a file; none where it cannot be read, or is none."""
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(length)
    except OSError:
        return b""


def media_of_file(path: Path) -> tuple[str, ...]:
    """The same of a file; nothing where it cannot be read."""
    head = head_of(path)
    return media_of(head_of(path, 200 * HEAD) if head.startswith(b"GIF8") else head)


def quick_to_read(data: bytes, medium: str) -> bool:
    """Whether an input can be read while a window waits: in some hundredths of a second."""
    if len(data) > QUICK_BYTES:
        return False
    if medium != "picture":
        return True
    try:
        with Image.open(io.BytesIO(pixels_alone(data)[0]), formats=FORMATS) as image:
            return image.width * image.height <= QUICK_PIXELS
    except Exception:  # what is wrong with it is said when it is read
        return True


def _is_animated(data: bytes) -> bool:
    if data.startswith(b"\x89PNG\r\n"):
        return b"acTL" in data[: data.find(b"IDAT") if b"IDAT" in data else HEAD]
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return data[12:16] == b"VP8X" and len(data) > 20 and bool(data[20] & 0x02)
    if data[4:12] == b"ftypavis":
        return True
    return data.startswith(b"GIF8") and begun_frames(data, most=1) > 1


def _is_text(data: bytes) -> bool:
    head = data[:HEAD]
    if not head or head.startswith(UTF_MARKS):
        return bool(head)
    if head.count(0):
        return False
    control = sum(head.count(code) for code in (*range(1, 9), 11, *range(14, 27), *range(28, 32), 127))
    return control <= MOST_CONTROL * len(head)
