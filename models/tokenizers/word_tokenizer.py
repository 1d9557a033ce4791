"""Words and their numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from unrolled.models.tokenizers.symbols import SPECIAL, Symbols

_WORD = re.compile(r"[a-z0-9]+(?:['’][a-z]+)?")


def tokenise(caption: str) -> list[str]:
    """Lower-case words and numbers; punctuation is dropped. This is the tokeniser that evaluation names."""
    return _WORD.findall(caption.lower())


TOKENISER = "lower-case words, punctuation dropped"


class WordTokenizer(Symbols):
    """The words that a model knows."""

    @classmethod
    def of(cls, captions: Iterable[Sequence[str]], *, at_least: int = 5) -> WordTokenizer:
        """The words seen at least so many times, the most frequent first."""
        counts = Counter(word for caption in captions for word in caption)
        kept = sorted((word for word, count in counts.items() if count >= at_least), key=lambda w: (-counts[w], w))
        return cls((*SPECIAL, *kept))

    def encode(self, caption: Iterable[str]) -> list[int]:
        """Numbers of a caption's words, END last."""
        return [*(self._numbers.get(word, self.unknown) for word in caption), self.end]

    def decode(self, tokens: Iterable[int]) -> list[str]:
        """Words up to the first END, without the special ones."""
        words: list[str] = []
        for token in tokens:
            if token == self.end:
                break
            if token not in (self.start, self.unknown):
                words.append(self.words[token])
        return words
