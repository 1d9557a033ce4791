"""The step's candidates: read, and taken in place of the word that was written."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
import scripted
from contexts import context, on_screen
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from unrolled.models.trace import Candidate, StepResult, Trace
from unrolled.viewer.state.commands import ChooseToken
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.themes import DARK, LIGHT
from unrolled.viewer.views.text.candidates import ROWS, CandidatesView, rows_of


@pytest.fixture
def panel(qtbot, session):
    return on_screen(qtbot, CandidatesView(context(session)), 232, 360)


def test_what_is_shown_at_a_step_are_its_candidates(session, panel):
    for step in np.random.default_rng(4).integers(0, len(session.trace), 40):
        session.playhead.seek(int(step))
        assert panel.heading.number == f"Word {step + 1}"
        assert tuple(row.candidate for row in panel.candidates.rows) == session.trace.candidates[step]
        assert panel.heading.word in (session.trace.words[step], "END")
        written = [row.candidate.token for row in panel.candidates.rows if row.written]
        assert written == [session.trace.tokens[step]]
        for row in panel.candidates.rows:
            assert row.probability == pytest.approx(math.exp(row.candidate.log_prob))


def press(qtbot, panel, row):
    """Click a candidate."""
    view = panel.list_view
    place = view.visualRect(view.model().index(panel.candidates.rows.index(row), 0)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)


def said(panel, role):
    """What each candidate says in a role, from the top."""
    model = panel.list_view.model()
    return [model.index(place, 0).data(role) for place in range(model.rowCount())]


def test_a_click_on_another_word_goes_that_way(qtbot, session, panel):
    session.playhead.seek(3)
    other = next(row for row in panel.candidates.rows if not row.written)
    press(qtbot, panel, other)
    assert panel.do.done == [ChooseToken(3, other.candidate.token)]


def test_enter_takes_a_word_too(qtbot, session, panel):
    panel.list_view.setFocus()
    qtbot.keyClick(panel.list_view, Qt.Key.Key_Down)
    qtbot.keyClick(panel.list_view, Qt.Key.Key_Return)
    assert panel.do.done == [ChooseToken(0, panel.candidates.rows[1].candidate.token)]
    session.playhead.seek(1)  # the place is kept
    qtbot.keyClick(panel.list_view, Qt.Key.Key_Down)
    qtbot.keyClick(panel.list_view, Qt.Key.Key_Space)
    assert panel.do.done[1:] == [ChooseToken(1, panel.candidates.rows[2].candidate.token)]


def test_the_word_that_was_written_changes_nothing(qtbot, session, panel):
    press(qtbot, panel, next(row for row in panel.candidates.rows if row.written))
    assert panel.do.done == []


def test_a_written_word_beyond_the_best_is_listed_last():
    best = tuple(Candidate(token, f"word{token}", -float(token)) for token in range(ROWS))
    trace = Trace(())
    trace.append(StepResult(step=0, token=99, word="rare", log_prob=-9.0, candidates=best))
    listed = rows_of(trace, 0)
    assert len(listed) == ROWS
    assert listed[:-1] == best[:-1]
    assert (listed[-1].token, listed[-1].word, listed[-1].log_prob) == (99, "rare", -9.0)


def test_every_row_has_a_name_and_its_log_probability(session, panel):
    for row, name, tip in zip(panel.candidates.rows, said(panel, Qt.ItemDataRole.AccessibleTextRole),
                              said(panel, Qt.ItemDataRole.ToolTipRole), strict=True):
        assert row.word in name
        assert "percent" in name
        assert "log-probability" in tip


def test_without_steps_it_says_what_will_be_there(session, panel):
    session.set_trace(None)
    panel.refresh()
    assert panel.candidates.rows == ()
    assert panel._empty.isVisible()
    panel.set_theme(DARK)


def test_bars_can_grow_with_the_logarithm_which_is_remembered(qtbot, session, panel):
    session.playhead.seek(2)
    row = panel.candidates.rows[3]
    assert row.bar == pytest.approx(row.probability)
    qtbot.mouseClick(panel.logarithmic, Qt.MouseButton.LeftButton)
    panel.refresh()
    assert session.appearance.values.candidates_logarithmic
    for own in panel.candidates.rows:
        assert own.bar == pytest.approx(max(1 + math.log10(own.probability) / 6, 0.0), abs=1e-6)
    again = CandidatesView(context(session, DARK))
    qtbot.addWidget(again)
    assert again.logarithmic.isChecked()


def test_the_margin_is_that_over_the_most_probable_other(session, panel):
    session.playhead.seek(1)
    first, second = session.trace.candidates[1][:2]
    over = first.log_prob - second.log_prob
    tips = said(panel, Qt.ItemDataRole.ToolTipRole)
    assert f"logit margin over the best alternative {over:.3f}" in tips[0]
    assert f"logit margin over the best alternative −{over:.3f}" in tips[1]


def test_a_word_that_is_never_written_stands_among_them_and_says_so(qtbot):
    """The unknown word's probability is part of the distribution: it must not vanish because it is not chosen."""
    session, whole = Session(), scripted.trace()
    token, kept_back = (own.token for own in whole.candidates[0][1:3])
    trace = Trace((), provenance=msgspec.structs.replace(whole.provenance, suppressed_tokens=(token,)))
    listed = tuple(msgspec.structs.replace(own, barred=own.token == kept_back) for own in whole.candidates[0])
    listed = (msgspec.structs.replace(listed[0], ranked=math.log(0.02)), *listed[1:])
    trace.append(StepResult(step=0, token=whole.tokens[0], word=whole.words[0], log_prob=listed[0].log_prob, candidates=listed))
    session.set_trace(trace)
    panel = CandidatesView(context(session))
    qtbot.addWidget(panel)
    session.playhead.seek(0)
    panel.refresh()
    marked = [(row.candidate.token, row.barred) for row in panel.candidates.rows if row.barred]
    assert marked == [(token, "suppressed"), (kept_back, "held back")]
    assert "Held back: the model’s settings" in said(panel, Qt.ItemDataRole.ToolTipRole)[2]
    assert "Chosen by −3.912 in place of that" in said(panel, Qt.ItemDataRole.ToolTipRole)[0]
    assert [" → 2.0%" in row.chance for row in panel.candidates.rows[:3]] == [True, False, False]
    row = next(row for row in panel.candidates.rows if row.barred)
    assert "suppressed" in said(panel, Qt.ItemDataRole.AccessibleTextRole)[panel.candidates.rows.index(row)]
    assert row.probability == pytest.approx(math.exp(row.candidate.log_prob))


def test_a_bar_is_as_long_as_its_probability(qtbot, session):
    trace = Trace((), provenance=session.trace.provenance)
    chances = (0.7, 0.25, 0.0001)
    listed = tuple(Candidate(token, f"word{token}", math.log(chance)) for token, chance in enumerate(chances))
    trace.append(StepResult(step=0, token=0, word="word0", log_prob=listed[0].log_prob, candidates=listed))
    session.set_trace(trace)
    panel = on_screen(qtbot, CandidatesView(context(session)), 232, 360)
    image = panel.list_view.viewport().grab().toImage()
    ground = QColor(LIGHT.raised)
    for place, chance in enumerate(chances):
        row = panel.list_view.visualRect(panel.list_view.model().index(place, 0))
        y = row.top() + 4  # above the word
        filled = sum(image.pixelColor(x, y) != ground for x in range(row.left() + 6, row.right() - 6))
        assert filled == pytest.approx(max(chance * row.width() - 6, 0), abs=2), chance
