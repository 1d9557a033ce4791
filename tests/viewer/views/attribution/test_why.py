"""Why this word: what is asked and when, and the map that is drawn of the answers."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import scripted
import scripted_answers
from attributed import follow, mask, session_of
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractButton, QComboBox

from unrolled.models.protocol.questions import FollowGradients
from unrolled.models.trace import Provenance, Trace
from unrolled.viewer.drawing.gradient_colours import DECADES_AT_MOST, decades_of
from unrolled.viewer.drawing.painting import EmptyText
from unrolled.viewer.state.attributions import FOLLOWED_AT_MOST, GRADIENTS, UNASKED_AT_MOST
from unrolled.viewer.theme.themes import DARK, LIGHT
from unrolled.viewer.views.catalogue import BUILT_IN
from unrolled.viewer.views.spec import Subject

STEPS = len(scripted.CAPTION)


def long_trace(length):
    words = tuple(scripted.CAPTION[step % (STEPS - 1)] for step in range(length))
    return scripted.trace(words)


def change(session):
    """Another form of the branch on screen, as after an edit."""
    branch = session.branch
    session.set_branches(session.branches.with_branch(branch.changed(wire_id=branch.wire_id + 7)))


# ── Asking ────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_short_run_that_has_ended_is_followed_back_unasked(session, open_panel):
    panel = open_panel(session)
    assert session.questions.get(GRADIENTS).question == FollowGradients(0, STEPS - 1)
    assert panel.cancel.isVisible()
    follow(session)
    assert panel.map.table.shape == (STEPS, STEPS)
    assert panel.map.words[-1] == "END"
    assert tuple(panel.map._recorded().columns[1]) == scripted.CAPTION, "words as they were recorded"
    assert not any(part.isVisible() for part in (panel.cancel, panel.progress, panel.compute))


def test_rows_come_a_part_at_a_time(session, open_panel):
    panel = open_panel(session)
    follow(session, rows=4, done=False)
    assert (panel.progress.value(), panel.progress.maximum()) == (4, STEPS)
    assert "4 of 10 words" in panel.status.text()
    assert np.isfinite(panel.map.table[3]).all()
    assert np.isnan(panel.map.table[4]).all()
    session.playhead.seek(8)
    assert not panel.words.isVisible()  # its row has not come
    asked = session.questions.get(GRADIENTS)
    session.questions.take_part(asked.number, scripted_answers.gradient_rows(4, 6, 0, 9), done=True)
    assert np.isfinite(panel.map.table).all()
    assert len(panel.words.values) == 9


def test_what_was_given_up_is_asked_again_by_enter_alone(qtbot, session, open_panel):
    panel = open_panel(session)
    dropped = []
    session.questions.dropped.connect(dropped.append)
    number = session.questions.get(GRADIENTS).number
    qtbot.mouseClick(panel.cancel, Qt.MouseButton.LeftButton)
    assert dropped == [number]
    session.playhead.seek(5)
    panel.refresh()
    assert session.questions.get(GRADIENTS) is None
    assert panel.compute.isVisible()
    qtbot.keyClick(panel, Qt.Key.Key_Return)
    assert session.questions.get(GRADIENTS).number > number
    follow(session)
    assert not panel.compute.isVisible()


def test_a_run_that_grows_is_followed_back_when_it_pauses(qtbot, open_panel):
    trace = Trace(scripted.channels(), provenance=Provenance())
    trace.append(scripted.step_result(0, "a"))
    session = session_of(trace)
    panel = open_panel(session)
    for step in (1, 2, 3):
        trace.append(scripted.step_result(step, scripted.CAPTION[step]))
        session.grew()
        panel.refresh()
        assert session.questions.get(GRADIENTS) is None
    qtbot.waitUntil(lambda: session.questions.get(GRADIENTS) is not None)
    assert session.questions.get(GRADIENTS).question == FollowGradients(0, 3)
    follow(session)
    trace.append(scripted.step_result(4, "running"))
    session.grew()
    session.end()
    panel.refresh()
    assert session.questions.get(GRADIENTS).question == FollowGradients(0, 4)
    assert panel.map.table.shape == (4, 4)  # what is still true stays until the new rows are there
    assert not panel.map.stale


def test_a_long_run_is_followed_back_from_the_playhead_when_asked(qtbot, open_panel):
    session = session_of(long_trace(150))
    session.playhead.seek(120)
    panel = open_panel(session)
    assert len(session.trace) > UNASKED_AT_MOST
    assert session.questions.get(GRADIENTS) is None
    assert f"the last {FOLLOWED_AT_MOST} words" in panel.status.text()
    assert panel.map.plot.findChild(EmptyText).text() == "Press Compute."
    qtbot.mouseClick(panel.compute, Qt.MouseButton.LeftButton)
    assert follow(session) == FollowGradients(120 - FOLLOWED_AT_MOST + 1, 120)
    assert "Words 58 to 121 of 150." in panel.status.text()
    assert panel.map.plot.findChild(EmptyText).isHidden()
    assert not panel.compute.isVisible()
    session.playhead.seek(10)
    assert "not among them" in panel.status.text()
    assert panel.compute.text() == "Compute again"
    qtbot.mouseClick(panel.compute, Qt.MouseButton.LeftButton)
    assert follow(session) == FollowGradients(0, 10)


def test_after_an_edit_the_map_is_out_of_date_until_it_is_computed_again(qtbot, open_panel):
    session = session_of(long_trace(60))
    session.playhead.seek(30)
    panel = open_panel(session)
    panel.compute.click()
    follow(session)
    assert panel.words.isVisible()
    change(session)
    panel.refresh()
    assert panel.map.stale
    assert len(panel.map.table) == 31
    assert "Out of date" in panel.status.text()
    assert not panel.words.isVisible()  # what it depended on before the edit is not said of it now
    qtbot.mouseClick(panel.compute, Qt.MouseButton.LeftButton)
    assert session.questions.get(GRADIENTS).wire_id == session.branch.wire_id
    assert panel.map.stale
    follow(session)
    assert not panel.map.stale
    assert panel.words.isVisible()


def test_a_short_run_is_computed_again_by_itself_after_an_edit(session, open_panel):
    panel = open_panel(session)
    follow(session)
    change(session)
    panel.refresh()
    assert session.questions.get(GRADIENTS).wire_id == session.branch.wire_id
    assert panel.map.stale
    follow(session)
    assert not panel.map.stale


def test_another_run_forgets_the_map(session, open_panel):
    panel = open_panel(session)
    follow(session)
    session.set_trace(scripted.trace(("a", "dog")))
    panel.refresh()
    assert session.questions.get(GRADIENTS).question == FollowGradients(0, 1)
    assert panel.map.table.size == 0


def test_hidden_it_asks_nothing_and_waits_for_nothing(session, open_panel):
    panel = open_panel(session)
    panel.hide()
    assert session.questions.get(GRADIENTS) is None
    session.playhead.seek(4)
    panel.refresh()
    assert session.questions.get(GRADIENTS) is None


def test_failures_and_missing_models_are_said_in_the_panel(session, open_panel):
    panel = open_panel(session)
    assert panel.map.isVisible()
    session.questions.fail(session.questions.get(GRADIENTS).number, "There is not enough memory.")
    assert not panel.map.isVisible()  # nothing would be in it
    assert "not enough memory" in panel.status.text()
    number = session.questions.get(GRADIENTS).number
    session.playhead.seek(3)
    assert session.questions.get(GRADIENTS).number == number  # it is not asked over and over
    assert panel.compute.isVisible()
    session.questions.possible = False
    panel.refresh()
    assert "load the model" in panel._empty.text()
    assert panel._empty.isVisible()


# ── The map ───────────────────────────────────────────────────────────────────────────────────────────────────────

def test_all_tables_are_drawn_on_one_scale(session, open_panel):
    panel = open_panel(session)
    follow(session)
    scales = set()
    for name, factor in (("hidden", 1.0), ("cell", 2.0), ("forget_path", 1.5), ("other_paths", 0.8)):
        panel.by.setCurrentIndex(panel.by.findData(name))
        panel.by.activated.emit(panel.by.currentIndex())
        assert panel.map.table[6, 2] == pytest.approx(factor * 0.7**4)
        assert panel.map.symbol == ("h" if name == "hidden" else "c")
        scales.add(panel.map.decades)
    assert scales == {(-2, 1)}


def test_a_cell_that_has_no_cell_state_is_followed_by_h_alone(session, open_panel):
    panel = open_panel(session)
    asked = session.questions.get(GRADIENTS)
    rows = msgspec.structs.replace(scripted_answers.gradient_rows(0, STEPS, 0, STEPS - 1), cell=b"", forget_path=b"",
                                   other_paths=b"")
    session.questions.take_part(asked.number, rows, done=True)
    assert [panel.by.itemData(place) for place in range(panel.by.count())] == ["hidden"]


def test_pointing_reads_a_cell_out_and_a_click_goes_to_its_word(qtbot, session, open_panel):
    panel = open_panel(session)
    follow(session)
    chart = panel.map
    qtbot.wait(20)  # the panel's parts find their places
    qtbot.mouseMove(chart.plot.surface, chart.place_of(4, 1).toPoint())
    qtbot.waitUntil(lambda: bool(chart.reading))
    assert chart.reading == "log p(running) by h of step 2 “brown”: 0.3430".replace("running", scripted.CAPTION[4])
    qtbot.mouseMove(chart.plot.surface, chart.place_of(2, 5).toPoint())
    qtbot.waitUntil(lambda: "after it" in chart.reading)
    qtbot.mouseClick(chart.plot.surface, Qt.MouseButton.LeftButton, pos=chart.place_of(7, 3).toPoint())
    assert session.playhead.step == 7
    assert chart.current == 7


def test_what_is_0_has_the_grounds_colour_and_equal_norms_one_colour(qtbot, session, open_panel):
    panel = open_panel(session)
    follow(session)
    qtbot.wait(20)
    image = panel.map.plot.surface.grab().toImage()
    ratio = image.devicePixelRatio()

    def colour(word, step):
        return image.pixelColor((panel.map.place_of(word, step) * ratio).toPoint()).name()

    assert colour(2, 6) == QColor(LIGHT.missing).name()
    assert colour(7, 5) == colour(9, 7) == colour(2, 0)
    assert colour(7, 5) != colour(7, 6)


@given(arrays.arrays(np.float32, (5, 5), elements=st.floats(0, 1e6, width=32)))
def test_the_scale_ends_at_powers_of_ten_around_all_norms(table):
    low, high = decades_of([table])
    assert 1 <= high - low <= DECADES_AT_MOST
    if table.max() > 1e-30:
        assert table.max() <= 10.0**high * (1 + 1e-5)
        assert table.max() > 10.0**high / 10 * (1 - 1e-5)
    positive = table[table > 0]
    if positive.size and high - low < DECADES_AT_MOST:
        assert positive.min() >= 10.0**low * (1 - 1e-5)


# ── What the word depended on ─────────────────────────────────────────────────────────────────────────────────────


def test_it_is_there_for_every_model_with_a_hidden_state():
    spec = next(spec for spec in BUILT_IN if spec.name == "attribution")
    assert spec.accepts(Subject(channels=scripted.channels()))
    assert not spec.accepts(Subject(channels=tuple(own for own in scripted.channels() if own.role != "hidden")))


def test_every_control_has_a_name_and_a_tooltip(session, open_panel):
    panel = open_panel(session)
    for kind in (QAbstractButton, QComboBox):
        for control in panel.findChildren(kind):
            assert control.accessibleName() or control.text(), control
            assert control.toolTip(), control


@pytest.mark.parametrize("width", [236, 380, 640, 900])
def test_it_is_painted_at_every_width_in_both_themes(session, open_panel, width):
    panel = open_panel(session, width, 200)
    panel.masking.setChecked(True)
    follow(session)
    mask(session)
    before = panel.map.table.copy()
    light = panel.map.grab().toImage()
    panel.set_theme(DARK)
    assert panel.map.grab().toImage() != light
    np.testing.assert_array_equal(panel.map.table, before)
    assert panel.map.height() >= 120
    assert panel.map.width() <= width
