"""The only writer of the session: takes what a person asks for to the backend, and what it reports into the session.

It has no widgets: the window follows its signals, and tests drive it without a screen.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from unrolled.models.protocol.messages import (
    Device,
    Ended,
    Failed,
    Idle,
    Loaded,
    LoadModel,
    Opened,
    Progress,
    Ready,
    Stepped,
)
from unrolled.models.trace import ModelListing, Trace
from unrolled.models.trace.pictures import PictureError, read_file
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.state.session import InputPicture, Session
from unrolled.viewer.window.inputs import Kind, decode_picture, kind_of, picture_of_trace
from unrolled.viewer.window.message import Message
from unrolled.viewer.window.picture_worker import PictureWorker
from unrolled.viewer.window.transport import Transport

DEFAULT_MODEL = "caption-attend-lstm"
DECODE_ASIDE_FROM = 2 * 1024 * 1024  # bytes; a larger picture is decoded in a thread


class Controller(Transport):
    """What the window does.

    Parameters
    ----------
    session : Session
        What is shown.
    backend : BackendProcess
        Where the model is; not started yet.
    parent : QObject, optional
        Owner.

    Attributes
    ----------
    opened_file : Signal(str)
        A file was opened, for the list of recent ones.
    """

    opened_file = Signal(str)

    def __init__(self, session: Session, backend: BackendProcess, parent: QObject | None = None) -> None:
        super().__init__(session, backend, parent)
        self.models: tuple[ModelListing, ...] = ()
        self.devices: tuple[Device, ...] = ()
        self.wanted_model = ""     # what was asked for; loaded as soon as the backend is ready
        self.preferred_model = ""  # what was used last time; taken if nothing is asked for and it is still there
        self.wanted_device = "auto"
        self.last_milliseconds = 0.0
        self._again_with_model = False  # a person picked another model: the picture is run again with it
        self._keep_trace = False        # the input is encoded to go on with the trace that is there
        self._pictures = PictureWorker(self)
        self._pictures.decoded.connect(self._picture_decoded)
        self._pictures.failed.connect(self._picture_failed)
        backend.report.connect(self._take)
        backend.started.connect(lambda: self.status_changed.emit("Loading PyTorch…", -1.0))
        backend.died.connect(self._backend_died)

    # ── The backend ───────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Start the backend; returns at once."""
        self.status_changed.emit("Starting the model’s process…", -1.0)
        self.backend.start()

    def restart_backend(self) -> None:
        """Start the backend again; the model is loaded as before, and the run goes on from where it was."""
        self.unsaid.emit("model")
        self.run.lose()
        self.loading = False
        self.start()

    def close(self) -> None:
        """Stop everything; no process and no thread is left."""
        self.playback.stop()
        self._pictures.close()
        self.backend.close()

    def load_model(self, name: str, device: str | None = None) -> None:
        """Load a model by its name or its checkpoint's path; the picture is then run again with it."""
        same = self.session.description is not None and name == self.wanted_model
        self._again_with_model = self._again_with_model or not same
        self.wanted_model = name
        self.wanted_device = device or self.wanted_device
        self._pause()
        self._request_model()

    def set_device(self, device: str) -> None:
        """Compute elsewhere; the trace is kept, and goes on there."""
        if device != self.wanted_device:
            self.wanted_device = device
            self._pause()
            self._request_model()

    def _request_model(self) -> None:
        if self.backend.connected and self.wanted_model:
            self.unsaid.emit("model")
            self.run.lose()
            self.loading = True
            self.status_changed.emit("Loading the model…", -1.0)
            self.backend.send(LoadModel(self.wanted_model, self.wanted_device))
            self.state_changed.emit()

    # ── Inputs ────────────────────────────────────────────────────────────────────────────────────────────────

    def open_file(self, path: Path) -> None:
        """Open a photograph, a trace or a session; what is on screen stays when that fails."""
        path = Path(path)
        self.unsaid.emit("input")
        kind = kind_of(path)
        try:
            if kind is Kind.PICTURE:
                data = read_file(path)
                self.opened_file.emit(str(path.absolute()))
                self.open_bytes(data, path.name)
            elif kind is Kind.TRACE:
                self._open_trace_file(path)
            else:
                self._open_session_file(path)
        except (PictureError, ValueError) as error:
            self._say_input(str(error))
        except OSError as error:
            self._say_input(f"“{path.name}” cannot be read: {error.strerror or error}.")

    def open_bytes(self, data: bytes, name: str) -> None:
        """Open a photograph from its file's bytes; the newest that was asked for wins."""
        self.unsaid.emit("input")
        if len(data) > DECODE_ASIDE_FROM:
            self.status_changed.emit("Reading the picture…", -1.0)
            self._pictures.decode(data, name)
            return
        self._pictures.forget()
        try:
            picture, notes = decode_picture(data, name)
        except PictureError as error:
            self._say_input(str(error))
            return
        self._picture_decoded(picture, notes)

    def show_trace(self, trace: Trace, picture: InputPicture | None, *, step: int = 0) -> None:
        """Show what was recorded before; with its model loaded it can go on from there."""
        self._interrupt()
        self._pictures.forget()
        self._again_with_model = False
        self.session.set_picture(picture)
        self.session.set_trace(trace)
        self.session.playhead.seek(step)
        self._open_input()
        self.state_changed.emit()

    def _open_trace_file(self, path: Path) -> None:
        from unrolled.models.trace.files import load_trace  # most starts need none

        trace = load_trace(path)
        self.show_trace(trace, picture_of_trace(trace, path.name))
        self.opened_file.emit(str(path.absolute()))

    def _open_session_file(self, path: Path) -> None:
        from unrolled.viewer.state.session_file import load_session

        saved = load_session(path)
        layout = saved.layout
        picture = decode_picture(saved.input_bytes, layout.input_name or "picture")[0] if saved.input_bytes else None
        self.decoding = layout.decoding
        self.session.appearance.replace(layout.appearance)
        if saved.traces:
            self.show_trace(saved.traces[0], picture or picture_of_trace(saved.traces[0], path.name), step=layout.step)
        elif picture is not None:
            self._picture_decoded(picture, ())
        self.session.selection.set(layout.pinned)
        self.opened_file.emit(str(path.absolute()))
        self.state_changed.emit()

    def _picture_decoded(self, picture: InputPicture, notes: tuple[str, ...]) -> None:
        self._interrupt()
        self.status_changed.emit("", -1.0)
        self.session.set_picture(picture)
        for note in notes:
            self.said.emit(Message(place="input", text=note, kind="info"))
        self._open_input()
        self.state_changed.emit()

    def _picture_failed(self, sentence: str) -> None:
        self.status_changed.emit("", -1.0)
        self._say_input(sentence)

    def _interrupt(self) -> None:
        """Something else is about to be shown: stop what the old run does, and drop what of it still arrives."""
        self._pause()
        self.run.cancel()
        self.run.lose()

    def _open_input(self) -> None:
        """Have the picture encoded, if there is a picture and a model that fits what is on screen."""
        picture, description, trace = self.session.picture, self.session.description, self.session.trace
        if picture is None or description is None or self.loading or not self.backend.connected:
            return
        fits = trace is not None and self._fits(trace)
        if trace is not None and not fits and not self._again_with_model:
            return  # recorded by another model: it is shown, and never overwritten unasked
        self._keep_trace = fits
        self._again_with_model = False
        self.run.open_input(picture.data, picture.name, self.decoding)

    def run_again(self) -> None:
        """Run the picture from the beginning with the model that is loaded."""
        self.unsaid.emit("run")
        self._interrupt()
        self._again_with_model = True
        self.session.set_trace(None)
        self._open_input()
        self.state_changed.emit()

    # ── Reports ───────────────────────────────────────────────────────────────────────────────────────────────

    def _take(self, report: object) -> None:
        if isinstance(report, Stepped):
            self._stepped(report)
        elif isinstance(report, Idle):
            self.run.idle(report)
            self.state_changed.emit()
        elif isinstance(report, Ended):
            self._ended(report)
        elif isinstance(report, Progress):
            self.status_changed.emit(report.text, report.fraction)
        elif isinstance(report, Opened):
            self._opened(report)
        elif isinstance(report, Ready):
            self._ready(report)
        elif isinstance(report, Loaded):
            self._loaded(report)
        elif isinstance(report, Failed):
            self._failed(report)

    def _ready(self, report: Ready) -> None:
        self.models, self.devices = report.models, report.devices
        self.status_changed.emit("", -1.0)
        names = [listing.name for listing in report.models]
        if not self.wanted_model:
            choices = [name for name in (self.preferred_model, DEFAULT_MODEL) if name in names or Path(name).is_file()]
            self.wanted_model = (choices or names or [""])[0]
        if not self.wanted_model:
            self.said.emit(Message(place="model", kind="warning", text="No model is installed. Open a checkpoint, "
                                                                       "or train one with “unrolled train”."))
        self.state_changed.emit()
        self._request_model()

    def _loaded(self, report: Loaded) -> None:
        self.loading = False
        self.status_changed.emit("", -1.0)
        self.session.set_model(report.description, report.device)
        self._open_input()
        self.state_changed.emit()

    def _opened(self, report: Opened) -> None:
        if not self.run.wants(report.run) or self.session.picture is None:
            return
        self.run.opened()
        self.status_changed.emit("", -1.0)
        if not self._keep_trace or self.session.trace is None:
            assert self.session.description is not None
            self.session.set_trace(Trace(self.session.description.channels, provenance=self._provenance(report.region),
                                         input_bytes=self.session.picture.data))
        trace = self.session.trace
        assert trace is not None
        if self._target is not None:
            self._reach(self._target)
        self.state_changed.emit()

    def _stepped(self, report: Stepped) -> None:
        trace = self.session.trace
        if trace is None or not self.run.accepts(report, trace):
            return
        try:
            trace.append(report.result(tuple(trace.channels.values())))
        except ValueError as error:
            self.said.emit(Message(place="run", text=f"The model reported a step that does not fit: {error}."))
            return
        self.last_milliseconds = report.milliseconds
        self.session.grew()
        if self._target is not None:
            self._go(min(self._target, len(trace) - 1))
            if len(trace) > self._target:
                self._target = None
        elif self.session.playhead.step < 0:
            self._go(0)

    def _ended(self, report: Ended) -> None:
        if not self.run.wants(report.run):
            return
        self._target = None
        self.session.end()
        self.state_changed.emit()

    def _failed(self, report: Failed) -> None:
        if report.run >= 0 and not self.run.wants(report.run):
            return
        self.status_changed.emit("", -1.0)
        self._pause()
        if report.subject == "model":
            self.loading = False
            self.said.emit(Message(place="model", text=report.sentence))
            if self.session.description is not None:
                self.wanted_model = self.session.description.name
                self.wanted_device = self.session.device or self.wanted_device
                self._again_with_model = False
                self._open_input()
        elif report.subject == "input":
            self.run.lose()
            self._say_input(report.sentence)
        elif report.subject == "step":
            self.said.emit(Message(place="run", text=report.sentence))
        else:
            self.loading = False
            self._say_backend(report.sentence)
        self.state_changed.emit()

    def _backend_died(self, sentence: str) -> None:
        self._pause()
        self.loading = False
        self.run.lose()
        self.status_changed.emit("", -1.0)
        self._say_backend(sentence)
        self.state_changed.emit()
