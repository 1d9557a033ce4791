"""Changing the computation in the window: every change is a branch, to be undone, switched, named and compared."""

from __future__ import annotations

import gc

import pytest
import scripted
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QLineEdit

from unrolled.models.protocol.decoding import Decoding
from unrolled.models.trace.edits import (
    AddNoise,
    ClampUnits,
    ForceToken,
    MaskAttention,
    ScaleUnits,
    SetAttention,
    SwapInput,
    UniformAttention,
)
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.commands import OpenView
from unrolled.viewer.state.session_file import LONGEST_NAME

CAT = scripted.WORDS.index("cat")
LENGTH = len(scripted.CAPTION)


@pytest.fixture
def window(captioned):
    return captioned


def settled(qtbot, window):
    qtbot.waitUntil(lambda: window.session.trace.ended and not window.controller.run.busy, timeout=5000)
    window.coordinator.flush()


def names(window):
    return [branch.name for branch in window.session.branches.all.values()]


def words(window):
    return tuple(window.session.trace.words)


def said(window):
    return window.controller.messages[-1].text if window.controller.messages else ""


def form(window):
    window.do(OpenView("edits"))
    window.coordinator.flush()
    return window.host.views["edits"].form


def choose(picker, name):
    picker.setCurrentIndex(picker.findData(name))
    assert picker.currentData() == name


def make(qtbot, window):
    before = len(window.session.branches.all)
    qtbot.mouseClick(form(window).button, Qt.MouseButton.LeftButton)
    settled(qtbot, window)
    assert len(window.session.branches.all) == before + 1, form(window).sentence.text()
    return window.session.branch.edits[-1].edit


# ── The form ──────────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_word_is_typed_and_the_run_goes_on_from_it(qtbot, window):
    window.session.playhead.seek(4)
    its = form(window)
    choose(its.kind, "word")
    qtbot.keyClicks(its.word, "cat")
    qtbot.keyClick(its.word, Qt.Key.Key_Return)
    settled(qtbot, window)
    assert words(window) == (*scripted.CAPTION[:4], "cat", *scripted.CAPTION[5:])
    assert window.session.playhead.step == 4
    assert words(window) != tuple(window.session.branches.all[0].trace.words)
    assert window.session.trace.provenance.edits == (ForceToken(first=4, last=4, token=CAT, word="cat"),)


def test_a_word_that_the_model_does_not_know_is_said_where_it_was_typed(qtbot, window):
    its = form(window)
    qtbot.keyClicks(its.word, "doge")
    qtbot.keyClick(its.word, Qt.Key.Key_Return)
    assert "“doge” is not one of the model’s" in its.sentence.text()
    assert "dog" in its.sentence.text().split("Near it")[1]
    assert names(window) == ["Run"]


@pytest.mark.parametrize(("operation", "expected"), [
    ("zero", ClampUnits(first=3, last=3, channel="cell", units=(1, 4, 5, 6), value=0.0)),
    ("clamp", ClampUnits(first=3, last=3, channel="cell", units=(1, 4, 5, 6), value=1.0)),
    ("scale", ScaleUnits(first=3, last=3, channel="cell", units=(1, 4, 5, 6), factor=2.0)),
    ("noise", AddNoise(first=3, last=3, channel="cell", units=(1, 4, 5, 6), deviation=0.5))])
def test_units_are_changed_at_the_step_that_is_shown(qtbot, window, operation, expected):
    window.session.playhead.seek(3)
    its = form(window)
    choose(its.kind, "units")
    choose(its.channel, "cell")
    its.units.setText("1, 4-6")
    choose(its.operation, operation)
    assert make(qtbot, window) == expected
    if operation == "zero":
        assert (window.session.trace.column("cell")[3, [1, 4, 5, 6]] == 0).all()
        assert (window.session.trace.column("cell")[4, [1, 4]] != 0).any()


def test_pinned_units_over_a_range_of_steps(qtbot, window):
    window.session.selection.set((7, 9))
    its = form(window)
    choose(its.kind, "units")
    choose(its.steps, "range")
    its.begin.setValue(2)
    its.end.setValue(4)
    edit = make(qtbot, window)
    assert (edit.first, edit.last, edit.units) == (1, 3, (7, 9))


def test_units_that_are_not_there_are_said(qtbot, window):
    its = form(window)
    choose(its.kind, "units")
    for text, sentence in (("64", "no unit 64"), ("x", "“x” is no unit"), ("pinned", "No unit is pinned")):
        its.units.setText(text)
        qtbot.mouseClick(its.button, Qt.MouseButton.LeftButton)
        assert sentence in its.sentence.text()
    assert names(window) == ["Run"]


