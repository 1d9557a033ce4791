"""What the backend holds of the run on screen, and what it has been asked for.

The trace is the window's; the backend's copy of the run can be behind it (after a restart, or when a trace was read
from a file). Before a new step is asked for, what is missing over there is taken again, each word forced, so that a
run always goes on from where it was. It knows neither Qt nor how anything is shown.
"""

from __future__ import annotations

from collections.abc import Callable

from unrolled.models.protocol.messages import Advance, Cancel, Decoding, Idle, OpenInput, Request, Stepped, SteppedBlock
from unrolled.models.trace import Trace


class LiveRun:
    """The run on the other side.

    Parameters
    ----------
    send : callable
        Sends a request to the backend.

    Attributes
    ----------
    number : int
        The current run; what arrives for any other is dropped.
    is_open : bool
        The backend has encoded the input, so that steps can be asked for.
    opening : bool
        It is encoding it.
    """

    def __init__(self, send: Callable[[Request], None]) -> None:
        self._send = send
        self.number = 0
        self.is_open = False
        self.opening = False
        self._held = 0       # steps that the backend has, as far as is known
        self._requested = 0  # steps that it has or was asked to take
        self._advances = 0   # answers that are still to come
        self._stale = 0      # of them, those that nobody wants any more

    @property
    def busy(self) -> bool:
        """Whether steps that were asked for have not arrived."""
        return self._advances > 0

    def lose(self) -> None:
        """The backend has nothing of this run any more, and nothing of it will arrive."""
        self.number += 1
        self.is_open = self.opening = False
        self._held = self._requested = self._advances = self._stale = 0

    def open_input(self, data: bytes, name: str, decoding: Decoding) -> None:
        """Have an input encoded; it supersedes all that was asked for before."""
        self.lose()
        self.opening = True
        self._send(OpenInput(self.number, data, name, decoding))

    def opened(self) -> None:
        """The input is encoded."""
        self.is_open, self.opening = True, False

    def want(self, length: int, trace: Trace, decoding: Decoding) -> None:
        """Ask for steps until the run has `length` of them; what was asked for already is not asked for again."""
        if not self.is_open or length <= max(self._requested, len(trace)):
            return
        self._catch_up(trace, len(trace))
        count = length - self._requested
        if count > 0:
            self._ask(Advance(self.number, self._requested, count, -1, decoding), count)

    def force(self, token: int, trace: Trace, decoding: Decoding) -> None:
        """Ask for the step that follows the trace, with a given token written at it. `rewind` comes first."""
        self._catch_up(trace, len(trace))
        self._ask(Advance(self.number, len(trace), 1, token, decoding), 1)

    def rewind(self, length: int) -> None:
        """Forget what comes after the first `length` steps, and what has been asked for."""
        if self._advances > self._stale:
            self._stale = self._advances
            self._send(Cancel(self.number))
        self._held = min(self._held, length)
        self._requested = self._held

    def cancel(self) -> None:
        """Stop asking; steps that are on their way still arrive."""
        if self.busy:
            self._send(Cancel(self.number))

    def accepts(self, report: Stepped | SteppedBlock, trace: Trace) -> bool:
        """Whether a step, or a block of them, follows the trace; to be called for each that arrives."""
        if report.run != self.number or self._stale:
            return False
        self._held = max(self._held, report.step + (report.count if isinstance(report, SteppedBlock) else 1))
        return report.step == len(trace)

    def wants(self, run: int) -> bool:
        """Whether a report of this run that is not a step still matters."""
        return run == self.number and not self._stale

    def idle(self, report: Idle) -> None:
        """A request for steps is dealt with."""
        if report.run != self.number:
            return
        self._advances = max(0, self._advances - 1)
        self._stale = max(0, self._stale - 1)
        if self._advances == 0:
            self._requested = self._held

    def _catch_up(self, trace: Trace, length: int) -> None:
        given = min(trace.provenance.given, length)
        if self._requested < given:  # the input gives them, as one block after the other
            self._ask(Advance(self.number, self._requested, given - self._requested, -1, Decoding()), given - self._requested)
        for step in range(self._requested, length):
            # Greedy, since the word is given: a beam need not be searched for it.
            self._ask(Advance(self.number, step, 1, trace.tokens[step], Decoding()), 1)

    def _ask(self, request: Advance, count: int) -> None:
        self._send(request)
        self._advances += 1
        self._requested = request.step + count
