"""What a person is asked, and what is shown on demand: files to open and to save, other runs to compare, dialogs."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QDialog, QFileDialog, QInputDialog

from unrolled.models.inputs.alphabets import ENCODINGS
from unrolled.models.inputs.encodings import encoding_title
from unrolled.models.inputs.inputs import typed
from unrolled.models.inputs.kinds import media, taken_by
from unrolled.models.protocol.dispatch import handles
from unrolled.models.trace.names import file_name
from unrolled.models.trace.plugins import own_version
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.files import SESSION_SUFFIX, TRACE_SUFFIXES
from unrolled.viewer.state.notice import Notice
from unrolled.viewer.state.paths import log_file
from unrolled.viewer.widgets.saving import ask_where
from unrolled.viewer.window.pasting import NothingToOpen, paths_of, picture_of

if TYPE_CHECKING:
    from unrolled.viewer.control.session_files import SessionWriter
    from unrolled.viewer.window.main_window import MainWindow


class DialogActions:
    """Asks, and says what was chosen as a command."""

    last_session: Path | None = None  # that is kept by itself

    def __init__(self, window: "MainWindow") -> None:
        self._window = window
        self._writer: SessionWriter | None = None  # made when a session is first saved
        self.session, self.controller, self.settings = window.session, window.controller, window.settings
        self._do: c.Do = window.do

    @handles(c.ChooseFile)
    def choose_file(self, command: c.ChooseFile) -> None:
        choose: dict[str, Callable[[], None]] = {
            "open": self._open, "frames": self._open_frames, "model": self._open_model, "save session": self._save,
            "compare input": partial(self._ask_file, "Compare with the run on another input", c.CompareInput),
            "compare trace": partial(self._ask_file, "Compare with a recorded trace", c.CompareTrace,
                                     _filter("Traces", TRACE_SUFFIXES))}
        choose[command.purpose]()

    def _open(self) -> None:
        titled = [*((kind.title, kind.suffixes) for kind in media().values() if kind.suffixes), ("Traces", TRACE_SUFFIXES),
                  ("Sessions", (SESSION_SUFFIX,))]
        everything = tuple(dict.fromkeys(suffix for _, suffixes in titled for suffix in suffixes))
        patterns = [_filter(title, suffixes) for title, suffixes in (("All supported files", everything), *titled)]
        self._ask_file("Open", c.Open, ";;".join((*patterns, "All files (*)")))

    def _open_frames(self) -> None:
        name = QFileDialog.getExistingDirectory(self._window, "Open folder", self.settings.text("folder"))
        if name:
            self._do(c.Open(Path(name)))

    def _open_model(self) -> None:
        from unrolled.viewer.window.open_model_dialog import OpenModelDialog

        folder = self.settings.text("model_folder")
        dialog = OpenModelDialog(self.controller.choice.families, self._open_this_model, folder, self._window)
        dialog.finished.connect(self._window.update_actions)  # the picker shows the model again that is there
        _open(dialog)

    def _open_this_model(self, model: str) -> None:
        if Path(model).exists():
            self.settings.put("model_folder", str(Path(model).absolute().parent))
        self._do(c.LoadModel(model))

    @handles(c.ChooseReplacement)
    def choose_replacement(self, command: c.ChooseReplacement) -> None:
        step = max(self.session.playhead.step, 0) if command.step is None else command.step
        self._ask_file("Swap the input from here on", lambda path: c.ReplaceInput(path, step))

    @handles(c.ChooseModelToCompare)
    def choose_model_to_compare(self, _: c.ChooseModelToCompare) -> None:
        control = self.controller
        listed = {listing.title: listing.name for listing in control.choice.models
                  if self.session.input is not None and taken_by(self.session.input, listing.input_kind)
                  and listing.name != control.choice.model}
        if not listed:
            self.controller.voice.say("model", "No other model takes what is shown.", "info")
            return
        title, chosen = QInputDialog.getItem(self._window, "Compare with another model", "Model", list(listed), 0, False)
        if chosen and title:
            self._do(c.CompareModel(listed[title]))

    def _ask_file(self, title: str, command: Callable[[Path], c.Command], patterns: str = "All files (*)") -> None:
        """Do something with a file, if a person chooses one."""
        name, _ = QFileDialog.getOpenFileName(self._window, title, self.settings.text("folder"), patterns)
        if name:
            self._do(command(Path(name)))

    @handles(c.Paste)
    def paste(self, _: c.Paste) -> None:
        """Open what is on the clipboard: a file, a path, a picture, or a text."""
        if not self.open_data(QGuiApplication.clipboard().mimeData() or QMimeData(), "pasted.png"):
            self.controller.voice.say("input", "There is no picture, text or file on the clipboard.", "info")

    def open_data(self, mime: QMimeData, name: str) -> bool:
        """Open what was pasted or dropped; whether there was anything. A picture is called `name`."""
        try:
            paths, picture = paths_of(mime), picture_of(mime)
        except NothingToOpen as error:
            self.controller.voice.say("input", str(error))
            return True
        if paths:
            self._do(c.OpenAll(tuple(paths)) if len(paths) > 1 else c.Open(paths[0]))
        elif picture is not None:
            self._do(c.OpenData(picture, name))
        elif mime.hasText() and mime.text().strip():
            self._do(c.OpenText(typed(mime.text())))
        else:
            return False
        return True

    def _ask_encoding(self) -> None:
        titled = {encoding_title(name): name for name in ("utf-8", "utf-16-le", "utf-16-be", *ENCODINGS)}
        titles = sorted(titled, key=str.casefold)
        now = encoding_title(self.controller.opener.encoding)
        title, chosen = QInputDialog.getItem(self._window, "Text encoding", "Read the text as", titles,
                                             titles.index(now if now in titles else "UTF-8"), False)
        if chosen:
            self._do(c.ReadTextAs(titled[title]))

    def _save(self) -> None:
        stem = Path(self.session.input.name).stem if self.session.input is not None else "session"
        proposed = Path(self.settings.text("folder")) / f"{stem}{SESSION_SUFFIX}"
        path = ask_where(self._window, "Save session", proposed, {SESSION_SUFFIX: "Sessions"})
        if path is not None:
            self.save_session(path)

    def save_session(self, path: Path) -> None:
        """Save the session in a thread; a failure is said in a banner."""
        from unrolled.viewer.control.session_files import SessionWriter, saved_session

        if self._writer is None:
            self._writer = SessionWriter(self._window)
            self._writer.written.connect(self._saved)
            self._writer.failed.connect(self._not_saved)
            self._window.closing.connect(self.wait_until_saved)
        self._window.layout_.status.set_activity(f"Saving {file_name(path)}…", -1.0)
        self._writer.write(path, saved_session(self.session, self.controller.decoding))

    def wait_until_saved(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def _not_saved(self, _: Path, sentence: str) -> None:
        self._window.layout_.status.set_activity("", -1.0)
        self.controller.voice.say("input", sentence)

    def _saved(self, path: Path) -> None:
        self._window.opened_file(str(path))
        self._window.layout_.status.set_activity("", -1.0)
        self._say_saved(path)

    def _say_saved(self, path: Path) -> None:
        window = self._window
        say = window.layout_.said.show_message if window.room is None or not window.in_room else window.room.say
        say(saved_at(path, window.say))

    @handles(c.RestoreLast)
    def restore_last(self, _: c.RestoreLast) -> None:
        """Open the session that was kept when the window was closed the last time, or when it was lost."""
        path = self.last_session
        if path is None or not path.exists():
            self.controller.voice.say("input", "There is no session from last time.", "info")
            return
        self._do(c.Open(path))

    @handles(c.ShowDialog)
    def show_dialog(self, command: c.ShowDialog) -> None:
        """Show what is asked for; an export only where there is something to export."""
        from unrolled.viewer.window.dialogs import AboutDialog, ShortcutsDialog

        window = self._window
        if command.name == "decoding":
            self._show_decoding()
        elif command.name == "encoding":
            self._ask_encoding()
        elif command.name == "shortcuts":
            _open(ShortcutsDialog(window.action_specs, window))
        elif command.name == "log":
            show_path(log_file(), window.say)
        elif command.name == "about":
            _open(AboutDialog(window.theme, own_version(), window))
        elif command.name == "trace corpus":
            from unrolled.viewer.corpus.tracing_dialog import TracingDialog

            if (there := window.findChild(TracingDialog)) is not None:
                there.activateWindow()
                return
            control, described = window.controller, self.session.description
            dialog = TracingDialog([(own.name, own.title) for own in control.choice.models], control.choice.model,
                                   ", ".join(own.name for own in described.channels) if described is not None else "",
                                   self._do, window)
            window.closing.connect(dialog.close)
            _open(dialog, beside=True)
        else:
            self._show_export()

    def _show_export(self) -> None:
        room = self._window.room if self._window.in_room else None
        if room.has_curves() if room is not None else self.session.trace:
            from unrolled.viewer.window.exporting.dialog import ExportDialog

            dialog = ExportDialog(self.session, self.settings, self._window, theme=self._window.theme, do=self._do,
                                  board=room.board if room is not None else None)
            dialog.exported.connect(self._say_saved)
            _open(dialog)

    def show_traceback(self, sentence: str, text: str) -> None:
        from unrolled.viewer.window.dialogs import TracebackDialog

        _open(TracebackDialog(sentence, text, self._window))

    def _show_decoding(self) -> None:
        from unrolled.viewer.window.decoding_popover import DecodingPopover

        description = self.session.description
        popover = DecodingPopover(self.controller.decoding, self._do, self._window,
                                  searches=description is None or "search" in description.can)
        popover.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        popover.open_under(self._window.layout_.toolbar.decoding)


def show_path(path: Path, say: Callable[[Notice], None]) -> None:
    """Have the system show a file or a folder; where it cannot, say where it is."""
    if not path.exists():
        say(Notice(place="input", text=f"There is no “{path}”."))
    elif not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
        say(Notice(place="input", kind="info", text=f"No program here can open it; it is at “{path}”."))


def saved_at(path: Path, say: Callable[[Notice], None]) -> Notice:
    """That a file was written, and the way to it; `say` says where there is none."""
    folder = path.absolute().parent
    return Notice(place="run", kind="info", text=f"Saved “{file_name(path)}” in {folder}.", action="Show in folder",
                  act=lambda: show_path(folder, say))


def _open(dialog: QDialog, *, beside: bool = False) -> None:
    """Show it; with `beside` the window stays of use meanwhile."""
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.show() if beside else dialog.open()


def _filter(title: str, suffixes: tuple[str, ...]) -> str:
    return f"{title} ({' '.join(f'*{suffix}' for suffix in suffixes)})"
