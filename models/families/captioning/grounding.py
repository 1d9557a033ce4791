"""Does attention lie on what a word names? Measured at words for people, with masks of the people in the photographs.

Over all words that name people: the attention's mass inside their photograph's mask over the mask's share of the picture,
sum over sum, `attention_on_persons`: how many times more lies there than even attention would have. People stand in the
middle, and attention has the habit of looking there, so the same is taken of the same attention with the other
photographs' masks. `attention_grounding` is the first over the second: 1 for attention that knows nothing of the
photograph, however well it knows photographs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from unrolled.models.families.captioning.person_masks import PERSON_WORDS, Floats, resized


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

