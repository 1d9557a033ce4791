"""Channels of what was recorded: names, axes, ranges, and how well each agrees with what the module returned.

What has the same quantity in every layer and head is one channel with these axes in front of its own; the two directions are
two channels. Modules that stand in a row, ``layers.0.self_attn``, ``layers.1.self_attn`` …, are layers too: ``layers.self_attn``.
"""

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product, takewhile

import msgspec
import numpy as np
import numpy.typing as npt
import torch

from unrolled.models.adapters.captured import Part, Quantity
from unrolled.models.adapters.module_hooks import Series
from unrolled.models.stepping.layers import QUANTITIES
from unrolled.models.trace import Agreement, Channel

Values = npt.NDArray[np.floating]

SYMBOLS = {name: symbol for name, (symbol, _, _) in QUANTITIES.items()} | {
    "attention": "α", "attention_entropy": "H", "output": "y"}
ARROWS = {"": "", "forward": "→", "backward": "←"}
SIGNS = {"": "{}", "forward": "{}›", "backward": "‹{}"}  # narrow, as there is room for one letter


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


def columns_of(series: Series, item: int, forward: int | None) -> list[Column]:
    """What calls that follow one another brought of one sequence.

    Attention over more places later, as over a cache that grows, weighs 0 where there was none yet. Raises `ValueError` where
    calls do not fit together.
    """
    parts: list[Part] = list(type(series.calls[0]).parts(series.during(forward), item))
    found = []
    for first in parts[0]:
        own = [quantity for part in parts for quantity in part if quantity.name == first.name]
        pieces = [_array(quantity.values) for quantity in own]                       # each (steps, …)
        if first.field == "attention":
            most = max(piece.shape[1] for piece in pieces)
            pieces = [np.pad(piece, ((0, 0), (0, most - piece.shape[1]))) for piece in pieces]
        if len(own) < len(parts) or any(piece.shape[1:] != pieces[0].shape[1:] for piece in pieces):
            raise ValueError(f"The calls of “{series.name}” did not all bring “{first.name}” in one size; "
                             "“forward=” takes one call of the network.")
        worst = max(own, key=lambda quantity: _rank(quantity.difference))
        found.append(Column(series=series.name, quantity=first, values=np.concatenate(pieces), difference=worst.difference,
                            against=worst.against))
    return found


def _array(values: torch.Tensor) -> Values:
    """Of the only sequence, (steps, …)."""
    own = values[:, 0]
    return (own.float() if own.dtype in (torch.bfloat16, torch.float16) else own).cpu().numpy()


def _rank(difference: float | None) -> float:
    """What cannot be compared is the worst."""
    return math.inf if difference is None else difference


def named(columns: Sequence[Column]) -> dict[str, Column]:
    """By their own names, layers and heads among them; the module stands in front where there are several."""
    several = len({column.series for column in columns}) > 1
    return {"/".join(part for part in (column.series if several else "", column.quantity.name) if part): column
            for column in columns}


# ── Channels of layers and heads ──────────────────────────────────────────────────────────────────────────────────────

Place = tuple[int, int]
"""Layer and head, -1 where there is one only."""


def channels_of(columns: Sequence[Column], looked_at: int) -> list[tuple[Channel, Values, Agreement]]:
    """Channels with their values, (steps, *shape), and how well they agree; `looked_at` is the number of source words, or 0."""
    rows = {column.series: _row(column.series, columns) for column in columns}
    several = len({name for name, _ in rows.values()}) > 1
    groups: dict[tuple[str, str, str], dict[Place, Column]] = {}
    for column in columns:
        (module, number), quantity = rows[column.series], column.quantity
        layer = number if number >= 0 else max(quantity.layer, 0) if quantity.head >= 0 else quantity.layer
        groups.setdefault((module if several else "", quantity.direction, quantity.field), {})[layer, quantity.head] = column
    shared = len(_shared([module.split(".") for module, *_ in groups]))
    return [_channel(module, ".".join(module.split(".")[shared:]), part, looked_at)
            for (module, *_), group in groups.items() for part in _whole(group)]


def _shared(names: Sequence[list[str]]) -> list[str]:
    """What all dotted names begin with."""
    alike = zip(*names, strict=False)
    return [parts[0] for parts in takewhile(lambda parts: len(set(parts)) == 1, alike)]