def test_a_gate_is_switched_off_from_here_on(qtbot, window):
    window.session.playhead.seek(5)
    its = form(window)
    choose(its.kind, "gate")
    choose(its.gate, "forget_gate")
    choose(its.steps, "on")
    assert make(qtbot, window) == ClampUnits(first=5, channel="forget_gate", value=0.0)
    assert (window.session.trace.column("forget_gate")[5:] == 0).all()


def test_attention_is_painted_on_the_picture(qtbot, window):
    window.session.playhead.seek(2)
    its = form(window)
    choose(its.kind, "attention")
    choose(its.look, "attend")
    canvas = window.layout_.sections["picture"].content.canvas
    window.coordinator.flush()
    for row, column in ((0, 0), (0, 1), (2, 3)):
        place = canvas.cell_place(row, column).center().toPoint()
        qtbot.mouseMove(canvas, place)
        qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=place)
        qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=place)
    columns = scripted.GRID[1]
    assert set(window.session.brush.weights) == {0, 1, 2 * columns + 3}
    place = canvas.cell_place(0, 1).center().toPoint()
    qtbot.mouseMove(canvas, place)
    qtbot.mousePress(canvas, Qt.MouseButton.RightButton, pos=place)  # wipes
    edit = make(qtbot, window)
    assert isinstance(edit, SetAttention)
    assert [number for number, weight in enumerate(edit.weights) if weight] == [0, 2 * columns + 3]
    assert not window.session.brush.weights


def test_attention_is_masked_or_made_even(qtbot, window):
    its = form(window)
    choose(its.kind, "attention")
    assert make(qtbot, window) == UniformAttention(first=window.session.playhead.step, last=window.session.playhead.step)
    choose(its.look, "mask")
    qtbot.mouseClick(its.button, Qt.MouseButton.LeftButton)
    assert "Paint on the picture first" in its.sentence.text()
    for place in (3, 1):
        window.session.brush.paint(place)
    assert make(qtbot, window) == MaskAttention(places=(1, 3), first=window.session.playhead.step,
                                                last=window.session.playhead.step)
    window.do(OpenView(""))
    assert window.session.brush.mode == "off"  # the brush goes with the form


def test_the_picture_is_swapped_from_a_step_on(qtbot, window, tmp_path):
    path = tmp_path / "other.png"
    path.write_bytes(scripted.picture(200, 200).data)
    window.do(c.ReplaceInput(path, 4))
    qtbot.waitUntil(lambda: len(names(window)) == 2)
    settled(qtbot, window)
    edit = window.session.branch.edits[-1].edit
    assert isinstance(edit, SwapInput)
    assert edit.first == 4
    canvas = window.layout_.sections["picture"].content.canvas
    for step, shape in ((2, (240, 320)), (6, (200, 200))):
        window.session.playhead.seek(step)
        window.coordinator.flush()
        assert (canvas._photo.height(), canvas._photo.width()) == shape
    window.do(c.ReplaceInput(tmp_path / "nothing.png", 4))
    qtbot.waitUntil(lambda: "no file" in said(window))


def test_what_cannot_be_changed_is_said_and_nothing_is_lost(qtbot, window):
    before = words(window)
    for edit, sentence in ((ForceToken(first=40, token=CAT), "not there yet"), (ForceToken(first=1, token=999), "no word 999"),
                           (ClampUnits(channel="candidate"), "could be changed")):
        window.do(c.ApplyEdit(edit))
        assert sentence in said(window)
    assert names(window) == ["Run"]
    assert words(window) == before


def test_numbers_that_are_none_are_shown_where_they_began(qtbot, window):
    window.do(c.ApplyEdit(ScaleUnits(channel="cell", factor=1e30, first=3)))
    qtbot.waitUntil(lambda: "not finite" in said(window), timeout=5000)
    assert "Step 4" in said(window)
    assert "cell, unit 3" in said(window)
    assert window.session.selection.units == (3,)
    assert words(window) == scripted.CAPTION[:3]  # what came before is kept
    window.controller.history.undo()
    assert words(window) == scripted.CAPTION


# ── Branches ──────────────────────────────────────────────────────────────────────────────────────────────────────

def two_branches(qtbot, window):
    window.do(c.ChooseToken(2, CAT))
    settled(qtbot, window)
    window.do(c.ApplyEdit(ClampUnits(channel="cell", value=0.5, first=5, last=5)))
    settled(qtbot, window)


