"""A unit's step in equations with its numbers: where each pre-activation came from, down to units, words and places.

The equations are those of `unrolled.models.cells`. Parts are summed in double precision from what the step itself
computed, so that they agree with what was recorded as far as float32 goes.
"""

import math

import torch
from torch import Tensor

from unrolled.models.cells import Cell, GRUCell, LSTMCell, MaxoutLSTMCell
from unrolled.models.cells.hook import Captured
from unrolled.models.protocol.message import StillWanted
from unrolled.models.protocol.questions import Contributor, Equation, Explained, Looked, Part
from unrolled.models.runs.branch import Branch, computing
from unrolled.models.runs.errors import EngineError

NAMED_UNITS, NAMED_PLACES, NAMED_LOOKED = 8, 6, 12
EDITED_FROM = 1e-5  # a value that is farther from its equation than this was edited, not rounded
LSTM_GATES = (("input_gate", "i", "σ"), ("forget_gate", "f", "σ"), ("cell_gate", "g", "tanh"), ("output_gate", "o", "σ"))
MAXOUT_GATES = (("input_gate", "i", "σ"), ("forget_gate", "f", "σ"), ("output_gate", "o", "σ"))


class _Step:
    """Everything that one recorded step computed, and one unit's weights, in double precision on the host: a copy each."""

    def __init__(self, branch: Branch, step: int, unit: int, wanted: StillWanted) -> None:
        self.branch, self.step = branch, step
        captured = Captured(branch.hook_at(step))
        before, memory = branch.state(step, wanted), branch.memory_at(step)
        self.structure = branch.stepper.structure
        assert self.structure.cell is not None
        self.cell: Cell | MaxoutLSTMCell = self.structure.cell
        with computing(branch.stepper.device.type):
            branch.stepper.step(memory, before, [branch.token_before(step)], captured)
            flat = [value.flatten(0, -2)[0] for value in captured.values()]
            parts = torch.split(torch.cat(flat).cpu().double(), [len(own) for own in flat])
            self.values = dict(zip(captured, parts, strict=True))
            self.features = memory.features[0].cpu().double() if "attention" in captured else torch.empty(0)  # (L, features)
            rows = slice(unit, None, self.cell.hidden_size)
            own = torch.cat((self.cell.weight_ih[rows], self.cell.weight_hh[rows], self.cell.bias_ih[rows, None],
                             self.cell.bias_hh[rows, None]), dim=1).cpu().double()             # (gates, input + hidden + 2)
        self._rows = torch.split(own, [self.cell.weight_ih.shape[1], self.cell.hidden_size, 1, 1], dim=1)

    def row(self, gate: int) -> tuple[Tensor, Tensor, float, float]:
        """W_x and W_h of the unit's gate, and its two biases."""
        weight_ih, weight_hh, bias_ih, bias_hh = (own[gate] for own in self._rows)
        return weight_ih, weight_hh, float(bias_ih), float(bias_hh)

    def input_parts(self, gate: int, letter: str) -> tuple[Part, ...]:
        """What the cell's input x adds to a pre-activation, a part for the word, the context, the frame."""
        weights, _, _, _ = self.row(gate)
        x, begin, parts = self.values["cell_input"], 0, []
        for kind, length in self.structure.parts:
            own, begin = slice(begin, begin + length), begin + length
            value = float(weights[own] @ x[own])
            if kind == "word":
                parts.append(Part(symbol=f"W_{letter} x_t", value=value, contributors=(Contributor(
                    kind="word", index=self.step - 1, value=value, name=self._word_before()),)))
            elif kind == "frame":
                parts.append(Part(symbol=f"W_{letter} x_t", value=value,
                                  contributors=(Contributor(kind="frame", index=self.step, value=value),)))
            elif kind == "layer":  # what the layer below gives
                parts.append(Part(symbol=f"W_{letter} x_t", value=value))
            elif kind == "fed":
                parts.append(Part(symbol=f"U_{letter} a_{{t-1}}", value=value))
            elif self.structure.attend is None:
                parts.append(Part(symbol=f"V_{letter} v", value=value))
            else:
                parts.append(self._context_part(f"V_{letter} z_t", value, weights[own]))
        return tuple(parts)

    def _context_part(self, symbol: str, value: float, weights: Tensor) -> Part:
        """Σ_j α_j (V · h_j): what each place that was looked at adds."""
        if "context_gate" in self.values:  # what it lets through of the context, feature by feature
            weights = weights * self.values["context_gate"]
        alone = self.features @ weights                                                        # (L,)
        attention = self.values["attention"]
        added = attention * alone
        best = added.abs().topk(min(NAMED_PLACES, len(added))).indices.tolist()
        names = self.branch.input_at(self.step).source
        named = tuple(Contributor(kind="place", index=place, value=float(added[place]), weight=float(attention[place]),
                                  activity=float(alone[place]), name=names[place] if names else "") for place in best)
        return Part(symbol=symbol, value=value, contributors=named, rest=value - sum(own.value for own in named))

    def recurrent_part(self, gate: int, symbol: str) -> Part:
        """W_h · h_{t-1}: what the units of the state before add."""
        _, weights, _, _ = self.row(gate)
        hidden = self.values["hidden_before"]
        added = weights * hidden                                                               # (hidden,)
        value = float(added.sum())
        best = added.abs().topk(min(NAMED_UNITS, len(added))).indices.tolist()
        named = tuple(Contributor(kind="unit", index=other, value=float(added[other]), weight=float(weights[other]),
                                  activity=float(hidden[other])) for other in best)
        return Part(symbol=symbol, value=value, contributors=named, rest=value - sum(own.value for own in named))

    def at(self, name: str, unit: int) -> float:
        return float(self.values[name][unit])

    def _word_before(self) -> str:
        words, token = self.branch.stepper.description.words, self.branch.token_before(self.step)
        return words[token] if 0 <= token < len(words) else ""


