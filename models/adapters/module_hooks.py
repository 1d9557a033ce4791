"""Records what happens inside anybody's network: hooks say which module is at work, a function mode what torch is asked for."""

import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import torch
from torch import jit, nn
from torch.nn.utils.rnn import PackedSequence
from torch.overrides import TorchFunctionMode

from unrolled.models.adapters.attention_calls import MULTI_HEAD, SCALED_DOT_PRODUCT, attention_call
from unrolled.models.adapters.captured import Call, Keeper, output_call
from unrolled.models.adapters.recurrent_calls import CELLS, SEQUENCES, by_layers, cell_call, sequence_call
from unrolled.models.trace.names import first_line

LAYERS = (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)  # what they return is recorded too
BATCH_FIRST = (nn.RNNBase, nn.MultiheadAttention)                  # that say it of themselves
UNDERSTOOD = frozenset({*SEQUENCES, *CELLS, MULTI_HEAD, SCALED_DOT_PRODUCT})
_TORCH = str(Path(torch.__file__).parent)
_COMPILED = "_orig_mod"  # what torch.compile keeps the module under
Told = Callable[[str, Call, Any], None]
_recorded: set[int] = set()  # modules, by identity


def _drops_padding(encoder: nn.TransformerEncoder, given: tuple[Any, ...], named: dict[str, Any]) -> bool:
    """Whether torch would leave out what is padded, by nested tensors, which no module with hooks does."""
    masked = (given[2] if len(given) > 2 else named.get("src_key_padding_mask")) is not None
    return masked and bool(encoder.use_nested_tensor) and not encoder.training and not torch.is_grad_enabled()


@dataclass(frozen=True, slots=True)
class _Frame:
    """A module at work, and where the sequences of its own batch are in a packed one that is sorted."""

    name: str
    order: tuple[int, ...] = ()


@dataclass(slots=True, eq=False)
class Series:
    """Calls that follow one another in time: of one function with the same weights or at the same place in the code."""

    name: str            # the dotted name of the module that made them; a second series of one module ends in ``(2)``
    calls: list[Any]     # all of one type
    forwards: list[int]  # during which call of the network each was made, counted from 0

    def during(self, forward: int | None) -> list[Any]:
        """The calls that one call of the network made, or (None) all."""
        return [call for call, own in zip(self.calls, self.forwards, strict=True) if forward in (None, own)]


