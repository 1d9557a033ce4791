"""What a module returned, recorded as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from unrolled.models.adapters.captured import Call, Keeper, Part, Quantity


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
    def parts(cls, calls: Sequence[OutputCall], item: int | None) -> Iterator[Part]:
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
