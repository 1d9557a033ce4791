"""What reads a sentence both ways, by torch's own module."""

from __future__ import annotations

import torch
from torch import nn

from unrolled.models.reference.protocol import Weights

LAYERS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


def both_ways(kind: str, weights: Weights) -> nn.RNNBase:
    """The module, by its own names of weights, in double precision."""
    layers = sum(name.startswith("weight_hh") for name in weights) // 2
    module: nn.RNNBase = LAYERS[kind](weights["weight_ih_l0"].shape[1], weights["weight_hh_l0"].shape[1], layers,
                                      bidirectional=True, dtype=torch.float64)
    module.load_state_dict(dict(weights))
    return module.requires_grad_(False)
