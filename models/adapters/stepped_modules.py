"""Torch's own modules inside somebody's step function, computed by equations that every quantity can be changed in.

While a step is taken `forward` of each module that was found is another one, which gives the same values and has each pass
through a `Hook`: an edit holds inside the module, before anything follows from it. Other threads meet the module as it is.
"""

import inspect
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook
from torch.nn.utils.rnn import PackedSequence

from unrolled.models.adapters.attention_weights import attended, bound_call, of_heads
from unrolled.models.adapters.captured import Quantity
from unrolled.models.adapters.module_hooks import plain
from unrolled.models.adapters.recurrent_gates import CELL_MODULES, SEQUENCES
from unrolled.models.adapters.stepped_functions import Keep, SteppedFunctions, keep_all, taken
from unrolled.models.cells import CELLS
from unrolled.models.cells.hook import Hook, identity

STEPPED = (*CELL_MODULES, *SEQUENCES, nn.MultiheadAttention)
DEPTH = 3  # functions that a step function calls, and those that these call, are looked into for names

Found = dict[str, Quantity]
"""What a step computed, by the channels' names."""


class SteppedModules:
    """Those modules of a step function that can be looked into.

    Parameters
    ----------
    modules : mapping of str to nn.Module
        By dotted name, each one of `STEPPED`.
    attention : str
        The name of the one whose attention may be changed; empty for none.
    """

    def __init__(self, modules: Mapping[str, nn.Module], attention: str = "") -> None:
        self._modules, self._attention = dict(modules), attention
        looking = {name for name, module in self._modules.items() if isinstance(module, nn.MultiheadAttention)}
        alike = looking, self._modules.keys() - looking
        self._plain = {name for names in alike if len(names) == 1 for name in names}  # nothing else brings what they bring
        # functions, called_functions: torch's own functions are looked into too, which the step calls itself:
        # ``torch.lstm_cell``, the scaled dot product; the last step did call some
        self.functions, self.called_functions = True, False
        self.left: dict[str, str] = {}  # modules that a call could not be looked into, and why; such a call was the module's own

    @property
    def labelled(self) -> list[tuple[str, nn.Module]]:
        """The modules, each with what stands in front of its channels' names."""
        return [("" if name in self._plain else name, module) for name, module in self._modules.items()]

    @contextmanager
    def stepped(self, hook: Hook = identity) -> Iterator[Found]:
        """Within the block a call of a module in this thread adds its quantities to what is given."""
        found: Found = {}
        calls: dict[str, int] = {}
        thread = threading.get_ident()
        try:
            for name, module in self._modules.items():
                module.__dict__["forward"] = partial(self._forward, name, module, hook, found, calls, thread)
            functions = SteppedFunctions(hook, found, self.left, changed=not self._attention)
            with calling_modules(), functions if self.functions else nullcontext():
                yield found
            self.called_functions = bool(functions.calls)
        finally:
            for module in self._modules.values():
                module.__dict__.pop("forward", None)

    def _forward(self, name: str, module: nn.Module, hook: Hook, found: Found, calls: dict[str, int], thread: int,
                 *given: Any, **named: Any) -> Any:
        if threading.get_ident() != thread:
            return type(module).forward(module, *given, **named)
        calls[name] = calls.get(name, 0) + 1
        label = "" if name in self._plain else name
        label += f"#{calls[name]}" if calls[name] > 1 else ""
        prefix = f"{label}/" if label else ""

        def keep(quantity: Quantity) -> None:
            found[prefix + quantity.name] = quantity

        reason = _reason(module, given, named)
        if reason:
            self.left[name] = reason
            return type(module).forward(module, *given, **named)
        if isinstance(module, nn.MultiheadAttention):
            return _attention(module, given, named, hook if name == self._attention else identity, keep)
        given = (*given, *(named[word] for word in ("input", "hx") if word in named))
        step = _cell if isinstance(module, CELL_MODULES) else _sequence
        return step(module, given, partial(_under, prefix, hook), keep)


