"""Does attention lie on what a word names? Measured at words for people, with masks of the people in the photographs.

For each word that names people, the attention's mass inside its photograph's mask over the mask's share of the picture:
how many times more it lies there than even attention would. People stand in the middle, and attention has the habit of
looking there, so the same is taken of the same attention with the other photographs' masks. `attention_grounding` is the
first over the second: 1 for attention that knows nothing of the photograph, however well it knows photographs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

PERSON_WORDS = frozenset({
    "person", "people", "man", "men", "woman", "women", "boy", "boys", "girl", "girls", "child", "children", "kid",
    "kids", "baby", "toddler", "toddlers", "lady", "ladies", "guy", "guys", "adult", "adults", "player", "players",
    "crowd", "couple", "biker", "bicyclist", "cyclist", "skateboarder", "snowboarder", "surfer", "skier", "climber",
    "hiker", "runner", "swimmer", "rider", "bikers", "cyclists", "climbers", "hikers", "skiers", "surfers", "runners",
    "friends", "family", "male", "female",
})
SHARES = (0.05, 0.6)  # of the picture; masks beyond are hardly there, or hardly leave anything out


def read_masks(data: Path, split: str) -> dict[str, Floats]:
    """The masks of ``person_masks_SPLIT.npz``, by the photograph's name, each (rows, columns) in 0 to 1; empty without it."""
    path = data / f"person_masks_{split}.npz"
    if not path.is_file():
        return {}
    with np.load(path, allow_pickle=False) as stored:
        masks = {name: stored[name].astype(np.float64) for name in stored.files}
    return {name: mask for name, mask in masks.items() if mask.ndim == 2 and SHARES[0] <= mask.mean() <= SHARES[1]}


class Grounding:
    """Attention at words for people, added word by word.

    Parameters
    ----------
    masks : mapping
        By the photograph's name; all of one shape.
    """

    def __init__(self, masks: Mapping[str, Floats]) -> None:
        self._names = {name: place for place, name in enumerate(masks)}
        self._masks = np.stack(list(masks.values())) if masks else np.zeros((0, 1, 1))  # (M, rows, columns)
        self._places: list[int] = []
        self._maps: list[Floats] = []

    def add(self, name: str, words: Sequence[str], maps: npt.NDArray[np.floating]) -> None:
        """The attention (T, side, side) that a photograph's words were written with."""
        if name not in self._names:
            return
        for word, attention in zip(words, maps, strict=False):
            if word in PERSON_WORDS:
                self._places.append(self._names[name])
                self._maps.append(resized(np.asarray(attention, np.float64), self._masks.shape[1:]))

    def figures(self) -> dict[str, float]:
        """The figure, and over how many words; nothing where there are none, or one photograph only."""
        places = np.array(self._places, np.int64)
        if len(np.unique(places)) < 2:
            return {}
        maps = np.stack(self._maps).reshape(len(places), -1)                           # (words, cells)
        masks = self._masks.reshape(len(self._masks), -1)                              # (M, cells)
        shares = masks.mean(axis=1)                                                    # (M,)
        seen = np.unique(places)
        lift = maps @ (masks[seen] / shares[seen, None]).T                             # (words, seen): mass over share
        own = places[:, None] == seen[None, :]
        there, elsewhere = lift[own].mean(), lift[~own].mean()
        return {"attention_grounding": float(there / elsewhere), "attention_on_persons": float(there),
                "grounded_words": float(len(places))}


def resized(attention: Floats, shape: tuple[int, ...]) -> Floats:
    """A map on another grid, its mass kept: every cell's mass is spread evenly over its square."""
    rows, columns = (_overlaps(old, new) for old, new in zip(attention.shape, shape, strict=True))
    spread: Floats = rows @ attention @ columns.T
    return spread


def _overlaps(old: int, new: int) -> Floats:
    """(new, old): the share of each old cell that lies in each new one, along one axis."""
    edges_old, edges_new = np.arange(old + 1) / old, np.arange(new + 1) / new
    low = np.maximum(edges_new[:-1, None], edges_old[None, :-1])
    high = np.minimum(edges_new[1:, None], edges_old[None, 1:])
    overlap: Floats = np.clip(high - low, 0.0, None) * old
    return overlap
