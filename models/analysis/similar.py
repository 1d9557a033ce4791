"""Where else the same units are on, after LSTMVis (Strobelt et al. 2018): in a run, and in the runs of a folder."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from unrolled.models.trace import FloatArray, Trace

Flags = npt.NDArray[np.bool_]

MOST_MATCHES = 50
CONTEXT = 4  # steps before and after a match
BINS = 128
LEAST_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    channel: str
    units: tuple[int, ...]
    # a unit is on where its value, times its sign, is at least so large. Below 0: where its value is at most so large.
    threshold: float
    length: int = 1  # how many steps they stay on; spans of other lengths score less
    # 1 or -1 for each unit: whether it is on where it is large, or where it is far below 0. Empty for 1 alone.
    signs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A span of steps where the units are on."""

    source: str   # the trace's file; empty for the run on screen
    # first, last: both included
    first: int
    last: int
    share: float  # of the units that are on, at least a half
    score: float  # from 0 to 1, what matches are ranked by: the share, times how well the length fits
    # before, words, after: its words, and those around it
    before: tuple[str, ...]
    words: tuple[str, ...]
    after: tuple[str, ...]


def suggested_threshold(values: FloatArray) -> float:
    """Where to cut |values| in two: the threshold between quiet and loud that separates them best (Otsu 1979)."""
    loud = np.abs(values[np.isfinite(values)].astype(np.float64))  # in which nothing of a float32 is beyond
    if not loud.size or float(loud.max()) == float(loud.min()):
        return 0.5
    counts, edges = np.histogram(loud, BINS)
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    total, weighted = below[-1], np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (weighted[-1] * below / total - weighted) ** 2 / (below * (total - below) / total**2)
    return float(edges[1 + int(np.nanargmax(np.where(np.isfinite(between), between, -1.0)))])


def units_on(values: FloatArray, threshold: float) -> dict[int, int]:
    """The units that are on throughout a span, (steps, units), each with its sign: on one side of 0 or the other."""
    above = {int(unit): 1 for unit in np.flatnonzero(_on(values, threshold).all(axis=0))}
    if threshold <= 0:
        return above
    return above | {int(unit): -1 for unit in np.flatnonzero(_on(-values, threshold).all(axis=0))}


def find(pattern: Pattern, trace: Trace, *, source: str = "") -> list[Match]:
    """The spans of a run where at least half of the units are on, the best first, the longer before the shorter. Raises
    `ValueError` when the run has no such channel or unit.
    """
    channel = trace.channels.get(pattern.channel)
    if channel is None or channel.axes != ("unit",) or not pattern.units or max(pattern.units) >= channel.size:
        raise ValueError(f"it has no such units of {pattern.channel.replace('_', ' ')}")
    values = trace.column(channel.name)[:, list(pattern.units)]
    if pattern.signs and pattern.threshold > 0:
        values = values * np.array(pattern.signs, np.float32)
    share = _on(values, pattern.threshold).mean(axis=1)
    matches = []
    for first, stop in _spans(share):
        length = stop - first
        fit = min(length, pattern.length) / max(length, pattern.length)
        # A span of another length is the same thing said slower or faster: it counts for half at the least.
        matches.append((float(share[first]) * (0.5 + 0.5 * fit), first, stop))
    matches.sort(key=lambda match: (-match[0], match[1]))
    words = trace.words
    return [Match(source=source, first=first, last=stop - 1, share=float(share[first]), score=score,
                  before=tuple(words[max(first - CONTEXT, 0) : first]), words=tuple(words[first:stop]),
                  after=tuple(words[stop : stop + CONTEXT])) for score, first, stop in matches[:MOST_MATCHES]]


def _on(values: FloatArray, threshold: float) -> Flags:
    with np.errstate(invalid="ignore"):
        on: Flags = values >= threshold if threshold >= 0 else values <= threshold
    return on


def _spans(share: npt.NDArray[np.float64]) -> Iterator[tuple[int, int]]:
    """Spans of one share of units, as long as it stays the same and is at least a half: from, and up to."""
    change = np.flatnonzero(np.diff(share)) + 1
    edges = np.concatenate(([0], change, [len(share)]))
    for first, stop in pairwise(edges):
        if stop > first and share[first] >= LEAST_SHARE:
            yield int(first), int(stop)


def find_in_folder(pattern: Pattern, folder: Path, suffixes: Sequence[str], read: Callable[[Path], Sequence[Trace]], *,
                   wanted: Callable[[], bool] = lambda: True,
                   progress: Callable[[int, int], None] = lambda done, of: None) -> tuple[list[Match], list[str]]:
    """The matches of all traces and sessions in a folder, the best first; and what could not be searched, a sentence each.

    Parameters
    ----------
    suffixes : sequence of str
        Which files are searched.
    read : callable
        The traces in a file; raises `ValueError` with a sentence.
    wanted : callable
        Asked before every file; when it answers False the search ends with what it has.
    progress : callable
        Told how many files are done, of how many.
    """
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in suffixes and path.is_file())
    found: list[Match] = []
    left_out: list[str] = []
    for number, path in enumerate(files):
        if not wanted():
            break
        progress(number, len(files))
        try:
            for trace in read(path):
                found += find(pattern, trace, source=str(path))
        except ValueError as error:
            sentence = str(error)
            left_out.append(sentence if path.name in sentence else f"“{path.name}” was left out: {sentence}.")
    found.sort(key=lambda match: -match.score)
    return found[:MOST_MATCHES], left_out
