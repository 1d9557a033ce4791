"""The colours of a channel over time: each step is placed on the colour map once, when it arrives.

What is kept is a byte a value, its place on the map, so that other colours cost nothing and a long run little: a
hundred thousand steps of 512 units take 51 MB, and a third more for the means of 4, 16, 64 and 256 steps, from which a
run that is seen from afar is painted without going through all of it.
"""

import numpy as np
import numpy.typing as npt

from unrolled.models.trace import Channel, Trace
from unrolled.models.trace.bins import BLOCKS, Bins

PLACES = 255   # on the map; the one place more says that there is no number
MISSING = 255
FIRST_CAPACITY = 256  # steps; a multiple of the longest block
PART = 512     # steps that are placed at once; a multiple of the longest block, and small enough for a cache

Bytes = npt.NDArray[np.uint8]


def places_of(values: npt.NDArray[np.float32], *, low: float, high: float) -> Bytes:
    """Where values lie on the map, same shape: 0 to 254 from `low` to `high`, 255 where there is no number."""
    scaled = np.subtract(values, np.float32(low), dtype=np.float32)
    with np.errstate(over="ignore"):  # what is far beyond lies at the end of the map
        scaled *= np.float32(PLACES / (high - low))
    np.clip(scaled, 0, PLACES - 1, out=scaled)
    placed: Bytes
    if not np.isnan(scaled.sum()):
        placed = scaled.astype(np.uint8)
        return placed
    missing = np.isnan(scaled)
    placed = np.where(missing, 0, scaled).astype(np.uint8)
    placed[missing] = MISSING
    return placed


