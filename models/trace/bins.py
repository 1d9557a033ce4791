"""Which neighbouring steps are drawn as one, where a run is longer than the screen is wide."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

BLOCKS = (4, 16, 64, 256)  # steps whose reductions are kept, for runs that are seen from afar


@dataclass(frozen=True, slots=True)
class Bins:
    first: int                   # the number of the first bin, counted from the run's beginning
    stride: float                # steps a bin, on average; bin k is drawn from k * stride to (k + 1) * stride
    block: int                   # edges are multiples of so many steps, but for the run's end
    edges: npt.NDArray[np.intp]  # (bins + 1,): bin k holds the steps from edge k up to edge k + 1

    def __len__(self) -> int:
        return len(self.edges) - 1

    @property
    def start(self) -> float:
        return self.first * self.stride

    @property
    def stop(self) -> float:
        return (self.first + len(self)) * self.stride


@lru_cache(maxsize=64)  # every track of a window asks for the same ones
def bins_of(start: float, stop: float, length: int, stride: float, blocks: tuple[int, ...] = BLOCKS) -> Bins | None:
    """The steps of a range, put together by the stride; None without any step.

    How they are put together does not depend on where the range begins, so that nothing flickers when it is moved.

    Parameters
    ----------
    start, stop : float
        The range, in steps.
    length : int
        How many steps there are.
    stride : float
        Steps a bin, at least 1.
    blocks : tuple of int
        Whose reductions are there.
    """
    block = block_of(stride, blocks)
    first = max(int(start / stride), 0)
    last = max(int(np.ceil(stop / stride)), first + 1)
    if first * stride < length <= _edge(first, stride, block):  # its steps were rounded into the bin before
        first -= 1
    edges = _edge(np.arange(first, last + 1), stride, block)
    if length <= max(edges[0], first * stride):
        return None
    edges = edges[: int(np.searchsorted(edges, length)) + 1]
    # The last bin holds the run's end, wherever its edge was rounded to.
    edges[-1] = length if (first + len(edges) - 1) * stride >= length else min(edges[-1], length)
    edges.setflags(write=False)
    return Bins(first, stride, block, edges)


def _edge(numbers: npt.ArrayLike, stride: float, block: int) -> npt.NDArray[np.intp]:
    return np.rint(np.asarray(numbers) * (stride / block)).astype(np.intp) * block


def stride_of(span: float, most: int) -> float:
    """Steps a column of pixels, 1 where there is room for each."""
    return max(round(span / max(most, 1) * 64) / 64, 1.0)


def block_of(stride: float, blocks: tuple[int, ...] = BLOCKS) -> int:
    """The longest block that is at most half a column, so that no step is drawn farther than a quarter from its place."""
    return max((block for block in blocks if 2 * block <= stride), default=1)
