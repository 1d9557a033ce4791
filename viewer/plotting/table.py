"""The numbers behind a picture, as recorded, for a spreadsheet or a data frame."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[Any] | Sequence[Any]

RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r", "'")


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Columns of equal length.

    Attributes
    ----------
    columns : sequence of array or list
        Numbers as they were recorded, never reduced for the screen; or texts.
    """

    names: Sequence[str]
    columns: Sequence[Column]

    def csv(self) -> str:
        """A header and a line a row; numbers with the fewest digits that give the same float again.

        A text that a spreadsheet would run as a formula gets an apostrophe before it, as does one that begins with an
        apostrophe: without the first one, it is what it was.
        """
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([_harmless(name) for name in self.names])
        writer.writerows(zip(*(_cells(column) for column in self.columns), strict=True))
        return file.getvalue()


def _cells(column: Column) -> list[Any]:
    if isinstance(column, np.ndarray) and column.dtype.kind in "fiub":
        cells: list[Any] = column.astype(str).tolist()
        return cells
    return [_harmless(cell) for cell in column]


def _harmless(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(RUN_BY_SPREADSHEETS) else cell
