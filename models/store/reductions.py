"""Mean, least and greatest of blocks of steps, made as a shard is written: each level from the one below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from unrolled.models.store.layout import GREATEST, LEAST, MEAN, STATISTICS, Stored
from unrolled.models.trace.pyramid import MISSING

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
