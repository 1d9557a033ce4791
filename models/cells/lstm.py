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

import math
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


class LSTMCell(nn.Module):
    """One LSTM layer, its weights named and ordered as in `torch.nn.LSTMCell` (gates in the order i, f, g, o).

    Parameters
    ----------
    input_size, hidden_size : int
        The lengths of x and of h.
    """

    state_size = 2  # how many of a step's tensors, from the first, are the state
    quantities = LSTMStep._fields

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        bound = 1.0 / math.sqrt(hidden_size)
        self.hidden_size = hidden_size
        self.weight_ih = nn.Parameter(torch.empty(4 * hidden_size, input_size).uniform_(-bound, bound))
        self.weight_hh = nn.Parameter(torch.empty(4 * hidden_size, hidden_size).uniform_(-bound, bound))
        self.bias_ih = nn.Parameter(torch.empty(4 * hidden_size).uniform_(-bound, bound))
        self.bias_hh = nn.Parameter(torch.empty(4 * hidden_size).uniform_(-bound, bound))

    def forward(self, x: Tensor, hidden: Tensor, cell: Tensor, hook: Hook = identity) -> LSTMStep:
        """Take one step.

        Parameters
        ----------
        x : Tensor, shape (..., input)
        hidden, cell : Tensor, shape (..., hidden)
            The state before the step; left as it is.
        change : Change
            What every quantity passes through.
        """
        x, hidden, cell = hook("cell_input", x), hook("hidden_before", hidden), hook("cell_before", cell)
        pre_activations = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(hidden, self.weight_hh, self.bias_hh)
        i, f, g, o = pre_activations.chunk(4, dim=-1)  # each (..., hidden)
        input_gate, forget_gate = hook("input_gate", torch.sigmoid(i)), hook("forget_gate", torch.sigmoid(f))
        output_gate, cell_gate = hook("output_gate", torch.sigmoid(o)), hook("cell_gate", torch.tanh(g))
        new_cell = hook("cell", forget_gate * cell + input_gate * cell_gate)
        new_hidden = hook("hidden", output_gate * torch.tanh(new_cell))
        return LSTMStep(new_hidden, new_cell, input_gate, forget_gate, output_gate, cell_gate)
