"""Characters and their numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from unrolled.models.tokenizers.symbols import SPECIAL, Symbols


class CharTokenizer(Symbols):
    """The characters that a model knows. Raises `ValueError` where one is no single character, too."""

    def __init__(self, characters: Sequence[str]) -> None:
        super().__init__(characters)
        if any(len(character) != 1 for character in characters[len(SPECIAL) :]):
            raise ValueError("an alphabet holds single characters")

    @classmethod
    def of(cls, texts: Iterable[str], *, at_least: int) -> CharTokenizer:
        """The characters seen at least so many times, in the order of their code points."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(text)
        return cls((*SPECIAL, *sorted(character for character, count in counts.items() if count >= at_least)))

    def knows(self, character: str) -> bool:
        """Whether it has a number of its own."""
        return character in self._numbers

    def encode(self, text: str) -> npt.NDArray[np.int64]:
        """The number of each character; line ends are the text's own."""
        return np.array([self._numbers.get(character, self.unknown) for character in text], np.int64)

    def decode(self, tokens: Iterable[int]) -> str:
        """The text without START and END; what is unknown is shown as U+FFFD."""
        return "".join("\N{REPLACEMENT CHARACTER}" if token == self.unknown else self.words[token] for token in tokens
                       if token not in (self.start, self.end))
