"""What to export, and how it will look; then the progress of it, which can be cancelled. The window stays of use meanwhile."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QProgressBar, QWidget

from unrolled.models.trace import Provenance, Trace
from unrolled.viewer.drawing.resolution import PIXELS_PER_INCH
from unrolled.viewer.export.contents import CONTENTS, OF_PLOTS, Content
from unrolled.viewer.export.failure import ExportError
from unrolled.viewer.export.formats import Makes, formats
from unrolled.viewer.export.scenes.board import BoardScene
from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.export.subject import Subject, subject_of_session
from unrolled.viewer.state.attributions import GRADIENTS, ask_gradients, state_of
from unrolled.viewer.state.commands import Do
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.themes import LIGHT, Theme
from unrolled.viewer.widgets.asking import Asking, Told, Wanted
from unrolled.viewer.widgets.building import in_column, in_row, keep_room, muted_label, named, scrolled
from unrolled.viewer.widgets.saving import ask_where
from unrolled.viewer.window.exporting.fields import ExportFields, form, heading, picker
from unrolled.viewer.window.exporting.preview import ExportPreview
from unrolled.viewer.window.settings import WindowSettings

FIELDS_WIDTH, SCROLL_BAR, SIZE, AROUND = 332, 14, QSize(860, 600), 80


class ExportDialog(QDialog):
    """Chooses, shows, exports, and closes when it is done.

    Parameters
    ----------
    board : callable, optional
        Draws the plots that are exported in place of the run. It raises `ExportError`.
    """

    exported = Signal(object)  # the `Path` of the file that was written

    def __init__(self, session: Session, settings: WindowSettings, parent: QWidget | None = None, *,
                 theme: Theme = LIGHT, do: Do | None = None, board: Callable[[ExportSettings], BoardScene] | None = None) -> None:
        super().__init__(parent)
        self._session, self._settings, self._do, self._board = session, settings, do, board
        self._subject = subject = self._taken(ExportSettings())
        self._chosen: ExportSettings | None = None
        self.setWindowTitle("Export")
        self.setAccessibleName("Export")
        asked_for = {"gradients"} if do is not None and session.questions.possible else set()  # which it has when it is chosen
        self._contents = {content.name: content for content in (CONTENTS if board is None else OF_PLOTS)
                          if content.there(subject) or content.name in asked_for}
        self.what = picker([(name, content.title) for name, content in self._contents.items()],
                           settings.text("export_what", "animation"))
        self.format = picker([], "")
        self.fields = ExportFields(settings, session.appearance.values, subject)
        self.preview = ExportPreview(theme)
        choosers = form()
        for title, widget in (("What", self.what), ("Format", self.format)):
            widget.setAccessibleName(title)
            choosers.addRow(heading(title), widget)
        self.note = muted_label(wrapped=True)
        self.note.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.note.setMinimumHeight(36)
        self.bar = named(QProgressBar(textVisible=False, minimum=0, maximum=1000), "Progress of the export")
        keep_room(self.bar)
        self.bar.hide()
        self._writing = Asking(self, failing="The export failed")
        self._writing.progressed.connect(lambda fraction: self.bar.setValue(round(1000 * fraction)))
        self._writing.answered.connect(self._written)
        self._writing.failed.connect(self._not_written)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.go = buttons.addButton("Export…", QDialogButtonBox.ButtonRole.AcceptRole)
        self.go.setAccessibleName("Export")
        buttons.accepted.connect(self._ask)
        buttons.rejected.connect(self.reject)
        left = QWidget()
        left.setFixedWidth(FIELDS_WIDTH + SCROLL_BAR)
        choosers.setContentsMargins(0, 0, SCROLL_BAR, 0)
        inside = QWidget()
        inside.setFixedWidth(FIELDS_WIDTH)  # beside a bar or none
        in_column(inside, self.fields, (QWidget(), 1))
        in_column(left, choosers, self.note, (scrolled(inside), 1), spacing=10)
        in_column(self, (in_row(None, left, (self.preview, 1), spacing=20), 1), self.bar, buttons, spacing=12).setContentsMargins(
            24, 20, 24, 16)
        room = (parent.size() if parent is not None else QGuiApplication.primaryScreen().availableSize()) - QSize(AROUND, AROUND)
        self.resize(SIZE.boundedTo(room))
        self.what.currentIndexChanged.connect(self._show_formats)
        self.format.currentIndexChanged.connect(self._show_fields)
        self.fields.changed.connect(self._changed)
        session.questions.answered.connect(self._answered)
        self._show_formats()

    @property
    def content(self) -> Content:
        return self._contents[str(self.what.currentData())]

    def export_to(self, path: Path) -> None:
        """Write the file in a thread of its own; the dialog closes when it is there."""
        subject = self._subject if self._board is not None else subject_of_session(self._session)
        if subject is None or self._writing.busy:
            return
        self._settings.put("export_folder", str(path.parent))
        look, what = self._chosen or ExportSettings(), self.content.name

        def write(wanted: Wanted, told: Told) -> Path:
            from unrolled.viewer.export import export  # PyAV and the rest are needed by nobody before

            export(subject, path, look, what=what, on_progress=lambda fraction: told(round(1000 * fraction), 1000),
                   cancelled=lambda: not wanted())
            return path

        self.bar.setValue(0)
        self.bar.show()
        self.note.setText(f"Writing {path.name}…")
        self._enable(False)
        self._writing.ask(write)

    def done(self, result: int) -> None:
        """Close; an export that is under way is cancelled first, and no half-written file is left."""
        self._session.questions.answered.disconnect(self._answered, missing_ok=True)
        self._remember()
        self.preview.close_preview()
        self._writing.close()
        super().done(result)

    def _ask(self) -> None:
        suffix = str(self.format.currentData())
        stem = Path(self._subject.trace.provenance.input_name).stem or "unrolled"
        name = stem if self.content.name in ("attention", "animation", "trace") else f"{stem} {self.content.title.lower()}"
        folder = Path(self._settings.text("export_folder", self._settings.text("folder")))
        path = ask_where(self, "Export", folder / f"{name}.{suffix}", {f".{suffix}": self.format.currentText()})
        if path is not None:
            self.export_to(path)

    def _written(self, path: Path) -> None:
        self.accept()
        self.exported.emit(path)

    def _not_written(self, sentence: str) -> None:
        self.bar.hide()
        self._enable(True)
        self.note.setText(sentence)

    def _show_formats(self) -> None:
        """The formats that the content can be written as; the one of its kind that was chosen last stands first."""
        makes = self.content.makes
        with QSignalBlocker(self.format):
            self.format.offer(((row.suffix[1:], row.title) for row in self.content.formats),
                              self._settings.text(f"export_{makes.name.lower()}_format"))
        self._show_fields()

    def _show_fields(self) -> None:
        about, found, trace = self.content.about, self._subject.gradients, self._subject.trace
        if self.content.name == GRADIENTS and found is not None:  # of a long run, which of its steps
            about = f"{about} {state_of(None, found, trace, found.last, wire_id=found.wire_id)}".strip()
        self.note.setText(about)
        self._changed()

    def _changed(self) -> None:
        """Say what cannot be drawn at its field, and show the rest as it will be."""
        content, chosen = self.content, formats()[f".{self.format.currentData()}"]
        self._settings.put(f"export_{content.makes.name.lower()}_format", chosen.suffix[1:])
        self.fields.show_for(content, chosen)
        self._chosen = self.fields.values(self._subject, content) if content.makes is not Makes.TRACE else ExportSettings()
        self.go.setEnabled(self._chosen is not None)
        if content.makes is Makes.TRACE:
            self.preview.say("Numbers: nothing to look at.")
        elif not content.there(self._subject):
            self.go.setEnabled(False)
            self._follow_gradients()
        elif self._chosen is not None:
            try:
                if self._board is not None:
                    self._chosen = self._chosen if "dpi" in chosen.takes else replace(self._chosen, dpi=PIXELS_PER_INCH)
                    self._subject = self._taken(self._chosen)
            except ExportError as error:
                self.go.setEnabled(False)
                self.preview.say(str(error))
            else:
                self.preview.ask(self._subject, content, chosen, self._chosen)

    def _taken(self, look: ExportSettings) -> Subject:
        if self._board is not None:
            board = self._board(look)
            return Subject(trace=Trace((), provenance=Provenance(input_name=board.title)), board=board)
        subject = subject_of_session(self._session)
        assert subject is not None, "it is opened where there is a run"
        return subject

    def _follow_gradients(self) -> None:
        """Ask for them, and say how far they are."""
        trace, branch = self._session.trace, self._session.branch
        asked = ask_gradients(self._session, self._do) if self._do is not None else None
        if trace is not None and branch is not None:
            said = state_of(asked, None, trace, len(trace) - 1, wire_id=branch.wire_id)
            self.preview.say(f"Backpropagating: {said}" if asked is not None else "The model is not there to be asked.")

    def _answered(self, name: str) -> None:
        if name == GRADIENTS and self.content.name == "gradients" and not self._writing.busy:
            self._subject = subject_of_session(self._session) or self._subject
            self._show_fields()

    def _enable(self, enabled: bool) -> None:
        for widget in (self.what, self.format, self.fields, self.go):
            widget.setEnabled(enabled)

    def _remember(self) -> None:
        if self._board is None:
            self._settings.put("export_what", self.content.name)
        if self._chosen is not None:
            self.fields.remember(self._settings)
