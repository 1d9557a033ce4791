"""Calls of torch's recurrent functions, which its modules call too: kept while they run, and made into gates afterwards."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from unrolled.models.adapters.captured import Call, Keeper, Part, Quantity, computed_in, largest_difference
from unrolled.models.adapters.recurrent_gates import Equations, LayerWeights, Values, cells, finish, gates, states_before

SEQUENCES: dict[Any, Equations] = {
    torch.lstm: Equations("lstm"), torch.gru: Equations("gru"),
    torch.rnn_tanh: Equations("rnn"), torch.rnn_relu: Equations("rnn", "relu")}
CELLS: dict[Any, Equations] = {
    torch.lstm_cell: Equations("lstm"), torch.gru_cell: Equations("gru"),
    torch.rnn_tanh_cell: Equations("rnn"), torch.rnn_relu_cell: Equations("rnn", "relu")}
# What torch calls the arguments of a padded and of a packed batch.
PADDED = ("input", "hx", "params", "has_biases", "num_layers", "dropout", "train", "bidirectional", "batch_first")
PACKED = ("data", "batch_sizes", "hx", "params", "has_biases", "num_layers", "dropout", "train", "bidirectional")

AGAINST = {"hidden": "computed again from its gates, every step against what was returned",
           "cell": "through the hidden states that it makes, and the last against what was returned",
           "": "through the hidden states that they make, every step against what was returned"}
AS_RETURNED = "as it was returned"
UNKNOWN_MASKS = ("The masks that dropout drew between the layers are known on the CPU alone: behind the first layer only what "
                 "was returned is recorded; in eval() mode everything is.")


# ── Whole sequences ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SequenceCall(Call):
    """A call of ``torch.lstm`` and its like."""

    equations: Equations
    batch_sizes: Tensor | None    # of a packed batch, as `PackedSequence` has them; its longest sequence is the first
    order: tuple[int, ...]        # where in that batch each sequence of the person's own is; empty where there is no other order
    # inputs, outputs: of every layer of which both are known, (T, B, features), packed (all steps, features)
    inputs: list[Tensor]
    outputs: list[Tensor]
    top: Tensor                   # what was returned, of the same shape
    weights: list[list[LayerWeights]]  # by layer and direction
    # first, last: the states before and after all steps, (layers · directions, B, units)
    first: tuple[Tensor, ...]
    last: tuple[Tensor, ...]
    batch_first: bool = False     # what was given and returned has the batch before the steps; the tensors here have not

    @property
    def batch(self) -> int:
        return self.last[0].shape[1]

    @property
    def notes(self) -> tuple[str, ...]:
        return () if len(self.outputs) == len(self.weights) else (UNKNOWN_MASKS,)

    @property
    def places(self) -> Sequence[int | None]:
        return (None,) if self.batch_sizes is None else range(self.batch)

    def length(self, item: int) -> int:
        return len(self.top) if self.batch_sizes is None else int((self.batch_sizes > self.place(item)).sum())

    @classmethod
    def parts(cls, calls: "Sequence[SequenceCall]", item: int | None) -> Iterator[Part]:
        for call in calls:
            yield call._part(item)

    def place(self, item: int) -> int:
        """Where a sequence of the person's own batch stands in this one."""
        return self.order[item] if self.order else item

    def _part(self, item: int | None) -> Part:
        quantities: list[Quantity] = []
        for layer, (given, returned) in enumerate(zip(self.inputs, self.outputs, strict=True)):
            quantities += self._of_layer(layer, self.values(given, item), self.values(returned, item), item)
        if len(self.outputs) == len(self.weights):
            return tuple(quantities)
        directions = len(self.weights[-1])
        for reverse, hidden in enumerate(self.values(self.top, item).chunk(directions, -1)):
            quantities += self.equations.quantities(
                {"hidden": hidden}, layer=len(self.weights) - 1, direction=_direction(reverse, directions),
                projected=self.weights[-1][0].hr is not None, difference=0.0, against={"": AS_RETURNED})
        return tuple(quantities)

    def values(self, values: Tensor, item: int | None) -> Tensor:
        """(T, B, features), of one sequence (its own steps, 1, features), in the precision of the equations."""
        if item is not None:
            if self.batch_sizes is not None:
                values = pad_packed_sequence(PackedSequence(values, self.batch_sizes))[0]
            values = values[: self.length(item), self.place(item)].unsqueeze(1)
        return values.to(computed_in(self.top)).contiguous()

    def _of_layer(self, layer: int, x: Tensor, returned: Tensor, item: int | None) -> Iterator[Quantity]:
        place = slice(None) if item is None else slice(self.place(item), self.place(item) + 1)
        directions = len(self.weights[layer])
        for reverse, hidden in enumerate(returned.chunk(directions, -1)):
            row = layer * directions + reverse
            first, last = ([value[row, place].to(x.dtype) for value in states] for states in (self.first, self.last))
            weights = self.weights[layer][reverse].to(x.dtype)
            values = gates(self.equations, x, states_before(hidden, first[0], reverse=bool(reverse)), weights)
            if self.equations.kind == "lstm":
                values = finish(values, cells(values, first[1], reverse=bool(reverse)), weights)
            end = 0 if reverse else -1
            difference = max(largest_difference(values["hidden"], hidden), *(
                largest_difference(values[field][end], own) for field, own in zip(("hidden", "cell"), last, strict=False)))
            values["hidden"] = hidden
            yield from self.equations.quantities(
                values, layer=layer if len(self.weights) > 1 else -1, direction=_direction(reverse, directions),
                projected=weights.hr is not None, difference=difference, against=AGAINST)


