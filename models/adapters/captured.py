"""What one call of a module brought: its quantities over time, for every sequence of the batch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quantity:
    """One quantity of one layer, direction or head.

    Attributes
    ----------
    field : str
        ``hidden``, ``forget_gate``, ``attention`` …
    values : Tensor, shape (steps, batch, …)
        In the precision that it was computed in.
    layer : int
        Counted from 0; -1 where the module has one only.
    direction : {'', 'forward', 'backward'}
        Empty where the module has one only.
    head : int
        Of attention, counted from 0; -1 elsewhere.
    low, high : float or None
        The range where the equations bound it; what is not bounded has none.
    """

    field: str
    values: Tensor
    layer: int = -1
    direction: str = ""
    head: int = -1
    low: float | None = None
    high: float | None = None

    @property
    def name(self) -> str:
        """As ``layer_0/forward/hidden``; parts that the module has one of only are left out."""
        parts = [f"layer_{self.layer}"] if self.layer >= 0 else []
        parts += [self.direction] if self.direction else []
        parts += [f"head_{self.head}"] if self.head >= 0 else []
        return "/".join((*parts, self.field))


def computed_in(returned: Tensor) -> torch.dtype:
    """Half precision is computed in single, so that nothing is rounded twice."""
    return returned.dtype if returned.dtype in (torch.float32, torch.float64) else torch.float32


def largest_difference(own: Tensor, returned: Tensor) -> float:
    """Of all values; what is not finite in one of them only is infinitely far, what is the same in both agrees."""
    if not own.numel():
        return 0.0
    largest = float((own - returned).abs().max())
    if math.isfinite(largest):
        return largest
    same = (own == returned) | (own.isnan() & returned.isnan())
    return float((own - returned).abs().nan_to_num(math.inf, posinf=math.inf).masked_fill(same, 0.0).max())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Call:
    """One call of a module.

    Attributes
    ----------
    quantities : tuple of Quantity
        All with the same steps and batch.
    steps, batch : int
    lengths : tuple of int
        The steps of each sequence, where the batch was packed; empty where all have the same.
    difference : float or None
        The largest difference between what was recomputed and what the module returned; None where nothing was.
    notes : tuple of str
        What cannot be had, a sentence each.
    """

    quantities: tuple[Quantity, ...]
    steps: int
    batch: int
    lengths: tuple[int, ...] = ()
    difference: float | None = None
    notes: tuple[str, ...] = ()

    def length(self, item: int) -> int:
        """The steps of one sequence of the batch."""
        return self.lengths[item] if self.lengths else self.steps
