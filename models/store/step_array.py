"""An array whose shards lie one after another on the step axis, read in pieces.

On this machine a shard that is not compressed is mapped into memory: its chunks lie in the file as they are, and where they
begin stands in the index at its end (the ``sharding_indexed`` codec of Zarr v3: for every chunk an offset and a length, then
a CRC-32C). Elsewhere, and where it is compressed, the library reads it.
"""

from __future__ import annotations

import mmap
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.models.store.layout import Stored, StoreError
from unrolled.models.store.location import Location

MOST_MAPPED = 32                # shards of an array whose files are kept open
CHECKSUM = 4                    # bytes, behind every chunk and behind the index
NOT_THERE = np.uint64(2**64 - 1)
READ_AT_ONCE = 2**24            # bytes, where nothing is mapped


class StepArray:
    """One array of a store.

    Parameters
    ----------
    name : str
        Its path in the store.
    array : zarr.Array
    axis : int
        Which axis is that of the steps or of their blocks; those before it are cut into chunks of length 1.
    compressed : bool
        Whether chunks are.
    """

    def __init__(self, location: Location, name: str, array: Any, *, axis: int = 0, compressed: bool = False) -> None:
        self.name, self._array, self._axis, self._location = name, array, axis, location
        self.shard, self.chunk = int(array.shards[axis]), int(array.chunks[axis])
        self._folder = location.folder if not compressed else None
        self._mapped: OrderedDict[int, list[Stored]] = OrderedDict()
        self._mapping = threading.Lock()  # a window paints from a store that is searched
        self._seen: set[int] = set()

    @property
    def dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = self._array.dtype
        return dtype

    def key(self, shard: int) -> str:
        """The path of a shard's file in the store."""
        grid = [str(shard) if axis == self._axis else "0" for axis in range(self._array.ndim)]
        return f"{self.name}/c/{'/'.join(grid)}"

    def pieces(self, start: int, stop: int, lead: int = 0) -> Iterator[tuple[int, Stored]]:
        """A range in order, piece by piece: where each begins, and its rows; views where the shard is mapped.

        Parameters
        ----------
        lead : int
            The place on the axis before that of the steps, where there is one.

        Raises
        ------
        StoreError
            When a shard is missing or damaged.
        """
        while start < stop:
            shard, inside = divmod(start, self.shard)
            if self._folder is None:
                end = min(stop, start + self._rows_at_once())
                yield start, self._read(start, end, lead)
            else:
                chunks = self._map(shard)
                number, first = divmod(inside, self.chunk)
                end = min(stop, start - first + self.chunk)
                yield start, chunks[lead * (self.shard // self.chunk) + number][first : first + end - start]
            start = end

    def read(self, start: int, stop: int, lead: int = 0, columns: npt.NDArray[np.intp] | None = None) -> Stored:
        """A range; a view where it lies within a chunk that is mapped. With `columns` only those of each row."""
        found = [rows for _, rows in self.pieces(start, stop, lead)]
        if columns is not None:
            found = [rows.reshape(len(rows), -1).take(columns, axis=1) for rows in found]
        if len(found) == 1:
            return found[0]
        return np.concatenate(found) if found else np.empty((0, *self._array.shape[self._axis + 1 :]), self.dtype)

    def check(self, shard: int) -> None:
        """Read a shard whole, by the library, so that every checksum is compared. Raises `StoreError` when it is missing or
        damaged.
        """
        self._seen.discard(shard)
        self._read(shard * self.shard, (shard + 1) * self.shard, slice(None))

    def _rows_at_once(self) -> int:
        width = int(np.prod(self._array.shape[self._axis + 1 :])) * self.dtype.itemsize
        return max(READ_AT_ONCE // max(width, 1) // self.chunk, 1) * self.chunk

    def _read(self, start: int, stop: int, lead: int | slice = 0) -> Stored:
        """By the library, of any number of shards."""
        shards = range(start // self.shard, -(-stop // self.shard))
        for shard in shards:
            if shard not in self._seen:  # what is not there would be read as a hole
                if not self._location.exists(self.key(shard)):
                    raise StoreError(f"“{self.key(shard)}” is missing from “{self._location.title}”.")
                self._seen.add(shard)
        try:
            found: Stored = self._array[(lead,) * self._axis + (slice(start, stop),)]
        except (ValueError, OSError, RuntimeError, EOFError) as error:
            if len(shards) == 1:
                raise StoreError(f"“{self.key(shards[0])}” of “{self._location.title}” is cut off or damaged.") from error
            for shard in shards:  # which it is
                self._read(max(start, shard * self.shard), min(stop, (shard + 1) * self.shard), lead)
            raise
        return found

    def _map(self, shard: int) -> list[Stored]:
        """The chunks of a shard, in the order of the index; a hole is made."""
        assert self._folder is not None
        with self._mapping:
            chunks = self._mapped.pop(shard, None) or self._chunks(self._folder / self.key(shard), shard)
            self._mapped[shard] = chunks
            if len(self._mapped) > MOST_MAPPED:
                self._mapped.popitem(last=False)
        return chunks

    def _chunks(self, path: Path, shard: int) -> list[Stored]:
        array = self._array
        count = int(np.prod([whole // part for whole, part in zip(array.shards, array.chunks, strict=True)]))
        shape = array.chunks[self._axis :]
        size = int(np.prod(shape)) * self.dtype.itemsize
        try:
            with path.open("rb") as file:
                data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError as error:
            raise StoreError(f"“{self.key(shard)}” is missing from “{self._location.title}”.") from error
        except (OSError, ValueError) as error:
            raise StoreError(f"“{self.key(shard)}” of “{self._location.title}” cannot be read.") from error
        index_bytes = 16 * count
        if len(data) < index_bytes + CHECKSUM:
            raise StoreError(f"“{self.key(shard)}” of “{self._location.title}” is cut off or damaged.")
        index = np.frombuffer(data, "<u8", 2 * count, len(data) - index_bytes - CHECKSUM).reshape(count, 2)
        there = index[:, 0] != NOT_THERE
        ends = index[there].sum(axis=1)
        if (index[there, 1] != size + CHECKSUM).any() or (ends > len(data)).any():
            raise StoreError(f"“{self.key(shard)}” of “{self._location.title}” is cut off or damaged.")
        hole = np.broadcast_to(np.asarray(array.fill_value, self.dtype), shape)
        rows = int(np.prod(shape))
        return [np.frombuffer(data, self.dtype, rows, int(offset)).reshape(shape) if is_there else hole
                for (offset, _), is_there in zip(index, there, strict=True)]
