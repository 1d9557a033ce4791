"""An index of states for stores that are too large to compare all of them: faiss, an extra; what it finds is compared exactly.

States are turned onto their first principal components, assigned to the nearest of some thousand centres, and kept in a byte a
component (IVF and a scalar quantizer; Jégou et al. 2011, Douze et al. 2024). A question looks only into the lists of the centres
that are nearest to it, so that it may miss a state, which is said. Of states of length one the nearest by Euclid are the nearest
by cosine, so that one kind of index serves both.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.models.corpus.alike import of_states
from unrolled.models.corpus.parts import Told, Wanted, noted, parts
from unrolled.models.store.layout import StoreError, values_of
from unrolled.models.store.store import Store
from unrolled.models.trace import Channel, FloatArray

FROM = 10_000_000      # steps; below, all states are compared
COMPONENTS = 64        # of 512 units: an eighth of the bytes and of the time, and 99 of 100 of the nearest are among those named
STEPS_A_LIST = 8_000   # on the mean
MOST_LISTS = 16_384
TRAINED_ON = 40        # states a list
ROUNDS = 10            # of the centres' training
LOOKED_INTO = 32       # lists


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
    faiss.extract_index_ivf(index).nprobe = LOOKED_INTO
    return index


def _made(store: Store, channel: Channel, metric: str, *, wanted: Wanted, progress: Told) -> Any:
    import faiss

    notes: list[str] = []
    total = sum(part.total for part in parts(store, notes))
    lists = int(np.clip(total // STEPS_A_LIST, 1, MOST_LISTS))
    components = f"PCA{COMPONENTS}," if channel.size > COMPONENTS else ""
    index = faiss.index_factory(channel.size, f"{components}IVF{lists},SQ8", faiss.METRIC_L2)
    faiss.extract_index_ivf(index).cp.niter = ROUNDS
    every = max(total // (TRAINED_ON * lists), 1)
    sample = []
    for part in parts(store, notes, wanted=wanted, progress=lambda done, of: progress(done, 2 * of)):
        with noted(notes):
            chosen = np.flatnonzero(part.inside())[::every]
            sample.append(values_of(store.steps(channel.name).read(part.start, part.stop)[chosen], channel))
    _check(notes, wanted)
    index.train(_prepared(np.concatenate(sample), metric))
    for places, kept in of_states(store, channel.name, lambda places, kept: (places, kept), notes, wanted=wanted,
                                  progress=lambda done, of: progress(of + done, 2 * of)):
        index.add_with_ids(_prepared(values_of(kept, channel), metric), places)
    _check(notes, wanted)
    return index


def _check(notes: Sequence[str], wanted: Wanted) -> None:
    if notes or not wanted():
        raise StoreError(notes[0] if notes else "The index of states was given up before it was whole.")


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
