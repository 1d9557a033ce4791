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


class MaxoutLSTMCell(nn.Module):
    """An LSTM whose candidate is the larger of two sums instead of a tanh (maxout; Goodfellow et al. 2013).

    As captioners trained by self-criticism have it (Rennie et al. 2017): i, f, o, c' and h' are the LSTM's, and
    g = max(W_xg′ x + b_xg′ + W_hg′ h + b_hg′, W_xg″ x + b_xg″ + W_hg″ h + b_hg″). The weights are named as in
    `torch.nn.LSTMCell`, in five blocks i, f, o, g′, g″.
    """

    state_size = 2
    quantities = LSTMStep._fields

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        self.weight_ih = nn.Parameter(torch.zeros(5 * hidden_size, input_size))
        self.weight_hh = nn.Parameter(torch.zeros(5 * hidden_size, hidden_size))
        self.bias_ih = nn.Parameter(torch.zeros(5 * hidden_size))
        self.bias_hh = nn.Parameter(torch.zeros(5 * hidden_size))

    def forward(self, x: Tensor, hidden: Tensor, cell: Tensor, hook: Hook = identity) -> LSTMStep:
        """One step, from x (..., input) and the state before it, each (..., hidden); all it computes passes through `hook`.

        The cell gate has no bound here.
        """
        x, hidden, cell = hook("cell_input", x), hook("hidden_before", hidden), hook("cell_before", cell)
        sums = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(hidden, self.weight_hh, self.bias_hh)
        i, f, o, first, second = sums.chunk(5, dim=-1)  # each (..., hidden)
        input_gate, forget_gate = hook("input_gate", torch.sigmoid(i)), hook("forget_gate", torch.sigmoid(f))
        output_gate, cell_gate = hook("output_gate", torch.sigmoid(o)), hook("cell_gate", torch.maximum(first, second))
        new_cell = hook("cell", forget_gate * cell + input_gate * cell_gate)
        new_hidden = hook("hidden", output_gate * torch.tanh(new_cell))
        return LSTMStep(new_hidden, new_cell, input_gate, forget_gate, output_gate, cell_gate)
