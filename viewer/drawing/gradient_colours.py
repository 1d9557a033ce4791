"""Norms of gradients as colours on a logarithmic scale, the same in the window and in what is exported."""

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QColor

from unrolled.models.trace import FloatArray
from unrolled.models.trace.numbers import power_of_ten
from unrolled.viewer.theme.colour_maps import to_colours

DECADES_AT_MOST = 6  # the scale goes so far down


def decades_of(tables: Iterable[FloatArray]) -> tuple[int, int]:
    """The powers of ten between which all norms lie, at most `DECADES_AT_MOST` of them; what is 0 is on no such scale."""
    found = [table[np.isfinite(table) & (table > 0)] for table in tables]
    norms = np.concatenate(found) if found else np.zeros(0, np.float32)
    if not norms.size:
        return -1, 0
    high = math.ceil(math.log10(float(norms.max())) - 1e-6)
    return max(min(math.floor(math.log10(float(norms.min())) + 1e-6), high - 1), high - DECADES_AT_MOST), high


def ends_of(decades: tuple[int, int]) -> tuple[str, str]:
    """What stands at the two ends of the scale."""
    least = power_of_ten(decades[0])
    return f"≤{least}" if decades[1] - decades[0] == DECADES_AT_MOST else least, power_of_ten(decades[1])


def gradient_colours(table: FloatArray, decades: tuple[int, int], colour_map: str, missing: str) -> npt.NDArray[np.uint8]:
    """Colours, shape (*table.shape, 4); of what is 0, or not known, that of `missing`."""
    low, high = decades
    with np.errstate(divide="ignore", invalid="ignore"):
        exponents = np.log10(table).astype(np.float32)
    colours = to_colours(np.maximum(exponents, low), low=low, high=high, name=colour_map)
    ground = QColor(missing)
    colours[~np.isfinite(exponents)] = (ground.red(), ground.green(), ground.blue(), 255)
    return colours