def test_undo_and_redo(qtbot, window):
    two_branches(qtbot, window)
    assert len(names(window)) == 3
    actions = window.actions_by_name
    assert actions["undo"].isEnabled()
    assert not actions["redo"].isEnabled()
    actions["undo"].trigger()
    assert len(names(window)) == 2
    assert words(window)[2] == "cat"
    actions["undo"].trigger()
    assert names(window) == ["Run"]
    assert words(window) == scripted.CAPTION
    assert not actions["undo"].isEnabled()
    actions["redo"].trigger()
    actions["redo"].trigger()
    assert len(names(window)) == 3
    assert (window.session.trace.column("cell")[5] == 0.5).all()
    window.coordinator.flush()


def test_the_same_change_twice_is_one_branch(qtbot, window):
    window.do(c.ChooseToken(2, CAT))
    settled(qtbot, window)
    window.do(c.ShowBranch(0))
    window.do(c.ChooseToken(2, CAT))
    assert len(names(window)) == 2
    assert words(window)[2] == "cat"


def test_edits_are_switched_off_and_on(qtbot, window):
    two_branches(qtbot, window)
    form(window)
    panel = window.host.views["edits"]
    box = panel.edits.topLevelItem(0)
    assert [panel.edits.topLevelItem(place).checkState(0) for place in range(2)] == [Qt.CheckState.Checked] * 2
    box.setCheckState(0, Qt.CheckState.Unchecked)  # the word: the branch is run again from its step
    settled(qtbot, window)
    assert len(names(window)) == 3
    assert words(window) == scripted.CAPTION
    assert (window.session.trace.column("cell")[5] == 0.5).all()
    assert len(window.session.trace.provenance.edits) == 1
    panel.edits.setFocus()
    qtbot.keyClick(panel.edits, Qt.Key.Key_Up)
    qtbot.keyClick(panel.edits, Qt.Key.Key_Space)
    settled(qtbot, window)
    assert words(window)[2] == "cat"
    window.controller.history.undo()
    assert words(window) == scripted.CAPTION


def test_an_edit_is_removed_by_its_cross_and_by_a_key(qtbot, window):
    two_branches(qtbot, window)
    form(window)
    its = window.host.views["edits"].edits
    cross = its.model().index(0, 1)
    assert cross.data(Qt.ItemDataRole.AccessibleTextRole).startswith("Remove ")
    qtbot.mouseClick(its.viewport(), Qt.MouseButton.LeftButton, pos=its.visualRect(cross).center())
    settled(qtbot, window)
    assert [placed.edit.channel for placed in window.session.branch.edits] == ["cell"]
    assert words(window) == scripted.CAPTION
    its.setFocus()
    qtbot.keyClick(its, Qt.Key.Key_Down)
    qtbot.keyClick(its, Qt.Key.Key_Delete)
    settled(qtbot, window)
    assert window.session.branch.edits == ()
    assert its.isHidden()


def test_the_tree_shows_renames_and_removes(qtbot, window):
    two_branches(qtbot, window)
    window.do(c.ShowBranch(0))
    window.do(c.ChooseToken(7, CAT))
    settled(qtbot, window)
    rows = window.host.views["branches"].rows
    assert window.host.views["branches"].isVisible()
    assert [own.identity for own in rows.branches.rows] == [0, 1, 2, 3]  # a branch, what leaves it, then the next
    qtbot.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton,
                     pos=QPoint(round(rows.x_of(4.5)), rows.visualRect(rows.branches.index(1, 0)).center().y()))
    window.coordinator.flush()
    assert window.session.branches.current == 1
    assert window.session.playhead.step == 4
    rows.setFocus()
    qtbot.keyClick(rows, Qt.Key.Key_F2)
    editor = rows.findChild(QLineEdit)
    editor.selectAll()
    editor.insert("with\u202e a\x1bcat")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: names(window)[1] == "with\ufffd a\ufffdcat", timeout=2000)
    qtbot.keyClick(rows, Qt.Key.Key_Down)
    assert window.session.branches.current == 2
    qtbot.keyClick(rows, Qt.Key.Key_Up)
    qtbot.keyClick(rows, Qt.Key.Key_Delete)
    assert [own.identity for own in window.session.branches.all.values()] == [0, 3]  # what left it is gone too
    window.controller.history.undo()
    assert names(window)[1] == "with\ufffd a\ufffdcat"
    qtbot.keyClick(rows, Qt.Key.Key_Delete)
    window.do(c.ShowBranch(0))
    qtbot.keyClick(rows, Qt.Key.Key_Delete)  # the first run stays
    assert 0 in window.session.branches.all


