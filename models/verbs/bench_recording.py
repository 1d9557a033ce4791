"""What it costs to record somebody's own LSTM, beside its plain forward and beside a loop over cells with the same gates."""

from __future__ import annotations

import statistics
import time
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.notebook.recording import record

LAYERS, HIDDEN, BATCH, STEPS = 2, 512, 8, 200
ROUNDS, WARM_UP = 8, 2


@torch.inference_mode()
def recording_costs() -> dict[str, Any]:
    """The three take turns on one thread, so that they see the same noise; the figures are ratios of medians."""
    network = nn.LSTM(HIDDEN, HIDDEN, LAYERS)
    x = torch.randn(STEPS, BATCH, HIDDEN)
    cells = [nn.LSTMCell(HIDDEN, HIDDEN) for _ in range(LAYERS)]
    for layer, cell in enumerate(cells):
        cell.load_state_dict({name: getattr(network, f"{name}_l{layer}") for name in cell.state_dict()})
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    plain, recorded, looped = [], [], []
    try:
        for _ in range(ROUNDS):
            started = time.perf_counter()
            network(x)
            plain.append(time.perf_counter() - started)
            started = time.perf_counter()
            with record(network):
                network(x)
            recorded.append(time.perf_counter() - started)
            started = time.perf_counter()
            _loop(cells, x)
            looped.append(time.perf_counter() - started)
    finally:
        torch.set_num_threads(threads)
    forward, whole, loop = (statistics.median(own[WARM_UP:]) for own in (plain, recorded, looped))
    return {"record_overhead": whole / forward, "record_vs_cells": loop / whole, "details": {
        "recording": f"nn.LSTM of {LAYERS} layers, {HIDDEN} units, {BATCH} sequences of {STEPS} steps, with all gates: "
                     f"{whole * 1000:.0f} ms; its plain forward {forward * 1000:.0f} ms, limit 3 times; a loop over "
                     f"cells with the same gates {loop * 1000:.0f} ms, limit a tenth of it"}}


def _loop(cells: list[nn.LSTMCell], x: Tensor) -> list[Tensor]:
    """Every layer by its cell, a step after another, with the gates of each step."""
    found = []
    for cell in cells:
        h, c = x.new_zeros(BATCH, HIDDEN), x.new_zeros(BATCH, HIDDEN)
        outputs = []
        for step in x:
            gates = F.linear(step, cell.weight_ih, cell.bias_ih) + F.linear(h, cell.weight_hh, cell.bias_hh)
            h, c = cell(step, (h, c))
            i, f, g, o = gates.chunk(4, -1)
            found.append(torch.cat((i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid(), c), -1))
            outputs.append(h)
        x = torch.stack(outputs)
    return found
