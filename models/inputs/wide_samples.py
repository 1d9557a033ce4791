"""Pictures whose samples Pillow has no place for: TIFF of odd depths or of floating point in colour, PSD of 16 and 32 bits.

They are given to Pillow as pictures of as many bytes side by side, which it unpacks; what the bytes mean is said here. It
knows neither torch nor Qt.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from unrolled.models.inputs.pixels_alone import TIFF_ORDERS

SIZES = {1: "B", 3: "H", 4: "I"}  # of a TIFF's numbers, by their kind
WIDTH, BITS, PHOTOMETRIC, SAMPLES, PLANAR, PREDICTOR = 256, 258, 262, 277, 284, 317
TILE_WIDTH, EXTRA, FORMAT = 322, 338, 339
RGB = 2  # among a TIFF's photometric interpretations
KINDS = {1: "u", 2: "i", 3: "f"}
PSD_RGB = {0: 1, 1: 1, 3: 3}  # channels that are colours, by a PSD's mode

Samples = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Wide:
    """A picture that is not decoded yet.

    Attributes
    ----------
    size : tuple of int
        Width and height in pixels.
    image : PIL.Image.Image
        Its bytes as Pillow unpacks them.
    samples : callable
        Those bytes, decoded → samples, shape (height, width, colours): whole numbers of `bits` bits, or floating point.
    bits : int
        Of a whole number; 0 of floating point.
    is_linear : bool
        Whether a sample is proportional to light.
    """

    size: tuple[int, int]
    image: Image.Image
    samples: Callable[[Samples], Samples]
    bits: int
    is_linear: bool = False

    @property
    def bytes(self) -> int:
        """Of the decoded picture."""
        return self.image.width * self.image.height * len(self.image.getbands())


def wide_picture(data: bytes) -> Wide | None:
    """A file that `pixels_alone` gave; None of any other kind. Whatever is wrong with it raises."""
    if data[:4] in TIFF_ORDERS:
        return _tiff(data, TIFF_ORDERS[data[:4]])
    return _psd(data) if data[:6] == b"8BPS\0\1" and data[22:24] in (b"\0\x10", b"\0\x20") else None


def is_clear_psd(data: bytes) -> bool:
    """Whether the channel behind the colours says where the composite is seen through; else it is a selection that was kept."""
    place = 26
    for _ in ("colours", "resources"):
        place += 4 + int.from_bytes(data[place : place + 4], "big")
    there_are_layers = any(data[place : place + 4]) and any(data[place + 4 : place + 8])
    return there_are_layers and int.from_bytes(data[place + 8 : place + 10], "big", signed=True) < 0  # how many there are


def _psd(data: bytes) -> Wide | None:
    (channels, height, width, bits, mode) = struct.unpack_from(">HIIHH", data, 12)
    if mode not in PSD_RGB:
        return None
    colours, of_each = PSD_RGB[mode] + (mode == 3 and channels == 4 and is_clear_psd(data)), bits // 8
    narrow = data[:18] + struct.pack(">IHH", width * of_each, 8, 1 if colours == 1 else mode) + data[26:]
    image = Image.open(io.BytesIO(narrow), formats=("PSD",))

    def samples(pixels: Samples) -> Samples:
        bands = pixels.reshape(height, width * of_each, -1)[..., :colours].transpose(2, 0, 1)
        found: Samples = np.ascontiguousarray(bands).view(">u2" if bits == 16 else ">f4").transpose(1, 2, 0)
        return found

    return Wide((width, height), image, samples, bits if bits == 16 else 0, is_linear=bits == 32)


def _tiff(data: bytes, order: str) -> Wide | None:
    tags, start = _directory(data, order)
    width, height, count = tags[WIDTH][0], tags[WIDTH + 1][0], tags.get(SAMPLES, (1,))[0]
    bits, kind = tags.get(BITS, (1,))[0], KINDS.get(tags.get(FORMAT, (1,))[0], "u")
    predictor, apart = tags.get(PREDICTOR, (1,))[0], tags.get(PLANAR, (1,))[0] == 2 and count > 1
    colours = 3 if tags.get(PHOTOMETRIC, (1,))[0] == RGB else 1
    if count < colours or (apart and count != 3) or (predictor != 1 and TILE_WIDTH in tags) or len(set(tags[BITS])) > 1:
        return None
    together = bits * (1 if apart else count)  # bits of a pixel that lie side by side
    row = -(-width * together // 8)
    changed = {WIDTH: row, BITS: 8, SAMPLES: 3 if apart else 1, PHOTOMETRIC: RGB if apart else 1, PREDICTOR: 1}
    if TILE_WIDTH in tags:
        changed[TILE_WIDTH] = tags[TILE_WIDTH][0] * together // 8
    image = Image.open(io.BytesIO(_with(data, order, start, changed)), formats=("TIFF",))

    def samples(pixels: Samples) -> Samples:
        rows = pixels.reshape(height, row, -1).transpose(0, 2, 1).reshape(height * (3 if apart else 1), row)
        values = _values(rows, order, bits, kind, predictor, 1 if apart else count)
        values = values[:, : width * (1 if apart else count)]
        found = values.reshape(height, 3, width).transpose(0, 2, 1) if apart else values.reshape(height, width, count)
        return found[..., :colours]

    return Wide((width, height), image, samples, 0 if kind == "f" else bits)


def _values(rows: Samples, order: str, bits: int, kind: str, predictor: int, count: int) -> Samples:
    """Rows of bytes → rows of samples, `count` of them to a pixel."""
    if predictor == 3:  # differences of bytes, the highest bytes of a row first (Adobe's technical note on floating point)
        whole = np.cumsum(rows.reshape(len(rows), -1, count), axis=1, dtype=np.uint8).reshape(len(rows), bits // 8, -1)
        return np.ascontiguousarray(whole.transpose(0, 2, 1)).view(f">f{bits // 8}")[..., 0]
    if bits in (8, 16, 32, 64):
        values = np.ascontiguousarray(rows).view(f"{order}{kind}{bits // 8}")
        if predictor != 2:
            return values
        return np.cumsum(values.reshape(len(rows), -1, count), axis=1, dtype=values.dtype).reshape(len(rows), -1)
    found = np.empty((len(rows), rows.shape[1] * 8 // bits), np.uint16 if bits <= 16 else np.uint32)
    for number, line in enumerate(rows):
        each = np.unpackbits(line)[: found.shape[1] * bits].reshape(-1, bits)
        found[number] = each @ (1 << np.arange(bits, dtype=np.int64)[::-1])
    return found


def _directory(data: bytes, order: str) -> tuple[dict[int, tuple[int, ...]], int]:
    """The whole numbers of a TIFF's first directory by their tags, and where it begins."""
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, start)
    found = {}
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, length = struct.unpack_from(f"{order}HHI", data, entry)
        if kind in SIZES and length <= 8:
            form = f"{order}{length}{SIZES[kind]}"
            place = entry + 8 if struct.calcsize(form) <= 4 else struct.unpack_from(f"{order}I", data, entry + 8)[0]
            found[tag] = struct.unpack_from(form, data, place)
    return found, start


def _with(data: bytes, order: str, start: int, changed: dict[int, int]) -> bytes:
    """A TIFF whose directory says something else; its kind of samples is left out."""
    (count,) = struct.unpack_from(f"{order}H", data, start)
    entries = {}
    for place in range(start + 2, start + 2 + 12 * count, 12):
        entries[struct.unpack_from(f"{order}H", data, place)[0]] = data[place : place + 12]
    for tag in (FORMAT, EXTRA):
        entries.pop(tag, None)
    for tag, value in changed.items():
        of_samples = changed[SAMPLES] if tag == BITS else 1
        entries[tag] = struct.pack(f"{order}HHI", tag, 4, 1) + struct.pack(f"{order}I", value)
        if of_samples > 1:
            entries[tag] = struct.pack(f"{order}HHI", tag, 3, of_samples) + struct.pack(f"{order}I", len(data))
    ends = data + struct.pack(f"{order}4H", 8, 8, 8, 0)
    directory = b"".join((struct.pack(f"{order}H", len(entries)), *(entries[tag] for tag in sorted(entries)), bytes(4)))
    return ends[:4] + struct.pack(f"{order}I", len(ends)) + ends[8:] + directory
