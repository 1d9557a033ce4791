"""The gates of torch's own recurrent modules, recomputed from what a call was given and what it returned.

Every hidden state is known from the output, so that the gates of all steps are two matrix products. Only the cell state
is summed up step by step, element by element. Layers below the last return no output: each is run once more by itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch._C import _VariableFunctions as functions
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from unrolled.models.adapters.captured import Call, Quantity, computed_in, largest_difference
from unrolled.models.cells import CELLS
from unrolled.models.stepping.channels import QUANTITIES

SEQUENCES = (nn.RNN, nn.LSTM, nn.GRU)
CELL_MODULES = (nn.RNNCell, nn.LSTMCell, nn.GRUCell)
# Beyond it the masks that were drawn again are others than the module's own.
MASKS_AGREE, MASKS_AGREE_HALF = 1e-4, 5e-2

Values = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Weights:
    """Of one layer in one direction, as torch names them; biases and the projection may be missing."""

    ih: Tensor
    hh: Tensor
    bias_ih: Tensor | None
    bias_hh: Tensor | None
    hr: Tensor | None = None

    @property
    def flat(self) -> list[Tensor]:
        """In the order in which torch's functions take them."""
        return [weight for weight in (self.ih, self.hh, self.bias_ih, self.bias_hh, self.hr) if weight is not None]

    def to(self, dtype: torch.dtype) -> Weights:
        return Weights(self.ih.to(dtype), self.hh.to(dtype), *(
            None if weight is None else weight.to(dtype) for weight in (self.bias_ih, self.bias_hh, self.hr)))


# ── The equations ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _gates(kind: str, x: Tensor, before: Tensor, weights: Weights, cell_before: Tensor | None, *, nonlinearity: str,
           reverse: bool, lengths: Tensor | None) -> Values:
    """All quantities of one layer in one direction, h computed again among them; each (T, B, units)."""
    if kind == "gru":
        of_x = _product(x, weights.ih, weights.bias_ih)                                # (T, B, 3H): r, z, n
        of_h = _product(before, weights.hh, weights.bias_hh)
        units = weights.hh.shape[1]
        of_x[..., : 2 * units].add_(of_h[..., : 2 * units]).sigmoid_()
        reset, update, candidate = of_x.chunk(3, -1)
        candidate.addcmul_(reset, of_h[..., 2 * units :]).tanh_()
        return {"reset_gate": reset, "update_gate": update, "candidate": candidate,
                "hidden": torch.lerp(candidate, before, update)}
    bias = None if weights.bias_ih is None or weights.bias_hh is None else weights.bias_ih + weights.bias_hh
    sums = _product(torch.cat((x, before), -1), torch.cat((weights.ih, weights.hh), -1), bias)  # (T, B, gates · H)
    if kind == "rnn":
        return {"hidden": sums.relu_() if nonlinearity == "relu" else sums.tanh_()}
    assert cell_before is not None
    units = weights.hh.shape[0] // 4
    sums[..., : 2 * units].sigmoid_()
    sums[..., 2 * units : 3 * units].tanh_()
    sums[..., 3 * units :].sigmoid_()
    input_gate, forget_gate, cell_gate, output_gate = sums.chunk(4, -1)
    cell = _cells(input_gate * cell_gate, forget_gate, cell_before, reverse=reverse, lengths=lengths)
    hidden = output_gate * cell.tanh()
    return {"cell": cell, "input_gate": input_gate, "forget_gate": forget_gate, "cell_gate": cell_gate,
            "output_gate": output_gate, "hidden": hidden if weights.hr is None else _product(hidden, weights.hr, None)}


