"""Mean, least and greatest of blocks of steps, made as a shard is written, each level from the one below; and of any bins."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from unrolled.models.store.layout import GREATEST, LEAST, MEAN, STATISTICS, Stored
from unrolled.models.trace import FloatArray
from unrolled.models.trace.pyramid import MISSING, sums_between

PART = 4096  # blocks at a time


def levels_of(kept: Stored, blocks: Sequence[int]) -> Iterator[tuple[int, Stored]]:
    """Of what is kept of a shard, (steps, ...), for every block (statistics, steps / block, ...) in the same type.

    Means of bytes are rounded once, from sums; what is no number counts for nothing, and a block of nothing else has none.
    """
    is_bytes = kept.dtype == np.uint8
    rows = kept.reshape(len(kept) // blocks[0], blocks[0], *kept.shape[1:])
    total, least, greatest, count = _first(rows, is_bytes=is_bytes)
    yield blocks[0], _packed(total, least, greatest, count, kept.dtype)
    for before, block in pairwise(blocks):
        shape = (len(total) * before // block, block // before, *total.shape[1:])
        total, count = total.reshape(shape).sum(axis=1), count.reshape(shape).sum(axis=1)
        least = np.fmin.reduce(least.reshape(shape), axis=1)
        greatest = np.fmax.reduce(greatest.reshape(shape), axis=1)
        yield block, _packed(total, least, greatest, count, kept.dtype)


def one_level(kept: Stored, block: int, statistic: int) -> Stored:
    """The same of one statistic and one level of at most 256 steps, (steps / block, ...)."""
    if kept.dtype != np.uint8 or (kept.size and kept.max() == MISSING):
        _, level = next(levels_of(kept, (block,)))
        every: Stored = level[statistic]
        return every
    rows = kept.reshape(len(kept) // block, block, *kept.shape[1:])
    combine = {MEAN: np.add, LEAST: np.minimum, GREATEST: np.maximum}[statistic]
    found: Stored = rows[:, 0].astype(np.uint16 if statistic == MEAN else np.uint8)
    for place in range(1, block):
        combine(found, rows[:, place], out=found)
    return ((found + block // 2) // block).astype(np.uint8) if statistic == MEAN else found


def _first(rows: Stored, *, is_bytes: bool) -> tuple[Stored, Stored, Stored, Stored]:
    """Sum, least, greatest and count over axis 1, a part at a time, so that it stays in a cache."""
    parts: list[tuple[Stored, ...]] = []
    size = max(PART * 16 // rows.shape[1] // max(int(np.prod(rows.shape[2:])) // 64, 1), 1)
    for start in range(0, len(rows), size):
        parts.append(_of_bytes(rows[start : start + size]) if is_bytes else _of_floats(rows[start : start + size]))
    total, least, greatest, count = (np.concatenate(column) for column in zip(*parts, strict=True))
    return total, least, greatest, count


def _of_bytes(rows: Stored) -> tuple[Stored, ...]:
    # Added up place by place: many times faster than a reduction over a middle axis.
    greatest_kept, least = rows[:, 0].copy(), rows[:, 0].copy()
    total = rows[:, 0].astype(np.uint16)  # of 256 rows at the most
    for place in range(1, rows.shape[1]):
        row = rows[:, place]
        np.minimum(least, row, out=least)
        np.maximum(greatest_kept, row, out=greatest_kept)
        total += row
    total = total.astype(np.uint32)
    if not (greatest_kept == MISSING).any():
        return total, least, greatest_kept, np.full_like(total, rows.shape[1])
    there = rows != MISSING
    numbers = np.where(there, rows, 0)
    return numbers.sum(axis=1, dtype=np.uint32), least, numbers.max(axis=1), there.sum(axis=1, dtype=np.uint32)


def _of_floats(rows: Stored) -> tuple[Stored, ...]:
    there = np.isfinite(rows)
    numbers = np.where(there, rows, np.nan).astype(np.float32)
    return (np.where(there, numbers, 0).sum(axis=1, dtype=np.float64), np.fmin.reduce(numbers, axis=1),
            np.fmax.reduce(numbers, axis=1), there.sum(axis=1, dtype=np.uint32))


def _packed(total: Stored, least: Stored, greatest: Stored, count: Stored, dtype: np.dtype[np.generic]) -> Stored:
    found = np.empty((STATISTICS, *total.shape), dtype)
    some = count > 0
    if dtype == np.uint8:
        half = count // 2
        found[MEAN] = np.where(some, (total + half) // np.maximum(count, 1), MISSING)
        found[LEAST], found[GREATEST] = least, np.where(some, greatest, MISSING)
        return found
    found[MEAN] = np.where(some, total / np.maximum(count, 1), np.nan)
    found[LEAST], found[GREATEST] = least, greatest
    return found


ReadRows = Callable[[int, int, int, int], Stored]
"""Block, first row, row behind the last, statistic → rows (rows, units); a block of 1 are the steps themselves."""

Edges = npt.NDArray[np.intp]


def over_bins(read: ReadRows, edges: Edges, blocks: tuple[int, ...], statistic: int) -> FloatArray:
    """One statistic of every bin, as it is kept (places of bytes are not rounded), nan where there is no number.

    Parameters
    ----------
    edges : array of int, shape (bins + 1,)
        On the step axis; bin k holds the steps from edge k up to edge k + 1, at least one. The levels that can be read are
        those whose borders all edges lie on, but for the last, where a document ends within a block.
    blocks : tuple of int
        The levels of the pyramid, from the shortest.
    statistic : int
        `MEAN`, `LEAST` or `GREATEST` of the layout.

    Returns
    -------
    array of float32, shape (bins, units)
    """
    block = _level(edges, blocks)
    whole = edges[-1] % block == 0
    inner = edges if whole else edges[:-1]
    parts = []
    if len(inner) > 1:
        places = inner // block
        parts.append(_reduced(read(block, int(places[0]), int(places[-1]), statistic), places - places[0], statistic))
    if not whole:
        parts.append(_tail(read, int(edges[-2]), int(edges[-1]), blocks, statistic)[None])
    return np.concatenate(parts)


def _level(edges: Edges, blocks: tuple[int, ...]) -> int:
    inner = edges[:-1]
    shortest = int(np.diff(inner).min()) if len(inner) > 1 else int(edges[-1] - edges[0])
    return max((block for block in blocks if block <= shortest and not (inner % block).any()), default=1)


def _tail(read: ReadRows, start: int, stop: int, blocks: tuple[int, ...], statistic: int) -> FloatArray:
    """One bin that ends anywhere: (units,)."""
    found, weights = [], []
    for block, first, last in _runs(start, stop, blocks):
        rows = read(block, first // block, last // block, statistic)
        found.append(_reduced(rows, np.array([0, len(rows)]), statistic)[0])
        weights.append(last - first)
    table: FloatArray = np.stack(found)
    if statistic != MEAN:
        extreme: FloatArray = (np.fmin if statistic == LEAST else np.fmax).reduce(table)
        return extreme
    weight = np.where(np.isnan(table), 0, np.array(weights)[:, None]).astype(np.float32)
    with np.errstate(invalid="ignore"):
        mean: FloatArray = (np.nan_to_num(table) * weight).sum(axis=0) / weight.sum(axis=0)
    return mean


def _runs(start: int, stop: int, blocks: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
    """A range put together from blocks, the longest there are: block, start, stop."""
    for block in (*reversed(blocks), 1):
        last = stop - stop % block
        if start % block == 0 and last > start:
            yield block, start, last
            start = last


def _reduced(rows: Stored, edges: Edges, statistic: int) -> FloatArray:
    counts = np.diff(edges)
    if rows.dtype == np.uint8 and rows.size and rows.max() != MISSING:
        if statistic != MEAN:
            places = (np.minimum if statistic == LEAST else np.maximum).reduceat(rows, edges[:-1])
            return places.astype(np.float32)
        sums = sums_between(rows, edges, counts)
        means: FloatArray = np.divide(sums, counts[:, None], dtype=np.float32)
        return means
    numbers = rows.astype(np.float32)
    if rows.dtype == np.uint8:
        numbers[rows == MISSING] = np.nan
    if len(numbers) == len(counts):
        return numbers
    if statistic != MEAN:
        return (np.fmin if statistic == LEAST else np.fmax).reduceat(numbers, edges[:-1])
    there = np.isfinite(numbers)
    count = np.add.reduceat(there, edges[:-1], dtype=np.float32)
    total = np.add.reduceat(np.where(there, numbers, np.float32(0)), edges[:-1])
    return np.where(count > 0, total / np.maximum(count, 1), np.float32(np.nan))