def by_layers(function: Any, given: tuple[Any, ...], named: Mapping[str, Any]) -> "tuple[Any, list[Layer]] | None":
    """What the function returns, a layer after another, with what each read and returned.

    So does the CPU, with the same bits, masks of dropout among them. None where that is another device, or one layer, or
    arguments that the function itself will complain of.
    """
    try:
        stack = _Stack.of(function, given, named)
    except (KeyError, TypeError, AttributeError, ZeroDivisionError):
        return None
    if len(stack.weights) == 1 or stack.x.device.type != "cpu":
        return None
    layers = list(stack.run(len(stack.weights)))
    top = layers[-1].output
    states = map(torch.cat, zip(*(own.states for own in layers), strict=True))
    return (top.transpose(0, 1) if stack.batch_first else top, *states), layers


def sequence_call(function: Any, given: tuple[Any, ...], named: Mapping[str, Any], returned: Any, layers: "Sequence[Layer]",
                  keeper: Keeper, order: tuple[int, ...]) -> SequenceCall:
    """The call, to be kept. Layers below the last return no output: where they are not known they are run once more."""
    stack = _Stack.of(function, given, named)
    lower = len(stack.weights) - 1
    if lower and not layers:
        with torch.no_grad():
            layers = list(stack.run(1 if stack.dropout else lower))
    x, top = stack.time_first(keeper.kept(stack.given)), stack.time_first(keeper.kept(returned[0]))
    outputs = [own.output.detach() for own in layers[:lower]]
    inputs = [x, *(own.x.detach() for own in layers[1:])]
    if len(outputs) == lower:
        outputs.append(top)
        inputs += outputs[-2:-1] if len(inputs) == lower else []
    return SequenceCall(
        equations=SEQUENCES[function], batch_sizes=stack.batch_sizes, order=order, inputs=inputs, outputs=outputs, top=top,
        weights=[[own.each(keeper.kept) for own in layer] for layer in stack.weights],
        first=tuple(map(keeper.kept, stack.states)), last=tuple(map(keeper.kept, returned[1:])),
        batch_first=stack.batch_first)


@dataclass(frozen=True, slots=True)
class Layer:
    """What one layer read and returned, and its states after all steps."""

    x: Tensor
    output: Tensor
    states: tuple[Tensor, ...]


@dataclass(frozen=True, slots=True)
class _Stack:
    """The arguments of a call; the input as it was given."""

    function: Any
    given: Tensor
    batch_sizes: Tensor | None
    states: tuple[Tensor, ...]
    weights: list[list[LayerWeights]]
    has_biases: bool
    dropout: float
    bidirectional: bool
    batch_first: bool

    @classmethod
    def of(cls, function: Any, given: tuple[Any, ...], named: Mapping[str, Any]) -> "_Stack":
        packed = "batch_sizes" in named or (len(given) > 3 and isinstance(given[3], (list, tuple)))
        call = dict(zip(PACKED if packed else PADDED, given, strict=False)) | dict(named)
        flat, directions = call["params"], 2 if call["bidirectional"] else 1
        each = len(flat) // (call["num_layers"] * directions)
        own = [_weights(flat[begin : begin + each], call["has_biases"]) for begin in range(0, len(flat), each)]
        return cls(function=function, given=call["data" if packed else "input"], batch_sizes=call.get("batch_sizes"),
                   states=tuple(call["hx"]) if SEQUENCES[function].kind == "lstm" else (call["hx"],),
                   weights=[own[begin : begin + directions] for begin in range(0, len(own), directions)],
                   has_biases=call["has_biases"], dropout=float(call["dropout"]) if call["train"] else 0.0,
                   bidirectional=call["bidirectional"], batch_first=bool(call.get("batch_first")))

    @property
    def x(self) -> Tensor:
        """(T, B, features), packed (all steps, features)."""
        return self.time_first(self.given)

    def time_first(self, values: Tensor) -> Tensor:
        return values.transpose(0, 1) if self.batch_first else values

    def run(self, layers: int) -> Iterator[Layer]:
        """The first so many layers, each by the function itself, and between them dropout."""
        x, sizes = self.x, () if self.batch_sizes is None else (self.batch_sizes,)
        for layer, weights in enumerate(self.weights[:layers]):
            if layer and self.dropout:
                x = F.dropout(x, self.dropout)
            rows = slice(layer * len(weights), (layer + 1) * len(weights))
            states = [state[rows].contiguous() for state in self.states]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # one layer's weights alone do not lie together, as cuDNN likes to have them
                output, *after = self.function(
                    x, *sizes, states if len(states) > 1 else states[0], [part for own in weights for part in own.flat],
                    self.has_biases, 1, 0.0, False, self.bidirectional, *(() if sizes else (False,)))
            yield Layer(x, output, tuple(after))
            x = output


