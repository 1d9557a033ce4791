"""Which units of a channel go along with one: Pearson's correlation over all steps of a store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from unrolled.models.corpus.parts import Told, Wanted, noted, part_notes, parts
from unrolled.models.store.layout import values_of
from unrolled.models.store.store import Store
from unrolled.models.trace import FloatArray

ROWS = 8192  # that are worked on at once


class UnitsAlike(NamedTuple):
    """Every unit's correlation with the one, (units,); nan where a unit never changes. `steps`, `notes`: see `Found`."""

    correlation: FloatArray
    steps: int
    notes: tuple[str, ...]


def states(store: Store, channel: str, notes: list[str], *, wanted: Wanted,
           progress: Told) -> Iterator[tuple[npt.NDArray[np.int64], FloatArray]]:
    """All states of all documents, a few thousand at once: their places on the step axis, and their values (steps, units).

    A part that cannot be read is left out, and said in `notes`; the end comes early where nobody waits any more.
    """
    own, rows = store.description.channel(channel), store.steps(channel)
    for part in parts(store, notes, wanted=wanted, progress=progress):
        inside = np.flatnonzero(part.inside()) + part.start
        with noted(notes):
            for first in range(part.start, part.stop, ROWS):
                if not wanted():
                    return
                last = min(first + ROWS, part.stop)
                places = inside[np.searchsorted(inside, first) : np.searchsorted(inside, last)]
                if len(places):
                    yield places, values_of(rows.read(first, last), own)[places - first]


def units_like(store: Store, channel: str, unit: int, *, wanted: Wanted = lambda: True,
               progress: Told = lambda done, of: None) -> UnitsAlike:
    """Raises `StoreError` when there is no such channel or unit."""
    own = store.description.channel(channel)
    store.column(channel, unit, 0, 0)  # says so where there is none
    notes, count = part_notes(store), 0
    sums, squares, products = (np.zeros(own.size) for _ in range(3))
    for _, values in states(store, channel, notes, wanted=wanted, progress=progress):
        numbers = np.nan_to_num(values - np.float32((own.low + own.high) / 2))  # nearer 0 less is lost
        sums += numbers.sum(axis=0, dtype=np.float64)
        squares += np.einsum("su,su->u", numbers, numbers).astype(np.float64)
        products += numbers[:, unit] @ numbers
        count += len(numbers)
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.sqrt(np.maximum(squares / count - (sums / count) ** 2, 0.0))
        together = products / count - sums * sums[unit] / count**2
        flat = (deviation < 1e-6) | (deviation[unit] < 1e-6)
        found = np.where(flat, np.nan, together / (deviation * deviation[unit]))
    return UnitsAlike(np.clip(found, -1.0, 1.0).astype(np.float32), count, tuple(notes))
