"""Where a track's contents come from: a trace in memory, or a run in a store, whose pyramid is on disk."""

from __future__ import annotations

import numpy as np

from unrolled.models.store.stored_places import StoredPlaces
from unrolled.models.store.stored_trace import StoredTrace
from unrolled.models.trace import Channel, FloatArray, Trace
from unrolled.models.trace.bins import BLOCKS, bins_of, stride_of
from unrolled.models.trace.pyramid import PlaceColumns

OVERVIEW = 4096  # bins


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
