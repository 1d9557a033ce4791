"""Several recurrent layers computed a second time, each by torch's own cell."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from unrolled.models.reference.cell import ReferenceCell, kind_of
from unrolled.models.reference.protocol import Hook, State, Weights

LAYERS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


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
