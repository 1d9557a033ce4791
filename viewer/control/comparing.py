"""Holding another run against the one on screen: a branch, another model, another input, a recorded trace.

Another input is run by the model that is there, in the same process; another model has a process of its own.
"""

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from unrolled.models.inputs.inputs import Input
from unrolled.models.inputs.kinds import Notes, kind_named, taken_by
from unrolled.models.protocol.connection import Failed
from unrolled.models.protocol.dispatch import Dispatch, handles
from unrolled.models.protocol.loading import Loaded, Ready
from unrolled.models.protocol.message import FIRST_BESIDE
from unrolled.models.protocol.stepping import Ended, Idle, Opened, Stepped, SteppedBlock
from unrolled.models.trace import Trace
from unrolled.models.trace.names import file_name
from unrolled.viewer.control.input_worker import InputWorker
from unrolled.viewer.control.model_choice import ModelChoice
from unrolled.viewer.control.run_state import ModelPhase, Opening
from unrolled.viewer.control.runner import Runner
from unrolled.viewer.control.voice import Voice
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.branches import FIRST, GREEDY, Branch, first_branch
from unrolled.viewer.state.comparison import Compared
from unrolled.viewer.state.session import Session

MOST_AT_ONCE = 256  # steps: in the one process the run on screen is not to wait long for its turn


class Comparing:
    def __init__(self, session: Session, runner: Runner, choice: ModelChoice, worker: InputWorker, voice: Voice) -> None:
        self._session, self._runner, self._choice, self._worker, self._voice = session, runner, choice, worker, voice
        self._run: ComparisonRun | None = None
        self._last_beside = FIRST_BESIDE
        session.run_changed.connect(self.end_run)
        session.compared_changed.connect(self._compared_changed)
        session.model_changed.connect(self._model_changed)

    @property
    def is_on(self) -> bool:
        """Whether a run is compared, or is being made for that."""
        return self._session.compared is not None or self._run is not None

    @handles(c.CompareBranch)
    def compare_branch(self, command: c.CompareBranch) -> None:
        branch = self._session.branches.all.get(command.identity)
        if branch is None or command.identity == self._session.branches.current:
            return
        self.end_run()
        self._session.compare(Compared(branch.name, branch.trace, identity=command.identity))

    @handles(c.CompareModel)
    def compare_model(self, command: c.CompareModel) -> None:
        given, name = self._session.input, command.name
        if given is not None:
            self._start(name, given, self._title(name), of_other_input=False)

    @handles(c.CompareInput)
    def compare_input(self, command: c.CompareInput) -> None:
        description, shown = self._session.description, self._session.input
        if description is None:
            return
        medium, model = kind_named(description.input_kind).medium, self._choice.model or description.name

        def compare(found: tuple[Input, Notes]) -> None:
            given, notes = found
            if self._session.input is shown:
                self._voice.say_notes(notes)
                self._start(model, given, given.name, of_other_input=True)

        self._worker.read_input(command.path, medium, compare)

    @handles(c.CompareTrace)
    def compare_trace(self, command: c.CompareTrace) -> None:
        own = self._session.input

        def compare(found: tuple[Trace, Input | None]) -> None:
            trace, given = found
            if self._session.input is own:
                self.end_run()
                same = own is not None and own.data == trace.input_bytes
                self._session.compare(Compared(file_name(command.path), trace, None if same else given))

        self._worker.read_trace(command.path, compare)

    @handles(c.EndComparison)
    def end_comparison(self, _: c.EndComparison) -> None:
        self._end()

    def end_run(self) -> None:
        if self._run is not None:
            self._last_beside = max(self._last_beside, self._run.runner.state.number)
            self._run.close()
            self._run.deleteLater()
            self._run = None
            self._voice.idle()

    def _end(self) -> None:
        self.end_run()
        self._session.compare(None)
        self._voice.state_changed.emit()

    def _start(self, model: str, given: Input, name: str, *, of_other_input: bool) -> None:
        self._end()
        is_there = self._runner.state.model is ModelPhase.LOADED and model == self._choice.model
        runner = Runner(self._runner.backend, beside=self._runner, number=self._last_beside) if is_there else (
            Runner(self._runner.backend.another()))
        self._run = ComparisonRun(self._session, runner, model=model, title=self._title(model), device=self._choice.device,
                                  given=given, name=name, of_other_input=of_other_input)
        self._run.status.connect(self._voice.busy)
        self._run.noted.connect(self._voice.say_notes)
        self._run.failed.connect(self._failed)
        self._run.start()
        self._voice.state_changed.emit()

    def _title(self, model: str) -> str:
        return next((listing.title for listing in self._choice.models if listing.name == model), Path(model).stem)

    def _failed(self, sentence: str) -> None:
        self._end()
        if self._runner.state.model is not ModelPhase.OFF:  # else that is said, and it is the same process
            self._voice.say("model", sentence, "warning")

    def _model_changed(self) -> None:
        if self._run is not None and self._run.runner.backend is self._runner.backend:
            self._end()

    def _compared_changed(self) -> None:
        if self._session.compared is None:
            self.end_run()
        self._voice.state_changed.emit()


