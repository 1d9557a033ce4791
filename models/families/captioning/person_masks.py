"""Where the people are in photographs of a data set, as a segmenter sees them: ``person_masks_SPLIT.npz`` beside the captions.

By the photograph's name an array (rows, columns) of floats from 0 to 1: the share of each cell of a grid that is a person.
They judge attention.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

PERSON_WORDS = frozenset({
    "person", "people", "man", "men", "woman", "women", "boy", "boys", "girl", "girls", "child", "children", "kid", "kids",
    "baby", "toddler", "toddlers", "lady", "ladies", "guy", "guys", "adult", "adults", "player", "players", "crowd", "couple",
    "biker", "bicyclist", "cyclist", "skateboarder", "snowboarder", "surfer", "skier", "climber", "hiker", "runner",
    "swimmer", "rider", "bikers", "cyclists", "climbers", "hikers", "skiers", "surfers", "runners", "friends", "family",
    "male", "female",
})
SHARES = (0.05, 0.6)  # of the picture; masks beyond are hardly there, or hardly leave anything out


def read_masks(data: Path, split: str) -> dict[str, Floats]:
    """The masks of a split that are worth using, by the photograph's name; empty where the file is not there. Raises
    `ValueError` when the file holds something else.
    """
    path = data / f"person_masks_{split}.npz"
    if not path.is_file():
        return {}
    with np.load(path, allow_pickle=False) as stored:
        masks = {name: stored[name].astype(np.float64) for name in stored.files}
    if len({mask.shape for mask in masks.values()}) > 1 or any(mask.ndim != 2 for mask in masks.values()):
        raise ValueError(f"“{path.name}” holds arrays that are no masks of one shape.")
    return {name: mask for name, mask in masks.items() if SHARES[0] <= mask.mean() <= SHARES[1]}


def resized(mass: Floats, shape: tuple[int, ...]) -> Floats:
    """A map (rows, columns) on another grid, its mass kept: every cell's mass is spread evenly over its square."""
    rows, columns = (_overlaps(old, new) for old, new in zip(mass.shape, shape, strict=True))
    spread: Floats = rows @ mass @ columns.T
    return spread


def _overlaps(old: int, new: int) -> Floats:
    """(new, old): the share of each old cell that lies in each new one, along one axis."""
    edges_old, edges_new = np.arange(old + 1) / old, np.arange(new + 1) / new
    low = np.maximum(edges_new[:-1, None], edges_old[None, :-1])
    high = np.minimum(edges_new[1:, None], edges_old[None, 1:])
    overlap: Floats = np.clip(high - low, 0.0, None) * old
    return overlap
