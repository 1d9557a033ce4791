"""Pictures with their captions, in batches that waste little on padding.

The captions of a picture stay together, so that its features are projected once for all of them. Within a picture
they are sorted, longest first, and pictures with captions of like lengths share a batch: at step t only the first
captions of each picture are still being written, and only those are computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

GridOf = Callable[[npt.NDArray[np.int64], npt.NDArray[np.int64]], Tensor]
"""Places of pictures and whether each is mirrored → the encoder's features, (P, L, encoder_features)."""

LONGEST_CAPTION = 24  # words with END; the few longer captions are cut


@dataclass(frozen=True, slots=True)
class Batch:
    """Some pictures with K captions each.

    Attributes
    ----------
    pictures : array of int, shape (P,)
        Places in the data set.
    flipped : array of int, shape (P,)
        1 where the mirrored picture is to be used.
    inputs, targets : arrays of int, shape (P, K, T)
        The word before, and the word to write; -1 in `targets` where a caption is over.
    active : tuple of int, length T
        How many captions of each picture, from the first, have a target at step t in some picture.
    """

    pictures: npt.NDArray[np.int64]
    flipped: npt.NDArray[np.int64]
    inputs: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int64]
    active: tuple[int, ...]


def make_batch(pictures: Sequence[int], captions: Sequence[Sequence[Sequence[int]]], *, start: int,
               flipped: npt.NDArray[np.int64], longest: int = LONGEST_CAPTION) -> Batch:
    """Put pictures with the same number of captions together; a caption ends with END, and is cut after `longest` tokens."""
    sorted_captions = [sorted((list(c)[:longest] for c in own), key=len, reverse=True) for own in captions]
    most = max(len(own[0]) for own in sorted_captions)
    shape = (len(pictures), len(sorted_captions[0]), most)
    inputs, targets = np.full(shape, start, np.int64), np.full(shape, -1, np.int64)
    for p, own in enumerate(sorted_captions):
        for k, caption in enumerate(own):
            targets[p, k, : len(caption)] = caption
            inputs[p, k, 1 : len(caption)] = caption[:-1]
    is_active = np.any(targets >= 0, axis=0)  # (K, T)
    active = tuple(int(np.flatnonzero(is_active[:, t])[-1]) + 1 for t in range(most))
    return Batch(np.asarray(pictures, np.int64), flipped, inputs, targets, active)


def epoch_of_batches(captions: Sequence[Sequence[Sequence[int]]], *, start: int, size: int, flips: bool,
                     random: np.random.Generator) -> Iterator[Batch]:
    """Every picture once, in random batches of pictures whose captions are alike in length."""
    jitter = random.normal(0.0, 0.7, len(captions))
    lengths = np.array([max(map(len, own)) + sum(map(len, own)) / len(own) for own in captions]) + jitter
    order = np.argsort(lengths, kind="stable")
    batches = [order[first : first + size] for first in range(0, len(order), size)]
    for place in random.permutation(len(batches)):
        chosen = batches[place]
        flipped = random.integers(0, 2 if flips else 1, len(chosen))
        yield make_batch([int(p) for p in chosen], [captions[p] for p in chosen], start=start, flipped=flipped)


def number_of_batches(pictures: int, size: int) -> int:
    """How many batches an epoch has."""
    return -(-pictures // size)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """The mean over the places where the mask is 1."""
    return (values * mask).sum() / mask.sum().clamp_min(1.0)
