"""Where units are on together, and where texts match, in all documents of a store."""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unrolled.models.corpus.extents import Extents, extents
from unrolled.models.store.layout import StoreError
from unrolled.models.store.store import Store
from unrolled.models.trace import Channel
from unrolled.models.trace.pyramid import MISSING, PLACES

MOST = 50
Wanted = Callable[[], bool]
Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, order=True)
class Hit:
    """A span of steps of one document.

    Attributes
    ----------
    document : int
    first, last : int
        Both included, from 0.
    score : float
        What hits are ranked by, the greatest first: how long, or how near.
    """

    document: int
    first: int
    last: int
    score: float


@dataclass(frozen=True, slots=True)
class Found:
    """What a question has for an answer.

    Attributes
    ----------
    hits : tuple of Hit
        The best.
    count : int
        How many there are in all.
    steps : int
        How many steps were looked through.
    notes : tuple of str
        What could not be looked through, a sentence each; that not all of the store is there.
    """

    hits: tuple[Hit, ...]
    count: int
    steps: int
    notes: tuple[str, ...]


def search(store: Store, channel: str, *, on: Sequence[int], off: Sequence[int] = (), threshold: float = 0.5, length: int = 1,
           most: int = MOST, wanted: Wanted = lambda: True, progress: Told = lambda done, of: None) -> Found:
    """The spans in which all units of `on` are at least at the threshold and all of `off` below it, the longest first.

    Bytes are compared as places: the threshold is as good as the next border of a place, at most 1/255 of the range above it.

    Parameters
    ----------
    length : int
        Shorter spans are left out.
    wanted : callable
        Asked after every part; when it answers False, what was found by then is given.

    Raises
    ------
    StoreError
        When there is no such channel or unit, or no unit is asked for.
    """
    own = store.description.channel(channel)
    if not on and not off:
        raise StoreError("Name at least one unit that is to be on, or off.")
    for unit in (*on, *off):
        store.column(channel, unit, 0, 0)  # says so where there is none
    best: list[tuple[float, int, int, int]] = []
    count = steps = 0
    notes = part_notes(store)
    spans = store.spans()
    for number, (start, stop) in enumerate(spans):
        progress(number, len(spans))
        if not wanted():
            break
        try:
            flags = _on_together(store, own, on, off, threshold, start, stop)
        except StoreError as error:
            notes.append(str(error))
            continue
        part = extents(store, start, stop)
        steps += int(part.steps.sum())
        for document, first, last in _spans(flags & part.inside(), part, length):
            count += 1
            _keep(best, (float(last - first + 1), -document, -first, last), most)
    progress(len(spans), len(spans))
    return Found(_hits(best), count, steps, tuple(notes))


def search_text(store: Store, pattern: str, *, most: int = MOST, wanted: Wanted = lambda: True,
                progress: Told = lambda done, of: None) -> Found:
    """Where a regular expression matches the documents' texts, in their order; a match of a model of words is that of the
    words it touches. Raises `StoreError` when the expression is none.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise StoreError(f"“{pattern}” is no regular expression: {error}.") from error
    hits: list[Hit] = []
    count = steps = 0
    notes = part_notes(store)
    for number in range(len(store.documents)):
        if number % 64 == 0:
            progress(number, len(store.documents))
        if not wanted():
            break
        if not store.documents[number].is_there:
            continue
        try:
            run = store.run(number)
            words = run.words()
        except StoreError as error:
            notes.append(str(error))
            continue
        steps += len(words)
        for first, last in _matching_steps(compiled, words, is_spelled=store.description.has_characters):
            count += 1
            if len(hits) < most:
                hits.append(Hit(number, first, last, float(last - first + 1)))
    progress(len(store.documents), len(store.documents))
    return Found(tuple(hits), count, steps, tuple(notes))


def part_notes(store: Store) -> list[str]:
    """What a person should know before believing that an answer is about everything."""
    notes = list(store.problems)
    if not store.is_whole:
        notes.append(f"Of {store.description.parts:,} parts of the store {int(store.written.sum()):,} are there; the answer is "
                     "about those alone.")
    return notes


def threshold_place(channel: Channel, threshold: float) -> int:
    """The first place that counts as being at the threshold."""
    return math.ceil((threshold - channel.low) / (channel.high - channel.low) * PLACES - 1e-6)


def _on_together(store: Store, channel: Channel, on: Sequence[int], off: Sequence[int], threshold: float, start: int,
                 stop: int) -> npt.NDArray[np.bool_]:
    flags = np.ones(stop - start, bool)
    border: float = threshold
    if store.description.dtype == "uint8":
        border = min(max(threshold_place(channel, threshold), 0), MISSING)
    for unit in on:
        kept = store.column(channel.name, unit, start, stop)
        flags &= kept >= border
        if kept.dtype == np.uint8:
            flags &= kept != MISSING
    for unit in off:
        flags &= store.column(channel.name, unit, start, stop) < border
    return flags


def _spans(flags: npt.NDArray[np.bool_], part: Extents, length: int) -> Iterator[tuple[int, int, int]]:
    """Document, first and last step of every span of flags; one never goes on into the next document."""
    edges = np.flatnonzero(np.diff(flags, prepend=False, append=False))
    for first, stop in edges.reshape(-1, 2).tolist():
        place = first
        while place < stop:
            rank = int(np.searchsorted(part.begin, place, side="right")) - 1
            begin = int(part.begin[rank])
            end = min(stop, begin + int(part.steps[rank]))
            if end - place >= length:
                yield int(part.numbers[rank]), place - begin, end - 1 - begin
            place = end


def _keep(best: list[tuple[float, int, int, int]], one: tuple[float, int, int, int], most: int) -> None:
    if len(best) < most:
        heapq.heappush(best, one)
    elif one > best[0]:
        heapq.heapreplace(best, one)


def _hits(best: list[tuple[float, int, int, int]]) -> tuple[Hit, ...]:
    return tuple(Hit(-document, -first, last, score) for score, document, first, last in sorted(best, reverse=True))


def _matching_steps(pattern: re.Pattern[str], words: Sequence[str], *, is_spelled: bool) -> Iterator[tuple[int, int]]:
    if is_spelled:
        for match in pattern.finditer("".join(words)):
            if match.end() > match.start():
                yield match.start(), match.end() - 1
        return
    text = " ".join(words)
    ends = np.cumsum([len(word) + 1 for word in words])
    for match in pattern.finditer(text):
        if match.end() > match.start():
            first, last = np.searchsorted(ends, (match.start(), match.end() - 1), side="right")
            yield int(first), int(last)
