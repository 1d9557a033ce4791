"""One number for each cell of a picture's grid, as a small map. It knows no session."""

import numpy as np
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from unrolled.models.trace import FloatArray
from unrolled.models.trace.numbers import MINUS, brief, precise
from unrolled.viewer.plotting.axis import Axis
from unrolled.viewer.plotting.context_menu import attach
from unrolled.viewer.plotting.legend import MARGIN
from unrolled.viewer.plotting.navigation import add_ranges
from unrolled.viewer.plotting.plot import Plot
from unrolled.viewer.plotting.table import grid_table
from unrolled.viewer.theme.colour_maps import to_colours
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.widgets.building import elided_label, in_column

SIDE = 112
BAR_ROOM = 64  # of the colour bar beside it


class PlaceMap(QWidget):
    """A map with a title above, its scale beside it and a note below.

    Signed values are drawn with a diverging map from −largest to largest, others from 0 on.
    """

    own_keys = Plot.own_keys

    def __init__(self, title: str, theme: Theme, *, signed_values: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._signed = signed_values
        self.values: FloatArray = np.zeros(0, np.float32)
        self.shape: tuple[int, ...] = ()
        self._colour_map = "inferno"
        self._top: float | None = None
        self._title, self._note = elided_label(title), elided_label(look="muted")
        self._plot = Plot(title, Axis(), Axis(), theme, downwards=True, part=True, axes=False)
        self._plot.reading = self.reading
        self._heat = self._plot.heatmap()
        self._bar = self._plot.colour_bar(Axis())
        self._note.hide()
        in_column(self, self._title, self._plot, self._note, spacing=2)
        self.setFixedWidth(SIDE + BAR_ROOM)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(title)
        attach(self, self.accessibleName, fill=lambda menu: add_ranges(menu, self._plot, "columns", "rows"),
               table=lambda: grid_table(self.values.reshape(self.shape) if self.values.size else None))

    @property
    def title(self) -> str:
        return self._title.text()

    def set_title(self, title: str) -> None:
        if title != self.title:
            self._title.setText(title)
            self.setAccessibleName(title)

    @property
    def largest(self) -> float:
        finite = np.abs(self.values[np.isfinite(self.values)])
        return float(finite.max()) if finite.size else 0.0

    @property
    def top(self) -> float:
        """The end of the scale: what was given, or else the largest value."""
        return self.largest if self._top is None else self._top

    @property
    def scale_ends(self) -> tuple[str, str]:
        more = "≥ " if self.largest > self.top else ""
        return (f"{MINUS}{brief(self.top)}" if self._signed else "0"), more + brief(self.top)

    def set_values(self, values: FloatArray, shape: tuple[int, int], *, note: str = "", top: float | None = None,
                   colour_map: str = "inferno") -> None:
        """Show values (places,) of a grid (rows, columns).

        The scale ends at `top`; without it at the largest value. The colour map is that of values with one sign.
        """
        self.values, self.shape = values, shape
        self._top, self._colour_map = top, colour_map
        low, high = (float(np.nanmin(values)), float(np.nanmax(values))) if np.isfinite(values).any() else (0.0, 0.0)
        self.setAccessibleDescription(f"from {precise(low)} to {precise(high)}. {note}")
        self._note.setText(note)
        self._note.setVisible(bool(note))
        self._plot.setFixedHeight(round(SIDE * min(shape[0] / shape[1], 1.5)) + 2 * MARGIN)
        self._show()

    def set_theme(self, theme: Theme) -> None:
        self._plot.set_theme(theme)
        self._show()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self._plot.keyPressEvent(event)

    def reading(self, x: float, y: float) -> str:
        """What is at a place of the grid, in words."""
        row, column = int(y), int(x)
        if not (self.values.size and 0 <= row < self.shape[0] and 0 <= column < self.shape[1]):
            return ""
        return f"row {row + 1}, column {column + 1}: {precise(float(self.values[row * self.shape[1] + column]))}"

    def _show(self) -> None:
        if not self.values.size:
            return
        top, name = self.top or 1.0, self._plot.theme.diverging if self._signed else self._colour_map
        low = -top if self._signed else 0.0
        self._heat.show(to_colours(self.values.reshape(self.shape).astype(np.float32), low=low, high=top, name=name))
        self._plot.set_ranges((0.0, float(self.shape[1])), (0.0, float(self.shape[0])))
        self._bar.show(low, top, name, self.scale_ends)