def _channel(module: str, shown: str, part: dict[Place, Column], looked_at: int) -> tuple[Channel, Values, Agreement]:
    """Of what is to be one channel; `shown` is what is said of the module."""
    first = next(iter(part.values()))
    layers, heads = (sorted(set(places)) for places in zip(*part, strict=True))
    axes = tuple(axis for axis, places in (("layer", layers), ("head", heads)) if len(part) > 1 and places != [-1])
    shape = tuple(len(places) for places in (layers, heads) if len(part) > 1 and places != [-1])
    quantity = replace(first.quantity, layer=-1, head=-1) if axes else first.quantity
    name = "/".join(text for text in (module, quantity.name) if text)
    own = channel_of(name, quantity, np.concatenate([column.values for column in part.values()]), looked_at)
    values = np.stack([column.values for column in part.values()], 1).reshape(-1, *shape, *own.shape)
    worst = max(part.values(), key=lambda column: _rank(column.difference))
    difference = None if worst.difference is None else min(worst.difference, sys.float_info.max)
    elsewhere = quantity.field == "attention" and own.shape[0] != len(first.values)  # it cannot be the steps themselves
    return (msgspec.structs.replace(own, axes=(*axes, *(("source",) if elsewhere else own.axes)), shape=(*shape, *own.shape),
                                    label=_label(quantity, shown)), values,
            Agreement(channel=name, difference=difference, against=worst.against))


def _whole(group: dict[Place, Column]) -> Iterator[dict[Place, Column]]:
    """Everything at once where there is one of a size in every layer and head, else each by itself."""
    layers, heads = (sorted(set(places)) for places in zip(*group, strict=True))
    in_order = all(places in ([-1], list(range(len(places)))) for places in (layers, heads))
    if in_order and len(group) == len(layers) * len(heads) and len({column.values.shape for column in group.values()}) == 1:
        yield {place: group[place] for place in product(layers, heads)}
    else:
        yield from ({place: column} for place, column in group.items())


def _row(series: str, columns: Sequence[Column]) -> tuple[str, int]:
    """A module's name without its number, and the number, where it stands in a row of modules that record the same; else -1."""
    own = [column.quantity for column in columns if column.series == series]
    fields = {quantity.name for quantity in own}
    parts = series.split(".")
    numbered = [place for place, part in enumerate(parts) if part.isdecimal()]
    if any(quantity.layer >= 0 for quantity in own):
        return series, -1
    for place in reversed(numbered):
        length = 0
        while fields == {column.quantity.name for column in columns
                         if column.series == ".".join((*parts[:place], str(length), *parts[place + 1 :]))}:
            length += 1
        if length > max(1, int(parts[place])):
            return ".".join(parts[:place] + parts[place + 1 :]), int(parts[place])
    return series, -1


def channel_of(name: str, quantity: Quantity, values: Values, looked_at: int) -> Channel:
    """What the window is told of a quantity; `values`, (steps, …), say how far it reaches where nothing bounds it.

    `looked_at` is the number of source words, 0 where none are given.
    """
    finite = np.abs(values[np.isfinite(values)])
    reach = _rounded_up(float(finite.max())) if finite.size and finite.max() > 0 else 1.0
    low = -reach if quantity.low is None else quantity.low
    high = reach if quantity.high is None else quantity.high
    axes: tuple[str, ...] = ("unit",) * (values.ndim - 1)
    if quantity.field == "attention":
        axes = ("source",) if values.shape[1] == looked_at else ("key",)
    return Channel(name=name, role=quantity.field, symbol=SIGNS[quantity.direction].format(SYMBOLS[quantity.field]), axes=axes,
                   shape=values.shape[1:], low=low, high=high, layer=max(quantity.layer, 0),
                   label=_label(quantity, name.removesuffix(quantity.name).rstrip("/")),
                   unit="of uniform" if quantity.field == "attention_entropy" else "")


def _rounded_up(value: float) -> float:
    """To two figures, so that the largest value is still within."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / unit - 1e-9) * unit:.2g}")


def _label(quantity: Quantity, module: str) -> str:
    """The quantity first, as rows have little room: ``forget gate L1→``."""
    words = {"attention_entropy": "entropy"}.get(quantity.field, quantity.field.replace("_", " "))
    where = f"L{quantity.layer + 1}" if quantity.layer >= 0 else ""
    where += ARROWS[quantity.direction]
    head = f"head {quantity.head + 1}" if quantity.head >= 0 else ""
    return " · ".join(part for part in (" ".join(part for part in (words, where, head) if part), module) if part)
