"""The drawer's explanations in a window: what is asked, what is shown, and what can be clicked."""

from __future__ import annotations

import numpy as np
import pytest
import scripted
import scripted_answers
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QGuiApplication

from unrolled.models.analysis.occlusion import summarise, verdict
from unrolled.models.protocol.questions import Explained
from unrolled.models.trace.edits import ClampUnits
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.attributions import OCCLUSION
from unrolled.viewer.views.units.equation_text import number, typeset


@pytest.fixture
def window(captioned):
    captioned.session.playhead.seek(4)
    return captioned


def opened(qtbot, window, name):
    window.actions_by_name[name].trigger()
    window.coordinator.flush()
    return window.host.views[name]


def answered(qtbot, window, name):
    qtbot.waitUntil(lambda: (asked := window.session.questions.get(name)) is not None and asked.done)
    window.coordinator.flush()


# ── Equations ─────────────────────────────────────────────────────────────────────────────────────────────────────

def test_equations_show_the_traces_numbers_to_the_last_digit(qtbot, window):
    window.session.selection.set((17,))
    panel = opened(qtbot, window, "equations")
    answered(qtbot, window, "equations")
    text = panel.text.toPlainText()
    for name in ("input_gate", "forget_gate", "cell_gate", "output_gate", "cell", "hidden"):
        assert number(float(window.session.trace.column(name)[4, 17])) in text
        assert name.replace("_", " ") in text
    assert panel.unit == 17
    assert "the model gives" not in text
    for own in panel.explained.looked:
        assert number(float(window.session.trace.column("attention")[4].ravel()[own.place])) in text
    window.session.playhead.seek(6)
    window.coordinator.flush()
    answered(qtbot, window, "equations")
    assert panel.explained.step == 6
    assert number(float(window.session.trace.column("cell")[6, 17])) in panel.text.toPlainText()


def test_causes_are_named_and_can_be_clicked(qtbot, window):
    window.session.selection.set((17,))
    panel = opened(qtbot, window, "equations")
    answered(qtbot, window, "equations")
    assert f"“{scripted.CAPTION[3]}” +0.2000" in panel.text.toPlainText()  # the word before, in the one that is unfolded
    panel.text.anchorClicked.emit(QUrl("open:input_gate"))
    assert panel.text.toPlainText().count(f"“{scripted.CAPTION[3]}” +0.2000") == 2
    panel.text.anchorClicked.emit(QUrl("unit:22"))
    assert window.session.selection.units == (17, 22)
    window.coordinator.flush()
    assert panel.unit == 22
    panel.text.anchorClicked.emit(QUrl("step:3"))
    assert window.session.playhead.step == 3


def test_a_unit_can_be_typed_and_the_equations_copied(qtbot, window):
    panel = opened(qtbot, window, "equations")
    loudest = int(np.abs(window.session.trace.column("hidden")[4]).argmax())
    assert panel.unit == loudest  # nothing is pinned
    panel.unit_box.selectAll()
    qtbot.keyClicks(panel.unit_box, "33")
    qtbot.keyClick(panel.unit_box, Qt.Key.Key_Return)
    assert window.session.selection.units == (33,)
    window.coordinator.flush()
    answered(qtbot, window, "equations")
    for action in panel.findChildren(type(window.actions_by_name["attribution"])):
        action.trigger()
    assert r"f_t &= \sigma(W_{xf} x_t" in QGuiApplication.clipboard().text()
    assert "c_t = f_t · c_t−1 + i_t · g_t = " in panel.text.accessibleDescription()


def test_a_trace_that_is_not_what_the_model_gives_is_marked(qtbot, window):
    window.session.selection.set((17,))
    panel = opened(qtbot, window, "equations")
    answered(qtbot, window, "equations")
    window.session.trace.column("cell")[4, 17] += 0.01
    panel._shown = None
    window.coordinator._refresh()
    window.coordinator.flush()
    assert "the model gives" in panel.text.toPlainText()


@pytest.mark.parametrize(("symbol", "expected"), [
    ("W_xi x_t", "<i>W</i><sub>xi</sub> <i>x</i><sub>t</sub>"), ("h_{t-1}", "<i>h</i><sub>t−1</sub>"),
    ("1 − z_t", "1 − <i>z</i><sub>t</sub>"), ("V_xf v", "<i>V</i><sub>xf</sub> <i>v</i>")])
def test_symbols_are_set_as_in_a_book(symbol, expected):
    assert typeset(symbol) == expected


# ── Why this word ─────────────────────────────────────────────────────────────────────────────────────────────────

