"""A line over time, made ready to be drawn from afar: the least, the mean and the greatest value of any neighbours."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unrolled.models.trace import FloatArray
from unrolled.models.trace.bins import Bins

BLOCK = 16  # steps
FIRST_CAPACITY = 64


@dataclass(frozen=True, slots=True)
class Ranges:
    # low, mean, high: (bins,): of the numbers among the values; nan where there are none
    low: FloatArray
    mean: FloatArray
    high: FloatArray


class Envelope:
    """One line: its values, a copy beside one another, and least, sum and greatest of every sixteen."""

    def __init__(self) -> None:
        self._values: FloatArray = np.empty(FIRST_CAPACITY, np.float32)
        self._blocks: FloatArray = np.empty((4, FIRST_CAPACITY // BLOCK), np.float32)  # least, sum, greatest, numbers
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def values(self) -> FloatArray:
        """All of them, shape (steps,); a view."""
        return self._values[: self._length]

    def follow(self, values: FloatArray, through: Callable[[FloatArray], FloatArray] | None = None) -> None:
        """Take over the values that are new, through a function if one is given; those that are no more are cut off."""
        length = len(values)
        start = min(self._length, length)
        if length > len(self._values):
            room = -(-max(length, 2 * len(self._values) if start else 0) // BLOCK) * BLOCK
            larger, blocks = np.empty(room, np.float32), np.empty((4, room // BLOCK), np.float32)
            larger[:start] = self._values[:start]
            blocks[:, : start // BLOCK] = self._blocks[:, : start // BLOCK]
            self._values, self._blocks = larger, blocks
        if length > start:
            new = values[start:length]
            self._values[start:length] = new if through is None else through(new)
            first, last = start // BLOCK, length // BLOCK
            if last > first:
                self._blocks[:, first:last] = _of(self._values[first * BLOCK : last * BLOCK].reshape(-1, BLOCK))
        self._length = length

    def over(self, bins: Bins) -> Ranges:
        """Least, mean and greatest value of each bin; none of them is empty or beyond the values that are there."""
        edges = bins.edges
        if bins.block < BLOCK:
            return self._direct(edges)
        if edges[-1] % BLOCK == 0:
            return self._of_blocks(edges)
        last = self._direct(edges[-2:])
        if len(edges) == 2:
            return last
        inner = self._of_blocks(edges[:-1])
        return Ranges(*(np.concatenate(pair) for pair in ((inner.low, last.low), (inner.mean, last.mean),
                                                          (inner.high, last.high))))

    def _direct(self, edges: npt.NDArray[np.intp]) -> Ranges:
        values = self._values[edges[0] : edges[-1]]
        if len(values) == len(edges) - 1:
            return Ranges(values, values, values)
        places = edges[:-1] - edges[0]
        there = np.isfinite(values)
        count = np.add.reduceat(there, places, dtype=np.float32)
        total = np.add.reduceat(np.where(there, values, np.float32(0)), places)
        return _ranges(np.fmin.reduceat(np.where(there, values, np.nan), places), total,
                       np.fmax.reduceat(np.where(there, values, np.nan), places), count)

    def _of_blocks(self, edges: npt.NDArray[np.intp]) -> Ranges:
        low, total, high, count = self._blocks[:, edges[0] // BLOCK : edges[-1] // BLOCK]
        places = (edges[:-1] - edges[0]) // BLOCK
        return _ranges(np.fmin.reduceat(low, places), np.add.reduceat(total, places), np.fmax.reduceat(high, places),
                       np.add.reduceat(count, places))


def _of(rows: FloatArray) -> FloatArray:
    """Least, sum, greatest and count of the numbers in each row, shape (4, rows)."""
    there = np.isfinite(rows)
    numbers = np.where(there, rows, np.float32(np.nan))
    return np.stack((np.fmin.reduce(numbers, axis=1), np.where(there, rows, np.float32(0)).sum(axis=1),
                     np.fmax.reduce(numbers, axis=1), there.sum(axis=1, dtype=np.float32)))


def _ranges(low: FloatArray, total: FloatArray, high: FloatArray, count: FloatArray) -> Ranges:
    mean = np.where(count > 0, total / np.maximum(count, 1), np.float32(np.nan))
    return Ranges(low, mean.astype(np.float32), high)
