"""∂L/∂h_t and ∂L/∂c_t of somebody's own training, from hooks on what its recurrent functions return; no pass of its own.

While the network runs forward its calls are kept as they are when it is recorded, and what they returned gets a hook, which the
training's own backward pass calls. The rest is computed later, anywhere: see `unrolled.models.adapters.recurrent_sweep`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from unrolled.models.adapters.module_hooks import ModuleHooks
from unrolled.models.adapters.recurrent_calls import CellCall, SequenceCall
from unrolled.models.adapters.recurrent_gates import states_before
from unrolled.models.adapters.recurrent_sweep import Swept, cell_gradients, sweep
from unrolled.models.protocol.watching import LayerGradients

MOST_CALLS = 4096  # of one update: a longer loop over single steps is kept as far as this
DROPPED_MASKS = "behind the dropout between its layers no gradient is known on this device"


@dataclass(slots=True, eq=False)
class _Returned:
    """A call, and what came back to each tensor that it returned."""

    name: str
    call: SequenceCall | CellCall
    gradients: list[Tensor | None] = field(default_factory=list)


class GradientCapture:
    """Keeps what is needed of one update: `attach` and `detach` around each forward pass of the network."""

    def __init__(self, network: nn.Module) -> None:
        self.hooks = ModuleHooks(network, told=self._told)  # what ran
        self.notes: dict[str, None] = {}  # what cannot be had, a sentence each
        self._returned: list[_Returned] = []

    def _told(self, name: str, call: Any, returned: Any) -> None:
        tensors = returned if isinstance(returned, tuple) else (returned,)
        if not isinstance(call, (SequenceCall, CellCall)) or len(self._returned) >= MOST_CALLS or not tensors[0].requires_grad:
            return
        kept = _Returned(name, call, [None] * len(tensors))
        for place, tensor in enumerate(tensors):
            tensor.register_hook(_keep(kept.gradients, place))
        self._returned.append(kept)

    @torch.no_grad()
    def found(self, item: int = 0) -> list[LayerGradients]:
        """What one sequence of the batch's gradients were; may be called in another thread."""
        there = [own for own in self._returned if any(part is not None for part in own.gradients) and item < own.call.batch]
        layers: dict[tuple[str, int, str], list[Swept]] = {}
        for (name, kind), group in groupby(there, lambda own: (own.name, type(own.call))):
            calls = list(group)
            if kind is CellCall:
                layers.setdefault((name, -1, ""), []).append(_of_cells(calls, item))
                continue
            for own in calls:
                call = own.call
                assert isinstance(call, SequenceCall)
                if len(call.outputs) < len(call.weights):
                    self.notes[f"“{name}”: {DROPPED_MASKS}."] = None
                    continue
                for layer, direction, swept in _of_sequence(call, own.gradients, item):
                    layers.setdefault((name, layer, direction), []).append(swept)
        order = sorted(layers, key=lambda own: (own[0], own[1], own[2] == "backward"))
        return [LayerGradients(_name(*place), _lengths([own.hidden for own in layers[place]]),
                               _lengths([own.cell for own in layers[place] if own.cell is not None])) for place in order]


def _keep(gradients: list[Tensor | None], place: int) -> Callable[[Tensor | None], None]:
    def keep(gradient: Tensor | None) -> None:  # None of what nothing used, where one kernel returned several tensors
        gradients[place] = None if gradient is None else gradient.detach().clone()

    return keep


def _name(module: str, layer: int, direction: str) -> str:
    """As people read it: ``encoder.rnn · L2 →``; the layer is -1, the direction empty where there is one only."""
    where = f"L{layer + 1}" if layer >= 0 else ""
    where += {"forward": " →", "backward": " ←"}.get(direction, "")
    return " · ".join(part for part in (module, where.strip()) if part) or "h"


def _lengths(parts: list[Tensor]) -> bytes:
    """‖·‖ over the units of (T, 1, units), one part after another, float32; empty of none."""
    return b"".join(part[:, 0].float().norm(dim=-1).cpu().numpy().astype("<f4", copy=False).tobytes() for part in parts)


def _of_sequence(call: SequenceCall, gradients: list[Tensor | None], item: int) -> Iterator[tuple[int, str, Swept]]:
    """From the last layer to the first, each in its directions: the lower one's ∂L/∂y_t is the upper one's ∂L/∂x_t."""
    (part,) = type(call).parts([call], item)
    place, kind = call.place(item), call.equations.kind
    row = slice(place, place + 1)
    first = gradients[0]
    top = call.values(call.top, item)
    direct = torch.zeros_like(top) if first is None else _one(call, first, item).to(top.dtype)
    for layer in range(len(call.weights) - 1, -1, -1):
        directions = len(call.weights[layer])
        below: Tensor | None = None
        for reverse, of_direction in enumerate(direct.chunk(directions, -1)):
            way = ("forward", "backward")[reverse] if directions == 2 else ""
            own = {quantity.field: quantity.values for quantity in part
                   if max(quantity.layer, 0) == layer and quantity.direction == way}
            at = layer * directions + reverse
            begun = [states[at, row].to(top.dtype) for states in call.first]
            before = tuple(states_before(own[name], start, reverse=bool(reverse))
                           for name, start in zip(("hidden", "cell"), begun, strict=False))
            last = tuple(None if found is None else found[at, row].to(top.dtype) for found in gradients[1:])
            swept = sweep(kind, own, before, call.weights[layer][reverse].to(top.dtype), of_direction, last=last,
                          reverse=bool(reverse), relu=call.equations.nonlinearity == "relu")
            below = swept.x if below is None else below + swept.x
            yield layer if len(call.weights) > 1 else -1, way, swept
        if layer and below is not None:
            direct, given, returned = below, call.inputs[layer], call.outputs[layer - 1]
            if given is not returned:  # dropout stands between: its mask is what it did
                given, returned = call.values(given, item), call.values(returned, item)
                direct = below * torch.where(returned != 0, given / returned, 0.0)


def _one(call: SequenceCall, gradient: Tensor, item: int) -> Tensor:
    """Of a gradient as the batch was returned one sequence's, (its own steps, 1, H)."""
    if call.batch_sizes is not None:
        gradient = pad_packed_sequence(PackedSequence(gradient, call.batch_sizes))[0]
    elif call.batch_first:
        gradient = gradient.transpose(0, 1)
    return gradient[: call.length(item), call.place(item)].unsqueeze(1)


def _of_cells(calls: list[_Returned], item: int) -> Swept:
    """Cells that were called one after another: the hooks on every h give the whole ∂L/∂h_t."""
    (part,) = CellCall.parts([own.call for own in calls if isinstance(own.call, CellCall)], item)
    values = {quantity.field: quantity.values for quantity in part}
    like = values["hidden"][0]                                                         # (1, H)
    hidden = torch.stack([torch.zeros_like(like) if (found := own.gradients[0]) is None
                          else found.reshape(-1, found.shape[-1])[item : item + 1].to(like.dtype) for own in calls])
    return Swept(hidden, cell_gradients(values, hidden) if "cell" in values else None, hidden)
