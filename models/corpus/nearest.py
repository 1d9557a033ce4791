"""The states that are most like some, by cosine or by Euclid's distance: every state of a store is compared."""

import os
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import local
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from unrolled.models.corpus.index import candidates, indexed
from unrolled.models.corpus.parts import Told, Wanted, part_notes, parts, read_parts
from unrolled.models.corpus.search import MOST, Found, Hit
from unrolled.models.store.layout import StoreError, scale_of, values_of
from unrolled.models.store.reading_ahead import ahead, at_once
from unrolled.models.store.store import Store
from unrolled.models.trace import Channel, FloatArray
from unrolled.models.trace.files import TraceError, load_trace

Metric = Literal["cosine", "euclid"]
ROWS = 1024       # that are compared at once, to stay in a cache; a power of two
UNTHREADED = 2**18  # multiplications: OpenBLAS cuts larger products among threads of its own, which wait for one another
LONGEST = 256     # span that is compared: a part's scores take that many numbers a step
SPARE = 4         # times as many are compared again in double precision as are wanted
NAMED = 20        # times as many are named by an index, whose distances are rough
ROUNDING = 1e-6   # of what |x|² is the small difference of, in single precision

Scores = npt.NDArray[np.float32]


def nearest(store: Store, channel: str, wanted_states: FloatArray, *, metric: Metric = "cosine", most: int = MOST,
            exact: bool = False, wanted: Wanted = lambda: True, progress: Told = lambda done, of: None) -> Found:
    """The spans whose states are most like those of another span, step by step, the nearest first; none overlaps a
    nearer one. Of one state, the states. Raises `StoreError` when there is no such channel, its states have another length, or
    there are more than `LONGEST`.

    Parameters
    ----------
    wanted_states : array of float32, shape (steps, units)
        One state, or those of a span.
    metric : {'cosine', 'euclid'}
        A hit's score is the mean cosine over the span, or minus the mean distance.
    exact : bool
        Compare every state, however many there are. Without it, from ten million on and where faiss is installed, those are
        compared that its index names, and the notes say so.
    """
    own = store.description.channel(channel)
    if own.axes != ("unit",) or wanted_states.ndim != 2 or wanted_states.shape[1] != own.size or not len(wanted_states):
        raise StoreError(f"The states to be like should be of {own.size} units of {own.title}.")
    if len(wanted_states) > LONGEST:
        raise StoreError(f"Spans of at most {LONGEST} steps are compared; this one has {len(wanted_states):,}.")
    if not np.isfinite(wanted_states).all():
        raise StoreError("The states to be like have numbers that are not finite.")
    if not exact and indexed(store):
        with suppress(StoreError):  # a part cannot be read: below it is named, and the others are compared
            return _by_index(store, own, wanted_states, metric, most, wanted, progress)
    length, steps, notes = len(wanted_states), 0, part_notes(store)
    kept_scores, kept_places = [], []
    step_bytes = own.size * np.dtype(store.description.dtype).itemsize + 4 * length  # a step
    for part, scores in read_parts(store, notes, lambda part: _of_part(store, own, wanted_states, metric, part.start, part.stop),
                                   step_bytes=step_bytes, wanted=wanted, progress=progress):
        steps += part.total
        scores[~part.inside(length)] = -np.inf
        count = min(most * SPARE * (2 * length - 1), len(scores))  # of which the others may overlap the first
        best = np.argpartition(scores, len(scores) - count)[len(scores) - count :]
        best = _apart(best[np.argsort(-scores[best], kind="stable")], length, most * SPARE)
        kept_scores.append(scores[best])
        kept_places.append(best + part.start)
    if not kept_scores:
        return Found((), 0, steps, tuple(notes))
    scores, places = np.concatenate(kept_scores), np.concatenate(kept_places)
    order = np.argsort(-scores, kind="stable")[: most * SPARE]
    hits = _again(store, own, wanted_states, metric, places[order[np.isfinite(scores[order])]])[:most]
    return Found(tuple(hits), len(hits), steps, tuple(notes))


