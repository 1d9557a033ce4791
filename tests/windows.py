"""What tests do with a window that holds the script's caption, and ask of it."""

from __future__ import annotations

import scripted
from PySide6.QtCore import Qt

from unrolled.models.trace.edits import ClampUnits
from unrolled.viewer.state import commands as c

CAT = scripted.WORDS.index("cat")
LENGTH = len(scripted.CAPTION)


def settled(qtbot, window):
    qtbot.waitUntil(lambda: window.session.trace.ended and not window.controller.run.busy)
    window.coordinator.flush()


def names(window):
    return [branch.name for branch in window.session.branches.all.values()]


def words(window):
    return tuple(window.session.trace.words)


def said(window):
    return window.controller.messages[-1].text if window.controller.messages else ""


def form(window):
    window.do(c.OpenView("edits"))
    window.coordinator.flush()
    return window.host.views["edits"].form


def two_branches(qtbot, window):
    window.do(c.ChooseToken(2, CAT))
    settled(qtbot, window)
    window.do(c.ApplyEdit(ClampUnits(channel="cell", value=0.5, first=5, last=5)))
    settled(qtbot, window)


def press(qtbot, window, key, modifier=Qt.KeyboardModifier.NoModifier):
    qtbot.keyClick(window.focusWidget() or window, key, modifier)


def run_to_end(qtbot, window):
    press(qtbot, window, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: window.session.trace.ended and not window.controller.run.busy)
    qtbot.waitUntil(lambda: not window.coordinator.waiting)
