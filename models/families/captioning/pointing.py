"""What teaches attention where to look: the maps of single words' detectors, and masks of people where there are some.

Both speak at the step that writes the word, in the phases that have the true captions. Where a photograph has a mask, a
word for people is taught by it, -log of the attention's mass inside (after Liu et al. 2017, *Attention Correctness in
Neural Image Captioning*), and by its detector otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from unrolled.models.families.captioning.batches import Batch, masked_mean
from unrolled.models.families.captioning.person_masks import Floats, resized
from unrolled.models.families.captioning.word_detector import WordDetector

SURE = 0.02  # mass inside a mask is never taken for less, so that one mistaken mask does not outweigh a batch


class PersonMasks:
    """Masks on the attention's own grid.

    Parameters
    ----------
    masks : sequence
        For each picture its mask, or None.
    side : int
        Rows and columns of the grid.
    words : collection of int
        The tokens that name people.
    vocabulary : int
    """

    def __init__(self, masks: Sequence[Floats | None], *, side: int, words: Collection[int], vocabulary: int) -> None:
        shape = (side, side)
        self._there = np.array([mask is not None for mask in masks])
        self._masks = np.stack([np.zeros(shape) if mask is None else
                                resized(mask, shape) * side**2 / mask.size for mask in masks]).astype(np.float32)
        self._names = torch.zeros(vocabulary, dtype=torch.bool)
        self._names[list(words)] = True

    @classmethod
    def of(cls, names: Sequence[str], masks: Mapping[str, Floats], *, side: int, words: Collection[int],
           vocabulary: int) -> PersonMasks:
        """Those of photographs by their names."""
        return cls([masks.get(name) for name in names], side=side, words=words, vocabulary=vocabulary)

    def inside(self, batch: Batch, maps: Tensor) -> tuple[Tensor, Tensor]:
        """The attention's mass inside each picture's mask, (P, K, T), and where it is to be there, (P, K, T) of bool."""
        masks = self._masks[batch.pictures]                                            # (P, side, side)
        masks = np.where(batch.flipped[:, None, None] > 0, masks[:, :, ::-1], masks)
        mass = torch.einsum("pktl,pl->pkt", maps, torch.from_numpy(masks).flatten(1).to(maps))
        targets = torch.from_numpy(batch.targets)
        named = self._names[targets.clamp_min(0)] & (targets >= 0) & torch.from_numpy(self._there[batch.pictures]).view(-1, 1, 1)
        return mass, named.to(maps.device)


class Pointing:
    """The loss of attention that looks elsewhere.

    Parameters
    ----------
    detector : WordDetector
    masks : PersonMasks, optional
    """

    def __init__(self, detector: WordDetector, masks: PersonMasks | None = None) -> None:
        self.detector, self._masks = detector, masks

    def __call__(self, maps: Tensor, batch: Batch, grid: Tensor) -> Tensor:
        """The mean over all words that something is known of, in nats.

        Parameters
        ----------
        maps : Tensor, shape (P, K, T, L)
            The attention.
        grid : Tensor, shape (P, L, encoder_features)
        """
        targets = torch.from_numpy(batch.targets).to(grid.device)
        words = targets.clamp_min(0)
        belief = self.detector.belief[words] * (targets >= 0)                          # (P, K, T)
        where = self.detector.maps(grid, words)                                        # (P, K, T, L)
        loss = (torch.special.xlogy(where, where) - where * maps.clamp_min(1e-9).log()).sum(-1)
        if self._masks is not None:
            mass, named = self._masks.inside(batch, maps)
            loss = torch.where(named, -mass.clamp_min(SURE).log(), loss)
            belief = torch.where(named, torch.ones_like(belief), belief)
        return masked_mean(loss, belief)
