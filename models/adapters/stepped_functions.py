"""Torch's functions that a step function calls itself, without a module: computed by equations that can be changed in."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from unrolled.models.adapters.attention_calls import SCALED_DOT_PRODUCT, scaled_arguments
from unrolled.models.adapters.attention_weights import batch_of_heads, of_heads, scaled_dot_product
from unrolled.models.adapters.captured import Quantity
from unrolled.models.adapters.recurrent_calls import CELLS, cell_arguments
from unrolled.models.cells import CELLS as OUR_CELLS
from unrolled.models.cells.hook import Hook, identity
from unrolled.models.stepping.layers import QUANTITIES

ATTENTION = "attention"  # what the scaled dot product is called


class SteppedFunctions(TorchFunctionMode):
    """In force in this thread, within a ``with`` block. `calls`: how often each function was called.

    Parameters
    ----------
    found : dict of str to Quantity
        Gets what every call brings: ``lstm_cell/hidden``, of a second one ``lstm_cell#2/hidden``.
    left : dict of str to str
        Gets calls that cannot be looked into, and why.
    changed : bool
        The first scaled dot product is the attention that edits are about.
    """

    def __init__(self, hook: Hook, found: dict[str, Quantity], left: dict[str, str], *, changed: bool) -> None:
        super().__init__()
        self._hook, self._found, self._left, self._changed = hook, found, left, changed
        self.calls: dict[str, int] = {}

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        named = kwargs or {}
        if func in CELLS:
            return self._cell(func, args, named)
        return self._attention(func, args, named) if func is SCALED_DOT_PRODUCT else func(*args, **named)

    def _keep(self, name: str) -> "tuple[str, Keep]":
        """The name of this call's quantities, with a slash behind, and what takes them."""
        self.calls[name] = self.calls.get(name, 0) + 1
        prefix = f"{name}#{self.calls[name]}/" if self.calls[name] > 1 else f"{name}/"

        def keep(quantity: Quantity) -> None:
            self._found[prefix + quantity.name] = quantity

        return prefix, keep

    def _cell(self, func: Any, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        equations, (x, state, own) = CELLS[func], cell_arguments(args, named)
        name = f"{equations.kind}_cell"
        if x.dim() == 2 and len(x) != 1:
            self._left[name] = f"computes {len(x)} sequences at a time, and one is stepped"
            return func(*args, **named)
        weights = SimpleNamespace(**dict(zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), own, strict=True)))
        prefix, keep = self._keep(name)
        relu = equations.nonlinearity == "relu"
        values = taken(equations.kind, weights, relu, None, x, state, lambda field, value: self._hook(prefix + field, value))
        keep_all(values, keep, bounded=not relu)
        return (values["hidden"], values["cell"]) if "cell" in values else values["hidden"]

    def _attention(self, func: Any, args: tuple[Any, ...], named: dict[str, Any]) -> Tensor:
        call = scaled_arguments(args, named)
        query: Tensor = call["query"]
        sequences, _, steps, _ = batch_of_heads(query).shape
        if call["dropout_p"] > 0 or (sequences, steps) != (1, 1):
            self._left[ATTENTION] = "drops weights at random" if call["dropout_p"] > 0 else (
                f"computes {sequences} sequences of {steps} steps at a time, and one step of one is taken")
            returned: Tensor = func(*args, **named)
            return returned
        first = self._changed and ATTENTION not in self.calls
        _, keep = self._keep(ATTENTION)
        own, weights = scaled_dot_product(call, query.dtype, hook=self._hook if first else identity)
        for quantity in of_heads(weights.detach()):
            keep(quantity)
        return own.reshape(*query.shape[:-1], -1)


Keep = Callable[[Quantity], None]


def taken(kind: str, weights: Any, relu: bool, projection: Tensor | None, x: Tensor, state: tuple[Tensor, ...],
          hook: Hook) -> dict[str, Tensor]:
    """A cell's step by its equations: all quantities by their names, the state first."""
    if relu:
        x, hidden = hook("cell_input", x), hook("hidden_before", state[0])
        sums = F.linear(x, weights.weight_ih, weights.bias_ih) + F.linear(hidden, weights.weight_hh, weights.bias_hh)
        return {"hidden": hook("hidden", sums.relu())}
    equations: Any = OUR_CELLS[kind].forward
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
