"""Opening inputs, traces and sessions."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

from unrolled.models.inputs.encodings import decode_text
from unrolled.models.inputs.files import ReadingError
from unrolled.models.inputs.inputs import Input, InputText
from unrolled.models.inputs.kinds import Notes, decode_input, kind_named, medium_of, read_bytes, sample
from unrolled.models.inputs.sniffing import QUICK_BYTES, quick_to_read
from unrolled.models.inputs.texts import as_utf_8
from unrolled.models.protocol.dispatch import handles
from unrolled.models.protocol.stepping import DrawInput, InputDrawn
from unrolled.models.store.stored_trace import StoredTrace
from unrolled.models.trace import Trace
from unrolled.models.trace.names import file_name, text_name
from unrolled.viewer.control.branching import Branching
from unrolled.viewer.control.input_worker import InputWorker, why_not
from unrolled.viewer.control.loading import Loading
from unrolled.viewer.control.recording import Recording
from unrolled.viewer.control.run_state import ModelPhase, Opening, Origin
from unrolled.viewer.control.runner import Runner
from unrolled.viewer.control.transport import Transport
from unrolled.viewer.control.voice import Voice
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.branches import FIRST, Branches
from unrolled.viewer.state.files import Kind, kind_of
from unrolled.viewer.state.session import Session

if TYPE_CHECKING:
    from unrolled.viewer.control.session_files import ReadSession


class Opener:
    def __init__(self, session: Session, runner: Runner, recording: Recording, transport: Transport, branching: Branching,
                 loading: Loading, worker: InputWorker, voice: Voice) -> None:
        self._session, self._runner, self._worker, self._voice = session, runner, worker, voice
        self._recording, self._transport, self._branching, self._loading = recording, transport, branching, loading
        self._text: InputText | None = None  # as its file has it
        self._read_again = b""  # the same in the encoding that a person chose
        self._chosen = ""  # that encoding
        self._drawn = 0  # so many inputs of a model's own kind were drawn

    @property
    def is_reading(self) -> bool:
        return self._worker.is_reading

    @handles(c.Open)
    def open_file(self, command: c.Open) -> None:
        """Open an input, a trace, a session or somebody's model; what is on screen stays when that fails."""
        path = Path(command.path)
        self._voice.unsaid.emit("input")
        kind = kind_of(path)
        try:
            if kind is Kind.INPUT:
                self._open_input_file(path)
            elif kind is Kind.TRACE:
                self._open_trace_file(path)
            elif kind is Kind.STORE:
                self._voice.do(c.OpenStore(str(path)))
            elif kind is Kind.CHECKPOINT:
                self._loading.load_model(c.LoadModel(str(path)))
            else:
                self._open_session_file(path)
        except Exception as error:  # whatever a file does to its reader, what is on screen stays
            self._voice.say("input", why_not(file_name(path), error))

    @handles(c.OpenSample)
    def open_sample(self, command: c.OpenSample) -> None:
        path = sample(command.input_kind or self._loading.choice.input_kind or "picture")
        if path is not None:
            self._voice.unsaid.emit("input")
            self._open_input_file(path, kind=command.input_kind, origin=Origin.SAMPLE)

    @handles(c.DrawInput)
    def draw_input(self, _: c.DrawInput) -> None:
        description = self._session.description
        if description is not None and description.draws and self._runner.state.model is ModelPhase.LOADED:
            self._voice.unsaid.emit("input")
            self._runner.backend.send(DrawInput(self._drawn))
            self._drawn += 1

    @handles(InputDrawn)
    def show_drawing(self, drawn: InputDrawn) -> None:
        """Open what was drawn; nobody chose it, so another model brings its own."""
        description = self._session.description
        if description is not None and description.draws:
            medium = kind_named(description.input_kind).medium
            self._open_bytes(drawn.data, drawn.name, medium, Origin.SAMPLE, description.draws)

    @handles(c.OpenData)
    def open_data(self, command: c.OpenData) -> None:
        self._open_bytes(command.data, command.name, command.medium)

    @property
    def encoding(self) -> str:
        """What the text on screen was read in, by its name in Python; empty where no file had it."""
        return self._chosen or (decode_text(self._text.data)[1] if self._text is not None else "")

    @handles(c.ReadTextAs)
    def read_text_as(self, command: c.ReadTextAs) -> None:
        if self._text is None or not isinstance(self._session.input, InputText):
            self._voice.say("input", "What is shown was not read from a text file.", "info")
            return
        self._chosen = command.encoding
        self._read_again = as_utf_8(self._text.data, command.encoding, self._text.name)
        self._open_bytes(self._read_again, self._text.name, "text")

    @handles(c.OpenText)
    def open_text(self, command: c.OpenText) -> None:
        self._text = None
        self._voice.unsaid.emit("input")
        if not command.text.text.strip():
            self._voice.say("input", "There is no text yet: type or paste one.")
            return
        self._worker.forget()
        self._loading.show(Opening(input=command.text))

    def show_trace(self, trace: Trace | StoredTrace, given: Input | None, *, step: int = 0, branches: Branches | None = None,
                   others: dict[str, Input] | None = None) -> None:
        """Show what was recorded before; with its model loaded it can go on from there.

        Parameters
        ----------
        branches : Branches, optional
            All of them, where there are others than the trace.
        others : dict, optional
            The inputs that edits swap to, by their hash.
        """
        self._transport.interrupt()
        self._worker.forget()
        self._voice.unsaid.emit("input")
        self._runner.show(Opening(input=given) if given is not None else None)
        self._session.set_input(given)
        self._session.other_inputs = dict(others or {})
        self._runner.other_inputs |= {key: (own.data, own.name) for key, own in (others or {}).items()}
        self._session.set_trace(cast(Trace, trace))  # whoever reads it cannot tell them apart
        if branches is not None:
            self._session.set_branches(branches)
            self._recording.forget()
        else:
            self._branching.replace_unseen(self._session.branches.all[FIRST].changed(decoding=self._branching.decoding))
        self._session.playhead.seek(step)
        self._loading.encode()
        self._voice.state_changed.emit()

    def _open_bytes(self, data: bytes, name: str, medium: str, origin: Origin = Origin.PERSON, draws: str = "") -> None:
        self._voice.unsaid.emit("input")
        if not quick_to_read(data, medium):
            self._worker.read(text_name(name), lambda _: decode_input(data, name, medium),
                              lambda found: self._show(*found, origin=origin, draws=draws))
            return
        self._worker.forget()
        try:
            self._show(*decode_input(data, name, medium), origin=origin, draws=draws)
        except ReadingError as error:
            self._voice.say("input", str(error))

    def _open_input_file(self, path: Path, kind: str = "", origin: Origin = Origin.PERSON) -> None:
        medium, name = medium_of(path, kind or self._loading.choice.input_kind or "picture"), file_name(path)
        if not path.exists() or (medium != "clip" and path.is_file() and path.stat().st_size <= QUICK_BYTES):
            data = read_bytes(path, medium)
            if quick_to_read(data, medium):
                self._worker.forget()
                self._show(*decode_input(data, name, medium), origin=origin, path=path)
                return
        self._worker.read_input(path, medium, lambda found: self._show(*found, origin=origin, path=path))

    def _show(self, given: Input, notes: Notes, *, origin: Origin, draws: str = "", path: Path | None = None) -> None:
        if path is not None:
            self._voice.opened.emit(str(path.absolute()))
        if not (isinstance(given, InputText) and given.data == self._read_again):
            self._text, self._chosen = given if isinstance(given, InputText) else None, ""
        self._loading.show(Opening(input=given, origin=origin, draws=draws), notes)

    def _open_trace_file(self, path: Path) -> None:
        def show(found: tuple[Trace, Input | None]) -> None:
            self.show_trace(*found)
            self._voice.opened.emit(str(path.absolute()))

        self._worker.read_trace(path, show)

    def _open_session_file(self, path: Path) -> None:
        from unrolled.viewer.control.session_files import read_session  # most starts need none

        self._worker.read(file_name(path), lambda say: read_session(path, say), lambda found: self._show_session(found, path))

    def _show_session(self, found: "ReadSession", path: Path) -> None:
        layout, traces = found.saved.layout, found.saved.traces
        self._branching.decoding = layout.decoding
        self._session.appearance.replace(layout.appearance)
        if traces:
            self.show_trace(traces[0], found.given, step=layout.step, branches=found.branches, others=found.others)
        elif found.given is not None:
            self._loading.show(Opening(input=found.given))
        self._session.selection.set(layout.pinned)
        self._voice.say_notes(found.notes)
        self._voice.opened.emit(str(path.absolute()))
        self._voice.state_changed.emit()
