"""What two runs differ in, step by step: a trace of differences, drawn as any other."""

from dataclasses import dataclass

import msgspec
import numpy as np

from unrolled.models.trace import Channel, FloatArray, StepBlock, Trace

REACH = 0.25  # of the channel's range: most differences are far smaller than the whole, and none would be seen


def difference_name(channel: str) -> str:
    """The name of a channel's difference: a name of its own, by which its scale and its colours are kept."""
    return f"difference {channel}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Largest:
    channel: str
    step: int
    place: int         # the unit or place; 0 of a scalar
    difference: float  # the first run's value less the second's
    share: float       # its size as a share of the channel's range


class Differences:
    """The first run less the second, of every channel that both have in the same shape.

    Where the two runs come from different weights, unit 17 of one has nothing to do with unit 17 of the other: training puts
    units in any order, with either sign. Their difference would mean nothing, so of channels of units the mean sizes are
    compared, a curve each. `one`, `other`: they may grow.
    """

    def __init__(self, one: Trace, other: Trace) -> None:
        self.one, self.other = one, other
        weights = one.provenance.weights_hash, other.provenance.weights_hash
        # whether the runs have the same weights, so that their units can be compared one by one
        self.same_units = weights[0] == weights[1] or not all(weights)
        # a channel for each that both have, named as `difference_name` says, its range a quarter of the channel's in both
        # directions. Its words are the first run's.
        self.trace = Trace(tuple(
            self._difference(channel) for name, channel in one.channels.items()
            if (same := other.channels.get(name)) is not None and _comparable(channel, same, self.same_units)))
        # where the runs differ most, as a share of the channel's range; None while they are the same
        self.largest: Largest | None = None

    def follow(self) -> bool:
        """Take over the steps that both have by now; whether there were any."""
        start, stop = len(self.trace), min(len(self.one), len(self.other))
        if stop <= start:
            return False
        columns = {name: self._values(self.one, name, start, stop) - self._values(self.other, name, start, stop)
                   for name in self.one.channels if difference_name(name) in self.trace.channels}
        words = tuple(self.one.words[start:stop])
        count = len(words)
        nothing = np.zeros((count, 0), np.int32)
        self.trace.append_block(StepBlock(
            step=start, tokens=np.arange(count, dtype=np.int32), vocabulary=words, candidate_tokens=nothing,
            log_probs=self.one.log_probs[start:stop] - self.other.log_probs[start:stop],
            candidate_log_probs=nothing.astype(np.float32),
            values={difference_name(name): column for name, column in columns.items()}))
        for name, column in columns.items():
            self._take_largest(name, column, start)
        return True

    def _values(self, trace: Trace, name: str, start: int, stop: int) -> FloatArray:
        """What is compared of a channel: its values, or the mean size of units that are not each other's."""
        values = trace.column(name)[start:stop]
        if self.same_units or trace.channels[name].axes != ("unit",):
            return values
        sizes: FloatArray = np.abs(values).mean(axis=1)
        return sizes

    def _difference(self, channel: Channel) -> Channel:
        reach = (channel.high - channel.low) * REACH
        less = msgspec.structs.replace(channel, name=difference_name(channel.name), label=f"A−B {channel.title}", symbol="Δ",
                                       low=-reach, high=reach, editable=False)
        if self.same_units or channel.axes != ("unit",):
            return less
        return msgspec.structs.replace(less, role=f"mean_size_{channel.role}", axes=(), shape=(),
                                       label=f"A−B mean |{channel.title}|")

    def _take_largest(self, name: str, column: np.ndarray[tuple[int, ...], np.dtype[np.float32]], start: int) -> None:
        size = np.abs(column.reshape(len(column), -1))
        if not size.size or not np.isfinite(size).any():
            return
        step, place = np.unravel_index(int(np.nanargmax(size)), size.shape)
        own = self.one.channels[name]
        share = float(size[step, place]) / (own.high - own.low)
        if share > 0 and (self.largest is None or share > self.largest.share):
            self.largest = Largest(channel=name, step=start + int(step), place=int(place), share=share,
                                   difference=float(column.reshape(len(column), -1)[step, place]))


def _comparable(channel: Channel, other: Channel, same_units: bool) -> bool:
    """Whether two runs' channels can be held against each other: of other weights, units need not be as many."""
    if channel.axes == other.axes == ("unit",) and not same_units:
        return True
    return (channel.axes, channel.shape) == (other.axes, other.shape)
