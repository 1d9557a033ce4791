"""A word that looks like HTML is shown as it is written, wherever it is shown, and nothing that it names is loaded."""

from __future__ import annotations

import msgspec
import numpy as np
import scripted
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QAction, QHelpEvent, QUndoCommand
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QMenu, QToolTip

from unrolled.models.trace import Trace
from unrolled.viewer.plotting.axis import Axis
from unrolled.viewer.plotting.plot import Plot
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.notice import Notice
from unrolled.viewer.theme.themes import LIGHT
from unrolled.viewer.views.tracks.menu import add_unit_orders
from unrolled.viewer.views.tracks.track import Track

EVIL = '<img src="file:///etc/hostname"> <b>bold</b> &lt; R&D [*]'
DELIBERATE = {"CompareBar"}  # rich, and escapes what it shows


def show_evil(window):
    whole = scripted.trace()
    channels = tuple(msgspec.structs.replace(channel, label=EVIL) for channel in scripted.channels())
    evil = Trace(channels, provenance=whole.provenance, input_bytes=whole.input_bytes, ended=True)
    for step, word in enumerate(whole.words):
        result = scripted.step_result(step, word)
        evil.append(type(result)(step=step, token=result.token, word=EVIL, log_prob=result.log_prob, values=result.values,
                                 candidates=tuple(type(own)(own.token, EVIL, own.log_prob) for own in result.candidates)))
    given = scripted.picture()
    window.controller.opener.show_trace(evil, type(given)(EVIL, given.data, np.asarray(given.pixels)), step=4)
    window.layout_.said.show_message(Notice(place="run", text=EVIL))
    window.coordinator.flush()
    QApplication.processEvents()


def tip():
    (found,) = [widget for widget in QApplication.topLevelWidgets() if widget.inherits("QTipLabel") and widget.isVisible()]
    return found


def test_no_label_is_rich(qtbot, window):
    show_evil(window)
    labels = [label for label in window.findChildren(QLabel) if label.isVisible()]
    assert any("img" in label.text() for label in labels)
    rich = [label for label in labels if label.textFormat() != Qt.TextFormat.PlainText
            and type(label.parent()).__name__ not in DELIBERATE]
    assert [label.text() for label in rich if label.text()] == []


def test_a_tooltip_is_plain(qtbot, window):
    QToolTip.showText(window.mapToGlobal(QPoint(200, 200)), EVIL, window)
    QTest.qWait(50)
    assert tip().textFormat() == Qt.TextFormat.PlainText
    QToolTip.hideText()


def test_a_tooltip_over_a_plot_says_what_it_says(qtbot, window):
    plot = Plot("Words", Axis("step"), Axis("loss"), LIGHT)
    qtbot.addWidget(plot)
    plot.resize(300, 200)
    plot.show()
    plot.setToolTip(EVIL)
    place = plot.rect().center()
    QApplication.sendEvent(plot, QHelpEvent(QEvent.Type.ToolTip, place, plot.mapToGlobal(place)))
    assert tip().text() == EVIL
    QToolTip.hideText()


def test_an_ampersand_is_a_sign_like_others(qtbot, window):
    show_evil(window)
    assert [button.text() for button in window.findChildren(QAbstractButton)
            if "img" in button.text() and not button.shortcut().isEmpty()] == []
    window.controller.history.push(QUndoCommand(f"rename to {EVIL}"))
    window.update_actions()
    menu, track = QMenu(), next(track for track in window.findChildren(Track) if track.trace is not None)
    add_unit_orders(menu, track, track.trace.channels["hidden"])
    texts = [action.text() for action in (window.actions_by_name["undo"], *menu.findChildren(QAction))]
    assert sum("img" in text for text in texts) > 1
    assert all(text.replace("&&", "").count("&") == 0 for text in texts)


def test_the_window_is_named_after_the_whole_name(qtbot, window):
    show_evil(window)
    assert window.windowTitle().replace("[*][*]", "[*]") == f"{EVIL} – Unrolled"
    assert "[*][*]" in window.windowTitle()


def test_a_long_name_makes_nothing_wide_or_high(captioned):
    window = captioned
    window.do(c.OpenView("edits"))
    window.coordinator.flush()
    edits = window.host.views["edits"]
    height = edits.title.sizeHint().height()
    window.do(c.RenameBranch(window.session.branches.current, f"&{'name ' * 190}"))
    window.coordinator.flush()
    assert edits.title.text().startswith("On this branch: &name")
    assert not edits.title.wordWrap()
    assert edits.title.sizeHint().height() == height
    menu = QMenu()
    menu.addAction(window.actions_by_name["undo"])
    assert menu.sizeHint().width() < 700
    assert menu.actions()[0].text().startswith("Undo: rename to “&&name")
