"""What was recorded while a model ran.

A trace holds one column per channel, time first. Columns grow by doubling, so that adding a step costs the same
however long the run is, and reading a column is a view, never a copy.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from unrolled.models.trace.channel import Channel
from unrolled.models.trace.provenance import Provenance
from unrolled.models.trace.slices import Channels, Slices
from unrolled.models.trace.steps import Candidate, CandidateColumn, FloatArray, StepBlock, StepResult

if TYPE_CHECKING:
    from xarray import Dataset

FIRST_CAPACITY = 32


class Trace:
    """The record of one run.

    Parameters
    ----------
    input_bytes : bytes
        The input as it was given (the photograph's file), so that a trace can be opened without it.
    ended : bool
        Whether the run is over: END was written or the longest length reached.
    """

    __slots__ = ("_candidates", "_channels", "_columns", "_length", "_log_probs", "_slices", "_tokens", "_words",
                 "ended", "input_bytes", "provenance")

    def __init__(self, channels: Iterable[Channel], *, provenance: Provenance | None = None,
                 input_bytes: bytes = b"", ended: bool = False) -> None:
        self._channels = Channels(channels)
        self._slices = Slices()
        self._columns: dict[str, FloatArray] = {
            name: np.empty((FIRST_CAPACITY, *channel.shape), np.float32) for name, channel in self._channels.items()
        }
        self._log_probs: FloatArray = np.empty(FIRST_CAPACITY, np.float32)
        self._length = 0
        self._words: list[str] = []
        self._tokens: list[int] = []
        self._candidates = CandidateColumn()
        self.provenance = provenance or Provenance()
        self.input_bytes = input_bytes
        self.ended = ended

    @classmethod
    def from_columns(cls, channels: Iterable[Channel], columns: Mapping[str, FloatArray], *, words: Sequence[str],
                     tokens: Sequence[int], log_probs: FloatArray, candidates: Sequence[tuple[Candidate, ...]],
                     provenance: Provenance | None = None, input_bytes: bytes = b"", ended: bool = False) -> "Trace":
        """A whole trace at once, from a file or of another trace; the arrays are shared until it grows. Raises `ValueError`
        when a column is missing or has another shape than its channel and the number of words say.
        """
        trace = cls(channels, provenance=provenance, input_bytes=input_bytes, ended=ended)
        length = len(words)
        for name, count in (("tokens", len(tokens)), ("log-probabilities", len(log_probs)), ("candidates", len(candidates))):
            if count != length:
                raise ValueError(f"there are {length} words but {count} {name}")
        if np.ndim(log_probs) != 1:
            raise ValueError(f"the log-probabilities have {np.ndim(log_probs)} dimensions")
        for name, channel in trace._channels.items():
            column = columns.get(name)
            if column is None or column.shape != (length, *channel.shape):
                found = "nothing" if column is None else str(column.shape)
                raise ValueError(f"channel {name!r} should be {(length, *channel.shape)} and is {found}")
            if length:
                trace._columns[name] = np.asarray(column, np.float32)
        if length:
            trace._log_probs = np.asarray(log_probs, np.float32)
        trace._words, trace._tokens = list(words), list(tokens)
        trace._candidates = candidates if isinstance(candidates, CandidateColumn) else CandidateColumn(candidates)
        trace._length = length
        return trace

    @classmethod
    def of_read(cls, channels: Iterable[Channel], columns: Mapping[str, FloatArray], words: Sequence[str],
                provenance: Provenance) -> "Trace":
        """A whole trace of words that a model read, without choosing any. Raises `ValueError` as `from_columns`."""
        tokens = {word: token for token, word in enumerate(dict.fromkeys(words))}
        return cls.from_columns(channels, columns, words=words, tokens=[tokens[word] for word in words], provenance=provenance,
                                log_probs=np.full(len(words), np.nan, np.float32), candidates=[()] * len(words), ended=True)

    def __len__(self) -> int:
        return self._length

    @property
    def channels(self) -> Mapping[str, Channel]:
        """The channels by name, in the model's order; slices are found by their names too (`unrolled.models.trace.slices`)."""
        return self._channels

    @property
    def words(self) -> Sequence[str]:
        """The words written, one a step; the END token is kept where it was written."""
        return self._words

    @property
    def tokens(self) -> Sequence[int]:
        return self._tokens

    @property
    def log_probs(self) -> FloatArray:
        """The log-probability (natural logarithm) of each word written, shape (steps,); a view."""
        return self._log_probs[: self._length]

    @property
    def candidates(self) -> Sequence[tuple[Candidate, ...]]:
        """The most probable words of each step, best first."""
        return self._candidates

    def column(self, name: str) -> FloatArray:
        """All steps of a channel, or of a slice of one, (steps, *channel.shape); a view that later steps do not change. Raises
        `KeyError` when no channel has that name.
        """
        column = self._columns.get(name)
        if column is None:
            return self._slices.column(name, self._channels, self._columns, self._length)
        return column[: self._length]

    def with_role(self, role: str) -> Channel | None:
        """The first channel with a role, or none."""
        return next((channel for channel in self._channels.values() if channel.role == role), None)

    def append(self, result: StepResult) -> None:
        """Add the next step. Raises `ValueError` when the step is not the next one, or a channel is missing or has another
        shape. Nothing is added then.
        """
        self._check(result.step, result.values)
        if self._length == len(self._log_probs):
            self._grow(2 * self._length)
        for name in self._channels:
            self._columns[name][self._length] = result.values[name]
        self._log_probs[self._length] = result.log_prob
        self._words.append(result.word)
        self._tokens.append(result.token)
        self._candidates.append(result.candidates)
        self._length += 1

    def append_block(self, block: StepBlock) -> None:
        """Add many steps at once. Raises `ValueError` when they do not follow the last step, or a channel is missing or has
        another shape. Nothing is added then.
        """
        self._check(block.step, block.values, len(block.tokens))
        stop = self._length + len(block.tokens)
        if stop > len(self._log_probs):
            self._grow(max(stop, 2 * len(self._log_probs)))
        for name in self._channels:
            self._columns[name][self._length : stop] = block.values[name]
        self._log_probs[self._length : stop] = block.log_probs
        tokens = block.tokens.tolist()
        self._words += [block.vocabulary[token] for token in tokens]
        self._tokens += tokens
        self._candidates.extend(replace(block, values={}))  # the values are in the columns already
        self._length = stop

    def _check(self, step: int, values: Mapping[str, FloatArray], *steps: int) -> None:
        if step != self._length:
            raise ValueError(f"step {step} does not follow {self._length} recorded steps")
        for name, channel in self._channels.items():
            value, shape = values.get(name), (*steps, *channel.shape)
            if value is None or value.shape != shape:
                found = "nothing" if value is None else str(value.shape)
                raise ValueError(f"channel {name!r} should bring {shape} and brought {found}")

    def reserve(self, length: int) -> None:
        """Make room for so many steps at once, where it is known how many will come."""
        if length > len(self._log_probs):
            self._grow(length)

    def step(self, step: int) -> StepResult:
        """One step, as it was added; the arrays are views. Raises `IndexError` when the step was not recorded."""
        if not 0 <= step < self._length:
            raise IndexError(f"step {step} is not one of the {self._length} recorded steps")
        return StepResult(
            step=step, token=self._tokens[step], word=self._words[step], log_prob=float(self._log_probs[step]),
            candidates=self._candidates[step], values={name: column[step] for name, column in self._columns.items()},
        )

    def truncated(self, length: int) -> "Trace":
        """A new trace of the first steps, for a run that leaves this one there; the whole of one that has ended has ended."""
        length = min(length, self._length)
        return Trace.from_columns(
            self._channels.values(), {name: column[:length] for name, column in self._columns.items()},
            words=self._words[:length], tokens=self._tokens[:length], log_probs=self._log_probs[:length],
            candidates=self._candidates.first(length), provenance=self.provenance, input_bytes=self.input_bytes,
            ended=self.ended and length == self._length)

    def snapshot(self) -> "Trace":
        """The trace as it is now, to be read in a thread while this one grows; the arrays are shared."""
        return self.truncated(self._length)

    def save(self, path: str | Path) -> None:
        """Write it to a file; the suffix says how: ``.safetensors``, ``.npz``, ``.json`` or ``.csv``. Raises `TraceError`."""
        from unrolled.models.trace.files import save_trace

        save_trace(self, Path(path))

    def to_xarray(self) -> "Dataset":
        """All channels as variables of one dataset, a copy; see `unrolled.models.trace.datasets`. Raises `ImportError`."""
        from unrolled.models.trace.datasets import dataset

        return dataset(self)

    def _grow(self, room: int) -> None:
        """Make room; the old arrays stay as they are for those who hold views of them."""
        def grown(column: FloatArray) -> FloatArray:
            larger = np.empty((room, *column.shape[1:]), np.float32)
            larger[: self._length] = column[: self._length]
            return larger

        for name, column in self._columns.items():  # one after another, so that only one of them is there twice
            self._columns[name] = grown(column)
        self._log_probs = grown(self._log_probs)
