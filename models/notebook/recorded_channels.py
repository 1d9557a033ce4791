"""Channels of what was recorded: names, labels, ranges, and how well each agrees with what the module returned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from unrolled.models.adapters.captured import Part, Quantity
from unrolled.models.adapters.module_hooks import Series
from unrolled.models.stepping.channels import QUANTITIES
from unrolled.models.trace import Channel

Values = npt.NDArray[np.floating]

SYMBOLS = {name: symbol for name, (symbol, _, _) in QUANTITIES.items()} | {
    "attention": "α", "attention_entropy": "H", "output": "y"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One quantity of a series over all its steps, (steps, …), in the precision that it was computed in.

    `difference` and `against` are those of the call that agrees least.
    """

    series: str
    quantity: Quantity
    values: Values
    difference: float | None
    against: str


def columns_of(series: Series, item: int, forward: int | None) -> tuple[list[Column], tuple[str, ...]]:
    """What calls that follow one another brought of one sequence, and notes.

    Attention over more places later, as over a cache that grows, weighs 0 where there was none yet. Raises `ValueError` where
    calls do not fit together.
    """
    parts: list[Part] = list(type(series.calls[0]).parts(series.during(forward), item))
    found = []
    for first in parts[0].quantities:
        own = [quantity for part in parts for quantity in part.quantities if quantity.name == first.name]
        pieces = [_array(quantity.values) for quantity in own]                       # each (steps, …)
        if first.field == "attention":
            most = max(piece.shape[1] for piece in pieces)
            pieces = [np.pad(piece, ((0, 0), (0, most - piece.shape[1]))) for piece in pieces]
        if len(own) < len(parts) or any(piece.shape[1:] != pieces[0].shape[1:] for piece in pieces):
            raise ValueError(f"The calls of “{series.name}” did not all bring “{first.name}” in one size; "
                             "“forward=” takes one call of the network.")
        worst = max(own, key=lambda quantity: math.inf if quantity.difference is None else quantity.difference)
        found.append(Column(series=series.name, quantity=first, values=np.concatenate(pieces), difference=worst.difference,
                            against=worst.against))
    return found, tuple(dict.fromkeys(note for part in parts for note in part.notes))


def _array(values: torch.Tensor) -> Values:
    """Of the only sequence, (steps, …)."""
    own = values[:, 0]
    array: Values = (own.float() if own.dtype in (torch.bfloat16, torch.float16) else own).cpu().numpy()
    return array


def channel_of(name: str, quantity: Quantity, values: Values, looked_at: int) -> Channel:
    """What the window is told of a quantity; `values`, (steps, …), say how far it reaches where nothing bounds it.

    `looked_at` is the number of source words, 0 where none are given.
    """
    finite = np.abs(values[np.isfinite(values)])
    reach = float(f"{finite.max():.2g}") if finite.size and finite.max() > 0 else 1.0
    low = -reach if quantity.low is None else quantity.low
    high = reach if quantity.high is None else quantity.high
    axes: tuple[str, ...] = ("unit",) * (values.ndim - 1)
    if quantity.field == "attention":
        axes = ("source",) if values.shape[1] == looked_at else ("key",)
    return Channel(name=name, role=quantity.field, symbol=SYMBOLS[quantity.field], axes=axes, shape=values.shape[1:],
                   low=low, high=high, layer=max(quantity.layer, 0), label=_label(quantity, name),
                   unit="of uniform" if quantity.field == "attention_entropy" else "")


def _label(quantity: Quantity, name: str) -> str:
    """The quantity first, as rows have little room: ``forget gate L0→``."""
    of_module = name.removesuffix(quantity.name).rstrip("/")
    words = {"attention_entropy": "entropy"}.get(quantity.field, quantity.field.replace("_", " "))
    where = f"L{quantity.layer}" if quantity.layer >= 0 else ""
    where += {"forward": "→", "backward": "←"}.get(quantity.direction, "")
    head = f"head {quantity.head}" if quantity.head >= 0 else ""
    return " · ".join(part for part in (" ".join(part for part in (words, where, head) if part), of_module) if part)


def named(columns: Sequence[Column]) -> dict[str, Column]:
    """By their channels' names; the module stands in front where there are several."""
    several = len({column.series for column in columns}) > 1
    return {"/".join(part for part in (column.series if several else "", column.quantity.name) if part): column
            for column in columns}
