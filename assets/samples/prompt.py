"""Count the words of a text file."""

import sys
from collections import Counter


def count_words(path: str) -> Counter:
    """How often each word occurs."""
    words = Counter()
    with open(path, encoding="utf-8") as file:
        for line in file:
            words.update(line.lower().split())
    return words


def longest_word(words: Counter) -> str:
    """The longest word; the first of them where there are several."""
    