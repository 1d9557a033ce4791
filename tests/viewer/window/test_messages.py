"""What the window says to a person: one message at a time, over nothing that it is about."""

from __future__ import annotations

import os
import signal

import pytest
import scripted
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QLabel
from windows import press, run_to_end, words

from unrolled.viewer.state import commands as c
from unrolled.viewer.state.commands import OpenView


def test_a_killed_backend_is_said_with_a_way_out(qtbot, open_window):
    window = open_window(own_process=True)
    press(qtbot, window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: len(words(window)) == 1)
    os.kill(window.controller.backend._process.processId(), signal.SIGKILL)
    qtbot.waitUntil(lambda: window.layout_.said.message("model") is not None)
    banner = window.layout_.said.banner
    assert banner.isVisible()
    assert words(window) == scripted.CAPTION[:1]
    qtbot.mouseClick(banner.action, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.controller.run.is_open)
    assert window.layout_.said.message("model") is None
    run_to_end(qtbot, window)
    assert words(window) == scripted.CAPTION


def test_what_is_pressed_while_the_model_loads_is_seen(qtbot, open_window):
    window = open_window(started=False)
    window.controller.start()
    press(qtbot, window, Qt.Key.Key_Space)
    press(qtbot, window, Qt.Key.Key_Space)
    assert "goes on to step 2" in window.layout_.said.message("pressed").text
    qtbot.waitUntil(lambda: window.session.playhead.step == 1)
    assert window.layout_.said.message("pressed") is None


@pytest.mark.parametrize("size", [(1440, 900), (1366, 720), (1024, 700)])
def test_what_is_said_covers_nothing_and_moves_the_tracks_alone(qtbot, window, size):
    window.resize(*size)
    for name in ("", "equations"):
        window.do(OpenView(name))
        qtbot.wait(30)
        layout = window.layout_
        parts = {**layout.sections, **layout.drawer.buttons, "scrub bar": window.host.views["scrub bar"],
                 "branches": window.host.views["branches"], "status": layout.status, "toolbar": layout.toolbar}
        places = {part: QRect(widget.mapTo(layout, QPoint()), widget.size()) for part, widget in parts.items()}
        window.settings.put("hints_seen", False)
        window.show_first_hints()
        window.controller.voice.say_notes(("Never seen: é.", "A second sentence about the same sentence."))
        qtbot.wait(30)
        said = QRect(layout.said.mapTo(layout, QPoint()), layout.said.size())
        for part, widget in parts.items():
            place = QRect(widget.mapTo(layout, QPoint()), widget.size())
            assert not widget.isVisible() or not said.intersects(place), part
            assert part == "tracks" or place == places[part], part
        assert layout.sections["tracks"].height() >= 120
        for place in ("run", "input"):
            layout.said.clear(place)
        qtbot.wait(30)
        assert QRect(parts["tracks"].mapTo(layout, QPoint()), parts["tracks"].size()) == places["tracks"]


def test_a_second_message_opens_no_window(qtbot, window):
    assert window.isActiveWindow()
    for place in ("run", "input"):
        window.controller.voice.say(place, "Something is wrong.")
    qtbot.wait(50)
    assert window.isActiveWindow()


def test_messages_are_gone_through_one_at_a_time(qtbot, window):
    voice, said = window.controller.voice, window.layout_.said
    voice.say_notes(("Never seen: é.", "Cut at 64 pieces."))
    assert said.banner.text.text() == "Never seen: é. Cut at 64 pieces."
    voice.say("run", "Step 3 gave numbers that are not finite.")
    assert (said.banner.message.place, said.banner.next.text()) == ("run", "1 of 2")
    voice.say_notes(("Never seen: é.",))  # said again as the input is read again: the error stays in sight
    assert said.banner.message.place == "run"
    said.banner.next.click()
    assert said.banner.message.place == "input"
    said.banner.dismiss.click()
    assert (said.banner.message.place, said.banner.next.isHidden()) == ("run", True)
    voice.unsaid.emit("run")
    assert said.banner is None
    assert said.isHidden()


def test_a_backend_that_dies_or_is_silent_is_said_in_the_training_room_too(qtbot, open_window):
    window = open_window(own_process=True)
    window.do(c.ShowTrainingRoom(on=True))
    assert window.elsewhere.banner is None
    window.controller.backend.silent.emit(True)
    assert window.elsewhere.isVisible()
    assert "stopped answering" in window.elsewhere.banner.text.text()
    window.controller.backend.silent.emit(False)
    assert window.elsewhere.banner is None
    window.controller.backend._process.kill()
    qtbot.waitUntil(lambda: window.elsewhere.banner is not None)
    window.elsewhere.banner.dismiss.click()
    assert window.elsewhere.banner is None
    window.room.play.click()
    assert window.elsewhere.banner.text.text() == "The model’s process is not running."
    window.elsewhere.banner.action.click()
    qtbot.waitUntil(lambda: window.controller.run.is_open)
    assert window.elsewhere.banner is None
    window.do(c.ShowTrainingRoom(on=False))
    assert not window.elsewhere.isVisible()


@pytest.mark.parametrize(("size", "opened", "low"), [((1440, 900), "gates", False), ((1024, 700), "", False),
                                                     ((1024, 700), "gates", True)])
def test_where_there_is_little_height_a_message_is_a_line_until_it_is_clicked(qtbot, window, size, opened, low):
    window.resize(*size)
    window.do(OpenView(opened))
    qtbot.wait(30)
    text = "A long sentence about what was opened. " * 4
    window.controller.voice.say_notes((text,))
    qtbot.wait(30)
    banner, said = window.layout_.said.banner, window.layout_.said
    assert (banner.text.text() == text) is not low
    assert (banner.accessibleName(), banner.text.toolTip()) == (text, text if low else "")
    assert (said.height() <= 40) is low
    qtbot.mouseClick(banner.text, Qt.MouseButton.LeftButton)
    qtbot.wait(30)
    assert banner.text.text() == text
    assert banner.text.heightForWidth(banner.text.width()) <= banner.text.height()


def test_an_error_is_not_said_of_the_next_run(qtbot, window):
    window.controller.voice.say("run", "Step 3 gave numbers that are not finite.")
    window.do(c.OpenData(scripted.picture(width=90).data, "another.png"))
    assert window.layout_.said.message("run") is None


def test_a_narrow_status_line_cuts_what_is_said_and_never_the_badge(qtbot, window):
    window.resize(960, 700)
    status, badge = window.layout_.status, QLabel("✓ verified to 1.5·10⁻⁶")
    status.add_badge(badge)
    status.set_facts("4.1 ms per step  ·  " + "A model of a very long name " * 4)
    status.set_activity("Fetching a model of a very long name " * 3, 0.5, loading=True)
    qtbot.waitUntil(lambda: badge.width() > 0)
    status.layout().activate()
    assert badge.width() >= badge.sizeHint().width()
    for label in (status.facts, status.activity):
        assert QLabel.text(label).endswith("…")
    status.set_facts("short")
    status.set_activity("", 0)
    status.layout().activate()
    assert QLabel.text(status.facts) == "short"
    widths = []
    for milliseconds in ("1.1", "4.8"):
        status.set_facts(f"{milliseconds} ms per step")
        widths.append(status.facts.maximumWidth())
    assert widths[0] == widths[1]  # the badge stays where it is
