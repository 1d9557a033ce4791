"""One backend process, its model and the run that it computes. A comparison is a second one, of a process of its own or, with
the same model, beside the first.

The traces are the window's; the backend may know nothing of them (after a restart, or when a trace was read from a
file). Before anything is asked of a branch, it is made over there: as one that leaves another, whose steps it shares, or
from its tokens, so that a run always goes on from where it was.
"""

from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal

from unrolled.models.protocol.connection import Failed, Welcome
from unrolled.models.protocol.loading import EndLoading, Loaded, LoadModel, Ready
from unrolled.models.protocol.message import NO_RUN, Report, RunReport
from unrolled.models.protocol.questions import Ask
from unrolled.models.protocol.recorder import Recorder
from unrolled.models.protocol.searching import Search
from unrolled.models.protocol.stepping import (
    AddInput,
    Advance,
    Cancel,
    Ended,
    Fork,
    Idle,
    Opened,
    OpenInput,
    Stepped,
    SteppedBlock,
)
from unrolled.models.trace import Trace
from unrolled.models.trace.edits import SwapInput
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.control.run_state import ModelPhase, Opening, RunState
from unrolled.viewer.state.branches import Branch
from unrolled.viewer.state.questions import Asked


@dataclass(slots=True)
class _Held:
    """Of a branch's form: how many steps the backend has, how many it has or was asked for, and the answers to come."""

    steps: int = 0
    requested: int = 0
    advances: int = 0


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
    """

    reported = Signal(object)  # what still matters: not of an older run, nor of a model that was asked for before another
    died = Signal(str)  # the process is gone: one sentence

    def __init__(self, backend: BackendProcess, parent: QObject | None = None, *, beside: "Runner | None" = None,
                 number: int = 0) -> None:
        super().__init__(parent)
        self.backend = backend
        self.state = RunState(model=ModelPhase.STARTING if backend.alive else ModelPhase.OFF)
        self.loaded: Loaded | None = None  # the model that is there, or was when the process ended
        self._is_guest = beside is not None
        if beside is not None:
            self.state, self.loaded = RunState(model=beside.state.model, number=number), beside.loaded
        self.recorder: Recorder | None = None  # what makes the run's traces, once its input is encoded
        self.other_inputs: dict[str, tuple[bytes, str]] = {}  # by hash, what edits swap to, with names: sent when needed
        self._held: dict[int, _Held] = {}  # by the branch's number over there
        self._sent_inputs: set[str] = set()
        backend.report.connect(self._take)
        backend.died.connect(self._died)

    # ── The process and its model ─────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Start the process, or start it again; returns at once."""
        self._become(self.state.started())
        self.backend.start()

    def close(self) -> None:
        """End the process; beside another run, this run alone."""
        if not self._is_guest:
            self.backend.close()
        self._become(self.state.gone())

    def load(self, model: str, device: str) -> bool:
        """Ask for a model; of several that were asked for the last one counts. False while the process is not ready."""
        before = self.state.load
        self._become(self.state.load_asked())
        if self.state.load == before:
            return False
        self.backend.send(LoadModel(model, device, self.state.load))
        return True

    def end_loading(self) -> None:
        """Wait no more for the model that was asked for. Whichever the backend has then is not known: one is to be asked for."""
        self._become(self.state.load_ended())
        self.backend.send(EndLoading())

    # ── The run ───────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def is_open(self) -> bool:
        return self.state.is_open

    @property
    def busy(self) -> bool:
        """Whether steps are on their way."""
        return any(held.advances for held in self._held.values())

    def show(self, opening: Opening | None) -> None:
        """Something else is to be run, or a trace without its input is shown; nothing of the old run arrives any more."""
        self.recorder = None
        self._become(self.state.shown(opening))

    def clear(self) -> None:
        self.recorder = None
        self._become(self.state.cleared())

    def unfit(self) -> None:
        """What is shown was recorded by another model."""
        self._become(self.state.unfit())

    def encode(self, continues: Trace | None) -> None:
        """Have the model read the input that waits, to go on with a trace or to begin one."""
        opening, before = self.state.opening, self.state.number
        if opening is None:
            return
        self._become(self.state.encode_asked(replace(opening, continues=continues)))
        if self.state.number != before:
            self.backend.send(OpenInput(self.state.number, opening.input.data, opening.input.name))

    def end_reading(self) -> None:
        """The tokens that the input gives were run through, or enough of them."""
        self._become(self.state.read_enough())

    def branch_shown(self, *, ended: bool) -> None:
        """Another branch is shown, or the one that is has ended."""
        self._become(self.state.branch_shown(ended=ended))

    # ── What is asked of its branches ─────────────────────────────────────────────────────────────────────────

    def fork(self, branch: Branch, source: Branch | None) -> None:
        """Make a branch that leaves another; what the backend does not have of that is taken from the branch's own tokens."""
        if not self.state.takes_steps:
            return
        self._send_inputs(branch)
        length = len(branch.trace)
        held = self._held.get(source.wire_id) if source is not None else None
        if source is not None and held is not None and held.steps >= length:
            fork = Fork(self.state.number, source.wire_id, length, branch.edits_on, branch=branch.wire_id)
        else:
            fork = Fork(self.state.number, -1, 0, branch.edits_on, tuple(branch.trace.tokens), branch=branch.wire_id)
        self.backend.send(fork)
        self._held[branch.wire_id] = _Held(length, length)

    def want(self, length: int, branch: Branch) -> None:
        """Ask for steps until a branch has `length` of them, or one more than there can be, so that the model says that it is
        over; what was asked for already is not asked for again.
        """
        if not self.state.takes_steps or self.recorder is None or length <= len(branch.trace):
            return
        held = self._known(branch)
        count = min(length, self.recorder.maximum_steps + 1) - held.requested
        if count > 0:
            self.backend.send(Advance(self.state.number, held.requested, count, branch.decoding, branch=branch.wire_id))
            held.advances += 1
            held.requested += count

    def search(self, branch: Branch, step: int) -> None:
        """Search from a step on that is recorded, or was asked for."""
        if self.is_open:
            self._known(branch)
            self.backend.send(Search(self.state.number, step, branch.decoding, branch=branch.wire_id))

    def ask(self, asked: Asked, branch: Branch) -> None:
        if self.is_open:
            self._known(branch)
            self.backend.send(Ask(self.state.number, asked.number, asked.question, branch=branch.wire_id))

    def cancel(self) -> None:
        """Take no more steps; those that are on their way still arrive."""
        if self.busy:
            self.backend.send(Cancel(self.state.number))

    def record(self, report: Stepped | SteppedBlock | Ended, trace: Trace) -> bool:
        """Add what was reported to a trace; False where it does not follow it. Raises `ValueError` when it does not fit the
        trace's channels.
        """
        if self.recorder is None:
            return False
        if not isinstance(report, Ended):
            held = self._held.get(report.branch)
            if held is None:
                return False
            held.steps = max(held.steps, report.step + (report.count if isinstance(report, SteppedBlock) else 1))
            if report.step != len(trace):
                return False
        self.recorder.add(report, trace)
        return True

    def _known(self, branch: Branch) -> _Held:
        """What the backend has of a branch; where it has none it is given what the trace has."""
        if branch.wire_id not in self._held and (branch.wire_id or len(branch.trace) or branch.edits_on):
            self.fork(branch, None)
        return self._held.setdefault(branch.wire_id, _Held())

    def _send_inputs(self, branch: Branch) -> None:
        for edit in branch.edits_on:
            if isinstance(edit, SwapInput) and edit.input_hash not in self._sent_inputs:
                data, name = self.other_inputs.get(edit.input_hash, (b"", edit.name))
                if data:
                    self._sent_inputs.add(edit.input_hash)
                    self.backend.send(AddInput(self.state.number, data, name))

    # ── What is reported ──────────────────────────────────────────────────────────────────────────────────────

    def _become(self, state: RunState) -> None:
        """Of another run the backend has nothing yet, and what was asked of the old one is given up."""
        if state.number != self.state.number:
            self.cancel()
            self._held.clear()
            self._sent_inputs.clear()
        self.state = state

    def _take(self, report: Report) -> None:
        if isinstance(report, RunReport) and report.run not in (NO_RUN, self.state.number):
            return
        if self._is_guest and (not isinstance(report, RunReport) or report.run == NO_RUN):
            return  # of the process and its model, which are another's
        if isinstance(report, Welcome) and self.state.model is ModelPhase.OFF:
            self._become(self.state.started())
        elif isinstance(report, Ready):
            self.loaded = None  # it is another process
            self._become(self.state.answered())
        elif isinstance(report, Loaded):
            if report.number != self.state.load:
                return  # another one was asked for since
            self.loaded = report
            self._become(self.state.loaded(report.number))
        elif isinstance(report, Opened):
            self._opened(report)
        elif isinstance(report, Idle):
            self._idle(report)
        elif isinstance(report, Failed) and report.subject == "model" and report.number >= 0:
            if report.number != self.state.load:
                return
            self._become(self.state.load_failed(report.number, kept=self.loaded is not None))
        elif isinstance(report, Failed) and report.subject == "input" and report.run != NO_RUN:
            self._become(self.state.refused(report.run))
        self.reported.emit(report)

    def _opened(self, report: Opened) -> None:
        opening = self.state.opening
        if opening is None or self.loaded is None:
            return
        self.recorder = Recorder(loaded=self.loaded, opened=report, name=opening.input.name, data=opening.input.data)
        trace = opening.continues
        length, ended = (0, False) if trace is None else (len(trace), trace.ended)
        self._become(self.state.encoded(report.run, reading=length < report.prompt_tokens, ended=ended))

    def _idle(self, report: Idle) -> None:
        held = self._held.get(report.branch)
        if held is not None:
            held.advances = max(0, held.advances - 1)
            held.requested = held.requested if held.advances else held.steps

    def _died(self, sentence: str) -> None:
        self._become(self.state.gone())
        self.died.emit(sentence)
