"""Many points as a picture: how many lie in each cell, and in which colour."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unrolled.models.trace import FloatArray
from unrolled.viewer.theme.colour_maps import to_colours

CELLS, LEAST_CELLS = 320, 64  # along each side; fewer for few points, which are to be seen
A_POINT = 4                   # times as many along a side as points would fill
FAINTEST = 0.25               # of a cell with one point

Colours = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Grid:
    """Which cell each point lies in, of equally many along each side."""

    left: float  # where the first cell begins, and how large one is
    low: float
    width: float
    height: float
    cell: npt.NDArray[np.int64]  # (points,)
    counts: npt.NDArray[np.int64]  # (cells, cells); a row has one height


def grid_of(points: FloatArray) -> Grid:
    """Of points (N, 2), at least one."""
    low, high = points.min(axis=0).astype(np.float64), points.max(axis=0).astype(np.float64)
    cells = int(np.clip(A_POINT * np.sqrt(len(points)), LEAST_CELLS, CELLS))
    size = np.maximum(high - low, 1e-9) * 1.0001 / cells
    column, row = np.minimum((points - low) / size, cells - 1).astype(np.int64).T
    cell = row * cells + column
    return Grid(float(low[0]), float(low[1]), float(size[0]), float(size[1]), cell,
                np.bincount(cell, minlength=cells**2).reshape(cells, cells))


def coloured(grid: Grid, values: Numbers | None, *, low: float, high: float, name: str) -> Colours:
    """RGBA, (cells, cells, 4): the mean of the values in each cell on a colour map, the less seen through the more points;
    a cell without a finite value stays empty. Without values how many points there are: nothing is seen through them, so that
    few are as dark as the colour map says."""
    share = share_of(grid)
    if values is None:  # a single state is the darkest, and yet to be seen on a dark ground
        rising = np.log(np.maximum(grid.counts, 1)) / max(float(np.log(grid.counts.max(initial=1))), 1e-9)
        means = FAINTEST + (1 - FAINTEST) * rising
        low, high = 0.0, 1.0
    else:
        there = np.isfinite(values)
        sums = np.bincount(grid.cell, weights=np.where(there, values, 0.0), minlength=grid.counts.size)
        numbers = np.bincount(grid.cell, weights=there, minlength=grid.counts.size)
        means = (sums / np.maximum(numbers, 1)).reshape(grid.counts.shape)
        share = np.where(numbers.reshape(grid.counts.shape) > 0, share, np.nan)
    colours = to_colours(means.astype(np.float32), low=low, high=max(high, low + 1e-6), name=name)
    return with_density(colours, share if values is not None else np.ones_like(share), grid)


def owners(grid: Grid, groups: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The group that most of a cell's points belong to, shape (cells²,); -1 where it has none."""
    pairs, numbers = np.unique(grid.cell * (int(groups.max(initial=0)) + 1) + groups, return_counts=True)
    cells, own = np.divmod(pairs, int(groups.max(initial=0)) + 1)
    order = np.lexsort((numbers, cells))
    last = np.flatnonzero(np.diff(cells[order], append=-1))
    found = np.full(grid.counts.size, -1, np.int64)
    found[cells[order][last]] = own[order][last]
    return found


def of_groups(grid: Grid, owner: npt.NDArray[np.int64], colours: Colours) -> Colours:
    """Each cell in its owner's colour, of (G, 3), which repeat; the less seen through the more points."""
    made = np.zeros((grid.counts.size, 4), np.uint8)
    made[owner >= 0, :3] = colours[owner[owner >= 0] % len(colours)]
    return with_density(made.reshape(*grid.counts.shape, 4), share_of(grid), grid)


def share_of(grid: Grid) -> Numbers:
    """How many points each cell has, on a logarithmic scale from 0 for none to 1 for the most, (cells, cells)."""
    found: Numbers = np.log1p(grid.counts) / max(float(np.log1p(grid.counts.max(initial=1))), 1e-9)
    return found


def with_density(colours: Colours, share: Numbers, grid: Grid) -> Colours:
    made: Colours = colours.copy()
    seen = (grid.counts > 0) & np.isfinite(share)
    made[..., 3] = np.where(seen, 255 * (FAINTEST + (1 - FAINTEST) * np.nan_to_num(share)), 0).astype(np.uint8)
    return made
