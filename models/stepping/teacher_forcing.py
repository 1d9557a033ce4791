"""References written with the true token before: the outputs and maps of every step, for training and for judging."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.cells.decoder import Memory, RecurrentDecoder


class Forced(NamedTuple):
    """What was computed on the way.

    Attributes
    ----------
    outputs : Tensor, shape (P, K, T, embedding)
        What the vocabulary is compared with; zeros where a caption is over.
    maps : Tensor, shape (P, K, T, L), or None
        The attention.
    """

    outputs: Tensor
    maps: Tensor | None


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
