"""Colour maps as tables of bytes, from the `cmap` library. Perceptually even and colour-blind safe ones only."""

from functools import lru_cache

import cmap
import numpy as np
import numpy.typing as npt

from unrolled.models.trace.pyramid import PLACES

TABLE_SIZE = 256

SEQUENTIAL = ("viridis", "cividis", "inferno", "magma", "plasma", "crameri:batlow", "crameri:lipari")
DIVERGING = ("crameri:vik", "crameri:berlin", "crameri:roma", "crameri:broc")


@lru_cache(maxsize=32)
def colour_table(name: str) -> npt.NDArray[np.uint8]:
    """The table of a colour map, shape (256, 4), RGBA; read-only, since it is shared. Raises `ValueError` when no map has
    that name.
    """
    table = (np.asarray(cmap.Colormap(name).lut(TABLE_SIZE)) * 255.0 + 0.5).astype(np.uint8)
    table.flags.writeable = False
    return table


def to_colours(values: npt.NDArray[np.float32], *, low: float, high: float, name: str) -> npt.NDArray[np.uint8]:
    """Map values to colours with fixed limits, shape (*values.shape, 4).

    Values beyond a limit get its colour; what is not a number becomes transparent.
    """
    scaled = (values - low) * (TABLE_SIZE / (high - low))
    missing = ~np.isfinite(scaled)
    if missing.any():
        scaled = np.where(missing, 0.0, scaled)
    colours: npt.NDArray[np.uint8] = colour_table(name)[np.clip(scaled, 0, TABLE_SIZE - 1).astype(np.uint8)]
    if missing.any():
        colours[missing] = 0
    return colours


@lru_cache(maxsize=16)
def place_table(colour_map: str, missing: tuple[int, int, int]) -> npt.NDArray[np.uint8]:
    """The colour of every place of `unrolled.models.trace.pyramid`, shape (256, 4), RGBA; read-only, since it is shared."""
    chosen = np.linspace(0, TABLE_SIZE - 1, PLACES).round().astype(np.intp)
    table = np.concatenate((colour_table(colour_map)[chosen], np.array([[*missing, 255]], np.uint8)))
    table.flags.writeable = False
    return table
