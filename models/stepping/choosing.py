"""Decoding: greedily, drawn, or by beam search, several hypotheses at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import torch
from torch import Tensor

from unrolled.models.protocol.decoding import Decoding

STEPS_APART = 1_000_003  # a prime: seeds of neighbouring steps and neighbouring runs do not meet


def sampling_log_probs(log_probs: Tensor, *, temperature: float, top_k: int = 0, top_p: float = 1.0) -> Tensor:
    """The log-probabilities that sampling draws from, shape (vocabulary,).

    Parameters
    ----------
    log_probs : Tensor, shape (vocabulary,)
    temperature : float
        Above 0; below 1 the probable becomes more probable.
    top_k : int
        Only so many of the most probable remain; 0 for all.
    top_p : float
        Of those, the fewest whose probabilities reach p (Holtzman et al. 2020); the most probable always remains.
    """
    scaled = torch.log_softmax(log_probs / temperature, dim=-1)
    if 0 < top_k < scaled.shape[-1]:
        least = scaled.topk(top_k).values[-1]
        scaled = torch.log_softmax(scaled.masked_fill(scaled < least, float("-inf")), dim=-1)
    if top_p < 1.0:
        ordered, places = scaled.sort(descending=True)
        before = ordered.exp().cumsum(-1) - ordered.exp()  # the probability of what is more probable
        dropped = torch.zeros_like(scaled, dtype=torch.bool).scatter(0, places, before >= top_p)
        scaled = torch.log_softmax(scaled.masked_fill(dropped, float("-inf")), dim=-1)
    return scaled


def choose(log_probs: Tensor, decoding: Decoding, *, step: int) -> int:
    """The token to write, from log-probabilities on the CPU, shape (vocabulary,).

    A draw depends on seed and step alone, so that a step that is taken again draws the same word.
    """
    if decoding.method != "sampling":
        return int(log_probs.argmax())
    allowed = sampling_log_probs(log_probs, temperature=decoding.temperature, top_k=decoding.top_k,
                                 top_p=decoding.top_p)
    generator = torch.Generator().manual_seed(decoding.seed * STEPS_APART + step)
    return int(torch.multinomial(allowed.exp(), 1, generator=generator))


StateT = TypeVar("StateT")

TakeStep = Callable[[StateT, Tensor], tuple[StateT, Tensor]]
"""State and words before (P, K) → new state and log-probabilities (P, K, V)."""

SelectRows = Callable[[StateT, Tensor], StateT]
"""State and, for each new hypothesis, the row of its parent (P, K) → the state of the new hypotheses."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    tokens: tuple[int, ...]  # END last, unless the longest length was reached first
    log_probs: tuple[float, ...]  # one a token, natural logarithm
    score: float  # what hypotheses are ranked by, see `Beam.score`


@dataclass(frozen=True, slots=True)
class BeamRound:
    """What a search does at one step with one picture's hypotheses."""

    step: int    # counted from the search's beginning
    # parents, tokens: of each hypothesis that is kept: the row of its parent among the rows before, and the token written.
    # The living ones come first; those that finish here follow.
    parents: tuple[int, ...]
    tokens: tuple[int, ...]
    scores: tuple[float, ...]
    living: int             # how many of them live
    rows: tuple[int, ...]   # the place among them of each row that is stepped next; -1 of one that holds a place alone


@dataclass(kw_only=True)
class Beam:
    """One picture's search, by this program's own rule: what ends is replaced at once, and the search is over when as many have
    ended as it is wide. Families whose authors search otherwise have their own.

    Attributes
    ----------
    width : int
        Hypotheses that are kept alive.
    length_penalty : float
        The exponent of the length that a sum of log-probabilities is divided by; 0 favours short captions.
    given : int
        Tokens at the beginning of every hypothesis that were not chosen, and do not count.
    most : int
        Steps that there can be.
    finished : list of Hypothesis
    held : frozenset of int
        Of the rows that are gone on with, those that have ended and only hold a place.
    """

    width: int
    length_penalty: float
    given: int = 0
    most: int = 0
    finished: list[Hypothesis] = field(default_factory=list)
    held: frozenset[int] = frozenset()

    def score(self, total: float, length: int) -> float:
        """What a hypothesis of so many tokens is ranked by, the best first."""
        return total / float(max(length - self.given, 1) ** self.length_penalty)

    def sort(self, parents: Sequence[int], ends: Sequence[bool], *, last: bool) -> tuple[list[int], list[int]]:
        """Which hypotheses finish, and which are gone on with.

        Parameters
        ----------
        parents, ends :
            Of what could be kept, best first: the rows that they go on from, and whether END is what they write.
        last :
            Nothing can be gone on with.
        """
        room = self.width - len(self.finished)
        ending = [rank for rank, end in enumerate(ends[: self.width]) if end or last][:room]
        return ending, [rank for rank, end in enumerate(ends) if not end][: self.width]

    def over(self, best: float, length: int) -> bool:
        """Whether nothing is to be looked for any more, from the best sum of what is gone on with, and its length."""
        return len(self.finished) >= self.width


def gather_rows(values: Tensor, parents: Tensor) -> Tensor:
    """Rows of (P, K, ...) by the parents' places (P, K')."""
    places = parents.reshape(*parents.shape, *([1] * (values.ndim - 2))).expand(*parents.shape, *values.shape[2:])
    return values.gather(1, places)


