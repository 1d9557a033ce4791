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

from unrolled.models.stepping.teacher_forcing import pad_references

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
    inputs, targets, active :
        See `References`.
    """

    pictures: npt.NDArray[np.int64]
    flipped: npt.NDArray[np.int64]
    inputs: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int64]
    active: tuple[int, ...]


def make_batch(pictures: Sequence[int], captions: Sequence[Sequence[Sequence[int]]], *, start: int,
               flipped: npt.NDArray[np.int64]) -> Batch:
    """Put pictures with the same number of captions together, END last; a caption is cut after `LONGEST_CAPTION` tokens."""
    return Batch(np.asarray(pictures, np.int64), flipped, *pad_references(captions, start=start, longest=LONGEST_CAPTION))


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


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    return (values * mask).sum() / mask.sum().clamp_min(1.0)
