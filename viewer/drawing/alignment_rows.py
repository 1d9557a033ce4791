"""The alignment as places on the colour map, a row a step, each made once when it arrives. It knows neither Qt nor the session.

Words are written as people read them: a piece without its sign, one that goes on a word with a dot before it.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from unrolled.models.trace import Channel, Trace
from unrolled.models.trace.detokenization import WORD_BEGINS, text_of
from unrolled.models.trace.pyramid import Bytes, places_of
from unrolled.viewer.state.wording import is_end, shown

AXES = ("source",)
FIRST_CAPACITY = 32
GOES_ON = "·"  # as `unrolled.models.trace.detokenization.shown` writes it


def source_channels(channels: Iterable[Channel]) -> tuple[Channel, ...]:
    """The channels that say how much each word of the source counts."""
    return tuple(channel for channel in channels if channel.axes == AXES)


def written_label(word: str, detokenization: str) -> str:
    """A word beside its row: END, a word, or a dot and the piece that goes on a word."""
    return shown(word, detokenization)


def whole_word(words: Sequence[str], place: int, detokenization: str) -> str:
    """The word that a piece is a part of, for a sentence that reads it out."""
    if detokenization != "pieces" or not _letters(words[place]):
        return written_label(words[place], detokenization)
    first, last = place, place + 1
    while first > 0 and _goes_on(words[first]) and _letters(words[first - 1]):
        first -= 1
    while last < len(words) and _goes_on(words[last]):
        last += 1
    return text_of(words[first:last], detokenization)


def _letters(word: str) -> bool:
    return not is_end(word) and word.removeprefix(WORD_BEGINS)[:1].isalpha()


def _goes_on(word: str) -> bool:
    return word[:1].isalpha()


def row_limits(weights: npt.NDArray[np.float32], scale: str) -> tuple[float, float]:
    """The weights at the ends of the colours: 0 and 1, or the least and the greatest of a step where that is asked for."""
    if scale != "stretched":
        return 0.0, 1.0
    low, high = float(np.nanmin(weights)), float(np.nanmax(weights))
    return low, high if high > low else low + 1e-9


class AlignmentRows:
    """Places on the colour map of all steps of one channel with the axis ``source``; see `row_limits` for its scale."""

    def __init__(self, channel: Channel, scale: str = "absolute") -> None:
        self.channel, self.scale = channel, scale
        self._store: Bytes = np.empty((FIRST_CAPACITY, channel.size), np.uint8)
        self._length = 0
        self.made = 0

    def __len__(self) -> int:
        return self._length

    @property
    def places(self) -> Bytes:
        """All of them, shape (steps, source words); a view."""
        return self._store[: self._length]

    def follow(self, trace: Trace) -> bool:
        """Take over the steps that are new; whether there were any. Those that are no more are cut off."""
        length = len(trace)
        if length == self._length:
            return False
        if length > len(self._store):
            larger: Bytes = np.empty((max(length, 2 * len(self._store)), self.channel.size), np.uint8)
            larger[: self._length] = self._store[: self._length]
            self._store = larger
        column = trace.column(self.channel.name)
        for step in range(self._length, length):
            low, high = row_limits(column[step], self.scale)
            self._store[step] = places_of(column[step], low=low, high=high)
            self.made += 1
        self._length = length
        return True