def explain(branch: Branch, step: int, unit: int, wanted: StillWanted) -> Explained:
    """A recorded step of one unit. Raises `EngineError` where there is no such unit."""
    cell = branch.stepper.structure.cell
    if cell is None:
        raise EngineError("question", "This model has no recurrent cell whose equations could be shown.")
    if unit >= cell.hidden_size:
        raise EngineError("question", f"There is no unit {unit}; {cell.hidden_size:,} are counted from 0.")
    taken = _Step(branch, step, unit, wanted)
    if isinstance(cell, (LSTMCell, MaxoutLSTMCell)):
        kind, equations = "lstm", _lstm(taken, unit)
    elif isinstance(cell, GRUCell):
        kind, equations = "gru", _gru(taken, unit)
    else:
        kind, equations = "rnn", (_gate(taken, unit, 0, ("hidden", "h", "tanh"), letter="xh"),)
    if "attention" not in taken.values:
        return Explained(step=step, unit=unit, cell=kind, equations=equations)
    return _with_attention(taken, Explained(step=step, unit=unit, cell=kind, equations=equations))


def _gate(taken: _Step, unit: int, number: int, named: tuple[str, str, str], *, letter: str = "") -> Equation:
    """A gate, or all of a plain recurrent network: function(W x + W h + b)."""
    name, symbol, function = named
    low = letter or f"x{symbol}"
    _, _, bias_input, bias_hidden = taken.row(number)
    own = letter.removeprefix("x") if letter.startswith("xg") else symbol
    parts = (*taken.input_parts(number, low), taken.recurrent_part(number, f"W_h{own} h_{{t-1}}"),
             Part(symbol=f"b_{own}", value=bias_input + bias_hidden))
    return _equation(taken, unit, name=name, symbol=f"{symbol}_t", function=function, parts=parts)


def _lstm(taken: _Step, unit: int) -> tuple[Equation, ...]:
    gates = _maxout_gates(taken, unit) if isinstance(taken.cell, MaxoutLSTMCell) else tuple(
        _gate(taken, unit, number, named) for number, named in enumerate(LSTM_GATES))
    at = taken.at
    kept = Part(symbol="f_t · c_{t-1}", value=at("forget_gate", unit) * at("cell_before", unit),
                factors=(("f_t", at("forget_gate", unit)), ("c_{t-1}", at("cell_before", unit))))
    added = Part(symbol="i_t · g_t", value=at("input_gate", unit) * at("cell_gate", unit),
                 factors=(("i_t", at("input_gate", unit)), ("g_t", at("cell_gate", unit))))
    cell = _equation(taken, unit, name="cell", symbol="c_t", function="", parts=(kept, added))
    hidden = _equation(taken, unit, name="hidden", symbol="h_t", function="tanh",
                       parts=(Part(symbol="c_t", value=at("cell", unit)),), outside=(("o_t", at("output_gate", unit)),))
    return (*gates, cell, hidden)


