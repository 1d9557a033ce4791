"""The part of the run that the tracks show, the same for all of them. It knows no Qt."""

from psygnal import Signal

SHORTEST_SPAN = 3.0  # steps
FEWEST_SHOWN = 12    # a run that has just begun is drawn in the width of twelve steps, so that nothing jumps at first


class TimeAxis:
    """A range of steps; step t takes the place from t to t + 1."""

    changed = Signal()

    def __init__(self) -> None:
        self.start, self.stop = 0.0, float(FEWEST_SHOWN)
        self._length = 0
        self.following = True  # whether the range grows with the run; a person's zoom or pan ends that, `reset` begins it again

    def set_length(self, length: int) -> None:
        self._length = length
        if self.following:
            self._set(0.0, float(max(length, FEWEST_SHOWN)))

    def zoom(self, factor: float, around: float) -> None:
        """Make the span `factor` times as long, the place `around` (in steps) staying where it is."""
        span = self.stop - self.start
        longest = float(max(self._length, FEWEST_SHOWN))
        new_span = min(max(span * factor, SHORTEST_SPAN), longest)
        start = around - (around - self.start) * new_span / span
        self.following = new_span >= longest
        self._set(start, start + new_span)

    def show(self, start: float, stop: float) -> None:
        """Show the steps from `start` to `stop`; a part shorter than `SHORTEST_SPAN` is widened."""
        span = max(stop - start, SHORTEST_SPAN)
        self.following = span >= max(self._length, FEWEST_SHOWN)
        self._set((start + stop - span) / 2, (start + stop + span) / 2)

    def pan(self, steps: float) -> None:
        self.following = False
        self._set(self.start + steps, self.stop + steps)

    def reveal(self, step: int) -> None:
        """Bring a step into the range, moving as little as possible."""
        if step < self.start:
            self.pan(step - self.start)
        elif step + 1 > self.stop:
            self.pan(step + 1 - self.stop)

    def reset(self) -> None:
        """Show the whole run and follow it again."""
        self.following = True
        self.set_length(self._length)

    def _set(self, start: float, stop: float) -> None:
        longest = float(max(self._length, FEWEST_SHOWN))
        span = min(stop - start, longest)
        start = min(max(start, 0.0), longest - span)
        if (start, start + span) != (self.start, self.stop):
            self.start, self.stop = start, start + span
            self.changed.emit()
