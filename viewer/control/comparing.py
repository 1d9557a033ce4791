"""Holding another run against the one on screen: a branch, another model, another input, a recorded trace.

Another input is run by the model that is there, in the same process; another model has a process of its own.
"""

from __future__ import annotations

from pathlib import Path

from unrolled.models.inputs.inputs import Input
from unrolled.models.inputs.kinds import Notes, kind_named
from unrolled.models.protocol.dispatch import handles
from unrolled.models.protocol.message import FIRST_BESIDE
from unrolled.models.trace import Trace
from unrolled.models.trace.names import file_name
from unrolled.viewer.control.comparison_run import ComparisonRun
from unrolled.viewer.control.input_worker import InputWorker
from unrolled.viewer.control.model_choice import ModelChoice
from unrolled.viewer.control.run_state import ModelPhase
from unrolled.viewer.control.runner import Runner
from unrolled.viewer.control.voice import Voice
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.comparison import Compared
from unrolled.viewer.state.session import Session


class Comparing:
    """What compares runs."""

    def __init__(self, session: Session, runner: Runner, choice: ModelChoice, worker: InputWorker, voice: Voice) -> None:
        self._session, self._runner, self._choice, self._worker, self._voice = session, runner, choice, worker, voice
        self._run: ComparisonRun | None = None
        self._last_beside = FIRST_BESIDE
        session.run_changed.connect(self.end_run)
        session.compared_changed.connect(self._compared_changed)
        session.model_changed.connect(self._model_changed)

    @property
    def under_way(self) -> bool:
        """Whether another run is made to be compared; it may not have begun yet."""
        return self._run is not None

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
        """The model that ran beside its own run is not there any more."""
        if self._run is not None and self._run.runner.backend is self._runner.backend:
            self._end()

    def _compared_changed(self) -> None:
        if self._session.compared is None:
            self.end_run()
        self._voice.state_changed.emit()
