"""Places of the input that a person paints on: where attention shall go, or where it shall not. It knows no Qt."""

from typing import Literal

from psygnal import Signal

from unrolled.models.trace.edits import Edit, MaskAttention, SetAttention

Mode = Literal["off", "attend", "mask"]
STRONGEST = 1.0


class Brush:
    """What is painted, until it is made into an edit or wiped away."""

    changed = Signal()  # another mode, or other places

    def __init__(self) -> None:
        self.mode: Mode = "off"  # what painting does: it moves the attention to the places, or away from them
        self.strength = STRONGEST  # what a stroke adds to a place's weight, from 0 to 1
        self.weights: dict[int, float] = {}  # of the painted places, above 0 and at most 1; never changed in place

    def set_mode(self, mode: Mode) -> None:
        """Begin to paint, or leave off; what was painted with another mode is wiped away."""
        if mode != self.mode:
            self.mode = mode
            self.weights = {}
            self.changed.emit()

    def paint(self, place: int, *, erase: bool = False) -> None:
        if self.mode == "off":
            return
        weights = dict(self.weights)
        if erase:
            weights.pop(place, None)
        else:
            weights[place] = self.strength if self.mode == "attend" else STRONGEST
        if weights != self.weights:
            self.weights = weights
            self.changed.emit()

    def wipe(self) -> None:
        if self.weights:
            self.weights = {}
            self.changed.emit()

    def edit(self, size: int, *, first: int, last: int) -> Edit | None:
        """What is painted, as an edit of attention over so many places; None where nothing is."""
        places = {place: weight for place, weight in self.weights.items() if place < size}
        if not places:
            return None
        if self.mode == "mask":
            return MaskAttention(places=tuple(sorted(places)), first=first, last=last)
        return SetAttention(weights=tuple(places.get(place, 0.0) for place in range(size)), first=first, last=last)
