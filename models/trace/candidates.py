"""The most probable words of every step, kept small where there are many steps: tokens and numbers, made into
`Candidate` only when somebody looks. It knows neither torch nor Qt.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import overload

from unrolled.models.trace.steps import Candidate, StepBlock

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

    def first(self, length: int) -> CandidateColumn:
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
