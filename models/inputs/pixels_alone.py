"""A photograph's file without what its pixels do not need, and how it lies: what is broken elsewhere costs nothing."""

import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress

ORIENTATION = 0x0112
WIDTHS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}  # of the whole numbers that EXIF has, by their type
PNG_MARK = b"\x89PNG\r\n\x1a\n"
NEEDED_CHUNKS = (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"sRGB", b"iCCP", b"acTL", b"fcTL", b"fdAT")
MOST_PROFILE = 2**24  # bytes of a colour profile
WEBP_CHUNKS = (b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP")
WEBP_FLAGS = 0x32  # of an extended WebP: animation, transparency, colour profile
NEEDED_SEGMENT = re.compile(rb"\xff[\xc0-\xc2\xc4\xdb\xdd]\0")  # of a JPEG: tables, and the size


def pixels_alone(data: bytes) -> tuple[bytes, int]:
    """A JPEG's, PNG's or WebP's bytes without metadata but for its colours, any other file's as they are; and the
    orientation as EXIF counts it: 1 where the file does not say, or says nonsense, 0 where nothing was looked for.
    """
    if data.startswith(b"\xff\xd8"):
        return _jpeg(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    return _png(data) if data.startswith(PNG_MARK) else (data, 0)


def _jpeg(data: bytes) -> tuple[bytes, int]:
    kept, place, orientation = [data[:2]], 2, 1
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xDA:  # the picture itself
            break
        if marker == 0xFF:
            place += 1
            continue
        is_metadata = marker == 0xFE or (0xE1 <= marker <= 0xEF and marker != 0xEE)
        length = 2 if marker == 0x01 or 0xD0 <= marker <= 0xD9 else 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        if is_metadata and (length < 4 or data[place + length : place + length + 1] != b"\xff"):  # it lies about its length
            found = NEEDED_SEGMENT.search(data, place + 4)
            length = found.start() - place if found is not None else length
        segment = data[place : place + length]
        if marker == 0xE1 and segment[4:10] == b"Exif\0\0" and orientation == 1:
            orientation = stored_orientation(segment[10:])
        if not is_metadata or segment[4:].startswith(b"ICC_PROFILE\0"):
            kept.append(segment)
        place += max(length, 2)
    return b"".join((*kept, data[place:])), orientation


def _png(data: bytes) -> tuple[bytes, int]:
    kept, orientation = [PNG_MARK], 1
    for name, content in _chunks(data):
        if name == b"eXIf":
            orientation = stored_orientation(content.removeprefix(b"Exif\0\0"))
        if name in NEEDED_CHUNKS and (name != b"iCCP" or _is_profile(content)):
            kept += [struct.pack(">I", len(content)), name, content, struct.pack(">I", zlib.crc32(name + content))]
    return b"".join(kept), orientation


def _is_profile(content: bytes) -> bool:
    """Whether what is packed behind a profile's name can be unpacked, and is no bomb."""
    _, _, packed = content.partition(b"\0")
    unpacking = zlib.decompressobj()
    with suppress(zlib.error):
        unpacking.decompress(packed[1:], MOST_PROFILE)
        return packed[:1] == b"\0" and not unpacking.unconsumed_tail
    return False


def _webp(data: bytes) -> tuple[bytes, int]:
    """Whatever is cut off behind the picture, or behind the last whole frame of an animation, is left out."""
    kept, orientation, place = [b"WEBP"], 1, 12
    while place + 8 <= len(data):
        name, length = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "little")
        content = data[place + 8 : place + 8 + length]
        if name == b"EXIF":
            orientation = stored_orientation(content.removeprefix(b"Exif\0\0"))
        if name == b"VP8X" and content:
            kept += [data[place : place + 8], bytes([content[0] & WEBP_FLAGS]), content[1:]]
        elif name in WEBP_CHUNKS and (len(content) == length or name != b"ANMF"):
            kept += [data[place : place + 8], content, b"\0" * (length % 2)]
        place += 8 + length + length % 2
    whole = b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(whole)) + whole, orientation


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(PNG_MARK)
    while place + 8 <= len(data):
        length, name = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        yield name, data[place + 8 : place + 8 + length]  # the last one may be cut off
        place += 12 + length


def stored_orientation(exif: bytes) -> int:
    """The orientation alone, of the bytes that begin with the order of their bytes."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2], "")
    with suppress(struct.error):
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for number in range(count):
            entry = start + 2 + 12 * number
            tag, kind = struct.unpack_from(f"{order}HH", exif, entry)
            if tag == ORIENTATION and kind in WIDTHS:
                return int(struct.unpack_from(order + WIDTHS[kind], exif, entry + 8)[0])
    return 1
