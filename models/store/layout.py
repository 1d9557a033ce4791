"""How a store of traces is laid out in Zarr v3: what arrays there are, and how they are cut into chunks and shards.

All documents lie on one axis, ``step``, each from its `begin` on, with `room` for so many steps; what lies between them is
a hole, whose token is -1. The axis is cut into shards of the same length, and a *part* is one shard, or the several that a
long document needs. No document reaches from one part into another, so that one writer can own each part whole: there is
nothing to lock. A part is there when its place in `written` is 1, which is the last thing that is written of it::

    /                        attributes: "unrolled", a `StoreDescription` as JSON
      title     (document)   text
      begin     (document)   int64, the place of its first step
      room      (document)   int64, how many steps it may have
      part_shard (part)      int64, the first shard of each part
      written   (part)       uint8, a chunk a part
      token     (step)       int32, -1 in holes
      log_prob  (step)       float32, natural logarithm, nan in holes
      character (step)       uint32, the code point that the step is about, 0 in holes; of models of characters
      CHANNEL   (step, *axes)           by step, to read runs
    /by_unit
      CHANNEL   (unit, step)            by unit, to search; of channels with that one axis
    /pyramid/BLOCK           blocks of 16, 64, 256, 1024, 4096, 16384 steps, counted from the beginning of the axis
      CHANNEL   (statistic, step, *axes)  mean, least and greatest; of channels with the axis ``unit`` or none

A channel of bytes holds places on its fixed range, as the window's colour maps do: 0 to 254 from `low` to `high`, 255
where there is no number. The attributes ``scale_factor``, ``add_offset`` and ``_FillValue`` follow the CF conventions, so
that xarray makes values of them that are right to 1/510 of the range; what lies beyond it has the place of its end.
"""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from unrolled.models.trace import Channel, ModelDescription
from unrolled.models.trace.pyramid import MISSING, PLACES, places_of

FORMAT, VERSION = "unrolled-store", 1
ATTRIBUTE = "unrolled"
DTYPES = ("uint8", "float16", "float32")
BLOCKS = (16, 64, 256, 1024, 4096, 16384)  # steps
MEAN, LEAST, GREATEST = range(3)           # along ``statistic``
STATISTICS = 3

BY_UNIT, PYRAMID = "by_unit", "pyramid"
OF_DOCUMENTS = ("title", "begin", "room")
OF_STEPS = ("token", "log_prob", "character")
KINDS = {"title": "", "begin": "int64", "room": "int64", "part_shard": "int64", "written": "uint8", "token": "int32",
         "log_prob": "float32", "character": "uint32"}  # of numbers
RESERVED = (*OF_DOCUMENTS, *OF_STEPS, "part_shard", "written", BY_UNIT, PYRAMID)

# Measured with `unrolled bench --only corpus`; see the documentation.
LONGEST_SHARD, SHORTEST_SHARD = 2**18, 2**12  # steps
LARGEST_SHARD = 2**27           # bytes of the widest channel, which a writer holds several times; of a chunk, where it is read
MOST_SHARDS, MOST_DOCUMENTS = 2**20, 10_000_000
FEWEST_SHARDS = 8               # so that there is something to share among workers
CHUNK_BYTES = 2**19             # by step: reading one step reads as much at the most
UNIT_BYTES = 2**18              # by unit, at the least
SMALL_CHUNK = 2**14             # steps, of what has one number a step
TITLES_A_CHUNK = 1024

Dtype = Literal["uint8", "float16", "float32"]
Stored = npt.NDArray[Any]


class StoreError(ValueError):
    """A store that cannot be read or written, or a question that it has no answer to: one sentence for people."""


class UnreachableError(ValueError):
    """Nothing answers where a store lies: one sentence. No `StoreError`, so that nobody passes over it as over a damaged part and
    waits for the next part as long.
    """


class StoreDescription(msgspec.Struct, frozen=True, kw_only=True):
    format: str = FORMAT
    version: int = VERSION
    model: ModelDescription        # of the model that was traced, its words among it
    channels: tuple[Channel, ...]  # those that are kept
    dtype: Dtype = "uint8"         # uint8, float16, float32: how their values are kept
    # documents, parts, steps: how many there are; `steps` is the length of the step axis, its holes included
    documents: int
    parts: int
    steps: int
    shard: int                     # steps a shard
    # whether every document has as many steps as its room, as texts have that are read; captions end where they end
    filled: bool = True
    decoding: str = "read"         # how words were chosen: ``"read"`` where the input gives them, ``"greedy"``
    source: str = ""               # where the inputs lie; titles are paths below it
    batch: int = 1                 # how many documents were stepped at once, which has a part in the last bits of the numbers
    corpus_hash: str = ""          # SHA-256 of what was to be traced, to know whether it is the same when tracing goes on
    created: str = ""              # when, in ISO 8601 with a time zone

    def __post_init__(self) -> None:
        shards = self.steps // self.shard if 0 < self.shard <= LONGEST_SHARD else -1
        if not (0 <= self.parts <= shards <= MOST_SHARDS and 0 <= self.documents <= MOST_DOCUMENTS) or self.steps % self.shard:
            raise StoreError("Its documents, parts, steps and shards do not fit together.")
        for channel in self.channels:
            if "/" in channel.name or channel.name in RESERVED:
                raise StoreError(f"A channel of a store cannot be called “{channel.name}”.")

    @property
    def has_characters(self) -> bool:
        return self.model.detokenization == "characters"

    @property
    def blocks(self) -> tuple[int, ...]:
        """The levels of the pyramid, in steps."""
        return tuple(block for block in BLOCKS if block <= self.shard)

    def channel(self, name: str) -> Channel:
        """Raises `StoreError` when there is none of that name."""
        for channel in self.channels:
            if channel.name == name:
                return channel
        raise StoreError(f"The store has no channel “{name}”; it has {', '.join(own.name for own in self.channels)}.")


def shard_steps(channels: Sequence[Channel], dtype: str, total: int) -> int:
    """How many steps a shard has where there are so many in `total`: a power of two, the fewer the more bytes a step needs."""
    widest = max(channel.size for channel in channels) * np.dtype(dtype).itemsize
    most = min(LONGEST_SHARD, LARGEST_SHARD // widest, total // FEWEST_SHARDS)
    return int(2 ** int(np.log2(max(most, SHORTEST_SHARD))))


def is_searched(channel: Channel) -> bool:
    return channel.axes == ("unit",)


def is_timeline(channel: Channel) -> bool:
    return channel.axes in (("unit",), ())


def fill_of(dtype: str) -> float | int:
    return MISSING if dtype == "uint8" else float("nan")


def stored(values: npt.NDArray[np.float32], channel: Channel, dtype: str) -> Stored:
    """Values as they are kept, same shape."""
    if dtype == "uint8":
        return places_of(values, low=channel.low, high=channel.high)
    with np.errstate(over="ignore"):
        return values.astype(dtype)


def scale_of(channel: Channel) -> tuple[float, float]:
    """The value of place 0, which is the middle of what it stands for, and how far the next one is."""
    step = (channel.high - channel.low) / PLACES
    return channel.low + step / 2, step


def values_of(kept: Stored, channel: Channel) -> npt.NDArray[np.float32]:
    """What is kept as float32, same shape; nan where there is no number."""
    if kept.dtype != np.uint8:
        return kept.astype(np.float32)
    offset, step = scale_of(channel)
    table = (offset + step * np.arange(256)).astype(np.float32)
    table[MISSING] = np.nan
    return table[kept]
