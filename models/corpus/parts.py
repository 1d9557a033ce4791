"""A store part by part: which steps of each are some document's, and what cannot be read, which is said and left out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from unrolled.models.store.documents import Places
from unrolled.models.store.layout import StoreError
from unrolled.models.store.reading_ahead import ahead, at_once
from unrolled.models.store.store import Store

Made = TypeVar("Made")
Wanted = Callable[[], bool]
Told = Callable[[int, int], None]
FEW = 1000  # documents


class Extents(NamedTuple):
    """The documents of a range of the step axis, in order."""

    start: int
    stop: int
    # numbers, begin, steps: (documents,): the documents', the places of their first steps counted from `start`, and how many
    # steps they have
    numbers: Places
    begin: Places
    steps: Places

    @property
    def total(self) -> int:
        return int(self.steps.sum())

    def edges(self) -> npt.NDArray[np.bool_]:
        """For every place, and for that behind the last, whether a document begins there."""
        found = np.zeros(self.stop - self.start + 1, bool)
        found[self.begin[self.steps > 0]] = True
        return found

    def inside(self, together: int = 1) -> npt.NDArray[np.bool_]:
        """For every place of the range whether so many steps of one document begin there."""
        fitting = self.steps >= together
        if fitting.sum() < FEW:  # many times faster than counting
            found = np.zeros(self.stop - self.start, bool)
            for begin, steps in zip(self.begin[fitting].tolist(), self.steps[fitting].tolist(), strict=True):
                found[begin : begin + steps - together + 1] = True
            return found
        change = np.zeros(self.stop - self.start + 1, np.int32)
        np.add.at(change, self.begin[fitting], 1)
        np.add.at(change, (self.begin + self.steps - together + 1)[fitting], -1)
        return np.cumsum(change[:-1]) > 0


def extents(store: Store, start: int, stop: int) -> Extents:
    documents = store.documents
    ordered = documents.begin[documents.order]
    first, last = np.searchsorted(ordered, (start, stop))
    numbers = documents.order[first:last]
    begin = documents.begin[numbers] - start
    steps = documents.room[numbers]
    if not store.description.filled and len(numbers):
        written = store.steps("token").read(start, stop) >= 0
        counted = np.concatenate(([0], np.cumsum(written)))
        steps = counted[begin + steps] - counted[begin]
    return Extents(start, stop, numbers, begin, steps)


def parts(store: Store, notes: list[str], *, wanted: Wanted = lambda: True,
          progress: Told = lambda done, of: None) -> Iterator[Extents]:
    """Every part that is there, until nobody waits any more; one whose documents cannot be told apart is left out, which is
    added to `notes`. What is done with a part belongs into `noted`.
    """
    return (part for part, _ in read_parts(store, notes, lambda _: None, wanted=wanted, progress=progress))


def read_parts(store: Store, notes: list[str], read: Callable[[Extents], Made], *, step_bytes: int = 1,
               wanted: Wanted = lambda: True, progress: Told = lambda done, of: None) -> Iterator[tuple[Extents, Made]]:
    """The same with what is read of each; a part that cannot be read is left out as well.

    Of a store that is far away parts are read side by side, and ahead. `step_bytes`: how much memory a step takes that is read.
    """
    spans = store.spans()

    def found(span: tuple[int, int]) -> tuple[Extents, Made]:
        part = extents(store, *span)
        return part, read(part)

    longest = max((stop - start for start, stop in spans), default=1)
    for number, made in enumerate(ahead(found, spans, at_once(store.location, longest * step_bytes))):
        progress(number, len(spans))
        if not wanted():
            break
        one = None
        with noted(notes):
            one = made()
        if one is not None:
            yield one
    progress(len(spans), len(spans))


@contextmanager
def noted(notes: list[str]) -> Iterator[None]:
    """What of a part cannot be read costs that part alone, and is added to `notes`."""
    try:
        yield
    except StoreError as error:
        if str(error) not in notes:
            notes.append(str(error))


def part_notes(store: Store) -> list[str]:
    """What a person should know before believing that an answer is about everything."""
    notes = list(store.problems)
    if not store.written.any():
        notes.append("No part of the store is there yet.")
    elif not store.is_whole:
        there = int(store.written.sum())
        notes.append(f"Of {store.description.parts:,} parts of the store {there:,} {'is' if there == 1 else 'are'} there; "
                     "the answer is about those alone.")
    return notes
