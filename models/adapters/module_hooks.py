"""Records what the modules of anybody's network do, by torch's forward hooks: the network itself is not changed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from unrolled.models.adapters.attention_weights import of_attention
from unrolled.models.adapters.captured import Call, Quantity
from unrolled.models.adapters.recurrent_gates import CELL_MODULES, SEQUENCES, of_cell, of_sequence

KNOWN = (*SEQUENCES, *CELL_MODULES, nn.MultiheadAttention)
_COMPILED = "_orig_mod"  # what torch.compile keeps the module under


class ModuleHooks:
    """Hooks on every module that is understood, between `attach` and `detach`.

    Parameters
    ----------
    network : nn.Module
        Under torch.compile or data-parallel it is taken out of its wrapping.
    others : sequence of str
        Dotted names of further modules whose output is recorded as it is.

    Raises
    ------
    TypeError
        When it is no module, or one whose modules cannot be reached.
    ValueError
        When there is no module of such a name, or nothing would be recorded.

    Attributes
    ----------
    calls : dict of str to list of Call
        By the module's dotted name, in the order in which they were made.
    notes : dict of str to None
        What cannot be had, a sentence each, in order.
    """

    def __init__(self, network: nn.Module, others: Sequence[str] = ()) -> None:
        network = unwrapped(network)
        modules = {_plain(name): module for name, module in network.named_modules()}
        unknown = [name for name in others if name not in modules]
        if unknown:
            there = ", ".join(name for name in modules if name) or "none below it"
            raise ValueError(f"There is no module “{unknown[0]}” in this {type(network).__name__}; there are {there}.")
        self.calls: dict[str, list[Call]] = {}
        self.notes: dict[str, None] = {}
        self._modules: dict[str, nn.Module] = {}
        self._held = ExitStack()
        self._random: dict[str, Tensor] = {}
        for name, module in modules.items():
            if isinstance(module, KNOWN) or name in others:
                self._modules[name] = module
            elif isinstance(module, torch.jit.ScriptModule) and name:
                self.notes[f"“{name}” is TorchScript, whose modules cannot be looked into: it is not recorded."] = None
        self._batch_first = next((bool(module.batch_first) for module in modules.values()
                                  if isinstance(module, (*SEQUENCES, nn.MultiheadAttention))), True)
        if not self._modules:
            raise ValueError(f"In this {type(network).__name__} there is no RNN, LSTM, GRU or MultiheadAttention of torch.nn; "
                             "name other modules by their dotted names, as in record(net, others=[\"encoder.2\"]).")

    def attach(self) -> None:
        """From now on calls are recorded, and what torch.compile made is left aside: it calls no hooks."""
        self._held.enter_context(torch.compiler.set_stance("force_eager"))
        for name, module in self._modules.items():
            if isinstance(module, SEQUENCES):
                self._held.callback(module.register_forward_pre_hook(self._before(name)).remove)
            self._held.callback(module.register_forward_hook(self._after(name), with_kwargs=True).remove)

    def detach(self) -> None:
        """Take all hooks away; may be called twice."""
        self._held.close()

    def _before(self, name: str) -> Any:
        def before(module: nn.RNNBase, given: Any) -> None:
            if module.training and module.dropout > 0 and module.num_layers > 1 and module.weight_ih_l0.device.type == "cpu":
                self._random[name] = torch.get_rng_state()

        return before

    def _after(self, name: str) -> Any:
        def after(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any], returned: Any) -> None:
            try:
                call = self._call(name, module, given, named, returned)
            except Exception as error:  # the person's own network goes on, whatever this cannot make of it
                reason = (str(error).splitlines() or [type(error).__name__])[0]
                self._note(name, f"It could not be recorded: {reason.rstrip('.')}.")
                return
            for note in call.notes:
                self._note(name, note)
            self.calls.setdefault(name, []).append(call)

        return after

    def _call(self, name: str, module: nn.Module, given: tuple[Any, ...], named: dict[str, Any], returned: Any) -> Call:
        own = next((kind for kind in KNOWN if isinstance(module, kind)), type(module))
        if type(module).forward is not own.forward:
            raise ValueError(f"{type(module).__name__} computes {own.__name__} in a way of its own")
        if isinstance(module, nn.MultiheadAttention):
            with torch.autocast(returned[0].device.type, enabled=False):
                return of_attention(module, given, named, returned)
        given = (*given, *(named[word] for word in ("input", "hx") if word in named))
        if isinstance(module, SEQUENCES):
            return of_sequence(module, given, returned, self._random.pop(name, None))
        if isinstance(module, CELL_MODULES):
            return of_cell(module, given, returned)
        return self._output(returned)

    def _output(self, returned: Any) -> Call:
        """Of a module that is not understood: what it returned."""
        value = returned[0] if isinstance(returned, tuple) and returned else returned
        if not isinstance(value, Tensor) or value.dim() not in (2, 3):
            what = f"the shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"the type {type(value).__name__}"
            raise ValueError(f"what it returned has {what}, and should be (batch, units) or (batch, steps, units)")
        if value.dim() == 2:
            value = value.unsqueeze(0)  # a step a call
        elif self._batch_first:
            value = value.transpose(0, 1)
        values = value.detach().clone()
        return Call(quantities=(Quantity(field="output", values=values),), steps=len(values), batch=values.shape[1])

    def _note(self, name: str, sentence: str) -> None:
        self.notes[f"“{name}”: {sentence}" if name else sentence] = None


def unwrapped(network: nn.Module) -> nn.Module:
    """The module that torch.compile or data-parallel was given. Raises `TypeError` where it cannot be reached."""
    if not isinstance(network, nn.Module):
        raise TypeError(f"A torch.nn.Module can be recorded, and this is a {type(network).__name__}.")
    if isinstance(network, torch.jit.ScriptModule):
        raise TypeError("A TorchScript module cannot be looked into; record the module that it was made from.")
    if isinstance(network, nn.DataParallel) and len(network.device_ids) > 1:
        raise TypeError("DataParallel copies the module at every call; record the module inside it, “.module”.")
    if isinstance(network, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        return unwrapped(network.module)
    inside = getattr(network, _COMPILED, None)
    return unwrapped(inside) if isinstance(inside, nn.Module) else network


def _plain(name: str) -> str:
    return ".".join(part for part in name.split(".") if part != _COMPILED)
