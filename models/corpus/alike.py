"""Which units of a channel go along with one: Pearson's correlation over all steps of a store."""

import os
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from unrolled.models.corpus.parts import Told, Wanted, noted, part_notes, parts
from unrolled.models.store.layout import Stored, scale_of, values_of
from unrolled.models.store.reading_ahead import ahead, at_once
from unrolled.models.store.store import Store
from unrolled.models.trace import Channel, FloatArray
from unrolled.models.trace.pyramid import MISSING

ROWS = 2048  # that are worked on at once, to stay in a cache

Made = TypeVar("Made")


class UnitsAlike(NamedTuple):
    """Every unit's correlation with the one, (units,); nan where a unit never changes. `steps`, `notes`: see `Found`."""

    correlation: FloatArray
    steps: int
    notes: tuple[str, ...]


def of_states(store: Store, channel: str, make: Callable[[npt.NDArray[np.int64], Stored], Made], notes: list[str], *,
              wanted: Wanted, progress: Told) -> Iterator[Made]:
    """What is made, in threads, of all states of all documents, a few thousand at once and in their order: of their places on
    the step axis, and of what is kept of them (steps, units).

    A part that cannot be read is left out, and said in `notes`; the end comes early where nobody waits any more.
    """
    rows, is_far = store.steps(channel), store.location.folder is None
    own = store.description.channel(channel)
    room = max(rows.rows_at_once if is_far else ROWS, ROWS)
    total = sum(stop - start for start, stop in store.spans())

    def pieces() -> Iterator[tuple[int, int, npt.NDArray[np.int64]]]:
        for part in parts(store, notes, wanted=wanted):
            inside = np.flatnonzero(part.inside()) + part.start
            for first in range(part.start, part.stop, room):
                last = min(first + room, part.stop)
                yield first, last, inside[np.searchsorted(inside, first) : np.searchsorted(inside, last)]

    def made(piece: tuple[int, int, npt.NDArray[np.int64]]) -> list[Made]:
        start, stop, inside = piece
        if not len(inside) or not wanted():
            return []
        kept, found = rows.read(start, stop), []
        for first in range(start, stop, ROWS):
            last = min(first + ROWS, stop)
            places = inside[np.searchsorted(inside, first) : np.searchsorted(inside, last)]
            if len(places):
                own = kept[first - start : last - start]
                found.append(make(places, own if len(places) == len(own) else own[places - first]))
        return found

    threads = at_once(store.location, room * own.size * rows.dtype.itemsize) if is_far else os.cpu_count() or 1
    for done, one in enumerate(ahead(made, pieces(), threads)):
        progress(min(done * room, total), total)
        if not wanted():
            break
        with noted(notes):
            yield from one()
    progress(total, total)


def from_middle(kept: Stored, channel: Channel) -> FloatArray:
    """How far values are from the middle of their range, same shape, since sums lose less of what is nearer 0; 0 where there
    is no number.
    """
    if kept.dtype == np.uint8:
        offset, step = scale_of(channel)
        found = kept.astype(np.float32)
        found -= round(((channel.low + channel.high) / 2 - offset) / step)  # the middle is a place
        found *= np.float32(step)
        if kept.max(initial=0) == MISSING:
            found[kept == MISSING] = 0.0
        return found
    found = values_of(kept, channel) - np.float32((channel.low + channel.high) / 2)
    finite: FloatArray = found if np.isfinite(found).all() else np.nan_to_num(found)
    return finite


def units_like(store: Store, channel: str, unit: int, *, wanted: Wanted = lambda: True,
               progress: Told = lambda done, of: None) -> UnitsAlike:
    """Raises `StoreError` when there is no such channel or unit."""
    own = store.description.channel(channel)
    store.column(channel, unit, 0, 0)  # says so where there is none
    notes, count = part_notes(store), 0
    sums, squares, products = (np.zeros(own.size) for _ in range(3))

    def summed(_: npt.NDArray[np.int64], kept: Stored) -> tuple[FloatArray, FloatArray, FloatArray, int]:
        numbers = from_middle(kept, own)                                               # (steps, units)
        return numbers.sum(axis=0), np.einsum("su,su->u", numbers, numbers), numbers[:, unit] @ numbers, len(numbers)

    for one in of_states(store, channel, summed, notes, wanted=wanted, progress=progress):
        sums, squares, products, count = sums + one[0], squares + one[1], products + one[2], count + one[3]
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.sqrt(np.maximum(squares / count - (sums / count) ** 2, 0.0))
        together = products / count - sums * sums[unit] / count**2
        flat = (deviation < 1e-6) | (deviation[unit] < 1e-6)
        found = np.where(flat, np.nan, together / (deviation * deviation[unit]))
    return UnitsAlike(np.clip(found, -1.0, 1.0).astype(np.float32), count, tuple(notes))
