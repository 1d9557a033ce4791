"""Many points as a picture: how many lie in each cell, and in which colour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unrolled.models.trace import FloatArray
from unrolled.viewer.theme.colour_maps import to_colours

CELLS = 320  # along each side
FAINTEST = 0.25  # of a cell with one point

Colours = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Grid:
    """Which cell each point lies in: of `CELLS` × `CELLS` over all points.

    Attributes
    ----------
    left, low, width, height : float
        Where the first cell begins, and how large one is.
    cell : array of int, shape (points,)
    counts : array of int, shape (CELLS, CELLS)
        A row has one height.
    """

    left: float
    low: float
    width: float
    height: float
    cell: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]


def grid_of(points: FloatArray) -> Grid:
    """Of points (N, 2), at least one."""
    low, high = points.min(axis=0).astype(np.float64), points.max(axis=0).astype(np.float64)
    size = np.maximum(high - low, 1e-9) * 1.0001 / CELLS
    column, row = np.minimum((points - low) / size, CELLS - 1).astype(np.int64).T
    cell = row * CELLS + column
    return Grid(float(low[0]), float(low[1]), float(size[0]), float(size[1]), cell,
                np.bincount(cell, minlength=CELLS * CELLS).reshape(CELLS, CELLS))


def coloured(grid: Grid, values: Numbers | None, *, low: float, high: float, name: str) -> Colours:
    """RGBA, (CELLS, CELLS, 4): the mean of the values in each cell on a colour map, the less seen through the more points."""
    share = np.log1p(grid.counts) / max(float(np.log1p(grid.counts.max(initial=1))), 1e-9)
    if values is None:
        means = share
        low, high = 0.0, 1.0
    else:
        there = np.isfinite(values)
        sums = np.bincount(grid.cell, weights=np.where(there, values, 0.0), minlength=CELLS * CELLS)
        numbers = np.bincount(grid.cell, weights=there, minlength=CELLS * CELLS)
        means = (sums / np.maximum(numbers, 1)).reshape(CELLS, CELLS)
    colours = to_colours(means.astype(np.float32), low=low, high=max(high, low + 1e-6), name=name)
    return with_density(colours, share, grid)


def of_groups(grid: Grid, groups: npt.NDArray[np.int64], colours: Colours) -> Colours:
    """The same by groups: each cell has the colour (G, 3) of the one that most of its points belong to; the colours repeat."""
    pairs, numbers = np.unique(grid.cell * (int(groups.max(initial=0)) + 1) + groups, return_counts=True)
    cells, owners = np.divmod(pairs, int(groups.max(initial=0)) + 1)
    order = np.lexsort((numbers, cells))
    last = np.flatnonzero(np.diff(cells[order], append=-1))
    made = np.zeros((CELLS * CELLS, 4), np.uint8)
    made[cells[order][last], :3] = colours[owners[order][last] % len(colours)]
    share = np.log1p(grid.counts) / max(float(np.log1p(grid.counts.max(initial=1))), 1e-9)
    return with_density(made.reshape(CELLS, CELLS, 4), share, grid)


def with_density(colours: Colours, share: Numbers, grid: Grid) -> Colours:
    made: Colours = colours.copy()
    made[..., 3] = np.where(grid.counts > 0, 255 * (FAINTEST + (1 - FAINTEST) * share), 0).astype(np.uint8)
    return made
