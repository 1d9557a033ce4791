"""A map of all states of a store: their two principal components, or UMAP's plane of some of them."""

import subprocess
import sys
import time
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from unrolled.models.corpus.alike import from_middle, of_states
from unrolled.models.corpus.parts import Told, Wanted, part_notes
from unrolled.models.store.documents import Places
from unrolled.models.store.layout import Stored, StoreError
from unrolled.models.store.own_folder import OwnFolder
from unrolled.models.store.store import Store
from unrolled.models.trace import FloatArray

MOST_SHOWN = 20_000_000  # states whose places are kept in memory, 16 bytes each
MOST_OF_UMAP = 20_000    # states: it is slow
ASK_SECONDS = 0.05
LAY_OUT = """import sys, numpy
from umap import UMAP
numpy.save(sys.argv[2], UMAP(random_state=0, n_jobs=1).fit_transform(numpy.load(sys.argv[1])))"""


class StateMap(NamedTuple):
    points: FloatArray              # (states, 2)
    places: npt.NDArray[np.int64]   # (states,): on the store's step axis, rising
    explained: tuple[float, float]  # the share of the variance along each axis; nan where an axis is no component
    notes: tuple[str, ...]          # what was left out, a sentence each


def principal_map(store: Store, channel: str, *, wanted: Wanted = lambda: True,
                  progress: Told = lambda done, of: None) -> StateMap:
    """The first two principal components (Pearson 1901), from the covariance of all states: two passes, a block at a time.

    Raises `StoreError` when the channel is none of units, or no state is there.
    """
    own = store.description.channel(channel)
    if own.axes != ("unit",):
        raise StoreError(f"{own.title} has no states of units.")
    if own.size < 2:
        raise StoreError(f"{own.title} has one unit alone: its states lie on a line, and its values are at the right.")
    notes, count = part_notes(store), 0
    sums, products = np.zeros(own.size), np.zeros((own.size, own.size))

    def summed(_: Places, kept: Stored) -> tuple[FloatArray, FloatArray, int]:
        numbers = from_middle(kept, own)                                               # (steps, units)
        return numbers.sum(axis=0), numbers.T @ numbers, len(numbers)

    for one in of_states(store, channel, summed, notes, wanted=wanted, progress=lambda done, of: progress(done, 2 * of)):
        sums += one[0]
        products += one[1]                                                             # (units, units)
        count += one[2]
    if not count:
        raise StoreError(f"No state of {own.title} can be read.")
    mean = sums / count
    variances, axes = np.linalg.eigh(products / count - np.outer(mean, mean))          # rising
    plane = _turned(axes[:, :-3:-1])                                                   # (units, 2)
    total = max(float(variances.sum()), 1e-30)
    every = -(-count // MOST_SHOWN)
    if every > 1:
        notes.append(f"The components are those of all {count:,} states; one in {every} is drawn.")

    def placed(places: Places, kept: Stored) -> tuple[FloatArray, Places]:
        chosen = places % every == 0
        return from_middle(kept[chosen], own) @ plane.astype(np.float32) - (mean @ plane).astype(np.float32), places[chosen]

    points, places = zip(*of_states(store, channel, placed, [], wanted=wanted,
                                    progress=lambda done, of: progress(of + done, 2 * of)), strict=True)
    return StateMap(np.concatenate(points), np.concatenate(places),
                    (float(variances[-1] / total), float(variances[-2] / total)), tuple(notes))


def has_umap() -> bool:
    return find_spec("umap") is not None


def umap_map(store: Store, channel: str, *, wanted: Wanted = lambda: True, progress: Told = lambda done, of: None) -> StateMap:
    """UMAP's plane (McInnes et al. 2018) of evenly spread states: no more than it gets through in a minute or so, in a process
    that ends when nobody waits any more; no state has a place then.

    Raises `StoreError` when no state is there, or the library fails.
    """
    steps = sum(stop - start for start, stop in store.spans())
    every = -(-steps // MOST_OF_UMAP)
    notes, kept, places = part_notes(store), [], []
    for where, values in of_states(store, channel, lambda where, values: (where[where % every == 0], values[where % every == 0]),
                                   notes, wanted=wanted, progress=progress):
        kept.append(from_middle(values, store.description.channel(channel)))
        places.append(where)
    if not sum(map(len, places)):
        raise StoreError("No state can be read.")
    if every > 1:
        notes.append(f"UMAP is of one state in {every:,}: it would take too long with all.")
    points = _laid_out(np.concatenate(kept), wanted)
    return StateMap(points, np.concatenate(places)[: len(points)], (float("nan"), float("nan")), tuple(notes))


def _laid_out(values: FloatArray, wanted: Wanted) -> FloatArray:
    """(states, units) → (states, 2); (0, 2) when nobody waits any more."""
    home = OwnFolder()
    given, made, said = (home.path / name for name in ("states.npy", "points.npy", "said.txt"))
    np.save(given, values)
    with said.open("w") as errors, subprocess.Popen([sys.executable, "-c", LAY_OUT, str(given), str(made)],
                                                    stdout=errors, stderr=errors) as child:
        while child.poll() is None and wanted():
            time.sleep(ASK_SECONDS)
        child.kill()
    if not wanted():
        return np.zeros((0, 2), np.float32)
    if not made.exists():
        raise StoreError(f"UMAP ended without a map: {said.read_text(errors='replace').strip().rpartition(chr(10))[2]}")
    return np.asarray(np.load(made), np.float32)


def _turned(axes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Axes whose largest part is positive: an eigenvector's sign means nothing."""
    largest = axes[np.abs(axes).argmax(axis=0), range(axes.shape[1])]
    return axes * np.where(largest < 0, -1.0, 1.0)
