"""What every tokenizer of ours is: symbols and their numbers, three special ones first."""

from __future__ import annotations

from collections.abc import Sequence

START, END, UNKNOWN = "<start>", "<end>", "<unknown>"
SPECIAL = (START, END, UNKNOWN)


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
