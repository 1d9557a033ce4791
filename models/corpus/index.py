"""An index of states for stores that are too large to compare all of them: faiss, an extra; what it finds is compared exactly.

States are assigned to the nearest of some thousand centres, and kept in a byte a unit (IVF and a scalar quantizer; Jégou et
al. 2011, Douze et al. 2024). A question looks only into the lists of the centres that are nearest to it, so that it may miss a
state, which is said.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.models.corpus.parts import Told, Wanted, extents
from unrolled.models.store.layout import StoreError, values_of
from unrolled.models.store.store import Store
from unrolled.models.trace import Channel, FloatArray

FROM = 10_000_000      # steps; below, all states are compared
STEPS_A_LIST = 2_000   # on the mean
MOST_LISTS = 16_384
TRAINED_ON = 40        # states a list
LOOKED_INTO = 32       # lists
ROWS = 65_536          # that are added at once


def indexed(store: Store) -> bool:
    """Whether a store is so large that it is asked through an index, and can be."""
    import importlib.util

    return (store.description.steps >= FROM and store.location.folder is not None and store.is_whole
            and importlib.util.find_spec("faiss") is not None)


def candidates(store: Store, channel: Channel, like: FloatArray, metric: str, count: int, *, wanted: Wanted,
               progress: Told) -> npt.NDArray[np.int64]:
    """The first places of spans that may be nearest, (n,); the index is made when it is not there yet."""
    index = _index(store, channel, metric, wanted=wanted, progress=progress)
    _, found = index.search(_prepared(like, metric), count)
    starts = found - np.arange(len(like))[:, None]
    return np.unique(starts[found >= 0])


def _path(store: Store, channel: Channel, metric: str) -> Path:
    assert store.location.folder is not None
    return store.location.folder / "written" / f"nearest-{channel.name}-{metric}.faiss"  # where Zarr looks for nothing


def _index(store: Store, channel: Channel, metric: str, *, wanted: Wanted, progress: Told) -> Any:
    import faiss

    path = _path(store, channel, metric)
    try:
        index: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP) if path.exists() else None
    except RuntimeError:
        index = None  # cut off: it is made again
    if index is None:
        index = _made(store, channel, metric, wanted=wanted, progress=progress)
        _written(faiss, index, path)
    index.nprobe = LOOKED_INTO
    return index


def _made(store: Store, channel: Channel, metric: str, *, wanted: Wanted, progress: Told) -> Any:
    import faiss

    spans = store.spans()
    total = sum(int(extents(store, start, stop).steps.sum()) for start, stop in spans)
    lists = int(np.clip(total // STEPS_A_LIST, 1, MOST_LISTS))
    kind = faiss.METRIC_INNER_PRODUCT if metric == "cosine" else faiss.METRIC_L2
    index = faiss.index_factory(channel.size, f"IVF{lists},SQ8", kind)
    share = max(total // (TRAINED_ON * lists), 1)
    index.train(np.concatenate([_prepared(_states(store, channel, start, stop)[1][::share], metric) for start, stop in spans]))
    for done, (start, stop) in enumerate(spans):
        progress(done, len(spans))
        if not wanted():
            raise StoreError("The index of states was given up before it was whole.")
        places, states = _states(store, channel, start, stop)
        for first in range(0, len(states), ROWS):
            index.add_with_ids(_prepared(states[first : first + ROWS], metric), places[first : first + ROWS])
    progress(len(spans), len(spans))
    return index


def _states(store: Store, channel: Channel, start: int, stop: int) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """The places of a part that are steps, and their states."""
    inside = np.flatnonzero(extents(store, start, stop).inside())
    return inside + start, values_of(store.steps(channel.name).read(start, stop)[inside], channel)


def _prepared(states: FloatArray, metric: str) -> FloatArray:
    states = np.ascontiguousarray(np.nan_to_num(states), np.float32)
    if metric == "cosine":
        states = states / np.linalg.norm(states, axis=1, keepdims=True).clip(1e-15)
    return states


def _written(faiss: Any, index: Any, path: Path) -> None:
    from unrolled.models.trace.atomic import atomic_path

    try:
        with atomic_path(path) as temporary:
            faiss.write_index(index, str(temporary))
    except (OSError, RuntimeError):
        path.unlink(missing_ok=True)  # it is only quicker to have it: this time it is asked as it is
