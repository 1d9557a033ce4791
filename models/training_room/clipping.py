"""Clipping by norm: Pascanu, Mikolov and Bengio 2013, algorithm 1."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


def norm_of(gradients: Iterable[Tensor]) -> float:
    return float(torch.sqrt(torch.stack([(gradient.double() ** 2).sum() for gradient in gradients]).sum()))


def clip_by_norm(gradients: list[Tensor], threshold: float) -> tuple[float, float]:
    """Shorten the gradients, in place, where they are longer than the threshold; their direction stays.

    ``if ‖g‖ ≥ threshold: g ← threshold / ‖g‖ · g``

    Parameters
    ----------
    gradients : list of Tensor
    threshold : float
        0 leaves them as they are.

    Returns
    -------
    before, after : float
        The norms.
    """
    before = norm_of(gradients)
    if threshold <= 0 or before < threshold:
        return before, before
    for gradient in gradients:
        gradient.mul_(threshold / before)
    return before, threshold
