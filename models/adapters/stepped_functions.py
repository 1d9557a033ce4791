"""Torch's functions that a step function calls itself, without a module: computed by equations that can be changed in."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

from unrolled.models.adapters.attention_calls import SCALED_DOT_PRODUCT
from unrolled.models.adapters.attention_weights import batch_of_heads, of_heads, scaled_dot_product
from unrolled.models.adapters.captured import Quantity
from unrolled.models.adapters.recurrent_calls import CELLS
from unrolled.models.adapters.stepped_equations import Keep, keep_all, taken
from unrolled.models.cells.hook import Hook, identity

ATTENTION = "attention"  # what the scaled dot product is called
OF_CELLS = ("input", "hx", "w_ih", "w_hh", "b_ih", "b_hh")
OF_ATTENTION = {"query": None, "key": None, "value": None, "attn_mask": None, "dropout_p": 0.0, "is_causal": False, "scale": None,
                "enable_gqa": False}


class SteppedFunctions(TorchFunctionMode):
    """In force in this thread, within a ``with`` block.

    Parameters
    ----------
    found : dict of str to Quantity
        Gets what every call brings: ``lstm_cell/hidden``, of a second one ``lstm_cell#2/hidden``.
    left : dict of str to str
        Gets calls that cannot be looked into, and why.
    changed : bool
        The first scaled dot product is the attention that edits are about.

    Attributes
    ----------
    calls : dict of str to int
        How often each function was called.
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

    def _keep(self, name: str) -> tuple[str, Keep]:
        """The name of this call's quantities, with a slash behind, and what takes them."""
        self.calls[name] = self.calls.get(name, 0) + 1
        prefix = f"{name}#{self.calls[name]}/" if self.calls[name] > 1 else f"{name}/"

        def keep(quantity: Quantity) -> None:
            self._found[prefix + quantity.name] = quantity

        return prefix, keep

    def _cell(self, func: Any, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        call, equations = dict(zip(OF_CELLS, args, strict=False)) | named, CELLS[func]
        name, x = f"{equations.kind}_cell", call["input"]
        if x.dim() == 2 and len(x) != 1:
            self._left[name] = f"computes {len(x)} sequences at a time, and one is stepped"
            return func(*args, **named)
        weights = SimpleNamespace(weight_ih=call["w_ih"], weight_hh=call["w_hh"], bias_ih=call.get("b_ih"),
                                  bias_hh=call.get("b_hh"))
        prefix, keep = self._keep(name)
        state = tuple(call["hx"]) if isinstance(call["hx"], (list, tuple)) else (call["hx"],)
        relu = equations.nonlinearity == "relu"
        values = taken(equations.kind, weights, relu, None, x, state, lambda own, value: self._hook(prefix + own, value))
        keep_all(values, keep, bounded=not relu)
        return (values["hidden"], values["cell"]) if "cell" in values else values["hidden"]

    def _attention(self, func: Any, args: tuple[Any, ...], named: dict[str, Any]) -> Tensor:
        call = OF_ATTENTION | dict(zip(OF_ATTENTION, args, strict=False)) | named
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
