"""Attention weights as colours to lay over a picture, the same in the window and in what is exported.

The scale is absolute unless a person asks for another: a weight has the same colour at every step and for
every picture whose grid is as fine. Pure NumPy; it knows neither Qt nor the session.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from unrolled.viewer.theme.colour_maps import TABLE_SIZE, colour_table

FULL_OVER_UNIFORM = 8.0  # the absolute scale ends at eight times the uniform level

STYLES = ("dimmed", "colours")

LARGEST = 1e6  # weights are at most 1; what a damaged trace has beyond is all the same


def uniform_level(cells: int) -> float:
    """The weight of each cell if all had the same."""
    return 1.0 / cells


def attention_limits(weights: npt.NDArray[np.float32], scale: str = "absolute") -> tuple[float, float]:
    """The weights at the two ends of the colours.

    Parameters
    ----------
    weights : array of float32, shape (rows, columns)
        They sum to 1.
    scale : {'absolute', 'stretched'}
        Absolute: from 0 to `FULL_OVER_UNIFORM` times the uniform level, at most 1, whatever the weights are.
        Stretched: from the least to the greatest of these weights.
    """
    if scale == "absolute":
        return 0.0, min(FULL_OVER_UNIFORM * uniform_level(weights.size), 1.0)
    if scale != "stretched":
        raise ValueError(f"there is no scale {scale!r}; there are 'absolute' and 'stretched'")
    finite = weights[np.isfinite(weights)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    return low, high if high > low else low + 1e-9


@lru_cache(maxsize=64)
def attention_table(colour_map: str, opacity: float, style: str = "colours") -> npt.NDArray[np.uint8]:
    """The colour of each of 256 levels from the lower to the upper limit.

    Shape (256, 4), RGBA, alpha not multiplied in; read-only, since it is shared. Alpha is `opacity` times 1 - (1 - level)² of
    colours: where the model does not look, the picture shows. Dimmed it is `opacity` times 1 - level of black: where the
    model looks, the picture shows as it is.
    """
    level = np.arange(TABLE_SIZE) / (TABLE_SIZE - 1)
    dimmed = style == "dimmed"
    table: npt.NDArray[np.uint8] = np.zeros((TABLE_SIZE, 4), np.uint8) if dimmed else colour_table(colour_map).copy()
    share = 1.0 - level if dimmed else 1.0 - (1.0 - level) ** 2
    table[:, 3] = np.round(255.0 * min(max(opacity, 0.0), 1.0) * share).astype(np.uint8)
    table.flags.writeable = False
    return table


def attention_rgba(
    weights: npt.NDArray[np.float32],
    *,
    scale: str = "absolute",
    colour_map: str = "inferno",
    opacity: float = 0.55,
    smooth: bool = True,
    size: tuple[int, int] | None = None,
    style: str = "colours",
) -> npt.NDArray[np.uint8]:
    """Attention as a picture of colours with transparency.

    Parameters
    ----------
    weights : array of float32, shape (rows, columns)
        They sum to 1. What is not a number becomes transparent, or as dark as what is not looked at.
    scale : {'absolute', 'stretched'}
        See `attention_limits`.
    colour_map : str
        A name that the `cmap` library knows.
    opacity : float
        From 0 to 1: the alpha of the upper limit.
    smooth : bool
        Round between the cells' centres, at which each has its own colour exactly; or each cell in its one colour.
    size : tuple of int, optional
        Width and height in pixels; a pixel a cell without it.
    style : {'colours', 'dimmed'}
        Colours over what is looked at, or a veil over the rest.

    Returns
    -------
    array of uint8, shape (height, width, 4)
        RGBA, alpha not multiplied in.
    """
    rows, columns = weights.shape
    width, height = size if size is not None else (columns, rows)
    low, high = attention_limits(weights, scale)
    table = attention_table(colour_map, opacity, style)
    missing = ~np.isfinite(weights)
    known = np.where(missing, low, weights).clip(-LARGEST, LARGEST)
    levels = (known - low) * ((TABLE_SIZE - 1) / (high - low))  # (rows, columns)
    levels = levels.astype(np.float32)
    if (width, height) == (columns, rows):
        grown = levels
    elif smooth:
        grown = _between(height, rows) @ levels @ _between(width, columns).T  # (height, width)
    else:
        grown = levels[np.ix_(_cell_of(height, rows), _cell_of(width, columns))]
    # Four bytes are looked up as one number, which is six times faster than a row of four.
    found = table.view(np.uint32)[:, 0].take(np.clip(grown + 0.5, 0, TABLE_SIZE - 1).astype(np.uint8))
    colours: npt.NDArray[np.uint8] = found.view(np.uint8).reshape(height, width, 4)
    if missing.any() and style == "colours":
        colours[missing[np.ix_(_cell_of(height, rows), _cell_of(width, columns))]] = 0
    return colours


@lru_cache(maxsize=32)
def _between(pixels: int, cells: int) -> npt.NDArray[np.float32]:
    """Weights along one axis, shape (pixels, cells); beyond outer centres the outer cells go on.

    They fall from a centre as a smooth step, so that a single cell is round where straight lines would make it a diamond,
    and nothing overshoots.
    """
    place = np.clip((np.arange(pixels) + 0.5) * cells / pixels - 0.5, 0, cells - 1)
    near = np.maximum(0.0, 1.0 - np.abs(place[:, None] - np.arange(cells)[None, :]))
    return (near * near * (3.0 - 2.0 * near)).astype(np.float32)


@lru_cache(maxsize=32)
def _cell_of(pixels: int, cells: int) -> npt.NDArray[np.intp]:
    """Which cell each pixel along one axis is in, shape (pixels,)."""
    return np.minimum((np.arange(pixels) + 0.5) * cells / pixels, cells - 1).astype(np.intp)
