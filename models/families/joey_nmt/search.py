"""The beam search of JoeyNMT: what has ended keeps its place and is gone on with, until every place has held an END."""

from collections.abc import Sequence
from dataclasses import dataclass

from unrolled.models.stepping.choosing import Beam


@dataclass(kw_only=True)
class JoeyNMTBeam(Beam):
    """Ranked by Σ log p / ((5 + length) / 6)^penalty (Wu et al. 2016).

    `first`: JoeyNMT 1, which at every step takes for finished whatever stands in a place that has held an END.
    """

    first: bool = False
    over_places: frozenset[int] = frozenset()  # that have held an END
    ended: tuple[int, ...] = (0,)              # how often each row has

    def score(self, total: float, length: int) -> float:
        return total / float(((5 + length) / 6) ** self.length_penalty)

    def sort(self, parents: Sequence[int], ends: Sequence[bool], *, last: bool) -> tuple[list[int], list[int]]:
        ranks = range(min(self.width, len(ends)))
        self.ended = tuple(self.ended[parents[rank]] + ends[rank] for rank in ranks)
        self.held = frozenset(rank for rank in ranks if self.ended[rank])
        self.over_places |= {rank for rank in ranks if ends[rank]} | set(range(len(ends), self.width))
        if self.first:
            ending = [rank for rank in ranks if self.ended[rank] < 2 and (last or rank in self.over_places)]
        else:
            ending = [rank for rank in ranks if self.ended[rank] == ends[rank] and (last or ends[rank])]
        return ending, list(ranks)

    def over(self, best: float, length: int) -> bool:
        return len(self.over_places) >= self.width
