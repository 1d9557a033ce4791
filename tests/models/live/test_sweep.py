"""Gradients that are followed back through recorded gates are those of autograd, through cells unrolled by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from unrolled_cells import unrolled_by_hand

from unrolled.models.adapters.recurrent_gates import LayerWeights
from unrolled.models.adapters.recurrent_sweep import cell_gradients, sweep

STEPS, BATCH, FEATURES, UNITS = 7, 3, 4, 5


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("kind", "extra"), [("lstm", {}), ("lstm", {"proj_size": 2}), ("gru", {}), ("rnn", {}),
                                             ("rnn", {"nonlinearity": "relu"}), ("gru", {"bias": False})])
def test_a_sweep_is_what_autograd_finds(kind, extra, reverse):
    torch.manual_seed(5)
    module = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[kind](FEATURES, UNITS, **extra).double()
    ih, hh = module.weight_ih_l0, module.weight_hh_l0
    bias_ih, bias_hh = getattr(module, "bias_ih_l0", None), getattr(module, "bias_hh_l0", None)
    hr, relu = getattr(module, "weight_hr_l0", None), extra.get("nonlinearity") == "relu"
    outputs = extra.get("proj_size", UNITS)
    x = torch.randn(STEPS, BATCH, FEATURES, dtype=torch.double, requires_grad=True)
    states = torch.randn(BATCH, outputs, dtype=torch.double), torch.randn(BATCH, UNITS, dtype=torch.double)
    kept, h, c = unrolled_by_hand(kind, x, states, ih, hh, bias_ih, bias_hh, hr, relu, reverse)
    direct = torch.randn(STEPS, BATCH, outputs, dtype=torch.double)
    last = torch.randn_like(h), torch.randn_like(c)
    loss = sum((own * of_it).sum() for own, of_it in zip(kept["hidden"], direct, strict=True)) + (h * last[0]).sum()
    loss = loss + (c * last[1]).sum() if kind == "lstm" else loss
    loss.backward()
    values = {name: torch.stack(column).detach() for name, column in kept.items()}
    before = (values["before"], values["cell_before"]) if kind == "lstm" else (values["before"],)
    with torch.no_grad():
        found = sweep(kind, values, before, LayerWeights(ih=ih, hh=hh, bias_hh=bias_hh, hr=hr), direct,
                      last=last[: len(before)], reverse=reverse, relu=relu)
    torch.testing.assert_close(found.hidden, torch.stack([own.grad for own in kept["hidden"]]))
    torch.testing.assert_close(found.x, x.grad)
    if kind == "lstm":
        cells = torch.stack([own.grad for own in kept["cell"]])
        torch.testing.assert_close(found.cell, cells)
        if not reverse and hr is None:
            torch.testing.assert_close(cell_gradients(values, found.hidden, last[1]), cells)
