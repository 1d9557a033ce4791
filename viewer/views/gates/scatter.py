"""Units as dots: how often a gate is open across, how often it is shut upwards. It knows no session."""

from functools import partial

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, QPointF, Qt, Signal

from unrolled.viewer.plotting.axis import Axis
from unrolled.viewer.plotting.ink import ink, series
from unrolled.viewer.plotting.plot import Plot
from unrolled.viewer.plotting.table import Table
from unrolled.viewer.theme.themes import Theme

Fractions = npt.NDArray[np.float64]

REACH = 12.0  # pixels from a dot at which it is pointed at
DOT, LARGE_DOT, RING = 5.0, 10.0, 14.0
ROOM = 0.03   # beyond 0 and 1, so that dots at the ends are whole
MOVES = {Qt.Key.Key_Up: 1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_Left: -1}


class GateScatter(QObject):
    pointed = Signal(object)  # the unit under the pointer or at the keyboard, or None
    clicked = Signal(int)  # a unit

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        # Fractions of steps, shape (units,).
        self.shut: Fractions = np.zeros(0)
        self.opened: Fractions = np.zeros(0)
        self._pinned: tuple[int, ...] = ()
        self.unit: int | None = None
        self.plot = Plot("Units by how often their gate is open and shut", Axis("fraction of steps above 0.9"),
                         Axis("fraction of steps below 0.1"), theme, table=self._table)
        self.plot.setMinimumSize(180, 130)
        self.plot.set_ranges((-ROOM, 1 + ROOM), (-ROOM, 1 + ROOM))
        self.plot.line(ink("faint"), style="dashed", width=1.0).show(np.array([0.0, 1.0]), np.array([1.0, 0.0]))  # the sum is 1
        self._dots = self.plot.scatter(ink("accent", 150), size=DOT)
        self._pins = self.plot.scatter(ink("accent"), size=LARGE_DOT, order=1)
        self._ring = self.plot.scatter(ink("text"), size=RING, ring=True, order=2)
        self.plot.pointed.connect(lambda x, y: self.pointed.emit(self._dots.nearest(x, y, REACH)))
        self.plot.left.connect(lambda: self.pointed.emit(None))
        self.plot.clicked.connect(self._clicked)
        self.plot.take_keys({**{key: partial(self._move, by) for key, by in MOVES.items()},
                             Qt.Key.Key_Return: self._choose, Qt.Key.Key_Enter: self._choose})

    def set_fractions(self, shut: Fractions, opened: Fractions) -> None:
        """Fractions of steps, each (units,)."""
        self.shut, self.opened = shut, opened
        self._dots.show(opened, shut)
        self._show_marked()

    def set_marked(self, pinned: tuple[int, ...], unit: int | None) -> None:
        """The pinned units, and the one that is pointed at anywhere."""
        if (pinned, unit) != (self._pinned, self.unit):
            self._pinned, self.unit = pinned, unit
            self._show_marked()

    def place(self, unit: int) -> QPointF:
        """Where a unit's dot is, in pixels of the plot's surface."""
        return self.plot.place_of(float(self.opened[unit]), float(self.shut[unit]))

    def _show_marked(self) -> None:
        pinned = [(number, unit) for number, unit in enumerate(self._pinned) if unit < len(self.shut)]
        units = [unit for _, unit in pinned]
        self._pins.show(self.opened[units], self.shut[units], [series(number) for number, _ in pinned])
        ringed = [self.unit] if self.unit is not None and self.unit < len(self.shut) else []
        self._ring.show(self.opened[ringed], self.shut[ringed])

    def _clicked(self, x: float, y: float) -> None:
        unit = self._dots.nearest(x, y, REACH)
        if unit is not None:
            self.clicked.emit(unit)

    def _move(self, by: int) -> None:
        if len(self.shut):
            self.pointed.emit(0 if self.unit is None else (self.unit + by) % len(self.shut))

    def _choose(self) -> None:
        if self.unit is not None:
            self.clicked.emit(self.unit)

    def _table(self) -> Table | None:
        if not len(self.shut):
            return None
        return Table(("unit", "above 0.9", "below 0.1"), (np.arange(len(self.shut)), self.opened, self.shut))
