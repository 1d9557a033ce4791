"""One step of torch's cells by the equations of our own, with the weights as they lie in somebody's module or call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from unrolled.models.adapters.captured import Quantity
from unrolled.models.cells import CELLS
from unrolled.models.cells.hook import Hook
from unrolled.models.stepping.channels import QUANTITIES

Keep = Callable[[Quantity], None]


def taken(kind: str, weights: Any, relu: bool, projection: Tensor | None, x: Tensor, state: tuple[Tensor, ...],
          hook: Hook) -> dict[str, Tensor]:
    """A cell's step by its equations: all quantities by their names, the state first."""
    if relu:
        x, hidden = hook("cell_input", x), hook("hidden_before", state[0])
        sums = F.linear(x, weights.weight_ih, weights.bias_ih) + F.linear(hidden, weights.weight_hh, weights.bias_hh)
        return {"hidden": hook("hidden", sums.relu())}
    equations: Any = CELLS[kind].forward
    if projection is None:
        return dict(equations(weights, x, *state, hook=hook)._asdict())
    step = equations(weights, x, *state, hook=lambda name, value: value if name == "hidden" else hook(name, value))
    return {**step._asdict(), "hidden": hook("hidden", F.linear(step.hidden, projection))}


def keep_all(values: dict[str, Tensor], keep: Keep, *, bounded: bool, layer: int = -1, direction: str = "") -> None:
    """Hand on all quantities of a cell's step; `bounded`: its hidden state has the bounds of tanh."""
    for field, value in values.items():
        _, low, high = QUANTITIES[field]
        free = field == "hidden" and not bounded
        keep(Quantity(field=field, values=value.detach().reshape(1, 1, -1), layer=layer, direction=direction,
                      low=None if free else low, high=None if free else high))