def test_gradients_come_by_themselves_and_can_be_clicked(qtbot, window):
    panel = opened(qtbot, window, "attribution")
    answered(qtbot, window, "gradients")
    steps = len(scripted.CAPTION)
    assert panel.map.table.shape == (steps, steps)
    assert panel.map.table[4, 2] == pytest.approx(0.7**2)
    assert panel.map.words[:3] == scripted.CAPTION[:3]
    assert f"“{scripted.CAPTION[4]}” depended on" in panel.attributions.title.text()
    assert panel.words.names[0] == "START"
    assert len(panel.words.values) == 5
    panel.by.setCurrentIndex(panel.by.findData("forget_path"))
    panel.by.activated.emit(panel.by.currentIndex())
    assert panel.map.table[4, 2] == pytest.approx(1.5 * 0.7**2)
    qtbot.mouseClick(panel.map.plot.surface, Qt.MouseButton.LeftButton, pos=panel.map.place_of(steps - 1, 0).toPoint())
    assert window.session.playhead.step == steps - 1
    qtbot.keyClick(panel.map.plot, Qt.Key.Key_Up)
    assert window.session.playhead.step == steps - 2
    window.coordinator.flush()
    assert len(panel.words.values) == steps - 1
    assert panel.words.reading(steps - 2) == f"“{scripted.CAPTION[steps - 3]}”: {number(float(panel.words.values[-1]))}"


