"""What was recorded while a model ran.

A trace holds one column per channel, time first. Columns grow by doubling, so that adding a step costs the same
however long the run is, and reading a column is a view, never a copy. It knows neither torch nor Qt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import msgspec
import numpy as np

from unrolled.models.trace.candidates import CandidateColumn
from unrolled.models.trace.channel import Channel
from unrolled.models.trace.edits import Edit
from unrolled.models.trace.steps import Candidate, FloatArray, StepBlock, StepResult

FIRST_CAPACITY = 32

STEP_CONVENTION = ("Step t holds the state after the token of step t - 1 was read; the token of step t is chosen from it. "
                   "Steps are counted from 0 in files and on the command line, from 1 where people read.")


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Where a trace came from.

    Attributes
    ----------
    model, weights_hash : str
        The model's name and the SHA-256 of its weights.
    input_name, input_hash : str
        The input's file name and the SHA-256 of its bytes.
    region : tuple of float
        The part of the picture that the model saw: left, top, right, bottom as fractions of width and height.
    decoding : str
        How words were chosen, in words: ``"greedy"``, ``"beam 3"``, ``"sampling, temperature 0.8, seed 7"``.
    seed : int
        The seed, where sampling used one.
    device : str
        Where it was computed: ``"cpu"``, ``"cuda:0"``, ``"mps"``.
    edits : tuple of Edit
        Changes to the computation that are in force.
    created : str
        When, in ISO 8601 with a time zone.
    input_kind, joining : str
        See `ModelDescription`.
    source : tuple of str
        What attention with the axis ``source`` looks at.
    prompt_tokens : int
        The first so many tokens came with the input.
    suppressed_tokens : tuple of int
        Tokens that were never chosen by themselves, however probable.
    convention : str
        What a step is, in words.
    """

    model: str = ""
    weights_hash: str = ""
    input_name: str = ""
    input_hash: str = ""
    region: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    decoding: str = "greedy"
    seed: int = 0
    device: str = "cpu"
    edits: tuple[Edit, ...] = ()
    created: str = ""
    input_kind: str = "picture"
    detokenization: str = msgspec.field(name="joining", default="words")
    source: tuple[str, ...] = ()
    prompt_tokens: int = msgspec.field(name="given", default=0)  # as files of version 0.1 call it
    suppressed_tokens: tuple[int, ...] = ()
    convention: str = STEP_CONVENTION


class Trace:
    """The record of one run.

    Parameters
    ----------
    channels : iterable of Channel
        What every step brings.
    provenance : Provenance
        Where it all comes from.
    input_bytes : bytes
        The input as it was given (the photograph's file), so that a trace can be opened without it.
    ended : bool
        Whether the run is over: END was written or the longest length reached.
    """

    __slots__ = ("_candidates", "_channels", "_columns", "_length", "_log_probs", "_tokens", "_words", "ended",
                 "input_bytes", "provenance")

    def __init__(self, channels: Iterable[Channel], *, provenance: Provenance | None = None,
                 input_bytes: bytes = b"", ended: bool = False) -> None:
        self._channels = {channel.name: channel for channel in channels}
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
                     provenance: Provenance | None = None, input_bytes: bytes = b"", ended: bool = False) -> Trace:
        """A whole trace at once, from a file or of another trace; the arrays are shared until it grows.

        Raises
        ------
        ValueError
            When a column is missing or has another shape than its channel and the number of words say.
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

    def __len__(self) -> int:
        return self._length

    @property
    def channels(self) -> Mapping[str, Channel]:
        """The channels by name, in the model's order."""
        return self._channels

    @property
    def words(self) -> Sequence[str]:
        """The words written, one a step; the END token is kept where it was written."""
        return self._words

    @property
    def tokens(self) -> Sequence[int]:
        """The tokens written, one a step."""
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
        """All steps of a channel, shape (steps, *channel.shape); a view that later steps do not change.

        Raises
        ------
        KeyError
            When no channel has that name.
        """
        return self._columns[name][: self._length]

    def with_role(self, role: str) -> Channel | None:
        """The first channel with a role, or none."""
        return next((channel for channel in self._channels.values() if channel.role == role), None)

    def append(self, result: StepResult) -> None:
        """Add the next step.

        Raises
        ------
        ValueError
            When the step is not the next one, or a channel is missing or has another shape. Nothing is added then.
        """
        if result.step != self._length:
            raise ValueError(f"step {result.step} does not follow {self._length} recorded steps")
        for name, channel in self._channels.items():
            value = result.values.get(name)
            if value is None or value.shape != channel.shape:
                found = "nothing" if value is None else str(value.shape)
                raise ValueError(f"channel {name!r} should bring {channel.shape} a step and brought {found}")
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
        """Add many steps at once.

        Raises
        ------
        ValueError
            When they do not follow the last step, or a channel is missing or has another shape. Nothing is added then.
        """
        count = len(block.tokens)
        if block.step != self._length:
            raise ValueError(f"step {block.step} does not follow {self._length} recorded steps")
        for name, channel in self._channels.items():
            value = block.values.get(name)
            if value is None or value.shape != (count, *channel.shape):
                found = "nothing" if value is None else str(value.shape)
                raise ValueError(f"channel {name!r} should bring {(count, *channel.shape)} and brought {found}")
        stop = self._length + count
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

    def reserve(self, length: int) -> None:
        """Make room for so many steps at once, where it is known how many will come."""
        if length > len(self._log_probs):
            self._grow(length)

    def step(self, step: int) -> StepResult:
        """One step, as it was added; the arrays are views.

        Raises
        ------
        IndexError
            When the step was not recorded.
        """
        if not 0 <= step < self._length:
            raise IndexError(f"step {step} is not one of the {self._length} recorded steps")
        return StepResult(
            step=step, token=self._tokens[step], word=self._words[step], log_prob=float(self._log_probs[step]),
            candidates=self._candidates[step], values={name: column[step] for name, column in self._columns.items()},
        )

    def truncated(self, length: int) -> Trace:
        """A new trace of the first steps, for a run that leaves this one there."""
        length = min(length, self._length)
        return Trace.from_columns(
            self._channels.values(), {name: column[:length] for name, column in self._columns.items()},
            words=self._words[:length], tokens=self._tokens[:length], log_probs=self._log_probs[:length],
            candidates=self._candidates.first(length), provenance=self.provenance, input_bytes=self.input_bytes)

    def snapshot(self) -> Trace:
        """The trace as it is now, to be read in a thread while this one grows; the arrays are shared."""
        same = self.truncated(self._length)
        same.ended = self.ended
        return same

    def _grow(self, room: int) -> None:
        """Make room; the old arrays stay as they are for those who hold views of them."""
        def grown(column: FloatArray) -> FloatArray:
            larger = np.empty((room, *column.shape[1:]), np.float32)
            larger[: self._length] = column[: self._length]
            return larger

        for name, column in self._columns.items():  # one after another, so that only one of them is there twice
            self._columns[name] = grown(column)
        self._log_probs = grown(self._log_probs)
