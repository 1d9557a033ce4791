"""A document of a store where a trace is wanted: the same attributes, but its columns are read where they are looked at."""

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.models.store.layout import StoreError, is_searched, values_of
from unrolled.models.store.own_folder import OwnFolder
from unrolled.models.store.run import StoredRun
from unrolled.models.trace import Candidate, Channel, FloatArray, Provenance, StepResult, Trace
from unrolled.models.trace.bins import Bins
from unrolled.models.trace.pyramid import Bytes, places_of

MOST_IN_MEMORY = 100_000  # steps
UNITS_KEPT = 16           # whole lines of single units
BY_STEP = 2**13           # steps of one unit that are read among those of all

Key = int | slice | tuple[Any, ...]


class StoredColumn:
    """All steps of a channel, (steps, *channel.shape), as an array of float32 that is not in memory.

    ``column[step]``, ``column[start:stop]`` and ``column[start:stop, unit]`` read what is asked for and no more, a long range of
    the last by unit. `numpy.asarray` reads all of it.
    """

    def __init__(self, run: StoredRun, channel: Channel) -> None:
        self._run, self._channel = run, channel
        self.shape = (len(run), *channel.shape)
        self.ndim, self.dtype = len(self.shape), np.dtype(np.float32)
        self.nbytes = 0  # in memory
        self._line = lru_cache(maxsize=UNITS_KEPT)(partial(run.unit, channel.name))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Key) -> FloatArray:
        steps, rest = (key[0], key[1:]) if isinstance(key, tuple) else (key, ())
        if not isinstance(steps, slice):
            step = int(steps) + (len(self) if steps < 0 else 0)
            if not 0 <= step < len(self):
                raise IndexError(f"step {steps} is not one of the {len(self)} recorded steps")
            return self._values(slice(step, step + 1), (0, *rest))
        start, stop, stride = steps.indices(len(self))
        if stride < 1:
            return np.asarray(self)[key]
        if stop - start > BY_STEP and len(rest) == 1 and isinstance(rest[0], int | np.integer) and is_searched(self._channel):
            unit = int(rest[0]) + (self._channel.size if rest[0] < 0 else 0)
            return self._line(unit)[start:stop:stride]
        return self._values(slice(start, stop), (slice(None, None, stride), *rest))

    def _values(self, steps: slice, inside: tuple[Any, ...]) -> FloatArray:
        """What is chosen of a range of steps: no other number is made of what is kept."""
        return values_of(self._run.kept(self._channel.name, steps.start, steps.stop)[inside], self._channel)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.asarray(self._run.values(self._channel.name), dtype)


class StoredTrace:
    """What a `Trace` is asked for, of a run in a store; there are no candidates, and nothing can be added.

    Words, tokens and log-probabilities, some bytes a step, are read when the first is asked for; a column never as a whole.
    `run`: which has the pyramid: `StoredRun.reduced`, `StoredRun.ranges`. Channels of which a shard is
    missing or cut off are left out, and `problems` names them, a sentence each.
    """

    ended = True

    def __init__(self, run: StoredRun) -> None:
        self.run = run
        self.problems: list[str] = []
        self.folder: OwnFolder | None = None  # in which the run lies, to be there as long as this is
        self.channels: Mapping[str, Channel] = {channel.name: channel for channel in run.channels if self._can_be_read(channel)}

    def __len__(self) -> int:
        return len(self.run)

    def _can_be_read(self, channel: Channel) -> bool:
        try:
            self.run.look(channel.name)
        except StoreError as error:
            self.problems.append(f"{error} {channel.title} is not shown.")
            return False
        return True

    @property
    def provenance(self) -> Provenance:
        return self.run.provenance

    @cached_property
    def words(self) -> Sequence[str]:
        return self.run.words()

    @cached_property
    def tokens(self) -> Sequence[int]:
        found: list[int] = self.run.tokens().tolist()
        return found

    @cached_property
    def log_probs(self) -> FloatArray:
        return self.run.log_probs()

    @cached_property
    def candidates(self) -> Sequence[tuple[Candidate, ...]]:
        return [()] * len(self)

    @cached_property
    def input_bytes(self) -> bytes:
        return self.run.input_bytes()

    def column(self, name: str) -> StoredColumn:
        """Raises `KeyError` when no channel has that name."""
        return self._columns[name]

    @cached_property
    def _columns(self) -> dict[str, StoredColumn]:
        return {name: StoredColumn(self.run, channel) for name, channel in self.channels.items()}

    def snapshot(self) -> "StoredTrace":
        """Itself: nothing is added to it."""
        return self

    def truncated(self, length: int) -> Trace:
        """Its first steps as a trace in memory, for a branch to go on from. Raises `StoreError` where those would be too many."""
        if length > MOST_IN_MEMORY:
            raise StoreError(f"A branch needs all steps before it in memory: it can begin up to step {MOST_IN_MEMORY:,}.")
        return self.run.trace(0, length)

    def with_role(self, role: str) -> Channel | None:
        """The first channel with a role, or none."""
        return next((channel for channel in self.channels.values() if channel.role == role), None)

    def step(self, step: int) -> StepResult:
        """One step. Raises `IndexError`."""
        return StepResult(step=step, token=self.tokens[step], word=self.words[step], log_prob=float(self.log_probs[step]),
                          values={name: self.column(name)[step] for name in self.channels})


def stored_run(trace: object) -> StoredRun | None:
    """The run behind a trace that is read from a store; None of any other."""
    return trace.run if isinstance(trace, StoredTrace) else None


class StoredPlaces:
    """The places of a channel with the axis ``unit`` on its colour map; nothing is kept, and nothing read as a whole.
    `channel`: on the scale that is wanted, which may be another than the store's.
    """

    def __init__(self, run: StoredRun, channel: Channel) -> None:
        self._run, self._channel = run, channel
        own = run.channel(channel.name)
        self._as_kept = (own.low, own.high) == (channel.low, channel.high)
        self.beyond = (False, False)  # bytes do not tell what lies beyond their scale from what is at its end

    def __len__(self) -> int:
        return len(self._run)

    def follow(self, _trace: object, _most: int | None = None) -> bool:
        """Whether there are steps that were not known; of a run that is stored there are none."""
        return False

    def reduced(self, bins: Bins, units: npt.NDArray[np.intp] | None = None) -> Bytes:
        """The mean place of each bin, shape (units, bins)."""
        found = self._run.reduced(self._channel.name, bins, units)
        if self._as_kept:
            return found
        values = values_of(found, self._run.channel(self._channel.name))
        return places_of(values, low=self._channel.low, high=self._channel.high)
