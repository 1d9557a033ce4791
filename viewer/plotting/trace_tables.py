"""Recorded steps as tables: whole, at full precision. Steps are counted from 0, as in every file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.models.trace import Trace
from unrolled.models.trace.tables import column_names
from unrolled.viewer.plotting.table import Column, Table


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


def grid_table(values: npt.NDArray[Any] | None, columns: Sequence[str] = ()) -> Table | None:
    """A matrix, a line a row, the rows numbered from 0; without names the columns are too."""
    if values is None or not values.size:
        return None
    return Table(("row", *(columns or map(str, range(values.shape[1])))), (np.arange(len(values)), *values.T))