# ── A step of each kind of module ─────────────────────────────────────────────────────────────────────────────────────


def _reason(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> str:
    """Why a call cannot be looked into, in the words that follow the module's name; empty where it can."""
    own = next(kind for kind in STEPPED if isinstance(module, kind))
    if type(module).forward is not own.forward:
        return f"computes {own.__name__} in a way of its own"
    if module.training and getattr(module, "dropout", 0.0) > 0:
        return "drops units at random, as it is in training mode; call .eval()"
    x = given[0] if given else named.get("input", named.get("query"))
    if isinstance(x, PackedSequence):
        return "reads packed sequences"
    if not isinstance(x, Tensor):
        return "was called in a way of its own"
    if isinstance(module, CELL_MODULES):
        sequences, steps = (len(x) if x.dim() == 2 else 1), 1
    else:
        first = 0 if getattr(module, "batch_first", False) else 1
        sequences, steps = (x.shape[first], x.shape[1 - first]) if x.dim() == 3 else (1, len(x))
    if sequences != 1:
        return f"computes {sequences} sequences at a time, and one is stepped"
    return "" if steps == 1 else f"reads {steps} steps at a time"


def _kind(module: nn.Module) -> str:
    return "lstm" if isinstance(module, (nn.LSTM, nn.LSTMCell)) else "gru" if isinstance(module, (nn.GRU, nn.GRUCell)) else "rnn"


def _cell(module: Any, given: tuple[Any, ...], hook: Hook, keep: Keep) -> Any:
    kind, x = _kind(module), given[0]
    state = given[1] if len(given) > 1 else None
    if state is None:
        state = tuple(x.new_zeros(*x.shape[:-1], module.hidden_size) for _ in range(CELLS[kind].state_size))
    relu = getattr(module, "nonlinearity", "") == "relu"
    values = taken(kind, module, relu, None, x, state if isinstance(state, tuple) else (state,), hook)
    keep_all(values, keep, bounded=not relu)
    return (values["hidden"], values["cell"]) if kind == "lstm" else values["hidden"]


def _sequence(module: Any, given: tuple[Any, ...], hook: Hook, keep: Keep) -> Any:
    """One step of all layers and directions; the output is shaped as the input was."""
    kind, x = _kind(module), given[0].reshape(1, -1)                                   # (1, features)
    relu = getattr(module, "nonlinearity", "") == "relu"
    both = 2 if module.bidirectional else 1
    count, batched = module.num_layers * both, given[0].dim() == 3
    state = given[1] if len(given) > 1 else None
    if state is None:
        units = (module.proj_size or module.hidden_size, module.hidden_size)
        parts = [x.new_zeros(count, 1, size) for size in units[: CELLS[kind].state_size]]
    else:
        parts = [part.reshape(count, 1, -1) for part in (state if isinstance(state, tuple) else (state,))]
    after: list[tuple[Tensor, ...]] = []
    for layer in range(module.num_layers):
        outputs = []
        for way in range(both):
            place, suffix = layer * both + way, f"_l{layer}{'_reverse' if way else ''}"
            weights = SimpleNamespace(**{name: getattr(module, name + suffix, None)
                                         for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")})
            direction = ("forward", "backward")[way] if both == 2 else ""
            own = Quantity(field="", values=x, layer=layer if module.num_layers > 1 else -1, direction=direction)
            values = taken(kind, weights, relu, getattr(module, f"weight_hr{suffix}", None), x,
                           tuple(part[place] for part in parts), partial(_under, own.name, hook))
            keep_all(values, keep, bounded=not relu and not module.proj_size, layer=own.layer, direction=direction)
            outputs.append(values["hidden"])
            after.append((values["hidden"], values["cell"]) if kind == "lstm" else (values["hidden"],))
        x = torch.cat(outputs, -1)
    new = tuple(torch.stack(column) if batched else torch.cat(column) for column in zip(*after, strict=True))
    return x.reshape(*given[0].shape[:-1], -1), new if kind == "lstm" else new[0]


def _under(prefix: str, hook: Hook, name: str, value: Tensor) -> Tensor:
    return hook(prefix + name, value)


def _attention(module: nn.MultiheadAttention, given: tuple[Any, ...], named: dict[str, Any], hook: Hook,
               keep: Keep) -> tuple[Tensor, Tensor | None]:
    bound = bound_call(module, given, named)
    query = bound["query"]
    own, weights = attended(module, bound, query.dtype, hook)                          # (T, B, E), (B, heads, T, S)
    for quantity in of_heads(weights.detach()):
        keep(quantity)
    output = own.squeeze(1) if query.dim() == 2 else own.transpose(0, 1) if module.batch_first else own
    if not bound["need_weights"]:
        return output, None
    told = weights.mean(1) if bound["average_attn_weights"] else weights
    return output, told if query.dim() == 3 else told.squeeze(0)


# ── Which there are, and what they are called ─────────────────────────────────────────────────────────────────────────


@contextmanager
def calling_modules() -> Iterator[None]:
    """Within the block nothing that was compiled, and no shortcut of torch's, goes past the modules themselves."""
    fast = torch.backends.mha.get_fastpath_enabled()
    with ExitStack() as held:
        held.callback(torch.backends.mha.set_fastpath_enabled, fast)
        torch.backends.mha.set_fastpath_enabled(False)
        if "torch._dynamo" in sys.modules:  # else nothing was compiled
            held.enter_context(torch.compiler.set_stance("force_eager"))
        yield


@contextmanager
def modules_called() -> Iterator[list[nn.Module]]:
    """Those of `STEPPED` that this thread calls within the block, in their order."""
    found: list[nn.Module] = []
    thread = threading.get_ident()

    def called(module: nn.Module, *_: Any) -> None:
        if threading.get_ident() == thread and isinstance(module, STEPPED) and all(module is not own for own in found):
            found.append(module)

    handle = register_module_forward_hook(called)
    try:
        with calling_modules():
            yield found
    finally:
        handle.remove()


def named(modules: list[nn.Module], function: Callable[..., Any]) -> dict[str, nn.Module]:
    """Modules by the names that the function knows them by: ``decoder.cell``; those that it does not by what they are."""
    names: dict[int, str] = {}
    for owner, value in _known_to(function, DEPTH):
        if isinstance(value, nn.Module):
            for name, module in value.named_modules():
                names.setdefault(id(module), ".".join(part for part in (owner, plain(name)) if part))
    found: dict[str, nn.Module] = {}
    for module in modules:
        name = names.get(id(module)) or type(module).__name__
        number = 2
        while name in found:
            name, number = f"{name.split('#')[0]}#{number}", number + 1
        found[name] = module
    return found


def _known_to(function: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """Variables that a function reads, with their names: its own, those of what it is bound to and of functions it calls."""
    if isinstance(function, partial):
        for place, value in enumerate((*function.args, *function.keywords.values())):
            yield f"argument {place + 1}", value
        yield from _known_to(function.func, depth)
        return
    function = inspect.unwrap(function)
    owner = function if not inspect.isroutine(function) else getattr(function, "__self__", None)
    if isinstance(owner, nn.Module):
        yield "", owner
    elif owner is not None and hasattr(owner, "__dict__") and not inspect.ismodule(owner):
        yield from vars(owner).items()
    inner = getattr(function if inspect.isroutine(function) else function.__call__, "__func__", function)
    if not inspect.isfunction(inner) or depth == 0:
        return
    seen = inspect.getclosurevars(inner)
    for name, value in {**seen.globals, **seen.nonlocals}.items():
        yield name, value
        if inspect.isfunction(value) and value is not inner:
            yield from _known_to(value, depth - 1)
        elif not isinstance(value, (nn.Module, type)) and not inspect.ismodule(value) and hasattr(value, "__dict__"):
            yield from ((f"{name}.{own}", part) for own, part in vars(value).items() if isinstance(part, nn.Module))
