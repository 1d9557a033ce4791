"""What a branch's beam search may write at a step, and how it is told: every hypothesis with a number and its parent."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from unrolled.models.protocol.searching import BeamHypothesis, BeamStepped
from unrolled.models.stepping.choosing import BeamRound
from unrolled.models.stepping.stepper import StepRecord
from unrolled.models.trace import Candidate


def searchable(record: StepRecord, only: int, ranked: Tensor) -> Tensor:
    """The log-probabilities that a search goes on with, (K, V), from a step's record on the host.

    A hypothesis whose numbers are not finite goes no further. Where none is left the search ends, and the step that is
    taken then says where it began.

    Parameters
    ----------
    only : int
        The one token that may be written, or -1.
    ranked : Tensor, shape (K, V)
        What tokens are chosen by otherwise; minus infinity for those that are not.
    """
    log_probs = record.log_probs
    broken = ~torch.isfinite(record.values).all(dim=1) | torch.isnan(log_probs).any(dim=1)                  # (K,)
    if only < 0:
        allowed = ranked
    else:
        # One that is never written by itself has minus infinity, with which no hypothesis would be left.
        own = log_probs[:, only : only + 1].nan_to_num(neginf=0.0)
        allowed = torch.full_like(log_probs, float("-inf")).index_copy(1, torch.tensor([only]), own)
    return allowed.masked_fill(broken.unsqueeze(1), float("-inf"))


class Hypotheses:
    """Gives a search's hypotheses numbers, so that each names its parent. `candidates`: gives the most probable tokens of
    a row.
    """

    def __init__(self, run: int, branch: int, *, begin: int, words: Sequence[str],
                 candidates: Callable[[int], tuple[Candidate, ...]]) -> None:
        self._run, self._branch, self._begin, self._words = run, branch, begin, words
        self._candidates = candidates
        self._living: tuple[int, ...] = (-1,)
        self._made = 0

    def grown(self, made: BeamRound, record: StepRecord) -> BeamStepped:
        """The report of one step; the record, on the host, is that of the living hypotheses before it."""
        log_probs = record.log_probs
        hypotheses = tuple(
            BeamHypothesis(number=self._made + place, parent=self._living[parent], token=token, word=self._words[token],
                           log_prob=float(log_probs[parent, token]), score=score,
                           finished=place >= made.living, candidates=self._candidates(parent))
            for place, (parent, token, score) in enumerate(zip(made.parents, made.tokens, made.scores, strict=True)))
        self._made += len(hypotheses)
        self._living = tuple(hypotheses[row].number if row >= 0 else -1 for row in made.rows)
        values = record.values[list(made.parents)].float().contiguous()                                     # (K', total)
        return BeamStepped(self._run, self._branch, self._begin + made.step, hypotheses,
                           values.numpy().astype("<f4", copy=False).tobytes())
