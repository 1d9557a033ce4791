"""A beam search as it runs: every hypothesis that was kept, whom it goes on from, and what became of it.

It knows neither Qt nor torch.
"""

from dataclasses import dataclass
from typing import Literal

from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.searching import BeamStepped
from unrolled.models.trace import Channel, StepResult, Trace

ROOT = -1
Fate = Literal["lives", "died", "finished", "best"]


@dataclass(frozen=True, slots=True, eq=False)
class Hypothesis:
    """A hypothesis at the step that it was kept at; see `BeamHypothesis` too."""

    number: int
    parent: int  # the one that it goes on from; `ROOT` for the search's beginning
    score: float
    finished: bool
    result: StepResult  # its step with everything recorded on the way


class SearchTree:
    """What a search from a branch's form, and a step of it, has told so far."""

    def __init__(self, wire_id: int, begin: int, decoding: Decoding) -> None:
        self.wire_id, self.begin, self.decoding = wire_id, begin, decoding
        # Those that were kept at each step, the best first: the living, then those that finished there.
        self.steps: list[list[Hypothesis]] = []
        self.over = False  # it has ended
        self._by_number: dict[int, Hypothesis] = {}
        self._parents: set[int] = set()

    def __len__(self) -> int:
        return len(self._by_number)

    def snapshot(self) -> "SearchTree":
        """The search as it is now, to be read in a thread while this one grows."""
        same = SearchTree(self.wire_id, self.begin, self.decoding)
        same.steps, same.over = list(self.steps), self.over
        same._by_number, same._parents = dict(self._by_number), set(self._parents)
        return same

    def grow(self, report: BeamStepped, channels: tuple[Channel, ...]) -> None:
        """Take over a step. Raises `ValueError` when it does not fit."""
        if report.step != self.begin + len(self.steps):
            raise ValueError(f"step {report.step} does not follow {self.begin + len(self.steps)}")
        made = [Hypothesis(own.number, own.parent, own.score, own.finished, result)
                for own, result in zip(report.hypotheses, report.results(channels), strict=True)]
        if any(own.parent != ROOT and own.parent not in self._by_number for own in made):
            raise ValueError("a hypothesis goes on from one that is not there")
        self.steps.append(made)
        for own in made:
            self._by_number[own.number] = own
            self._parents.add(own.parent)

    def get(self, number: int) -> Hypothesis:
        """A hypothesis. Raises `KeyError`."""
        return self._by_number[number]

    def chain(self, number: int) -> list[Hypothesis]:
        """A hypothesis with all that it goes on from, the first step first."""
        found = [self._by_number[number]]
        while found[-1].parent != ROOT:
            found.append(self._by_number[found[-1].parent])
        return found[::-1]

    @property
    def best(self) -> Hypothesis | None:
        """The finished one with the highest score."""
        finished = [own for own in self._by_number.values() if own.finished]
        return max(finished, key=lambda own: own.score, default=None)

    def fate(self, own: Hypothesis) -> Fate:
        """What became of it; on the way to the best one is ``best``."""
        best = self.best if self.over else None
        if best is not None and any(link.number == own.number for link in self.chain(best.number)):
            return "best"
        if own.finished:
            return "finished"
        newest = own in self.steps[-1] if self.steps else False
        if own.number in self._parents or (newest and not self.over):
            return "lives"
        return "died"

    def trace_of(self, number: int, prefix: Trace) -> Trace:
        """The whole trace of a hypothesis: the steps before the search, then its own."""
        trace = prefix.truncated(self.begin)
        chain = self.chain(number)
        for own in chain:
            trace.append(own.result)
        trace.ended = chain[-1].finished
        return trace