def _product(values: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """W x + b, (T, B, rows of W); on the CPU in single precision by oneDNN, which is twice as fast on some processors."""
    with torch.autocast(values.device.type, enabled=False):
        if values.device.type != "cpu" or values.dtype != torch.float32 or not torch._C._has_mkldnn:
            return F.linear(values, weight, bias)
        return F.linear(values.flatten(0, 1).to_mkldnn(), weight, bias).to_dense().view(*values.shape[:2], -1)


def _cells(written: Tensor, forget_gate: Tensor, before: Tensor, *, reverse: bool, lengths: Tensor | None) -> Tensor:
    """c_t = f_t · c_{t-1} + i_t · g_t, in place of i_t · g_t, (T, B, H)."""
    cells, gates, previous = written.unbind(), forget_gate.unbind(), before
    for step in range(len(cells) - 1, -1, -1) if reverse else range(len(cells)):
        if reverse and lengths is not None:  # a shorter sequence begins later
            previous = torch.where((lengths == step + 1).unsqueeze(1), before, previous)
        previous = cells[step].addcmul_(gates[step], previous)
    return written


def _states_before(hidden: Tensor, first: Tensor, *, reverse: bool, lengths: Tensor | None) -> Tensor:
    """The hidden state that every step began with, (T, B, H)."""
    if not reverse:
        return torch.cat((first.unsqueeze(0), hidden[:-1]))
    before = torch.cat((hidden[1:], first.unsqueeze(0)))
    if lengths is not None:
        before[lengths - 1, torch.arange(hidden.shape[1], device=hidden.device)] = first
    return before


def _within(values: Tensor, lengths: Tensor | None) -> Tensor:
    """Of (T, B, H) what lies before the end of each sequence."""
    if lengths is None:
        return values
    return values[torch.arange(len(values), device=values.device).unsqueeze(1) < lengths]


def _bounds(field: str, kind: str, nonlinearity: str, projected: bool) -> tuple[float | None, float | None]:
    if field == "hidden" and (projected or (kind == "rnn" and nonlinearity == "relu")):
        return (None, None) if projected else (0.0, None)
    return QUANTITIES[field][1:]


# ── A call ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@torch.no_grad()
def of_cell(module: nn.RNNCell | nn.LSTMCell | nn.GRUCell, given: tuple[Any, ...], returned: Any) -> Call:
    """A call of a cell: one step, from ``(x, state)`` and the state that came out."""
    kind = _kind(module)
    states = returned if isinstance(returned, tuple) else (returned,)
    dtype = computed_in(states[0])
    x, *after = (_rows(value).to(dtype) for value in (given[0], *states))              # (B, features)
    state = given[1] if len(given) > 1 else None
    before = [torch.zeros_like(value) for value in after] if state is None else [
        _rows(value).to(dtype) for value in (state if isinstance(state, tuple) else (state,))]
    nonlinearity = getattr(module, "nonlinearity", "")
    weights = Weights(module.weight_ih, module.weight_hh, module.bias_ih, module.bias_hh).to(dtype)
    values = _gates(kind, x.unsqueeze(0), before[0].unsqueeze(0), weights, before[1] if kind == "lstm" else None,
                    nonlinearity=nonlinearity, reverse=False, lengths=None)
    difference = max(largest_difference(values[field][0], own) for field, own in zip(("hidden", "cell"), after, strict=False))
    values["hidden"] = after[0].unsqueeze(0).clone()
    return Call(quantities=_quantities(kind, values, nonlinearity, -1, "", projected=False), steps=1, batch=len(x),
                difference=difference)


def _rows(value: Tensor) -> Tensor:
    return value if value.dim() == 2 else value.unsqueeze(0)


def _kind(module: nn.Module) -> str:
    return "lstm" if isinstance(module, (nn.LSTM, nn.LSTMCell)) else "gru" if isinstance(module, (nn.GRU, nn.GRUCell)) else "rnn"


def _quantities(kind: str, values: Values, nonlinearity: str, layer: int, direction: str, *,
                projected: bool) -> tuple[Quantity, ...]:
    found = []
    for field in CELLS[kind].quantities:
        if field in values:
            low, high = _bounds(field, kind, nonlinearity, projected)
            found.append(Quantity(field=field, values=values[field], layer=layer, direction=direction, low=low, high=high))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Sequence:
    """The input of a layer, time first, as torch's functions take it; packed where it has batch sizes."""

    data: Tensor                                                                       # (T, B, F), packed (all steps, F)
    packed: PackedSequence | None

    def with_data(self, data: Tensor) -> _Sequence:
        return _Sequence(data, self.packed)

    def padded(self) -> Tensor:
        """(T, B, F), the batch in the order in which it was given."""
        if self.packed is None:
            return self.data
        same = PackedSequence(self.data, self.packed.batch_sizes, self.packed.sorted_indices, self.packed.unsorted_indices)
        return pad_packed_sequence(same)[0]


@torch.no_grad()
def of_sequence(module: nn.RNN | nn.LSTM | nn.GRU, given: tuple[Any, ...], returned: Any, drawn_from: Tensor | None) -> Call:
    """A call of a whole recurrent network, from ``(input, state)`` and what it returned.

    Parameters
    ----------
    drawn_from : Tensor, optional
        The state of the CPU's generator before the call, where dropout drew its masks from it.
    """
    kind, projected = _kind(module), module.proj_size > 0
    output, last = returned
    lengths, sequence, final = _unpacked(module, given[0], output)
    dtype = computed_in(final)
    both = 2 if module.bidirectional else 1
    count = module.num_layers * both
    batch = final.shape[1]
    states = _first_states(module, given, kind, count, batch, sequence.data)
    last_states = [_with_batch(value, 3) for value in (last if isinstance(last, tuple) else (last,))]
    quantities: list[Quantity] = []
    notes: list[str] = []
    difference = 0.0
    nonlinearity = getattr(module, "nonlinearity", "")
    masked = module.training and module.dropout > 0
    agree = MASKS_AGREE if final.dtype == dtype else MASKS_AGREE_HALF
    for layer in range(module.num_layers):
        weights = [_weights(module, layer, "_reverse" if reverse else "") for reverse in range(both)]
        top = layer == module.num_layers - 1
        of_layer = slice(layer * both, (layer + 1) * both)
        below = sequence
        if top:
            hidden = final
        else:
            own = [value[of_layer] for value in states]
            sequence = below.with_data(_run_again(module, kind, below, own, weights))
            hidden = sequence.padded()
        x, hidden = below.padded().to(dtype).contiguous(), hidden.to(dtype)
        found: list[Quantity] = []
        worst = 0.0
        for reverse, part in enumerate(hidden.chunk(both, -1)):
            place = layer * both + reverse
            before = _states_before(part, states[0][place].to(dtype), reverse=bool(reverse), lengths=lengths)
            values = _gates(kind, x, before, weights[reverse].to(dtype), states[-1][place].to(dtype),
                            nonlinearity=nonlinearity, reverse=bool(reverse), lengths=lengths)
            worst = max(worst, largest_difference(_within(values["hidden"], lengths), _within(part, lengths)), *(
                largest_difference(_at_end(values[field], reverse=bool(reverse), lengths=lengths), returned_last[place])
                for field, returned_last in zip(("hidden", "cell"), last_states, strict=False)))
            values["hidden"] = part.clone()
            found += _quantities(kind, values, nonlinearity, layer if module.num_layers > 1 else -1,
                                 _direction(reverse, both), projected=projected)
        if layer and masked and (drawn_from is None or not worst <= agree):
            notes.append("The masks that dropout drew between the layers cannot be known here: behind the first layer only what "
                         "was returned is recorded; in eval() mode everything is.")
            quantities += [_quantities(kind, {"hidden": part.clone()}, nonlinearity, module.num_layers - 1,
                                       _direction(reverse, both), projected=projected)[0]
                           for reverse, part in enumerate(final.to(dtype).chunk(both, -1))]
            break
        quantities, difference = quantities + found, max(difference, worst)
        if not top and drawn_from is not None:
            with _generator(drawn_from):
                sequence = sequence.with_data(F.dropout(sequence.data, module.dropout))
                drawn_from = torch.get_rng_state()
    return Call(quantities=tuple(quantities), steps=len(final), batch=batch, difference=difference, notes=tuple(notes),
                lengths=() if lengths is None else tuple(lengths.tolist()))


def _direction(reverse: int, directions: int) -> str:
    return "" if directions == 1 else "backward" if reverse else "forward"


def _with_batch(value: Tensor, dimensions: int) -> Tensor:
    return value if value.dim() == dimensions else value.unsqueeze(1)


def _unpacked(module: nn.RNNBase, given: Any, output: Any) -> tuple[Tensor | None, _Sequence, Tensor]:
    """The lengths, the input as layers take it, and the output as (T, B, H)."""
    if isinstance(given, PackedSequence):
        final, lengths = pad_packed_sequence(output)
        return lengths.to(final.device), _Sequence(given.data, given), final
    if given.dim() == 2:
        return None, _Sequence(given.unsqueeze(1), None), output.unsqueeze(1)
    if module.batch_first:
        given, output = given.transpose(0, 1), output.transpose(0, 1)
    return None, _Sequence(given, None), output


def _first_states(module: nn.RNNBase, given: tuple[Any, ...], kind: str, count: int, batch: int, like: Tensor) -> list[Tensor]:
    """The states before the first step, each (layers · directions, B, units), zeros where none was given."""
    state = given[1] if len(given) > 1 else None
    if state is not None:
        return [_with_batch(value, 3) for value in (state if isinstance(state, tuple) else (state,))]
    units = (module.proj_size or module.hidden_size, module.hidden_size)
    return [like.new_zeros(count, batch, size) for size in (units if kind == "lstm" else units[:1])]


def _weights(module: nn.RNNBase, layer: int, suffix: str) -> Weights:
    def weight(name: str) -> Any:
        return getattr(module, f"{name}_l{layer}{suffix}", None)

    return Weights(weight("weight_ih"), weight("weight_hh"), weight("bias_ih"), weight("bias_hh"), weight("weight_hr"))


def _run_again(module: nn.RNNBase, kind: str, sequence: _Sequence, states: list[Tensor], weights: list[Weights]) -> Tensor:
    """The output of one layer, in both directions where it has them, by the function that the module itself calls."""
    run = getattr(functions, kind if kind != "rnn" else f"rnn_{module.nonlinearity}")
    flat = [weight for own in weights for weight in own.flat]
    packed = sequence.packed
    if packed is not None and packed.sorted_indices is not None:
        states = [value.index_select(1, packed.sorted_indices) for value in states]
    states = [value.contiguous() for value in states]
    hx = tuple(states) if kind == "lstm" else states[0]
    rest = (flat, module.bias, 1, 0.0, False, module.bidirectional)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one layer's weights alone do not lie together, as cuDNN likes to have them
        result = run(sequence.data, hx, *rest, False) if packed is None else run(sequence.data, packed.batch_sizes, hx, *rest)
    output: Tensor = result[0]
    return output


def _at_end(values: Tensor, *, reverse: bool, lengths: Tensor | None) -> Tensor:
    """What is left of the state when all steps were read, (B, H)."""
    if reverse:
        return values[0]
    return values[-1] if lengths is None else values[lengths - 1, torch.arange(values.shape[1], device=values.device)]


@contextmanager
def _generator(state: Tensor) -> Iterator[None]:
    """Torch's generator of the CPU as it was, and afterwards as it is now."""
    now = torch.get_rng_state()
    torch.set_rng_state(state)
    try:
        yield
    finally:
        torch.set_rng_state(now)
