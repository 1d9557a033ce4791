"""What is not there of an AVIF or HEIC is filled in: they are grids of tiles where phones write them, and a decoder gives up a
grid that lacks one. Tiles that are cut off altogether get the beginning of one that is there.

The boxes are those of ISO/IEC 14496-12, `iloc`, `infe` and `iref`; units of AV1 are those of its specification, 5.3.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

ENTRY = re.compile(rb"infe\x02.{3}(.{2}).{2}(.{4})", re.DOTALL)
AV1, HEVC = b"av01", b"hvc1"
HEAD = 64  # bytes of a tile that say how it is coded
MOST_ITEMS = 4096
MOST_FILLED = 2**26
MORE_BITS = 2**15  # bytes that filled in bits may ask for beyond those that were there; AV1 is not decoded without


class Item(NamedTuple):
    """Where an item's bytes are, and where the file says so."""

    number: int
    kind: bytes
    start: int
    length: int
    base: int
    offset_at: slice
    length_at: slice


def with_all_tiles(data: bytes, there: int, fill: bytes) -> bytes:
    """A file of its full length, of which so many bytes are its own. What can be seen through is not, where that is cut."""
    items, (references, hidden) = list(_items(data)), _hidden(data)
    changed, appended = bytearray(data), bytearray()
    if any(item.number in hidden and item.start + item.length > there for item in items):
        changed[references] = data[references].replace(b"auxl", b"thmb")  # which no decoder lays over a picture
    heads: dict[bytes, bytes] = {}
    for item in items:
        begun = data[item.start : min(item.start + item.length, there)]
        if len(begun) >= HEAD:
            heads.setdefault(item.kind, begun[:HEAD])
        else:
            begun = heads.get(item.kind, b"")
        is_sound = item.length <= len(data) and len(appended) < MOST_FILLED  # an item may be named many times
        if item.start + item.length > there and begun and is_sound:
            longer = _gone_on(item.kind, begun, item.length, fill)
            for place, value in (item.offset_at, len(data) + len(appended) - item.base), (item.length_at, len(longer)):
                changed[place] = value.to_bytes(place.stop - place.start, "big")
            appended += longer
    return bytes(changed + appended)


def _items(data: bytes) -> Iterator[Item]:
    """The coded pictures in a file; none where it says where they are in a way that is not known here."""
    box = data.find(b"iloc")
    kinds = {int.from_bytes(number, "big"): kind for number, kind in ENTRY.findall(data[: box + 2**18])}
    version, sizes = data[box + 4], (data[box + 8] >> 4, data[box + 8] & 15, data[box + 9] >> 4)
    if box < 0 or version > 1 or len(kinds) > MOST_ITEMS or (version == 1 and data[box + 9] & 15):
        return
    place = box + 12
    for _ in range(int.from_bytes(data[box + 10 : box + 12], "big")):
        number = int.from_bytes(data[place : place + 2], "big")
        place += 4 + 2 * (version == 1)
        base = int.from_bytes(data[place : place + sizes[2]], "big")
        extents, place = data[place + sizes[2] : place + sizes[2] + 2], place + sizes[2] + 2
        if extents != b"\0\1":
            return
        offset_at = slice(place, place + sizes[0])
        length_at = slice(offset_at.stop, offset_at.stop + sizes[1])
        place = length_at.stop
        if kinds.get(number) in (AV1, HEVC):
            yield Item(number, kinds[number], base + int.from_bytes(data[offset_at], "big"),
                       int.from_bytes(data[length_at], "big"), base, offset_at, length_at)


def _hidden(data: bytes) -> tuple[slice, set[int]]:
    """Where a file says what belongs to what, and the items, with their tiles, that are seen only through others."""
    box = data.find(b"iref")
    end = min(box - 4 + int.from_bytes(data[box - 4 : box], "big"), box + 2**18) if box > 0 else 0
    hidden, parts, place = set[int](), dict[int, list[int]](), box + 8
    while place + 12 <= end:
        kind, origin = data[place + 4 : place + 8], int.from_bytes(data[place + 8 : place + 10], "big")
        if kind == b"auxl":
            hidden.add(origin)
        last = place + max(int.from_bytes(data[place : place + 4], "big"), 12)
        parts[origin] = [int.from_bytes(data[at : at + 2], "big") for at in range(place + 12, last, 2)] if kind == b"dimg" else []
        place = last
    return slice(max(box, 0), end), hidden.union(*(parts.get(number, ()) for number in hidden))


def _gone_on(kind: bytes, begun: bytes, length: int, fill: bytes) -> bytes:
    """A coded picture whose last unit that has begun goes on with what is filled in."""
    place, (at, size) = 0, _unit(kind, begun, 0)
    while at + size < len(begun):
        place = at + size
        at, size = _unit(kind, begun, place)
    if kind == HEVC:
        return (begun + fill * (min(size, MOST_FILLED) // len(fill) + 1))[: at + size]
    size = max(length, len(begun)) + max(length, MORE_BITS)
    number = bytes((size >> shift & 127) | 128 * (shift < 28) for shift in range(0, 35, 7))
    return begun[: place + 1 + (begun[place] >> 2 & 1)] + number + (begun[at:] + fill * (size // len(fill) + 1))[:size]


def _unit(kind: bytes, data: bytes, place: int) -> tuple[int, int]:
    """Where what a unit holds begins, and how many bytes it has."""
    if kind == HEVC:
        return place + 4, int.from_bytes(data[place : place + 4], "big")
    at = place + 1 + (data[place] >> 2 & 1)
    digits = data[at : at + 5]
    count = next((index for index, digit in enumerate(digits, 1) if digit < 128), len(digits))
    return at + count, sum((digit & 127) << 7 * index for index, digit in enumerate(digits[:count]))
