"""Norms of gradients as colours over powers of ten, more of them as gradients explode."""

import numpy as np

from unrolled.viewer.plotting.axis import Axis
from unrolled.viewer.plotting.plot import Plot
from unrolled.viewer.state.wording import power_of_ten
from unrolled.viewer.theme.colour_maps import to_colours
from unrolled.viewer.training_room.history import Numbers

DARKEST, BRIGHTEST = -6, 1  # powers of ten; more where gradients explode, in whole steps
GROWTH, HIGHEST = 3, 30
BEYOND = 1e9                # a place for 0 and for infinity, which have colours, unlike nan


class GrowingColours:
    """A heat map in a plot, with the bar that says what its colours mean."""

    def __init__(self, plot: Plot) -> None:
        self._heat = plot.heatmap()
        self._bar = plot.colour_bar(Axis(log=True))
        self.top = BRIGHTEST  # the power of ten of the brightest colour

    def begin(self) -> None:
        self.top = BRIGHTEST

    def show(self, norms: Numbers | None, colour_map: str, *, left: float = 0.5, width: float = 1.0) -> None:
        """Draw norms of shape (rows, columns), nan where there is none; row 0 is that of step 1."""
        colours = None
        if norms is not None:
            most = norms.max(initial=0.0, where=np.isfinite(norms))
            while most > 10.0**self.top and self.top < HIGHEST:
                self.top += GROWTH
            with np.errstate(divide="ignore", invalid="ignore"):
                places = np.nan_to_num(np.log10(norms), nan=np.nan, posinf=BEYOND, neginf=-BEYOND).astype(np.float32)
            colours = to_colours(places, low=DARKEST, high=self.top, name=colour_map)
        self._heat.show(colours, left=left, top=0.5, width=width)
        self._bar.show(10.0**DARKEST, 10.0**self.top, colour_map, (f"≤{power_of_ten(DARKEST)}", power_of_ten(self.top)))
