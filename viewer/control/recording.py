"""What is asked of the backend about branches, and what it reports of them, into traces, searches and answers."""

from psygnal import Signal

from unrolled.models.protocol.dispatch import handles
from unrolled.models.protocol.questions import Answer
from unrolled.models.protocol.searching import BeamStepped, Searched
from unrolled.models.protocol.stepping import Ended, Idle, Stepped, SteppedBlock
from unrolled.viewer.control.runner import Runner
from unrolled.viewer.control.voice import Voice
from unrolled.viewer.state.branches import Branch
from unrolled.viewer.state.questions import Asked
from unrolled.viewer.state.search_tree import SearchTree
from unrolled.viewer.state.session import Session


class Recording:
    """The branches of the run, as the backend knows them."""

    grew = Signal()  # the trace that is shown has more steps
    unseen_grew = Signal(object)  # another branch's has, or has come to its end

    def __init__(self, session: Session, runner: Runner, voice: Voice) -> None:
        self._session, self._runner, self._voice = session, runner, voice
        self.last_milliseconds = 0.0  # what the newest step took, or the mean of a block of them
        self._known: dict[int, Branch] = {}          # by the backend's numbers, undone branches too
        self._searches: dict[int, SearchTree] = {}   # by the branch that each searched
        self._newest = 0
        session.run_changed.connect(self.forget)
        session.branches_changed.connect(self._branch_shown)

    def forget(self) -> None:
        self._known.clear()
        self._searches.clear()
        self._newest = max((branch.wire_id for branch in self._session.branches.all.values()), default=0)

    def new_wire_id(self) -> int:
        """A number that the backend has for no branch yet."""
        self._newest += 1
        return self._newest

    def know(self, branch: Branch) -> None:
        """What is reported of this branch is recorded, though it be undone meanwhile."""
        self._known[branch.wire_id] = branch

    def branch_of(self, wire_id: int) -> Branch | None:
        """What the backend's number means; also of a branch that was undone, whose steps are kept for when it comes back."""
        return self._session.branches.of_wire_id(wire_id) or self._known.get(wire_id)

    def want(self, length: int) -> None:
        """Have the branch that is shown grow; a beam search is told as it runs, before the steps that follow it."""
        branch = self._session.branch
        if branch is None or not self._runner.is_open:
            return
        begin, search = max(len(branch.trace), branch.trace.provenance.prompt_tokens), self._searches.get(branch.identity)
        searched = search is not None and search.wire_id == branch.wire_id and search.decoding == branch.decoding
        if branch.decoding.method == "beam" and length > begin and not searched:
            self._runner.want(begin, branch)  # what the input gives is read before
            self._searches[branch.identity] = SearchTree(branch.wire_id, begin, branch.decoding)
            self._session.set_search(self._searches[branch.identity])
            self._runner.search(branch, begin)
        self._runner.want(length, branch)

    def ask(self, asked: Asked) -> None:
        """Have a question about a branch answered; while no run is open it waits."""
        branch = self._session.branches.of_wire_id(asked.wire_id)
        if branch is not None:
            self._runner.ask(asked, branch)

    @handles(Stepped, SteppedBlock)
    def stepped(self, report: Stepped | SteppedBlock) -> None:
        branch = self.branch_of(report.branch)
        try:
            if branch is None or not self._runner.record(report, branch.trace):
                return
        except ValueError as error:
            self._voice.say("run", f"The model reported a step that does not fit: {error}.")
            return
        self.last_milliseconds = report.milliseconds / (report.count if isinstance(report, SteppedBlock) else 1)
        compared = self._session.compared
        if compared is not None and compared.trace is branch.trace:
            self._session.compare(compared)
        if branch.trace is self._session.trace:
            self._session.grew()
            self.grew.emit()
        if branch.trace.ended:
            self._over(branch)
        elif branch.trace is not self._session.trace:
            self.unseen_grew.emit(branch)

    @handles(Ended)
    def over(self, report: Ended) -> None:
        branch = self.branch_of(report.branch)
        if branch is not None and not branch.trace.ended and self._runner.record(report, branch.trace):  # not by END
            self._over(branch)

    def _over(self, branch: Branch) -> None:
        compared = self._session.compared
        if branch.trace is self._session.trace:
            self._runner.branch_shown(ended=True)
            self._session.end()
        else:
            if compared is not None and compared.trace is branch.trace:
                self._session.compare(compared)
            self.unseen_grew.emit(branch)
        self._voice.state_changed.emit()

    @handles(Answer)
    def answered(self, report: Answer) -> None:
        self._session.questions.take_part(report.number, report.part, done=report.done)

    @handles(Idle)
    def idle(self, _: Idle) -> None:
        self._voice.state_changed.emit()

    @handles(BeamStepped, Searched)
    def searched(self, report: BeamStepped | Searched) -> None:
        search = next((own for own in self._searches.values() if own.wire_id == report.branch), None)
        if search is None:
            return
        branch = self.branch_of(search.wire_id)
        if isinstance(report, Searched):
            search.over = True
        elif branch is not None:
            try:
                search.grow(report, tuple(branch.trace.channels.values()))
            except ValueError as error:
                self._voice.say("run", f"The model reported a search that does not fit: {error}.")
                return
        if search is self._session.search:
            self._session.set_search(search)

    def _branch_shown(self) -> None:
        """Show the beam search that the branch comes from: its own, or that of the nearest branch that it leaves."""
        branch, branches = self._session.branch, self._session.branches.all
        if branch is not None:
            self._runner.branch_shown(ended=branch.trace.ended)
        while branch is not None and branch.identity not in self._searches:
            branch = branches.get(branch.parent) if branch.parent is not None else None
        search = self._searches[branch.identity] if branch is not None else None
        if search is not self._session.search:
            self._session.set_search(search)
