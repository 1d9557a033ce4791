"""The vanilla recurrent network, one step at a time.

Elman 1990, as the lecture writes it: one function and one set of weights at every step::

    h' = tanh(W_xh x + b_xh + W_hh h + b_hh)

Written in the order of `torch.nn.RNNCell`, whose h it gives bit for bit in float32 on the CPU.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.cells.hook import Hook, identity


class RNNStep(NamedTuple):
    """What one step computes: the hidden state (..., hidden), between -1 and 1."""

    hidden: Tensor


class RNNCell(nn.RNNCell):
    """One recurrent layer with tanh, its weights named as in `torch.nn.RNNCell`."""

    state_size = 1  # how many of a step's tensors, from the first, are the state
    quantities = RNNStep._fields

    def forward(self, x: Tensor, hidden: Tensor, hook: Hook = identity) -> RNNStep:  # type: ignore[override]
        """One step, from x (..., input) and the state before it, each (..., hidden); all it computes passes through `hook`."""
        x, hidden = hook("cell_input", x), hook("hidden_before", hidden)
        pre_activation = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(hidden, self.weight_hh, self.bias_hh)
        return RNNStep(hook("hidden", torch.tanh(pre_activation)))
