"""Where units are on together, and where texts match, in all documents of a store."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest

import numpy as np
import numpy.typing as npt
import regex

from unrolled.models.corpus.parts import Extents, Told, Wanted, extents, noted, part_notes, read_parts
from unrolled.models.store.layout import StoreError
from unrolled.models.store.store import Store
from unrolled.models.trace import Channel
from unrolled.models.trace.pyramid import MISSING, PLACES

MOST = 50
PATIENCE = 5.0  # seconds that an expression may take with one document: some never end
READ_TOGETHER = 2**22  # steps
Spans = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, order=True)
class Hit:
    """A span of steps of one document."""

    document: int
    # first, last: both included, from 0
    first: int
    last: int
    score: float  # what hits are ranked by, the greatest first: how long, or how near


@dataclass(frozen=True, slots=True)
class Found:
    hits: tuple[Hit, ...]   # the best
    count: int              # how many there are in all
    steps: int              # how many steps were looked through
    notes: tuple[str, ...]  # what could not be looked through, a sentence each; that not all of the store is there


def search(store: Store, channel: str, *, on: Sequence[int], off: Sequence[int] = (), threshold: float = 0.5, length: int = 1,
           most: int = MOST, wanted: Wanted = lambda: True, progress: Told = lambda done, of: None) -> Found:
    """The spans in which all units of `on` are at least at the threshold and all of `off` below it, the longest first.

    Bytes are compared as places: the threshold is as good as the next border of a place, at most 1/255 of the range above it.
    Raises `StoreError` when there is no such channel or unit, or no unit is asked for.

    Parameters
    ----------
    length : int
        Shorter spans are left out.
    wanted : callable
        Asked after every part; when it answers False, what was found by then is given.
    """
    own = store.description.channel(channel)
    if not on and not off:
        raise StoreError("Name at least one unit that is to be on, or off.")
    if not math.isfinite(threshold):
        raise StoreError("The threshold should be a finite number.")
    for unit in (*on, *off):
        store.column(channel, unit, 0, 0)  # says so where there is none
    best, count, steps = np.empty((0, 3), np.int64), 0, 0
    notes = part_notes(store)
    spans = store.spans()
    done = 0
    for together in _runs(spans):
        progress(done, len(spans))
        done += len(together)
        if not wanted():
            break
        for start, flags in _flags(store, own, on, off, threshold, together, notes):
            with noted(notes):
                part = extents(store, start, start + len(flags))
                steps += part.total
                spans_there = _spans(flags, part, length)
                count += len(spans_there)
                if len(best) == most:  # what is no longer than the shortest of them is none of the best
                    spans_there = spans_there[spans_there[:, 2] - spans_there[:, 1] >= best[-1, 2] - best[-1, 1]]
                best = _best(np.concatenate((best, spans_there)), most)
    progress(len(spans), len(spans))
    hits = tuple(Hit(document, first, last, float(last - first + 1)) for document, first, last in best.tolist())
    return Found(hits, count, steps, tuple(notes))


def search_text(store: Store, pattern: str, *, most: int = MOST, wanted: Wanted = lambda: True,
                progress: Told = lambda done, of: None) -> Found:
    """Where a regular expression matches the documents' texts, in their order; a match of a model of words is that of the
    words it touches. Raises `StoreError` when the expression is none.
    """
    try:
        compiled = regex.compile(pattern)
    except regex.error as error:
        raise StoreError(f"“{pattern}” is not a regular expression: {error}.") from error
    hits: list[Hit] = []
    count = steps = 0
    notes = part_notes(store)
    for part, words in read_parts(store, notes, lambda part: _words(store, part), step_bytes=4, wanted=wanted, progress=progress):
        steps += part.total
        own: list[Hit] = []
        for number, begin, length in zip(part.numbers.tolist(), part.begin.tolist(), part.steps.tolist(), strict=True):
            if not wanted():
                break
            try:
                for first, last in _matching_steps(compiled, words[begin : begin + length]):
                    own.append(Hit(number, first, last, float(last - first + 1)))
            except TimeoutError:
                with noted(notes):
                    title = store.documents[number].title
                    notes.append(f"“{title}” was given up: the expression took over {PATIENCE:g} s with it.")
        count += len(own)
        hits = nsmallest(most, (*hits, *own))
    return Found(tuple(hits), count, steps, tuple(notes))


def threshold_place(channel: Channel, threshold: float) -> int:
    """The first place that counts as being at the threshold."""
    return math.ceil((threshold - channel.low) / (channel.high - channel.low) * PLACES - 1e-6)


def _runs(spans: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Parts that lie behind one another, as many as are read at once."""
    together: list[tuple[int, int]] = []
    for start, stop in spans:
        if together and (together[-1][1] != start or stop - together[0][0] > READ_TOGETHER):
            yield together
            together = []
        together.append((start, stop))
    if together:
        yield together


