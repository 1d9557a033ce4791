"""The gated recurrent unit, one step at a time, with every gate in sight.

Cho et al. 2014, in the form that `torch.nn.GRUCell` computes, whose h it gives bit for bit in float32 on the CPU::

    r = σ(W_xr x + b_xr + W_hr h + b_hr)        reset gate
    z = σ(W_xz x + b_xz + W_hz h + b_hz)        update gate
    n = tanh(W_xn x + b_xn + r · (W_hn h + b_hn))   candidate
    h' = (1 - z) · n + z · h
"""

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


class GRUCell(nn.GRUCell):
    """One GRU layer, its weights named and ordered as in `torch.nn.GRUCell` (r, z, n)."""

    state_size = 1  # how many of a step's tensors, from the first, are the state
    quantities = GRUStep._fields

    def forward(self, x: Tensor, hidden: Tensor, hook: Hook = identity) -> GRUStep:  # type: ignore[override]
        """One step, from x (..., input) and the state before it, each (..., hidden); all it computes passes through `hook`."""
        x, hidden = hook("cell_input", x), hook("hidden_before", hidden)
        x_r, x_z, x_n = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)            # each (..., hidden)
        h_r, h_z, h_n = F.linear(hidden, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        reset_gate = hook("reset_gate", torch.sigmoid(x_r + h_r))
        update_gate = hook("update_gate", torch.sigmoid(x_z + h_z))
        candidate = hook("candidate", torch.tanh(x_n + reset_gate * h_n))
        # (1 - z) · n + z · h, with one product less
        new_hidden = hook("hidden", (hidden - candidate) * update_gate + candidate)
        return GRUStep(new_hidden, reset_gate, update_gate, candidate)
