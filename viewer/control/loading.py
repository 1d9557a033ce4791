"""Which model runs what is shown: models are loaded, and read what they take."""

from dataclasses import replace

from psygnal import Signal

from unrolled.models.inputs.inputs import NO_INPUT, Input, InputNothing, InputText, sentences_of
from unrolled.models.inputs.kinds import Notes, kind_named, may_be_read_as, suits, taken_by
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.dispatch import handles
from unrolled.models.protocol.loading import Loaded, Ready
from unrolled.models.protocol.stepping import InputAdded, Opened
from unrolled.models.store.stored_trace import stored_run
from unrolled.models.trace import ModelDescription, Trace
from unrolled.viewer.control.branching import Branching
from unrolled.viewer.control.model_choice import ModelChoice
from unrolled.viewer.control.recording import Recording
from unrolled.viewer.control.run_state import ModelPhase, Opening, Origin, RunPhase
from unrolled.viewer.control.runner import Runner
from unrolled.viewer.control.transport import Transport
from unrolled.viewer.control.voice import Voice
from unrolled.viewer.control.waiting import Waiting
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.branches import FIRST
from unrolled.viewer.state.session import Session


class Loading:
    """What brings a model and an input together."""

    opened_beside = Signal()  # the input of what was recorded before is read: its run can be made beside it

    def __init__(self, session: Session, runner: Runner, recording: Recording, transport: Transport,
                 branching: Branching, waiting: Waiting, voice: Voice) -> None:
        self._session, self._runner, self._voice = session, runner, voice
        self._recording, self._transport, self._branching, self._waiting = recording, transport, branching, waiting
        self.choice = ModelChoice(runner, voice)
        self._before: Opening | None = None     # what was run with the model that is there, while another is loaded
        self._notes: Notes = ()  # what was said of the input when it was opened; what the model says of it stands behind that
        self._last: dict[tuple[str, str], Opening] = {}  # the last input of each kind that a model took, or drew

    @handles(c.LoadModel)
    def load_model(self, command: c.LoadModel) -> None:
        state, same = self._runner.state, self._session.description is not None and command.name == self.choice.model
        if not state.loading:
            self._before = state.opening
        self.choice.model = command.name
        self.choice.device = command.device or self.choice.device
        self._transport.pause()
        if not same and state.opening is not None:
            self._transport.end_reading()
            self._runner.show(replace(state.opening, restart=True, beside=False))
        self.choice.request()

    @handles(c.EndLoading)
    def end_loading(self, _: c.EndLoading) -> None:
        if self._runner.state.loading:
            self._runner.end_loading()
            self._voice.idle()
            self._go_back()
            if self._runner.loaded is not None:
                self.choice.request()
            self._voice.state_changed.emit()

    @handles(c.SetDevice)
    def set_device(self, command: c.SetDevice) -> None:
        if command.name != self.choice.device:
            self.choice.device = command.name
            self._transport.interrupt()
            self.choice.request()

    @handles(c.Rerun)
    def rerun(self, _: c.Rerun) -> None:
        opening = self._runner.state.opening
        if opening is None:
            return
        self._voice.unsaid.emit("run")
        self._transport.interrupt()
        self._runner.show(replace(opening, continues=None, restart=True, beside=False))
        self._session.set_trace(None)
        self.encode()
        self._voice.state_changed.emit()

    @handles(Ready)
    def ready(self, report: Ready) -> None:
        self._voice.idle()
        opening = self._runner.state.opening
        self.choice.take(report, opening.input if opening is not None and opening.origin is Origin.PERSON else None)
        self._session.expect(self.choice.input_kind)
        if self._is_held_back and self.choice.input_kind:
            self._show_what_it_takes(self.choice.input_kind, "")
        self._voice.state_changed.emit()
        self.choice.request()

    @handles(Loaded)
    def loaded(self, report: Loaded) -> None:
        """A model is there: what is shown is run with it, or what it takes is shown."""
        self._voice.idle()
        self.choice.took(report)
        self._session.set_model(report.description, report.device)
        self._branching.take(report.decoding)
        if "search" not in report.description.can and self._branching.decoding.method == "beam":
            self._branching.decoding = Decoding()
        opening, kind = self._runner.state.opening, report.description.input_kind
        drawn = report.description.draws if kind == "picture" else ""  # any photograph would do, but says nothing to it
        nobodys = opening is not None and opening.origin is Origin.SAMPLE
        if self._is_held_back:
            self._show_what_it_takes(kind, drawn)
        elif opening is None:
            if kind == NO_INPUT:
                self.show(Opening(input=InputNothing(), origin=Origin.SAMPLE))
        elif nobodys and opening.draws != drawn:
            self._show_what_it_takes(kind, drawn)
        elif suits(opening.input, kind) and taken_by(opening.input, kind):
            self.encode()
        elif suits(opening.input, kind) and may_be_read_as(opening.input, kind):  # a GIF is a picture or a clip
            self._voice.do(c.OpenData(opening.input.data, opening.input.name, kind_named(kind).medium))
        elif nobodys or opening.restart:
            self._show_what_it_takes(kind, drawn)
        else:
            self._bring_model_for(opening.input)
        self._voice.state_changed.emit()

    @handles(Opened)
    def opened(self, report: Opened) -> None:
        """The model has read the input: its run can begin, or go on."""
        opening, recorder = self._runner.state.opening, self._runner.recorder
        if opening is None or recorder is None:
            return
        self._voice.idle()
        if report.notes:
            self._voice.say_notes((*self._notes, *report.notes))
        if self._runner.state.phase is RunPhase.BESIDE:
            self.opened_beside.emit()
            return
        target = self._transport.target  # which is given up where the playhead leaves what was shown
        if opening.continues is None:
            self._session.set_trace(recorder.trace(self._branching.decoding))
            self._branching.replace_unseen(self._session.branches.all[FIRST].changed(decoding=self._branching.decoding))
        self.take_questions()
        self._transport.begin_reading()
        self._voice.unsaid.emit("pressed")
        if target is not None:
            self._transport.reach(target)
        self._voice.state_changed.emit()

    @handles(InputAdded)
    def input_added(self, report: InputAdded) -> None:
        self._voice.idle()
        self._voice.say_notes(report.notes)

    def show(self, opening: Opening, notes: Notes = ()) -> None:
        """Show an input and have it run, by another model where the one that is there takes no such thing; a sample once it is
        known what the model takes.
        """
        state = self._runner.state
        if state.opening is not None or state.phase is not RunPhase.EMPTY:  # else a model brings it: what was pressed still holds
            self._transport.interrupt()
        self._voice.idle()
        self._runner.show(opening)
        if opening.origin is Origin.PERSON or self.choice.input_kind:
            self._session.set_input(opening.input)
        self._notes = notes
        self._voice.say_notes(notes)
        self._bring_model_for(opening.input)
        self.encode()
        self._voice.state_changed.emit()

    def take_questions(self) -> None:
        """The model can answer about the branch that is shown: also what was asked before it could."""
        questions = self._session.questions
        questions.possible = True
        for asked in questions.waiting:
            self._recording.ask(asked)

    def bring(self, model: ModelDescription) -> bool:
        """Have the model that recorded what is shown, unless it is there or on its way; False where none has that name."""
        state, description = self._runner.state, self._session.description
        if not state.loading and description is not None and (description.name, description.weights_hash) == (
                model.name, model.weights_hash):
            return True
        name = self.choice.named(model)
        if name and not (state.loading and self.choice.model == name):
            self._transport.pause()
            self.choice.model = name
            self.choice.request()
        return bool(name)

    def read_beside(self) -> None:
        """Have the input of what was recorded before read anew, as soon as its model is there; what is shown stays meanwhile."""
        opening = self._runner.state.opening
        if opening is not None:
            self._runner.show(replace(opening, continues=None, restart=True, beside=True))
            self.encode()

    def leave_beside(self) -> None:
        """Do not; what was recorded stays what it is."""
        opening = self._runner.state.opening
        if opening is not None:
            self._runner.show(replace(opening, restart=False, beside=False))
            self.encode()

    def encode(self) -> None:
        """Have the input read, if there is one and a model that takes it and fits what is on screen."""
        state, loaded, trace = self._runner.state, self._runner.loaded, self._session.trace
        opening = state.opening
        if opening is None or loaded is None or state.model is not ModelPhase.LOADED:
            return
        kind = loaded.description.input_kind
        if not taken_by(opening.input, kind):
            return
        fits = trace is not None and stored_run(trace) is None and _fits(trace, loaded)  # a store's numbers are rounded
        if trace is not None and not fits and not opening.restart:
            self._session.questions.possible = False
            self._runner.unfit()  # it is shown, and never overwritten unasked
            return
        if kind == "sentence" and trace is None:
            opening = self._first_sentence(opening)
        self._last[kind, opening.draws] = opening
        self._runner.encode(trace if fits else None)

    def load_failed(self, sentence: str) -> None:
        """A model cannot be loaded: the one before it goes on with what it had."""
        self._voice.say("model", sentence)
        self._go_back()
        self.encode()

    def _go_back(self) -> None:
        """The model before, and what was run with it."""
        self.choice.go_back()
        opening = self._runner.state.opening
        if opening is not None:
            same = self._before is not None and self._before.input is opening.input
            self._runner.show(self._before if same else replace(opening, restart=False, beside=False))
        if opening is not None and self._is_held_back and not self._runner.state.loading:
            self._session.set_input(opening.input)

    @property
    def _is_held_back(self) -> bool:
        """Whether a sample is not shown, since it is not known what the model takes that is coming."""
        opening = self._runner.state.opening
        return opening is not None and opening.origin is Origin.SAMPLE and self._session.input is None

    def _first_sentence(self, opening: Opening) -> Opening:
        """Show the first of several sentences alone, and let the others wait."""
        given = opening.input
        first, *others = sentences_of(given) if isinstance(given, InputText) else (given,)
        if not others:
            return opening
        opening = replace(opening, input=first)
        self._runner.show(opening)
        self._session.set_input(first)
        self._waiting.add_sentences(others)
        return opening

    def _show_what_it_takes(self, kind: str, drawn: str) -> None:
        """Another kind of model was picked: its last input, its sample, or what it draws takes the place of what is shown."""
        self._runner.clear()
        self._session.set_input(None)
        last = self._last.get((kind, drawn))
        if last is not None:
            self.show(replace(last, continues=None, restart=False))
        else:
            self._voice.do(c.DrawInput() if drawn else c.OpenSample(kind))

    def _bring_model_for(self, given: Input) -> None:
        """Load the first model that takes what was opened, unless the one that is there does."""
        loaded = self._runner.loaded
        if loaded is None or self._runner.state.loading:
            return
        kind = loaded.description.input_kind
        if taken_by(given, kind) and suits(given, kind):
            return
        name = self.choice.model_for(given)
        if not name:
            self._voice.say("input", f"No model that is installed takes “{given.name}”.")
            return
        self.choice.model = name
        self.choice.request()


def _fits(trace: Trace, loaded: Loaded) -> bool:
    """Whether a model recorded a trace, so that it can go on with it."""
    own, description = trace.provenance, loaded.description
    return (own.model == description.name and own.weights_hash in ("", description.weights_hash)
            and tuple(trace.channels) == tuple(channel.name for channel in description.channels))
