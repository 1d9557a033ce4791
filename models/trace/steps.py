"""One step of a run, as it leaves the model: the word that was written and everything recorded on the way."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


class Candidate(msgspec.Struct, frozen=True):
    """A word that could have been written, with its log-probability (natural logarithm)."""

    token: int
    word: str
    log_prob: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What a model did at one step.

    Attributes
    ----------
    step : int
        Counted from 0, the first word.
    token, word, log_prob : int, str, float
        The token that was written, its word, and its log-probability (natural logarithm, at most 0).
    candidates : tuple of Candidate
        The most probable tokens, best first.
    values : dict of str to array
        For every channel its float32 array of the channel's shape.
    """

    step: int
    token: int
    word: str
    log_prob: float
    candidates: tuple[Candidate, ...] = ()
    values: dict[str, FloatArray] = field(default_factory=dict)
