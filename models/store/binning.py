"""Mean, least and greatest of bins of a document's steps, from as few rows of the pyramid as there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from unrolled.models.store.layout import LEAST, MEAN, Stored
from unrolled.models.trace import FloatArray
from unrolled.models.trace.pyramid import MISSING, sums_between

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
        extreme: FloatArray = (np.fmin if statistic == LEAST else np.fmax).reduceat(numbers, edges[:-1])
        return extreme
    there = np.isfinite(numbers)
    count = np.add.reduceat(there, edges[:-1], dtype=np.float32)
    total = np.add.reduceat(np.where(there, numbers, np.float32(0)), edges[:-1])
    return np.where(count > 0, total / np.maximum(count, 1), np.float32(np.nan))
