"""The states that others are to be like: of a trace in a file, or of a document of the store."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from unrolled.models.store.layout import StoreError
from unrolled.models.store.store import Store
from unrolled.models.trace import FloatArray
from unrolled.models.trace.files import TraceError, load_trace


class LikeWhat(NamedTuple):
    """Steps `first` to `last`, counted from 0, of a trace's file; a number is a document's, ``./3`` a file's."""

    source: str
    first: int
    last: int


def like_what(written: str) -> LikeWhat | None:
    """``TRACE:120-140``, ``3:120``, ``#3:120-140``; none of anything else."""
    found = re.fullmatch(r"\s*(.+?)\s*:\s*(\d+)(?:\s*-\s*(\d+))?\s*", written)
    if found is None:
        return None
    ends = int(found[2]), int(found[3] or found[2])
    return LikeWhat(found[1].strip("\"'"), min(ends), max(ends))


def states_of(store: Store, channel: str, what: LikeWhat) -> FloatArray:
    """Shape (steps, units). Raises `StoreError` when there is no such file, document, channel or step."""
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
    if what.last >= length:
        raise StoreError(f"“{title}” has no step {what.last:,}; it has {length:,}, counted from 0.")
    return states
