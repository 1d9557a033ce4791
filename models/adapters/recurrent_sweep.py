"""∂L/∂h_t and ∂L/∂c_t of one recurrent layer, from its recorded gates and from ∂L/∂y_t, which its output hands back.

y_t is the hidden state as the rest of the network reads it: its gradient lacks what flows back through later steps. That is
added from the last step to the first, with the gates as they were, by the chain rule (for the LSTM with δ before σ and tanh)::

    dc_t = dh_t · o_t · (1 - tanh² c_t) + f_{t+1} · dc_{t+1}
    δ_i = dc_t · g_t · i_t (1 - i_t)            δ_f = dc_t · c_{t-1} · f_t (1 - f_t)
    δ_g = dc_t · i_t · (1 - g_t²)               δ_o = dh_t · tanh c_t · o_t (1 - o_t)
    dh_{t-1} = dy_{t-1} + W_hhᵀ δ_t             dx_t = W_ihᵀ δ_t

A projection W_hr stands between: where h_t = W_hr (o_t · tanh c_t), W_hrᵀ dh_t takes the place of dh_t above. Of the GRU, with
q_t = W_hn h_{t-1} + b_hn::

    δ_n = dh_t · (1 - z_t) · (1 - n_t²)         δ_z = dh_t · (h_{t-1} - n_t) · z_t (1 - z_t)
    δ_r = δ_n · q_t · r_t (1 - r_t)
    dh_{t-1} = dy_{t-1} + dh_t · z_t + W_hhᵀ (δ_r, δ_z, r_t · δ_n)      dx_t = W_ihᵀ (δ_r, δ_z, δ_n)

dc_t is the whole derivative, by way of h_t too.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.adapters.recurrent_gates import LayerWeights


@dataclass(frozen=True, slots=True)
class Swept:
    # hidden, cell: (T, B, H): with respect to the states after every step; the cell's is None of what has none
    hidden: Tensor
    cell: Tensor | None
    x: Tensor  # (T, B, features): with respect to what every step read


def sweep(kind: str, values: Mapping[str, Tensor], before: tuple[Tensor, ...], weights: LayerWeights, direct: Tensor, *,
          last: tuple[Tensor | None, ...] = (), reverse: bool = False, relu: bool = False) -> Swept:
    """Follow the gradients back through all steps.

    Parameters
    ----------
    kind : {'lstm', 'gru', 'rnn'}
    values : mapping of str to Tensor, each (T, B, H)
        The recorded gates and states.
    before : tuple of Tensor, each (T, B, H)
        The states that every step began with.
    direct : Tensor, shape (T, B, H)
        ∂L/∂y_t.
    last : tuple of Tensor or None, each (B, H)
        The gradients of the states that were returned behind the last step, where something used them.
    reverse : bool
        The layer reads from the last step to the first.
    relu : bool
        Of a plain RNN: its nonlinearity.
    """
    steps = range(len(direct)) if reverse else range(len(direct) - 1, -1, -1)
    hidden = torch.empty_like(direct)
    cell = torch.empty_like(values["cell"]) if kind == "lstm" else None
    of_later = [part if part is not None else torch.zeros_like(like[0])
                for part, like in zip((*last, None, None), (direct, before[-1]), strict=False)]  # through the step behind
    deltas = torch.empty(*direct.shape[:2], weights.hh.shape[0], dtype=direct.dtype, device=direct.device)
    take = {"lstm": _lstm, "gru": _gru, "rnn": _rnn}[kind]
    slopes = take(values, before, weights, relu)
    for step in steps:
        dh = direct[step] + of_later[0]
        hidden[step] = dh
        if cell is not None:
            dr = dh if weights.hr is None else dh @ weights.hr
            dc = torch.addcmul(of_later[1], dr, slopes["cell"][step])
            cell[step] = dc
            torch.mul(slopes["of_cell"][step], torch.cat((dc, dc, dc, dr), -1), out=deltas[step])
            of_later = [deltas[step] @ weights.hh, dc * values["forget_gate"][step]]
        elif kind == "gru":
            torch.mul(slopes["delta"][step], torch.cat((dh, dh, dh), -1), out=deltas[step])
            of_later = [dh * values["update_gate"][step] + (deltas[step] * slopes["through"][step]) @ weights.hh]
        else:
            torch.mul(slopes["delta"][step], dh, out=deltas[step])
            of_later = [deltas[step] @ weights.hh]
    return Swept(hidden, cell, deltas @ weights.ih)


def cell_gradients(values: Mapping[str, Tensor], hidden: Tensor, last: Tensor | None = None) -> Tensor:
    """∂L/∂c_t of an LSTM, (T, B, H), where the whole ∂L/∂h_t is known, as of cells that are called one after another."""
    slope = values["output_gate"] * (1 - values["cell"].tanh() ** 2)
    found = torch.empty_like(hidden)
    later = torch.zeros_like(hidden[0]) if last is None else last
    for step in range(len(hidden) - 1, -1, -1):
        found[step] = torch.addcmul(later, hidden[step], slope[step])
        later = found[step] * values["forget_gate"][step]
    return found


def _lstm(values: Mapping[str, Tensor], before: tuple[Tensor, ...], weights: LayerWeights, relu: bool) -> dict[str, Tensor]:
    """What dc (three times) and dh are multiplied by, for all steps at once."""
    i, f, g, o = (values[name] for name in ("input_gate", "forget_gate", "cell_gate", "output_gate"))
    squashed = values["cell"].tanh()
    return {"cell": o * (1 - squashed**2),
            "of_cell": torch.cat((g * i * (1 - i), before[1] * f * (1 - f), i * (1 - g**2), squashed * o * (1 - o)), -1)}


def _gru(values: Mapping[str, Tensor], before: tuple[Tensor, ...], weights: LayerWeights, relu: bool) -> dict[str, Tensor]:
    """What dh is multiplied by for δ_r, δ_z and δ_n, and these for what goes back through W_hh."""
    r, z, n = (values[name] for name in ("reset_gate", "update_gate", "candidate"))
    units = n.shape[-1]
    bias = None if weights.bias_hh is None else weights.bias_hh[2 * units :]
    q = F.linear(before[0], weights.hh[2 * units :], bias)
    of_n = (1 - z) * (1 - n**2)
    ones = torch.ones_like(r)
    return {"delta": torch.cat((of_n * q * r * (1 - r), (before[0] - n) * z * (1 - z), of_n), -1),
            "through": torch.cat((ones, ones, r), -1)}


def _rnn(values: Mapping[str, Tensor], before: tuple[Tensor, ...], weights: LayerWeights, relu: bool) -> dict[str, Tensor]:
    hidden = values["hidden"]
    return {"delta": (hidden > 0).to(hidden.dtype) if relu else 1 - hidden**2}
