"""Opening inputs, traces and sessions, and bringing the model that takes them.

It has no widgets: the controller is built on this.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from unrolled.models.inputs.inputs import Input, InputText, looks_like_prose, typed
from unrolled.models.inputs.kinds import INPUT_ERRORS, Notes, decode_input, kind_named, medium_of, read_bytes, sample, taken_by
from unrolled.models.protocol.loading import Device, LoadModel
from unrolled.models.protocol.stepping import DrawInput, InputDrawn
from unrolled.models.trace import ModelListing, Trace
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.control.branching import Branching
from unrolled.viewer.control.input_worker import InputWorker
from unrolled.viewer.state.branches import FIRST, Branches
from unrolled.viewer.state.files import Kind, input_of_trace, kind_of
from unrolled.viewer.state.notice import Notice
from unrolled.viewer.state.session import Session

if TYPE_CHECKING:
    from unrolled.viewer.state.session_file import SavedSession

DECODE_ASIDE_FROM = 2 * 1024 * 1024  # bytes; a larger input is decoded in a thread


class Opening(Branching):
    """What opens things.

    Attributes
    ----------
    opened_file : Signal(str)
        A file was opened, for the list of recent ones.
    models, devices : tuple
        What there is to choose from, once the backend has said so.
    wanted_model, wanted_device : str
        What was asked for; loaded as soon as the backend is ready.
    """

    opened_file = Signal(str)

    def __init__(self, session: Session, backend: BackendProcess, parent: QObject | None = None) -> None:
        super().__init__(session, backend, parent)
        self.models: tuple[ModelListing, ...] = ()
        self.devices: tuple[Device, ...] = ()
        self.wanted_model = ""
        self.wanted_device = "auto"
        self._again_with_model = False  # a person picked another model: the input is run again with it
        self._keep_trace = False        # the input is encoded to go on with the trace that is there
        self._of_sample = False         # what is shown was nobody's choice
        self._drawn = 0                 # so many inputs of a model's own kind were drawn
        self._of_drawing = ""           # what was drawn, where that is shown: "scene"
        self._last_inputs: dict[str, Input] = {}  # the last input of each kind that a model took
        self._inputs = InputWorker(self)
        self._inputs.decoded.connect(self._show_input)
        self._inputs.failed.connect(self._input_failed)
        session.text_entered.connect(lambda text: self.open_text(typed(text)))

    def _end_reading(self) -> None:
        """What was being read is not read on."""
        raise NotImplementedError

    # ── Models ────────────────────────────────────────────────────────────────────────────────────────────────

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

    def draw_input(self) -> None:
        """Have another input of the model's own kind drawn, and open it when it comes."""
        description = self.session.description
        if description is not None and description.draws and self.backend.connected:
            self.unsaid.emit("input")
            self.backend.send(DrawInput(self._drawn))
            self._drawn += 1

    def _show_drawing(self, drawn: InputDrawn) -> None:
        """Open what was drawn; nobody chose it, so another model brings its own."""
        description = self.session.description
        if description is not None and description.draws:
            self.open_bytes(drawn.data, drawn.name, kind_named(description.input_kind).medium)
            self._of_sample, self._of_drawing = True, description.draws

    def open_bytes(self, data: bytes, name: str, medium: str = "picture") -> None:
        """Open an input from its file's bytes; the newest that was asked for wins."""
        self.unsaid.emit("input")
        self._of_sample, self._of_drawing = False, ""
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

    def show_trace(self, trace: Trace, given: Input | None, *, step: int = 0, branches: Branches | None = None,
                   others: dict[str, Input] | None = None) -> None:
        """Show what was recorded before; with its model loaded it can go on from there.

        Parameters
        ----------
        branches : Branches, optional
            All of them, where there are others than the trace.
        others : dict, optional
            The inputs that edits swap to, by their hash.
        """
        self._interrupt()
        self._inputs.forget()
        self._again_with_model = self._of_sample = False
        self.session.set_input(given)
        self.session.other_inputs = dict(others or {})
        self.run.other_inputs = {key: (own.data, own.name) for key, own in (others or {}).items()}
        self.session.set_trace(trace)
        if branches is not None:
            self.session.set_branches(branches)
            self._forget_branches()
        else:
            self._replace_unseen(self.session.branches.all[FIRST].changed(decoding=self.decoding))
        self.session.playhead.seek(step)
        self._open_input()
        self.state_changed.emit()

    def _open_trace_file(self, path: Path) -> None:
        from unrolled.models.trace.files import load_trace  # most starts need none

        trace = load_trace(path)
        self.show_trace(trace, input_of_trace(trace, path.name))
        self.opened_file.emit(str(path.absolute()))

    def _open_session_file(self, path: Path) -> None:
        from unrolled.viewer.state.session_file import branches_of, load_session

        saved = load_session(path)
        layout = saved.layout
        given = decode_input(saved.input_bytes, layout.input_name or "input", layout.input_medium)[0] \
            if saved.input_bytes else None
        self.decoding = layout.decoding
        self.session.appearance.replace(layout.appearance)
        if saved.traces:
            first = saved.traces[0]
            self.show_trace(first, given or input_of_trace(first, path.name), step=layout.step,
                            branches=branches_of(saved), others=self._other_inputs_of(saved))
        elif given is not None:
            self._show_input(given, ())
        self.session.selection.set(layout.pinned)
        self.opened_file.emit(str(path.absolute()))
        self.state_changed.emit()

    def _other_inputs_of(self, saved: SavedSession) -> dict[str, Input]:
        """What edits of a saved session swap to; what cannot be read is left out, and its edits cannot be taken then."""
        found: dict[str, Input] = {}
        for name, data in saved.others:
            try:
                found[hashlib.sha256(data).hexdigest()] = decode_input(data, name, saved.layout.input_medium)[0]
            except INPUT_ERRORS as error:
                self._say_input(str(error))
        return found

    def _show_input(self, given: Input, notes: Notes) -> None:
        self._interrupt()
        self.status_changed.emit("", -1.0)
        self.session.set_input(given)
        for note in notes:
            self.said.emit(Notice(place="input", text=note, kind="info"))
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
            self.session.questions.possible = False
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
