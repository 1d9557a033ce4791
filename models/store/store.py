"""A store that is read.

    store = open_store("corpus")            # a folder, or an address such as s3://bucket/corpus
    len(store.documents), store.documents[7].title, store.documents[7].steps
    run = store.run(7)
    run.text(100, 200), run.values("hidden", 100, 200), run.trace()
    bins = bins_of(0, len(run), len(run), stride_of(len(run), 1500), store.blocks)
    run.reduced("hidden", bins)             # what a timeline is painted from
    for start, stop in store.spans(): store.column("hidden", 12, start, stop)   # a unit over everything
"""

import math
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from unrolled.models.inputs.sniffing import head_of
from unrolled.models.store.documents import Documents, Places
from unrolled.models.store.layout import (
    ATTRIBUTE,
    BY_UNIT,
    FORMAT,
    KINDS,
    LARGEST_SHARD,
    OF_DOCUMENTS,
    OF_STEPS,
    PYRAMID,
    VERSION,
    Stored,
    StoreDescription,
    StoreError,
    UnreachableError,
    is_searched,
    is_timeline,
)
from unrolled.models.store.location import Location
from unrolled.models.store.run import StoredRun
from unrolled.models.store.step_array import StepArray

LARGEST_DESCRIPTION = 2**26  # bytes


def is_store(path: Path) -> bool:
    """Whether a folder of this machine looks like a store: quick, and nothing is read but its description."""
    return path.is_dir() and f'"{FORMAT}"'.encode() in head_of(path / "zarr.json", LARGEST_DESCRIPTION)


def open_store(address: str | Path) -> "Store":
    """Open what `unrolled corpus trace` made. Raises `StoreError` when it is none, of another version, or cannot be read, and
    `UnreachableError` when nothing answers at an address.
    """
    location = Location(address, to_read=True)
    try:
        group = location.group("r")
        found = group.attrs.get(ATTRIBUTE)
    except (StoreError, UnreachableError):
        raise
    except Exception as error:  # what an address and a damaged description can do to the library is not to be listed
        there = location.exists() if location.folder is None or location.folder.is_dir() else False
        raise StoreError(f"The description of “{location.title}” is damaged." if there
                         else f"There is no store of traces “{location.where}”.") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise StoreError(f"“{location.title}” is a Zarr folder, but no store of traces, or one that was not finished being made.")
    if found.get("version") != VERSION:
        raise StoreError(f"“{location.title}” is a store of format {found.get('version')}; this Unrolled reads format {VERSION}.")
    try:
        return Store(location, group, msgspec.convert(found, StoreDescription))
    except msgspec.ValidationError as error:
        raise StoreError(f"The description of “{location.title}” is damaged: {str(error).rstrip('.')}.") from error