def test_a_branchs_menu_offers_what_can_be_done(qtbot, window):
    two_branches(qtbot, window)
    rows = window.host.views["branches"].rows
    rows.verticalScrollBar().setValue(0)
    place = QPoint(20, 12)
    asked = rows.viewport()
    QApplication.sendEvent(asked, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, asked.mapToGlobal(place)))
    menu = next(child for child in rows.children() if type(child).__name__ == "QMenu")
    texts = {action.text(): action.isEnabled() for action in menu.actions()}
    assert texts["Compare with the branch shown"]
    assert not texts["Remove (Del)"]
    menu.close()


def test_branches_are_kept_in_the_session(qtbot, window, tmp_path):
    two_branches(qtbot, window)
    other = tmp_path / "other.png"
    other.write_bytes(scripted.picture(200, 200).data)
    count = len(names(window))
    window.do(c.ReplaceInput(other, 8))
    qtbot.waitUntil(lambda: len(names(window)) == count + 1)
    settled(qtbot, window)
    before = [(own.identity, own.name, own.parent, own.step, own.edits, tuple(own.trace.words))
              for own in window.session.branches.all.values()]
    window.dialogs.save_session(tmp_path / "kept.unrolled")
    window.dialogs.wait_until_saved()
    window.do(c.OpenData(scripted.picture().data, "again.png"))
    qtbot.waitUntil(lambda: window.session.trace is not None and not window.session.branches.all[0].trace.words, timeout=5000)
    window.do(c.Open(tmp_path / "kept.unrolled"))
    qtbot.waitUntil(lambda: len(names(window)) == len(before))
    after = [(own.identity, own.name, own.parent, own.step, own.edits, tuple(own.trace.words))
             for own in window.session.branches.all.values()]
    assert after == before
    qtbot.waitUntil(lambda: window.controller.run.is_open, timeout=5000)
    assert window.session.input_at(9).name == "other.png"
    window.do(c.ApplyEdit(ForceToken(first=9, last=9, token=CAT, word="cat")))  # it goes on from what was read
    settled(qtbot, window)
    assert words(window)[9] == "cat"


# ── Beams ─────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_search_is_shown_and_its_hypotheses_are_branches(qtbot, window):
    window.do(c.SetDecoding(Decoding(method="beam", beam_width=2)))
    settled(qtbot, window)
    qtbot.waitUntil(lambda: window.session.search is not None and window.session.search.over, timeout=5000)
    search = window.session.search
    fates = [[search.fate(own) for own in made] for made in search.steps]
    assert fates[0] == ["best", "lives"]
    assert fates[3] == ["best", "died"]
    assert search.best.result.word == "<end>"
    window.do(OpenView("beam"))
    window.coordinator.flush()
    panel = window.host.views["beam"]
    assert f"{len(search)} hypotheses" in panel.status.text()
    dead = next(own for own in search.steps[3] if search.fate(own) == "died")
    place, size = panel.tree.place(dead.number).center(), panel.tree.size()
    panel.tree.setFocus()
    qtbot.keyClick(panel.tree, Qt.Key.Key_Plus)
    assert panel.tree.place(dead.number).center() == place * 1.25
    assert panel.tree.width() > size.width()
    assert panel.tree.at(panel.tree.place(dead.number).center()) == dead
    qtbot.mouseClick(panel.tree, Qt.MouseButton.LeftButton, pos=panel.tree.place(dead.number).center().toPoint())
    assert words(window) == ("the", "cat", "the", "the")
    assert window.session.branch.parent is not None
    window.do(c.StepForward())  # it goes on from there
    qtbot.waitUntil(lambda: len(words(window)) == 5, timeout=5000)
    assert window.session.search is not search  # by a search of its own
    window.coordinator.flush()
    window.do(c.ShowBranch(window.session.branch.parent))
    assert window.session.search is search
    window.coordinator.flush()
    panel.tree.setFocus()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Up):
        qtbot.keyClick(panel.tree, key)
    assert panel.tree.chosen == search.steps[0][0].number


# ── Comparing ─────────────────────────────────────────────────────────────────────────────────────────────────────

def tracks(window):
    return {track.name: track for track in window.host.views["tracks"].tracks}


