"""Character n-grams with Witten-Bell smoothing: what a character model is compared with.

Witten and Bell 1991, as interpolation: with c(h, x) the count of x after the history h, c(h) its sum, and t(h) the
number of different characters seen after h,

    p(x | h) = (c(h, x) + t(h) · p(x | h')) / (c(h) + t(h)),

where h' is h without its oldest character, and the even distribution stands below the empty history.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]


class WittenBell:
    """All orders up to one, fitted to texts.

    Parameters
    ----------
    texts : sequence of arrays
        Characters as numbers below `size`, each text with its START in front.
    size : int
        How many characters there are.
    order : int
        The longest history, in characters, plus one.
    """

    def __init__(self, texts: Sequence[Codes], *, size: int, order: int) -> None:
        if (size + 1) ** order >= 2**63:
            raise ValueError(f"histories of {order} characters of {size} do not fit 64 bits")
        self.size, self.order = size, order
        self._grams: list[tuple[Codes, Codes]] = []      # per length of the history: (history, x) keys, counts
        self._histories: list[tuple[Codes, Codes, Codes]] = []  # keys, c(h), t(h)
        stream = np.concatenate([np.concatenate((np.full(order - 1, size), text)) for text in texts])
        for length in range(order):
            keys = self._keys(stream, length)
            keys, counts = np.unique(keys, return_counts=True)
            starts = np.flatnonzero(np.concatenate(([True], keys[1:] // (size + 1) != keys[:-1] // (size + 1))))
            self._grams.append((keys, counts))
            self._histories.append((keys[starts] // (size + 1), np.add.reduceat(counts, starts),
                                    np.diff(np.append(starts, len(keys)))))

    def bits(self, text: Codes) -> list[float]:
        """Bits per character of a text with its START in front, for every order from 1; START is not counted."""
        return [float(-np.log2(p[1:]).mean()) for p in self._probabilities(text)]

    def _probabilities(self, text: Codes) -> Iterator[npt.NDArray[np.float64]]:
        padded = np.concatenate((np.full(self.order - 1, self.size), text))
        p = np.full(len(text), 1.0 / self.size)
        for length in range(self.order):
            keys = self._keys(padded, length)[-len(text) :]
            count = _found(self._grams[length], keys)
            histories, sums, kinds = self._histories[length]
            of_history = keys // (self.size + 1)
            total, different = _found((histories, sums), of_history), _found((histories, kinds), of_history)
            seen = total + different > 0
            p = np.where(seen, (count + different * p) / np.maximum(total + different, 1), p)
            yield p

    def _keys(self, stream: Codes, length: int) -> Codes:
        """Each character with so many before it, as one number."""
        base = self.size + 1
        keys = np.zeros(len(stream), np.int64)
        for back in range(length, -1, -1):
            shifted = np.concatenate((np.full(back, self.size), stream[: len(stream) - back]))
            keys = keys * base + shifted
        return keys


def _found(table: tuple[Codes, Codes], keys: Codes) -> npt.NDArray[np.int64]:
    """The value of each key, 0 where the table has none."""
    known, values = table
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[places] == keys, values[places], 0)


def best_order(model: WittenBell, texts: Sequence[Codes]) -> tuple[int, float]:
    """The order that needs the fewest bits per character on texts, and how many."""
    sums = np.zeros(model.order)
    for text in texts:
        sums += np.array(model.bits(text)) * (len(text) - 1)
    bits = sums / max(sum(len(text) - 1 for text in texts), 1)
    best = int(bits.argmin())
    return best + 1, float(bits[best]) if math.isfinite(bits[best]) else math.inf
