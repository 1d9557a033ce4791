"""What the files of pictures begin with, those that are read and those that are not."""

import re

MARKS = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"8BPS", b"\0\0\0\x0cjP  ",
         b"\xffO\xffQ", b"\0\0\1\0", b"P4", b"P5", b"P6")
"""Of kinds that are read, where it is the same for all of a kind."""

OTHER_KINDS = {
    "a JPEG XL picture": (b"\xff\x0a", b"\0\0\0\x0cJXL "),
    "a JPEG XR picture": (b"II\xbc",),
    "a JPEG-LS picture": (b"\xff\xd8\xff\xf7",),
    "a QOI picture": (b"qoif",),
    "a texture (DDS)": (b"DDS ",),
    "a picture of a high dynamic range (OpenEXR, Radiance)": (b"v/1\1", b"#?RADIANCE", b"#?RGBE"),
    "a camera's raw photograph": (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb"),
    "a GIMP project": (b"gimp xcf",),
    "a PDF document": (b"%PDF",),
    "a PostScript drawing": (b"%!PS", b"\xc5\xd0\xd3\xc6"),
    "a Windows metafile": (b"\xd7\xcd\xc6\x9a",),
}
SVG = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|<\?xml[^>]*>|<!--(?:(?!-->).)*-->|<!DOCTYPE[^>]*>)*<svg\b", re.DOTALL)
LATE = re.compile(rb"\xff\xd8\xff[\xc0-\xfe]|\x89PNG\r\n\x1a\n|RIFF.{4}WEBP", re.DOTALL)
RAW_BRAND = b"ftypcrx "


def is_marked(data: bytes) -> bool:
    """Whether a file begins as a picture does whose kind is beyond doubt."""
    return data.startswith(tuple(mark for mark in MARKS if len(mark) > 2)) or data[4:8] == b"ftyp" or (
        data[:4] == b"RIFF" and data[8:12] == b"WEBP")


def begins_late(data: bytes) -> int:
    """Where a photograph begins that has something else in front, as a server's answer or an empty line; 0 for any other file."""
    found = LATE.search(data[:4096]) if not is_marked(data) else None
    return found.start() if found is not None else 0


def other_kind(data: bytes) -> str:
    """A kind that is not read, for a sentence; empty for any other file."""
    if SVG.match(data[:4096]):
        return "an SVG drawing"
    if data[4:12] == RAW_BRAND:
        return "a camera's raw photograph"
    return next((kind for kind, marks in OTHER_KINDS.items() if data.startswith(marks)), "")
