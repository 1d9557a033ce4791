"""Whether a film's file ends where its container says that it ends.

Some containers say how long they are (AVI, MP4, Matroska, WMV, most FLV) or mark their end (Ogg, sometimes MPEG), and a part
that is begun and not finished tells it of any. A transport stream, a program stream without an end code, fragments without
an index and what was written to a pipe do not tell when they are cut exactly between two parts.
"""

import struct
from collections.abc import Callable
from itertools import pairwise

LIVE_SIZES = (0, 0x7FFFFFFF, 0xFFFFFFFF)  # of an AVI whose writer could not go back to its beginning
AVI_SLACK = 9           # bytes by which an AVI's length may be wrong: some writers count its head too
FLV_LATE = 4.0          # by so many times the longest time between two tags a duration may be too long
EBML_OPEN = (0x18538067, 0x1F43B675)  # segment and cluster, whose parts are looked at where they do not say how long they are
ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
ASF_PACKET = 8  # in its first half of a byte
OGG_VIDEO = (b"\x80theora", b"OVP80", b"BBCD\0", b"\1video")
LAST_PACKETS = 4000  # of a transport stream; no part that says how long it is goes over more
PROGRAM_END, SEQUENCE_END = b"\0\0\1\xb9", b"\0\0\1\xb7"


def is_cut_off(data: bytes, kind: str) -> bool | None:
    """True where bytes are missing at the end, False where none are, None where the file does not tell.

    Parameters
    ----------
    kind : str
        The container, by FFmpeg's name.
    """
    try:
        return READERS[kind](data) if kind in READERS else None
    except (struct.error, IndexError):  # the head of a part is cut
        return True


def _mov(data: bytes) -> bool | None:
    place, ends, names = 0, 0, set()
    while place + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, place)
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, place + 8)
        if size == 0 and name == b"mdat":  # to the end, wherever that is
            return None
        if size < 8 or not name.isalnum():
            break
        if name == b"sidx":
            ends = max(ends, place + size + _of_fragments(data, place))
        names.add(name)
        place += size
    if max(place, ends) > len(data) or not {b"moov", b"mdat"} <= names:
        return True
    return None if b"moof" in names and b"mfra" not in names else False


def _of_fragments(data: bytes, place: int) -> int:
    """How many bytes of fragments follow their index."""
    wide = data[place + 8] > 0
    (first,) = struct.unpack_from(">Q" if wide else ">I", data, place + (28 if wide else 24))
    start = place + (40 if wide else 32)
    (count,) = struct.unpack_from(">H", data, start - 2)
    return int(first + sum(struct.unpack_from(">I", data, start + 12 * number)[0] & 0x7FFFFFFF for number in range(count)))


def _avi(data: bytes) -> bool | None:
    (size,) = struct.unpack_from("<I", data, 4)
    if size not in LIVE_SIZES:
        return bool(8 + size - len(data) >= AVI_SLACK)
    place = 12
    while place + 8 <= len(data):
        is_open = data[place : place + 4] == b"LIST" and data[place + 8 : place + 12] in (b"movi", b"rec ")
        (size,) = struct.unpack_from("<I", data, place + 4)
        place += 12 if is_open else 8 + size + size % 2
    return True if place > len(data) + 1 else None


def _matroska(data: bytes) -> bool | None:
    place, says = 0, False
    while place < len(data):
        name, after = _ebml_number(data, place, marked=True)
        size, after = _ebml_number(data, after)
        if size >= 0:
            says = says or name in EBML_OPEN[:1]
            place = after + size
        elif name in EBML_OPEN:
            place = after
        else:
            return None
    return True if place > len(data) else False if says else None


def _ebml_number(data: bytes, place: int, marked: bool = False) -> tuple[int, int]:
    """A number and the place behind it; -1 where all its bits are set, which says that it is unknown."""
    width = 9 - data[place].bit_length()
    if width > 8:
        return -1, place + 1
    if place + width > len(data):
        raise IndexError("it is cut off")
    number, mark = int.from_bytes(data[place : place + width], "big"), 1 << 7 * width
    return number if marked else -1 if number - mark == mark - 1 else number - mark, place + width