class PlaceColumns:
    """The places of all steps of one channel with the axis ``unit``, and the mean places of blocks of steps."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        units = channel.shape[0]
        self._store: Bytes = np.empty((FIRST_CAPACITY, units), np.uint8)  # time first
        self._blocks: dict[int, Bytes] = {block: np.empty((FIRST_CAPACITY // block, units), np.uint8) for block in BLOCKS}
        self._length = 0
        self._any_missing = False
        self.beyond = (False, False)  # whether any value so far lies below the scale, and above it
        self._picked_units: npt.NDArray[np.intp] | None = None
        self._picked: dict[int, Bytes] = {}

    def __len__(self) -> int:
        return self._length

    @property
    def places(self) -> Bytes:
        """All of them, shape (steps, units); a view."""
        return self._store[: self._length]

    @property
    def nbytes(self) -> int:
        return self._store.nbytes + sum(level.nbytes for level in self._blocks.values())

    def follow(self, trace: Trace, most: int | None = None) -> bool:
        """Take over the steps that are new, at most so many; whether there were any. Fewer than before are cut off."""
        length = len(trace)
        if length == self._length:
            return False
        start = min(self._length, length)
        if start < self._length:
            self._picked = {}
        if length > len(self._store):
            self._grow(length if start == 0 else max(2 * len(self._store), length), start)
        stop = length if most is None else min(length, start + most)
        column = trace.column(self.channel.name)
        for first in range(start - start % PART, stop, PART):
            last = min(first + PART, stop)
            begin = max(first, start)
            self._store[begin:last] = places_of(column[begin:last], low=self.channel.low, high=self.channel.high)
            self._note_beyond(column[begin:last])
            self._take_blocks(begin, last)
        self._length = stop
        return True

    def _note_beyond(self, values: npt.NDArray[np.float32]) -> None:
        if values.size and not all(self.beyond):
            with np.errstate(invalid="ignore"):
                below, above = self.beyond
                self.beyond = (below or bool((values < self.channel.low).any()),
                               above or bool((values > self.channel.high).any()))

    def reduced(self, bins: Bins, units: npt.NDArray[np.intp] | None = None) -> Bytes:
        """The mean place of each bin.

        Parameters
        ----------
        bins : Bins
            None of them empty or beyond the steps that are there.
        units : array of int, optional
            Which; all without it.

        Returns
        -------
        array of uint8, shape (units, bins)
            What is no number counts for nothing; a bin of nothing else has the place for it.
        """
        edges, block = bins.edges, bins.block
        if len(edges) - 1 == edges[-1] - edges[0]:  # a step each
            return np.ascontiguousarray(_chosen(self._store[edges[0] : edges[-1]], units).T)
        whole = int(edges[-1]) % block == 0  # else the last bin ends within a block, and is made from single steps
        parts: list[Bytes] = []
        if whole or len(edges) > 2:
            inner = edges if whole else edges[:-1]
            rows = self._rows(block, int(inner[0]) // block, int(inner[-1]) // block, units)
            parts.append(self._means(rows, (inner - inner[0]) // block))
        if not whole:
            rows = _chosen(self._store[edges[-2] : edges[-1]], units)
            parts.append(self._means(rows, np.array([0, len(rows)])))
        return np.ascontiguousarray(np.concatenate(parts).T)

    def _rows(self, block: int, start: int, stop: int, units: npt.NDArray[np.intp] | None) -> Bytes:
        """Blocks of some units. They are picked out once: a run that is zoomed asks for the same ones in every frame."""
        if block == 1 or units is None:
            return _chosen((self._store if block == 1 else self._blocks[block])[start:stop], units)
        if self._picked_units is None or not np.array_equal(units, self._picked_units):
            self._picked_units, self._picked = units, {}
        picked = self._picked.get(block)
        if picked is None or len(picked) < stop:
            known = 0 if picked is None else len(picked)
            new = _chosen(self._blocks[block][known : self._length // block], units)
            picked = self._picked[block] = new if picked is None else np.concatenate((picked, new))
        return picked[start:stop]

    def _means(self, rows: Bytes, edges: npt.NDArray[np.integer]) -> Bytes:
        """Means over rows between edges, shape (edges - 1, units), rounded."""
        counts = np.diff(edges)
        if not self._any_missing or not (missing := rows == MISSING).any():
            sums = sums_between(rows, edges, counts)
            means: Bytes = (sums / counts.astype(np.float32)[:, None] + np.float32(0.5)).astype(np.uint8)
            return means
        there = np.add.reduceat(~missing, edges[:-1], axis=0, dtype=np.uint32)
        sums = np.add.reduceat(np.where(missing, 0, rows), edges[:-1], axis=0, dtype=np.uint32)
        return np.where(there > 0, sums / np.maximum(there, 1) + 0.5, MISSING).astype(np.uint8)

    def _take_blocks(self, start: int, stop: int) -> None:
        """Make the blocks that end within a range of steps; from the steps themselves, so that no rounding adds up."""
        begin = start - start % BLOCKS[-1]
        rows = self._store[begin:stop]
        self._any_missing = self._any_missing or bool((rows[start - begin :] == MISSING).any())
        sums = rows.astype(np.uint16)
        before = 1
        for block in BLOCKS:
            share, count = block // before, (stop - begin) // block
            # Of 256 steps at most: the sum of as many places stays below 65536.
            sums = sum((sums[offset : count * share : share] for offset in range(1, share)), sums[: count * share : share])
            before = block
            if not count:
                break
            means = (sums + np.uint16(block // 2)) // np.uint16(block) if block < 256 else (sums.astype(np.uint32) + 128) >> 8
            if self._any_missing:
                whole = rows[: count * block].reshape(count, block, -1)
                means = self._means(whole.reshape(count * block, -1), np.arange(0, (count + 1) * block, block))
            self._blocks[block][begin // block : begin // block + count] = means

    def _grow(self, room: int, kept: int) -> None:
        room = -(-room // BLOCKS[-1]) * BLOCKS[-1]
        units = self._store.shape[1]
        larger = np.empty((room, units), np.uint8)
        larger[:kept] = self._store[:kept]
        self._store = larger
        for block, level in self._blocks.items():
            grown = np.empty((room // block, units), np.uint8)
            grown[: kept // block] = level[: kept // block]
            self._blocks[block] = grown


def _chosen(rows: Bytes, units: npt.NDArray[np.intp] | None) -> Bytes:
    return rows if units is None else rows.take(units, axis=1)


def sums_between(rows: Bytes, edges: npt.NDArray[np.integer], counts: npt.NDArray[np.integer]) -> npt.NDArray[np.unsignedinteger]:
    """Sums of rows between edges. Few rows each are added row by row, which is ten times faster than `reduceat`."""
    most, fewest = int(counts.max()), int(counts.min())
    if most > 256:  # as many places no longer fit in two bytes
        return np.add.reduceat(rows, edges[:-1], axis=0, dtype=np.uint32)
    sums = rows.take(edges[:-1], axis=0).astype(np.uint16)
    for number in range(1, most):
        if number < fewest:
            sums += rows.take(edges[:-1] + number, axis=0)
        else:
            longer = np.flatnonzero(counts > number)
            sums[longer] += rows.take(edges[longer] + number, axis=0)
    return sums
