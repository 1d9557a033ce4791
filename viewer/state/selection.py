"""The units that a person is watching. It knows no Qt."""

from collections.abc import Mapping

from psygnal import Signal

MOST_PINNED = 8  # as many as there are colours that can be told apart


class Selection:
    """Pinned units, in the order they were pinned, and the one under the pointer.

    A unit is an index into the ``unit`` axis; the same unit of h, c and every gate belong together.
    """

    changed = Signal()
    hovered = Signal(object)  # the unit under the pointer, an int or None

    def __init__(self) -> None:
        self.units: tuple[int, ...] = ()  # the oldest first
        self.hover: int | None = None
        # Which layer and head of channels that have several is looked at; see `unrolled.models.trace.slices`.
        self.at: Mapping[str, str] = {}

    def toggle(self, unit: int) -> None:
        """Pin a unit or unpin it; the oldest is unpinned when there are `MOST_PINNED` already."""
        self.set(tuple(own for own in self.units if own != unit) if unit in self.units else (*self.units, unit))

    def set(self, units: tuple[int, ...]) -> None:
        self.units = tuple(dict.fromkeys(units))[-MOST_PINNED:]
        self.changed.emit()

    def with_last(self, unit: int) -> tuple[int, ...]:
        """The pinned ones with this one last: in place of the last, where it is not among them."""
        others = tuple(own for own in self.units if own != unit)
        return (*(others if unit in self.units else others[:-1]), unit)

    def look_at(self, axis: str, place: str) -> None:
        if self.at.get(axis) != place:
            self.at = {**self.at, axis: place}
            self.changed.emit()

    def set_hover(self, unit: int | None) -> None:
        if unit != self.hover:
            self.hover = unit
            self.hovered.emit(unit)
