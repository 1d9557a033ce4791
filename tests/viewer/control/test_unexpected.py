"""An exception of any kind is a sentence in the window, with its traceback in a log file."""

from __future__ import annotations

import sys
import threading

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QPlainTextEdit

from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.state import commands as c
from unrolled.viewer.window.application import make_window
from unrolled.viewer.window.settings import WindowSettings
from unrolled.viewer.window.unexpected import Unexpected


@pytest.fixture
def window(qtbot, served, tmp_path):
    made = make_window(WindowSettings(tmp_path / "settings.ini"), BackendProcess(endpoint=served))
    made.remembers = False
    made.show()
    yield made
    made.close()
    made.deleteLater()


def fails() -> None:
    raise KeyError("<b>a key</b>")


@pytest.mark.parametrize("where", ["slot", "thread"])
def test_it_is_said_and_logged(qtbot, window, tmp_path, where):
    before = sys.excepthook, threading.excepthook
    net = Unexpected(window, tmp_path / "unrolled.log")
    window.do(c.ShowTrainingRoom(on=True))
    try:
        if where == "slot":
            QTimer.singleShot(0, fails)
        else:
            thread = threading.Thread(target=fails)
            thread.start()
            thread.join()
        qtbot.waitUntil(lambda: window.layout_.said.message("run") is not None)
    finally:
        net.close()
    assert (sys.excepthook, threading.excepthook) == before
    assert "KeyError" in window.elsewhere.banner.text.text()
    assert window.pages.height() < window.centralWidget().height()
    window.do(c.ShowTrainingRoom(on=False))
    assert window.elsewhere.banner is None
    qtbot.waitUntil(lambda: window.pages.height() == window.centralWidget().height())
    assert "KeyError" in window.layout_.said.message("run").text
    assert "in fails" in (tmp_path / "unrolled.log").read_text()
    window.layout_.said.banner.action.click()
    shown = next(own for own in window.findChildren(QPlainTextEdit) if own.accessibleName() == "Traceback")
    assert "in fails" in shown.toPlainText()
    shown.window().close()
    assert "KeyError" in window.layout_.said.message("run").text
    window.layout_.said.banner.dismiss.click()
    assert window.layout_.said.message("run") is None


def test_a_log_that_cannot_be_written_costs_the_log(window, tmp_path):
    Unexpected(window, tmp_path / "no folder" / "unrolled.log").close()


def test_a_log_that_nothing_opens_is_named(window, monkeypatch, tmp_path):
    monkeypatch.setattr("unrolled.viewer.window.dialog_actions.log_file", lambda: tmp_path / "unrolled.log")
    monkeypatch.setattr("unrolled.viewer.window.dialog_actions.QDesktopServices.openUrl", lambda _: False)
    window.actions_by_name["log"].trigger()
    assert window.layout_.said.message("input").text.startswith("There is no “")
    (tmp_path / "unrolled.log").touch()
    window.actions_by_name["log"].trigger()
    assert str(tmp_path / "unrolled.log") in window.layout_.said.message("input").text
