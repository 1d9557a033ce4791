"""What `unrolled bench` measures of the window with a document of a million steps in a store, which it makes itself.

Run as a module with the path of the report, in a process of its own.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from unrolled.models.store.layout import StoreDescription, shard_steps
from unrolled.models.store.location import Location
from unrolled.models.store.making import make_store, pack
from unrolled.models.store.store import open_store
from unrolled.models.store.stored_trace import StoredTrace
from unrolled.models.store.writing import Part, PartWriter
from unrolled.models.trace import Channel, ModelDescription, Trace
from unrolled.models.trace.pyramid import places_of
from unrolled.viewer.benchmarks.long_runs import BLOCK_STEPS, TEXT, drawn_trace, drive, lstm_channels

STEPS, UNITS = 1_000_000, 512
CHANNELS = ("hidden", "cell")


def begun(path: Path, channels: tuple[Channel, ...], rooms: npt.NDArray[np.int64], shard: int,
          words: tuple[str, ...]) -> tuple[StoreDescription, PartWriter]:
    """A store without a part yet, and what writes them: a document a part, as long as `rooms` says."""
    model = ModelDescription(name="drawn", title="Drawn", task="characters", channels=channels, words=words, start_token=-1,
                             end_token=-1, input_kind="text", detokenization="characters")
    packing = pack(rooms, shard)
    description = StoreDescription(model=model, channels=channels, documents=len(rooms), parts=len(rooms),
                                   steps=packing.shards * shard, shard=shard)
    make_store(Location(path), description, [f"{number}.txt" for number in range(len(rooms))], rooms, packing)
    return description, PartWriter(Location(path), description)


def made(path: Path, *, steps: int = STEPS, units: int = UNITS) -> None:
    """A store with one document: what `drawn_trace` draws of a few thousand steps, again and again."""
    channels = tuple(channel for channel in lstm_channels(units) if channel.name in CHANNELS)
    drawn = drawn_trace(BLOCK_STEPS, units)
    shard = shard_steps(channels, "uint8", steps)
    description, writer = begun(path, channels, np.array([steps], np.int64), shard, tuple(sorted(set(TEXT))))
    part = Part.empty(description, description.steps // shard)
    assert part.characters is not None
    source = np.arange(steps) % BLOCK_STEPS
    part.tokens[:steps], part.log_probs[:steps] = np.array(drawn.tokens)[source], drawn.log_probs[source]
    part.characters[:steps] = np.array([ord(word) for word in drawn.words], np.uint32)[source]
    for channel in channels:
        places = places_of(drawn.column(channel.name), low=channel.low, high=channel.high)
        for start in range(0, steps, BLOCK_STEPS):
            stop = min(start + BLOCK_STEPS, steps)
            part.values[channel.name][start:stop] = places[: stop - start]
    writer.write(0, 0, part)


def measure(report: Path, *, steps: int = STEPS, units: int = UNITS) -> None:
    """Drive a window through the document, and write the figures as JSON."""
    with tempfile.TemporaryDirectory() as home:
        began = time.perf_counter()
        made(Path(home) / "store", steps=steps, units=units)
        making = time.perf_counter() - began
        figures = drive("million", lambda: cast(Trace, StoredTrace(open_store(Path(home) / "store").run(0))), units=units)
    figures["million_open_seconds"] = round(figures["details"].pop("first_frame_ms") / 1000, 3)
    figures["million_frame_ms"] = figures.pop("million_zoom_ms")  # one in which everything is drawn anew
    figures["details"] |= {
        "frame": "zooming: every track is drawn anew",
        "making_seconds": round(making, 1), "opening": "from the store's address to the first painted frame; limit 1.0 s",
        "memory": "beside an empty window, without what the system keeps of the files; limit 500 MB"}
    report.write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    measure(Path(sys.argv[1]))
