"""What has no place to go into is drawn larger by Ctrl with the wheel, by keys and by its menu."""

from __future__ import annotations

import pytest
import scripted
import scripted_traces
from contexts import Doing, context, on_screen
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from unrolled.viewer.plotting.context_menu import FigureMenu
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.themes import LIGHT
from unrolled.viewer.views.branches.branch_tree import BranchTreeView
from unrolled.viewer.views.heads.heads import HeadsView
from unrolled.viewer.views.picture.film_strip import FilmStripView
from unrolled.viewer.views.text.reader_view import ReaderText

CTRL, NONE = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.NoModifier


def turn(widget, place, notches, modifiers=CTRL):
    top = widget.window()
    QTest.wheelEvent(top.windowHandle(), QPointF(widget.mapTo(top, place)), QPoint(0, 120 * notches), QPoint(), modifiers)
    QApplication.processEvents()


def choose(widget, text):
    menu = widget.findChild(FigureMenu).menu()
    next(action for action in menu.actions() if action.text().startswith(text)).trigger()


def heads(qtbot):
    session = Session()
    session.set_trace(scripted_traces.layered_trace())
    view = on_screen(qtbot, HeadsView(context(session)), 640, 440)
    return view.tiles, view.tiles, lambda: view.tiles.side


def film_strip(qtbot):
    session = Session()
    session.set_input(scripted.picture())
    session.set_trace(scripted.trace())
    view = on_screen(qtbot, FilmStripView(context(session)), 360, 112)
    return view.view, view.view.viewport(), lambda: view.delegate.picture.height()


def reader(qtbot):
    view = ReaderText(LIGHT)
    qtbot.addWidget(view)
    view.resize(300, 200)
    with qtbot.waitExposed(view):
        view.show()
    view.set_text("what is read and written " * 40, 0)
    return view, view.viewport(), lambda: view.box_of(0).height()


@pytest.mark.parametrize("make", [heads, film_strip, reader])
def test_it_is_larger_and_as_it_was(qtbot, make):
    widget, under_pointer, size = make(qtbot)
    usual, place = size(), QPoint(60, 40)
    turn(under_pointer, place, -1, NONE)
    assert size() == usual
    turn(under_pointer, place, 2)
    larger = size()
    assert larger == pytest.approx(1.25**2 * usual, rel=0.1)
    QTest.keyClick(widget, Qt.Key.Key_Minus)
    assert usual < size() < larger
    QTest.keyClick(widget, Qt.Key.Key_0)
    assert size() == usual
    if make is not reader:
        choose(widget, "Zoom in")
        assert size() > usual
        choose(widget, "Usual size")
        assert size() == usual
    override = QKeyEvent(QEvent.Type.ShortcutOverride, Qt.Key.Key_Plus, NONE)
    override.ignore()
    QApplication.sendEvent(widget, override)
    assert override.isAccepted(), "which would be a shortcut of the window"


def test_branches_are_zoomed_with_the_tracks(qtbot):
    session = Session()
    session.set_trace(scripted.trace())
    view = on_screen(qtbot, BranchTreeView(context(session, doing=Doing(session))), 700, 80)
    before = view.rows.steps()
    place = QPoint(round(view.rows.x_of(4.5)), 10)
    turn(view.rows.viewport(), place, 3)
    assert session.time_axis.stop - session.time_axis.start < before[1] - before[0]
    assert view.rows.steps() == (session.time_axis.start, session.time_axis.stop)
    assert view.rows.step_at(place.x()) == 4
    turn(view.rows.viewport(), place, -9)
    assert view.rows.steps() == before


def test_what_is_clicked_is_where_it_is_drawn(qtbot):
    tiles, _, _ = heads(qtbot)
    turn(tiles, QPoint(60, 40), 6)
    assert tiles.width() > tiles.parentWidget().width()
    chosen = []
    tiles.clicked.connect(lambda *tile: chosen.append(tile))
    qtbot.mouseClick(tiles, Qt.MouseButton.LeftButton, pos=tiles.place(2, 1).center().toPoint())
    assert chosen == [(2, 1)]
