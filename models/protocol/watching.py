"""Somebody's own training, watched: what its process tells of every so many updates."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

import msgspec
import numpy as np

from unrolled.models.inputs.inputs import RECORDED
from unrolled.models.protocol.message import Count, NotNegative, Positive, Report, Request
from unrolled.models.trace import READ_CONVENTION, Channel, FloatArray, Provenance, Trace
from unrolled.models.trace.provenance import WORDS_READ
from unrolled.models.trace.steps import unpacked

UNKNOWN = -1.0  # a norm that nobody saw
MOST_BYTES = 128 * 1024 * 1024  # of kept updates
MOST_UPDATES = 4000
UpdateNumber = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


class FollowTraining(Request, frozen=True):
    """Tell what was seen so far, and from now on what is seen."""

    subject: ClassVar[str] = "training"


class WatchBegun(Report, frozen=True):
    """What is watched, once its first update was seen."""

    name: str                                                 # the network's class
    every: Positive                                           # every so many updates one is seen
    parameters: Annotated[int, msgspec.Meta(ge=0, lt=2**53)]  # of the network
    channels: tuple[Channel, ...] = ()                        # what a step of the probe brings; empty where there is no probe
    words: tuple[str, ...] = ()                               # what every step of the probe read
    notes: tuple[str, ...] = ()                               # what cannot be had, a sentence each

    def trace(self, update: "WatchedUpdate") -> Trace | None:
        """The probe at an update; None without one. Raises `ValueError` when its values do not fit the channels."""
        if not update.values:
            return None
        return Trace.of_read(
            self.channels, unpacked(update.values, self.channels, len(self.words)), self.words,
            Provenance(model=self.name, decoding=WORDS_READ, input_name=f"update {update.update}", input_kind=RECORDED,
                       convention=READ_CONVENTION))


class LayerGradients(msgspec.Struct, frozen=True):
    """‖∂L/∂h_t‖ and, of an LSTM, ‖∂L/∂c_t‖ of one sequence of the batch, float32, (steps,)."""

    name: str
    hidden: bytes
    cell: bytes = b""

    def norms(self, of_cell: bool) -> FloatArray:
        """Raises `ValueError` when they are no float32 numbers."""
        return np.frombuffer(self.cell if of_cell else self.hidden, dtype="<f4")


class WatchedUpdate(Report, frozen=True):
    """An update that was seen; numbers are as they were, not finite ones too."""

    update: UpdateNumber  # its number, from 1; 0 is before the first
    # norm_before, norm_after: the gradient's, before and after clipping; -1 where it was not seen
    norm_before: float = UNKNOWN
    norm_after: float = UNKNOWN
    gradients: tuple[LayerGradients, ...] = ()  # of the batch's first sequence
    values: bytes = b""  # the probe's channels, float32, (steps, total of all channels); empty where there is none
    milliseconds: NotNegative = 0.0  # what this update was held up by
    dropped: Count = 0  # so many updates were not shown so far, since what was seen before was not done with

    @property
    def size(self) -> int:
        return 200 + len(self.values) + sum(len(own.hidden) + len(own.cell) for own in self.gradients)


class WatchedLosses(Report, frozen=True):
    """Losses of updates, whether they were seen otherwise or not: int32 and float32."""

    updates: bytes
    losses: bytes

    def pairs(self) -> tuple[FloatArray, FloatArray]:
        """Numbers of updates and losses. Raises `ValueError` when there are not as many of both."""
        updates, losses = np.frombuffer(self.updates, "<i4"), np.frombuffer(self.losses, "<f4")
        if len(updates) != len(losses):
            raise ValueError(f"{len(losses)} losses do not fit {len(updates)} updates")
        return updates.astype(np.float32), losses


class WatchEnded(Report, frozen=True):
    """The training is over, or is not watched any more."""

    updates: Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


class KeptUpdates:
    """By their numbers; where there is no more room every second of the older half is let go. `most_bytes`, `most`: the limits.
    """

    def __init__(self, most_bytes: int = MOST_BYTES, most: int = MOST_UPDATES) -> None:
        self._limits = most_bytes, most
        self._updates: list[WatchedUpdate] = []
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._updates)

    def __iter__(self) -> Iterator[WatchedUpdate]:
        return iter(self._updates)

    def __getitem__(self, place: int) -> WatchedUpdate:
        return self._updates[place]

    def add(self, update: WatchedUpdate) -> bool:
        """Keep one; one that is not newer than the last is left out, and said with False."""
        if self._updates and update.update <= self._updates[-1].update:
            return False
        self._updates.append(update)
        self._bytes += update.size
        most_bytes, most = self._limits
        while len(self._updates) > 2 and (self._bytes > most_bytes or len(self._updates) > most):
            older = max(len(self._updates) // 2, 2)
            self._updates[:older] = self._updates[:older:2]
            self._bytes = sum(own.size for own in self._updates)
        return True
