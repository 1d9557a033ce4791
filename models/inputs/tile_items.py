"""AVIF and HEIC are grids of tiles where phones write them, and a decoder gives up a grid that lacks one. Tiles that are cut
off altogether get the beginning of one that is there, and then whatever stands in for missing bytes.

The boxes are those of ISO/IEC 14496-12, `iloc` and `infe`. It knows neither torch nor Qt.
"""

from __future__ import annotations

import re

ENTRY = re.compile(rb"infe\x02.{3}(.{2}).{2}(.{4})", re.DOTALL)
TILES = (b"av01", b"hvc1")
HEAD = 64  # bytes of a tile that say how it is coded
MOST_ITEMS = 4096


def with_all_tiles(data: bytes, there: int, fill: bytes) -> bytes:
    """A file of its full length, of which so many bytes are its own."""
    box = data.find(b"iloc")
    kinds = {int.from_bytes(number, "big"): kind for number, kind in ENTRY.findall(data[: box + 2**18])}
    version, sizes = data[box + 4], (data[box + 8] >> 4, data[box + 8] & 15, data[box + 9] >> 4)
    if box < 0 or version > 1 or len(kinds) > MOST_ITEMS:
        return data
    changed, appended = bytearray(data), bytearray()
    heads: dict[bytes, bytes] = {}
    place = box + 12
    for _ in range(int.from_bytes(data[box + 10 : box + 12], "big")):
        number = int.from_bytes(data[place : place + 2], "big")
        place += 4 + 2 * (version == 1)
        base = int.from_bytes(data[place : place + sizes[2]], "big")
        extents, place = data[place + sizes[2] : place + sizes[2] + 2], place + sizes[2] + 2
        start = base + int.from_bytes(data[place : place + sizes[0]], "big")
        length = int.from_bytes(data[place + sizes[0] : place + sizes[0] + sizes[1]], "big")
        kind = kinds.get(number, b"")
        if extents != b"\0\1" or (version == 1 and data[box + 9] & 15):
            return data
        if kind in TILES and start + HEAD <= there:
            heads.setdefault(kind, data[start : start + HEAD])
        elif kind in heads and length <= there and len(appended) <= len(data):  # an item may be named many times
            offset = len(data) + len(appended) - base
            changed[place : place + sizes[0]] = offset.to_bytes(sizes[0], "big")
            appended += (heads[kind] + fill * length)[: max(length, HEAD)]
        place += sizes[0] + sizes[1]
    return bytes(changed + appended)
