"""Where a step lies in a track, the same for all of them. It knows no Qt."""

from dataclasses import dataclass

from unrolled.models.trace.bins import BLOCKS, Bins, bins_of, stride_of

HEADER = 128.0  # pixels, for a track's name and the numbers of its axis
EDGE = 8.0


@dataclass(frozen=True, slots=True)
class Geometry:
    """The places of steps across a track; step t takes the place from t to t + 1."""

    # Of the plot, in pixels.
    left: float
    width: float
    # The steps at its two ends.
    start: float
    stop: float
    blocks: tuple[int, ...] = BLOCKS  # steps whose means are known; see `bins_of`

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

    def bins(self, length: int, *, ratio: float = 1.0) -> Bins | None:
        """What is drawn: of so many steps those in sight, put together where several share a column of pixels.

        `ratio`: the screen's pixels in each device-independent one.
        """
        return bins_of(self.start, self.stop, length, self.stride(ratio), self.blocks)

    def bin_at(self, time: float, length: int, ratio: float = 1.0) -> tuple[int, int]:
        """The steps, from and up to, that are drawn as one at a place in time; (0, 0) where there are none."""
        found = bins_of(time, time, length, self.stride(ratio), self.blocks)
        return (0, 0) if found is None else (int(found.edges[0]), int(found.edges[1]))

    def stride(self, ratio: float = 1.0) -> float:
        """Steps a column of the screen's pixels; 1 where there is room for each."""
        return stride_of(self.stop - self.start, max(int(self.width * ratio), 1))
