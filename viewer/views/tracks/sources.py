"""Where a track's contents come from: a trace in memory, or a run in a store, whose pyramid is on disk."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

import numpy as np

from unrolled.models.store.stored_trace import StoredPlaces, stored_run
from unrolled.models.trace import Channel, FloatArray, Trace
from unrolled.models.trace.bins import BLOCKS, Bins, bins_of, stride_of
from unrolled.models.trace.envelope import Ranges
from unrolled.models.trace.pyramid import PlaceColumns

OVERVIEW = 4096  # bins


class StoredLine:
    """One unit of a stored run, or a channel with one number a step, where a line is drawn: read where it is looked at.

    `ranges` gives least, mean and greatest value of each bin.
    """

    def __init__(self, column: Any, unit: int | None, ranges: Callable[[Bins], Ranges]) -> None:
        self._column, self._unit, self.over = column, unit, ranges

    def __len__(self) -> int:
        return len(self._column)

    def __getitem__(self, steps: int | slice) -> Any:
        """A step, or neighbouring ones."""
        return self._column[steps if self._unit is None else (steps, self._unit)]

    def follow(self, _values: object) -> None:
        """It does not grow."""


AnyLine = FloatArray | StoredLine
Lines = Sequence[tuple[str, AnyLine]]
"""Colour and values, shape (steps,), of each."""


def lines_in(trace: Trace, name: str, units: Sequence[int | None] = (None,)) -> list[AnyLine]:
    """Units over all steps, or a channel with one number a step. Of a stored run the ranges of all are read together."""
    run = stored_run(trace)
    if run is None:
        column = trace.column(name)
        return [column if unit is None else column[:, unit] for unit in units]
    stored, last = run, cast(tuple[Bins | None, list[Ranges]], (None, []))

    def ranges(number: int, bins: Bins) -> Ranges:
        nonlocal last
        if last[0] is not bins:
            last = bins, stored.ranges(name, bins, [unit or 0 for unit in units])
        return last[1][number]

    return [StoredLine(trace.column(name), unit, partial(ranges, number)) for number, unit in enumerate(units)]


def blocks_of(trace: Trace | None) -> tuple[int, ...]:
    """The steps whose means are known, from the fewest."""
    run = stored_run(trace)
    return run.blocks if run is not None else BLOCKS


def places_in(trace: Trace | None, channel: Channel) -> PlaceColumns | StoredPlaces:
    run = stored_run(trace)
    return StoredPlaces(run, channel) if run is not None else PlaceColumns(channel)


def overview(trace: Trace, name: str) -> FloatArray:
    """All steps of a channel, (steps, units); of a long stored run the means of neighbouring ones, (bins, units)."""
    run = stored_run(trace)
    bins = bins_of(0, len(trace), len(trace), stride_of(len(trace), OVERVIEW), blocks_of(trace)) if run is not None else None
    return np.asarray(trace.column(name)) if run is None or bins is None or bins.stride == 1.0 else run.means(name, bins)
