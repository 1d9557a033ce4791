"""Where the cells and the words of an alignment lie in a rectangle. It knows no Qt."""

import math
from dataclasses import dataclass, replace

LARGEST_CELL = 26.0   # pixels
LEAST_SHOWN_ROWS = 6


@dataclass(frozen=True, slots=True)
class AlignmentGeometry:
    """Cells in rows for written words and columns for source words."""

    # Of the first cell, in pixels; labels lie before it.
    left: float
    top: float
    # In pixels.
    cell_width: float
    cell_height: float
    # How many there are.
    rows: int
    columns: int
    # Pixels by which the first cell lies left of where labels end, and above: of a part that is shown larger.
    hidden: tuple[float, float] = (0.0, 0.0)

    @property
    def room(self) -> int:
        return max(self.rows, self.columns + 1, LEAST_SHOWN_ROWS)

    @property
    def label_width(self) -> float:
        return self.left + self.hidden[0]

    @property
    def label_height(self) -> float:
        return self.top + self.hidden[1]

    @property
    def right(self) -> float:
        return self.left + self.columns * self.cell_width

    @property
    def bottom(self) -> float:
        return self.top + self.rows * self.cell_height

    def row_at(self, y: float) -> int | None:
        row = math.floor((y - self.top) / self.cell_height)
        return row if 0 <= row < self.rows and y >= self.label_height else None

    def column_at(self, x: float) -> int | None:
        column = math.floor((x - self.left) / self.cell_width)
        return column if 0 <= column < self.columns and x >= self.label_width else None


def alignment_geometry(width: float, height: float, *, rows: int, columns: int,
                       label_width: float, label_height: float) -> AlignmentGeometry:
    """Fit an alignment into a width and a height.

    There is room for as many rows as source words at least, so that rows keep their height while a sentence is written.
    """
    left = min(label_width, 0.34 * width)
    top = min(label_height, 0.4 * height)
    cell_width = min((width - left - 1) / max(columns, 1), 1.6 * LARGEST_CELL)
    whole = AlignmentGeometry(left, top, max(cell_width, 0.1), 0.1, rows, columns)
    return replace(whole, cell_height=max(min((height - top - 1) / whole.room, LARGEST_CELL), 0.1))


def shown_labels(count: int, room: float, least: float, always: tuple[int, ...] = ()) -> list[int]:
    """Which labels are written where each has so many pixels: every second, third … one, and some always.

    Those that lie too near to one that is always written are left out for it.
    """
    every = max(math.ceil(least / max(room, 1e-6)), 1)
    if every == 1:
        return list(range(count))
    kept = [place for place in dict.fromkeys(always) if 0 <= place < count]
    rest = [place for place in range(0, count, every) if all(abs(place - one) * room >= least for one in kept)]
    return sorted({*kept, *rest})