class ModuleHooks:
    """What is recorded, between `attach` and `detach`, in the thread that attached it.

    Parameters
    ----------
    network : nn.Module
        Under torch.compile or data-parallel it is taken out of its wrapping.
    others : sequence of str
        Dotted names of further modules whose output is recorded as it is.
    told : callable, optional
        Told of every call that was kept: the name of its series, the call, and what the network got back.

    Raises
    ------
    TypeError
        When it is no module, or one whose modules cannot be reached.
    ValueError
        When there is no module of such a name.
    """

    def __init__(self, network: nn.Module, others: Sequence[str] = (), told: Told | None = None) -> None:
        self._network, self._told = unwrapped(network), told
        self._modules = {plain(name): module for name, module in self._network.named_modules()}
        unknown = [name for name in others if name not in self._modules]
        if unknown:
            there = ", ".join(name for name in self._modules if name) or "none below it"
            raise ValueError(f"There is no module “{unknown[0]}” in this {type(self._network).__name__}; there are {there}.")
        self.series: dict[str, Series] = {}  # by name, in the order in which they began
        self.notes: dict[str, None] = {}  # what cannot be had, a sentence each, in order
        self.ran: dict[str, None] = {}  # the classes of the modules that ran, in order
        self.forwards = 0  # how often the network was called
        first = next(iter(self._network.parameters()), torch.empty(0))
        # precision, device: of its first parameter: ``float32``, ``cuda:0``
        self.precision, self.device = str(first.dtype).removeprefix("torch."), str(first.device)
        self._names: dict[tuple[str, tuple[Any, ...]], str] = {}
        self._keeper = Keeper()
        self._frames: list[_Frame] = []
        self._held = ExitStack()
        self._thread = 0
        self._outputs = {name: module for name, module in self._modules.items() if name in others or isinstance(module, LAYERS)}
        self._weights = {id(weight) for weight in self._network.parameters()}
        for name, module in self._modules.items():
            why = closed(module)
            if why:
                self._note(name, f"{why}: it is not recorded.")
        self._batch_first = next((bool(module.batch_first) for module in self._modules.values()
                                  if isinstance(module, BATCH_FIRST)), True)

    def attach(self, given: tuple[tuple[Any, ...], dict[str, Any]] | None = None) -> None:
        """From now on calls are recorded, and what torch.compile made is left aside: it calls no hooks.

        Of a network whose forward pass has begun already `given` is what it was given, by place and by name. Raises
        `RuntimeError` where the network is being recorded already.
        """
        own = {id(module) for module in self._modules.values()}
        if own & _recorded:
            raise RuntimeError(f"This {type(self._network).__name__} is being recorded already: one “with” block is enough.")
        _recorded.update(own)
        self._held.callback(_recorded.difference_update, own)
        self._held.callback(self._keeper.forget)
        self._thread = threading.get_ident()
        if "torch._dynamo" in sys.modules:  # else nothing was compiled
            self._held.enter_context(torch.compiler.set_stance("force_eager"))
        for name, module in self._modules.items():
            if not closed(module):
                self._held.callback(module.register_forward_pre_hook(self._entered(name), with_kwargs=True).remove)
                self._held.callback(module.register_forward_hook(self._left(name), always_call=True).remove)
        self._held.enter_context(_Functions(self._run))
        self._held.callback(self._frames.clear)
        if given is not None:
            self._entered("")(self._network, *given)

    def detach(self) -> None:
        """Take all hooks away; may be called twice."""
        self._held.close()

    # ── Which module is at work ───────────────────────────────────────────────────────────────────────────────────────

    def _entered(self, name: str) -> Callable[..., None]:
        def entered(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
            if threading.get_ident() != self._thread:
                return
            self.ran[type(module).__name__] = None
            self.forwards += name == ""
            if isinstance(module, nn.TransformerEncoder) and _drops_padding(module, given, named):
                self._note(name, "Unrecorded it takes torch's fast path, which returns zeros at padded places; while it is "
                                 "recorded they hold other numbers.")
            packed = given[0] if given else named.get("input")
            order = packed.unsorted_indices if isinstance(packed, PackedSequence) else None
            self._frames.append(_Frame(name, () if order is None else tuple(order.tolist())))

        return entered

    def _left(self, name: str) -> Callable[..., None]:
        def left(module: nn.Module, given: Any, returned: Any) -> None:
            if threading.get_ident() != self._thread or not self._frames:
                return
            self._frames.pop()
            if name in self._outputs and returned is not None:
                batch_first = module.self_attn.batch_first if isinstance(module, LAYERS) else self._batch_first
                with torch._C.DisableTorchFunction():
                    self._kept(name, ("output",), lambda: output_call(returned, self._keeper, batch_first=batch_first), returned)

        return left

    # ── What torch is asked for ───────────────────────────────────────────────────────────────────────────────────────

    def _run(self, function: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Call a function that is understood, and keep the call where the network made it."""
        values = [value for argument in (*given, *named.values())
                  for value in (argument if isinstance(argument, (list, tuple)) else (argument,))]
        weights = [value for value in values if isinstance(value, nn.Parameter)]
        again = torch._C._current_graph_task_id() >= 0  # checkpointing computes it a second time, for gradients
        if again or not (self._frames or any(id(weight) in self._weights for weight in weights)):
            return function(*given, **named)
        layered = by_layers(function, given, named) if function in SEQUENCES else None
        returned, layers = layered or (function(*given, **named), ())
        frame = self._frames[-1] if self._frames else _Frame("")

        def made() -> Call:
            if function in SEQUENCES:
                return sequence_call(function, given, named, returned, layers, self._keeper, frame.order)
            return (cell_call if function in CELLS else attention_call)(function, given, named, returned, self._keeper)

        self._kept(frame.name, (function, id(weights[0]) if weights else _caller(sys._getframe(2))), made, returned)
        return returned

    def _kept(self, frame: str, key: tuple[Any, ...], made: Callable[[], Call], returned: Any) -> None:
        try:
            call = made()
        except Exception as error:  # the person's own network goes on, whatever this cannot make of it
            self._note(frame, f"It could not be recorded: {first_line(error)}.")
            return
        for note in call.notes:
            self._note(frame, note)
        name = self._names.get((frame, key))
        if name is None:
            own = sum(there == frame for there, _ in self._names) + 1
            name = self._names[frame, key] = frame if own == 1 else f"{frame} ({own})".strip()
        series = self.series.setdefault(name, Series(name, [], []))
        series.calls.append(call)
        series.forwards.append(max(self.forwards - 1, 0))
        if self._told is not None:
            self._told(name, call, returned)

    def _note(self, name: str, sentence: str) -> None:
        self.notes[f"“{name}”: {sentence}" if name else sentence] = None


class _Functions(TorchFunctionMode):
    """Hands on what torch is asked for."""

    def __init__(self, run: Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]) -> None:
        super().__init__()
        self._run = run

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        return self._run(func, args, kwargs or {}) if func in UNDERSTOOD else func(*args, **(kwargs or {}))


def _caller(frame: FrameType | None) -> tuple[CodeType, int] | None:
    """The instruction that torch was called from."""
    while frame is not None and frame.f_code.co_filename.startswith(_TORCH):
        frame = frame.f_back
    return None if frame is None else (frame.f_code, frame.f_lasti)


def unwrapped(network: nn.Module) -> nn.Module:
    """The module that torch.compile or data-parallel was given. Raises `TypeError` where it cannot be reached."""
    if not isinstance(network, nn.Module):
        raise TypeError(f"A torch.nn.Module can be recorded, and this is of the type {type(network).__name__}.")
    why = closed(network)
    if why:
        raise TypeError(f"{why}; record the module that it was made from.")
    if isinstance(network, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        return unwrapped(network.module)
    inside = getattr(network, _COMPILED, None)
    return unwrapped(inside) if isinstance(inside, nn.Module) else network


def closed(module: nn.Module) -> str:
    """Why a module cannot be looked into; empty where it can be."""
    if isinstance(module, jit.ScriptModule):
        return "A TorchScript module cannot be looked into"
    if isinstance(module, nn.DataParallel) and len(module.device_ids) > 1:
        return "DataParallel copies the module to every device at every call, and the copies cannot be looked into"
    return ""


def plain(name: str) -> str:
    """A module's dotted name without what wraps it."""
    return ".".join(part for part in name.split(".") if part != _COMPILED)
