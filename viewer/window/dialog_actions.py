"""What a person is asked, and what is shown on demand: files to open and to save, other runs to compare, dialogs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QInputDialog

from unrolled.models.inputs.inputs import taken_by, typed
from unrolled.models.inputs.kinds import CLIP_SUFFIXES, PICTURE_SUFFIXES, SESSION_SUFFIX, TEXT_SUFFIXES, TRACE_SUFFIXES
from unrolled.models.trace.names import file_name
from unrolled.viewer.state.notice import Notice
from unrolled.viewer.window.pasting import path_of, picture_of

if TYPE_CHECKING:
    from unrolled.viewer.control.session_writer import SessionWriter
    from unrolled.viewer.window.main_window import MainWindow


class Asking:
    """Asks, and hands what was chosen to the controller.

    Parameters
    ----------
    window : MainWindow
        Over which it asks.

    Attributes
    ----------
    last_session : Path or None
        The session that is kept by itself.
    """

    last_session: Path | None = None

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._writer: SessionWriter | None = None  # made when a session is first saved
        self.session, self.controller, self.settings = window.session, window.controller, window.settings
        self.layout_ = window.layout_

    def ask_open(self) -> None:
        """Let a person choose a file."""
        def patterns(suffixes: tuple[str, ...]) -> str:
            return " ".join(f"*{suffix}" for suffix in suffixes)

        everything = tuple(dict.fromkeys(PICTURE_SUFFIXES + CLIP_SUFFIXES + TEXT_SUFFIXES + TRACE_SUFFIXES + (SESSION_SUFFIX,)))
        name, _ = QFileDialog.getOpenFileName(
            self._window, "Open", self.settings.text("folder"),
            f"What Unrolled opens ({patterns(everything)});;Photographs ({patterns(PICTURE_SUFFIXES)});;"
            f"Texts ({patterns(TEXT_SUFFIXES)});;Clips ({patterns(CLIP_SUFFIXES)});;"
            f"Traces ({patterns(TRACE_SUFFIXES)});;Sessions (*{SESSION_SUFFIX});;All files (*)")
        if name:
            self.controller.open_file(Path(name))

    def ask_frames(self) -> None:
        """Let a person choose a folder of frames."""
        name = QFileDialog.getExistingDirectory(self._window, "Open a folder of frames", self.settings.text("folder"))
        if name:
            self.controller.open_file(Path(name))

    def ask_checkpoint(self) -> None:
        """Let a person choose a model's checkpoint."""
        name, _ = QFileDialog.getOpenFileName(self._window, "Open checkpoint", self.settings.text("model_folder"),
                                              "Checkpoints (*.safetensors);;All files (*)")
        if name:
            self.settings.put("model_folder", str(Path(name).parent))
            self.controller.load_model(name)
        self._window.update_actions()

    def paste(self) -> None:
        """Open what is on the clipboard: a file, a path, a picture, or a text."""
        mime = QGuiApplication.clipboard().mimeData() or QMimeData()
        path, picture = path_of(mime), picture_of(mime)
        if path is not None:
            self.controller.open_file(path)
        elif picture is not None:
            self.controller.open_bytes(picture, "pasted.png")
        elif mime.hasText() and mime.text().strip():
            self.controller.open_text(typed(mime.text()))
        else:
            self.layout_.say(Notice(place="input", kind="info",
                                     text="There is no picture, no text and no file on the clipboard."))

    def ask_swap(self) -> None:
        """Let a person choose what the steps from the playhead on look at."""
        name = self._ask_input("Swap the picture from here on")
        if name:
            self.controller.swap_input(Path(name), max(self.session.playhead.step, 0))

    def ask_compare_model(self) -> None:
        """Let a person choose a model whose run is held against this one."""
        listed = [listing.name for listing in self.controller.models
                  if self.session.input is not None and taken_by(self.session.input, listing.input_kind)]
        name, chosen = QInputDialog.getItem(self._window, "Compare with another model", "Model", listed, 0, False)
        if chosen and name:
            self.controller.compare_model(name)

    def ask_compare_input(self) -> None:
        """Let a person choose an input whose run is held against this one."""
        name = self._ask_input("Compare with the run of")
        if name:
            self.controller.compare_input(Path(name))

    def ask_compare_trace(self) -> None:
        """Let a person choose a recorded run that is held against this one."""
        name, _ = QFileDialog.getOpenFileName(self._window, "Compare with a recorded trace", self.settings.text("folder"),
                                              f"Traces ({' '.join(f'*{suffix}' for suffix in TRACE_SUFFIXES)})")
        if name:
            self.controller.compare_trace(Path(name))

    def _ask_input(self, title: str) -> str:
        name, _ = QFileDialog.getOpenFileName(self._window, title, self.settings.text("folder"), "All files (*)")
        return name

    def ask_save(self) -> None:
        """Let a person save the session."""
        stem = Path(self.session.input.name).stem if self.session.input is not None else "session"
        proposed = str(Path(self.settings.text("folder")) / f"{stem}{SESSION_SUFFIX}")
        name, _ = QFileDialog.getSaveFileName(self._window, "Save session", proposed,
                                              f"Sessions (*{SESSION_SUFFIX})")
        if name:
            path = Path(name)
            self.save_session(path if path.suffix == SESSION_SUFFIX else path.with_name(path.name + SESSION_SUFFIX))

    def save_session(self, path: Path) -> None:
        """Save the session in a thread; a failure is said in a banner."""
        from unrolled.viewer.control.session_writer import SessionWriter, saved_session

        if self._writer is None:
            self._writer = SessionWriter(self._window)
            self._writer.written.connect(self._saved)
            self._writer.failed.connect(lambda _, sentence: self.layout_.say(Notice(place="input", text=sentence)))
            self._window.closing.connect(self.wait_until_saved)
        self.layout_.status.set_activity(f"Saving {file_name(path)}…", -1.0)
        self._writer.write(path, saved_session(self.session, self.controller))

    def wait_until_saved(self) -> None:
        """Return when nothing is being written any more."""
        if self._writer is not None:
            self._writer.close()

    def _saved(self, path: Path) -> None:
        self._window.opened_file(str(path))
        self.layout_.status.set_activity(f"Saved {file_name(path)}", -1.0)

    def ask_export(self) -> None:
        """Let a person export an animation, a film strip or the trace."""
        if self.session.trace is None or not len(self.session.trace):
            return
        from unrolled.viewer.window.export_dialog import ExportDialog

        dialog = ExportDialog(self.session, self.settings, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def restore_last(self) -> None:
        """Open the session that was kept when the window was closed the last time, or when it was lost."""
        path = self.last_session
        if path is None or not path.exists():
            self.layout_.say(Notice(place="input", kind="info", text="Nothing was kept from last time."))
            return
        self.controller.open_file(path)

    def open_decoding(self) -> None:
        """Show how words are chosen, to be changed."""
        from unrolled.viewer.window.decoding_popover import DecodingPopover

        popover = DecodingPopover(self.controller.decoding, self._window)
        popover.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        popover.changed.connect(self.controller.set_decoding)
        popover.open_under(self.layout_.toolbar.decoding)

    def show_shortcuts(self) -> None:
        """Show every shortcut."""
        from unrolled.viewer.window.dialogs import ShortcutsDialog

        dialog = ShortcutsDialog(self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def show_about(self) -> None:
        """Show what this is."""
        from importlib.metadata import PackageNotFoundError, version

        from unrolled.viewer.window.dialogs import AboutDialog

        try:
            number = version("unrolled")
        except PackageNotFoundError:
            number = "unknown"
        dialog = AboutDialog(self._window.theme, number, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
