"""What a window asks for again and again is read once, and what is kept stays small."""

from __future__ import annotations

import numpy as np
import pytest

from unrolled.models.store import run
from unrolled.models.store.run import LONGEST, KeptRows


class Rows:
    """A column of numbers, and which of them were read."""

    def __init__(self) -> None:
        self.reads: list[tuple[int, int]] = []

    def __call__(self, first: int, last: int) -> np.ndarray:
        self.reads.append((first, last))
        return np.arange(first, last, dtype=np.int64)[:, None]


@pytest.mark.parametrize(("asked", "read"), [
    ([(10, 20), (12, 18), (10, 20)], [(10, 20)]),                  # nearer, and back
    ([(10, 20), (8, 23)], [(10, 20), (8, 10), (20, 23)]),          # farther
    ([(10, 20), (15, 25), (20, 30)], [(10, 20), (20, 25), (25, 30)]),
    ([(10, 20), (21, 30), (10, 20)], [(10, 20), (21, 30), (10, 20)]),  # elsewhere
])
def test_only_what_is_not_known_is_read(asked, read):
    rows, kept = Rows(), KeptRows()
    for first, last in asked:
        np.testing.assert_array_equal(kept.between("a", first, last, rows)[:, 0], np.arange(first, last))
    assert rows.reads == read


def test_a_range_that_is_moved_along_does_not_grow_without_end():
    rows, kept = Rows(), KeptRows()
    for first in range(0, 1000, 5):
        np.testing.assert_array_equal(kept.between("a", first, first + 10, rows)[:, 0], np.arange(first, first + 10))
    assert len(rows.reads) == 200
    assert sum(own.nbytes for _, own in kept._ranges.values()) <= LONGEST * 10 * 8


def test_what_was_asked_for_longest_ago_goes_first(monkeypatch):
    monkeypatch.setattr(run, "MOST_BYTES", 3 * 10 * 8)
    rows, kept = Rows(), KeptRows()
    for key in "abcad":
        kept.between(key, 0, 10, rows)
    rows.reads.clear()
    for key in "acdb":
        kept.between(key, 0, 10, rows)
    assert len(rows.reads) == 1