def test_two_branches_side_by_side(qtbot, window):
    two_branches(qtbot, window)
    window.do(c.CompareBranch(0))
    window.coordinator.flush()
    there = tracks(window)
    assert {"cell", "other cell", "difference cell", "words", "other words"} <= set(there)
    own, other = window.session.trace, window.session.branches.all[0].trace
    assert there["other cell"].trace is other
    difference = there["difference cell"].trace.column("cell")
    assert (difference == own.column("cell")[: len(difference)] - other.column("cell")[: len(difference)]).all()
    bar = window.host.views["tracks"].compare_bar
    assert "they diverge at step 3: “cat” / “dog”" in bar.text.text()
    assert all(track.first_divergence == 2 for track in there.values())
    largest = window.host.views["tracks"].differences.largest
    bar.text.linkActivated.emit(f"{largest.step}:{largest.place}")
    assert window.session.playhead.step == largest.step == 5
    assert largest.place in window.session.selection.units
    beside = window.layout_.sections["beside"]
    assert beside.isVisible()
    assert "dog" in beside.content.words.words
    assert window.grab().width()
    window.actions_by_name["compare_end"].trigger()
    window.coordinator.flush()
    assert "other cell" not in tracks(window)
    assert not beside.isVisible()


def test_another_picture_beside_in_the_same_process(qtbot, window, tmp_path):
    path, said_of_it = tmp_path / "other.png", []
    path.write_bytes(scripted.picture(200, 200).data)
    window.controller.voice.status_changed.connect(lambda text, _: said_of_it.append(text))
    window.do(c.CompareInput(path))
    started = [process for process in gc.get_objects() if isinstance(process, BackendProcess) and process.alive]
    assert started == [window.controller.backend]
    qtbot.waitUntil(lambda: window.session.compared is not None and window.session.compared.trace.ended, timeout=10_000)
    window.coordinator.flush()
    assert tuple(window.session.compared.trace.words) == words(window)
    assert "the same words" in window.host.views["tracks"].compare_bar.text.text()
    assert window.session.compared.input.name == "other.png"
    assert any("reads “other.png”" in text for text in said_of_it)
    assert said_of_it[-1] == ""
    window.do(c.CompareInput(path))  # once more: what was beside before is forgotten
    qtbot.waitUntil(lambda: window.session.compared is not None and window.session.compared.trace.ended, timeout=10_000)
    window.do(c.OpenData(scripted.picture().data, "again.png"))  # another run: the other one ends
    assert window.session.compared is None
    window.do(c.CompareInput(tmp_path / "nothing.png"))
    qtbot.waitUntil(lambda: "no file" in said(window))


def test_the_run_on_screen_goes_on_beside_another_one(qtbot, window, tmp_path):
    path = tmp_path / "other.png"
    path.write_bytes(scripted.picture(200, 200).data)
    window.do(c.CompareInput(path))
    qtbot.waitUntil(lambda: window.session.compared is not None and window.session.compared.trace.ended, timeout=10_000)
    window.do(c.ChooseToken(2, scripted.WORDS.index("dog")))
    qtbot.waitUntil(lambda: window.session.trace.ended and not window.controller.run.busy, timeout=5000)
    assert words(window)[2] == "dog"
    assert window.session.compared is not None
    window.do(c.LoadModel("scripted-scene"))  # another model: nothing is left of what ran beside
    qtbot.waitUntil(lambda: window.session.description.name == "scripted-scene", timeout=5000)
    assert window.session.compared is None


def test_another_model_beside_says_what_it_cannot_do(qtbot, window):
    ends = window.actions_by_name["compare_end"]
    window.do(c.CompareModel("scripted"))
    assert window.session.compared is None
    assert ends.isEnabled()  # while its process starts
    ends.trigger()
    assert not ends.isEnabled()
    window.do(c.CompareModel("nothing"))
    qtbot.waitUntil(lambda: "There is no model “nothing”" in said(window), timeout=10_000)
    assert window.session.compared is None
    window.do(c.CompareModel("scripted-text"))
    qtbot.waitUntil(lambda: "does not take" in said(window), timeout=10_000)


def test_a_recorded_trace_beside(qtbot, window, tmp_path):
    from unrolled.models.trace.files import save_trace

    save_trace(scripted.trace(seed=3), tmp_path / "kept.npz")
    window.do(c.CompareTrace(tmp_path / "kept.npz"))
    qtbot.waitUntil(lambda: window.session.compared is not None)
    window.coordinator.flush()
    assert window.host.views["tracks"].differences.largest is not None
    window.do(c.CompareTrace(tmp_path / "nothing.npz"))
    qtbot.waitUntil(lambda: "There is no file" in said(window))


def test_a_name_is_no_longer_than_a_file_of_the_session_holds(captioned):
    captioned.do(c.RenameBranch(captioned.session.branches.current, "ß名" * LONGEST_NAME))
    assert captioned.session.branches.shown.name == "ß名" * (LONGEST_NAME // 2)
