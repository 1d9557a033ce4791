"""Whether a picture's file ends too early, by what it says of itself, and how one is decoded all the same."""

import struct

from unrolled.models.inputs.tile_items import with_all_tiles

PNG_MARK = b"\x89PNG\r\n\x1a\n"
JP2_MARK, J2K_MARK = b"\0\0\0\x0cjP  ", b"\xffO\xffQ"
MOST_TIMES = 10  # as many bytes as there are can be filled in
MOST_TAGS, PHOTOSHOP_HEADER, FIRST_BOXES = 200, 26, 64
OF_THE_END = ("truncated", "EOF", "not enough image data")  # in what Pillow says of a file that ends too early
ICO_MARK = b"\0\0\1\0"
JPEG_SCAN, JPEG_END = b"\xff\xda", b"\xff\xd9"
TILE_PART, CODESTREAM_END = b"\xff\x90\0\x0a", b"\xff\xd9"  # of JPEG 2000; neither occurs within a packet
FILLS = (b"\0", b"\x10", b"\x40", b"\x80", b"\1", b"\xff", b"\xa5\x3c\x96")
"""What stands in for missing bytes where a decoder wants all of them; rows that differ between two are missing."""


def promised_length(data: bytes) -> int:
    """How many bytes a file has at least, as it says itself; 0 of a kind that does not say."""
    if data[:4] == b"RIFF":
        return 8 + int.from_bytes(data[4:8], "little")
    if data.startswith(b"BM"):
        return int.from_bytes(data[2:6], "little")
    if data[:2] in (b"II", b"MM"):  # its directory, which may stand at the end
        wide, order = b"+" in data[2:4], "<" if data[:2] == b"II" else ">"
        head, count, entry = (16, "QQ", 20) if wide else (8, "IH", 12)
        if len(data) < head:
            return head
        (place,) = struct.unpack_from(order + count[0], data, head - struct.calcsize("=" + count[0]))
        number = data[place : place + struct.calcsize("=" + count[1])].ljust(8, b"\0")
        tags: int = struct.unpack_from(order + count[1], number)[0]
        return int(place) + 2 + entry * min(tags, MOST_TAGS)
    if data.startswith(b"8BPS"):
        return PHOTOSHOP_HEADER
    if data.startswith(ICO_MARK):
        entries = (data[place : place + 8] for place in range(14, 6 + 16 * int.from_bytes(data[4:6], "little"), 16))
        ends: list[int] = [sum(struct.unpack("<II", entry.ljust(8, b"\0"))) for entry in entries]
        return max([*ends, 22])
    place = 0
    if data.startswith(PNG_MARK):
        place, name = len(PNG_MARK), b""
        while name != b"IEND" and place < len(data):
            if data[place] & 0x80:  # no chunk is as long
                return 0
            name, place = data[place + 4 : place + 8], place + 12 + int.from_bytes(data[place : place + 4], "big")
        return place + 12 * (name != b"IEND" and place == len(data))
    while _has_boxes(data) and place + 8 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        if length == 1:
            length = int.from_bytes(data[place + 8 : place + 16], "big")
        place += length
        if length < 8:  # the last one, which goes on to the end
            return 0
    return place + 8 * (0 < place == len(data) <= FIRST_BOXES)  # nothing but what the file calls itself


def is_cut(data: bytes, error: object = "") -> bool:
    """Whether a file that cannot be decoded ends before its end; of a kind that does not tell, what the decoder's error says."""
    if data.startswith(b"\xff\xd8"):
        return data.rfind(JPEG_END) <= data.rfind(JPEG_SCAN)
    if data.startswith((b"GIF8", J2K_MARK)):
        return not data.rstrip(b"\0").endswith((b";", CODESTREAM_END))
    promised = promised_length(data)
    return promised > len(data) or (not promised and any(word in str(error) for word in OF_THE_END))


def lengths_in_words(data: bytes, needed: int = 0) -> str:
    """How much of a file there is: ``12 of at least 34 bytes``."""
    length, promised = len(data), needed or promised_length(data)
    return f"it has {length:,} of at least {promised:,} bytes" if promised > length else f"it ends after {length:,} bytes"


def is_fillable(data: bytes) -> bool:
    """Whether a file is of a kind whose decoder would take anything in place of missing bytes."""
    return (data[:4] == b"RIFF" and data[8:12] == b"WEBP") or data.startswith(J2K_MARK) or _has_boxes(data)


def filled(data: bytes, fill: bytes) -> bytes:
    """A file of as many bytes as it promises; of JPEG 2000, the end stands where the last tile does that has begun."""
    tile = data.rfind(TILE_PART) if data.startswith((JP2_MARK, J2K_MARK)) else -1
    if tile >= 0:
        ends = tile + int.from_bytes(data[tile + 6 : tile + 10], "big")
        data = _longer(data, min(ends, MOST_TIMES * len(data)), fill) + CODESTREAM_END
    whole = _longer(data, promised_length(data), fill)
    return with_all_tiles(whole, len(data), fill) if data[4:8] == b"ftyp" else whole


def _longer(data: bytes, length: int, fill: bytes) -> bytes:
    lacks = max(length - len(data), 0)
    return data + (fill * (lacks // len(fill) + 1))[:lacks]


def _has_boxes(data: bytes) -> bool:
    return data[4:8] == b"ftyp" or data.startswith(JP2_MARK)