class ComparisonRun(QObject):
    """Runs a model over an input and holds its trace against the session's.

    Parameters
    ----------
    session : Session
        Whose `compared` it fills, and whose run it goes along with.
    runner : Runner
        Not started yet, or one that runs beside another.
    title : str
        Of the model, for people.
    of_other_input : bool
        The input is another than the one on screen, and is shown beside it.
    """

    status = Signal(str)  # what it waits for; empty when for nothing
    noted = Signal(tuple)  # what a person should know of its input, a sentence each
    failed = Signal(str)  # it cannot go on: one sentence; it has ended then

    def __init__(self, session: Session, runner: Runner, *, model: str, title: str, device: str, given: Input, name: str,
                 of_other_input: bool) -> None:
        super().__init__()
        self._session, self.runner = session, runner
        self._model, self._title, self._device, self._input, self._name = model, title, device, given, name
        self._of_other_input = of_other_input
        self._branch: Branch | None = None
        self._compared: Compared | None = None
        self._closed = False
        runner.setParent(self)
        self._reports = Dispatch(self)
        runner.reported.connect(self._take)
        runner.died.connect(self._fail)
        session.steps_added.connect(self._go_along)
        session.ended.connect(self._go_along)
        session.branches_changed.connect(self._go_along)

    def start(self) -> None:
        self.runner.show(Opening(input=self._input))
        if self.runner.loaded is not None:
            self._read()
            return
        self.status.emit(f"To compare: starting a process for {self._title}…")
        self.runner.backend.silent.connect(
            lambda silent: self.status.emit(f"To compare: {self._title} has stopped answering…" if silent else ""))
        self.runner.start()

    def close(self) -> None:
        """End it; no process of its own is left."""
        self._closed = True
        for signal in (self._session.steps_added, self._session.ended, self._session.branches_changed):
            signal.disconnect(self._go_along, missing_ok=True)
        self.runner.close()

    @handles(Ready)
    def ready(self, _: Ready) -> None:
        self.status.emit(f"To compare: loading {self._title}…")
        self.runner.load(self._model, self._device)

    @handles(Loaded)
    def loaded(self, report: Loaded) -> None:
        if taken_by(self._input, report.description.input_kind):
            self._read()
        else:
            self._fail(f"{report.description.title} does not take “{self._input.name}”.")

    @handles(Opened)
    def opened(self, report: Opened) -> None:
        current, recorder = self._session.branch, self.runner.recorder
        if recorder is None:
            return
        decoding = current.decoding if current is not None else GREEDY
        trace = recorder.trace(decoding)
        self._branch = first_branch(trace, decoding).all[FIRST]
        self._compared = Compared(self._name, trace, self._input if self._of_other_input else None)
        self.status.emit("")
        self.noted.emit(report.notes)
        self._session.compare(self._compared)
        self._go_along()

    @handles(Stepped, SteppedBlock, Ended)
    def stepped(self, report: Stepped | SteppedBlock | Ended) -> None:
        try:
            if self._branch is not None and self.runner.record(report, self._branch.trace):
                self._session.compare(self._compared)
        except ValueError as error:
            self._fail(f"The other model reported a step that does not fit: {error}.")

    @handles(Idle)
    def idle(self, _: Idle) -> None:
        self._go_along()

    @handles(Failed)
    def stopped(self, report: Failed) -> None:
        self._fail(report.sentence)

    def _read(self) -> None:
        self.status.emit(f"To compare: {self._title} reads “{self._input.name}”…")
        self.runner.encode(None)

    def _take(self, report: object) -> None:
        if not self._closed:
            self._reports.offer(report)

    def _go_along(self) -> None:
        """Take as many steps as the run on screen has; all, where that has ended."""
        own, shown, recorder = self._branch, self._session.trace, self.runner.recorder
        if own is None or shown is None or recorder is None or own.trace.ended or self.runner.busy:
            return
        wanted = recorder.maximum_steps + 1 if shown.ended else len(shown)
        self.runner.want(min(wanted, len(own.trace) + MOST_AT_ONCE), own)

    def _fail(self, sentence: str) -> None:
        if not self._closed:
            self.close()
            self.status.emit("")
            self.failed.emit(sentence)
