"""The equations of torch's recurrent cells for all steps at once: every hidden state is known, so that the gates are products.

Only the cell state is summed up step by step, element by element.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.adapters.captured import Quantity
from unrolled.models.cells import CELLS
from unrolled.models.stepping.layers import QUANTITIES

SEQUENCES = (nn.RNN, nn.LSTM, nn.GRU)
CELL_MODULES = (nn.RNNCell, nn.LSTMCell, nn.GRUCell)

LARGE_PRODUCT = 2**28  # multiplications
TRIALS = 4

Values = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Equations:
    """Which they are: ``rnn``, ``lstm`` or ``gru``, and of the first whether tanh or relu."""

    kind: str
    nonlinearity: str = "tanh"

    def quantities(self, values: Mapping[str, Tensor], *, layer: int = -1, direction: str = "", projected: bool = False,
                   difference: float | None, against: Mapping[str, str]) -> tuple[Quantity, ...]:
        """Those that there are, in the cell's order; `against` says how each was compared, ``""`` of all others."""
        found = []
        for field in CELLS[self.kind].quantities:
            if field in values:
                low: float | None
                high: float | None
                _, low, high = QUANTITIES[field]
                if field == "hidden" and projected:
                    low = high = None
                elif field == "hidden" and self.kind == "rnn" and self.nonlinearity == "relu":
                    low, high = 0.0, None
                found.append(Quantity(
                    field=field, values=values[field], layer=layer, direction=direction, low=low, high=high,
                    difference=difference, against=against.get(field, against.get("", ""))))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """Of one layer in one direction, as torch names them; biases and the projection may be missing."""

    ih: Tensor
    hh: Tensor
    bias_ih: Tensor | None = None
    bias_hh: Tensor | None = None
    hr: Tensor | None = None

    @property
    def flat(self) -> list[Tensor]:
        """In the order in which torch's functions take them."""
        return [weight for weight in (self.ih, self.hh, self.bias_ih, self.bias_hh, self.hr) if weight is not None]

    def to(self, dtype: torch.dtype) -> "LayerWeights":
        return self.each(lambda weight: weight.to(dtype))

    def each(self, made: Callable[[Tensor], Tensor]) -> "LayerWeights":
        """The same of what is made of each."""
        return LayerWeights(made(self.ih), made(self.hh), *(
            None if weight is None else made(weight) for weight in (self.bias_ih, self.bias_hh, self.hr)))


def gates(equations: Equations, x: Tensor, before: Tensor, weights: LayerWeights) -> Values:
    """The gates of one layer in one direction, from what every step read and the state it began with, each (T, B, units).

    Of a GRU and of a plain RNN the hidden state is among them, computed again; of an LSTM `finish` gives it.
    """
    if equations.kind == "gru":
        of_x = _product(x, weights.ih, weights.bias_ih)                                # (T, B, 3H): r, z, n
        of_h = _product(before, weights.hh, weights.bias_hh)
        units = weights.hh.shape[1]
        of_x[..., : 2 * units].add_(of_h[..., : 2 * units]).sigmoid_()
        reset, update, candidate = of_x.chunk(3, -1)
        candidate.addcmul_(reset, of_h[..., 2 * units :]).tanh_()
        return {"reset_gate": reset, "update_gate": update, "candidate": candidate,
                "hidden": torch.lerp(candidate, before, update)}
    bias = None if weights.bias_ih is None or weights.bias_hh is None else weights.bias_ih + weights.bias_hh
    sums = _product(torch.cat((x, before), -1), torch.cat((weights.ih, weights.hh), -1), bias)  # (T, B, gates · H)
    if equations.kind == "rnn":
        return {"hidden": sums.relu_() if equations.nonlinearity == "relu" else sums.tanh_()}
    units = weights.hh.shape[0] // 4
    sums[..., : 2 * units].sigmoid_()
    sums[..., 2 * units : 3 * units].tanh_()
    sums[..., 3 * units :].sigmoid_()
    return dict(zip(("input_gate", "forget_gate", "cell_gate", "output_gate"), sums.chunk(4, -1), strict=True))


def finish(values: Values, cell: Tensor, weights: LayerWeights) -> Values:
    """Of an LSTM the hidden state, from its gates and the cell states, (T, B, H)."""
    hidden = values["output_gate"] * cell.tanh()
    return {**values, "cell": cell, "hidden": hidden if weights.hr is None else _product(hidden, weights.hr, None)}


def cells(values: Values, first: Tensor, *, reverse: bool) -> Tensor:
    """c_t = f_t · c_{t-1} + i_t · g_t, (T, B, H), from the state (B, H) before the first step."""
    written, previous = values["input_gate"] * values["cell_gate"], first
    found, forget_gate = written.unbind(), values["forget_gate"].unbind()
    for step in range(len(found) - 1, -1, -1) if reverse else range(len(found)):
        previous = found[step].addcmul_(forget_gate[step], previous)
    return written


def states_before(hidden: Tensor, first: Tensor, *, reverse: bool) -> Tensor:
    """The hidden state that every step began with, (T, B, H)."""
    if reverse:
        return torch.cat((hidden[1:], first.unsqueeze(0)))
    return torch.cat((first.unsqueeze(0), hidden[:-1]))


def _product(values: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """W x + b, (T, B, rows of W); where it is large, by oneDNN if that is the faster on this processor."""
    if (values.device.type != "cpu" or values.dtype != torch.float32 or values.numel() * len(weight) < LARGE_PRODUCT
            or not _onednn_is_faster()):
        return F.linear(values, weight, bias)
    return _by_onednn(values.flatten(0, 1), weight, bias).view(*values.shape[:2], -1)


def _by_onednn(values: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return F.linear(values.to_mkldnn(), weight, bias).to_dense()


@cache
def _onednn_is_faster() -> bool:
    """Than torch's own product, tried once: on some processors it takes half the time of it, on others half as much again."""
    if not torch._C._has_mkldnn:
        return False
    values, weight = torch.ones(256, 1024), torch.ones(1024, 1024)

    def seconds(product: Callable[[Tensor, Tensor, None], Tensor]) -> float:
        started = time.thread_time()
        product(values, weight, None)
        return time.thread_time() - started

    return min(seconds(_by_onednn) for _ in range(TRIALS)) < min(seconds(F.linear) for _ in range(TRIALS))