def _flags(store: Store, channel: Channel, on: Sequence[int], off: Sequence[int], threshold: float,
           spans: Sequence[tuple[int, int]], notes: list[str]) -> Iterator[tuple[int, npt.NDArray[np.bool_]]]:
    """Of every part where it begins, and for every place whether all is as asked; parts that cannot be read are noted."""
    try:
        flags = _on_together(store, channel, on, off, threshold, spans[0][0], spans[-1][1])
    except StoreError as error:
        if len(spans) == 1:
            notes.append(str(error))
            return
        for span in spans:
            yield from _flags(store, channel, on, off, threshold, [span], notes)
        return
    for start, stop in spans:
        yield start, flags[start - spans[0][0] : stop - spans[0][0]]


def _on_together(store: Store, channel: Channel, on: Sequence[int], off: Sequence[int], threshold: float, start: int,
                 stop: int) -> npt.NDArray[np.bool_]:
    """In holes never: what they are filled with is neither at a threshold nor below it."""
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


def _spans(flags: npt.NDArray[np.bool_], part: Extents, length: int) -> Spans:
    """Document, first and last step of every span of flags, (spans, 3); one never goes on into the next document."""
    turns = np.flatnonzero(np.diff(flags, prepend=False, append=False))                        # on, off, on, …
    begin = part.begin[part.steps > 0]
    cut = begin[flags[begin] & flags[begin - 1] & (begin > 0)]                                 # off and on again
    turns = np.insert(turns, np.repeat(np.searchsorted(turns, cut), 2), np.repeat(cut, 2))
    first, last = turns[::2], turns[1::2] - 1
    long = last - first >= length - 1
    first, last = first[long], last[long]
    rank = np.searchsorted(part.begin, first, side="right") - 1
    return np.stack((part.numbers[rank], first - part.begin[rank], last - part.begin[rank]), axis=1)


def _best(spans: Spans, most: int) -> Spans:
    """The longest, the first documents' first among equals."""
    longest = spans[:, 2] - spans[:, 1]
    if len(spans) > most:
        border = np.partition(longest, len(longest) - most)[len(longest) - most]
        spans, longest = spans[longest >= border], longest[longest >= border]
    return spans[np.lexsort((spans[:, 1], spans[:, 0], -longest))[:most]]


def _words(store: Store, part: Extents) -> str | list[str]:
    """What stands at each place of a part, read at once; of a model of characters a text of as many."""
    if store.description.has_characters:
        codes = store.steps("character").read(part.start, part.stop).astype("<u4")
        return codes.tobytes().decode("utf-32-le", "surrogatepass")
    words = store.description.model.words
    return [words[token] for token in store.steps("token").read(part.start, part.stop).tolist()]


def _matching_steps(pattern: regex.Pattern[str], words: str | Sequence[str]) -> Iterator[tuple[int, int]]:
    if isinstance(words, str):
        for match in pattern.finditer(words, concurrent=True, timeout=PATIENCE):
            if match.end() > match.start():
                yield match.start(), match.end() - 1
        return
    text = " ".join(words)
    ends = np.cumsum([len(word) + 1 for word in words])
    for match in pattern.finditer(text, concurrent=True, timeout=PATIENCE):
        if match.end() > match.start():
            first, last = np.searchsorted(ends, (match.start(), match.end() - 1), side="right")
            yield int(first), int(last)
