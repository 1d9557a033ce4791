"""The one current step. Everything on screen follows it. It knows no Qt."""

from psygnal import Signal

NOWHERE = -1


class Playhead:
    """The current step of a run, from 0 to its last; `NOWHERE` while there are no steps."""

    moved = Signal(int)  # the new step, only when it differs from the old one
    length_changed = Signal(int)

    def __init__(self) -> None:
        self.step = NOWHERE
        self.length = 0  # the number of steps that can be gone to

    @property
    def at_end(self) -> bool:
        """Whether no recorded step follows."""
        return self.step >= self.length - 1

    def seek(self, step: int) -> None:
        """Go to a step; one outside of the run becomes its nearer end."""
        step = NOWHERE if self.length == 0 else min(max(step, 0), self.length - 1)
        if step != self.step:
            self.step = step
            self.moved.emit(step)

    def set_length(self, length: int) -> None:
        """Say how many steps there are; the playhead stays where it is if that step still exists."""
        if length == self.length:
            return
        self.length = max(length, 0)
        self.length_changed.emit(self.length)
        if self.step >= self.length:
            self.seek(self.length - 1)
