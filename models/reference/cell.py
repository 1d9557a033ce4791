"""A recurrent cell by torch's own module, with the gates that the module keeps to itself.

Torch documents how `nn.LSTMCell` (i, f, g, o), `nn.GRUCell` (r, z, n) and `nn.RNNCell` lay out their weights; each gate
is computed from its own rows of them. The state is the module's own. Only where an edit reaches into the cell, which the
module cannot know of, does the state follow from the edited gates.
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.reference.protocol import Hook, State, Weights

GATES = {"lstm": ("input_gate", "forget_gate", "cell_gate", "output_gate"), "gru": ("reset_gate", "update_gate", "candidate"),
         "rnn": ("hidden",)}
MODULES = {"lstm": nn.LSTMCell, "gru": nn.GRUCell, "rnn": nn.RNNCell}
LAYERS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


def kind_of(weight_hh: Tensor) -> str:
    """Rnn, lstm or gru, by how many gates have rows in the weights of the state."""
    return {len(gates): kind for kind, gates in GATES.items()}[len(weight_hh) // weight_hh.shape[1]]


class ReferenceCell:
    """One layer; its weights (``weight_ih``, ``bias_hh`` …) are in double precision, and tell which kind of cell it is."""

    def __init__(self, weights: Weights) -> None:
        self.kind, self.hidden = kind_of(weights["weight_hh"]), weights["weight_hh"].shape[1]
        self.module = MODULES[self.kind](weights["weight_ih"].shape[1], self.hidden, dtype=torch.float64)
        self.module.load_state_dict(dict(weights))
        self.module.requires_grad_(False)
        self.name = f"nn.{type(self.module).__name__}"
        self.state_names: tuple[str, ...] = ("hidden", "cell") if self.kind == "lstm" else ("hidden",)
        rows = [torch.split(weights[name], self.hidden) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        self._rows = dict(zip(GATES[self.kind], zip(*rows, strict=True), strict=True))

    def start(self) -> State:
        return tuple(torch.zeros(1, self.hidden, dtype=torch.float64) for _ in self.state_names)

    def step(self, x: Tensor, state: State, hook: Hook) -> dict[str, Tensor]:
        """Every quantity by its channel's name, (1, hidden)."""
        x, hidden = hook("cell_input", x), hook("hidden_before", state[0])
        if self.kind == "lstm":
            return self._lstm(x, hidden, hook("cell_before", state[1]), hook)
        if self.kind == "gru":
            return self._gru(x, hidden, hook)
        return {"hidden": hook("hidden", self.module(x, hidden))}

    def _lstm(self, x: Tensor, hidden: Tensor, cell: Tensor, hook: Hook) -> dict[str, Tensor]:
        before = {name: (torch.tanh if name == "cell_gate" else torch.sigmoid)(self._sum(name, x, hidden))
                  for name in GATES["lstm"]}
        gates = {name: hook(name, value) for name, value in before.items()}
        edited = any(gates[name] is not before[name] for name in gates)
        module_hidden, module_cell = self.module(x, (hidden, cell))
        own = gates["forget_gate"] * cell + gates["input_gate"] * gates["cell_gate"] if edited else module_cell
        new_cell = hook("cell", own)
        edited |= new_cell is not own
        new_hidden = hook("hidden", gates["output_gate"] * torch.tanh(new_cell) if edited else module_hidden)
        return {"hidden": new_hidden, "cell": new_cell, **gates}

    def _gru(self, x: Tensor, hidden: Tensor, hook: Hook) -> dict[str, Tensor]:
        before = {name: torch.sigmoid(self._sum(name, x, hidden)) for name in ("reset_gate", "update_gate")}
        gates = {name: hook(name, value) for name, value in before.items()}
        weight_ih, weight_hh, bias_ih, bias_hh = self._rows["candidate"]
        plain = torch.tanh(F.linear(x, weight_ih, bias_ih) + gates["reset_gate"] * F.linear(hidden, weight_hh, bias_hh))
        candidate = hook("candidate", plain)
        edited = candidate is not plain or any(gates[name] is not before[name] for name in gates)
        z = gates["update_gate"]
        new = hook("hidden", (1 - z) * candidate + z * hidden if edited else self.module(x, hidden))
        return {"hidden": new, "candidate": candidate, **gates}

    def _sum(self, gate: str, x: Tensor, hidden: Tensor) -> Tensor:
        weight_ih, weight_hh, bias_ih, bias_hh = self._rows[gate]
        return F.linear(x, weight_ih, bias_ih) + F.linear(hidden, weight_hh, bias_hh)


class ReferenceLayers:
    """Torch's `nn.LSTM`, `nn.GRU` or `nn.RNN`, by its own names of weights under `prefix`, in double precision."""

    def __init__(self, weights: Weights, prefix: str) -> None:
        self._cells: list[ReferenceCell] = []
        while f"{prefix}weight_hh_l{len(self._cells)}" in weights:
            layer = len(self._cells)
            hidden = weights[f"{prefix}weight_hh_l{layer}"]
            zeros = hidden.new_zeros(len(hidden))
            names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            self._cells.append(ReferenceCell({name: weights.get(f"{prefix}{name}_l{layer}", zeros) for name in names}))
        self.name = self._cells[-1].name
        self.state_names = tuple(f"{name}{self._suffix(layer)}" for layer, cell in enumerate(self._cells)
                                 for name in cell.state_names)

    def start(self) -> State:
        return tuple(part for cell in self._cells for part in cell.start())

    def step(self, x: Tensor, state: State, hook: Hook) -> dict[str, Tensor]:
        """Every quantity, (1, hidden); those of layers below the top say which."""
        found: dict[str, Tensor] = {}
        each = len(self._cells[0].state_names)
        for layer, cell in enumerate(self._cells):
            suffix = self._suffix(layer)
            step = cell.step(x, state[layer * each : (layer + 1) * each], partial(suffixed, hook, suffix))
            found |= {f"{name}{suffix}": value for name, value in step.items()}
            x = step["hidden"]
        return found

    def _suffix(self, layer: int) -> str:
        return "" if layer == len(self._cells) - 1 else f"_layer_{layer}"


def suffixed(hook: Hook, suffix: str, name: str, value: Tensor) -> Tensor:
    return hook(f"{name}{suffix}", value)


def both_ways(weights: Weights) -> nn.RNNBase:
    """Torch's module that reads a sentence forwards and backwards, by its own names of weights, in double precision."""
    layers = sum(name.startswith("weight_hh") for name in weights) // 2
    module: nn.RNNBase = LAYERS[kind_of(weights["weight_hh_l0"])](
        weights["weight_ih_l0"].shape[1], weights["weight_hh_l0"].shape[1], layers, bidirectional=True, dtype=torch.float64)
    module.load_state_dict(dict(weights))
    return module.requires_grad_(False)