def _weights(flat: Sequence[Tensor], has_biases: bool) -> LayerWeights:
    bias_ih, bias_hh = flat[2:4] if has_biases else (None, None)
    return LayerWeights(flat[0], flat[1], bias_ih, bias_hh, flat[-1] if len(flat) in (3, 5) else None)


def _direction(reverse: int, directions: int) -> str:
    return "" if directions == 1 else "backward" if reverse else "forward"


# ── Single steps ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellCall(Call):
    """A call of ``torch.lstm_cell`` and its like: one step of (B, features), from states and to states (B, units)."""

    equations: Equations
    x: Tensor
    before: tuple[Tensor, ...]
    after: tuple[Tensor, ...]
    weights: LayerWeights

    @property
    def batch(self) -> int:
        return len(self.x)

    def length(self, item: int) -> int:
        return 1

    @classmethod
    def parts(cls, calls: "Sequence[CellCall]", item: int | None) -> Iterator[Part]:
        """Those that follow one another with the same weights are computed at once."""
        for _, group in groupby(calls, lambda call: (*map(id, call.weights.flat), call.batch, call.x.dtype)):
            yield cls._together(list(group), item)

    @classmethod
    def _together(cls, calls: "Sequence[CellCall]", item: int | None) -> Part:
        dtype, equations = computed_in(calls[0].after[0]), calls[0].equations
        place = slice(None) if item is None else slice(item, item + 1)

        def over_time(steps: Sequence[Tensor]) -> Tensor:
            return torch.stack([step[place] for step in steps]).to(dtype)                 # (T, B, units)

        x = over_time([call.x for call in calls])
        before, after = ([over_time(own) for own in zip(*states, strict=True)]
                         for states in ([call.before for call in calls], [call.after for call in calls]))
        weights = calls[0].weights.to(dtype)
        values: Values = gates(equations, x, before[0], weights)
        if equations.kind == "lstm":
            written = values["input_gate"] * values["cell_gate"]
            values = finish(values, written.addcmul_(values["forget_gate"], before[1]), weights)
        difference = max(largest_difference(values[field], own) for field, own in zip(("hidden", "cell"), after, strict=False))
        values["hidden"] = after[0]
        return equations.quantities(values, difference=difference, against=AGAINST)


def cell_arguments(given: tuple[Any, ...], named: Mapping[str, Any]) -> tuple[Tensor, tuple[Tensor, ...], tuple[Any, ...]]:
    """What a cell's function is called with: x, the state, and its weights and biases, None where there is none."""
    call = dict(zip(("input", "hx", "w_ih", "w_hh", "b_ih", "b_hh"), given, strict=False)) | dict(named)
    states = tuple(call["hx"]) if isinstance(call["hx"], (list, tuple)) else (call["hx"],)
    return call["input"], states, (call["w_ih"], call["w_hh"], call.get("b_ih"), call.get("b_hh"))


def cell_call(function: Any, given: tuple[Any, ...], named: Mapping[str, Any], returned: Any, keeper: Keeper) -> CellCall:
    x, states, weights = cell_arguments(given, named)
    return CellCall(
        equations=CELLS[function], x=keeper.kept(x), before=tuple(map(keeper.kept, states)),
        after=tuple(map(keeper.kept, returned if isinstance(returned, tuple) else (returned,))),
        weights=LayerWeights(*weights).each(keeper.kept))
