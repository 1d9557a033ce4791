"""A shard on this machine whose chunks lie in its file as they are: mapped into memory, and read where it is looked at.

Where chunks begin stands in the index at the file's end (the ``sharding_indexed`` codec of Zarr v3): for every chunk an offset
and a length, then a CRC-32C. Behind every chunk lies a CRC-32C too, which is compared before its first number is given.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.models.store.layout import Stored

CHECKSUM = 4                    # bytes, behind every chunk and behind the index
NOT_THERE = np.uint64(2**64 - 1)


class MappedShard:
    """The chunks of one file.

    Parameters
    ----------
    count : int
        How many chunks there are, in the order of the index.
    shape : tuple of int
        Of each.
    hole : number
        What a chunk is filled with that was left out.

    Raises
    ------
    OSError
        When the file cannot be read.
    ValueError
        When it is cut off or damaged.
    """

    def __init__(self, path: Path, count: int, shape: tuple[int, ...], dtype: np.dtype[Any], hole: Any) -> None:
        self._shape, self._dtype = shape, dtype
        self._hole: Stored = np.broadcast_to(np.asarray(hole, dtype), shape)
        with path.open("rb") as file:
            self._data = np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
        begin = len(self._data) - 16 * count - CHECKSUM
        if begin < 0:
            raise ValueError(f"{path} has no index")
        index = self._checked(begin, 16 * count).view("<u8").reshape(count, 2)
        there = index[:, 0] != NOT_THERE
        self._size = int(np.prod(shape)) * dtype.itemsize
        if (index[there, 1] != self._size + CHECKSUM).any() or (index[there, 0] > begin - self._size - CHECKSUM).any():
            raise ValueError(f"{path} has another index than its chunks")
        self._begin = index[:, 0]
        self._chunks: dict[int, Stored] = {}

    def chunk(self, number: int) -> Stored:
        """A view of the file. Raises `ValueError` when it is damaged."""
        begin = int(self._begin[number])
        if begin == NOT_THERE:
            return self._hole
        if number not in self._chunks:
            self._chunks[number] = self._checked(begin, self._size).view(self._dtype).reshape(self._shape)
        return self._chunks[number]

    def _checked(self, begin: int, size: int) -> Stored:
        """Bytes with a checksum behind them."""
        import google_crc32c

        found = self._data[begin : begin + size]
        if google_crc32c.value(found) != int(self._data[begin + size : begin + size + CHECKSUM].view("<u4")[0]):
            raise ValueError("a checksum is not that of its bytes")
        return found
