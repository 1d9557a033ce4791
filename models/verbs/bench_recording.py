"""What it costs to record somebody's own LSTM, beside its plain forward and beside a loop over cells with the same gates.

Recording keeps inputs and outputs, and computes gates when they are asked for. Measured is both together: every gate of every
sequence, and that they give what the module returned.
"""

import time
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.cells.threads import one_thread
from unrolled.models.notebook.recording import Recording, record
from unrolled.models.verbs.timing import in_turns

LAYERS, HIDDEN, BATCH, STEPS = 2, 512, 8, 200
ROUNDS, WARM_UP = 8, 2


def recording_costs() -> dict[str, Any]:
    """Ratios of medians, on one thread, without gradients; with them the plain forward keeps more, and the ratio is smaller."""
    network = nn.LSTM(HIDDEN, HIDDEN, LAYERS)
    x = torch.randn(STEPS, BATCH, HIDDEN)
    with one_thread():
        with torch.inference_mode():
            forward, kept, whole, loop = _medians(network, x)
        forward_kept, _, whole_kept, _ = _medians(network, x)
    return {"record_overhead": whole / forward, "record_vs_cells": loop / whole, "details": {
        "recording": f"nn.LSTM of {LAYERS} layers, {HIDDEN} units, {BATCH} sequences of {STEPS} steps, with all gates of "
                     f"all of them: {whole * 1000:.0f} ms, limit 3 times its plain forward, {forward * 1000:.0f} ms (with "
                     f"gradients {whole_kept / forward_kept:.2f} times; what recording adds before a gate is asked for "
                     f"{(kept - forward) * 1000:.0f} ms); a loop over cells with the same gates {loop * 1000:.0f} ms, "
                     "limit a tenth of it"}}


def _medians(network: nn.LSTM, x: Tensor) -> list[float]:
    """Seconds of this thread for a plain forward, a recorded one, one with all gates, and a loop over cells, by turns."""
    cells = [nn.LSTMCell(HIDDEN, HIDDEN) for _ in range(LAYERS)]
    for layer, cell in enumerate(cells):
        cell.load_state_dict({name: getattr(network, f"{name}_l{layer}") for name in cell.state_dict()})

    def recorded() -> Recording:
        with record(network) as recording:
            network(x)
        return recording

    return in_turns(lambda: network(x), recorded, lambda: recorded().fidelity, lambda: _loop(cells, x),
                    rounds=ROUNDS, warm_up=WARM_UP, clock=time.thread_time)


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