def _ogg(data: bytes) -> bool | None:
    place, videos, ended = 0, set(), set()
    while place < len(data):
        if data[place : place + 4] != b"OggS":
            place = data.find(b"OggS", place)
            if place < 0:
                break
        flags, segments, stream = data[place + 5], data[place + 26], data[place + 14 : place + 18]
        start = place + 27 + segments
        if len(data) < start + sum(data[place + 27 : start]):
            return True
        if flags & 2 and data.startswith(OGG_VIDEO, start):
            videos.add(stream)
        if flags & 4:
            ended.add(stream)
        place = start + sum(data[place + 27 : start])
    return not videos <= ended


def _flv(data: bytes) -> bool | None:
    size, duration = (_of_metadata(data, name) for name in (b"filesize", b"duration"))
    place, times = int.from_bytes(data[5:9], "big") + 4, [0]
    while place + 11 <= len(data):
        times.append(int.from_bytes(data[place + 4 : place + 7], "big") + (data[place + 7] << 24))
        place += 15 + int.from_bytes(data[place + 1 : place + 4], "big")
    if place > len(data) + 4 or size > len(data):
        return True
    if size or not duration:
        return False if size else None
    steps = [later - earlier for earlier, later in pairwise(times)]
    return 1000 * duration - max(times) > FLV_LATE * max(steps, default=0)


def _of_metadata(data: bytes, name: bytes) -> float:
    """A number that an FLV says of itself; 0 where it does not."""
    place = data[:8192].find(struct.pack(">H", len(name)) + name + b"\0") + len(name) + 3
    return float(struct.unpack_from(">d", data, place)[0]) if place >= len(name) + 3 else 0.0


def _asf(data: bytes) -> bool | None:
    place, packet = 0, 0
    properties = data.find(ASF_PROPERTIES)
    if properties >= 0:
        (packet,) = struct.unpack_from("<I", data, properties + 92)
    while place + 24 <= len(data):
        (size,) = struct.unpack_from("<Q", data, place + 16)
        if data[place : place + 16] == ASF_DATA and size <= 50:  # written without knowing how long it would be
            rest = (len(data) - place - 50) % packet if packet else 0  # an index, or the beginning of a packet
            return True if rest and data[-rest] >> 4 == ASF_PACKET else None
        if size < 24:
            return None
        place += size
    return place > len(data)


def _mpegts(data: bytes) -> bool | None:
    """It has no end; only a packet, or a part that says how long it is, of which not all is there tells that there was more."""
    packet = 188 if data[0] == data[188] == 0x47 else 192
    begun = len(data) % packet
    if begun > packet - 188 and data[len(data) - begun + packet - 188] == 0x47:
        return True
    lacks: dict[int, int] = {}  # bytes, by the stream
    for end in range(max(len(data) // packet - LAST_PACKETS, 1) * packet, len(data) + 1, packet):
        head = data[end - 188 : end]
        body = head[4 + (1 + head[4] if head[3] & 0x20 else 0) :]
        stream = (head[1] & 0x1F) << 8 | head[2]
        if head[1] & 0x40 and body[:3] == b"\0\0\1":
            length = int.from_bytes(body[4:6], "big")
            lacks[stream] = length + 6 if length else 0
        lacks[stream] = lacks.get(stream, 0) - len(body)
    return True if any(left > 0 for left in lacks.values()) else None


def _mpeg(data: bytes) -> bool | None:
    place = 0
    while data[place : place + 3] == b"\0\0\1":
        code = data[place + 3]
        if code == PROGRAM_END[-1]:
            return False
        if code == 0xBA:
            place += 12 if data[place + 4] >> 4 == 2 else 14 + (data[place + 13] & 7)
        elif code > 0xBA:
            place += 6 + int.from_bytes(data[place + 4 : place + 6], "big")
        else:
            break
    return True if place > len(data) else None


READERS: dict[str, Callable[[bytes], bool | None]] = {
    "mov": _mov, "avi": _avi, "matroska": _matroska, "ogg": _ogg, "flv": _flv, "asf": _asf, "mpegts": _mpegts, "mpeg": _mpeg,
    "mpegvideo": lambda data: False if data.rstrip(b"\0").endswith(SEQUENCE_END) else None}
