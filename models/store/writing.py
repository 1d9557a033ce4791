"""Write a part of a store: every array's shards whole, and last of all that it is there."""

import errno
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.models.store.layout import BY_UNIT, PYRAMID, Stored, StoreDescription, StoreError, fill_of, is_searched, is_timeline
from unrolled.models.store.location import Location, reason_of
from unrolled.models.store.reductions import levels_of

TILE = 64    # steps that are turned at once, to stay in a cache
HOLE = 1024  # steps, of which a chunk may be left out


@dataclass(frozen=True, slots=True)
class Part:
    """What a part holds, filled with holes at first."""

    tokens: npt.NDArray[np.int32]              # (steps,)
    log_probs: npt.NDArray[np.float32]         # (steps,): natural logarithm
    characters: npt.NDArray[np.uint32] | None  # uint32, (steps,)
    values: dict[str, Stored]                  # for every channel what is kept, (steps, *channel.shape), in the store's type

    @classmethod
    def empty(cls, description: StoreDescription, shards: int) -> "Part":
        steps = shards * description.shard
        fill = fill_of(description.dtype)
        return cls(np.full(steps, -1, np.int32), np.full(steps, np.nan, np.float32),
                   np.zeros(steps, np.uint32) if description.has_characters else None,
                   {channel.name: np.full((steps, *channel.shape), fill, description.dtype) for channel in description.channels})


class PartWriter:
    """Writes parts of one store. Several writers may write different parts at once, in any order, from anywhere."""

    def __init__(self, location: Location, description: StoreDescription) -> None:
        self._location, self._description = location, description
        self._group = location.group("r+")
        self._arrays: dict[tuple[str, bool], Any] = {}

    def write(self, part: int, first_shard: int, kept: Part) -> None:
        """Write it; one that is there is written again. Raises `StoreError` when it cannot be, and it is not there then."""
        shard = self._description.shard
        with in_sentences(self._location):
            for number in range(len(kept.tokens) // shard):
                own = slice(number * shard, (number + 1) * shard)
                self._shard(first_shard + number, kept, own)
            self._array("written", has_holes=False)[part] = 1

    def _shard(self, number: int, kept: Part, own: slice) -> None:
        description = self._description
        begin, stop = number * description.shard, (number + 1) * description.shard
        has_holes = bool((kept.tokens[own].reshape(-1, min(HOLE, description.shard)) < 0).all(axis=1).any())
        array = partial(self._array, has_holes=has_holes)
        array("token")[begin:stop] = kept.tokens[own]
        array("log_prob")[begin:stop] = kept.log_probs[own]
        if kept.characters is not None:
            array("character")[begin:stop] = kept.characters[own]
        for channel in description.channels:
            values = kept.values[channel.name][own]
            array(channel.name)[begin:stop] = values
            if is_searched(channel):
                array(f"{BY_UNIT}/{channel.name}")[:, begin:stop] = turned(values)
            if is_timeline(channel):
                for block, level in levels_of(values, description.blocks):
                    array(f"{PYRAMID}/{block}/{channel.name}")[:, begin // block : stop // block] = level

    def _array(self, name: str, *, has_holes: bool) -> Any:
        """Of one with holes the library looks through every chunk, twice, for one that need not be written."""
        if (name, has_holes) not in self._arrays:
            self._arrays[name, has_holes] = self._group[name].with_config({"write_empty_chunks": not has_holes})
        return self._arrays[name, has_holes]


def turned(values: Stored) -> Stored:
    """(steps, units) → (units, steps)."""
    found = np.empty(values.shape[::-1], values.dtype)
    for start in range(0, len(values), TILE):
        found[:, start : start + TILE] = values[start : start + TILE].T
    return found


@contextmanager
def in_sentences(location: Location) -> Iterator[None]:
    """What the system says of a place that cannot be written, as a `StoreError`."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreError(f"There is no room left on the disk for “{location.title}”{_free(location)}. What is written stays "
                             "valid; make room, and the same again goes on from there.") from error
        raise StoreError(f"“{location.title}” cannot be written: {error.strerror or error}.") from error
    except Exception as error:
        if location.folder is not None or isinstance(error, (ValueError, MemoryError)):
            raise
        raise StoreError(f"“{location.where}” cannot be written: {reason_of(error)}.") from error


def _free(location: Location) -> str:
    if location.folder is None or not location.folder.exists():
        return ""
    return f": {shutil.disk_usage(location.folder).free / 1e6:,.0f} MB are free"


def bytes_a_step(description: StoreDescription) -> float:
    """How many bytes a step takes on disk at the most: both orders, and the pyramid."""
    total = 4.0 + 4 + (4 if description.has_characters else 0)
    for channel in description.channels:
        size = channel.size * np.dtype(description.dtype).itemsize
        total += size * (1 + is_searched(channel) + (3 * sum(1 / block for block in description.blocks)
                                                     if is_timeline(channel) else 0))
    return total


def missing_parts(location: Location, parts: int) -> Sequence[int]:
    there = location.names("written/c")
    return [number for number in range(parts) if str(number) not in there]
