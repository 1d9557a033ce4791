"""Runs that another one took the place of, with their branches: to be gone back to."""

from dataclasses import dataclass

from unrolled.models.inputs.inputs import Input
from unrolled.models.protocol.dispatch import handles
from unrolled.models.trace import Trace
from unrolled.viewer.control.model_choice import ModelChoice
from unrolled.viewer.control.opener import Opener
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.branches import FIRST, Branches
from unrolled.viewer.state.session import Session
from unrolled.viewer.state.wording import title_of

MOST_RUNS = 12
MOST_BYTES = 500_000_000  # of all their traces


@dataclass(frozen=True, slots=True, eq=False)
class EarlierRun:
    """A run as it was left."""

    given: Input | None
    others: dict[str, Input]
    branches: Branches
    step: int

    @property
    def trace(self) -> Trace:
        """Of its first branch."""
        return self.branches.all[FIRST].trace

    @property
    def title(self) -> str:
        return title_of(self.trace, self.given)

    @property
    def size(self) -> int:
        """Of all its traces, in bytes; what branches share is counted for each."""
        return sum(branch.trace.column(name).nbytes for branch in self.branches.all.values() for name in branch.trace.channels)


class EarlierRuns:
    """Keeps the newest of them."""

    def __init__(self, session: Session, opener: Opener, choice: ModelChoice, do: c.Do) -> None:
        self._session, self._opener, self._choice, self._do = session, opener, choice, do
        self.kept: list[EarlierRun] = []  # the newest first
        session.run_left.connect(self._keep)

    @handles(c.ReturnToRun)
    def return_to(self, command: c.ReturnToRun) -> None:
        """Show an earlier run, which goes on where it was; the one on screen becomes an earlier one."""
        if not 0 <= command.number < len(self.kept):
            return
        run = self.kept.pop(command.number)
        self._opener.show_trace(run.trace, run.given, step=run.step, branches=run.branches, others=run.others)
        model, shown = run.trace.provenance.model, self._session.description
        if shown is not None and shown.name != model and any(listing.name == model for listing in self._choice.models):
            self._do(c.LoadModel(model))

    def _keep(self) -> None:
        session = self._session
        if FIRST not in session.branches.all or not len(session.branches.all[FIRST].trace):
            return
        self.kept.insert(0, EarlierRun(session.input, session.other_inputs, session.branches, max(session.playhead.step, 0)))
        room = MOST_BYTES
        for number, run in enumerate(self.kept):
            room -= run.size
            if number == MOST_RUNS or (room < 0 and number):
                del self.kept[number:]
                break
