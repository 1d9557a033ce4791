"""What self-critical training rewards: CIDEr-D of a caption, and what it adds to the corpus's BLEU-4; on tokens.

CIDEr-D after Vedantam et al. 2015: for n from 1 to 4 the cosine between the captions' TF-IDF vectors of n-grams,
counts clipped to the reference's, times a Gaussian of the difference in length (σ = 6), times 10, mean over n and
over references. END counts as a word there, so that endings are learnt.

BLEU is a measure of many captions together. Smoothed for single ones it favours short captions, which the brevity
penalty of the whole then punishes. So its logarithm is taken linearly about the means of recent captions instead: a
caption is worth ¼ Σ_n (m_n / M_n - w_n / W_n) for its m_n matched of w_n n-grams, and its length what it does to the
brevity penalty.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SIGMA = 6.0
ORDERS = (1, 2, 3, 4)
KEPT = 0.9          # the share of the old means that a batch leaves
LONG_ENOUGH = 1.05  # times the references' length; captions from there on need no longer ones
STEEPEST = 2.0      # times the true slope of the brevity penalty, where captions are far too short

NGram = tuple[int, ...]
Floats = npt.NDArray[np.float64]


def ngrams(tokens: Sequence[int], order: int) -> list[NGram]:
    """All n-grams of one order, in their order."""
    return [tuple(tokens[first : first + order]) for first in range(len(tokens) - order + 1)]


@dataclass(frozen=True, slots=True)
class _Vectors:
    """A caption's TF-IDF vectors by order, their norms, and its length in words."""

    weights: tuple[dict[NGram, float], ...]
    norms: tuple[float, ...]
    length: int


class CiderD:
    """CIDEr-D of captions of known pictures; `references` are each picture's captions as tokens."""

    def __init__(self, references: Sequence[Sequence[Sequence[int]]]) -> None:
        frequencies: Counter[NGram] = Counter()
        for own in references:
            frequencies.update({gram for caption in own for order in ORDERS for gram in ngrams(caption, order)})
        self._log_pictures = math.log(max(len(references), 2))
        self._log_frequency = {gram: math.log(count) for gram, count in frequencies.items()}
        self._vectors = [[self._vectorise(caption) for caption in own] for own in references]

    def __call__(self, picture: int, caption: Sequence[int]) -> float:
        """1.0 is the usual unit, 10 the most."""
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
        orders = zip(own.weights, reference.weights, own.norms, reference.norms, strict=True)
        for mine, theirs, norm, other in orders:
            if norm and other:
                shared = sum(min(value, theirs[gram]) * theirs[gram] for gram, value in mine.items()
                             if gram in theirs)
                total += shared / (norm * other)
        difference = own.length - reference.length
        return total / len(ORDERS) * math.exp(-(difference**2) / (2 * SIGMA**2))


class CorpusBleu:
    """What captions of known pictures add to the logarithm of the corpus's BLEU-4. `references`: for every picture its captions
    as tokens, without END. `means` (10,): of a caption: matched and written n-grams for n = 1 … 4, its length, and that of the
    closest reference.
    """

    def __init__(self, references: Sequence[Sequence[Sequence[int]]]) -> None:
        self._references = references
        self._most: dict[int, list[Counter[NGram]]] = {}
        self.means: Floats | None = None

    def __call__(self, pictures: Sequence[int], captions: Sequence[Sequence[int]]) -> Floats:
        """What each caption of a batch is worth, (N,); the means take the batch in first."""
        counts = np.array([self.counts(picture, caption) for picture, caption in zip(pictures, captions, strict=True)])
        new = counts.mean(axis=0)
        self.means = new if self.means is None else KEPT * self.means + (1 - KEPT) * new
        means = np.maximum(self.means, 1e-2)
        worth = sum(counts[:, 2 * n] / means[2 * n] - counts[:, 2 * n + 1] / means[2 * n + 1] for n in range(4)) / 4
        length, reference = means[8], means[9]
        slope = np.clip((LONG_ENOUGH * reference - length) / ((LONG_ENOUGH - 1) * reference), 0.0, STEEPEST)
        brevity: Floats = reference * counts[:, 8] / length**2 - counts[:, 9] / length
        return np.asarray(worth + slope * brevity)

    def counts(self, picture: int, caption: Sequence[int]) -> list[float]:
        references = self._references[picture]
        if picture not in self._most:
            most: list[Counter[NGram]] = [Counter() for _ in ORDERS]
            for reference in references:
                for kept, order in zip(most, ORDERS, strict=True):
                    kept |= Counter(ngrams(reference, order))
            self._most[picture] = most
        row: list[float] = []
        for kept, order in zip(self._most[picture], ORDERS, strict=True):
            own = Counter(ngrams(caption, order))
            row += [sum((own & kept).values()), sum(own.values())]
        length = len(caption)
        closest = min((abs(len(reference) - length), len(reference)) for reference in references)[1]
        return [*row, length, closest]


class CaptionRewards:
    """Rewards captions of known pictures.

    Parameters
    ----------
    references : sequence
        For every picture its captions as tokens, END last.
    end : int
        The END token.
    bleu : float
        The weight of what a caption adds to the logarithm of BLEU-4, beside CIDEr-D (1.0 is the usual unit).
    """

    def __init__(self, references: Sequence[Sequence[Sequence[int]]], *, end: int, bleu: float = 0.0) -> None:
        self._end, self._bleu = end, bleu
        self.cider = CiderD(references)
        self.corpus_bleu = CorpusBleu([[self._without_end(caption) for caption in own] for own in references])

    def __call__(self, pictures: Sequence[int], captions: Sequence[Sequence[int]]) -> Floats:
        """The rewards of a batch, (N,); a caption ends with END unless it was cut off."""
        rewards = np.array([self.cider(picture, caption) for picture, caption in zip(pictures, captions, strict=True)])
        if self._bleu:
            rewards += self._bleu * self.corpus_bleu(pictures, [self._without_end(caption) for caption in captions])
        return rewards

    def _without_end(self, caption: Sequence[int]) -> Sequence[int]:
        return caption[:-1] if len(caption) and caption[-1] == self._end else caption
