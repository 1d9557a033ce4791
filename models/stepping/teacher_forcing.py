"""References written with the true token before: the outputs and maps of every step, for training and for judging."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.cells.decoder import Memory, RecurrentDecoder


class References(NamedTuple):
    """K references for each of P inputs, padded."""

    # inputs, targets: (P, K, T): the token before, and the token to write; -1 in `targets` where a reference is over
    inputs: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int64]
    active: tuple[int, ...]  # length T: how many references of each input, from the first, have a target at step t in some input


def pad_references(references: Sequence[Sequence[Sequence[int]]], *, start: int, longest: int | None = None) -> References:
    """Put references together, as many for every input, END last; each is cut after `longest` tokens.

    Those of an input are sorted, longest first: at step t only the first of them are still being written.
    """
    ordered = [sorted((list(one)[:longest] for one in own), key=len, reverse=True) for own in references]
    shape = (len(ordered), len(ordered[0]), max(len(own[0]) for own in ordered))
    inputs, targets = np.full(shape, start, np.int64), np.full(shape, -1, np.int64)
    for p, own in enumerate(ordered):
        for k, reference in enumerate(own):
            targets[p, k, : len(reference)] = reference
            inputs[p, k, 1 : len(reference)] = reference[:-1]
    is_active = np.any(targets >= 0, axis=0)  # (K, T)
    return References(inputs, targets, tuple(int(np.flatnonzero(column)[-1]) + 1 for column in is_active.T))


class Forced(NamedTuple):
    outputs: Tensor      # (P, K, T, embedding): what the vocabulary is compared with; zeros where a caption is over
    maps: Tensor | None  # (P, K, T, L): the attention


def teacher_forced(network: RecurrentDecoder, memory: Memory, inputs: Tensor, active: Sequence[int]) -> Forced:
    """Read K references for each of P inputs.

    Parameters
    ----------
    inputs : Tensor, shape (P, K, T)
        The token before each step.
    active : sequence of int, length T
        How many of the K references, from the first, still go on at each step; the others are not computed.
    """
    references = inputs.shape[1]
    state = network.start(memory, references)
    outputs, maps = [], []
    for t, k in enumerate(active):
        state = tuple(part[:, :k] for part in state)
        state, step = network.step(memory, state, inputs[:, :k, t])
        over = (0, 0, 0, references - k)
        outputs.append(F.pad(step.output, over))                                       # (P, K, embedding)
        if step.attended is not None:
            maps.append(F.pad(step.attended.weights.float(), over))                    # (P, K, L)
    return Forced(torch.stack(outputs, dim=2), torch.stack(maps, dim=2) if maps else None)
