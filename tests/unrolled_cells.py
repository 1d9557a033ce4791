"""Recurrent layers unrolled by hand: what gradients through time are compared with."""

from __future__ import annotations

from torch.nn import functional as F


def unrolled_by_hand(kind, x, states, ih, hh, bias_ih, bias_hh, hr=None, relu=False, reverse=False):
    """Every step's tensors in a graph that keeps their gradients; a GRU's, LSTM's and RNN's equations written out."""
    steps = len(x)
    kept = {name: [None] * steps for name in ("hidden", "cell", "before", "cell_before", "input_gate", "forget_gate", "cell_gate",
                                              "output_gate", "reset_gate", "update_gate", "candidate")}
    h, c = states
    for step in reversed(range(steps)) if reverse else range(steps):
        kept["before"][step], kept["cell_before"][step] = h, c
        of_x, of_h = F.linear(x[step], ih, bias_ih), F.linear(h, hh, bias_hh)
        if kind == "lstm":
            i, f, g, o = (of_x + of_h).chunk(4, -1)
            i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
            c = f * c + i * g
            c.retain_grad()
            h = o * c.tanh()
            h = h if hr is None else F.linear(h, hr)
            found = {"input_gate": i, "forget_gate": f, "cell_gate": g, "output_gate": o, "cell": c}
        elif kind == "gru":
            (xr, xz, xn), (hr_, hz, hn) = of_x.chunk(3, -1), of_h.chunk(3, -1)
            r, z = (xr + hr_).sigmoid(), (xz + hz).sigmoid()
            n = (xn + r * hn).tanh()
            h = (1 - z) * n + z * h
            found = {"reset_gate": r, "update_gate": z, "candidate": n}
        else:
            h = (of_x + of_h).relu() if relu else (of_x + of_h).tanh()
            found = {}
        h.retain_grad()
        for name, value in {**found, "hidden": h}.items():
            kept[name][step] = value
    return {name: column for name, column in kept.items() if column[0] is not None}, h, c