def test_places_are_masked_in_turn_and_laid_over_the_picture(qtbot, window):
    panel = opened(qtbot, window, "attribution")
    answered(qtbot, window, "gradients")
    picture = window.layout_.sections["picture"].content
    assert picture.controls.channel.findData(OCCLUSION) < 0
    qtbot.mouseClick(panel.masking, Qt.MouseButton.LeftButton, pos=QPoint(8, panel.masking.height() // 2))
    assert panel.masking.isChecked()
    answered(qtbot, window, OCCLUSION)
    drops = scripted_answers.occluded(4).drops()
    assert np.array_equal(panel.drops.values, drops)
    weights = window.session.trace.column("attention")[4].ravel()
    assert panel.verdict.text() == verdict(summarise(drops, weights))
    place = picture.controls.channel.findData(OCCLUSION)
    picture.controls.channel.setCurrentIndex(place)
    picture.controls.channel.activated.emit(place)
    assert np.array_equal(picture.canvas.shown_map.ravel(), drops)
    assert "drop in log p" in picture.canvas.label
    window.session.playhead.seek(5)
    window.coordinator.flush()
    answered(qtbot, window, OCCLUSION)
    assert np.array_equal(picture.canvas.shown_map.ravel(), scripted_answers.occluded(5).drops())


def test_gradients_can_be_given_up(qtbot, window):
    panel = opened(qtbot, window, "attribution")
    qtbot.waitUntil(lambda: window.session.questions.get("gradients") is not None)
    number_before = window.session.questions.get("gradients").number
    qtbot.mouseClick(panel.cancel, Qt.MouseButton.LeftButton)
    assert window.session.questions.get("gradients") is None
    assert panel.compute.isVisible()
    qtbot.mouseClick(panel.compute, Qt.MouseButton.LeftButton)
    answered(qtbot, window, "gradients")
    assert window.session.questions.get("gradients").number > number_before


def test_a_verdict_says_what_the_numbers_mean():
    attention = np.linspace(1.0, 0.0, 20, dtype=np.float32)

    def said(*drops):
        return verdict(summarise(np.array([*drops, *[0.0] * (20 - len(drops))], np.float32), attention))

    assert said(1.0, 0.8, 0.2).startswith("The attention shows what this word needed: 90% of what masking takes")
    assert "number 1 by attention" in said(1.0, 0.8, 0.2)
    assert said(0.5, 0.0, 0.6).startswith("The attention shows part")
    assert said(0.0, 0.0, 0.0, 0.7).startswith("The attention shows little")
    assert "number 4 by attention" in said(0.0, 0.0, 0.0, 0.7)
    assert "too little for a verdict" in said(0.04)
    assert "too little for a verdict" in said()


# ── Statistics ────────────────────────────────────────────────────────────────────────────────────────────────────

def test_gates_are_dots_that_can_be_pinned(qtbot, window):
    panel = opened(qtbot, window, "gates")
    assert all(button.isVisible() for button in panel.buttons.values())
    gate = window.session.trace.column("forget_gate")
    place = panel.scatter.place(9).toPoint()
    qtbot.mouseMove(panel.scatter.plot.surface, place)
    qtbot.mouseClick(panel.scatter.plot.surface, Qt.MouseButton.LeftButton, pos=place)
    unit, = window.session.selection.units
    assert (gate[:, unit] < 0.1).mean() == (gate[:, 9] < 0.1).mean()  # units at one place are the same dot
    window.coordinator.flush()
    panel.scatter.plot.setFocus()
    qtbot.keyClick(panel.scatter.plot, Qt.Key.Key_Right)
    window.coordinator.flush()
    assert "open" in panel.reading.text()
    assert "pinned" in panel.lives.item(0).text()
    qtbot.mouseClick(panel.buttons["input_gate"], Qt.MouseButton.LeftButton)
    shut = (window.session.trace.column("input_gate") < 0.1).mean(axis=0)
    assert np.allclose(panel.scatter.shut, shut)


@pytest.mark.parametrize("name", ["attention", "gates", "similar"])
def test_a_view_that_was_hidden_shows_what_changed_meanwhile(qtbot, window, name):
    panel = opened(qtbot, window, name)
    window.actions_by_name["edits"].trigger()
    window.session.set_trace(window.session.trace.truncated(3))
    window.session.selection.set((1, 2))
    window.coordinator.flush()
    window.actions_by_name[name].trigger()
    window.coordinator.flush()
    told = {"attention": lambda: panel.text.text(), "gates": lambda: panel.reading.text(), "similar": lambda: panel.status.text()}
    before = told[name]()
    panel.refresh()
    assert told[name]() == before


def test_attention_that_hardly_differs_is_warned_of(qtbot, window):
    panel = opened(qtbot, window, "attention")
    assert not panel.warning.isVisible()
    maps = window.session.trace.column("attention").reshape(len(scripted.CAPTION), -1)
    assert np.allclose(panel.coverage.values, maps.sum(axis=0), atol=1e-5)
    window.session.trace.column("attention")[:] = window.session.trace.column("attention")[0]
    window.session.playhead.seek(2)
    window.coordinator.flush()
    assert panel.warning.isVisible()


def test_similar_steps_are_found_and_gone_to(qtbot, window, tmp_path):
    from unrolled.models.trace.files import save_trace

    window.session.trace.column("hidden")[:] = 0.1
    for step in (2, 7):
        window.session.trace.column("hidden")[step, [5, 6]] = 0.95, -0.95  # loud on either side of 0
    window.session.trace.column("hidden")[4, [5, 6]] = -0.95, 0.95  # and elsewhere each on the other
    panel = opened(qtbot, window, "similar")
    assert "Pin units" in panel.status.text()
    window.session.playhead.seek(2)
    window.coordinator.flush()
    qtbot.mouseClick(panel.take, Qt.MouseButton.LeftButton)
    assert set(window.session.selection.units) == {5, 6}
    window.coordinator.flush()
    assert panel.matches.count() == 2
    assert f"[{scripted.CAPTION[7]}]" in panel.matches.item(1).text()
    panel.length.setValue(3)  # the same steps, which fit less
    assert [panel.matches.item(row).text().split()[0] for row in range(2)] == ["100%"] * 2
    assert "at least half of the units 5, 6 (negative) are active; the percentage is how many" in panel.status.text()
    panel.length.setValue(1)
    panel.matches.itemClicked.emit(panel.matches.item(1))
    assert window.session.playhead.step == 7
    folder = tmp_path / "traces"
    folder.mkdir()
    save_trace(window.session.trace, folder / "one.npz")
    (folder / "broken.npz").write_bytes(b"nothing")
    panel.search_folder(folder)
    qtbot.waitUntil(lambda: "in the folder" in panel.status.text())
    assert panel.matches.count() == 4
    assert "broken.npz" in panel.status.text()
    other = next(panel.matches.item(row) for row in range(4) if "one.npz" in panel.matches.item(row).text())
    panel.matches.itemClicked.emit(other)
    assert window.session.trace.provenance.model == "scripted"
    assert window.session.playhead.step in (2, 7)


# ── Fidelity ──────────────────────────────────────────────────────────────────────────────────────────────────────

def test_the_badge_is_always_there_and_red_where_it_must_be(qtbot, window):
    badge = window.host.views["fidelity"]
    qtbot.waitUntil(lambda: badge.found.steps == len(scripted.CAPTION))
    assert badge.found.agrees
    assert badge.label.text().startswith("✓ verified to ")
    for said in ("nn.LSTMCell", "double precision from the stored weights", "hidden", "attention entropy", "candidates"):
        assert said in badge.label.toolTip()
    window.do(c.ApplyEdit(ClampUnits(channel="cell", value=0.25, first=3, last=3)))  # the script's answer knows of no edit
    qtbot.waitUntil(lambda: not badge.found.agrees)
    assert badge.label.text().startswith("✗ cell, unit")
    assert window.theme.error in badge.label.styleSheet()
    assert "step 4" in badge.label.text()


def test_what_was_found_outlasts_the_model(qtbot, window):
    badge = window.host.views["fidelity"]
    qtbot.waitUntil(lambda: badge.found.steps == len(window.session.trace))
    window.controller.run.close()
    window.session.questions.possible = False
    badge.refresh()
    assert badge.label.text().startswith("✓ verified to ")


def test_without_its_model_a_trace_is_not_checked(qtbot, window, tmp_path):
    from unrolled.models.trace.files import save_trace

    save_trace(window.session.trace, tmp_path / "kept.npz")
    window.controller.run.close()
    window.session.questions.possible = False
    window.do(c.Open(tmp_path / "kept.npz"))
    window.session.questions.possible = False
    window.coordinator._refresh()
    window.coordinator.flush()
    assert window.host.views["fidelity"].label.text() == "not checked"
    panel = opened(qtbot, window, "equations")
    assert "load the model" in panel._empty.text()


def test_answers_that_nobody_waits_for_are_dropped(window):
    questions = window.session.questions
    asked = questions.ask("x", scripted_answers.OccludeStep(1), 0)
    questions.ask("x", scripted_answers.OccludeStep(2), 0)
    questions.take_part(asked.number, scripted_answers.explained(1, 2), done=True)
    assert not questions.get("x").parts
    questions.drop("x")
    assert questions.get("x") is None
    assert isinstance(scripted_answers.explained(1, 2), Explained)
