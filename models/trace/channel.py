"""What one recorded quantity is.

A model describes what it records as a tuple of channels; the window chooses its views from that description and
from nothing else.
"""

import math
from collections.abc import Sequence

import msgspec

from unrolled.models.trace.names import text_name


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """A quantity that a model records at every step."""

    name: str  # unique in its model, spelled out: ``"forget_gate"``
    # what kind of quantity it is: ``hidden``, ``cell``, ``input_gate``, ``forget_gate``, ``output_gate``, ``cell_gate``,
    # ``attention``, ``attention_entropy`` …
    role: str
    symbol: str  # the letter of the equations: ``"h"``, ``"f"``, ``"α"``
    axes: tuple[str, ...]  # the names of a step's axes: ``("unit",)``, ``("row", "column")``, ``("source",)``; empty for a scalar
    shape: tuple[int, ...]  # the length of each axis
    # low, high: the range that colours are fixed to. Values outside of it are drawn in the colour of the nearer end.
    low: float
    high: float
    layer: int = 0  # counted from 0
    label: str = ""  # a few words for people: ``"forget gate"``. The name with spaces when empty.
    unit: str = ""  # what it is measured in, if anything: ``"of uniform"``
    labels: tuple[str, ...] = ()  # what each place of the only axis is called, where that has names: the classes of a classifier
    editable: bool = False  # the step goes on with what an edit makes of it; what is only measured cannot be changed

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "symbol", text_name(self.symbol))
        if not self.name or not self.role:
            raise ValueError("a channel needs a name and a role")
        if len(self.axes) != len(self.shape):
            raise ValueError(f"channel {self.name!r} has {len(self.axes)} axes but {len(self.shape)} lengths")
        if any(length < 1 for length in self.shape):
            raise ValueError(f"channel {self.name!r} has an axis of length below 1")
        if self.labels and self.shape != (len(self.labels),):
            raise ValueError(f"channel {self.name!r} has {len(self.labels)} labels for the shape {self.shape}")
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"channel {self.name!r} has no range: {self.low} to {self.high}")

    @property
    def size(self) -> int:
        """The number of values a step, 1 for a scalar."""
        return math.prod(self.shape)

    def at(self, number: int) -> dict[str, int]:
        """Where one of a step's values stands, by axis, counted from 0."""
        found: dict[str, int] = {}
        for axis, length in zip(reversed(self.axes), reversed(self.shape), strict=True):
            number, found[axis] = divmod(number, length)
        return dict(reversed(found.items()))

    def place(self, number: int) -> str:
        """One of a step's values for people, who count all but units from 1: ``layer 3, unit 20``; empty of a scalar."""
        named = {"source": "place", "key": "place"}
        return ", ".join(f"{named.get(axis, axis)} {place + (axis != 'unit')}" for axis, place in self.at(number).items())

    @property
    def title(self) -> str:
        """The label, or the name with spaces in place of underscores."""
        return text_name(self.label or self.name.replace("_", " "))

    @property
    def signed(self) -> bool:
        """Whether the range lies on both sides of zero, so that a diverging colour map fits."""
        return self.low < 0 < self.high


def dimension_names(channels: Sequence[Channel]) -> dict[str, tuple[str, ...]]:
    """The names of each channel's axes; one whose length differs from channel to channel has it in its name: ``unit_64``."""
    lengths: dict[str, int] = {}
    return {channel.name: tuple(axis if lengths.setdefault(axis, length) == length else f"{axis}_{length}"
                                for axis, length in zip(channel.axes, channel.shape, strict=True)) for channel in channels}
