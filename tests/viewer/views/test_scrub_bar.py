"""The bar goes where it is dragged, clicked, turned or keyed, and says so to those who cannot see it."""

from __future__ import annotations

import pytest
import scripted
from contexts import context, on_screen
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible

from unrolled.viewer.views.scrub_bar import ScrubBarView


@pytest.fixture
def bar(qtbot, session):
    made = ScrubBarView(context(session))
    return on_screen(qtbot, made, 900, made.height())


def place(bar: ScrubBarView, step: int) -> QPoint:
    return QPoint(round(bar.row.x_of(step)), 25)


def test_clicking_and_dragging_go_to_the_step_under_the_pointer(qtbot, bar, session):
    qtbot.mousePress(bar.row, Qt.MouseButton.LeftButton, pos=place(bar, 6))
    assert session.playhead.step == 6
    for step in (2, 9, 4):
        qtbot.mouseMove(bar.row, place(bar, step))
        assert session.playhead.step == step
    qtbot.mouseRelease(bar.row, Qt.MouseButton.LeftButton, pos=place(bar, 4))
    qtbot.mouseClick(bar.row, Qt.MouseButton.LeftButton, pos=QPoint(890, 25))  # beyond the last step
    assert session.playhead.step == len(session.trace) - 1


def test_the_keys_of_a_slider(qtbot, bar, session):
    bar.row.setFocus()
    for key, step in ((Qt.Key.Key_End, 9), (Qt.Key.Key_Left, 8), (Qt.Key.Key_Home, 0), (Qt.Key.Key_Right, 1),
                      (Qt.Key.Key_PageUp, 9), (Qt.Key.Key_PageDown, 0)):
        qtbot.keyClick(bar.row, key)
        assert session.playhead.step == step


def test_screen_readers_get_a_slider_with_the_step(bar, session):
    session.playhead.seek(4)
    bar.seek(4)
    interface = QAccessible.queryAccessibleInterface(bar.row)
    assert interface.role() == QAccessible.Role.Slider
    assert bar.row.accessibleName() == "Playhead"
    assert (bar.row.value(), bar.row.maximum()) == (4, 9)
    assert "running" in bar.row.accessibleDescription()


def test_nothing_to_scrub_is_no_failure(qtbot, bar, session):
    session.set_trace(None)
    bar.refresh()
    qtbot.mouseClick(bar.row, Qt.MouseButton.LeftButton, pos=QPoint(200, 25))
    qtbot.keyClick(bar.row, Qt.Key.Key_End)
    assert session.playhead.step == -1
    bar.grab()


def test_a_screen_reader_moves_the_playhead(bar, session):
    bar.row.setValue(7)  # what the accessible interface of a slider does
    assert session.playhead.step == 7
    session.playhead.seek(2)
    bar.seek(2)
    assert (bar.row.value(), session.playhead.step) == (2, 2)


def test_a_long_run_has_room_for_its_number(bar, session):
    before = bar.row._row.width()
    session.set_trace(scripted.trace(scripted.CAPTION[:-1] * 1200))
    bar.refresh()
    assert bar.row._row.width() < before
    session.playhead.seek(len(session.trace) - 1)
    after = bar.row._row.width()
    bar.seek(session.playhead.step)
    assert bar.row._row.width() == after
    assert bar.row.step_at(bar.row.x_of(session.playhead.step)) == session.playhead.step
    bar.grab()
