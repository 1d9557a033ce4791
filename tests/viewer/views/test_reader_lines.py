"""The lines of the reader: they end behind words, every character stands in one, and a text that grows changes none above."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unrolled.viewer.theme.themes import LIGHT
from unrolled.viewer.views.text.reader_view import ReaderText

TEXTS = st.text(alphabet="ab \n", max_size=400)


def lines_of(view):
    return [view.text[start:stop] for start, stop in zip(view._starts, [*view._starts[1:], len(view.text)], strict=True)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS, more=TEXTS)
def test_lines_end_behind_words(qtbot, text, more):
    view = ReaderText(LIGHT)
    view.resize(220, 120)
    view.set_text(text, 0)
    view.set_text(text + more, 0)
    lines = lines_of(view)
    assert "".join(lines) == text + more
    grown, view = lines, ReaderText(LIGHT)
    view.resize(220, 120)
    view.set_text(text + more, 0)
    assert lines_of(view) == grown
    for line, after in pairwise(lines):
        assert len(line) <= view._columns
        assert line.endswith(("\n", " ")) or " " not in line, (line, after)
