"""What the backend holds of a run, and what it has been asked for.

The traces are the window's; the backend may know nothing of them (after a restart, or when a trace was read from a
file). Before anything is asked of a branch, it is made over there: as one that leaves another, whose steps it shares, or
from its tokens, so that a run always goes on from where it was. It knows neither Qt nor how anything is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from unrolled.models.protocol.asking import Ask
from unrolled.models.protocol.message import Request
from unrolled.models.protocol.searching import Search
from unrolled.models.protocol.stepping import AddInput, Advance, Cancel, Fork, Idle, Stepped, SteppedBlock
from unrolled.models.trace import Trace
from unrolled.models.trace.edits import SwapInput
from unrolled.viewer.state.branches import Branch
from unrolled.viewer.state.questions import Asked


@dataclass(slots=True)
class _Held:
    """Of a branch's form: how many steps the backend has, how many it has or was asked for, and the answers to come."""

    steps: int = 0
    requested: int = 0
    advances: int = 0


class LiveRun:
    """The run on the other side; whoever asks sees to it that it is open.

    Attributes
    ----------
    other_inputs : dict of str to (bytes, str)
        By hash, the inputs that edits swap to, and their names: they are sent when they are needed.
    """

    def __init__(self, send: Callable[[Request], None]) -> None:
        self._send = send
        self._number = 0
        self.other_inputs: dict[str, tuple[bytes, str]] = {}
        self._held: dict[int, _Held] = {}  # by the branch's number over there
        self._sent_inputs: set[str] = set()

    @property
    def busy(self) -> bool:
        return any(held.advances for held in self._held.values())

    def begin(self, number: int) -> None:
        """It is another run: the backend has nothing of it yet, and what was asked of the old one is given up."""
        self.cancel()
        self._number = number
        self._held.clear()
        self._sent_inputs.clear()

    def fork(self, branch: Branch, source: Branch | None) -> None:
        """Make a branch that leaves another; what the backend does not have of that is taken from the branch's own tokens."""
        self._send_inputs(branch)
        length = len(branch.trace)
        held = self._held.get(source.wire_id) if source is not None else None
        if source is not None and held is not None and held.steps >= length:
            self._send(Fork(self._number, source.wire_id, length, branch.edits_on, branch=branch.wire_id))
        else:
            self._send(Fork(self._number, -1, 0, branch.edits_on, tuple(branch.trace.tokens), branch=branch.wire_id))
        self._held[branch.wire_id] = _Held(length, length)

    def want(self, length: int, branch: Branch) -> None:
        """Ask for steps until a branch has `length` of them; what was asked for already is not asked for again."""
        if length <= len(branch.trace):
            return
        held = self._known(branch)
        count = length - held.requested
        if count > 0:
            self._send(Advance(self._number, held.requested, count, branch.decoding, branch=branch.wire_id))
            held.advances += 1
            held.requested = length

    def search(self, branch: Branch) -> None:
        self._known(branch)
        self._send(Search(self._number, len(branch.trace), branch.decoding, branch=branch.wire_id))

    def ask(self, asked: Asked, branch: Branch) -> None:
        self._known(branch)
        self._send(Ask(self._number, asked.number, asked.question, branch=branch.wire_id))

    def cancel(self) -> None:
        """Stop asking; steps that are on their way still arrive."""
        if self.busy:
            self._send(Cancel(self._number))

    def accepts(self, report: Stepped | SteppedBlock, trace: Trace) -> bool:
        """Whether a step, or a block of them, follows the trace; to be called for each that arrives."""
        held = self._held.get(report.branch)
        if held is None:
            return False
        held.steps = max(held.steps, report.step + (report.count if isinstance(report, SteppedBlock) else 1))
        return report.step == len(trace)

    def idle(self, report: Idle) -> None:
        held = self._held.get(report.branch)
        if held is None:
            return
        held.advances = max(0, held.advances - 1)
        if held.advances == 0:
            held.requested = held.steps

    def _known(self, branch: Branch) -> _Held:
        """What the backend has of a branch; where it has none it is given what the trace has."""
        held = self._held.get(branch.wire_id)
        if held is None and (branch.wire_id or len(branch.trace) or branch.edits_on):
            self.fork(branch, None)
        return self._held.setdefault(branch.wire_id, _Held())

    def _send_inputs(self, branch: Branch) -> None:
        for edit in branch.edits_on:
            if isinstance(edit, SwapInput) and edit.input_hash not in self._sent_inputs:
                data, name = self.other_inputs.get(edit.input_hash, (b"", edit.name))
                if data:
                    self._sent_inputs.add(edit.input_hash)
                    self._send(AddInput(self._number, data, name))
