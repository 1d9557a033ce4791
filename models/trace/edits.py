"""Changes to a computation: what is changed, where, and at which steps.

An edit is a value: the window, a trace, a session and the command line hold the same ones. What it does to a tensor is
`unrolled.models.stepping.editing`.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from unrolled.models.trace.channel import Channel
from unrolled.models.trace.detokenization import WORD_BEGINS
from unrolled.models.trace.numbers import general
from unrolled.models.trace.slices import Channels, channels_at, spoken

TO_THE_END = -1

StepNumber = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
LastStep = Annotated[int, msgspec.Meta(ge=TO_THE_END, le=1_000_000)]
Unit = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Units = Annotated[tuple[Unit, ...], msgspec.Meta(max_length=100_000)]
Finite = Annotated[float, msgspec.Meta(ge=-1e30, le=1e30)]
Weight = Annotated[float, msgspec.Meta(ge=0, le=1e30)]


class _Edit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all edits have: the first and the last step at which they hold; -1 for as long as the run goes on."""

    first: StepNumber = 0
    last: LastStep = TO_THE_END

    def covers(self, step: int) -> bool:
        return self.first <= step and (self.last == TO_THE_END or step <= self.last)

    @property
    def _when(self) -> str:
        if self.last == self.first:
            return f"at step {self.first + 1}"
        if self.last == TO_THE_END:
            return "at every step" if self.first == 0 else f"from step {self.first + 1} on"
        return f"at steps {self.first + 1} to {self.last + 1}"


class ForceToken(_Edit, frozen=True, kw_only=True, tag_field="kind", tag="force"):
    """Write this token at step `first`, whatever the model prefers; `word` is the token's, for people."""

    token: Unit
    word: str = ""

    def covers(self, step: int) -> bool:
        return step == self.first

    @property
    def in_words(self) -> str:
        word = self.word.removeprefix(WORD_BEGINS) or self.word or self.token
        return f"“{word}” at step {self.first + 1}"


class _OfUnits(_Edit, frozen=True, kw_only=True):
    """What changes units of a channel: those that are named, or all where none is."""

    channel: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    units: Units = ()

    @property
    def _which(self) -> str:
        name = spoken(self.channel)
        if not self.units:
            return name
        named = ", ".join(str(unit) for unit in self.units[:4]) + (" …" if len(self.units) > 4 else "")
        return f"{name} {named}"


class ClampUnits(_OfUnits, frozen=True, kw_only=True, tag_field="kind", tag="clamp"):
    """Set units to a value: 0 switches a gate off, 1 opens it."""

    value: Finite = 0.0

    @property
    def in_words(self) -> str:
        return f"{self._which} = {general(self.value)} {self._when}"


class ScaleUnits(_OfUnits, frozen=True, kw_only=True, tag_field="kind", tag="scale"):
    factor: Finite

    @property
    def in_words(self) -> str:
        return f"{self._which} × {general(self.factor)} {self._when}"


class AddNoise(_OfUnits, frozen=True, kw_only=True, tag_field="kind", tag="noise"):
    """Add normal noise to units: drawn from the seed and the step alone, so that a step taken again draws the same."""

    deviation: Annotated[float, msgspec.Meta(ge=0, le=1e6)]
    seed: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] = 0

    @property
    def in_words(self) -> str:
        return f"{self._which} + noise of {general(self.deviation)} {self._when}"


class UniformAttention(_Edit, frozen=True, kw_only=True, tag_field="kind", tag="uniform"):
    @property
    def in_words(self) -> str:
        return f"even attention {self._when}"


class SetAttention(_Edit, frozen=True, kw_only=True, tag_field="kind", tag="attention"):
    """Look where these weights say, row after row of a picture; they are divided by their sum."""

    weights: Annotated[tuple[Weight, ...], msgspec.Meta(min_length=1, max_length=100_000)]

    @property
    def in_words(self) -> str:
        return f"painted attention {self._when}"


class MaskAttention(_Edit, frozen=True, kw_only=True, tag_field="kind", tag="mask"):
    """Do not look at these places, counted row after row; what is left is shared by the softmax among the others.

    Where another edit sets the weights, they are taken out of those, and the others are divided by what is left.
    """

    places: Annotated[Units, msgspec.Meta(min_length=1)]

    @property
    def in_words(self) -> str:
        count = len(self.places)
        return f"{count} {'place' if count == 1 else 'places'} masked {self._when}"


class SwapInput(_Edit, frozen=True, kw_only=True, tag_field="kind", tag="swap"):
    """Look at another input from here on: its file name, and the SHA-256 of its bytes, by which it is found."""

    name: str
    input_hash: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]

    @property
    def in_words(self) -> str:
        return f"“{self.name}” {self._when}"


class SwitchHeadsOff(_Edit, frozen=True, kw_only=True, tag_field="kind", tag="heads"):
    """Let heads of a layer's attention add nothing: those that are named, or all where none is."""

    channel: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    layer: Unit
    heads: Units = ()

    @property
    def in_words(self) -> str:
        numbers = ", ".join(str(head + 1) for head in self.heads)
        named = f"head{'s' if len(self.heads) > 1 else ''} {numbers}" if self.heads else "all heads"
        return f"{spoken(self.channel)}: {named} of layer {self.layer + 1} off {self._when}"


