"""The numbers behind a picture, as recorded, for a spreadsheet or a data frame. Steps are counted from 0, as in every file."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.models.trace import Trace
from unrolled.models.trace.names import INSTEAD
from unrolled.models.trace.tables import column_names, plain_cell

HALVES = re.compile("[\ud800-\udfff]")
Column = npt.NDArray[Any] | Sequence[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Columns of equal length."""

    names: Sequence[str]
    columns: Sequence[Column]  # numbers as they were recorded, never reduced for the screen; or texts

    def csv(self) -> str:
        """A header and a line a row; numbers with the fewest digits that give the same float again.

        Texts are written so that no spreadsheet makes formulas of them; see `plain_cell`. Half a character, which no encoding
        has, is a replacement sign.
        """
        file = io.StringIO()
        writer = csv.writer(file)  # which quotes a carriage return alone where that is a part of its line ends
        writer.writerow(_cells(self.names))
        writer.writerows(zip(*(_cells(column) for column in self.columns), strict=True))
        return HALVES.sub(INSTEAD, file.getvalue())


def steps_table(trace: Trace | None, channels: Iterable[str] = ()) -> Table | None:
    """A row a step: its word, its log-probability, and every value of these channels; None without steps."""
    if trace is None or not len(trace):
        return None
    names = ["step", "word", "log_prob"]
    columns: list[Column] = [np.arange(len(trace)), trace.words, trace.log_probs]
    for name in channels:
        names += column_names(trace.channels[name])
        columns += list(trace.column(name).reshape(len(trace), -1).T)
    return Table(names, columns)


def grid_table(values: npt.NDArray[Any] | None) -> Table | None:
    """A matrix, a line a row, rows and columns numbered from 0."""
    if values is None or not values.size:
        return None
    return Table(("row", *map(str, range(values.shape[1]))), (np.arange(len(values)), *values.T))


def _cells(column: Column) -> list[Any]:
    if isinstance(column, np.ndarray) and column.dtype.kind in "fiub":
        cells: list[Any] = column.astype(str).tolist()
        return cells
    return [plain_cell(cell) if isinstance(cell, str) else cell for cell in column]
