"""One document of a store: its steps in ranges, and as a trace that is read where it is looked at."""

import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from unrolled.models.inputs.kinds import kind_named
from unrolled.models.store.layout import GREATEST, LEAST, MEAN, PYRAMID, Stored, StoreError, is_timeline, scale_of, values_of
from unrolled.models.store.reductions import one_level, over_bins
from unrolled.models.trace import Channel, FloatArray, IntArray, Provenance, Trace
from unrolled.models.trace.bins import Bins
from unrolled.models.trace.detokenization import text_of
from unrolled.models.trace.envelope import Ranges
from unrolled.models.trace.names import INSTEAD
from unrolled.models.trace.provenance import WORDS_READ
from unrolled.models.trace.pyramid import MISSING, Bytes, places_of

if TYPE_CHECKING:
    from unrolled.models.store.store import Store

FINE = 4  # steps: a level that is not stored, but made of the steps in sight
MOST_BYTES = 2**25  # of all ranges; the one asked for last stays, however long
LONGEST = 4         # times as many rows as were asked for, before a range is cut


class StoredRun:
    """A document that has been traced. Ranges are in its own steps, from 0; made by `Store.run`."""

    def __init__(self, store: "Store", number: int) -> None:
        row = store.documents[number]
        if not row.is_there:
            raise StoreError(f"“{row.title}” has not been traced yet.")
        # number: the document's
        self._store, self.number, self.title, self._steps = store, number, row.title, row.steps
        self.begin = int(store.documents.begin[number])  # the place of its first step on the store's axis
        self._kept = KeptRows()

    def __len__(self) -> int:
        return self._steps

    @property
    def channels(self) -> tuple[Channel, ...]:
        return self._store.description.channels

    @property
    def blocks(self) -> tuple[int, ...]:
        """The levels of the pyramid, for `bins_of`."""
        return FINE, *self._store.blocks

    def channel(self, name: str) -> Channel:
        """Raises `StoreError` when there is none of that name."""
        return self._store.description.channel(name)

    def look(self, channel: str) -> None:
        """Open all that is kept of a channel. Raises `StoreError` when a shard is missing or cut off."""
        self._store.look(channel, self.begin, self.begin + self._steps)

    def tokens(self, start: int = 0, stop: int | None = None) -> IntArray:
        """(steps,), int32."""
        return self._store.steps("token").read(*self._range(start, stop))

    def log_probs(self, start: int = 0, stop: int | None = None) -> FloatArray:
        """(steps,), natural logarithm; nan where the model said none."""
        return self._store.steps("log_prob").read(*self._range(start, stop))

    def words(self, start: int = 0, stop: int | None = None) -> list[str]:
        """The word of every step; of a model of characters the text's own, also where the model does not know it."""
        if self._store.description.has_characters:
            return list(self.text(start, stop))
        words = self._store.description.model.words
        return [words[token] if token < len(words) else f"#{token}" for token in self.tokens(start, stop).tolist()]

    def text(self, start: int = 0, stop: int | None = None) -> str:
        """What the steps of a range are about; of a model of characters as long as the range."""
        if not self._store.description.has_characters:
            model = self._store.description.model
            end = (model.words[model.end_token],) if model.end_token >= 0 else ()
            return text_of(self.words(start, stop), model.detokenization, without=end)
        codes: npt.NDArray[np.uint32] = self._store.steps("character").read(*self._range(start, stop))
        codes = np.where(codes > sys.maxunicode, ord(INSTEAD), codes)
        return codes.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")

    def kept(self, channel: str, start: int = 0, stop: int | None = None) -> Stored:
        """A channel's values as they are kept, (steps, *channel.shape): bytes are places on its colour map. Often a view of
        the file. Raises `StoreError` when there is no such channel, or a shard is missing or damaged.
        """
        return self._store.steps(self._store.description.channel(channel).name).read(*self._range(start, stop))

    def values(self, channel: str, start: int = 0, stop: int | None = None) -> FloatArray:
        """A channel's values, float32, (steps, *channel.shape); of bytes right to 1/510 of its range."""
        return values_of(self.kept(channel, start, stop), self._store.description.channel(channel))

    def unit(self, channel: str, unit: int, start: int = 0, stop: int | None = None) -> FloatArray:
        """One unit's values over a range of any length, float32 (steps,): read by unit, a byte a step and no more."""
        return values_of(self._store.column(channel, unit, *self._range(start, stop)), self._store.description.channel(channel))

    def means(self, channel: str, bins: Bins) -> FloatArray:
        """The mean value of each bin, float32, (bins, units)."""
        own = self._store.description.channel(channel)
        return self._scaled(self._over(own, bins, MEAN), own)

    def reduced(self, channel: str, bins: Bins, units: npt.NDArray[np.intp] | None = None) -> Bytes:
        """The mean place of each bin, as `PlaceColumns.reduced` gives it: uint8, (units, bins); made from a few thousand rows
        of the pyramid however long the run is, where the bins were made with `Store.blocks`.
        """
        own = self._store.description.channel(channel)
        means = self._over(own, bins, MEAN, units)
        if self._store.description.dtype == "uint8":
            means += np.float32(0.5)
            if np.isnan(means.sum()):
                means = np.where(np.isnan(means), MISSING, means)
            return np.ascontiguousarray(means.astype(np.uint8).T)
        return np.ascontiguousarray(places_of(means, low=own.low, high=own.high).T)

    def ranges(self, channel: str, bins: Bins, units: Sequence[int] = (0,)) -> list[Ranges]:
        """Least, mean and greatest value of some units, or of a channel with one number a step, in each bin."""
        own, chosen = self._store.description.channel(channel), np.array(units, np.intp)
        found = np.stack([self._over(own, bins, statistic, chosen).T                                 # (3, units, bins)
                          for statistic in (LEAST, MEAN, GREATEST)])
        found = self._scaled(found, own)
        return [Ranges(*found[:, number]) for number in range(len(units))]

    def _scaled(self, places: FloatArray, channel: Channel) -> FloatArray:
        """What was reduced as it is kept, same shape, as values."""
        if self._store.description.dtype != "uint8":
            return places
        offset, step = scale_of(channel)
        return (offset + step * places).astype(np.float32)

    def _over(self, channel: Channel, bins: Bins, statistic: int, units: npt.NDArray[np.intp] | None = None) -> FloatArray:
        if not is_timeline(channel):
            raise StoreError(f"The channel “{channel.name}” has no timeline: its steps are pictures.")
        chosen = None if units is None else units.tobytes()

        def read(block: int, first: int, last: int, which: int) -> Stored:
            return self._kept.between((channel.name, block, which, chosen), first, last,
                                      lambda start, stop: self._rows(channel, block, start, stop, which, units))

        return over_bins(read, bins.edges + self.begin, self.blocks, statistic)

    def _rows(self, channel: Channel, block: int, first: int, last: int, statistic: int,
              units: npt.NDArray[np.intp] | None) -> Stored:
        """Rows of a level, (rows, units), in memory of their own."""
        if block == FINE:
            steps = self._rows(channel, 1, first * FINE, last * FINE, statistic, units)
            return one_level(steps, FINE, statistic)
        array, lead = (self._store.steps(channel.name), 0) if block == 1 else (
            self._store.steps(f"{PYRAMID}/{block}/{channel.name}", axis=1), statistic)
        rows = array.read(first, last, lead, units)
        return rows.reshape(len(rows), -1)

    def _range(self, start: int, stop: int | None) -> tuple[int, int]:
        stop = self._steps if stop is None else min(stop, self._steps)
        start = min(max(start, 0), stop)
        return self.begin + start, self.begin + stop

    @cached_property
    def provenance(self) -> Provenance:
        description = self._store.description
        model = description.model
        is_read = description.decoding == WORDS_READ  # a text's tokens are given, and what it is gone on with is chosen
        return Provenance(
            model=model.name, weights_hash=model.weights_hash, input_name=self.title.rsplit("/", 1)[-1],
            decoding="greedy" if is_read else description.decoding, created=description.created, input_kind=model.input_kind,
            detokenization=model.detokenization, prompt_tokens=len(self) if is_read else 0,
            suppressed_tokens=model.suppressed_tokens, convention=kind_named(model.input_kind).convention)

    def trace(self, start: int = 0, stop: int | None = None) -> Trace:
        """A range as a trace in memory, without candidates: of short runs, and of what is to be saved."""
        channels = self.channels
        count = self._range(start, stop)[1] - self._range(start, stop)[0]
        return Trace.from_columns(
            channels, {channel.name: self.values(channel.name, start, stop) for channel in channels},
            words=self.words(start, stop), tokens=self.tokens(start, stop).tolist(), log_probs=self.log_probs(start, stop),
            candidates=[()] * count, provenance=self.provenance, ended=True, input_bytes=self.input_bytes())

    def input_bytes(self) -> bytes:
        """Of a text what the model read, in UTF-8; of anything else nothing: it lies where the store's `source` says."""
        if self._store.description.model.input_kind != "text":
            return b""
        return self.text().encode("utf-8", "surrogatepass")


