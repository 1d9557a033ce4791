"""The LSTM, one step at a time, with every gate in sight.

Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000, as the lecture writes it::

    i = σ(W_xi x + b_xi + W_hi h + b_hi)        input gate
    f = σ(W_xf x + b_xf + W_hf h + b_hf)        forget gate
    g = tanh(W_xg x + b_xg + W_hg h + b_hg)     cell gate, the candidate
    o = σ(W_xo x + b_xo + W_ho h + b_ho)        output gate
    c' = f · c + i · g
    h' = o · tanh(c')

Written out in the order of `torch.nn.LSTMCell`, whose h and c it gives bit for bit in float32 on the CPU.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.cells.hook import Hook, identity


class LSTMStep(NamedTuple):
    """What one step of an LSTM computes; every tensor has the shape (..., hidden).

    Gates lie between 0 and 1, the cell gate and the hidden state between -1 and 1; the cell has no bound.
    """

    hidden: Tensor
    cell: Tensor
    input_gate: Tensor
    forget_gate: Tensor
    output_gate: Tensor
    cell_gate: Tensor


class LSTMCell(nn.LSTMCell):
    """One LSTM layer, its weights named and ordered as in `torch.nn.LSTMCell`: gates in the order i, f, g, o."""

    state_size = 2  # how many of a step's tensors, from the first, are the state
    quantities = LSTMStep._fields

    def forward(self, x: Tensor, hidden: Tensor, cell: Tensor, hook: Hook = identity) -> LSTMStep:  # type: ignore[override]
        """One step, from x (..., input) and the state before it, each (..., hidden); all it computes passes through `hook`."""
        x, hidden, cell = hook("cell_input", x), hook("hidden_before", hidden), hook("cell_before", cell)
        pre_activations = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(hidden, self.weight_hh, self.bias_hh)
        i, f, g, o = pre_activations.chunk(4, dim=-1)  # each (..., hidden)
        input_gate, forget_gate = hook("input_gate", torch.sigmoid(i)), hook("forget_gate", torch.sigmoid(f))
        output_gate, cell_gate = hook("output_gate", torch.sigmoid(o)), hook("cell_gate", torch.tanh(g))
        new_cell = hook("cell", forget_gate * cell + input_gate * cell_gate)
        new_hidden = hook("hidden", output_gate * torch.tanh(new_cell))
        return LSTMStep(new_hidden, new_cell, input_gate, forget_gate, output_gate, cell_gate)