def _apart(places: npt.NDArray[np.int64], length: int, most: int) -> npt.NDArray[np.int64]:
    """Of places where spans begin, the best first, those that overlap none before them."""
    kept, taken = list[int](), set[int]()
    for place in places.tolist():
        if place not in taken:
            kept.append(place)
            taken.update(range(place - length + 1, place + length))
            if len(kept) == most:
                break
    return np.array(kept, np.int64)


def _by_index(store: Store, channel: Channel, like: FloatArray, metric: Metric, most: int, wanted: Wanted,
              progress: Told) -> Found:
    count = most * max(SPARE, NAMED // len(like))  # of a span each state names some
    places = candidates(store, channel, like, metric, count, wanted=wanted, progress=progress)
    documents, _ = store.at(places)
    ends, _ = store.at(places + len(like) - 1)
    there = (documents >= 0) & (documents == ends)
    hits = _again(store, channel, like, metric, places[there])[:most]
    total = sum(part.total for part in parts(store, []))
    note = (f"Looked up in an index of {total:,} states; the {int(there.sum()):,} that it named were compared exactly, and a "
            "nearer one may have been missed.")
    return Found(tuple(hits), len(hits), total, (*store.problems, note))


def _of_part(store: Store, channel: Channel, like: FloatArray, metric: Metric, start: int, stop: int) -> Scores:
    """The score of the span that begins at each place of a part, float32."""
    length, shift, step = len(like), 0.0, 1.0
    if store.description.dtype == "uint8":
        shift, step = scale_of(channel)
    # x = shift + step · p, with p the place: x · q = shift Σq + step (p · q), and so |x|² from Σp and Σp².
    columns = np.concatenate((like.T, np.ones((channel.size, 1), np.float32)), axis=1).astype(np.float32)  # (units, n + 1)

    together = min(ROWS, 2 ** max(int(np.log2(UNTHREADED / columns.size)), 3))  # rows in a product

    room = local()  # a thread's own, to be filled again and again: new memory for each piece takes longer than the sums

    def compare(span: tuple[int, int]) -> Scores:
        rows = states.read(*span)
        if not hasattr(room, "rows"):
            room.rows = np.zeros((ROWS, channel.size), np.float32)
        found = np.empty((len(rows), length), np.float32)
        for first in range(0, len(rows), ROWS):
            piece = rows[first : first + ROWS]
            places = room.rows[: len(piece)]
            places[:] = piece
            products = (room.rows.reshape(-1, together, channel.size) @ columns).reshape(ROWS, -1)[: len(piece)]  # (rows, n + 1)
            squares = np.einsum("ru,ru->r", places, places)
            sizes = step**2 * squares + 2 * shift * step * products[:, -1] + shift**2 * channel.size  # |x|²
            inner = shift * sums + step * products[:, :-1]                                    # x · q
            if metric == "cosine":
                sizes[sizes <= ROUNDING * (step**2 * squares + shift**2 * channel.size)] = np.inf  # zeros have no direction
                found[first : first + ROWS] = inner / np.sqrt(sizes)[:, None] / own_sizes
            else:
                found[first : first + ROWS] = -np.sqrt(np.maximum(sizes[:, None] - 2 * inner + own_sizes**2, 0))
        return found

    sums = like.sum(axis=1, dtype=np.float64).astype(np.float32)                              # (n,)
    own_sizes = np.sqrt((like.astype(np.float64) ** 2).sum(axis=1)).astype(np.float32).clip(1e-15)
    states = store.steps(channel.name)
    piece_bytes = states.rows_at_once * channel.size * states.dtype.itemsize
    threads = at_once(store.location, piece_bytes) if store.location.folder is None else os.cpu_count() or 1
    with np.errstate(invalid="ignore"):
        each = np.concatenate([found() for found in ahead(compare, states.pieces(start, stop), threads)])  # (steps, n)
    total = each[:, 0].copy()
    for place in range(1, length):
        total[: len(each) - place] += each[place:, place]
    found: Scores = np.nan_to_num(total / np.float32(length), nan=-np.inf)
    return found


def _again(store: Store, channel: Channel, like: FloatArray, metric: Metric, places: npt.NDArray[np.int64]) -> list[Hit]:
    """The best once more, in double precision, in their order; those that overlap none before them."""
    scores = np.empty(len(places))
    states = store.steps(channel.name)
    reading = ahead(lambda place: states.read(place, place + len(like)), places.tolist(), at_once(store.location))
    for number, kept in enumerate(reading):
        rows = values_of(kept(), channel).astype(np.float64)
        if metric == "cosine":
            sizes = np.linalg.norm(rows, axis=1) * np.linalg.norm(like.astype(np.float64), axis=1)
            scores[number] = (np.einsum("tu,tu->t", rows, like.astype(np.float64)) / np.maximum(sizes, 1e-30)).mean()
        else:
            scores[number] = -np.linalg.norm(rows - like, axis=1).mean()
    documents, steps = store.at(places)
    order = np.lexsort((steps, documents, -scores))
    order = order[np.isin(places[order], _apart(places[order], len(like), len(places)))]
    return [Hit(document, step, step + len(like) - 1, score) for document, step, score
            in zip(documents[order].tolist(), steps[order].tolist(), scores[order].tolist(), strict=True)]


class LikeWhat(NamedTuple):
    """Steps `first` to `last`, counted from 0, of a trace's file; a number is a document's, ``./3`` a file's."""

    source: str
    first: int
    last: int


def like_what(written: str, *, counted_from: int = 0) -> LikeWhat | None:
    """``TRACE:120-140``, ``3:120``, ``#3:120-140``, with steps counted from 0 or 1; none of anything else."""
    found = re.fullmatch(r"\s*(.+?)\s*:\s*(\d+)(?:\s*-\s*(\d+))?\s*", written)
    if found is None:
        return None
    ends = sorted((int(found[2]) - counted_from, int(found[3] or found[2]) - counted_from))
    return LikeWhat(found[1].strip("\"'"), *ends) if ends[0] >= 0 else None


def nearest_to(store: Store, channel: str, what: LikeWhat, *, metric: Metric = "cosine", most: int = MOST, exact: bool = False,
               wanted: Wanted = lambda: True, progress: Told = lambda done, of: None) -> Found:
    """`nearest` to steps of a document or a trace's file. Raises `StoreError` when there is no such file, document, channel or
    step too.
    """
    notes: tuple[str, ...] = ()
    title, own = what.source, re.fullmatch(r"#?(\d+)", what.source)
    if own is not None:
        if int(own[1]) >= len(store.documents):
            raise StoreError(f"There is no document {own[1]}; there are {len(store.documents):,}, counted from 0.")
        run = store.run(int(own[1]))
        title, length, states = run.title, len(run), run.values(channel, what.first, what.last + 1)
    else:
        try:
            trace = load_trace(Path(what.source).expanduser())
        except TraceError as error:
            raise StoreError(str(error)) from error
        if channel not in trace.channels:
            raise StoreError(f"The trace has no channel “{channel}”; it has {', '.join(trace.channels)}.")
        title, length, states = Path(title).name, len(trace), trace.column(channel)[what.first : what.last + 1]
        if trace.provenance.weights_hash != store.description.model.weights_hash:
            notes = (f"“{title}” is of {trace.provenance.model or 'another model'}, the store of {store.description.model.name}: "
                     "that units have the same numbers means nothing.",)
    if what.last >= length:
        raise StoreError(f"“{title}” has only {length:,} {'step' if length == 1 else 'steps'}.")
    found = nearest(store, channel, states, metric=metric, most=most, exact=exact, wanted=wanted, progress=progress)
    return replace(found, notes=(*notes, *found.notes))
