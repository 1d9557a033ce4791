"""Changing the computation: every change makes a branch, which shares the steps before it and is run on from there.

It has no widgets and opens nothing: that is the controller's, which is built on this.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QUndoStack

from unrolled.models.inputs.kinds import decode_input, kind_named, read_bytes
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.searching import BeamStepped, Searched
from unrolled.models.trace import Trace
from unrolled.models.trace.edits import Edit, EditError, ForceToken, SwapInput, check
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.control.transport import Transport
from unrolled.viewer.control.undo import BranchesCommand
from unrolled.viewer.state.branches import FIRST, Branch, PlacedEdit
from unrolled.viewer.state.comparison import first_divergence
from unrolled.viewer.state.notice import Notice
from unrolled.viewer.state.session import Session

MOST_BRANCHES = 100
NOT_LIVE = "The computation can be changed once the model that recorded this run is loaded."


class Branching(Transport):
    """What changes a run.

    Attributes
    ----------
    history : QUndoStack
        Every change of the branches, to be undone and done again.
    """

    def __init__(self, session: Session, backend: BackendProcess, parent: QObject | None = None) -> None:
        super().__init__(session, backend, parent)
        self.history = QUndoStack(self)
        self._takes: dict[int, Branch] = {}  # what the backend's numbers mean, undone branches too
        self._last_take = 0
        session.candidate_chosen.connect(self.choose)
        session.edit_wanted.connect(self.change)
        session.run_changed.connect(self._forget_branches)
        session.branches_changed.connect(self._show_its_search)

    # ── What a person can do ──────────────────────────────────────────────────────────────────────────────────

    def choose(self, step: int, token: int) -> None:
        """Write another word at a step and go on from there as far as the run had gone."""
        trace, description = self.session.trace, self.session.description
        if trace is None or not 0 <= step < len(trace) or trace.tokens[step] == token:
            return
        if not self.run.is_open and self._fits(trace) and self.waiting:
            return
        word = description.words[token] if description is not None and 0 <= token < len(description.words) else ""
        self.change(ForceToken(first=step, last=step, token=token, word=word))

    def change(self, edit: Edit) -> None:
        """Make a branch on which this is changed too; where there is one with the same changes, show that."""
        branch, description = self.session.branch, self.session.description
        if branch is None or description is None or not self.run.is_open:
            self._refuse(NOT_LIVE)
            return
        trace = branch.trace
        if edit.first > len(trace) or (trace.ended and edit.first >= len(trace)):
            self._refuse(f"Step {edit.first + 1} is not there yet: the run has {len(trace)} so far.")
            return
        try:
            check(edit, tuple(trace.channels.values()), description.words)
        except EditError as error:
            self._refuse(str(error))
            return
        if self._too_many():
            return
        kept = tuple(placed for placed in branch.edits if not _replaces(edit, placed.edit))
        edits = (*kept, PlacedEdit(edit))
        wanted = tuple(placed.edit for placed in edits if placed.on)
        for other in self.session.branches.all.values():
            if other.edits_on == wanted and other.decoding == branch.decoding and other.identity != branch.identity:
                self.show_branch(other.identity)
                return
        self._branch_off(branch, edit.first, edits, name=edit.in_words, text=f"change {edit.in_words}")

    def set_edits(self, identity: int, edits: tuple[PlacedEdit, ...]) -> None:
        """Give a branch other edits, or switch some on or off: it is run again from the first step that differs."""
        branch = self.session.branches.all.get(identity)
        if branch is None or edits == branch.edits:
            return
        if not self.run.is_open:
            self._refuse(NOT_LIVE)
            return
        different = set(branch.edits_on) ^ {placed.edit for placed in edits if placed.on}
        if not different:  # what is off was taken off the list
            after = self.session.branches.with_branch(branch.changed(edits=edits), show=False)
            self.history.push(BranchesCommand(self.session, after, "change the list of edits"))
            return
        step = min(min(edit.first for edit in different), len(branch.trace))
        self._branch_off(branch, step, edits, name=branch.name, text="switch edits", identity=identity)

    def swap_input(self, path: Path, step: int) -> None:
        """Let the steps from here on look at another input of the same kind."""
        medium = kind_named(self.session.description.input_kind if self.session.description else "").medium
        try:
            data = read_bytes(path, medium)
            given, notes = decode_input(data, path.name, medium)
        except ValueError as error:
            self._say_input(str(error))
            return
        for note in notes:
            self.said.emit(Notice(place="input", text=note, kind="info"))
        input_hash = hashlib.sha256(data).hexdigest()
        self.session.other_inputs[input_hash] = given
        self.run.other_inputs[input_hash] = (data, path.name)
        self.change(SwapInput(first=step, name=path.name, input_hash=input_hash))

    def show_branch(self, identity: int) -> None:
        """Show a branch; the playhead stays at its step."""
        if identity in self.session.branches.all and identity != self.session.branches.current:
            self._target = None
            self._moving = True
            self.session.set_branches(self.session.branches.showing(identity))
            self._moving = False
            self.state_changed.emit()

    def rename_branch(self, identity: int, name: str) -> None:
        """Give a branch another name."""
        branch, name = self.session.branches.all.get(identity), " ".join(name.split())
        if branch is not None and name and name != branch.name:
            after = self.session.branches.with_branch(branch.changed(name=name), show=False)
            self.history.push(BranchesCommand(self.session, after, f"rename to “{name}”"))

    def remove_branch(self, identity: int) -> None:
        """Take a branch away, with those that leave it; the first run stays."""
        branch = self.session.branches.all.get(identity)
        if branch is not None and identity != FIRST:
            self.history.push(BranchesCommand(self.session, self.session.branches.without(identity), f"remove “{branch.name}”"))

    def follow_hypothesis(self, number: int) -> None:
        """Make a branch of a beam search's hypothesis, with what was recorded of it."""
        search = self.session.search
        source = self.session.branches.of_wire_id(search.wire_id) if search is not None else None
        source = source or (self._takes.get(search.wire_id) if search is not None else None)
        if search is None or source is None:
            return
        trace = search.trace_of(number, source.trace)
        for other in self.session.branches.all.values():
            if list(other.trace.tokens[: len(trace)]) == list(trace.tokens) and other.edits_on == source.edits_on:
                self.show_branch(other.identity)
                return
        if self._too_many():
            return
        shared = first_divergence(trace, source.trace)
        shared = min(len(trace), len(source.trace)) if shared is None else shared
        trace.provenance = self._provenance(source.trace.provenance.region, source.decoding, source.edits_on)
        own = search.get(number)
        made = self._made(source, name=f"hypothesis “{own.result.word}” {own.score:.2f}", step=shared,
                          edits=source.edits, trace=trace)
        self.run.fork(made, None)
        self._show_new(made, "follow a hypothesis")

    def set_decoding(self, decoding: Decoding) -> None:
        """Choose words in another way; a run that has begun is written again, on a branch."""
        if decoding == self.decoding:
            return
        self.decoding = decoding
        branch = self.session.branch
        if branch is not None and self.run.is_open:
            begin = branch.trace.provenance.prompt_tokens
            if len(branch.trace) > begin:
                self.playback.stop()
                self._branch_off(branch, begin, branch.edits, name=decoding.in_words, text="choose words in another way",
                                 decoding=decoding)
            else:
                branch.trace.provenance = self._provenance(branch.trace.provenance.region, decoding, branch.edits_on)
                self._replace_unseen(branch.changed(decoding=decoding))
        self.state_changed.emit()

    # ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────

    def _too_many(self) -> bool:
        """Whether no branch can be made any more, which is said: a session holds so many and no more."""
        if len(self.session.branches.all) < MOST_BRANCHES:
            return False
        self._refuse(f"There are {MOST_BRANCHES} branches already; remove some first.")
        return True

    def _branch_off(self, source: Branch, step: int, edits: tuple[PlacedEdit, ...], *, name: str, text: str,
                    identity: int | None = None, decoding: Decoding | None = None) -> None:
        """Leave a branch before a step and run on as far as it had gone."""
        self.playback.stop()
        had, had_ended, was_at = len(source.trace), source.trace.ended, self.session.playhead.step
        trace = source.trace.truncated(step)
        trace.provenance = self._provenance(source.trace.provenance.region, decoding or source.decoding,
                                            tuple(placed.edit for placed in edits if placed.on))
        made = self._made(source, name=name, step=step, edits=edits, trace=trace, identity=identity, decoding=decoding)
        self.run.fork(made, source)
        self._show_new(made, text)
        self._want(max(had, self._most_steps()) if had_ended else max(had, step + 1))
        self._target = was_at if identity is not None or decoding is not None else step
        if self._target < step:
            self._go(self._target)
            self._target = None
        self.state_changed.emit()

    def _made(self, source: Branch, *, name: str, step: int, edits: tuple[PlacedEdit, ...], trace: Trace,
              identity: int | None = None, decoding: Decoding | None = None) -> Branch:
        self._last_take += 1
        if identity is not None:  # another form of a branch that is there
            branch = source.changed(wire_id=self._last_take, trace=trace, edits=edits, step=min(source.step, step),
                                    decoding=decoding or source.decoding)
        else:
            number = max(self.session.branches.all, default=FIRST) + 1
            branch = source.changed(identity=number, wire_id=self._last_take, name=name, parent=source.identity, step=step,
                                    edits=edits, trace=trace, decoding=decoding or source.decoding)
        self._takes[branch.wire_id] = branch
        return branch

    def _show_new(self, branch: Branch, text: str) -> None:
        self._moving = True
        self.history.push(BranchesCommand(self.session, self.session.branches.with_branch(branch), text))
        self._moving = False

    def _replace_unseen(self, branch: Branch) -> None:
        """Put another form of the shown branch in its place, where nothing of it has been written yet."""
        self._takes[branch.wire_id] = branch
        self.session.set_branches(self.session.branches.with_branch(branch))

    def _branch_of(self, wire_id: int) -> Branch | None:
        """What the backend's number means; also of a branch that was undone, whose steps are kept for when it comes back."""
        return self.session.branches.of_wire_id(wire_id) or self._takes.get(wire_id)

    def _show_its_search(self) -> None:
        """Show the beam search that the branch comes from: its own, or that of the nearest branch that it leaves."""
        branch, branches = self.session.branch, self.session.branches.all
        while branch is not None and branch.identity not in self._searches:
            branch = branches.get(branch.parent) if branch.parent is not None else None
        search = self._searches[branch.identity] if branch is not None else None
        if search is not self.session.search:
            self.session.set_search(search)

    def _grow_search(self, report: BeamStepped | Searched) -> None:
        search = next((own for own in self._searches.values() if own.wire_id == report.branch), None)
        if search is None:
            return
        branch = self._branch_of(search.wire_id)
        if isinstance(report, Searched):
            search.over = True
        elif branch is not None:
            try:
                search.grow(report, tuple(branch.trace.channels.values()))
            except ValueError as error:
                self.said.emit(Notice(place="run", text=f"The model reported a search that does not fit: {error}."))
                return
        if search is self.session.search:
            self.session.set_search(search)

    def _edit_refused(self, wire_id: int, sentence: str) -> None:
        """The backend cannot make a branch: it is taken back."""
        if self.session.branches.of_wire_id(wire_id) is not None and self.history.canUndo():
            self.history.undo()
        self._refuse(sentence)

    def _refuse(self, sentence: str) -> None:
        self._target = None
        self.said.emit(Notice(place="run", kind="warning", text=sentence))

    def _forget_branches(self) -> None:
        self.history.clear()
        self._takes.clear()
        self._searches.clear()
        self._last_take = max((branch.wire_id for branch in self.session.branches.all.values()), default=0)


def _replaces(edit: Edit, other: Edit) -> bool:
    """Whether an edit takes the place of another: of two words at one step the newer is written, and where the same units
    are set anew over the same steps, the older has no say.
    """
    if isinstance(edit, ForceToken):
        return isinstance(other, ForceToken) and edit.first == other.first
    if type(edit) is not type(other) or (edit.first, edit.last) != (other.first, other.last):
        return False
    about = ("channel", "units") if hasattr(edit, "units") else ()
    return all(getattr(edit, name) == getattr(other, name) for name in about)
