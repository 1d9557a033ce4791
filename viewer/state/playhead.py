"""The one current step. Everything on screen follows it. It knows no Qt."""

from __future__ import annotations

from psygnal import Signal

NOWHERE = -1


class Playhead:
    """The current step of a run, from 0 to its last; `NOWHERE` while there are no steps.

    Attributes
    ----------
    moved : Signal(int)
        Sent with the new step, only when it differs from the old one.
    length_changed : Signal(int)
        Sent with the number of steps that can be gone to.
    """

    moved = Signal(int)
    length_changed = Signal(int)

    def __init__(self) -> None:
        self._step = NOWHERE
        self._length = 0

    @property
    def step(self) -> int:
        """The current step, or `NOWHERE`."""
        return self._step

    @property
    def length(self) -> int:
        """The number of steps that can be gone to."""
        return self._length

    @property
    def at_end(self) -> bool:
        """Whether no recorded step follows."""
        return self._step >= self._length - 1

    def seek(self, step: int) -> None:
        """Go to a step; one outside of the run becomes its nearer end."""
        step = NOWHERE if self._length == 0 else min(max(step, 0), self._length - 1)
        if step != self._step:
            self._step = step
            self.moved.emit(step)

    def set_length(self, length: int) -> None:
        """Say how many steps there are; the playhead stays where it is if that step still exists."""
        if length == self._length:
            return
        self._length = max(length, 0)
        self.length_changed.emit(self._length)
        if self._step >= self._length:
            self.seek(self._length - 1)
