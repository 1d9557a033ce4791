"""Every change is a branch, to be undone, switched, named, removed and kept; hypotheses of a search are branches too."""

from __future__ import annotations

import pytest
import scripted
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QLineEdit
from windows import CAT, form, names, settled, two_branches, words

from unrolled.models.protocol.decoding import Decoding
from unrolled.models.trace.edits import (
    ForceToken,
)
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.commands import OpenView
from unrolled.viewer.state.session_file import LONGEST_NAME


@pytest.fixture
def window(captioned):
    return captioned


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
    qtbot.waitUntil(lambda: names(window)[1] == "with\ufffd a\ufffdcat")
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
    assert not texts["Remove\tDel"]
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
    qtbot.waitUntil(lambda: window.session.trace is not None and not window.session.branches.all[0].trace.words)
    window.do(c.Open(tmp_path / "kept.unrolled"))
    qtbot.waitUntil(lambda: len(names(window)) == len(before))
    after = [(own.identity, own.name, own.parent, own.step, own.edits, tuple(own.trace.words))
             for own in window.session.branches.all.values()]
    assert after == before
    qtbot.waitUntil(lambda: window.controller.run.is_open)
    assert window.session.input_at(9).name == "other.png"
    window.do(c.ApplyEdit(ForceToken(first=9, last=9, token=CAT, word="cat")))  # it goes on from what was read
    settled(qtbot, window)
    assert words(window)[9] == "cat"


# ── Beams ─────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_search_is_shown_and_its_hypotheses_are_branches(qtbot, window):
    window.do(c.SetDecoding(Decoding(method="beam", beam_width=2)))
    settled(qtbot, window)
    qtbot.waitUntil(lambda: window.session.search is not None and window.session.search.over)
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
    qtbot.waitUntil(lambda: len(words(window)) == 5)
    assert window.session.search is not search  # by a search of its own
    window.coordinator.flush()
    window.do(c.ShowBranch(window.session.branch.parent))
    assert window.session.search is search
    window.coordinator.flush()
    panel.tree.setFocus()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Up):
        qtbot.keyClick(panel.tree, key)
    assert panel.tree.chosen == search.steps[0][0].number


def test_a_name_is_no_longer_than_a_file_of_the_session_holds(captioned):
    captioned.do(c.RenameBranch(captioned.session.branches.current, "ß名" * LONGEST_NAME))
    assert captioned.session.branches.shown.name == "ß名" * (LONGEST_NAME // 2)
