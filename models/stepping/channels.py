"""The channels of what the cells and attention compute, the same for every model that is built from them."""

from __future__ import annotations

from unrolled.models.cells import CELLS
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
