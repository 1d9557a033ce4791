"""Starts the window: Qt, settings, the session and its backend, and what is shown first."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from unrolled.assets import path as asset
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.state.appearance import Appearance
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.fonts import load_fonts, text_font
from unrolled.viewer.window.controller import Controller
from unrolled.viewer.window.main_window import MainWindow
from unrolled.viewer.window.message import Message
from unrolled.viewer.window.settings import WindowSettings

if TYPE_CHECKING:
    from unrolled.viewer.cli.options import WindowOptions

SAMPLE = "dog.jpg"


def make_application() -> QApplication:
    """The one QApplication, with the program's fonts and style."""
    application = QApplication.instance()
    if not isinstance(application, QApplication):
        application = QApplication(sys.argv[:1])
    application.setApplicationName("Unrolled")
    application.setDesktopFileName("unrolled")
    application.setStyle("Fusion")
    load_fonts()
    application.setFont(text_font())
    application.setWindowIcon(QIcon(str(asset("icons", "unrolled-256.png"))))
    return application


def make_window(settings: WindowSettings, backend: BackendProcess, *, model: str = "", device: str = "") -> MainWindow:
    """A window with its session and controller, not shown yet."""
    session = Session(Appearance(settings.appearance()))
    controller = Controller(session, backend)
    window = MainWindow(session, controller, settings)
    controller.setParent(window)
    backend.setParent(window)
    controller.wanted_model = model
    if device:
        controller.wanted_device = device
    return window


def run(options: WindowOptions) -> int:
    """Open the window and stay until it is closed; the exit status."""
    application = make_application()
    from unrolled.viewer.state.paths import autosave_dir, settings_file

    settings = WindowSettings(settings_file())
    backend = BackendProcess()
    backend.start()  # before anything else, since it takes longest
    device = "" if options.device == "auto" else options.device
    window = make_window(settings, backend, model=options.model or "", device=device)
    controller = window.controller
    controller.status_changed.emit("Starting the model’s process…", -1.0)
    window.show()
    outcome = _Outcome(application)
    autosave = None
    if options.screenshot is not None:
        from unrolled.viewer.window.screenshot import Screenshot

        Screenshot(window, Path(options.screenshot), outcome.leave)
    first = Path(options.file) if options.file is not None else asset("samples", SAMPLE)

    def begin() -> None:
        nonlocal autosave
        controller.open_file(first)
        if options.screenshot is not None:
            return
        from unrolled.viewer.window.autosave import Autosave

        autosave = Autosave(autosave_dir(), window.session, controller, window)
        window.last_session = autosave.path
        if autosave.was_lost and options.file is None:
            window.layout_.say(Message(place="model", kind="info", text="The last time Unrolled ended unexpectedly.",
                                       action="Restore what was open", act=window.restore_last))
        window.closing.connect(autosave.close)
        window.show_first_hints()

    window.after_first_paint(begin)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python would see Ctrl+C only when Qt next calls it
    status = application.exec()
    backend.close()
    window.close()
    if outcome.sentence:
        print(f"unrolled: {outcome.sentence}", file=sys.stderr)
        return 1
    return status


class _Outcome:
    """How a screenshot went."""

    def __init__(self, application: QApplication) -> None:
        self.sentence = ""
        self._application = application

    def leave(self, sentence: str) -> None:
        self.sentence = sentence
        self._application.quit()
