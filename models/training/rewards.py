"""How good a caption is, one number a caption: what self-critical training makes larger. Pure Python on tokens.

CIDEr-D (Vedantam et al. 2015) with the document frequencies of the training captions, and BLEU-4 of a single
sentence. END counts as a word, so that the right place to stop is learnt too.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_GRAM = 4
LENGTH_SPREAD = 6.0  # σ of CIDEr-D's length penalty, in words

Gram = tuple[int, ...]


def count_grams(tokens: Sequence[int]) -> Counter[Gram]:
    """How often each run of one to four tokens is there."""
    tokens = tuple(tokens)
    return Counter(tokens[place : place + n] for n in range(1, LONGEST_GRAM + 1) for place in range(len(tokens) - n + 1))


@dataclass(frozen=True, slots=True)
class _Vector:
    """A caption as CIDEr sees it: a weight for each of its n-grams, the norms for n = 1 … 4, its length."""

    weights: dict[Gram, float]
    norms: tuple[float, ...]
    length: int


class CaptionReward:
    """The rewards of captions for known pictures.

    Parameters
    ----------
    references : sequence
        For each picture its captions, each a sequence of tokens with END last.
    bleu : float
        The weight of sentence BLEU-4 (0 to 1) beside CIDEr-D (about 0 to 10, 1.0 is common).
    """

    def __init__(self, references: Sequence[Sequence[Sequence[int]]], *, bleu: float) -> None:
        self._bleu = bleu
        self._counts = [[count_grams(caption) for caption in own] for own in references]
        self._lengths = [[len(caption) for caption in own] for own in references]
        documents: Counter[Gram] = Counter()
        for own in self._counts:
            documents.update(set().union(*own))
        total = math.log(float(max(len(references), 2)))
        self._rarity = {gram: total - math.log(count) for gram, count in documents.items()}
        self._rarity_of_new = total
        self._vectors: dict[int, list[_Vector]] = {}

    def _vector(self, counts: Counter[Gram], length: int) -> _Vector:
        rarity, of_new = self._rarity, self._rarity_of_new
        weights = {gram: count * rarity.get(gram, of_new) for gram, count in counts.items()}
        squares = [0.0] * LONGEST_GRAM
        for gram, weight in weights.items():
            squares[len(gram) - 1] += weight * weight
        return _Vector(weights, tuple(math.sqrt(square) for square in squares), length)

    def _references_of(self, picture: int) -> list[_Vector]:
        """A picture's captions as vectors, computed once."""
        if picture not in self._vectors:
            pairs = zip(self._counts[picture], self._lengths[picture], strict=True)
            self._vectors[picture] = [self._vector(counts, length) for counts, length in pairs]
        return self._vectors[picture]

    def cider_d(self, picture: int, tokens: Sequence[int]) -> float:
        """CIDEr-D of a caption: clipped cosine similarity of weighted n-grams, mean over n and references, times 10."""
        own = self._vector(count_grams(tokens), len(tokens))
        references = self._references_of(picture)
        total = 0.0
        for reference in references:
            products = [0.0] * LONGEST_GRAM
            theirs = reference.weights
            for gram, weight in own.weights.items():
                other = theirs.get(gram)
                if other is not None:
                    products[len(gram) - 1] += min(weight, other) * other
            apart = own.length - reference.length
            similar = sum(product / (a * b) for product, a, b in zip(products, own.norms, reference.norms, strict=True)
                          if a > 0 and b > 0)
            total += similar * math.exp(-apart * apart / (2 * LENGTH_SPREAD**2))
        return 10.0 * total / (LONGEST_GRAM * len(references))

    def bleu_4(self, picture: int, tokens: Sequence[int]) -> float:
        """BLEU-4 of one caption, one added to the counts for n above 1 (Lin and Och 2004), closest length."""
        counts = count_grams(tokens)
        most: Counter[Gram] = Counter()
        for reference in self._counts[picture]:
            most |= reference
        matched, written = [0] * LONGEST_GRAM, [0] * LONGEST_GRAM
        for gram, count in counts.items():
            written[len(gram) - 1] += count
            matched[len(gram) - 1] += min(count, most[gram])
        if matched[0] == 0:
            return 0.0
        logs = math.log(matched[0] / written[0])
        logs += sum(math.log((matched[n] + 1) / (written[n] + 1)) for n in range(1, LONGEST_GRAM))
        length = len(tokens)
        closest = min(self._lengths[picture], key=lambda other: (abs(other - length), other))
        return math.exp(logs / LONGEST_GRAM + min(0.0, 1.0 - closest / length))

    def __call__(self, picture: int, tokens: Sequence[int]) -> float:
        """The reward of a caption with END last (or cut off without it)."""
        reward = self.cider_d(picture, tokens)
        if self._bleu > 0:
            reward += self._bleu * self.bleu_4(picture, tokens)
        return reward
