"""TIFF of every depth, packing and layout, strip by strip or tile by tile, so that a large one needs little memory, and one
that is cut off shows what there is of it.
"""

import io
import logging
import math
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.models.inputs.cut_files import FILLS
from unrolled.models.inputs.samples import MODES, Samples

MARKS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
ORIENTATION, PROFILE, EXTRA = 274, 34675, 338
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, CIELAB, ICCLAB = 0, 1, 2, 3, 5, 6, 8, 9  # photometric interpretations
COLOUR_MODES = {RGB: "RGB", PALETTE: "RGB", YCBCR: "RGB", CMYK: "CMYK", CIELAB: "LAB", ICCLAB: "LAB"}
SEEN_THROUGH = (1, 2)  # kinds of extra samples
DEFLATED, LZW = (8, 32946), 5  # ways of packing that can be begun again from what there is
ENOUGH_FOR_JPEG = 64
MOST_SEGMENT_BYTES = 2**30

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # what is odd in a file is no news for a terminal


def read_tiff(data: bytes, step_of: Callable[[int, int], int]) -> tuple[Samples, tuple[int, int], int]:
    """The first picture of a file, its size, and its orientation.

    Parameters
    ----------
    data : bytes
        The file.
    step_of : callable
        Width and height → of how many pixels one is kept, each way; raises where there are too many.
    """
    from tifffile import TiffFile  # takes a tenth of a second

    with TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first
        width, height = page.imagewidth, page.imagelength
        step, kind = step_of(width, height), int(page.photometric)
        mode = COLOUR_MODES.get(kind, "L")
        values, there = _values(page, data, step)
        if kind == PALETTE and page.colormap is not None:
            values = page.colormap[:, values[..., 0]].transpose(1, 2, 0)
        if page.dtype == bool:
            values = values.astype(np.uint8)
        white = 1.0 if values.dtype.kind == "f" else float(np.iinfo(values.dtype).max)
        if values.dtype.kind != "f" and kind != PALETTE:
            white = 2.0 ** page.bitspersample - 1
        if kind == WHITE_IS_ZERO:
            values = (1 if white == 1 else int(white)) - values
        if kind == CIELAB and values.dtype.kind in "ui":  # a and b have signs
            values = values.astype(f"u{values.itemsize}")
            values[..., 1:3] ^= np.array(1 << (page.bitspersample - 1), values.dtype)
        colours = MODES[mode]
        is_seen_through = values.shape[2] > colours and kind != PALETTE and int((page.extrasamples or (0,))[0]) in SEEN_THROUGH
        profile = page.tags.valueof(PROFILE)
        samples = Samples(values[..., : colours + is_seen_through], mode, white,
                          profile=profile if isinstance(profile, bytes) else b"", missing=1 - sum(there) / height,
                          needed=max(map(sum, zip(page.dataoffsets, page.databytecounts, strict=False))))
        return samples, (width, height), page.tags.valueof(ORIENTATION, 1)


def _values(page: Any, data: bytes, step: int) -> tuple[npt.NDArray[Any], list[bool]]:
    """Samples, shape (height, width, samples), one of so many each way; and of which rows all is there."""
    height, width, apart = page.imagelength, page.imagewidth, page.planarconfig == 2
    piece = page.tilewidth * page.tilelength if page.is_tiled else width * min(page.rowsperstrip, height)
    if piece * page.dtype.itemsize * (1 if apart else page.samplesperpixel) > MOST_SEGMENT_BYTES:
        raise MemoryError
    found = np.zeros((math.ceil(height / step), math.ceil(width / step), page.samplesperpixel), page.dtype)
    there = np.ones(height, bool)
    for number, (place, count) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=False)):
        _, (plane, depth, top, left, _), shape = page.decode(None, number)
        if depth:
            continue
        try:
            segment, rows = _segment(page, data[place : place + count], number, count, shape)
        except Exception:  # every packing has errors of its own
            there[top : top + shape[1]] = False
            continue
        there[top : top + rows.size] &= rows[: height - top]
        first = -top % step, -left % step
        kept = segment[first[0] : height - top : step, first[1] : width - left : step]
        down, right = (top + first[0]) // step, (left + first[1]) // step
        bands = slice(plane, plane + 1) if apart else slice(None)
        found[down : down + kept.shape[0], right : right + kept.shape[1], bands] = kept
    return found, there.tolist()


def _segment(page: Any, packed: bytes, number: int, count: int,
             shape: tuple[int, ...]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """A strip or tile, shape (height, width, samples), and which of its rows are there."""
    def decoded(of: bytes) -> npt.NDArray[Any]:
        segment: npt.NDArray[Any] = page.decode(of, number, jpegtables=page.jpegtables, jpegheader=page.jpegheader)[0][0]
        return segment

    if len(packed) == count:
        return decoded(packed), np.ones(shape[1], bool)
    size = math.prod(shape) * page.dtype.itemsize
    whole, other = (decoded(_completed(page, packed, size, fill)) for fill in (FILLS[0], FILLS[-1]))
    differing = (whole != other).any(axis=(1, 2))
    return whole, np.arange(len(whole)) < (np.argmax(differing) if differing.any() else len(whole))


def _completed(page: Any, packed: bytes, size: int, fill: bytes) -> bytes:
    """A cut strip or tile with something for what is missing."""
    from tifffile import TIFF

    if page.compression not in (*DEFLATED, LZW):
        return packed + fill * (size if page.compression == 1 else ENOUGH_FOR_JPEG)
    unpacked = zlib.decompressobj().decompress(packed, size) if page.compression in DEFLATED else (
        bytes(TIFF.DECOMPRESSORS[page.compression](packed)))
    return bytes(TIFF.COMPRESSORS[page.compression]((unpacked + fill * size)[:size]))