def select_rows(state: tuple[Tensor, ...], parents: Tensor) -> tuple[Tensor, ...]:
    """The state of hypotheses whose parents are in these rows, (P, K)."""
    if state:
        parents = parents.to(state[0].device)
    return tuple(gather_rows(part, parents) for part in state)


def beam_search(
    state: StateT,
    take_step: TakeStep[StateT],
    select: SelectRows[StateT],
    *,
    pictures: int,
    start: int,
    end: int,
    width: int,
    length_penalty: float,
    maximum_steps: int,
    also_end: Sequence[int] = (),
    forbidden: Sequence[int] = (),
    keep_going: Callable[[], bool] = lambda: True,
    watch: Callable[[BeamRound], None] | None = None,
    rule: Callable[..., Beam] = Beam,
    given: int = 0,
) -> list[list[Hypothesis]]:
    """Search, and give each picture's finished hypotheses, best first.

    Parameters
    ----------
    state :
        The state before the first word, with one hypothesis for each picture: (P, 1, ...).
    width : int
        Hypotheses that are kept alive. With 1 the result is the greedy caption.
    length_penalty, given :
        See `Beam`.
    also_end : sequence of int
        Other tokens that finish a hypothesis as `end` does.
    forbidden : sequence of int
        Tokens that are never written.
    keep_going : callable
        Asked before every step; when it answers False the search ends with what it has.
    watch : callable, optional
        Told of every step of the first picture.
    rule :
        Makes the `Beam` of each picture.
    """
    ends = (end, *also_end)
    beams = [rule(width=width, length_penalty=length_penalty, given=given, most=maximum_steps) for _ in range(pictures)]
    words = torch.full((pictures, 1), start, dtype=torch.long)
    totals = torch.zeros(pictures, 1)                           # (P, K) summed log-probabilities of living hypotheses
    tokens = torch.zeros(pictures, 1, 0, dtype=torch.long)      # (P, K, t)
    log_probs = torch.zeros(pictures, 1, 0)                     # (P, K, t)
    for step in range(maximum_steps):
        if not keep_going():
            break
        state, step_log_probs = take_step(state, words)
        step_log_probs = step_log_probs.float().cpu()           # (P, K, V)
        if forbidden:
            step_log_probs[..., list(forbidden)] = float("-inf")
        size = step_log_probs.shape[-1]
        sums = (totals.unsqueeze(-1) + step_log_probs).flatten(1)                     # (P, K · V)
        best, places = sums.topk(min((1 + len(ends)) * width, sums.shape[1]), dim=1)  # as many as `width` do not end
        parents, chosen = places // size, places % size
        chosen_log_probs = gather_rows(step_log_probs.flatten(1).unsqueeze(-1), places).squeeze(-1)
        last, found = step + 1 == maximum_steps, torch.isfinite(best).sum(dim=1).tolist()
        kept: list[list[int]] = []  # of each picture the ranks of those that are gone on with
        for p, beam in enumerate(beams):
            if step and not torch.isfinite(totals[p]).any():
                kept.append([])  # its search is over
                continue
            held = beam.held
            ends_here = [token in ends for token in chosen[p, : found[p]].tolist()]
            ending, living = beam.sort(parents[p, : found[p]].tolist(), ends_here, last=last)
            for rank in ending:
                written = (*tokens[p, parents[p, rank]].tolist(), int(chosen[p, rank]))
                each = (*log_probs[p, parents[p, rank]].tolist(), float(chosen_log_probs[p, rank]))
                beam.finished.append(Hypothesis(written, each, beam.score(float(best[p, rank]), step + 1)))
            if p == 0 and watch is not None:
                whole = [rank for rank in range(found[p]) if int(parents[0, rank]) not in held]
                lives = [rank for rank in whole if rank in living and not last and not ends_here[rank]]
                shown = [*lives, *(rank for rank in whole if rank in ending and (last or ends_here[rank]))]
                watch(BeamRound(step, tuple(parents[0, shown].tolist()), tuple(chosen[0, shown].tolist()),
                                tuple(beam.score(total, step + 1) for total in best[0, shown].tolist()), len(lives),
                                tuple(shown.index(rank) if rank in shown else -1 for rank in living)))
            kept.append([] if last or not living or beam.over(float(best[p, living[0]]), step + 1) else living)
        wide = max(map(len, kept))
        if not wide:
            break
        # Rows of a search with fewer hypotheses than another hold a place with minus infinity.
        order = torch.tensor([[*own, *[0] * (wide - len(own))] for own in kept])
        there = torch.arange(wide) < torch.tensor([len(own) for own in kept]).unsqueeze(1)
        totals = best.gather(1, order).masked_fill(~there, float("-inf"))
        parents, words = parents.gather(1, order), chosen.gather(1, order)
        tokens = torch.cat((gather_rows(tokens, parents), words.unsqueeze(-1)), dim=-1)
        log_probs = torch.cat((gather_rows(log_probs, parents), chosen_log_probs.gather(1, order).unsqueeze(-1)), dim=-1)
        state = select(state, parents)
    return [sorted(beam.finished, key=lambda hypothesis: -hypothesis.score) for beam in beams]
