"""Words and characters with their numbers."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

START, END, UNKNOWN = "<start>", "<end>", "<unknown>"
SPECIAL = (START, END, UNKNOWN)
_WORD = re.compile(r"[a-z0-9]+(?:['’][a-z]+)?")
TOKENISER = "lower-case words, punctuation dropped"


class Symbols:
    """All symbols that a model knows. Raises `ValueError` when the special ones are not the first, or one is there twice."""

    def __init__(self, words: Sequence[str]) -> None:
        if tuple(words[: len(SPECIAL)]) != SPECIAL:
            raise ValueError(f"a vocabulary begins with {', '.join(SPECIAL)}")
        self.words = tuple(words)
        self._numbers = {word: number for number, word in enumerate(self.words)}
        if len(self._numbers) != len(self.words):
            raise ValueError("a vocabulary names each word once")
        self.start, self.end, self.unknown = range(len(SPECIAL))

    def __len__(self) -> int:
        return len(self.words)


def tokenise(caption: str) -> list[str]:
    """Lower-case words and numbers; punctuation is dropped. This is the tokeniser that evaluation names."""
    return _WORD.findall(caption.lower())


class WordTokenizer(Symbols):
    @classmethod
    def of(cls, captions: Iterable[Sequence[str]], *, at_least: int = 5) -> "WordTokenizer":
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


class CharTokenizer(Symbols):
    """The characters that a model knows. Raises `ValueError` where one is no single character, too."""

    def __init__(self, characters: Sequence[str]) -> None:
        super().__init__(characters)
        if any(len(character) != 1 for character in characters[len(SPECIAL) :]):
            raise ValueError("an alphabet holds single characters")

    @classmethod
    def of(cls, texts: Iterable[str], *, at_least: int) -> "CharTokenizer":
        """The characters seen at least so many times, in the order of their code points."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(text)
        return cls((*SPECIAL, *sorted(character for character, count in counts.items() if count >= at_least)))

    def knows(self, character: str) -> bool:
        return character in self._numbers

    def encode(self, text: str) -> npt.NDArray[np.int64]:
        """The number of each character; line ends are the text's own."""
        return np.array([self._numbers.get(character, self.unknown) for character in text], np.int64)

    def decode(self, tokens: Iterable[int]) -> str:
        """The text without START and END; what is unknown is shown as U+FFFD."""
        return "".join("\N{REPLACEMENT CHARACTER}" if token == self.unknown else self.words[token] for token in tokens
                       if token not in (self.start, self.end))
