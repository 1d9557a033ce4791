"""What is open is kept by itself: nothing that a window before had is overwritten before a person has answered."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import scripted

from unrolled.models.inputs.inputs import typed
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.control.autosave import MOST_LOST, Autosave
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.session_file import load_session
from unrolled.viewer.window.application import make_window, offer_lost, say_what_is_not_kept
from unrolled.viewer.window.settings import WindowSettings


@pytest.fixture
def window(qtbot, scripted_command, tmp_path):
    made = make_window(WindowSettings(tmp_path / "settings.ini"), BackendProcess(scripted_command))
    made.remembers = False
    yield made
    made.close()
    made.deleteLater()


def keep(autosave, window):
    """Save, and wait until it is in the file."""
    assert autosave.save()
    autosave._writer.close()


def lose(autosave):
    """As if the process were gone."""
    autosave._timer.stop()
    autosave._lock.unlock()
    autosave.path = autosave._lock = None


def words(path):
    return tuple(load_session(path).traces[0].words)


def test_what_was_lost_is_kept_until_it_is_answered(qtbot, window, tmp_path):
    folder = tmp_path / "kept"
    first = Autosave(folder, window.session, window.controller)
    window.controller.opener.show_trace(scripted.trace(), scripted.picture())
    keep(first, window)
    lose(first)
    window.do(c.OpenText(typed("The sample that the next start shows.")))
    second = Autosave(folder, window.session, window.controller)
    keep(second, window)
    (lost,) = second.lost
    assert words(lost) == scripted.CAPTION
    offer_lost(window, second)
    window.controller.voice.unsaid.emit("model")  # a model is loaded
    window.layout_.said.show_message(window.layout_.said.message("restore"))
    window.layout_.said.banner.action.click()
    qtbot.waitUntil(lambda: window.session.trace is not None and tuple(window.session.trace.words) == scripted.CAPTION)
    assert second.lost == ()
    assert words(second.previous) == scripted.CAPTION
    assert window.layout_.said.message("restore") is None
    assert second.answered(lost) == second.previous  # asked of another window too, which is answered later
    second.close()


def test_an_offer_that_is_not_answered_is_made_again(window, tmp_path):
    for number in range(MOST_LOST + 2):
        autosave = Autosave(tmp_path, window.session, window.controller)
        window.controller.opener.show_trace(scripted.trace(scripted.CAPTION[: number % 9 + 1]), scripted.picture())
        keep(autosave, window)
        os.utime(autosave.path, (number, number))
        for path in autosave.lost:
            path.rename(path.with_name(path.name.replace("-0.", f"-{number}.")))
        lose(autosave)
    last = Autosave(tmp_path, window.session, window.controller)
    assert len(last.lost) == MOST_LOST
    offer_lost(window, last)
    offers = [window.layout_.said.message("restore").text]
    window.layout_.said.banner.dismiss.click()
    assert len(last.lost) == MOST_LOST - 1
    offers.append(window.layout_.said.message("restore").text)
    assert offers[0] != offers[1]
    for offer, words, number in zip(offers, ("“a”", "“a brown dog"), (MOST_LOST - 1, MOST_LOST - 2), strict=True):
        assert f"drawn.png: {words}" in offer
        assert "(scripted)" in offer
        assert f"{number} older ones" in offer
    assert window.layout_.said.message("restore") is not None
    last.close()


def test_every_window_keeps_its_own(window, tmp_path):
    first = Autosave(tmp_path, window.session, window.controller)
    window.controller.opener.show_trace(scripted.trace(), scripted.picture())
    second = Autosave(tmp_path, window.session, window.controller)
    assert second.path not in (None, first.path)
    assert second.lost == ()  # the first is open still
    keep(first, window)
    keep(second, window)
    assert words(second.path) == words(first.path) == scripted.CAPTION
    first.close()
    lose(second)
    third = Autosave(tmp_path, window.session, window.controller)
    assert len(third.lost) == 1
    assert words(third.previous) == scripted.CAPTION
    third.close()


def test_a_long_run_grows_while_it_is_saved(qtbot, window, tmp_path):
    trace = scripted.trace(scripted.CAPTION[:4])
    window.controller.opener.show_trace(trace, scripted.picture())
    autosave = Autosave(tmp_path, window.session, window.controller)
    assert autosave.save()
    for step in range(4, 200):
        trace.append(scripted.step_result(step, "a"))
    path = autosave.path
    autosave._writer.close()
    (read,) = load_session(path).traces
    assert tuple(read.words) == scripted.CAPTION[:4]
    autosave.close()
    assert len(load_session(path).traces[0]) == 200


def test_of_a_large_session_few_bytes_are_written_a_second(qtbot, window, tmp_path, monkeypatch):
    monkeypatch.setattr("unrolled.viewer.control.autosave.BYTES_A_SECOND", 100)
    autosave = Autosave(tmp_path, window.session, window.controller)
    window.controller.opener.show_trace(scripted.trace(), scripted.picture())
    keep(autosave, window)
    window.do(c.Pin((3,)))
    size = autosave.path.stat().st_size
    assert size > 100 * 20
    assert autosave._timer.remainingTime() / 1000 == pytest.approx(size / 100, abs=5)
    window.do(c.OpenText(typed("Another, which may be short.")))
    assert autosave._timer.remainingTime() <= 21_000  # Qt's timers are coarse by a twentieth
    autosave.close()


def test_a_session_that_cannot_be_kept_is_said_once(qtbot, window, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    autosave = Autosave(tmp_path, window.session, window.controller)
    window.controller.opener.show_trace(scripted.trace(), scripted.picture())
    monkeypatch.setattr("unrolled.viewer.state.session_file.write_trace", full)
    said = []
    autosave.failed.connect(said.append)
    for _ in range(3):
        keep(autosave, window)
        qtbot.wait(10)
    assert len(said) == 1
    assert "no room left" in said[0]
    say_what_is_not_kept(window, autosave)
    autosave.failed.emit(said[0])
    monkeypatch.undo()
    keep(autosave, window)
    qtbot.waitUntil(lambda: window.layout_.said.message("kept") is None)
    autosave.close()


def test_no_place_to_write_is_said_and_leaves_a_window_that_works(qtbot, window, tmp_path):
    in_the_way = tmp_path / "file"
    in_the_way.write_bytes(b"")
    autosave = Autosave(in_the_way / "folder", window.session, window.controller)
    window.controller.opener.show_trace(scripted.trace(), scripted.picture())
    assert not autosave.save()
    say_what_is_not_kept(window, autosave)
    window.controller.opener.show_trace(scripted.trace(), scripted.picture())
    assert "is not being kept" in window.layout_.said.message("kept").text
    window.dialogs.save_session(in_the_way / "mine.unrolled")
    assert "Saving" in window.layout_.status.activity.text()
    qtbot.waitUntil(lambda: window.layout_.said.message("input") is not None)
    assert "Saving" not in window.layout_.status.activity.text()
    autosave.close()


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT", "SIGUSR1"])
def test_a_signal_keeps_what_is_open(tmp_path, name):
    number = getattr(signal, name)
    process = subprocess.Popen([sys.executable, "-m", "unrolled.viewer"], env=os.environ | {"UNROLLED_HOME": str(tmp_path)},
                               stderr=subprocess.PIPE, text=True)
    folder = tmp_path / "data" / "autosave"
    try:
        deadline = time.monotonic() + 60
        while not (folder / "window-0.open").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    closed = name == "SIGUSR1"  # by the notebook that opened it
    assert process.returncode == (0 if closed else -number)
    assert (folder / "window-0.open").exists() != closed
    assert "Traceback" not in errors
    assert load_session(folder / "window-0.unrolled").layout.input_name == "skier.jpg"


def _has_members(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for the process in /proc")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_while_the_window_is_built_ends_it_with_its_backend(tmp_path, name):
    process = subprocess.Popen([sys.executable, "-m", "unrolled.viewer"], env=os.environ | {"UNROLLED_HOME": str(tmp_path)},
                               stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 60
    try:
        while not Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text() and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(getattr(signal, name))
        _, errors = process.communicate(timeout=30)
        while _has_members(process.pid):  # what was killed is gone when the system gets to it
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        process.kill()
    assert (process.returncode, errors) == (-getattr(signal, name), "")


@pytest.mark.parametrize("value", ["nan", "-inf", "1e300", "fast", ""])
def test_a_damaged_setting_costs_itself_alone(qtbot, scripted_command, tmp_path, value):
    path = tmp_path / "settings.ini"
    path.write_text("\n".join(["[General]", *(f"{name}={value}" for name in ("speed", "drawer_height", "export_size", "model",
                                                                             "appearance", "recent", "geometry", "loop"))]))
    made = make_window(WindowSettings(path), BackendProcess(scripted_command))
    made.show()
    assert made.controller.playback.speed == 3.0
    made.close()
    made.deleteLater()


def test_a_device_that_is_gone_costs_itself_alone(qtbot, scripted_command, tmp_path):
    """The settings came from another machine."""
    path = tmp_path / "settings.ini"
    path.write_text("[General]\ndevice=cuda:7\n")
    made = make_window(WindowSettings(path), BackendProcess(scripted_command))
    made.controller.start()
    qtbot.waitUntil(lambda: made.session.description is not None)
    assert made.controller.choice.device == "auto"
    made.close()
    made.deleteLater()


def test_a_damaged_model_from_last_time_is_said_and_another_taken(qtbot, scripted_command, tmp_path):
    path, damaged = tmp_path / "settings.ini", tmp_path / "mine.safetensors"
    damaged.write_bytes(b"cut")
    path.write_text(f"[General]\nmodel={damaged}\n")
    made = make_window(WindowSettings(path), BackendProcess(scripted_command))
    made.controller.start()
    qtbot.waitUntil(lambda: made.session.description is not None)
    assert made.session.description.name == "scripted"
    assert "mine.safetensors" in made.layout_.said.message("model").text
    made.close()
    made.deleteLater()
