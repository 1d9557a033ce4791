"""The documents of a store, which may be a million: rows are read when somebody looks at them."""

import threading
from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from unrolled.models.store.layout import StoreDescription, StoreError
from unrolled.models.store.location import Location

BLOCK = 1024   # rows that are read at once, as many as a chunk of titles has
MOST_BLOCKS = 64
OF_PLACES = ("begin", "room", "part_shard")
TITLES_READ = 2**16  # at once, where titles are searched

Places = npt.NDArray[np.int64]


class Row(NamedTuple):
    number: int     # its place in the store, from 0
    title: str      # the path of its input below the store's source
    steps: int      # how many it has
    is_there: bool  # whether it has been traced
    is_named: bool = True  # whether the title could be read; it says the number where not


def untitled(number: int) -> str:
    """What to call a document whose title is not known."""
    return f"document {number}"


class Documents:
    """All documents, by their numbers.

    Parameters
    ----------
    group : zarr.Group
    tokens : callable
        Those of a range of the step axis.
    written : callable
        For every part whether it is there.

    Attributes
    ----------
    problems : list of str
        Which of the titles that were wanted so far cannot be read, a sentence each.
    """

    def __init__(self, group: Any, description: StoreDescription, location: Location, *,
                 tokens: Callable[[int, int], npt.NDArray[np.int32]], written: Callable[[], npt.NDArray[np.bool_]]) -> None:
        self._group, self._description, self._location = group, description, location
        self._tokens, self._written = tokens, written
        self.problems: list[str] = []
        self._blocks: dict[int, tuple[Row, ...]] = {}
        self._reading = threading.Lock()  # a window lists the documents of a store that is searched

    def __len__(self) -> int:
        return self._description.documents

    def __getitem__(self, number: int) -> Row:
        """One row. Raises `IndexError`. Its neighbours are read with it, and are known then."""
        if not 0 <= number < len(self):
            raise IndexError(f"There is no document {number}; the store has {len(self):,}.")
        block = number // BLOCK
        with self._reading:
            if block not in self._blocks:
                if len(self._blocks) >= MOST_BLOCKS:
                    del self._blocks[next(iter(self._blocks))]
                self._blocks[block] = self._read(block * BLOCK, min((block + 1) * BLOCK, len(self)))
            return self._blocks[block][number - block * BLOCK]

    def at_hand(self, number: int) -> Row | None:
        """One row, for whoever does not wait: of a store that is far away none where it is not known yet."""
        if self._location.folder is not None:
            return self[number]
        block = self._blocks.get(number // BLOCK)
        return None if block is None else block[number % BLOCK]

    def title_at_hand(self, number: int) -> str:
        """Its title, or what to call it until that is known."""
        row = self.at_hand(number)
        return untitled(number) if row is None else row.title

    def named(self, text: str, *, wanted: Callable[[], bool] = lambda: True,
              progress: Callable[[int, int], None] = lambda done, of: None) -> Places:
        """The numbers of the documents whose titles hold all words of a text, large or small: titles alone are read, some at
        once, until nobody waits any more.
        """
        words, found = text.casefold().split(), []
        for start in range(0, len(self), TITLES_READ):
            progress(start, len(self))
            if not wanted():
                break
            titles = self._titles(start, min(start + TITLES_READ, len(self)))
            found += [number for number, title in enumerate(titles, start)
                      if all(word in (title or untitled(number)).casefold() for word in words)]
        progress(len(self), len(self))
        return np.array(found, np.int64)

    def forget(self) -> None:
        """Read rows again when they are asked for: more of them may be there by now."""
        with self._reading:
            self._blocks.clear()
            self.problems.clear()

    def _read(self, start: int, stop: int) -> tuple[Row, ...]:
        titles, steps = self._titles(start, stop), self.room[start:stop].copy()
        there = self._written()[self.part_of(self.begin[start:stop])]
        if not self._description.filled:
            steps[there] = self._counted(np.arange(start, stop)[there])
        rows = zip(range(start, stop), titles, steps.tolist(), there.tolist(), strict=True)
        return tuple(Row(number, str(title or untitled(number)), count, is_there, bool(title))
                     for number, title, count, is_there in rows)

    def _titles(self, start: int, stop: int) -> list[str]:
        """Those of a range; empty where they cannot be read, which costs no other block its titles."""
        try:
            found: list[str] = self.array("title", start, stop).tolist()
        except StoreError:
            if stop - start > BLOCK:
                return [title for first in range(start, stop, BLOCK) for title in self._titles(first, min(first + BLOCK, stop))]
            found = [""] * (stop - start)
            sentence = f"The titles of documents {start:,} to {stop - 1:,} cannot be read: numbers stand in their place."
            self.problems += [sentence] if sentence not in self.problems else []
        return found

    def _counted(self, numbers: Places) -> Places:
        """The steps of captions, each run of neighbours on the step axis read at once."""
        found = np.zeros(len(numbers), np.int64)
        begin, end = self.begin[numbers], self.begin[numbers] + self.room[numbers]
        order = np.argsort(begin)
        apart = np.flatnonzero(begin[order][1:] != end[order][:-1]) + 1
        for own in np.split(order, apart):
            if len(own):
                first = int(begin[own[0]])
                try:
                    counted = np.concatenate(([0], np.cumsum(self._tokens(first, int(end[own[-1]])) >= 0)))
                except StoreError:
                    found[own] = [self._steps_or_room(number) for number in numbers[own].tolist()]
                    continue
                found[own] = counted[end[own] - first] - counted[begin[own] - first]
        return found

    def _steps_or_room(self, number: int) -> int:
        """One damaged shard does not cost the list its other rows; what reads the document's own steps names the shard."""
        try:
            return self.steps(number)
        except StoreError:
            return int(self.room[number])

    def array(self, name: str, start: int = 0, stop: int | None = None) -> npt.NDArray[Any]:
        """A range of ``title``, ``begin``, ``room``, ``part_shard`` or ``written``. Raises `StoreError` when it is damaged."""
        from unrolled.models.store.bounded_codec import bounded
        with self._location.reached(f"“{name}” of the store is cut off or damaged."):
            with bounded():
                own = self._group[name]
            found = np.asarray(own[start:stop])
        if name in ("title", "room") and not all(found.tolist()):  # no document is without
            raise StoreError(f"A part of “{name}” is missing.")
        if name in OF_PLACES and len(found) and not 0 <= found.min() <= found.max() <= self._description.steps:
            raise StoreError(f"“{name}” of the store is cut off or damaged.")
        return found

    @cached_property
    def begin(self) -> Places:
        """The place of each document's first step, shape (documents,)."""
        return self.array("begin")

    @cached_property
    def room(self) -> Places:
        """How many steps each may have, shape (documents,)."""
        return self.array("room")

    @cached_property
    def part_shards(self) -> Places:
        """The first shard of each part, shape (parts,)."""
        return self.array("part_shard")

    def part_of(self, places: Places) -> Places:
        """The part in which places of the step axis lie."""
        return np.searchsorted(self.part_shards, places // self._description.shard, side="right") - 1

    def steps(self, number: int) -> int:
        room = int(self.room[number])
        if self._description.filled:
            return room
        begin = int(self.begin[number])
        return int((self._tokens(begin, begin + room) >= 0).sum())

    @cached_property
    def order(self) -> Places:
        """The documents' numbers in the order in which they lie on the step axis."""
        return np.argsort(self.begin)

    def at(self, places: Places) -> tuple[Places, Places]:
        """Of places on the step axis, the document and the step in it, counted from 0; a document of -1 in holes."""
        rank = np.searchsorted(self.begin, places, side="right", sorter=self.order) - 1
        documents = self.order[np.maximum(rank, 0)]
        steps = places - self.begin[documents]
        inside = (rank >= 0) & (steps < self.room[documents])
        return np.where(inside, documents, -1), np.where(inside, steps, -1)
