"""One backend process, its model and the run that it computes. A comparison is a second one, of a process of its own or, with
the same model, beside the first.
"""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from unrolled.models.protocol.connection import Failed, Welcome
from unrolled.models.protocol.loading import EndLoading, Loaded, LoadModel, Ready
from unrolled.models.protocol.message import NO_RUN, Report, RunReport
from unrolled.models.protocol.recorder import Recorder
from unrolled.models.protocol.stepping import Ended, Idle, Opened, OpenInput, Stepped, SteppedBlock
from unrolled.models.trace import Trace
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.control.live_run import LiveRun
from unrolled.viewer.control.run_state import (
    BranchShown,
    EncodeAsked,
    Encoded,
    Event,
    Happened,
    LoadFailed,
    ModelLoaded,
    ModelPhase,
    Opening,
    Refused,
    RunState,
    Shown,
    after,
)
from unrolled.viewer.state.branches import Branch
from unrolled.viewer.state.questions import Asked


class Runner(QObject):
    """A process, a model, a run.

    Parameters
    ----------
    backend : BackendProcess
        It may be starting already.
    beside : Runner, optional
        Whose process and model it shares: its own run goes on beside that one's.
    number : int
        Of the last run that was made so; see `FIRST_BESIDE`.

    Attributes
    ----------
    reported : Signal(object)
        A report arrived that still matters: not of an older run, nor of a model that was asked for before another.
    died : Signal(str)
        The process is gone: one sentence.
    loaded : Loaded or None
        The model that is there, or was when the process ended.
    recorder : Recorder or None
        What makes the run's traces, once its input is encoded.
    """

    reported = Signal(object)
    died = Signal(str)

    def __init__(self, backend: BackendProcess, parent: QObject | None = None, *, beside: Runner | None = None,
                 number: int = 0) -> None:
        super().__init__(parent)
        self.backend = backend
        self.state = RunState(model=ModelPhase.STARTING if backend.alive else ModelPhase.OFF)
        self.loaded: Loaded | None = None
        self._is_guest = beside is not None
        if beside is not None:
            self.state, self.loaded = RunState(model=beside.state.model, number=number), beside.loaded
        self.recorder: Recorder | None = None
        self._live = LiveRun(backend.send)
        backend.report.connect(self._take)
        backend.died.connect(self._died)

    # ── The process and its model ─────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Start the process, or start it again; returns at once."""
        self._happens(Happened.STARTED)
        self.backend.start()

    def close(self) -> None:
        """End the process; beside another run, this run alone."""
        if not self._is_guest:
            self.backend.close()
        self._happens(Happened.GONE)

    def load(self, model: str, device: str) -> bool:
        """Ask for a model; of several that were asked for the last one counts. False while the process is not ready."""
        before = self.state.load
        self._happens(Happened.LOAD_ASKED)
        if self.state.load == before:
            return False
        self.backend.send(LoadModel(model, device, self.state.load))
        return True

    def end_loading(self) -> None:
        """Wait no more for the model that was asked for. Whichever the backend has then is not known: one is to be asked for."""
        self._happens(Happened.LOAD_ENDED)
        self.backend.send(EndLoading())

    # ── The run ───────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def is_open(self) -> bool:
        return self.state.is_open

    @property
    def busy(self) -> bool:
        return self._live.busy

    def show(self, opening: Opening | None) -> None:
        """Something else is to be run, or a trace without its input is shown; nothing of the old run arrives any more."""
        self.recorder = None
        self._happens(Shown(opening))

    def clear(self) -> None:
        """Nothing is shown."""
        self.recorder = None
        self._happens(Happened.CLEARED)

    def unfit(self) -> None:
        """What is shown was recorded by another model."""
        self._happens(Happened.UNFIT)

    def encode(self, continues: Trace | None) -> None:
        """Have the model read the input that waits, to go on with a trace or to begin one."""
        opening, before = self.state.opening, self.state.number
        if opening is None:
            return
        self._happens(EncodeAsked(replace(opening, continues=continues)))
        if self.state.number != before:
            self.backend.send(OpenInput(self.state.number, opening.input.data, opening.input.name))

    def end_reading(self) -> None:
        """The tokens that the input gives were run through, or enough of them."""
        self._happens(Happened.READ_ENOUGH)

    def branch_shown(self, *, ended: bool) -> None:
        """Another branch is shown, or the one that is has ended."""
        self._happens(BranchShown(ended))

    def offer(self, other_inputs: dict[str, tuple[bytes, str]]) -> None:
        """Inputs that edits swap to, by their hash: their bytes and names."""
        self._live.other_inputs.update(other_inputs)

    def fork(self, branch: Branch, source: Branch | None) -> None:
        if self.state.takes_steps:
            self._live.fork(branch, source)

    def want(self, length: int, branch: Branch) -> None:
        """Ask for steps until a branch has `length` of them."""
        if self.state.takes_steps:
            self._live.want(length, branch)

    def search(self, branch: Branch) -> None:
        if self.is_open:
            self._live.search(branch)

    def ask(self, asked: Asked, branch: Branch) -> None:
        if self.is_open:
            self._live.ask(asked, branch)

    def cancel(self) -> None:
        """Take no more steps; those that are on their way still arrive."""
        self._live.cancel()

    def record(self, report: Stepped | SteppedBlock | Ended, trace: Trace) -> bool:
        """Add what was reported to a trace; False where it does not follow it. Raises `ValueError` when it does not fit the
        trace's channels.
        """
        if self.recorder is None or (not isinstance(report, Ended) and not self._live.accepts(report, trace)):
            return False
        self.recorder.add(report, trace)
        return True

    # ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────

    def _happens(self, event: Event) -> None:
        before, self.state = self.state, after(self.state, event)
        if self.state.number != before.number:
            self._live.begin(self.state.number)

    def _take(self, report: Report) -> None:
        if isinstance(report, RunReport) and report.run not in (NO_RUN, self.state.number):
            return
        if self._is_guest and (not isinstance(report, RunReport) or report.run == NO_RUN):
            return  # of the process and its model, which are another's
        if isinstance(report, Welcome) and self.state.model is ModelPhase.OFF:
            self._happens(Happened.STARTED)
        elif isinstance(report, Ready):
            self.loaded = None  # it is another process
            self._happens(Happened.ANSWERED)
        elif isinstance(report, Loaded):
            if report.number != self.state.load:
                return  # another one was asked for since
            self.loaded = report
            self._happens(ModelLoaded(report.number))
        elif isinstance(report, Opened):
            self._opened(report)
        elif isinstance(report, Idle):
            self._live.idle(report)
        elif isinstance(report, Failed) and report.subject == "model" and report.number >= 0:
            if report.number != self.state.load:
                return
            self._happens(LoadFailed(report.number, kept=self.loaded is not None))
        elif isinstance(report, Failed) and report.subject == "input" and report.run != NO_RUN:
            self._happens(Refused(report.run))
        self.reported.emit(report)

    def _opened(self, report: Opened) -> None:
        opening = self.state.opening
        if opening is None or self.loaded is None:
            return
        self.recorder = Recorder(loaded=self.loaded, opened=report, name=opening.input.name, data=opening.input.data)
        trace = opening.continues
        length, ended = (0, False) if trace is None else (len(trace), trace.ended)
        self._happens(Encoded(report.run, length < report.prompt_tokens, ended))

    def _died(self, sentence: str) -> None:
        self._happens(Happened.GONE)
        self.died.emit(sentence)
