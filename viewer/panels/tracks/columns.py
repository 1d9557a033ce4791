"""The colours of a channel over time: each step is placed on the colour map once, when it arrives.

What is kept is a byte a value, its place on the map, so that other colours cost nothing and a long run little: a
hundred thousand steps of 512 units take 51 MB. It knows neither Qt nor the session.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from unrolled.models.trace import Channel, Trace
from unrolled.viewer.theme.colour_maps import TABLE_SIZE, colour_table

PLACES = 255   # on the map; the one place more says that there is no number
MISSING = 255
FIRST_CAPACITY = 64

Bytes = npt.NDArray[np.uint8]


def places_of(values: npt.NDArray[np.float32], *, low: float, high: float) -> Bytes:
    """Where values lie on the map, same shape: 0 to 254 from `low` to `high`, 255 where there is no number."""
    scaled = (values - low) * (PLACES / (high - low))
    placed: Bytes = np.clip(np.nan_to_num(scaled, nan=0.0), 0, PLACES - 1).astype(np.uint8)
    placed[np.isnan(values)] = MISSING
    return placed


@lru_cache(maxsize=16)
def place_table(colour_map: str, missing: tuple[int, int, int]) -> Bytes:
    """The colour of every place, shape (256, 4), RGBA; read-only, since it is shared."""
    chosen = np.linspace(0, TABLE_SIZE - 1, PLACES).round().astype(np.intp)
    table = np.concatenate((colour_table(colour_map)[chosen], np.array([[*missing, 255]], np.uint8)))
    table.flags.writeable = False
    return table


class PlaceColumns:
    """The places of all steps of one channel with the axis ``unit``.

    Parameters
    ----------
    channel : Channel
    """

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._store: Bytes = np.empty((FIRST_CAPACITY, channel.shape[0]), np.uint8)  # time first
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def places(self) -> Bytes:
        """All of them, shape (steps, units); a view."""
        return self._store[: self._length]

    def follow(self, trace: Trace) -> bool:
        """Take over the steps that are new; whether there were any. Fewer steps than before are cut off."""
        length = len(trace)
        if length == self._length:
            return False
        start = min(self._length, length)
        if length > len(self._store):
            larger = np.empty((max(2 * len(self._store), length), self._store.shape[1]), np.uint8)
            larger[:start] = self._store[:start]
            self._store = larger
        new = trace.column(self.channel.name)[start:length]
        self._store[start:length] = places_of(new, low=self.channel.low, high=self.channel.high)
        self._length = length
        return True

    def visible(self, start: int, stop: int, most: int) -> tuple[int, int, Bytes] | None:
        """The places of a range of steps; steps are left out evenly where there are more than `most`.

        Which ones are left out does not depend on where the range begins, so that nothing flickers when it is moved.

        Returns
        -------
        (int, int, array of uint8, shape (units, columns)) or None
            The steps where the first column begins and the last one ends, and the places; None without any step.
        """
        start, stop = max(start, 0), min(stop, self._length)
        if stop <= start:
            return None
        stride = -(-(stop - start) // most)
        start -= start % stride
        kept = self._store[start:stop:stride]
        return start, start + stride * len(kept), np.ascontiguousarray(kept.T)
