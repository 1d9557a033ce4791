"""The composite of a Photoshop file, PSD or PSB, of every depth and mode; its layers are skipped, whatever is in them.

A layout is as in Adobe's “Photoshop File Formats Specification”.
"""

import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from unrolled.models.inputs.samples import MODES, Samples

MARK = b"8BPS"
COLOUR_MODES = {0: "L", 1: "L", 2: "L", 3: "RGB", 4: "CMYK", 7: "L", 8: "L", 9: "LAB"}
BITMAP, INDEXED = 0, 2
PROFILE, VERSION = 1039, 1057  # resources
DEEP_LAYERS = (b"8BIMLr16", b"8BIMLr32")  # where layers of more than eight bits are kept
PACKED, ZIPPED, PREDICTED = 1, 2, 3  # how a composite is packed, if it is
SAMPLES = {1: ">u1", 8: ">u1", 16: ">u2", 32: ">f4"}
MOST_CHANNELS, LONGEST_SIDE = 56, 300_000


class NoCompositeError(ValueError):
    """The file holds its layers alone."""


def read_photoshop(data: bytes, step_of: Callable[[int, int], int]) -> tuple[Samples, tuple[int, int], int]:
    """What `tiff.read_tiff` gives of a TIFF; nothing but the header raises when it is cut off or broken."""
    version, channels, height, width, depth, mode = struct.unpack_from(">H6xHIIHH", data, 4)
    step, large = step_of(width, height), version == 2
    if not 0 < channels <= MOST_CHANNELS or max(width, height) > LONGEST_SIDE or depth not in SAMPLES:
        raise ValueError("no such file is written")
    palette, place = _section(data, 26)
    resources, place = _section(data, place)
    layers, place = _section(data, place, wide=large)
    found = _resources(resources)
    if found.get(VERSION, b"\0\0\0\0\1")[4:5] == b"\0":
        raise NoCompositeError
    name = COLOUR_MODES[mode]
    colours = 1 if mode == INDEXED else MODES[name]
    count = colours + (channels > colours and mode != INDEXED and _is_clear(layers, wide=large))
    if channels < colours:
        raise ValueError("channels are missing")
    row, form = -(-width * depth // 8), f">u{4 if large else 2}"
    packing, place = int.from_bytes(data[place : place + 2], "big"), place + 2
    lengths = np.full((channels, height), row)
    if packing == PACKED:
        size = channels * height * int(form[-1])
        lengths = np.frombuffer(data[place : place + size].ljust(size, b"\0"), form).reshape(channels, height).astype(np.int64)
        place += size
    composite, needed = data[place:], place + int(lengths.sum())
    if packing in (ZIPPED, PREDICTED):
        composite, needed = zlib.decompressobj().decompress(composite, int(lengths[:count].sum())), len(data) + 1
    values, missing = _planes(composite, (count, height, width), depth, step, lengths, is_packed=packing == PACKED,
                              predicted=packing == PREDICTED)
    white = {1: 1.0, 8: 255.0, 16: 65535.0}.get(depth, 1.0)
    if mode == BITMAP:
        values = 1 - values
    elif name == "CMYK":
        values[..., :4] = (1 if depth == 32 else int(white)) - values[..., :4]
    elif mode == INDEXED:
        values, name = np.frombuffer(palette, np.uint8).reshape(3, -1).T[values[..., 0]], "RGB"
    return Samples(values, name, white, depth == 32, found.get(PROFILE, b""), missing, needed), (width, height), 1


def _section(data: bytes, place: int, *, wide: bool = False) -> tuple[bytes, int]:
    """What stands behind its length, and where it ends."""
    size = 8 if wide else 4
    start = place + size
    end = start + int.from_bytes(data[place:start], "big")
    return data[start:end], end


def _resources(data: bytes) -> dict[int, bytes]:
    found, place = {}, 0
    while data[place : place + 4] == b"8BIM" and place + 12 <= len(data):
        number, named = int.from_bytes(data[place + 4 : place + 6], "big"), 1 + data[place + 6]
        found[number], place = _section(data, place + 6 + named + named % 2)
        place += place % 2
    return found


def _is_clear(layers: bytes, *, wide: bool) -> bool:
    """Whether the channel behind the colours says where the composite is seen through; else it is a selection that was kept."""
    size = 8 if wide else 4
    starts = [size] if any(layers[:size]) else [place + 8 + size for place in map(layers.find, DEEP_LAYERS) if place >= 0]
    return any(int.from_bytes(layers[start : start + 2], "big", signed=True) < 0 for start in starts)  # how many layers there are


def _planes(data: bytes, shape: tuple[int, int, int], depth: int, step: int, lengths: npt.NDArray[Any],
            *, is_packed: bool, predicted: bool) -> tuple[npt.NDArray[Any], float]:
    """Samples, shape (height, width, samples), one of so many each way; and how much of them is missing. A row that lacks
    some colours has the mean of the others for them.

    Parameters
    ----------
    data : bytes
        Of the composite alone.
    lengths : array, shape (samples, height)
        Bytes of the rows.
    """
    count, height, width = shape
    row = -(-width * depth // 8)
    blank = b"\x81\0" * (row // 128) + bytes(((257 - row % 128) % 256, 0)) * (row % 128 > 0) if is_packed else bytes(row)
    ends = np.cumsum(lengths).reshape(lengths.shape)
    there = (ends <= len(data)) & (lengths > 0)
    planes: list[npt.NDArray[Any]] = []
    for own, stands in zip(ends[:count], there, strict=False):
        whole = height if stands.all() else int(np.argmin(stands))
        start = int(own[0] - lengths[len(planes), 0])
        rows = data[start : int(own[whole - 1]) if whole else start] + blank * (height - whole)
        band = Image.frombytes("L", (row, height), rows, "packbits" if is_packed else "raw", "L")
        if depth == 8 and step > 1 and not predicted:
            planes.append(np.asarray(band.reduce(step)))
        else:
            planes.append(_samples(np.asarray(band), depth, width, predicted=predicted)[::step, ::step])
    values, seen = np.stack(planes, -1), there[:count, ::step]
    for number in np.flatnonzero(seen.any(axis=0) & ~seen.all(axis=0)):
        values[number][:, ~seen[:, number]] = values[number][:, seen[:, number]].mean(axis=1, keepdims=True)
    return values, 1 - float(seen.mean())


def _samples(rows: npt.NDArray[Any], depth: int, width: int, *, predicted: bool) -> npt.NDArray[Any]:
    """Rows of bytes → rows of samples."""
    if depth == 1:
        return np.unpackbits(rows, axis=1)[:, :width]
    if predicted and depth == 32:  # the bytes of a row, the highest first, each the difference from the one before
        rows = np.cumsum(rows, axis=1, dtype=np.uint8).reshape(len(rows), 4, width).transpose(0, 2, 1).reshape(len(rows), -1)
    values = np.ascontiguousarray(rows).view(SAMPLES[depth])
    return np.cumsum(values, axis=1, dtype=values.dtype) if predicted and depth < 32 else values
