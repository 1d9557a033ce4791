"""What self-critical training rewards: CIDEr-D and BLEU-4 of single captions, on tokens.

CIDEr-D after Vedantam et al. 2015: for n from 1 to 4 the cosine between the captions' TF-IDF vectors of n-grams,
counts clipped to the reference's, times a Gaussian of the difference in length (σ = 6), times 10, mean over n and over
references. The references' vectors are computed once. END counts as a word here, so that endings are learnt.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

SIGMA = 6.0
ORDERS = (1, 2, 3, 4)

NGram = tuple[int, ...]


def ngrams(tokens: Sequence[int], order: int) -> list[NGram]:
    """All n-grams of one order, in their order."""
    return [tuple(tokens[first : first + order]) for first in range(len(tokens) - order + 1)]


@dataclass(frozen=True, slots=True)
class _Vectors:
    """A caption's TF-IDF vectors by order, their norms, and its length in words."""

    weights: tuple[dict[NGram, float], ...]
    norms: tuple[float, ...]
    length: int


class CaptionRewards:
    """Scores captions of known pictures.

    Parameters
    ----------
    references : sequence
        For every picture its captions as tokens.
    bleu : float
        The weight of BLEU-4 (a fraction) beside CIDEr-D (1.0 is the usual unit).
    """

    def __init__(self, references: Sequence[Sequence[Sequence[int]]], *, bleu: float = 0.0) -> None:
        frequencies: Counter[NGram] = Counter()
        for own in references:
            frequencies.update({gram for caption in own for order in ORDERS for gram in ngrams(caption, order)})
        self._log_pictures = math.log(max(len(references), 2))
        self._log_frequency = {gram: math.log(count) for gram, count in frequencies.items()}
        self._vectors = [[self._vectorise(caption) for caption in own] for own in references]
        self._references = references
        self._bleu = bleu

    def __call__(self, picture: int, caption: Sequence[int]) -> float:
        """The reward of a caption, END last."""
        reward = self.cider(picture, caption)
        if self._bleu:
            reward += self._bleu * bleu_4(caption, self._references[picture])
        return reward

    def cider(self, picture: int, caption: Sequence[int]) -> float:
        """CIDEr-D; 1.0 is the usual unit, 10 the most."""
        own = self._vectorise(caption)
        references = self._vectors[picture]
        return 10.0 * sum(self._similarity(own, reference) for reference in references) / len(references)

    def _vectorise(self, caption: Sequence[int]) -> _Vectors:
        weights, norms = [], []
        for order in ORDERS:
            counts = Counter(ngrams(caption, order))
            vector = {gram: count * (self._log_pictures - self._log_frequency.get(gram, 0.0))
                      for gram, count in counts.items()}
            weights.append(vector)
            norms.append(math.sqrt(sum(value * value for value in vector.values())))
        return _Vectors(tuple(weights), tuple(norms), len(caption))

    @staticmethod
    def _similarity(own: _Vectors, reference: _Vectors) -> float:
        total = 0.0
        for mine, theirs, norm, other in zip(own.weights, reference.weights, own.norms, reference.norms, strict=True):
            if norm and other:
                shared = sum(min(value, theirs[gram]) * theirs[gram] for gram, value in mine.items() if gram in theirs)
                total += shared / (norm * other)
        difference = own.length - reference.length
        return total / len(ORDERS) * math.exp(-(difference**2) / (2 * SIGMA**2))


def bleu_4(caption: Sequence[int], references: Sequence[Sequence[int]]) -> float:
    """BLEU-4 of one caption as a fraction, orders above one smoothed by adding one (Lin and Och 2004)."""
    if not caption:
        return 0.0
    total = 0.0
    for order in ORDERS:
        counts = Counter(ngrams(caption, order))
        most: Counter[NGram] = Counter()
        for reference in references:
            most |= Counter(ngrams(reference, order))
        matched, written = sum((counts & most).values()), sum(counts.values())
        if order == 1 and matched == 0:
            return 0.0
        smooth = 0 if order == 1 else 1
        total += math.log((matched + smooth) / (written + smooth))
    closest = min((abs(len(reference) - len(caption)), len(reference)) for reference in references)[1]
    brevity = min(0.0, 1.0 - closest / len(caption))
    return math.exp(total / len(ORDERS) + brevity)
