"""Opening inputs, traces and sessions, and bringing the model that takes them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from psygnal import Signal

from unrolled.models.inputs.inputs import MEDIUM_OF_KIND, Input, taken_by
from unrolled.models.inputs.kinds import (
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
from unrolled.models.inputs.sniffing import QUICK_BYTES, quick_to_read
from unrolled.models.protocol.connection import Failed
from unrolled.models.protocol.dispatch import handles
from unrolled.models.protocol.loading import Loaded, Ready
from unrolled.models.protocol.stepping import DrawInput, InputAdded, InputDrawn, Opened
from unrolled.models.trace import Trace
from unrolled.models.trace.names import file_name
from unrolled.viewer.control.branching import Branching
from unrolled.viewer.control.input_worker import InputWorker
from unrolled.viewer.control.model_choice import ModelChoice
from unrolled.viewer.control.reading import Reading
from unrolled.viewer.control.recording import Recording
from unrolled.viewer.control.run_state import ModelPhase, Opening, Origin
from unrolled.viewer.control.runner import Runner
from unrolled.viewer.control.transport import Transport
from unrolled.viewer.control.voice import Voice
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.branches import FIRST, Branches
from unrolled.viewer.state.session import Session

if TYPE_CHECKING:
    from unrolled.viewer.state.session_file import SavedSession

log = logging.getLogger(__name__)


class Opener:
    """What opens things.

    Attributes
    ----------
    opened_file : Signal(str)
        A file was opened, for the list of recent ones.
    choice : ModelChoice
        Which model is wanted.
    """

    opened_file = Signal(str)

    def __init__(self, session: Session, runner: Runner, recording: Recording, transport: Transport, reading: Reading,
                 branching: Branching, voice: Voice) -> None:
        self._session, self._runner, self._voice = session, runner, voice
        self._recording, self._transport, self._reading, self._branching = recording, transport, reading, branching
        self.choice = ModelChoice(runner, voice)
        self._before: Opening | None = None     # what was run with the model that is there, while another is loaded
        self._last: dict[str, Opening] = {}     # the last input of each kind that a model took
        self._drawn = 0                         # so many inputs of a model's own kind were drawn
        self._worker = InputWorker()
        self._worker.failed.connect(self._input_failed)

    def close(self) -> None:
        """Wait until nothing is read any more."""
        self._worker.close()

    # ── Models ────────────────────────────────────────────────────────────────────────────────────────────────

    @handles(c.LoadModel)
    def load_model(self, command: c.LoadModel) -> None:
        """Load a model by its name or its checkpoint's path; the input, or one that it takes, is then run with it."""
        state, same = self._runner.state, self._session.description is not None and command.name == self.choice.model
        if not state.loading:
            self._before = state.opening
        self.choice.model = command.name
        self.choice.device = command.device or self.choice.device
        self._transport.pause()
        if not same and state.opening is not None:
            self._reading.end()
            self._runner.show(replace(state.opening, restart=True))
        self.choice.request()

    @handles(c.SetDevice)
    def set_device(self, command: c.SetDevice) -> None:
        """Compute elsewhere; the trace is kept, and goes on there."""
        if command.name != self.choice.device:
            self.choice.device = command.name
            self._transport.pause()
            self._reading.end()
            self.choice.request()

    @handles(Ready)
    def ready(self, report: Ready) -> None:
        """The backend can load models."""
        self._voice.idle()
        opening = self._runner.state.opening
        self.choice.take(report, opening.input if opening is not None and opening.origin is Origin.PERSON else None)
        self._voice.state_changed.emit()
        self.choice.request()

    @handles(Loaded)
    def loaded(self, report: Loaded) -> None:
        """A model is there: what is shown is run with it, or what it takes is shown."""
        self._voice.idle()
        self._session.set_model(report.description, report.device)
        opening, kind = self._runner.state.opening, report.description.input_kind
        drawn = report.description.draws if kind == "picture" else ""  # any photograph would do, but says nothing to it
        if opening is None:
            pass
        elif opening.origin is Origin.SAMPLE and opening.draws != drawn:
            if drawn:
                self.draw_input(c.DrawInput())
            else:
                self._open_sample(kind)
        elif taken_by(opening.input, kind):
            self._encode()
        elif may_be_read_as(opening.input, kind):  # a GIF is a picture or a clip, as the model takes it
            self._open_bytes(opening.input.data, opening.input.name, MEDIUM_OF_KIND[kind], opening.origin)
        elif opening.restart or opening.origin is Origin.SAMPLE:
            self._show_what_it_takes(kind)
        else:
            self._bring_model_for(opening.input)
        self._voice.state_changed.emit()

    def load_failed(self, sentence: str) -> None:
        """A model cannot be loaded: the one before it goes on with what it had."""
        self._voice.say("model", sentence)
        self.choice.go_back()
        opening = self._runner.state.opening
        if opening is not None:
            same = self._before is not None and self._before.input is opening.input
            self._runner.show(self._before if same else replace(opening, restart=False))
        self._encode()

    # ── Inputs ────────────────────────────────────────────────────────────────────────────────────────────────

    @handles(c.Open)
    def open_file(self, command: c.Open) -> None:
        """Open an input, a trace or a session; what is on screen stays when that fails."""
        path = Path(command.path)
        self._voice.unsaid.emit("input")
        kind = kind_of(path)
        try:
            if kind is Kind.INPUT:
                self._open_input_file(path)
            elif kind is Kind.TRACE:
                self._open_trace_file(path)
            else:
                self._open_session_file(path)
        except ValueError as error:
            self._voice.say("input", str(error))
        except OSError as error:
            self._voice.say("input", f"“{file_name(path)}” cannot be read: {error.strerror or error}.")
        except Exception as error:  # whatever a file does to its reader, what is on screen stays
            log.exception("a file could not be opened")
            self._voice.say("input", f"“{file_name(path)}” cannot be opened: {type(error).__name__}: {error}.")

    @handles(c.OpenSample)
    def open_sample(self, command: c.OpenSample) -> None:
        """Open the sample for a kind of model; by default for the one that is loaded or wanted."""
        self._open_sample(command.input_kind)

    @handles(c.DrawInput)
    def draw_input(self, _: c.DrawInput) -> None:
        """Have another input of the model's own kind drawn, and open it when it comes."""
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
            self._open_bytes(drawn.data, drawn.name, MEDIUM_OF_KIND[description.input_kind], Origin.SAMPLE, description.draws)

    @handles(c.OpenData)
    def open_data(self, command: c.OpenData) -> None:
        """Open an input from its file's bytes; the newest that was asked for wins."""
        self._open_bytes(command.data, command.name, command.medium)

    @handles(c.OpenText)
    def open_text(self, command: c.OpenText) -> None:
        """Open a text that was typed."""
        self._voice.unsaid.emit("input")
        if not command.text.text.strip():
            self._voice.say("input", "There is no text yet: type or paste one.")
            return
        self._worker.forget()
        self._show_input(Opening(input=command.text))

    @handles(c.Rerun)
    def rerun(self, _: c.Rerun) -> None:
        """Run the input from the beginning with the model that is loaded."""
        opening = self._runner.state.opening
        if opening is None:
            return
        self._voice.unsaid.emit("run")
        self._interrupt()
        self._runner.show(replace(opening, continues=None, restart=True))
        self._session.set_trace(None)
        self._encode()
        self._voice.state_changed.emit()

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
        self._worker.forget()
        self._runner.show(Opening(input=given) if given is not None else None)
        self._session.set_input(given)
        self._session.other_inputs = dict(others or {})
        self._runner.offer({key: (own.data, own.name) for key, own in (others or {}).items()})
        self._session.set_trace(trace)
        if branches is not None:
            self._session.set_branches(branches)
            self._recording.forget()
        else:
            self._branching.replace_unseen(self._session.branches.all[FIRST].changed(decoding=self._branching.decoding))
        self._session.playhead.seek(step)
        self._encode()
        self._voice.state_changed.emit()

    @handles(Opened)
    def opened(self, report: Opened) -> None:
        """The model has read the input: its run can begin, or go on."""
        opening, recorder = self._runner.state.opening, self._runner.recorder
        if opening is None or recorder is None:
            return
        self._voice.idle()
        self._voice.say_notes(report.notes)
        if opening.continues is None:
            self._session.set_trace(recorder.trace(self._branching.decoding))
            self._branching.replace_unseen(self._session.branches.all[FIRST].changed(decoding=self._branching.decoding))
        questions = self._session.questions
        questions.possible = True
        for asked in questions.waiting:
            questions.asked.emit(asked)
        self._reading.begin()
        if self._transport.target is not None:
            self._transport.reach(self._transport.target)
        self._voice.state_changed.emit()

    @handles(InputAdded)
    def input_added(self, report: InputAdded) -> None:
        """The model has read another input for edits that swap to it."""
        self._voice.idle()
        self._voice.say_notes(report.notes)

    def refused(self, report: Failed) -> None:
        """The model cannot read the input, or draw one."""
        self._voice.say("input", report.sentence)

    # ── Files ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _open_sample(self, input_kind: str = "") -> None:
        path = sample(input_kind or self.choice.input_kind)
        if path is not None:
            self._open_input_file(path, kind=input_kind, origin=Origin.SAMPLE)

    def _open_bytes(self, data: bytes, name: str, medium: str, origin: Origin = Origin.PERSON, draws: str = "") -> None:
        self._voice.unsaid.emit("input")
        if not quick_to_read(data, medium):
            self._voice.busy("Reading the file…")
            self._read_aside(name, lambda: decode_input(data, name, medium), origin, draws)
            return
        self._worker.forget()
        try:
            given, notes = decode_input(data, name, medium)
        except INPUT_ERRORS as error:
            self._voice.say("input", str(error))
            return
        self._show_input(Opening(input=given, origin=origin, draws=draws), notes)

    def _open_input_file(self, path: Path, kind: str = "", origin: Origin = Origin.PERSON) -> None:
        medium, name = medium_of(path, kind or self.choice.input_kind), file_name(path)
        if not path.exists() or (medium != "clip" and path.is_file() and path.stat().st_size <= QUICK_BYTES):
            data = read_bytes(path, medium)
            if quick_to_read(data, medium):
                given, notes = decode_input(data, name, medium)
                self.opened_file.emit(str(path.absolute()))
                self._worker.forget()
                self._show_input(Opening(input=given, origin=origin), notes)
                return
        self._voice.busy("Reading the file…" if medium != "clip" else "Reading the clip…")
        self._read_aside(name, lambda: decode_input(read_bytes(path, medium), name, medium), origin, path=path)

    def _read_aside(self, name: str, read: Callable[[], tuple[Input, Notes]], origin: Origin, draws: str = "",
                    path: Path | None = None) -> None:
        def show(given: Input, notes: Notes) -> None:
            if path is not None:
                self.opened_file.emit(str(path.absolute()))
            self._show_input(Opening(input=given, origin=origin, draws=draws), notes)

        self._worker.read(name, read, show)

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
        self._branching.decoding = layout.decoding
        self._session.appearance.replace(layout.appearance)
        if saved.traces:
            first = saved.traces[0]
            self.show_trace(first, given or input_of_trace(first, path.name), step=layout.step,
                            branches=branches_of(saved), others=self._other_inputs_of(saved))
        elif given is not None:
            self._show_input(Opening(input=given))
        self._session.selection.set(layout.pinned)
        self.opened_file.emit(str(path.absolute()))
        self._voice.state_changed.emit()

    def _other_inputs_of(self, saved: SavedSession) -> dict[str, Input]:
        """What edits of a saved session swap to; what cannot be read is left out, and its edits cannot be taken then."""
        found: dict[str, Input] = {}
        for name, data in saved.others:
            try:
                found[hashlib.sha256(data).hexdigest()] = decode_input(data, name, saved.layout.input_medium)[0]
            except INPUT_ERRORS as error:
                self._voice.say("input", str(error))
        return found

    # ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────

    def _show_input(self, opening: Opening, notes: Notes = ()) -> None:
        self._interrupt()
        self._voice.idle()
        self._runner.show(opening)
        self._session.set_input(opening.input)
        self._voice.say_notes(notes)
        self._bring_model_for(opening.input)
        self._encode()
        self._voice.state_changed.emit()

    def _show_what_it_takes(self, kind: str) -> None:
        """Another kind of model was picked: its last input, or its sample, takes the place of what is shown."""
        last = self._last.get(kind)
        if last is not None:
            self._show_input(replace(last, continues=None, restart=False))
            return
        self._interrupt()
        self._runner.clear()
        self._session.set_input(None)
        self._open_sample(kind)

    def _input_failed(self, sentence: str) -> None:
        self._voice.idle()
        self._voice.say("input", sentence)

    def _bring_model_for(self, given: Input) -> None:
        """Load the first model that takes what was opened, unless the one that is there does."""
        loaded = self._runner.loaded
        if loaded is None or self._runner.state.loading or taken_by(given, loaded.description.input_kind):
            return
        name = self.choice.model_for(given)
        if not name:
            self._voice.say("input", f"No model that is installed takes “{given.name}”.")
            return
        self.choice.model = name
        self.choice.request()

    def _interrupt(self) -> None:
        """Something else is about to be shown: stop what the old run does."""
        self._transport.pause()
        self._reading.end()

    def _encode(self) -> None:
        """Have the input read, if there is one and a model that takes it and fits what is on screen."""
        state, loaded, trace = self._runner.state, self._runner.loaded, self._session.trace
        opening = state.opening
        if opening is None or loaded is None or state.model is not ModelPhase.LOADED:
            return
        kind = loaded.description.input_kind
        if not taken_by(opening.input, kind):
            return
        fits = trace is not None and _fits(trace, loaded)
        if trace is not None and not fits and not opening.restart:
            self._session.questions.possible = False
            self._runner.unfit()  # it is shown, and never overwritten unasked
            return
        self._last[kind] = opening
        self._runner.encode(trace if fits else None)


def _fits(trace: Trace, loaded: Loaded) -> bool:
    """Whether a model recorded a trace, so that it can go on with it."""
    own, description = trace.provenance, loaded.description
    return (own.model == description.name and own.weights_hash in ("", description.weights_hash)
            and tuple(trace.channels) == tuple(channel.name for channel in description.channels))
