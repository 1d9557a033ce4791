"""Where a step lies in a track, the same for all of them. It knows no Qt."""

from __future__ import annotations

from dataclasses import dataclass

HEADER = 104.0  # pixels, for a track's name
EDGE = 8.0


@dataclass(frozen=True, slots=True)
class Geometry:
    """The places of steps across a track; step t takes the place from t to t + 1.

    Attributes
    ----------
    left, width : float
        Of the plot, in pixels.
    start, stop : float
        The steps at its two ends.
    """

    left: float
    width: float
    start: float
    stop: float

    @property
    def step_width(self) -> float:
        """Pixels a step."""
        return self.width / (self.stop - self.start)

    def x(self, step: float) -> float:
        """Where a step begins."""
        return self.left + (step - self.start) * self.step_width

    def time(self, x: float) -> float:
        """Which place in time lies at x."""
        return self.start + (x - self.left) / self.step_width

    def step(self, x: float, length: int) -> int:
        """The step at x, the nearest one that there is; -1 where there are none."""
        return min(max(int(self.time(x)), 0), length - 1)
