"""Decoding: greedily, drawn, or by beam search, several hypotheses at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
    score: float  # what hypotheses are ranked by: the sum of log_probs over length to the power of the length penalty


@dataclass(frozen=True, slots=True)
class BeamRound:
    """What a search does at one step with one picture's hypotheses."""

    step: int    # counted from the search's beginning
    # parents, tokens: of each hypothesis that is kept: the row of its parent among the living ones before, and the token
    # written. The living ones come first, in the order of their rows; those that finish here follow.
    parents: tuple[int, ...]
    tokens: tuple[int, ...]
    # log_probs, totals: of the token, and of all its tokens together; natural logarithm
    log_probs: tuple[float, ...]
    totals: tuple[float, ...]
    living: int  # how many of them live


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
) -> list[list[Hypothesis]]:
    """Search, and give each picture's finished hypotheses, best first.

    Parameters
    ----------
    state :
        The state before the first word, with one hypothesis for each picture: (P, 1, ...).
    width : int
        Hypotheses that are kept alive. With 1 the result is the greedy caption.
    length_penalty : float
        See `Hypothesis.score`; 0 adds the log-probabilities up, which favours short captions.
    also_end : sequence of int
        Other tokens that finish a hypothesis as `end` does.
    forbidden : sequence of int
        Tokens that are never written.
    keep_going : callable
        Asked before every step; when it answers False the search ends with what it has.
    watch : callable, optional
        Told of every step of the first picture.
    """
    ends = (end, *also_end)
    ending_tokens = torch.tensor(ends)
    finished: list[list[Hypothesis]] = [[] for _ in range(pictures)]
    words = torch.full((pictures, 1), start, dtype=torch.long)
    totals = torch.zeros(pictures, 1)                           # (P, K) summed log-probabilities of living hypotheses
    tokens = torch.zeros(pictures, 1, 0, dtype=torch.long)      # (P, K, t)
    log_probs = torch.zeros(pictures, 1, 0)                     # (P, K, t)
    for step in range(maximum_steps):
        if not keep_going() or all(len(own) >= width for own in finished):
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
        last = step + 1 == maximum_steps
        ending: list[int] = []  # ranks of what ends here, of the first picture
        for p in range(pictures):
            for rank in range(min(width, best.shape[1])):
                over = int(chosen[p, rank]) in ends or last
                if over and len(finished[p]) < width and torch.isfinite(best[p, rank]):
                    parent = int(parents[p, rank])
                    written = (*tokens[p, parent].tolist(), int(chosen[p, rank]))
                    each = (*log_probs[p, parent].tolist(), float(chosen_log_probs[p, rank]))
                    score = float(best[p, rank]) / len(written) ** length_penalty
                    finished[p].append(Hypothesis(written, each, score))
                    if p == 0:
                        ending.append(rank)
        # The living ones: the best that do not end here. Rows that must not live sort behind all others.
        living = best.masked_fill(torch.isin(chosen, ending_tokens), float("-inf"))
        totals, order = living.topk(min(width, living.shape[1]), dim=1)
        if watch is not None:
            lives = [] if last else order[0][torch.isfinite(totals[0])].tolist()
            ranks = [*lives, *ending]
            watch(BeamRound(step, tuple(parents[0, ranks].tolist()), tuple(chosen[0, ranks].tolist()),
                            tuple(chosen_log_probs[0, ranks].tolist()), tuple(best[0, ranks].tolist()), len(lives)))
        parents, words = parents.gather(1, order), chosen.gather(1, order)
        tokens = torch.cat((gather_rows(tokens, parents), words.unsqueeze(-1)), dim=-1)
        log_probs = torch.cat((gather_rows(log_probs, parents), chosen_log_probs.gather(1, order).unsqueeze(-1)), dim=-1)
        state = select(state, parents)
    return [sorted(own, key=lambda hypothesis: -hypothesis.score) for own in finished]
