"""Texts side by side, each over its part of a line: one that is wider than its part takes what its neighbours leave free."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

GAP = 3.0  # pixels between two texts
LEAST_CUT = 20.0  # of a text that is cut: less of it says nothing


@dataclass(slots=True)
class Label:
    """A text and its part of the line, in pixels."""

    first: int  # the step that it begins with
    text: str
    # Its part, to which what it takes of its neighbours' is added.
    left: float
    right: float
    width: float  # of the text

    @property
    def free(self) -> float:
        """What it leaves of its part; negative where that is too narrow."""
        return self.right - self.left - GAP - self.width

    def fits(self, *, centred: bool = True) -> float:
        """Where its text begins."""
        return self.left + max((self.right - self.left - self.width) / 2, 0.0) if centred else self.left


def runs(words: Sequence[str], first: int) -> list[tuple[int, int, str]]:
    """Words that follow one another and are the same as one: where it begins, how many steps it lasts, the word."""
    found, step = [], first
    for word, same in groupby(words):
        count = sum(1 for _ in same)
        found.append((step, count, word))
        step += count
    return found


def label_line(parts: Iterable[tuple[int, float, float, str]], advance: Callable[[str], float],
               elide: Callable[[str, int], str], *, end: float) -> list[Label]:
    """Lay texts out on a line.

    Parameters
    ----------
    parts : iterable of (int, float, float, str)
        From the left: the step, where its part of the line begins and ends, in pixels, and its text.
    advance : callable
        How wide a text is.
    elide : callable
        Cuts a text to a width.
    end : float
        Where the line ends: what is free behind the last part is the last text's.

    Returns
    -------
    list of Label
        Those of which something can be read.
    """
    labels = _worth_it([Label(first, text, left, min(right, end), advance(text)) for first, left, right, text in parts])
    if labels:
        labels[-1].right = max(labels[-1].right, min(end, labels[-1].left + labels[-1].width + GAP))
    for number, own in enumerate(labels):
        lacking = -own.free
        if lacking <= 0:
            continue
        before = labels[number - 1] if number else None
        after = labels[number + 1] if number + 1 < len(labels) else None
        left, right = (max(other.free, 0.0) if other is not None else 0.0 for other in (before, after))
        taken = min(left, max(lacking / 2, lacking - right))
        given = min(right, lacking - taken)
        own.left, own.right = own.left - taken, own.right + given
        if before is not None:
            before.right -= taken
        if after is not None:
            after.left += given
    for own in labels:
        if own.free < -0.5:
            own.text = elide(own.text, int(own.right - own.left - GAP))
            own.width = advance(own.text)
    return labels


def _worth_it(labels: list[Label]) -> list[Label]:
    """Without those of which nothing could be read: their part is their neighbour's."""
    kept: list[Label] = []
    for number, own in enumerate(labels):
        near = (*kept[-1:], *labels[number + 1 : number + 2])
        if own.right - own.left - GAP + sum(max(other.free, 0.0) for other in near) >= min(own.width, LEAST_CUT):
            kept.append(own)
        elif kept:
            kept[-1].right = own.right
        elif len(labels) > number + 1:
            labels[number + 1].left = own.left
    return kept