Edit = (ForceToken | ClampUnits | ScaleUnits | AddNoise | UniformAttention | SetAttention | MaskAttention | SwitchHeadsOff
        | SwapInput)
OF_UNITS = (ClampUnits, ScaleUnits, AddNoise)
OF_ATTENTION = (UniformAttention, SetAttention, MaskAttention)
OF_UNIT_AXES = (("unit",), ("feature",))


class EditError(ValueError):
    """An edit that cannot be made: one sentence for people."""


def check(edit: Edit, channels: Sequence[Channel], words: Sequence[str]) -> None:
    """See whether a model can be changed so. Raises `EditError`, with one sentence that says why it cannot."""
    if edit.first < 0 or (edit.last != TO_THE_END and edit.last < edit.first):
        raise EditError("The last step comes before the first.")
    if isinstance(edit, ForceToken):
        if not 0 <= edit.token < len(words):
            raise EditError(f"The vocabulary has {len(words):,} words; there is no word {edit.token}.")
    elif isinstance(edit, OF_UNITS):
        channel = Channels(channels).get(edit.channel)
        if channel is None or not channel.editable or channel.axes not in OF_UNIT_AXES:
            there = ", ".join(own.name for own in channels_at(channels, {}) if own.editable and own.axes in OF_UNIT_AXES)
            raise EditError(f"This model has no “{edit.channel}” that could be changed; there is {there or 'nothing like it'}.")
        beyond = next((unit for unit in edit.units if not 0 <= unit < channel.size), None)
        if beyond is not None:
            raise EditError(f"There is no unit {beyond} in {channel.title}: its {channel.size:,} units are counted from 0.")
    elif isinstance(edit, SwitchHeadsOff):
        _check_heads(edit, channels)
    elif isinstance(edit, OF_ATTENTION):
        channel = attention_of(channels)
        if channel is None:
            raise EditError("This model has no attention that could be changed.")
        if isinstance(edit, SetAttention):
            if len(edit.weights) != channel.size:
                raise EditError(f"Attention has {channel.size:,} places, and {len(edit.weights):,} weights are given.")
            if not sum(edit.weights) > 0:
                raise EditError("Attention that is 0 everywhere looks at nothing; paint at least one place.")
        elif isinstance(edit, MaskAttention):
            beyond = next((place for place in edit.places if not 0 <= place < channel.size), None)
            if beyond is not None:
                raise EditError(f"There is no place {beyond}: attention has {channel.size:,}, counted from 0.")
            if len(set(edit.places)) == channel.size:
                raise EditError("Every place is masked: nothing is left to look at.")


def _check_heads(edit: SwitchHeadsOff, channels: Sequence[Channel]) -> None:
    with_heads = {own.name: own for own in channels if has_heads(own)}
    channel = with_heads.get(edit.channel)
    if channel is None:
        raise EditError(f"This model has no “{edit.channel}” with heads; there is {', '.join(with_heads) or 'nothing like it'}.")
    layers, heads = channel.shape[:2]
    if edit.layer >= layers:
        raise EditError(f"There is no layer {edit.layer}: {layers} are counted from 0.")
    beyond = next((head for head in edit.heads if head >= heads), None)
    if beyond is not None:
        raise EditError(f"There is no head {beyond}: layer {edit.layer} has {heads}, counted from 0.")


def has_heads(channel: Channel) -> bool:
    """Whether it is attention by layer and head, over places."""
    return channel.axes[:2] == ("layer", "head") and len(channel.axes) > 2


def attention_of(channels: Sequence[Channel]) -> Channel | None:
    return next((channel for channel in channels if channel.role == "attention" and channel.editable), None)


def places_in(region: tuple[float, float, float, float], shape: tuple[int, int]) -> tuple[int, ...]:
    """The cells of a grid (rows, columns) of which at least half lies in a region of the picture, counted row after row.

    Parameters
    ----------
    region : tuple of float
        Left, top, right and bottom as fractions of the width and the height.

    Raises
    ------
    EditError
        When the region is not one, or covers no cell.
    """
    left, top, right, bottom = region
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise EditError("A region is left, top, right, bottom as fractions from 0 to 1, like 0.2,0.1,0.6,0.8.")
    rows, columns = shape

    def covered(first: float, last: float, count: int) -> list[float]:
        return [max(min(last * count, place + 1) - max(first * count, place), 0.0) for place in range(count)]

    across, down = covered(left, right, columns), covered(top, bottom, rows)
    found = tuple(row * columns + column for row in range(rows) for column in range(columns)
                  if down[row] * across[column] >= 0.5 - 1e-9)
    if not found:
        raise EditError(f"This region covers no half of a cell; the model sees {rows} × {columns} of them.")
    return found


def first_step(edits: Sequence[Edit]) -> int:
    return min((edit.first for edit in edits), default=0)
