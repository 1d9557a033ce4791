"""What the heat map of a stored run is painted from: what `PlaceColumns` gives of a trace, read from the pyramid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unrolled.models.store.layout import values_of
from unrolled.models.store.run import StoredRun
from unrolled.models.trace import Channel
from unrolled.models.trace.bins import Bins
from unrolled.models.trace.pyramid import Bytes, places_of


class StoredPlaces:
    """The places of a channel with the axis ``unit`` on its colour map; nothing is kept, and nothing read as a whole.

    Parameters
    ----------
    channel : Channel
        On the scale that is wanted, which may be another than the store's.
    """

    def __init__(self, run: StoredRun, channel: Channel) -> None:
        self._run, self._channel = run, channel
        own = run.channel(channel.name)
        self._as_kept = (own.low, own.high) == (channel.low, channel.high)
        self.beyond = (False, False)  # bytes do not tell what lies beyond their scale from what is at its end

    def __len__(self) -> int:
        return len(self._run)

    def follow(self, _trace: object, _most: int | None = None) -> bool:
        """Whether there are steps that were not known; of a run that is stored there are none."""
        return False

    def reduced(self, bins: Bins, units: npt.NDArray[np.intp] | None = None) -> Bytes:
        """The mean place of each bin, shape (units, bins)."""
        found = self._run.reduced(self._channel.name, bins, units)
        if self._as_kept:
            return found
        values = values_of(found, self._run.channel(self._channel.name))
        return places_of(values, low=self._channel.low, high=self._channel.high)
