"""An array of a store whose rows are steps that lie one after another on the step axis, read in pieces.

On this machine rows of shards that are not compressed are read from where they lie in the file; elsewhere, and where they are,
the library reads them. Nothing is mapped into memory: a file that is cut off meanwhile would end the process.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.models.store.layout import LARGEST_SHARD, Stored, StoreError
from unrolled.models.store.location import Location

MOST_OPEN = 32                  # shards of an array whose files are kept open
READ_AT_ONCE = 2**24            # bytes, by the library; at the least a shard
WHOLE = 8                       # of so many chunks one or more: the library asks for them one after another, for a shard once
MANY = 8                        # units: more are not asked for one by one where each is a question to a server
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
        self._open: OrderedDict[int, ShardFile] = OrderedDict()
        self._opening = threading.Lock()  # a window paints from a store that is searched
        self._seen: set[int] = set()

    @property
    def dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = self._array.dtype
        return dtype

    def key(self, shard: int) -> str:
        grid = [str(shard) if axis == self._axis else "0" for axis in range(self._array.ndim)]
        return f"{self.name}/c/{'/'.join(grid)}"

    def pieces(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """A range in order, piece by piece, as it is read best: where each begins and ends."""
        step = self.chunk if self._folder is not None else self.rows_at_once
        while start < stop:
            end = min(stop, start - start % step + step)
            yield start, end
            start = end

    def read(self, start: int, stop: int, lead: int = 0, columns: npt.NDArray[np.intp] | None = None) -> Stored:
        """A range, in memory of its own. `lead`: the place on the axis before that of the steps, where there is one. With
        `columns` only those of each row. Raises `StoreError` when a shard is missing or damaged.
        """
        width = self._array.shape[self._axis + 1 :]
        found = np.empty((max(stop - start, 0), *(width if columns is None else columns.shape)), self.dtype)
        for first, end in self.pieces(start, stop):
            rows = found[first - start : end - start] if columns is None else np.empty((end - first, *width), self.dtype)
            if self._folder is None:
                rows[...] = self._read(first, end, lead)
            else:
                self._fill(rows, first, lead)
            if columns is not None:
                found[first - start : end - start] = rows.reshape(len(rows), -1).take(columns, axis=1)
        return found

    def read_all(self, start: int, stop: int, leads: Sequence[int]) -> list[Stored]:
        """The same of several places on the axis before that of the steps; far away, of many all is read at once."""
        whole = (stop - start) * int(np.prod(self._array.shape[: self._axis])) * self.dtype.itemsize
        if self._location.folder is not None or len(leads) < MANY or whole > LARGEST_SHARD:
            return [self.read(start, stop, lead) for lead in leads]
        return list(self._read(start, stop, slice(None))[list(leads)])

    def look(self, start: int, stop: int) -> None:
        """Open the shards of a range, of which those on this machine stay open. Raises `StoreError` when one is missing or cut
        off; a number that was changed is found when it is read.
        """
        for shard in range(start // self.shard, -(-stop // self.shard)):
            self.read(shard * self.shard, shard * self.shard + 1)

    def check(self, shard: int) -> None:
        """Read a shard whole, by the library, so that every checksum is compared. Raises `StoreError` when it is missing or
        damaged.
        """
        self._seen.discard(shard)
        self._read(shard * self.shard, (shard + 1) * self.shard, slice(None))

    @property
    def rows_at_once(self) -> int:
        width = int(np.prod(self._array.shape[self._axis + 1 :])) * self.dtype.itemsize
        return max(READ_AT_ONCE // max(width, 1) // self.shard, 1) * self.shard

    def _read(self, start: int, stop: int, lead: int | slice = 0) -> Stored:
        """By the library, of any number of shards."""
        shards = range(start // self.shard, -(-stop // self.shard))
        if self._location.folder is None and not self._seen:  # a list costs no more than a look at one of them
            names = self._location.names(f"{self.name}/c{'/0' * self._axis}")
            self._seen.update(int(name) for name in names if name.isascii() and name.isdigit())
        for shard in shards:
            if self._location.folder is not None or shard not in self._seen:  # what is not there would be read as a hole
                if not self._location.exists(self.key(shard)):
                    raise StoreError(f"“{self.key(shard)}” is missing from “{self._location.title}”.")
                self._seen.add(shard)
        first, last, chunks = start, stop, -(-stop // self.chunk) - start // self.chunk
        is_most = chunks > 1 and chunks * WHOLE >= self._count
        if self._location.folder is None and self._axis == 0 and len(shards) == 1 and is_most:
            first, last = shards[0] * self.shard, (shards[0] + 1) * self.shard
        try:
            with self._location.reached(f"“{self.key(shards[0])}” of “{self._location.title}” is cut off or damaged."):
                found: Stored = self._array[(lead,) * self._axis + (slice(first, last),)]
        except StoreError:
            if len(shards) == 1:
                raise
            for shard in shards:  # which it is
                self._read(max(start, shard * self.shard), min(stop, (shard + 1) * self.shard), lead)
            raise
        return found if (first, last) == (start, stop) else found[start - first : stop - first]

    def _fill(self, rows: Stored, start: int, lead: int) -> None:
        """With those from `start` on, which lie in one chunk."""
        assert self._folder is not None
        shard, inside = divmod(start, self.shard)
        number, first = divmod(inside, self.chunk)
        own, place = divmod(lead, self._lead)
        try:
            with self._opening:
                file = self._open.pop(shard, None) or ShardFile(
                    self._folder / self.key(shard), self._count, self._chunks, self.dtype, self._array.fill_value)
                self._open[shard] = file
                if len(self._open) > MOST_OPEN:
                    self._open.popitem(last=False)
            file.fill(rows, own * (self.shard // self.chunk) + number, place * self.chunk + first)
        except FileNotFoundError as error:
            raise StoreError(f"“{self.key(shard)}” is missing from “{self._location.title}”.") from error
        except OSError as error:
            raise StoreError(f"“{self.key(shard)}” of “{self._location.title}” cannot be read.") from error
        except (ValueError, LookupError) as error:
            raise StoreError(f"“{self.key(shard)}” of “{self._location.title}” is cut off or damaged.") from error


class ShardFile:
    """The chunks of one file, which is open as long as this is there.

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
        self._shape, self._dtype, self._hole = shape, dtype, hole
        self._file, self._reading = path.open("rb", buffering=0), threading.Lock()  # all threads have one place in it
        begin = self._file.seek(0, os.SEEK_END) - 16 * count - CHECKSUM
        if begin < 0:
            raise ValueError(f"{path} has no index")
        index = np.empty((count, 2), "<u8")
        self._read_checked(begin, index)
        there, size = index[:, 0] != NOT_THERE, int(np.prod(shape)) * dtype.itemsize
        if (index[there, 1] != size + CHECKSUM).any() or (index[there, 0] > begin - size - CHECKSUM).any():
            raise ValueError(f"{path} has another index than its chunks")
        self._begin = index[:, 0]
        self._right: set[int] = set()  # chunks whose checksum was compared

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()

    def fill(self, rows: Stored, number: int, first: int) -> None:
        """With those of a chunk from `first` on, its leading axes taken as one. Raises `ValueError` when it is damaged."""
        begin = int(self._begin[number])
        if begin == NOT_THERE:
            rows[...] = self._hole
        elif number in self._right:
            with self._reading:
                self._read(begin + first * rows[:1].nbytes, rows)
        else:
            chunk = np.empty(self._shape, self._dtype)
            with self._reading:
                self._read_checked(begin, chunk)
            self._right.add(number)
            rows[...] = chunk.reshape(-1, *rows.shape[1:])[first : first + len(rows)]

    def _read(self, begin: int, into: Stored) -> None:
        self._file.seek(begin)
        if self._file.readinto(into.reshape(-1).view(np.uint8)) < into.nbytes:  # type: ignore[arg-type]
            raise ValueError("it ends too soon")

    def _read_checked(self, begin: int, into: Stored) -> None:
        """Bytes with a checksum behind them."""
        import google_crc32c

        self._read(begin, into)
        if google_crc32c.value(into.reshape(-1).view(np.uint8)) != int.from_bytes(self._file.read(CHECKSUM), "little"):
            raise ValueError("a checksum is not that of its bytes")
