"""The gated recurrent unit, one step at a time, with every gate in sight.

Cho et al. 2014, in the form that `torch.nn.GRUCell` computes, whose h it gives bit for bit in float32 on the CPU::

    r = σ(W_xr x + b_xr + W_hr h + b_hr)        reset gate
    z = σ(W_xz x + b_xz + W_hz h + b_hz)        update gate
    n = tanh(W_xn x + b_xn + r · (W_hn h + b_hn))   candidate
    h' = (1 - z) · n + z · h
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.cells.hook import Hook, identity


class GRUStep(NamedTuple):
    """What one step of a GRU computes; every tensor has the shape (..., hidden).

    Gates lie between 0 and 1, the candidate and the hidden state between -1 and 1.
    """

    hidden: Tensor
    reset_gate: Tensor
    update_gate: Tensor
    candidate: Tensor


class GRUCell(nn.Module):
    """One GRU layer, its weights named and ordered as in `torch.nn.GRUCell` (r, z, n).

    Parameters
    ----------
    input_size, hidden_size : int
        The lengths of x and of h.
    """

    state_size = 1  # how many of a step's tensors, from the first, are the state
    quantities = GRUStep._fields

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        bound = 1.0 / math.sqrt(hidden_size)
        self.hidden_size = hidden_size
        self.weight_ih = nn.Parameter(torch.empty(3 * hidden_size, input_size).uniform_(-bound, bound))
        self.weight_hh = nn.Parameter(torch.empty(3 * hidden_size, hidden_size).uniform_(-bound, bound))
        self.bias_ih = nn.Parameter(torch.empty(3 * hidden_size).uniform_(-bound, bound))
        self.bias_hh = nn.Parameter(torch.empty(3 * hidden_size).uniform_(-bound, bound))

    def forward(self, x: Tensor, hidden: Tensor, hook: Hook = identity) -> GRUStep:
        """Take one step.

        Parameters
        ----------
        x : Tensor, shape (..., input)
        hidden : Tensor, shape (..., hidden)
            The state before the step; left as it is.
        change : Change
            What every quantity passes through.
        """
        x, hidden = hook("cell_input", x), hook("hidden_before", hidden)
        x_r, x_z, x_n = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)            # each (..., hidden)
        h_r, h_z, h_n = F.linear(hidden, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        reset_gate = hook("reset_gate", torch.sigmoid(x_r + h_r))
        update_gate = hook("update_gate", torch.sigmoid(x_z + h_z))
        candidate = hook("candidate", torch.tanh(x_n + reset_gate * h_n))
        # (1 - z) · n + z · h, with one product less
        new_hidden = hook("hidden", (hidden - candidate) * update_gate + candidate)
        return GRUStep(new_hidden, reset_gate, update_gate, candidate)
