"""Starts the window: Qt, settings, the session and its backend, and what is shown first."""

import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QWidget

from unrolled.assets import path as asset
from unrolled.models.store.own_folder import remove_left
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.control.control import Control
from unrolled.viewer.control.ending_signals import CLOSED, EndingSignals, end_by_signal
from unrolled.viewer.plotting.warm_up import WarmUp
from unrolled.viewer.state.appearance import Appearance, AppearanceValues
from unrolled.viewer.state.commands import Open, OpenSample, OpenStore
from unrolled.viewer.state.notice import Notice
from unrolled.viewer.state.paths import autosave_dir, log_file, settings_file
from unrolled.viewer.state.session import Session
from unrolled.viewer.state.session_file import title_in
from unrolled.viewer.state.wording import counted
from unrolled.viewer.theme.fonts import load_fonts, text_font
from unrolled.viewer.window.main_window import FIRST_SIZE, MainWindow
from unrolled.viewer.window.settings import WindowSettings
from unrolled.viewer.window.unexpected import Unexpected

if TYPE_CHECKING:
    from unrolled.viewer.control.autosave import Autosave
    from unrolled.viewer.window.options import WindowOptions

Drive = Callable[[MainWindow, Callable[[str], None]], object]


def make_application() -> QApplication:
    """The one QApplication, with the program's fonts and style."""
    application = QApplication.instance()
    if not isinstance(application, QApplication):
        application = QApplication(sys.argv[:1])
    if application.desktopFileName() == "unrolled":
        return application
    application.setApplicationName("Unrolled")
    application.setDesktopFileName("unrolled")
    application.setStyle("Fusion")
    load_fonts()
    application.setFont(text_font())
    application.setWindowIcon(QIcon(str(asset("icons", "unrolled-256.png"))))
    return application


def make_window(settings: WindowSettings, backend: BackendProcess, *, model: str = "", device: str = "",
                theme: str | None = None) -> MainWindow:
    session = Session(_appearance(settings, theme))
    controller = Control(session, backend)
    window = MainWindow(session, controller, settings)
    controller.setParent(window)
    backend.setParent(window)
    controller.begin_with(model=model, device=device)
    return window


def _appearance(settings: WindowSettings, theme: str | None) -> Appearance:
    values = settings.kept("appearance", AppearanceValues) or AppearanceValues()
    return Appearance(values if theme is None else msgspec.structs.replace(values, theme=theme))


def run(options: "WindowOptions", drive: Drive | None = None) -> int:
    """Open the window and stay until it is closed; the exit status.

    Parameters
    ----------
    drive : callable, optional
        Works the window in a person's place; it is given the window, not shown yet, and what ends the program with an empty
        text or a sentence that says what went wrong.
    """
    application = make_application()
    outcome = _Outcome(application)
    with EndingSignals(outcome.end_by):  # one that comes while all is built waits for the event loop
        backend = BackendProcess(endpoint=options.connect, tunnel=options.tunnel)
        backend.start()  # before anything else, since it takes longest
        window = _watching(options, backend) if options.watch else _working(options, backend, outcome, drive)
        window.show()
        status = application.exec()
        window.close()
        backend.close()
    return outcome.leaving(status)


def _working(options: "WindowOptions", backend: BackendProcess, outcome: "_Outcome", drive: Drive | None) -> QWidget:
    settings = WindowSettings(settings_file())
    window = make_window(settings, backend, model=options.model, theme=options.theme,
                         device="" if options.device == "auto" else options.device)
    unattended = options.screenshot is not None or drive is not None
    if options.size is not None or unattended:
        window.resize(*(options.size or FIRST_SIZE))
    window.remembers = not unattended
    Unexpected(window, log_file())
    window.controller.voice.busy("Starting the model’s process…")
    if drive is not None:
        drive(window, outcome.leave)
    plotting = WarmUp()
    window.closing.connect(lambda: plotting.join())  # a bound method would be followed only as long as somebody has it
    window.after_first_paint(lambda: plotting.start())
    window.after_first_paint(lambda: _begin(window, options, outcome, unattended))
    return window


def _watching(options: "WindowOptions", backend: BackendProcess) -> QWidget:
    from unrolled.viewer.window.watch_window import WatchWindow

    window = WatchWindow(backend, _appearance(WindowSettings(settings_file()), options.theme))
    if options.size is not None:
        window.resize(*options.size)
    return window


def _begin(window: MainWindow, options: "WindowOptions", outcome: "_Outcome", unattended: bool) -> None:
    controller = window.controller
    if options.screenshot is not None:
        from unrolled.viewer.window.screenshot import Screenshot

        Screenshot(window, options.screenshot, outcome.leave)
    if options.file is not None:
        window.do(Open(options.file))
    elif options.store:
        window.do(OpenStore(options.store))
    elif not options.empty:
        window.do(OpenSample())
    if unattended:
        return
    from unrolled.viewer.control.autosave import Autosave

    threading.Thread(target=remove_left, name="leftovers", daemon=True).start()
    autosave = Autosave(autosave_dir(), window.session, controller, window)
    window.dialogs.last_session = autosave.previous
    window.closing.connect(lambda: autosave.close(properly=not outcome.signal))
    window.show_first_hints()
    say_what_is_not_kept(window, autosave)
    offer_lost(window, autosave)


def say_what_is_not_kept(window: MainWindow, autosave: "Autosave") -> None:
    """Say that a crash would lose what is done, now and later; whatever is opened leaves that standing."""
    def say(sentence: str) -> None:
        if sentence:
            window.say(Notice(place="kept", kind="warning", text=sentence))
        else:
            for place in (window.layout_.said, window.elsewhere):
                place.clear("kept")

    autosave.failed.connect(say)
    if autosave.path is None:
        say(f"What you do is not being kept in case of a crash: nothing can be written to “{autosave.previous.parent}”.")


def offer_lost(window: MainWindow, autosave: "Autosave") -> None:
    """Offer what was open in a window that did not end properly; the offer stays until it is answered."""
    if not autosave.lost:
        return
    newest = autosave.lost[0]

    def restore() -> None:
        window.do(Open(autosave.answered(newest)))
        offer_lost(window, autosave)

    def dismissed() -> None:
        autosave.answered(newest)
        offer_lost(window, autosave)

    when = time.strftime("%d %b, %H:%M:%S", time.localtime(newest.stat().st_mtime))
    title, others = title_in(newest), len(autosave.lost) - 1
    text = f"Unrolled ended unexpectedly. Your work of {when} was kept{title and ': '}{title}."
    window.layout_.said.show_message(Notice(place="restore", kind="info", action="Restore it", act=restore, dismissed=dismissed,
                              text=f"{text} {counted(others, 'older one')} will be offered next." if others else text))


class _Outcome:
    """How the program ends: with a sentence of what went wrong, by a signal, or as it should."""

    def __init__(self, application: QApplication) -> None:
        self.sentence = ""
        self.signal = 0  # what told the program to end
        self._application = application

    def leaving(self, status: int) -> int:
        """The exit status, where the event loop ended with this one and no signal ends the program."""
        if self.signal:
            end_by_signal(self.signal)
        if self.sentence:
            print(f"unrolled: {self.sentence}", file=sys.stderr)
            return 1
        return status

    def end_by(self, number: int) -> None:
        """End the program as a signal wishes, once what is open is kept."""
        self.signal = 0 if number == CLOSED else number
        self._application.quit()

    def leave(self, sentence: str) -> None:
        self.sentence = sentence
        self._application.quit()