def _maxout_gates(taken: _Step, unit: int) -> tuple[Equation, ...]:
    """Of the candidate's two sums the larger one is the candidate: its weights say which that is, by ′ or ″."""
    gates = tuple(_gate(taken, unit, number, named) for number, named in enumerate(MAXOUT_GATES))
    sums = [_gate(taken, unit, number, ("cell_gate", "g", ""), letter=letter) for number, letter in ((3, "xg′"), (4, "xg″"))]
    return (*gates, max(sums, key=lambda own: own.total))


def _gru(taken: _Step, unit: int) -> tuple[Equation, ...]:
    at = taken.at
    reset = _gate(taken, unit, 0, ("reset_gate", "r", "σ"))
    update = _gate(taken, unit, 1, ("update_gate", "z", "σ"))
    _, _, bias_input, bias_hidden = taken.row(2)
    inside, gate = taken.recurrent_part(2, ""), at("reset_gate", unit)
    # The reset gate multiplies the bias of the hidden side too: what is left of the contributors is that.
    recurrent = Part(
        symbol="r_t · (W_hn h_{t-1} + b_hn)", value=gate * (inside.value + bias_hidden),
        factors=(("r_t", gate), ("W_hn h_{t-1} + b_hn", inside.value + bias_hidden)),
        contributors=tuple(Contributor(kind=own.kind, index=own.index, value=gate * own.value, weight=own.weight,
                                       activity=own.activity) for own in inside.contributors),
        rest=gate * (inside.rest + bias_hidden))
    candidate = _equation(taken, unit, name="candidate", symbol="n_t", function="tanh",
                          parts=(*taken.input_parts(2, "xn"), Part(symbol="b_xn", value=bias_input), recurrent))
    z, n, before = at("update_gate", unit), at("candidate", unit), at("hidden_before", unit)
    new = Part(symbol="(1 − z_t) · n_t", value=(1 - z) * n, factors=(("1 − z_t", 1 - z), ("n_t", n)))
    kept = Part(symbol="z_t · h_{t-1}", value=z * before, factors=(("z_t", z), ("h_{t-1}", before)))
    return reset, update, candidate, _equation(taken, unit, name="hidden", symbol="h_t", function="", parts=(new, kept))


def _equation(taken: _Step, unit: int, *, name: str, symbol: str, function: str, parts: tuple[Part, ...],
              outside: tuple[tuple[str, float], ...] = ()) -> Equation:
    total, value = sum(part.value for part in parts), taken.at(name, unit)
    given = math.prod((_function(function, total), *(factor for _, factor in outside)))
    edited = not abs(given - value) <= EDITED_FROM * max(1.0, abs(total))
    return Equation(channel=name, symbol=symbol, function=function, parts=parts, total=total, value=value, outside=outside,
                    edited=edited)


def _function(name: str, total: float) -> float:
    if name == "σ":
        return float(torch.sigmoid(torch.tensor(total, dtype=torch.float64)))
    return math.tanh(total) if name == "tanh" else total


def _with_attention(taken: _Step, explained: Explained) -> Explained:
    scores, weights = taken.values["attention_scores"], taken.values["attention"]
    order = torch.argsort(weights, descending=True, stable=True)[:NAMED_LOOKED].tolist()
    names = taken.branch.input_at(taken.step).source
    looked = tuple(Looked(place=place, score=float(scores[place]), weight=float(weights[place]),
                          name=names[place] if names else "") for place in order)
    largest = float(scores.max())
    context = taken.values["attention"] @ taken.features                                       # (features,)
    if "context_gate" in taken.values:
        context = context * taken.values["context_gate"]
    return Explained(
        step=explained.step, unit=explained.unit, cell=explained.cell, equations=explained.equations, looked=looked,
        places=len(weights), score_max=largest, score_sum=float((scores - largest).exp().sum()),
        context_norm=float(context.norm()))
