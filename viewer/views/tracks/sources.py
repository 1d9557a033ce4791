"""Where a track's contents come from: a trace in memory, or a run in a store, whose pyramid is on disk."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unrolled.models.store.stored_places import StoredPlaces
from unrolled.models.store.stored_trace import StoredTrace
from unrolled.models.trace import Channel, FloatArray, Trace
from unrolled.models.trace.bins import BLOCKS, Bins, bins_of, stride_of
from unrolled.models.trace.envelope import Ranges
from unrolled.models.trace.pyramid import PlaceColumns

OVERVIEW = 4096  # bins
Steps = slice | npt.NDArray[np.intp]


class StoredLine:
    """One unit of a stored run, or a channel with one number a step, where a line is drawn: read where it is looked at."""

    def __init__(self, trace: StoredTrace, name: str, unit: int | None) -> None:
        self._trace, self._name, self._unit = trace, name, unit

    def __len__(self) -> int:
        return len(self._trace)

    def __getitem__(self, steps: Steps) -> FloatArray:
        """Neighbouring steps; of an array of steps those, read together with what lies between them."""
        if isinstance(steps, slice):
            rows = self._trace.column(self._name)[steps]
            return rows if self._unit is None else rows[:, self._unit]
        if not len(steps):
            return np.zeros(0, np.float32)
        first = int(steps[0])
        return self[first : int(steps[-1]) + 1][steps - first]

    def over(self, bins: Bins) -> Ranges:
        """Least, mean and greatest value of each bin, from the pyramid."""
        return self._trace.run.ranges(self._name, bins, self._unit or 0)

    def follow(self, _values: object) -> None:
        """It does not grow."""


AnyLine = FloatArray | StoredLine


def line_in(trace: Trace, name: str, unit: int | None = None) -> AnyLine:
    """One unit over all steps, or a channel with one number a step."""
    if isinstance(trace, StoredTrace):
        return StoredLine(trace, name, unit)
    column = trace.column(name)
    return column if unit is None else column[:, unit]


def blocks_of(trace: Trace | None) -> tuple[int, ...]:
    """The steps whose means are known, from the fewest."""
    return trace.run.blocks if isinstance(trace, StoredTrace) else BLOCKS


def places_in(trace: Trace | None, channel: Channel) -> PlaceColumns | StoredPlaces:
    """A channel's places on its colour map, of all steps."""
    return StoredPlaces(trace.run, channel) if isinstance(trace, StoredTrace) else PlaceColumns(channel)


def overview(trace: Trace, name: str) -> FloatArray:
    """All steps of a channel, (steps, units); of a long stored run the means of neighbouring ones, (bins, units)."""
    if not isinstance(trace, StoredTrace) or len(trace) <= OVERVIEW:
        return np.asarray(trace.column(name))
    return trace.run.means(name, bins_of(0, len(trace), len(trace), stride_of(len(trace), OVERVIEW), trace.run.blocks))
