"""Texts side by side: none overlaps another, and none is cut where there is room beside it."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from unrolled.viewer.drawing.label_line import GAP, LEAST_CUT, label_line, runs

LETTER, END = 6.0, 400.0
WORDS = st.lists(st.text("abc", min_size=1, max_size=14), min_size=1, max_size=12)


def lay(words, width):
    parts = [(step, step * width, (step + 1) * width, word) for step, word in enumerate(words)]
    return label_line(parts, lambda word: len(word) * LETTER, lambda word, room: word[: max(int(room / LETTER) - 1, 0)] + "…",
                      end=END)


@given(words=WORDS, width=st.floats(6, 33))
def test_no_text_overlaps_another_or_is_cut_beside_free_room(words, width):
    labels = lay(words, width)
    for own in labels:
        assert own.left <= own.fits()
        assert own.fits() + own.width <= own.right + 1e-6
    for own, after in pairwise(labels):
        assert own.right <= after.left + 1e-6
    edges = [(None, labels[0] if labels else None), *pairwise(labels)]
    for own, after in edges:
        if own is not None and own.text.endswith("…"):
            for other in (after, next((before for before, this in edges if this is own), None)):
                assert other is None or other.free < LETTER + GAP or other.text.endswith("…"), (own, other)


def test_a_long_word_takes_what_a_short_one_leaves():
    first, second, third = lay(["up", "vestes", "en"], 30.0)
    assert [own.text for own in (first, second, third)] == ["up", "vestes", "en"]
    assert second.right - second.left >= 6 * LETTER + GAP


def test_the_last_text_takes_what_is_free_behind_it():
    assert [own.text for own in lay(["a", "turning anticlockwise"], 20.0)] == ["a", "turning anticlockwise"]


def test_what_cannot_be_read_gives_its_room_away():
    labels = lay(["turning", "mov", "still"], LEAST_CUT - 4)
    assert [(own.first, own.text) for own in labels] == [(1, "mov"), (2, "still")]


def test_the_same_word_again_is_one():
    assert runs(["a", "a", "b", "a"], 3) == [(3, 2, "a"), (5, 1, "b"), (6, 1, "a")]