class Store:
    """Documents with what a model did at each of their steps. Nothing is read before it is asked for."""

    def __init__(self, location: Location, group: Any, description: StoreDescription) -> None:
        self.location, self._group = location, group
        self.problems: list[str] = []  # what of the store's arrays cannot be used, a sentence each
        # the model, its channels, how values are kept; without those channels whose arrays are damaged
        self.description = self._checked(description)
        self._arrays: dict[str, StepArray] = {}
        self.documents = Documents(group, self.description, location, tokens=self.steps("token").read,
                                   written=lambda: self.written)

    @property
    def title(self) -> str:
        return self.location.title

    @property
    def blocks(self) -> tuple[int, ...]:
        """The levels of the pyramid, for `bins_of`."""
        return self.description.blocks

    @cached_property
    def written(self) -> npt.NDArray[np.bool_]:
        """For every part whether it is there; see `refresh`."""
        return self._look_for_parts()

    def _look_for_parts(self) -> npt.NDArray[np.bool_]:
        found = np.zeros(self.description.parts, bool)
        numbers = (int(name) for name in self.location.names("written/c") if name.isascii() and name.isdigit())
        found[[number for number in numbers if number < len(found)]] = True
        return found

    @property
    def is_whole(self) -> bool:
        """Whether all parts are there."""
        return bool(self.written.all())

    def refresh(self) -> bool:
        """Look again which parts are there: somebody may be writing. Whether they are others than before."""
        found = self._look_for_parts()  # before what is known is replaced: a window asks for that meanwhile
        changed = not np.array_equal(found, self.written)
        if changed:
            self.__dict__["written"] = found
            self.documents.forget()
        return changed

    def run(self, number: int) -> StoredRun:
        """A document by its number. Raises `IndexError`, and `StoreError` when it has not been traced yet."""
        return StoredRun(self, number)

    def spans(self) -> list[tuple[int, int]]:
        """The ranges of the step axis that are there, a part each; holes lie in them, whose tokens are -1."""
        shards = [*self.documents.part_shards.tolist(), self.description.steps // self.description.shard]
        return [(shards[part] * self.description.shard, shards[part + 1] * self.description.shard)
                for part in np.flatnonzero(self.written).tolist()]

    def steps(self, name: str, *, axis: int = 0) -> StepArray:
        """An array whose rows are steps: a channel by its name, ``token``, ``log_prob``, ``character``; or the order by unit or
        a level of the pyramid, whose axis 1 is that of the steps or their blocks.
        """
        if name not in self._arrays:
            made = StepArray(self.location, name, self._array(name), axis=axis)
            self._arrays.setdefault(name, made)  # of two threads the first one's
        return self._arrays[name]

    def column(self, channel: str, unit: int, start: int, stop: int) -> Stored:
        """One unit over a range of the step axis, as it is kept, (steps,): one chunk a shard is read.

        Raises `StoreError` when there is no such unit, the channel is not kept by unit, or a shard is missing or damaged.
        """
        own = self.description.channel(channel)
        if not is_searched(own):
            raise StoreError(f"The channel “{channel}” is not kept by unit.")
        if not 0 <= unit < own.size:
            raise StoreError(f"There is no unit {unit} of {own.title}; there are {own.size}, counted from 0.")
        return self.steps(f"{BY_UNIT}/{channel}", axis=1).read(start, stop, unit)

    def look(self, channel: str, start: int, stop: int) -> None:
        """Open all that is kept of a channel over a range of the step axis; see `StepArray.look`."""
        arrays = arrays_of(self.description, (self.description.channel(channel),))
        for name, shape in arrays if self.location.folder is not None else arrays[:1]:  # the others of a copy are made here
            axis = int(name != channel)
            block = self.description.steps // shape[axis]
            self.steps(name, axis=axis).look(start // block, -(-stop // block))

    def at(self, places: Places) -> tuple[Places, Places]:
        """Of places on the step axis, the document and the step in it; -1 in holes, and behind a caption's end."""
        documents, steps = self.documents.at(places)
        if not self.description.filled:
            for number in np.unique(documents[documents >= 0]).tolist():
                behind = (documents == number) & (steps >= self.documents.steps(number))
                documents[behind], steps[behind] = -1, -1
        return documents, steps

    def _array(self, name: str) -> Any:
        from unrolled.models.store.bounded_codec import bounded
        try:
            with self.location.reached(), bounded():
                return self._group[name]
        except UnreachableError:
            raise
        except Exception as error:
            raise StoreError(f"The description of “{name}” in “{self.title}” is missing or damaged.") from error

    def _checked(self, description: StoreDescription) -> StoreDescription:
        """Leave out channels whose arrays are not as the description says, and name them. Raises `StoreError` where those of all
        documents or steps are not.
        """
        lengths = {**dict.fromkeys(OF_DOCUMENTS, description.documents), **dict.fromkeys(OF_STEPS, description.steps)}
        for name, dtype in KINDS.items():
            if name == "character" and not description.has_characters:
                continue
            self._array(name)
            shards = (description.shard,) if name in OF_STEPS else None
            if not self._is(name, dtype, (lengths.get(name, description.parts),), shards):
                raise StoreError(f"“{name}” of “{self.title}” is another array than the description says.")
        fine = []
        for channel in description.channels:
            wrong = next((name for name, shape in arrays_of(description, (channel,)) if not self._is(
                name, description.dtype, shape, shards_of(description, name == channel.name, shape))), "")
            if wrong:
                self.problems.append(f"“{wrong}” is missing or has another shape than the description says; "
                                     f"the channel “{channel.name}” is left out.")
            else:
                fine.append(channel)
        return msgspec.structs.replace(description, channels=tuple(fine))

    def _is(self, name: str, dtype: str, shape: tuple[int, ...], shards: tuple[int, ...] | None) -> bool:
        from unrolled.models.store.bounded_codec import is_unpacked_so
        try:
            found = self._array(name)
        except StoreError:
            return False
        return bool((not dtype or found.dtype == dtype) and (tuple(found.shape), found.shards) == (shape, shards)
                    and is_unpacked_so(found) and 0 < math.prod(found.chunks) * found.dtype.itemsize <= LARGEST_SHARD)


def shards_of(description: StoreDescription, by_step: bool, shape: tuple[int, ...]) -> tuple[int, ...]:
    """What a file holds of a channel's array: all of it but for the axis of the steps or their blocks."""
    axis = 0 if by_step else 1
    block = max(description.steps // max(shape[axis], 1), 1)
    return *shape[:axis], description.shard // block, *shape[axis + 1 :]


def arrays_of(description: StoreDescription, channels: Sequence[Any]) -> list[tuple[str, tuple[int, ...]]]:
    """The arrays of channels, by name, and their shapes."""
    found: list[tuple[str, tuple[int, ...]]] = []
    for channel in channels:
        found.append((channel.name, (description.steps, *channel.shape)))
        if is_searched(channel):
            found.append((f"{BY_UNIT}/{channel.name}", (*channel.shape, description.steps)))
        if is_timeline(channel):
            found += [(f"{PYRAMID}/{block}/{channel.name}", (3, description.steps // block, *channel.shape))
                      for block in description.blocks]
    return found
