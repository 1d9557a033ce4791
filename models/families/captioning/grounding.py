"""Does attention lie on what a word names? Measured at words for people, with masks of the people in the photographs.

The masks lie beside the captions, ``person_masks_SPLIT.npz``, as a segmenter made them: by the photograph's name an array
(rows, columns) of floats from 0 to 1, the share of each cell of a grid that is a person.

Over all words that name people: the attention's mass inside their photograph's mask over the mask's share of the picture,
sum over sum, `attention_on_persons`: how many times more lies there than even attention would have. People stand in the
middle, and attention has the habit of looking there, so the same is taken of the same attention with the other
photographs' masks. `attention_grounding` is the first over the second: 1 for attention that knows nothing of the
photograph, however well it knows photographs.
"""

from collections.abc import Mapping, Sequence
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
        raise ValueError(f"“{path.name}” holds arrays that are not masks of one shape.")
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


class Grounding:
    """Attention at words for people, added word by word; `masks` by the photograph's name, all of one shape."""

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
        own = places[:, None] == seen[None, :]
        mass, share = maps @ masks[seen].T, np.broadcast_to(shares[seen], own.shape)   # (words, seen)
        there, elsewhere = (float(mass[of].sum() / share[of].sum()) for of in (own, ~own))
        return {"attention_grounding": there / elsewhere, "attention_on_persons": there,
                "grounded_words": float(len(places))}
