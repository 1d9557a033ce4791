"""Rows that were read last: a window that is zoomed or moved asks in every frame for nearly those of the frame before."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np

from unrolled.models.store.layout import Stored

MOST_BYTES = 2**25  # of all ranges; the one asked for last stays, however long
LONGEST = 4         # times as many rows as were asked for, before a range is cut


class KeptRows:
    """Of every key one range of rows, which is made longer where it is asked for more."""

    def __init__(self) -> None:
        self._ranges: OrderedDict[Hashable, tuple[int, Stored]] = OrderedDict()  # first row, rows; the one used last comes last
        self._bytes = 0

    def between(self, key: Hashable, first: int, last: int, read: Callable[[int, int], Stored]) -> Stored:
        """The rows from `first` up to `last`, of which `read` gives those that are not known; a view."""
        start, rows = self._ranges.pop(key, (first, None))
        self._bytes -= 0 if rows is None else rows.nbytes
        if rows is None or first > start + len(rows) or last < start:
            start, rows = first, read(first, last)
        parts = [rows]
        if first < start:
            parts.insert(0, read(first, start))
        if last > start + len(rows):
            parts.append(read(start + len(rows), last))
        start = min(first, start)
        rows = np.concatenate(parts) if len(parts) > 1 else rows
        if len(rows) > LONGEST * (last - first) and len(parts) > 1:
            start, rows = first, rows[first - start : last - start].copy()
        self._ranges[key] = start, rows
        self._bytes += rows.nbytes
        while self._bytes > MOST_BYTES and len(self._ranges) > 1:
            self._bytes -= self._ranges.popitem(last=False)[1][1].nbytes
        return rows[first - start : last - start]
