"""An array of a store whose rows are steps that lie one after another on the step axis, read in pieces.

On this machine shards that are not compressed are mapped into memory; elsewhere, and where they are, the library reads them.
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
READ_AT_ONCE = 2**24            # bytes, where nothing is mapped
CHECKSUM = 4                    # bytes, behind every chunk and behind the index
NOT_THERE = np.uint64(2**64 - 1)


class StepArray:
    """One array of a store.

    Parameters
    ----------
    name : str
        Its path in the store.
    array : zarr.Array
    axis : int
        Which axis is that of the steps or of their blocks, 0 or 1.
    """

    def __init__(self, location: Location, name: str, array: Any, *, axis: int = 0) -> None:
        from zarr.codecs import Crc32cCodec

        self.name, self._array, self._axis, self._location = name, array, axis, location
        self._chunks: tuple[int, ...] = array.chunks  # the library makes them anew whenever they are asked for
        self.shard, self.chunk = int(array.shards[axis]), int(self._chunks[axis])
        self._lead = int(np.prod(self._chunks[:axis]))  # places of the axis before, a chunk
        self._count = int(np.prod(array.shards)) // int(np.prod(self._chunks))  # chunks a shard
        self._folder = location.folder if array.compressors == (Crc32cCodec(),) else None
        self._mapped: OrderedDict[int, MappedShard] = OrderedDict()
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
        """A range in order, piece by piece: where each begins, and its rows; views where the shard is mapped. `lead`: the place
        on the axis before that of the steps, where there is one. Raises `StoreError` when a shard is missing or damaged.
        """
        while start < stop:
            shard, inside = divmod(start, self.shard)
            if self._folder is None:
                end = min(stop, start + self._rows_at_once())
                yield start, self._read(start, end, lead)
            else:
                number, first = divmod(inside, self.chunk)
                own, place = divmod(lead, self._lead)
                chunk = self._mapped_chunk(shard, own * (self.shard // self.chunk) + number)
                end = min(stop, start - first + self.chunk)
                yield start, (chunk[place] if self._axis else chunk)[first : first + end - start]
            start = end

    def read(self, start: int, stop: int, lead: int = 0, columns: npt.NDArray[np.intp] | None = None) -> Stored:
        """A range; a view where it lies within a chunk that is mapped. With `columns` only those of each row."""
        found = [rows for _, rows in self.pieces(start, stop, lead)]
        if columns is not None:
            found = [rows.reshape(len(rows), -1).take(columns, axis=1) for rows in found]
        if len(found) == 1:
            return found[0]
        return np.concatenate(found) if found else np.empty((0, *self._array.shape[self._axis + 1 :]), self.dtype)

    def look(self, start: int, stop: int) -> None:
        """Open the shards of a range that lie on this machine, which then stay open. Raises `StoreError` when one is missing or
        cut off; a number that was changed is found when it is read.
        """
        for shard in range(start // self.shard, -(-stop // self.shard) if self._folder is not None else 0):
            self.read(shard * self.shard, shard * self.shard + 1)

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
            if self._location.folder is not None or shard not in self._seen:  # what is not there would be read as a hole
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

    def _mapped_chunk(self, shard: int, number: int) -> Stored:
        """A chunk by its place in the shard's index; a hole is made."""
        assert self._folder is not None
        try:
            with self._mapping:
                mapped = self._mapped.pop(shard, None) or MappedShard(
                    self._folder / self.key(shard), self._count, self._chunks, self.dtype, self._array.fill_value)
                self._mapped[shard] = mapped
                if len(self._mapped) > MOST_MAPPED:
                    self._mapped.popitem(last=False)
            return mapped.chunk(number)
        except FileNotFoundError as error:
            raise StoreError(f"“{self.key(shard)}” is missing from “{self._location.title}”.") from error
        except OSError as error:
            raise StoreError(f"“{self.key(shard)}” of “{self._location.title}” cannot be read.") from error
        except ValueError as error:
            raise StoreError(f"“{self.key(shard)}” of “{self._location.title}” is cut off or damaged.") from error


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
