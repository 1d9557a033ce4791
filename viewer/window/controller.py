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
    SteppedBlock,
)
from unrolled.models.trace import ModelListing, Trace
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.state.inputs import MEDIUM_OF_KIND, Input, InputText, looks_like_prose, taken_by, typed
from unrolled.viewer.state.session import Session
from unrolled.viewer.window.input_worker import InputWorker
from unrolled.viewer.window.inputs import (
    INPUT_ERRORS,
    Kind,
    Notes,
    decode_input,
    input_of_trace,
    kind_of,
    may_be_read_as,
    medium_of,
    read_bytes,
    sample,
)
from unrolled.viewer.window.message import Message
from unrolled.viewer.window.transport import Transport

DEFAULT_MODEL = "caption-attend-lstm"
DECODE_ASIDE_FROM = 2 * 1024 * 1024  # bytes; a larger input is decoded in a thread
LONG_READING = 3000     # steps; a longer text is read with a word on how to stop
PROMPT_AT_MOST = 400    # characters; after a short text the playhead stands at its end, where writing goes on


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
        self._again_with_model = False  # a person picked another model: the input is run again with it
        self._keep_trace = False        # the input is encoded to go on with the trace that is there
        self._reading = 0               # so many steps are being read from the text that was given
        self._of_sample = False         # what is shown was nobody's choice
        self._last_inputs: dict[str, Input] = {}  # the last input of each kind that a model took
        self._inputs = InputWorker(self)
        self._inputs.decoded.connect(self._show_input)
        self._inputs.failed.connect(self._input_failed)
        session.text_entered.connect(lambda text: self.open_text(typed(text)))
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
        self._inputs.close()
        self.backend.close()

    def load_model(self, name: str, device: str | None = None) -> None:
        """Load a model by its name or its checkpoint's path; the input, or one that it takes, is then run with it."""
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

    @property
    def input_kind(self) -> str:
        """What the model takes that is loaded, or that will be."""
        description = self.session.description
        if description is not None and not self.loading:
            return description.input_kind
        listed = next((listing for listing in self.models if listing.name == self.wanted_model), None)
        return listed.input_kind if listed is not None else "picture"

    def open_file(self, path: Path) -> None:
        """Open an input, a trace or a session; what is on screen stays when that fails."""
        path = Path(path)
        self.unsaid.emit("input")
        kind = kind_of(path)
        try:
            if kind is Kind.INPUT:
                self._open_input_file(path)
            elif kind is Kind.TRACE:
                self._open_trace_file(path)
            else:
                self._open_session_file(path)
        except ValueError as error:
            self._say_input(str(error))
        except OSError as error:
            self._say_input(f"“{path.name}” cannot be read: {error.strerror or error}.")

    def open_sample(self, input_kind: str = "") -> None:
        """Open the sample for a kind of model; by default for the one that is loaded or wanted."""
        path = sample(input_kind or self.input_kind)
        if path is not None:
            self._open_input_file(path, kind=input_kind)
            self._of_sample = True

    def open_bytes(self, data: bytes, name: str, medium: str = "picture") -> None:
        """Open an input from its file's bytes; the newest that was asked for wins."""
        self.unsaid.emit("input")
        self._of_sample = False
        if len(data) > DECODE_ASIDE_FROM:
            self.status_changed.emit("Reading the file…", -1.0)
            self._inputs.read(name, lambda: decode_input(data, name, medium))
            return
        self._inputs.forget()
        try:
            given, notes = decode_input(data, name, medium)
        except INPUT_ERRORS as error:
            self._say_input(str(error))
            return
        self._show_input(given, notes)

    def open_text(self, given: InputText) -> None:
        """Open a text that was typed."""
        self.unsaid.emit("input")
        if not given.text.strip():
            self._say_input("There is no text yet: type or paste one.")
            return
        self._of_sample = False
        self._inputs.forget()
        self._again_with_model = True
        self._show_input(given, ())

    def _open_input_file(self, path: Path, kind: str = "") -> None:
        medium = medium_of(path, kind or self.input_kind)
        if medium == "clip":
            def read() -> tuple[Input, Notes]:
                return decode_input(read_bytes(path, medium), path.name, medium)

            self._of_sample = False
            self.opened_file.emit(str(path.absolute()))
            self.status_changed.emit("Reading the clip…", -1.0)
            self._inputs.read(path.name, read)
            return
        data = read_bytes(path, medium)
        self.opened_file.emit(str(path.absolute()))
        self.open_bytes(data, path.name, medium)

    def show_trace(self, trace: Trace, given: Input | None, *, step: int = 0) -> None:
        """Show what was recorded before; with its model loaded it can go on from there."""
        self._interrupt()
        self._inputs.forget()
        self._again_with_model = self._of_sample = False
        self.session.set_input(given)
        self.session.set_trace(trace)
        self.session.playhead.seek(step)
        self._open_input()
        self.state_changed.emit()

    def _open_trace_file(self, path: Path) -> None:
        from unrolled.models.trace.files import load_trace  # most starts need none

        trace = load_trace(path)
        self.show_trace(trace, input_of_trace(trace, path.name))
        self.opened_file.emit(str(path.absolute()))

    def _open_session_file(self, path: Path) -> None:
        from unrolled.viewer.state.session_file import load_session

        saved = load_session(path)
        layout = saved.layout
        given = decode_input(saved.input_bytes, layout.input_name or "input", layout.input_medium)[0] \
            if saved.input_bytes else None
        self.decoding = layout.decoding
        self.session.appearance.replace(layout.appearance)
        if saved.traces:
            self.show_trace(saved.traces[0], given or input_of_trace(saved.traces[0], path.name), step=layout.step)
        elif given is not None:
            self._show_input(given, ())
        self.session.selection.set(layout.pinned)
        self.opened_file.emit(str(path.absolute()))
        self.state_changed.emit()

    def _show_input(self, given: Input, notes: Notes) -> None:
        self._interrupt()
        self.status_changed.emit("", -1.0)
        self.session.set_input(given)
        for note in notes:
            self.said.emit(Message(place="input", text=note, kind="info"))
        self._bring_model_for(given)
        self._open_input()
        self.state_changed.emit()

    def _input_failed(self, sentence: str) -> None:
        self.status_changed.emit("", -1.0)
        self._say_input(sentence)

    def _bring_model_for(self, given: Input) -> None:
        """Load the first model that takes what was opened, unless the one that is there does."""
        description = self.session.description
        if description is None or self.loading or taken_by(given, description.input_kind):
            return
        name = self._model_for(given)
        if not name:
            self._say_input(f"No model that is installed takes “{given.name}”.")
            return
        self.wanted_model = name
        self._request_model()

    def _model_for(self, given: Input) -> str:
        """The first listed model that takes an input; a sentence is preferably translated, a program read."""
        fitting = [listing for listing in self.models if taken_by(given, listing.input_kind)]
        if isinstance(given, InputText):
            wanted = "sentence" if looks_like_prose(given) else "text"
            fitting.sort(key=lambda listing: listing.input_kind != wanted)
        return fitting[0].name if fitting else ""

    def _interrupt(self) -> None:
        """Something else is about to be shown: stop what the old run does, and drop what of it still arrives."""
        self._pause()
        self._end_reading()
        self._opened = None
        self.run.cancel()
        self.run.lose()

    def _open_input(self) -> None:
        """Have the input encoded, if there is one and a model that takes it and fits what is on screen."""
        given, description, trace = self.session.input, self.session.description, self.session.trace
        if given is None or description is None or self.loading or not self.backend.connected:
            return
        if not taken_by(given, description.input_kind):
            return
        fits = trace is not None and self._fits(trace)
        if trace is not None and not fits and not self._again_with_model:
            return  # recorded by another model: it is shown, and never overwritten unasked
        self._keep_trace = fits
        self._again_with_model = False
        self._last_inputs[description.input_kind] = given
        self.run.open_input(given.data, given.name, self.decoding)

    def run_again(self) -> None:
        """Run the input from the beginning with the model that is loaded."""
        self.unsaid.emit("run")
        self._interrupt()
        self._again_with_model = True
        self.session.set_trace(None)
        self._open_input()
        self.state_changed.emit()

    # ── Reports ───────────────────────────────────────────────────────────────────────────────────────────────

    def _take(self, report: object) -> None:
        if isinstance(report, Stepped | SteppedBlock):
            self._stepped(report)
        elif isinstance(report, Idle):
            self.run.idle(report)
            self.state_changed.emit()
        elif isinstance(report, Ended):
            self._ended(report)
        elif isinstance(report, Progress):
            self.status_changed.emit(report.text, report.fraction)
        elif isinstance(report, Opened):
            self._input_opened(report)
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
            given = self.session.input
            if given is not None and not self._of_sample and not taken_by(given, self.input_kind):
                self.wanted_model = self._model_for(given) or self.wanted_model
        if not self.wanted_model:
            self.said.emit(Message(place="model", kind="warning", text="No model is installed. Open a checkpoint, "
                                                                       "or train one with “unrolled train”."))
        self.state_changed.emit()
        self._request_model()

    def _loaded(self, report: Loaded) -> None:
        self.loading = False
        self.status_changed.emit("", -1.0)
        self.session.set_model(report.description, report.device)
        given, kind = self.session.input, report.description.input_kind
        if given is None or taken_by(given, kind):
            self._open_input()
        elif may_be_read_as(given, kind):
            self.open_bytes(given.data, given.name, MEDIUM_OF_KIND[kind])  # a GIF is a picture or a clip, as the model takes it
        elif self._again_with_model or self._of_sample:
            self._show_what_it_takes(kind)
        else:
            self._bring_model_for(given)
        self.state_changed.emit()

    def _show_what_it_takes(self, kind: str) -> None:
        """Another kind of model was picked: its last input, or its sample, takes the place of what is shown."""
        last = self._last_inputs.get(kind)
        self._again_with_model = True
        if last is not None:
            self._show_input(last, ())
            return
        self._interrupt()
        self.session.set_input(None)
        self.open_sample(kind)

    def _input_opened(self, report: Opened) -> None:
        given, description = self.session.input, self.session.description
        if not self.run.wants(report.run) or given is None or description is None:
            return
        self.run.opened()
        self._opened = report
        self.status_changed.emit("", -1.0)
        for note in report.notes:
            self.said.emit(Message(place="input", text=note, kind="info"))
        trace = self.session.trace if self._keep_trace else None
        if trace is None:
            trace = Trace(report.channels or description.channels, provenance=self._provenance(report.region),
                          input_bytes=given.data)
            trace.reserve(report.given)
            self.session.set_trace(trace)
        if len(trace) < report.given:
            self._reading = report.given
            self.run.want(report.given, trace, self.decoding)
            if report.given > LONG_READING:
                self.said.emit(Message(place="run", kind="info", text=f"Reading {report.given:,} characters…", action="Stop",
                                       act=self.stop_reading))
        if self._target is not None:
            self._reach(self._target)
        self.state_changed.emit()

    def stop_reading(self) -> None:
        """Read no further in the text that was given; what was read is kept."""
        self.run.cancel()
        self._end_reading()

    def _end_reading(self) -> None:
        if self._reading:
            self._reading = 0
            self.status_changed.emit("", -1.0)
            self.unsaid.emit("run")

    def _read_on(self, trace: Trace) -> None:
        """Say how far reading is; where all is read, the playhead of a short text goes to its end."""
        read, given = len(trace), self._reading
        if read < given:
            if given > LONG_READING:
                self.status_changed.emit(f"Reading: {read:,} of {given:,} characters", read / given)
            return
        self._end_reading()
        if given <= PROMPT_AT_MOST and self._target is None and self.session.playhead.step <= 0:
            self._go(given - 1)

    def _stepped(self, report: Stepped | SteppedBlock) -> None:
        trace, description = self.session.trace, self.session.description
        if trace is None or description is None or not self.run.accepts(report, trace):
            return
        channels = tuple(trace.channels.values())
        try:
            if isinstance(report, SteppedBlock):
                trace.append_block(report.block(channels, description.words))
            else:
                trace.append(report.result(channels))
        except ValueError as error:
            self.said.emit(Message(place="run", text=f"The model reported a step that does not fit: {error}."))
            return
        self.last_milliseconds = report.milliseconds / (report.count if isinstance(report, SteppedBlock) else 1)
        self.session.grew()
        if self._reading:
            self._read_on(trace)
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
