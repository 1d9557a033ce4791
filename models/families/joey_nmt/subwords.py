"""Pieces of words by merges that were learned from a text (Sennrich, Haddow and Birch 2016), as *subword-nmt* writes them.

A file of merges has one a line, the most frequent first; ``</w>`` stands for a word's end. A piece that a word goes on behind
has ``@@`` behind it.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

END = "</w>"
LARGEST_MERGES = 2**26  # bytes
LONGEST_WORD = 500      # characters; a longer one is taken apart to its characters


class Merges:
    """Makes pieces of the words of a sentence.

    Parameters
    ----------
    pairs : sequence of (str, str)
        The first is merged first.
    known : collection of str
        The pieces that a model knows; another one is taken apart again. Empty for all.
    joined : bool
        Whether a word's end belongs to its last character (files of version 0.2), or stands behind it.
    """

    def __init__(self, pairs: Sequence[tuple[str, str]], known: Collection[str] = (), *, separator: str = "@@",
                 joined: bool = True) -> None:
        self._rank = {pair: rank for rank, pair in reversed(list(enumerate(pairs)))}
        self._made_of = {"".join(pair): pair for pair in reversed(list(dict.fromkeys(pairs)))}
        self._known, self._separator, self._joined = frozenset(known), separator, joined

    def pieces(self, word: str) -> list[str]:
        parts = list(word) if len(word) > LONGEST_WORD else self._merged(word)
        parts[-1] = parts[-1].removesuffix(END)
        parts = [part for part in parts if part]
        if self._known:
            parts = [piece for number, part in enumerate(parts) for piece in self._split(part, last=number == len(parts) - 1)]
        return [*(part + self._separator for part in parts[:-1]), *parts[-1:]]

    def _merged(self, word: str) -> list[str]:
        if len(word) == 1:
            return [word]
        parts = [*word[:-1], word[-1] + END] if self._joined else [*word, END]
        while len(parts) > 1:
            best = min(pairwise(parts), key=lambda pair: self._rank.get(pair, len(self._rank)))
            if best not in self._rank:
                break
            merged, place = [], 0
            while place < len(parts):
                both = tuple(parts[place : place + 2]) == best
                merged.append("".join(best) if both else parts[place])
                place += 2 if both else 1
            parts = merged
        return parts

    def _split(self, part: str, *, last: bool) -> Iterator[str]:
        """A piece that the model knows, or what it was merged of."""
        pair = self._made_of.get(part + END if last else part)
        if pair is None or (part if last else part + self._separator) in self._known:
            yield part
            return
        left, right = pair[0], pair[1].removesuffix(END) if last else pair[1]
        yield from self._split(left, last=False)
        if right:
            yield from self._split(right, last=last)


def merges_of(path: Path, known: Collection[str], separator: str) -> Merges | None:
    """Those of a file; None where it is none."""
    try:
        if path.stat().st_size > LARGEST_MERGES:
            return None
        first, _, rest = path.read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return None
    joined = first.startswith("#version:") and first.split(":")[1].strip() != "0.1"
    lines = rest if first.startswith("#version:") else f"{first}\n{rest}"
    pairs = [(pair[0], pair[1]) for line in lines.splitlines() if len(pair := line.strip("\r\n ").split(" ")) == 2]
    return Merges(pairs, known, separator=separator, joined=joined) if pairs else None
