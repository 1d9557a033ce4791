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


def recording_costs() -> dict[str, Any]:
    """Ratios of medians, on one thread, without gradients; with them the plain forward keeps more, and the ratio is smaller."""
    network = nn.LSTM(HIDDEN, HIDDEN, LAYERS)
    x = torch.randn(STEPS, BATCH, HIDDEN)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            forward, whole, loop = _medians(network, x)
        forward_kept, whole_kept, _ = _medians(network, x)
    finally:
        torch.set_num_threads(threads)
    return {"record_overhead": whole / forward, "record_vs_cells": loop / whole, "details": {
        "recording": f"nn.LSTM of {LAYERS} layers, {HIDDEN} units, {BATCH} sequences of {STEPS} steps, with all gates: "
                     f"{whole * 1000:.0f} ms; its plain forward {forward * 1000:.0f} ms, limit 3 times (with gradients "
                     f"{whole_kept / forward_kept:.2f} times); a loop over cells with the same gates {loop * 1000:.0f} ms, "
                     "limit a tenth of it"}}


def _medians(network: nn.LSTM, x: Tensor) -> list[float]:
    """Seconds of a plain forward, a recorded one and a loop over cells, which take turns, so that they see the same noise."""
    cells = [nn.LSTMCell(HIDDEN, HIDDEN) for _ in range(LAYERS)]
    for layer, cell in enumerate(cells):
        cell.load_state_dict({name: getattr(network, f"{name}_l{layer}") for name in cell.state_dict()})

    def recorded() -> None:
        with record(network):
            network(x)

    seconds: list[list[float]] = [[], [], []]
    for _ in range(ROUNDS):
        for own, run in zip(seconds, (lambda: network(x), recorded, lambda: _loop(cells, x)), strict=True):
            started = time.perf_counter()
            run()
            own.append(time.perf_counter() - started)
    return [statistics.median(own[WARM_UP:]) for own in seconds]


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
