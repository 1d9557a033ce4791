"""For the window's tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import scripted
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QWindow
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from unrolled.models.protocol.client import Endpoint
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.session import Session
from unrolled.viewer.window.application import make_application, make_window
from unrolled.viewer.window.settings import WindowSettings


@pytest.fixture(scope="session", autouse=True)
def application(qapp):
    """The program's own type and style, whichever test comes first.

    What was copied is let go while Python is there: the clipboard without a screen outlives it, and would end in a crash.
    """
    make_application()
    yield
    qapp.clipboard().clear()


@pytest.fixture(autouse=True)
def no_button_held():
    """A double click that a test makes ends pressed, and a window with a button held does not follow the keyboard."""
    yield
    for button in Qt.MouseButton:
        if button & QApplication.mouseButtons():
            QTest.mouseRelease(QWindow(), button, Qt.KeyboardModifier.NoModifier, QPoint(-1, -1))
    assert not QApplication.mouseButtons()


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    """Where one scripted backend serves every window that is about something else: to start one takes as long as a test."""
    command = [sys.executable, str(Path(scripted.__file__).with_name("scripted_serve.py")), "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        yield msgspec.json.decode(process.stdout.readline(), type=Endpoint)
        process.kill()


@pytest.fixture
def session():
    """The script's caption of its picture, and the model that wrote it."""
    made = Session()
    made.set_input(scripted.picture())
    made.set_model(scripted.description(), "cpu")
    made.set_trace(scripted.trace())
    return made


@pytest.fixture
def window(qapp, scripted_command, tmp_path):
    """A window in which nothing was opened."""
    make_application()
    made = make_window(WindowSettings(tmp_path / "settings.ini"), BackendProcess(scripted_command))
    made.remembers = False
    made.resize(1440, 900)
    made.show()
    yield made
    made.close()
    made.deleteLater()


@pytest.fixture
def captioned(qtbot, served, tmp_path):
    """A window in which the script's caption has been written to its end; what it says is kept in `messages`."""
    backend = BackendProcess(endpoint=served)
    made = make_window(WindowSettings(tmp_path / "settings.ini"), backend)
    made.remembers = False
    backend.start()
    made.resize(1440, 900)
    made.show()
    made.controller.messages = []
    made.controller.voice.said.connect(made.controller.messages.append)
    made.do(c.OpenData(scripted.picture().data, "drawn.png"))
    qtbot.waitUntil(lambda: made.controller.run.is_open)
    made.do(c.RunToEnd())
    qtbot.waitUntil(lambda: made.session.trace.ended and not made.controller.run.busy)
    made.coordinator.flush()
    yield made
    made.close()
    made.deleteLater()
