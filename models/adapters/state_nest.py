"""The state of somebody's own step function: a tensor, or tuples, lists and dicts of tensors, one inside another."""

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor

PLAIN = (int, float, bool, str, bytes, type(None))  # values that nobody can change in place


class StateError(TypeError):
    """A state that holds something else: one sentence for people."""


def leaves(state: Any, name: str = "state") -> Iterator[tuple[str, Tensor]]:
    """Every tensor with its place, as ``state[0]`` or ``state['cell']``."""
    if isinstance(state, Tensor):
        yield name, state
    elif isinstance(state, (tuple, list)):
        for place, part in enumerate(state):
            yield from leaves(part, f"{name}[{place}]")
    elif isinstance(state, dict):
        for key, part in state.items():
            yield from leaves(part, f"{name}[{key!r}]")


def mapped(state: Any, change: Callable[[Tensor], Tensor], name: str = "state") -> Any:
    """The same nest, made anew, of changed tensors. Raises `StateError` where there is anything but tensors and plain values."""
    if isinstance(state, Tensor):
        return change(state)
    if isinstance(state, tuple) and hasattr(state, "_fields"):
        return type(state)(*(mapped(part, change, f"{name}[{place}]") for place, part in enumerate(state)))
    if isinstance(state, (tuple, list)):
        return type(state)(mapped(part, change, f"{name}[{place}]") for place, part in enumerate(state))
    if isinstance(state, dict):
        return type(state)((key, mapped(part, change, f"{name}[{key!r}]")) for key, part in state.items())
    if isinstance(state, PLAIN):
        return state
    raise StateError(f"{name} is of the type {type(state).__name__}; a state is a tensor, or tuples, lists and dicts of tensors.")


def copied(state: Any) -> Any:
    """The same values in tensors and containers of their own."""
    return mapped(state, lambda tensor: tensor.detach().clone())


def changed_place(before: Any, after: Any, name: str = "state") -> str:
    """Where a nest is another than it was, by values; empty where nowhere."""
    if isinstance(before, Tensor):
        same = isinstance(after, Tensor) and before.shape == after.shape and bool(((before == after) | (before != before)).all())
        return "" if same else name
    if isinstance(before, (tuple, list)) and isinstance(after, (tuple, list)):
        if len(before) != len(after):
            return name
        pairs = ((f"{name}[{place}]", *both) for place, both in enumerate(zip(before, after, strict=True)))
        return next((found for inside, old, new in pairs if (found := changed_place(old, new, inside))), "")
    if isinstance(before, dict) and isinstance(after, dict):
        if before.keys() != after.keys():
            return name
        return next((found for key in before if (found := changed_place(before[key], after[key], f"{name}[{key!r}]"))), "")
    return "" if type(before) is type(after) and before == after else name