class KeptRows:
    """Of every key one range of rows, which is made longer where it is asked for more."""

    def __init__(self) -> None:
        self._ranges: OrderedDict[Hashable, tuple[int, Stored]] = OrderedDict()  # first row, rows; the one used last comes last
        self._bytes = 0

    def between(self, key: Hashable, first: int, last: int, read: Callable[[int, int], Stored]) -> Stored:
        """The rows from `first` up to `last`, of which `read` gives those that are not known; a view."""
        start, rows = self._ranges.pop(key, (first, None))
        self._bytes -= 0 if rows is None else rows.nbytes
        if rows is None or first > start + len(rows) or last < start:
            start, rows = first, read(first, last)
        parts = [rows]
        if first < start:
            parts.insert(0, read(first, start))
        if last > start + len(rows):
            parts.append(read(start + len(rows), last))
        start = min(first, start)
        rows = np.concatenate(parts) if len(parts) > 1 else rows
        if len(rows) > LONGEST * (last - first) and len(parts) > 1:
            start, rows = first, rows[first - start : last - start].copy()
        self._ranges[key] = start, rows
        self._bytes += rows.nbytes
        while self._bytes > MOST_BYTES and len(self._ranges) > 1:
            self._bytes -= self._ranges.popitem(last=False)[1][1].nbytes
        return rows[first - start : last - start]
