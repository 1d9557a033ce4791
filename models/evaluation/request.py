"""What a model is judged on, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unrolled.models.data.errors import DataError
from unrolled.models.protocol.decoding import Decoding


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRequest:
    """What a person asked for.

    Attributes
    ----------
    data : Path or None
        Where the data lie.
    split : {'train', 'dev', 'test'}
    beam : int or None
        Hypotheses; 1 is greedy. The task's usual number where nothing is said.
    length_penalty : float
        Of beam search.
    limit : int
        Only the first so many inputs; 0 for all.
    compare : bool
        With a simpler model of the same task, where there is one.
    say : callable
        Told how many inputs are done, and of how many.
    """

    data: Path | None = None
    split: str = "dev"
    beam: int | None = None
    length_penalty: float = Decoding().length_penalty
    limit: int = 0
    compare: bool = False
    say: Callable[[int, int], None] = lambda done, total: None

    @property
    def needed_data(self) -> Path:
        """The data. Raises `DataError` when none were named."""
        if self.data is None:
            raise DataError("Say which data to judge it on, with --data DIR.")
        return self.data

    def count(self, there: int) -> int:
        return min(self.limit or there, there)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The figures of a model.

    Attributes
    ----------
    data, split : str
        What it was judged on; no split where the data have none.
    count : int
        Of inputs.
    tokeniser : str
        What the metrics count.
    beam : int or None
        The beam's width, where one was searched.
    more : dict
        Other numbers that belong to it.
    """

    data: str
    split: str = ""
    count: int
    tokeniser: str
    metrics: dict[str, float]
    beam: int | None = None
    more: dict[str, Any] = field(default_factory=dict)
