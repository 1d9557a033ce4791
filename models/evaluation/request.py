"""What a model is judged on, and what comes of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unrolled.models.data.errors import DataError
from unrolled.models.protocol.decoding import Decoding


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRequest:
    data: Path | None = None  # where the data lie
    split: str = "dev"  # train, dev, test
    beam: int | None = None  # hypotheses; 1 is greedy. The task's usual number where nothing is said.
    length_penalty: float = Decoding().length_penalty  # of beam search
    limit: int = 0  # only the first so many inputs; 0 for all
    compare: bool = False  # with a simpler model of the same task, where there is one
    say: Callable[[int, int], None] = lambda done, total: None  # told how many inputs are done, and of how many

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
    # data, split: what it was judged on; no split where the data have none
    data: str
    split: str = ""
    count: int                                          # of inputs
    tokeniser: str                                      # what the metrics count
    metrics: dict[str, float]
    beam: int | None = None                             # the beam's width, where one was searched
    more: dict[str, Any] = field(default_factory=dict)  # other numbers that belong to it
