"""What `unrolled bench` measures of a store that it makes itself: a search over ten million steps, the nearest of a million.

Two parts are written, and their files stand for all others: what is read is as much as if each were another one, and is
in memory before it is timed.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import zarr

from unrolled.models.corpus.nearest import nearest
from unrolled.models.corpus.search import search
from unrolled.models.store.layout import shard_steps
from unrolled.models.store.store import Store, open_store
from unrolled.models.store.writing import Part
from unrolled.models.trace import Channel
from unrolled.viewer.benchmarks.million import begun

UNITS = 512
SEARCHED, COMPARED = 10_000_000, 1_000_000  # steps
UNITS_ASKED, THRESHOLD = (12, 40), 0.5
UNIT_OFF = 7
ROUNDS = 7
DISTINCT = 2  # parts


def measure(report: Path) -> None:
    """Make the store, ask it, and write the figures as JSON."""
    with tempfile.TemporaryDirectory() as home:
        began = time.process_time()
        store = _made(Path(home) / "store", SEARCHED)
        written = (time.process_time() - began) / (DISTINCT * store.description.shard) * 1e6
        ask = partial(search, store, "hidden", on=UNITS_ASKED, off=(UNIT_OFF,), threshold=THRESHOLD)
        found = ask()
        searching, searching_busy = _milliseconds(ask)
        whole, _ = _milliseconds(lambda: _by_step(store), rounds=1)
        like = _made(Path(home) / "like", COMPARED)
        states = like.run(0).values("hidden", 5000, 5001)
        comparing, comparing_busy = _milliseconds(lambda: nearest(like, "hidden", states))
        reading, _ = _milliseconds(lambda: like.run(0).kept("hidden", 70_000, 72_000))
        report.write_text(json.dumps({
            "corpus_search_ms": round(searching, 1), "corpus_search_gain": round(whole / searching, 1),
            "corpus_like_ms": round(comparing, 1), "details": {
                "searched": f"{SEARCHED:,} steps of {UNITS} units as bytes, {len(UNITS_ASKED)} units on and one off, "
                            f"{found.count:,} places; warm; limit 150 ms",
                "by_step_ms": round(whole, 1), "compared_with": "reading every value by step with zarr; limit 50 times",
                "like": f"the nearest of {COMPARED:,} states, exact, cosine, {os.cpu_count()} threads; limit 500 ms",
                "read_2000_steps_ms": round(reading, 3), "writing_us_a_step": round(written, 1),
                "search_processor_ms": round(searching_busy, 1), "like_processor_ms": round(comparing_busy, 1),
                "writing": "of the processor, one channel, both orders and the pyramid"}}), encoding="utf-8")


def _milliseconds(do: Callable[[], object], rounds: int = ROUNDS) -> tuple[float, float]:
    """Of the clock and of the processor: medians of some rounds, after one that is not counted."""
    took: list[tuple[float, float]] = []
    for _ in range(rounds + (rounds > 1)):
        began, busy = time.perf_counter(), time.process_time()
        do()
        took.append(((time.perf_counter() - began) * 1000, (time.process_time() - busy) * 1000))
    wall, processor = zip(*(took[1:] or took), strict=True)
    return statistics.median(wall), statistics.median(processor)


def _by_step(store: Store) -> int:
    """The same search without an order by unit: all values are read."""
    border = round((THRESHOLD + 1) / 2 * 255)
    array: Any = zarr.open_group(store.location.address, mode="r")["hidden"]
    count = 0
    for start, stop in store.spans():
        values = array[start:stop]
        count += int(((values[:, list(UNITS_ASKED)] >= border).all(axis=1) & (values[:, UNIT_OFF] < border)).sum())
    return count


def _made(path: Path, steps: int) -> Store:
    """A store of documents that fill a part each, with states that drift as those of a trained LSTM do."""
    channel = Channel(name="hidden", role="hidden", symbol="h", axes=("unit",), shape=(UNITS,), low=-1.0, high=1.0)
    shard = shard_steps((channel,), "uint8", steps)
    rooms = np.full(-(-steps // shard), shard)
    description, writer = begun(path, (channel,), rooms, shard, tuple("ab\n "))
    for number in range(DISTINCT):
        part = Part.empty(description, 1)
        part.tokens[:], part.log_probs[:] = 1, -1.0
        assert part.characters is not None
        part.characters[:] = ord("b")
        part.values["hidden"][:] = _states(shard, seed=number)
        writer.write(number, number, part)
    _linked(path, len(rooms))
    return open_store(path)


def _states(steps: int, seed: int) -> npt.NDArray[np.uint8]:
    chosen = np.random.default_rng(seed)
    pace = (2 * np.pi / np.geomspace(3, 3000, UNITS)).astype(np.float32)
    found = np.empty((steps, UNITS), np.uint8)
    for start in range(0, steps, 4096):
        at = np.arange(start, min(start + 4096, steps), dtype=np.float32)
        share = 0.5 + 0.4 * np.sin(at[:, None] * pace + seed) + 0.2 * (chosen.random((len(at), UNITS), np.float32) - 0.5)
        found[start : start + len(at)] = (np.clip(share, 0, 1) * 254).astype(np.uint8)
    return found


def _linked(path: Path, parts: int) -> None:
    """Give the parts that are not there the files of those that are: the number of a shard is one part of their paths."""
    for file in [own for own in path.rglob("c/**/*") if own.is_file()]:
        names = file.relative_to(path).parts
        if names[0] in ("title", "begin", "room", "part_shard"):
            continue
        axis = names.index("c") + (2 if names[0] in ("by_unit", "pyramid") else 1)
        for number in range(int(names[axis]) + DISTINCT, parts, DISTINCT):
            other = path.joinpath(*names[:axis], str(number), *names[axis + 1 :])
            other.parent.mkdir(parents=True, exist_ok=True)
            os.link(file, other)


if __name__ == "__main__":
    measure(Path(sys.argv[1]))
