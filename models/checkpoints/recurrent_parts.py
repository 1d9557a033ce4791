"""Which recurrent layers a checkpoint of no known family holds, told by the names and shapes of its tensors."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

GATES = {4: "LSTM", 3: "GRU", 1: "RNN"}  # rows of the recurrent weights, for each unit
RECURRENT = re.compile(r"(?P<module>(?:.+\.)?)weight_hh(?:_l(?P<layer>\d+))?(?P<reverse>_reverse)?")
MOST_NAMED = 6


@dataclass(frozen=True, slots=True)
class RecurrentPart:
    module: str         # what it is called in its model, with dots; empty where it is all of it
    kind: str           # ``LSTM``, ``GRU cell`` and so on
    layers: int
    both_ways: bool
    inputs: int
    units: int
    projected: int = 0  # what the hidden state is projected to, 0 where it is not

    def __str__(self) -> str:
        called = f" “{self.module}”" if self.module else ""
        layers = f"{self.layers} layers, " if self.layers > 1 else ""
        ways = "both ways, " if self.both_ways else ""
        projection = f" projected to {self.projected:,}" if self.projected else ""
        return f"{self.kind}{called} ({layers}{ways}{self.inputs:,} → {self.units:,} units{projection})"


def recurrent_parts(tensors: Mapping[str, Tensor]) -> list[RecurrentPart]:
    """All of them, in the checkpoint's order."""
    layers: dict[str, set[tuple[str | None, bool]]] = {}
    for name in tensors:
        if matched := RECURRENT.fullmatch(name):
            layers.setdefault(matched["module"], set()).add((matched["layer"], bool(matched["reverse"])))
    found = [_part(tensors, module, own) for module, own in layers.items()]
    return [part for part in found if part is not None]


def _part(tensors: Mapping[str, Tensor], module: str, layers: set[tuple[str | None, bool]]) -> RecurrentPart | None:
    first = "" if (None, False) in layers else "_l0"
    hidden, given = tensors.get(f"{module}weight_hh{first}"), tensors.get(f"{module}weight_ih{first}")
    if hidden is None or given is None or hidden.ndim != 2 or given.ndim != 2 or len(hidden) != len(given):
        return None
    projection = tensors.get(f"{module}weight_hr{first}")
    units = projection.shape[1] if projection is not None and projection.ndim == 2 else hidden.shape[1]
    kind = GATES.get(len(hidden) // units if units and len(hidden) % units == 0 else 0)
    if kind is None:
        return None
    return RecurrentPart(
        module.rstrip("."), kind if first else f"{kind} cell", len({layer for layer, _ in layers}),
        any(reverse for _, reverse in layers), given.shape[1], units, hidden.shape[1] if projection is not None else 0)


def told(parts: list[RecurrentPart]) -> str:
    """In a sentence, and how they are recorded; empty where there are none."""
    if not parts:
        return ""
    named = ", ".join(map(str, parts[:MOST_NAMED])) + (" …" if len(parts) > MOST_NAMED else "")
    return f"Recurrent in it: {named}; load it into its own module, and “with unrolled.record(module):” in Python records them."
