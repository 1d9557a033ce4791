"""Holding another run against the one on screen: a branch, another model, another input, a recorded trace.

Another model or input runs in a second `Runner`, with a process of its own; it goes as far as the run on screen goes, and
no farther.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from unrolled.models.inputs.inputs import Input
from unrolled.models.inputs.kinds import decode_input, kind_named, read_bytes, taken_by
from unrolled.models.protocol.connection import Failed
from unrolled.models.protocol.dispatch import Dispatch, handles
from unrolled.models.protocol.loading import Loaded, Ready
from unrolled.models.protocol.stepping import Ended, Idle, Opened, Stepped, SteppedBlock
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.control.model_choice import ModelChoice
from unrolled.viewer.control.run_state import Opening
from unrolled.viewer.control.runner import Runner
from unrolled.viewer.control.voice import Voice
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.branches import FIRST, GREEDY, Branch, first_branch
from unrolled.viewer.state.comparison import Compared
from unrolled.viewer.state.files import input_of_trace
from unrolled.viewer.state.session import Session


class ComparisonRun(QObject):
    """Runs a model over an input and holds its trace against the session's.

    Parameters
    ----------
    session : Session
        Whose `compared` it fills, and whose run it goes along with.
    of_other_input : bool
        The input is another than the one on screen, and is shown beside it.

    Attributes
    ----------
    failed : Signal(str)
        It cannot go on: one sentence. It has ended then.
    """

    status = Signal(str)
    failed = Signal(str)

    def __init__(self, session: Session, command: list[str] | None, *, model: str, device: str, given: Input, name: str,
                 of_other_input: bool) -> None:
        super().__init__()
        self._session = session
        self._model, self._device, self._input, self._name = model, device, given, name
        self._of_other_input = of_other_input
        self._branch: Branch | None = None
        self._compared: Compared | None = None
        self._closed = False
        self._runner = Runner(BackendProcess(command, parent=self), self)
        self._reports = Dispatch(self)
        self._runner.reported.connect(self._take)
        self._runner.died.connect(self._fail)
        self._runner.backend.silent.connect(
            lambda silent: self.status.emit(f"{name} has stopped answering…" if silent else ""))
        session.steps_added.connect(self._go_along)
        session.ended.connect(self._go_along)
        session.branches_changed.connect(self._go_along)

    def start(self) -> None:
        self.status.emit(f"Starting {self._name}…")
        self._runner.show(Opening(input=self._input))
        self._runner.start()

    def close(self) -> None:
        """End it; no process is left."""
        self._closed = True
        for signal in (self._session.steps_added, self._session.ended, self._session.branches_changed):
            signal.disconnect(self._go_along, missing_ok=True)
        self._runner.close()

    @handles(Ready)
    def ready(self, _: Ready) -> None:
        self.status.emit(f"Loading {self._model}…")
        self._runner.load(self._model, self._device)

    @handles(Loaded)
    def loaded(self, report: Loaded) -> None:
        if taken_by(self._input, report.description.input_kind):
            self._runner.encode(None)
        else:
            self._fail(f"{report.description.title} does not take “{self._input.name}”.")

    @handles(Opened)
    def opened(self, _: Opened) -> None:
        current, recorder = self._session.branch, self._runner.recorder
        if recorder is None:
            return
        decoding = current.decoding if current is not None else GREEDY
        trace = recorder.trace(decoding)
        self._branch = first_branch(trace, decoding).all[FIRST]
        self._compared = Compared(self._name, trace, self._input if self._of_other_input else None)
        self.status.emit("")
        self._session.compare(self._compared)
        self._go_along()

    @handles(Stepped, SteppedBlock, Ended)
    def stepped(self, report: Stepped | SteppedBlock | Ended) -> None:
        try:
            if self._branch is not None and self._runner.record(report, self._branch.trace):
                self._session.compare(self._compared)
        except ValueError as error:
            self._fail(f"The other model reported a step that does not fit: {error}.")

    @handles(Idle)
    def idle(self, _: Idle) -> None:
        self._go_along()

    @handles(Failed)
    def stopped(self, report: Failed) -> None:
        self._fail(report.sentence)

    def _take(self, report: object) -> None:
        if not self._closed and not self._reports.missing((type(report),)):
            self._reports(report)

    def _go_along(self) -> None:
        """Take as many steps as the run on screen has; all, where that has ended."""
        own, shown, recorder = self._branch, self._session.trace, self._runner.recorder
        if own is None or shown is None or recorder is None or own.trace.ended or self._runner.busy:
            return
        self._runner.want(recorder.maximum_steps + 1 if shown.ended else len(shown), own)

    def _fail(self, sentence: str) -> None:
        if not self._closed:
            self.close()
            self.status.emit("")
            self.failed.emit(sentence)


class Comparing:
    """What compares runs."""

    def __init__(self, session: Session, runner: Runner, choice: ModelChoice, voice: Voice) -> None:
        self._session, self._runner, self._choice, self._voice = session, runner, choice, voice
        self._run: ComparisonRun | None = None
        session.run_changed.connect(self.end_run)
        session.compared_changed.connect(self._compared_changed)

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
            title = next((listing.title for listing in self._choice.models if listing.name == name), Path(name).stem)
            self._start(name, given, title, of_other_input=False)

    @handles(c.CompareInput)
    def compare_input(self, command: c.CompareInput) -> None:
        description, path = self._session.description, command.path
        if description is None:
            return
        medium = kind_named(description.input_kind).medium
        try:
            given, _ = decode_input(read_bytes(path, medium), path.name, medium)
        except (ValueError, OSError) as error:
            self._voice.say("input", str(error))
            return
        self._start(self._choice.model or description.name, given, path.name, of_other_input=True)

    @handles(c.CompareTrace)
    def compare_trace(self, command: c.CompareTrace) -> None:
        from unrolled.models.trace.files import TraceError, load_trace  # most starts need none

        try:
            trace = load_trace(command.path)
        except TraceError as error:
            self._voice.say("input", str(error))
            return
        self.end_run()
        own, name = self._session.input, command.path.name
        same = own is not None and own.data == trace.input_bytes
        self._session.compare(Compared(name, trace, None if same else input_of_trace(trace, name)))

    @handles(c.EndComparison)
    def end_comparison(self, _: c.EndComparison) -> None:
        self._end()

    def end_run(self) -> None:
        if self._run is not None:
            self._run.close()
            self._run.deleteLater()
            self._run = None

    def _end(self) -> None:
        self.end_run()
        self._session.compare(None)

    def _start(self, model: str, given: Input, name: str, *, of_other_input: bool) -> None:
        self._end()
        self._run = ComparisonRun(self._session, self._runner.backend.command, model=model, device=self._choice.device,
                                  given=given, name=name, of_other_input=of_other_input)
        self._run.status.connect(self._voice.busy)
        self._run.failed.connect(self._failed)
        self._run.start()

    def _failed(self, sentence: str) -> None:
        self._end()
        self._voice.say("model", sentence, "warning")

    def _compared_changed(self) -> None:
        if self._session.compared is None:
            self.end_run()
        self._voice.state_changed.emit()
