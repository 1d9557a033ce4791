"""What cells and attention record, the same for every model built from them, and recurrent layers one above another."""

from collections.abc import Mapping, Sequence

import msgspec
import torch
from torch import Tensor, nn

from unrolled.models.cells import CELLS, Cell, CellState, make_cell
from unrolled.models.cells.hook import Hook
from unrolled.models.stepping.stepper import Structure
from unrolled.models.trace import Channel

CELL_RANGE = 3.0  # the cell has no bound; beyond this its tanh is within half a percent of 1
# Field of a cell's step → symbol, low, high. The names are the channels' names and roles.
QUANTITIES: dict[str, tuple[str, float, float]] = {
    "hidden": ("h", -1.0, 1.0),
    "cell": ("c", -CELL_RANGE, CELL_RANGE),
    "input_gate": ("i", 0.0, 1.0),
    "forget_gate": ("f", 0.0, 1.0),
    "output_gate": ("o", 0.0, 1.0),
    "cell_gate": ("g", -1.0, 1.0),
    "reset_gate": ("r", 0.0, 1.0),
    "update_gate": ("z", 0.0, 1.0),
    "candidate": ("n", -1.0, 1.0),
}
ORDER_OF_COMPUTATION = ("attention", "context_gate", "reset_gate", "update_gate", "input_gate", "forget_gate", "output_gate",
                        "cell_gate", "candidate", "cell", "hidden")
"""Within a step, so that it can be said where something began."""
GATES = {"lstm": 4, "gru": 3, "rnn": 1}


def cell_channels(kind: str, hidden: int) -> tuple[Channel, ...]:
    """What a step of a cell (rnn, lstm or gru) with so many hidden units brings, in the order of its fields."""
    return tuple(Channel(name=name, role=name, symbol=QUANTITIES[name][0], axes=("unit",), shape=(hidden,),
                         low=QUANTITIES[name][1], high=QUANTITIES[name][2], editable=True) for name in CELLS[kind].quantities)


def attention_channels(axes: tuple[str, ...], shape: tuple[int, ...]) -> tuple[Channel, ...]:
    """Attention over a picture's cells or a sentence's words, and its entropy as a fraction of even attention's."""
    return (
        Channel(name="attention", role="attention", symbol="α", axes=axes, shape=shape, low=0.0, high=1.0,
                editable=True),
        Channel(name="attention_entropy", role="attention_entropy", symbol="H", axes=(), shape=(), low=0.0, high=1.0,
                unit="of uniform"),
    )


class Layers(nn.Module):
    """Cells of one kind; `state` is that of the lowest layer first, and quantities of the top layer keep their plain names."""

    def __init__(self, kind: str, size: int, hidden: int, count: int) -> None:
        super().__init__()
        self.kind, self.size, self.hidden = kind, size, hidden
        self.cells = nn.ModuleList(make_cell(kind, size if layer == 0 else hidden, hidden) for layer in range(count))

    @property
    def top(self) -> Cell:
        cell: Cell = self.cells[-1]  # type: ignore[assignment]
        return cell

    @property
    def channels(self) -> tuple[Channel, ...]:
        """What a step brings: the top layer first."""
        return layer_channels(self.kind, self.hidden, len(self.cells))

    @property
    def structure(self) -> Structure:
        """Of a step in which the lowest layer reads ``word_vector``."""
        return Structure(self.top, (("word", self.size),) if len(self.cells) == 1 else (("layer", self.hidden),))

    def start(self, device: torch.device) -> CellState:
        return tuple(torch.zeros(1, 1, self.hidden, device=device) for _ in range(len(self.cells) * self.top.state_size))

    def forward(self, x: Tensor, state: CellState, hook: Hook) -> tuple[CellState, tuple[Tensor, ...]]:
        """A step from x (1, K, size): the new state, and all channels in their order."""
        each, new, channels = self.top.state_size, [], []
        for layer, cell in enumerate(self.cells):
            step = cell(x, *state[layer * each : (layer + 1) * each], hook=self._of_layer(hook, layer))
            new += step[:each]
            channels.append(step)
            x = step.hidden
        return tuple(new), tuple(value for step in reversed(channels) for value in step)

    def _of_layer(self, hook: Hook, layer: int) -> Hook:
        last = layer == len(self.cells) - 1
        return hook if last else lambda name, value: hook(layer_name(name, layer), value)


def layer_name(name: str, layer: int) -> str:
    """Of a quantity of a layer below the top, counted from 0: ``"hidden_layer_0"`` is of the lowest."""
    return f"{name}_layer_{layer}"


def layer_channels(kind: str, hidden: int, count: int) -> tuple[Channel, ...]:
    """What a step of `Layers` brings: the top layer first."""
    own = cell_channels(kind, hidden)
    found = [msgspec.structs.replace(channel, layer=count - 1) for channel in own]
    for layer in reversed(range(count - 1)):
        found += [msgspec.structs.replace(channel, name=layer_name(channel.name, layer), layer=layer,
                                          label=f"{channel.title} · layer {layer + 1}") for channel in own]
    return tuple(found)


def layer_count(weights: Mapping[str, Tensor], prefix: str) -> int:
    """How many layers torch's own module has, by the names of its weights under `prefix`."""
    count = 0
    while f"{prefix}weight_hh_l{count}" in weights:
        count += 1
    return count


def layer_names(count: int, prefix: str, own: str) -> dict[str, str]:
    """The names of so many `Layers` at `own`, and what torch's own module calls them under `prefix`."""
    return {f"{own}cells.{layer}.{name}": f"{prefix}{name}_l{layer}" for layer in range(count)
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")} | {own: prefix}  # it, for what is left over


def layer_weights(weights: Mapping[str, Tensor], prefix: str, own: str) -> dict[str, Tensor]:
    """Those of torch's own module, renamed for `Layers` at `own`; zeros for biases where it does without any.

    What is left over under `prefix` keeps its name behind `own`.
    """
    count = layer_count(weights, prefix)
    names = {their: ours for ours, their in layer_names(count, prefix, own).items()}
    found = {names.get(name, own + name.removeprefix(prefix)): value for name, value in weights.items()
             if name.startswith(prefix)}
    if not any(name.startswith(f"{prefix}bias_") for name in weights):
        for layer in range(count):
            rows = len(weights[f"{prefix}weight_hh_l{layer}"])
            found |= {f"{own}cells.{layer}.bias_{side}": torch.zeros(rows) for side in ("ih", "hh")}
    return found


def kind_of(weights: Mapping[str, Tensor], prefix: str, kinds: Sequence[str] = ("lstm", "gru", "rnn")) -> str:
    """Which cell it is, by how many gates its weights are of; empty where they are of none."""
    weight = weights.get(f"{prefix}weight_hh_l0")
    if weight is None or weight.ndim != 2 or not weight.shape[1]:
        return ""
    return next((kind for kind in kinds if len(weight) == GATES[kind] * weight.shape[1]), "")
