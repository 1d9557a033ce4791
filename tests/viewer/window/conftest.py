"""Windows as a person has them, with a picture opened, against a backend process that needs no torch."""

from __future__ import annotations

import pytest
import scripted

from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.state import commands as c
from unrolled.viewer.window.application import make_application, make_window
from unrolled.viewer.window.settings import WindowSettings


@pytest.fixture
def settings(tmp_path):
    return WindowSettings(tmp_path / "settings.ini")


@pytest.fixture
def open_window(qtbot, scripted_command, served, settings):
    """Opens windows, and closes them at the end."""
    windows = []

    def opener(*, started=True, own_process=False):
        make_application()
        window = make_window(settings, BackendProcess(scripted_command) if own_process else BackendProcess(endpoint=served))
        windows.append(window)
        window.resize(1200, 800)
        with qtbot.waitExposed(window):
            window.show()
        window.do(c.OpenData(scripted.picture().data, "drawn.png"))
        if started:
            window.controller.start()
            qtbot.waitUntil(lambda: window.controller.run.is_open)
        return window

    yield opener
    for window in windows:
        window.close()
        window.deleteLater()


@pytest.fixture
def window(open_window):
    return open_window()
