"""One step of a run, as it leaves the model: the word that was written and everything recorded on the way."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import overload

import msgspec
import numpy as np
import numpy.typing as npt

from unrolled.models.trace.channel import Channel

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]


class Candidate(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):  # there are half a million of them, and no circles
    """A word that could have been written, with its log-probability (natural logarithm).

    `barred`: however probable, it is not chosen at this step, as END before the least length; see also `suppressed_tokens`.
    `ranked`: the log-probability that it is chosen by in place of its own, where the model's settings make another of it, as a
    repetition penalty does.
    """

    token: int
    word: str
    log_prob: float
    barred: bool = False
    ranked: float | None = None


def unpacked(block: bytes, channels: Sequence[Channel], *steps: int) -> dict[str, FloatArray]:
    """A block of little-endian float32, (*steps, total of all channels), as an array (*steps, *channel.shape) of each; views.
    Raises `ValueError` when it is not as long.
    """
    shape = (*steps, sum(channel.size for channel in channels))
    if len(block) != 4 * math.prod(shape):
        raise ValueError(f"{math.prod(steps)} steps should bring {math.prod(shape)} values and brought {len(block)} bytes")
    return by_channel(np.frombuffer(block, "<f4").reshape(shape), channels)


def by_channel(values: FloatArray, channels: Iterable[Channel]) -> dict[str, FloatArray]:
    """Values of all channels, (..., total), as an array (..., *channel.shape) of each; views."""
    found, start = {}, 0
    for channel in channels:
        found[channel.name] = values[..., start : start + channel.size].reshape((*values.shape[:-1], *channel.shape))
        start += channel.size
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    step: int  # counted from 0, the first word
    # token, word, log_prob: the token that was written, its word, and its log-probability (natural logarithm, at most 0)
    token: int
    word: str
    log_prob: float
    candidates: tuple[Candidate, ...] = ()  # the most probable tokens, best first
    values: dict[str, FloatArray] = field(default_factory=dict)  # for every channel its float32 array of the channel's shape


@dataclass(frozen=True, slots=True, kw_only=True)
class StepBlock:
    """Many steps that follow one another, as arrays with time first."""

    step: int                      # the first of them
    tokens: IntArray               # (steps,)
    log_probs: FloatArray          # (steps,): natural logarithm
    # candidate_tokens, candidate_log_probs: (steps, candidates): the most probable tokens, best first
    candidate_tokens: IntArray
    candidate_log_probs: FloatArray
    vocabulary: tuple[str, ...]    # the word of every token
    values: dict[str, FloatArray]  # for every channel float32, shape (steps, *channel.shape)

    def first(self, count: int) -> "StepBlock":
        """Its first steps; views."""
        return StepBlock(
            step=self.step, tokens=self.tokens[:count], log_probs=self.log_probs[:count],
            candidate_tokens=self.candidate_tokens[:count], candidate_log_probs=self.candidate_log_probs[:count],
            vocabulary=self.vocabulary, values={name: column[:count] for name, column in self.values.items()})


Candidates = tuple[Candidate, ...]


class CandidateColumn(Sequence[Candidates]):
    """A sequence, one tuple of candidates a step, best first."""

    def __init__(self, candidates: Iterable[Candidates] = ()) -> None:
        self._parts: list[list[Candidates] | StepBlock] = [list(candidates)]
        self._starts = [0]  # the first step of every part
        self._length = len(self._parts[0])  # type: ignore[arg-type]

    def append(self, candidates: Candidates) -> None:
        last = self._parts[-1]
        if not isinstance(last, list):
            self._starts.append(self._length)
            last = []
            self._parts.append(last)
        last.append(candidates)
        self._length += 1

    def extend(self, block: StepBlock) -> None:
        self._starts.append(self._length)
        self._parts.append(block)
        self._length += len(block.tokens)

    def first(self, length: int) -> "CandidateColumn":
        """The first so many steps, to be gone on from; blocks are shared."""
        shorter = CandidateColumn()
        for start, part in zip(self._starts, self._parts, strict=True):
            left = length - start
            if left <= 0:
                break
            if isinstance(part, list):
                for candidates in part[:left]:
                    shorter.append(candidates)
            else:
                shorter.extend(part if left >= len(part.tokens) else part.first(left))
        return shorter

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, step: int) -> Candidates: ...

    @overload
    def __getitem__(self, step: slice) -> list[Candidates]: ...

    def __getitem__(self, step: int | slice) -> Candidates | list[Candidates]:
        if isinstance(step, slice):
            return [self[place] for place in range(*step.indices(self._length))]
        if step < 0:
            step += self._length
        if not 0 <= step < self._length:
            raise IndexError(f"step {step} is not one of the {self._length} recorded steps")
        number = bisect_right(self._starts, step) - 1
        part, place = self._parts[number], step - self._starts[number]
        if isinstance(part, list):
            return part[place]
        return tuple(Candidate(int(token), part.vocabulary[int(token)], float(log_prob)) for token, log_prob
                     in zip(part.candidate_tokens[place], part.candidate_log_probs[place], strict=True))
