"""What one call of a function brought, or a module returned: its quantities over time, for the sequences of the batch."""

import math
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quantity:
    """One quantity of one layer, direction or head."""

    field: str           # ``hidden``, ``forget_gate``, ``attention`` …
    values: Tensor       # (steps, batch, …): in the precision that it was computed in
    layer: int = -1      # counted from 0; -1 where the module has one only
    direction: str = ""  # forward or backward; empty where the module has one only
    head: int = -1       # of attention, counted from 0; -1 elsewhere
    # low, high: the range where the equations bound it; what is not bounded has none
    low: float | None = None
    high: float | None = None
    # the largest difference between what the module returned and what this gives in its place, as a share of the value where
    # that is above 1; None where nothing could be compared
    difference: float | None = None
    against: str = ""    # what was compared, or why nothing could be

    @property
    def name(self) -> str:
        """As ``layer_0/forward/hidden``; parts that the module has one of only are left out."""
        parts = [f"layer_{self.layer}"] if self.layer >= 0 else []
        parts += [self.direction] if self.direction else []
        parts += [f"head_{self.head}"] if self.head >= 0 else []
        return "/".join((*parts, self.field))


Part = tuple[Quantity, ...]
"""What some steps that follow one another brought, of one sequence or of all."""

SomeCall = TypeVar("SomeCall", bound="Call")


class Call(Protocol):
    """One call, kept as it was given and returned; nothing is computed before it is asked for."""

    @property
    def batch(self) -> int:
        """How many sequences."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What cannot be had of it, a sentence each."""
        return ()

    @property
    def places(self) -> Sequence[int | None]:
        """Of what to ask, one after another, so that everything is asked for."""
        return (None,)

    def length(self, item: int) -> int:
        """The steps of one sequence."""
        ...

    @classmethod
    def parts(cls: type[SomeCall], calls: Sequence[SomeCall], item: int | None) -> Iterator[Part]:
        """What calls that follow one another in time brought, of one sequence or (None) of all, in any order."""
        ...


class Keeper:
    """Copies of tensors, which stay as they are whatever happens to the tensors; one that did not change is copied once."""

    def __init__(self) -> None:
        self._copies: dict[int, tuple[weakref.ref[Tensor], int, Tensor]] = {}

    def kept(self, tensor: Tensor) -> Tensor:
        """A copy that takes no part in gradients."""
        if tensor.is_inference():  # it does not count its changes
            return tensor.detach().clone()
        there = self._copies.get(id(tensor))
        if there is not None and there[0]() is tensor and there[1] == tensor._version:
            return there[2]
        copy = tensor.detach().clone()
        self._copies[id(tensor)] = (weakref.ref(tensor), tensor._version, copy)
        return copy

    def forget(self) -> None:
        """Let go of the tensors, not of the copies that calls hold."""
        self._copies.clear()


def computed_in(returned: Tensor) -> torch.dtype:
    """Half precision is computed in single, so that nothing is rounded twice."""
    return returned.dtype if returned.dtype in (torch.float32, torch.float64) else torch.float32


def largest_difference(own: Tensor, returned: Tensor) -> float:
    """Of all values, as a share of those above 1; what is not finite in one only is infinitely far, what is the same agrees."""
    if not own.numel():
        return 0.0
    away = (own - returned).abs_().div_(returned.abs().clamp_(min=1.0))
    largest = float(away.max())
    if math.isfinite(largest):
        return largest
    same = (own == returned) | (own.isnan() & returned.isnan())
    return float(away.nan_to_num(math.inf, posinf=math.inf).masked_fill(same, 0.0).max())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutputCall(Call):
    """One call; the values are (steps, batch, units)."""

    values: Tensor

    @property
    def batch(self) -> int:
        return self.values.shape[1]

    def length(self, item: int) -> int:
        return len(self.values)

    @classmethod
    def parts(cls, calls: "Sequence[OutputCall]", item: int | None) -> Iterator[Part]:
        for call in calls:
            values = call.values if item is None else call.values[:, item : item + 1]
            yield (Quantity(field="output", values=values, difference=0.0, against="as it was returned"),)


def output_call(returned: Any, keeper: Keeper, *, batch_first: bool) -> OutputCall:
    """Of a tensor, or the first one in a tuple, list or mapping. Raises `ValueError` where it has no steps and units."""
    value = returned
    while isinstance(value, (tuple, list, Mapping)) and value:
        value = next(iter(value.values())) if isinstance(value, Mapping) else value[0]
    if not isinstance(value, Tensor) or value.dim() not in (2, 3):
        what = f"the shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"the type {type(value).__name__}"
        raise ValueError(f"what it returned has {what}, and should be (batch, units) or (batch, steps, units)")
    kept = keeper.kept(value)
    if kept.dim() == 2:
        return OutputCall(values=kept.unsqueeze(0))  # a step a call
    return OutputCall(values=kept.transpose(0, 1) if batch_first else kept)
