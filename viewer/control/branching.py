"""Changing the computation: every change makes a branch, which shares the steps before it and is run on from there."""

import hashlib
from collections.abc import Callable

from PySide6.QtGui import QUndoCommand, QUndoStack

from unrolled.models.inputs.inputs import Input
from unrolled.models.inputs.kinds import Notes, kind_named
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.dispatch import handles
from unrolled.models.protocol.recorder import written_as
from unrolled.models.trace import Trace
from unrolled.models.trace.edits import Edit, EditError, ForceToken, SwapInput, check
from unrolled.models.trace.names import text_name
from unrolled.models.trace.numbers import signed
from unrolled.viewer.control.input_worker import InputWorker
from unrolled.viewer.control.recording import Recording
from unrolled.viewer.control.runner import Runner
from unrolled.viewer.control.transport import THE_END, Transport
from unrolled.viewer.control.voice import Voice
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.branches import FIRST, Branch, Branches, PlacedEdit
from unrolled.viewer.state.comparison import first_divergence
from unrolled.viewer.state.open_store import NO_DOCUMENT
from unrolled.viewer.state.session import Session
from unrolled.viewer.state.session_file import LONGEST_NAME
from unrolled.viewer.state.wording import shown

MOST_BRANCHES = 100
NOT_LIVE = "The computation can be changed once the model that recorded this run is loaded."
UNREADABLE = "This document cannot be changed: its input is too long, or not where it was."


class BranchesCommand(QUndoCommand):
    """From these branches to those. Branches are values, so that each side is kept as it was; their traces are shared."""

    def __init__(self, session: Session, after: Branches, text: str) -> None:
        super().__init__(text)
        self._session, self._before, self._after = session, session.branches, after

    def redo(self) -> None:
        self._session.set_branches(self._after)

    def undo(self) -> None:
        self._session.set_branches(self._before)


class Branching:
    def __init__(self, session: Session, runner: Runner, recording: Recording, transport: Transport, worker: InputWorker,
                 voice: Voice) -> None:
        self._session, self._runner, self._voice = session, runner, voice
        self._recording, self._transport, self._worker = recording, transport, worker
        self.history = QUndoStack()
        self.decoding = self._own = Decoding()
        self._has_chosen = False  # a person has, in this window
        self.later: Callable[[c.Command], bool] = lambda _: False  # whether a command is done when the run has become a live one
        session.run_changed.connect(self._forget)

    @property
    def chosen(self) -> Decoding:
        """What a person has chosen for any model."""
        return Decoding() if self.decoding == self._own else self.decoding

    def take(self, own: Decoding) -> None:
        """A model is there whose own code has words chosen so: that holds unless a person has chosen."""
        if not self._has_chosen and self.decoding in (Decoding(), self._own):
            self.decoding = own
        self._own = own

    @handles(c.ChooseToken)
    def choose(self, command: c.ChooseToken) -> None:
        step, token = command.step, command.token
        trace, description = self._session.trace, self._session.description
        if trace is None or not 0 <= step < len(trace) or trace.tokens[step] == token:
            return
        if self._runner.state.waiting:
            return
        word = description.words[token] if description is not None and 0 <= token < len(description.words) else ""
        self._change(ForceToken(first=step, last=step, token=token, word=word))

    @handles(c.ApplyEdit)
    def apply(self, command: c.ApplyEdit) -> None:
        self._change(command.edit)

    def _change(self, edit: Edit) -> None:
        branch, description = self._session.branch, self._session.description
        if branch is None or description is None or not self._runner.is_open:
            if not self.later(c.ApplyEdit(edit)):
                own = self._session.open_store
                self._refuse(NOT_LIVE if own.document == NO_DOCUMENT or own.is_readable else UNREADABLE)
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
        for other in self._session.branches.all.values():
            if other.edits_on == wanted and other.decoding == branch.decoding and other.identity != branch.identity:
                self._show(other.identity)
                return
        self._branch_off(branch, edit.first, edits, name=edit.in_words, text=f"change {edit.in_words}")

    @handles(c.ApplyEdits)
    def set_edits(self, command: c.ApplyEdits) -> None:
        identity, edits = command.identity, command.edits
        branch = self._session.branches.all.get(identity)
        if branch is None or edits == branch.edits:
            return
        if not self._runner.is_open:
            self._refuse(NOT_LIVE)
            return
        different = set(branch.edits_on) ^ {placed.edit for placed in edits if placed.on}
        if not different:  # what is off was taken off the list
            after = self._session.branches.with_branch(branch.changed(edits=edits), show=False)
            self.history.push(BranchesCommand(self._session, after, "change the list of edits"))
            return
        step = min(len(branch.trace), *(edit.first for edit in different))
        self._branch_off(branch, step, edits, name=branch.name, text="switch edits", identity=identity)

    @handles(c.ReplaceInput)
    def replace_input(self, command: c.ReplaceInput) -> None:
        description, before = self._session.description, self._session.input
        medium = kind_named(description.input_kind if description is not None else "").medium

        def swap(found: tuple[Input, Notes]) -> None:
            given, notes = found
            if self._session.input is not before:
                return
            self._voice.say_notes(notes)
            input_hash = hashlib.sha256(given.data).hexdigest()
            self._session.other_inputs[input_hash] = given
            self._runner.other_inputs |= {input_hash: (given.data, given.name)}
            self._change(SwapInput(first=command.step, name=given.name, input_hash=input_hash))

        self._worker.read_input(command.path, medium, swap)

    @handles(c.ShowBranch)
    def show_branch(self, command: c.ShowBranch) -> None:
        """Show a branch; the playhead stays at its step."""
        self._show(command.identity)

    @handles(c.RenameBranch)
    def rename_branch(self, command: c.RenameBranch) -> None:
        branch, name = self._session.branches.all.get(command.identity), text_name(" ".join(command.name.split()))[:LONGEST_NAME]
        if branch is not None and name and name != branch.name:
            after = self._session.branches.with_branch(branch.changed(name=name), show=False)
            self.history.push(BranchesCommand(self._session, after, f"rename to “{name}”"))

    @handles(c.RemoveBranch)
    def remove_branch(self, command: c.RemoveBranch) -> None:
        identity = command.identity
        branch = self._session.branches.all.get(identity)
        if branch is not None and identity != FIRST:
            self.history.push(BranchesCommand(self._session, self._session.branches.without(identity), f"remove “{branch.name}”"))

    @handles(c.FollowHypothesis)
    def follow_hypothesis(self, command: c.FollowHypothesis) -> None:
        """Make a branch of a beam search's hypothesis, with what was recorded of it."""
        search, number = self._session.search, command.number
        source = self._recording.branch_of(search.wire_id) if search is not None else None
        if search is None or source is None:
            return
        trace = search.trace_of(number, source.trace)
        for other in self._session.branches.all.values():
            if list(other.trace.tokens[: len(trace)]) == list(trace.tokens) and other.edits_on == source.edits_on:
                self._show(other.identity)
                return
        if self._too_many():
            return
        shared = first_divergence(trace, source.trace)
        shared = min(len(trace), len(source.trace)) if shared is None else shared
        trace.provenance = written_as(source.trace.provenance, source.decoding, source.edits_on)
        own = search.get(number)
        word = shown(own.result.word, trace.provenance.detokenization)
        made = self._made(source, name=f"hypothesis “{word}” {signed(own.score, 2)}", step=shared,
                          edits=source.edits, trace=trace)
        self._runner.fork(made, None)
        self._show_new(made, "follow a hypothesis")

    @handles(c.SetDecoding)
    def set_decoding(self, command: c.SetDecoding) -> None:
        decoding = command.decoding
        if decoding == self.decoding:
            return
        self.decoding, self._has_chosen = decoding, True
        branch = self._session.branch
        if branch is not None and self._runner.is_open:
            begin = branch.trace.provenance.prompt_tokens
            if len(branch.trace) > begin:
                self._transport.playback.stop()
                self._branch_off(branch, begin, branch.edits, name=decoding.in_words, text="choose words in another way",
                                 decoding=decoding)
            else:
                branch.trace.provenance = written_as(branch.trace.provenance, decoding, branch.edits_on)
                self.replace_unseen(branch.changed(decoding=decoding))
        self._voice.state_changed.emit()

    def replace_unseen(self, branch: Branch) -> None:
        """Put another form of the shown branch in its place, where nothing of it has been written yet."""
        self._recording.know(branch)
        self._session.set_branches(self._session.branches.with_branch(branch))

    def take_back(self, wire_id: int, sentence: str) -> None:
        """The backend cannot make a branch: it is taken back, and the sentence said."""
        if self._session.branches.of_wire_id(wire_id) is not None and self.history.canUndo():
            self.history.undo()
        self._refuse(sentence)

    def _too_many(self) -> bool:
        """Whether no branch can be made any more, which is said: a session holds so many and no more."""
        if len(self._session.branches.all) < MOST_BRANCHES:
            return False
        self._refuse(f"There are {MOST_BRANCHES} branches already; remove some first.")
        return True

    def _branch_off(self, source: Branch, step: int, edits: tuple[PlacedEdit, ...], *, name: str, text: str,
                    identity: int | None = None, decoding: Decoding | None = None) -> None:
        """Leave a branch before a step and run on as far as it had gone."""
        self._transport.playback.stop()
        had, had_ended, was_at = len(source.trace), source.trace.ended, self._session.playhead.step
        try:
            trace = source.trace.truncated(step)
        except ValueError as error:
            self._refuse(str(error))
            return
        trace.provenance = written_as(source.trace.provenance, decoding or source.decoding,
                                      tuple(placed.edit for placed in edits if placed.on))
        made = self._made(source, name=name, step=step, edits=edits, trace=trace, identity=identity, decoding=decoding)
        self._runner.fork(made, source)
        self._show_new(made, text)
        self._recording.want(THE_END if had_ended else max(had, step + 1))
        self._transport.target = was_at if identity is not None or decoding is not None else step
        if self._transport.target < step:
            self._transport.go(self._transport.target)
            self._transport.target = None
        self._voice.state_changed.emit()

    def _made(self, source: Branch, *, name: str, step: int, edits: tuple[PlacedEdit, ...], trace: Trace,
              identity: int | None = None, decoding: Decoding | None = None) -> Branch:
        wire_id = self._recording.new_wire_id()
        if identity is not None:  # another form of a branch that is there
            branch = source.changed(wire_id=wire_id, trace=trace, edits=edits, step=min(source.step, step),
                                    decoding=decoding or source.decoding)
        else:
            number = max(self._session.branches.all, default=FIRST) + 1
            branch = source.changed(identity=number, wire_id=wire_id, name=text_name(name), parent=source.identity, step=step,
                                    edits=edits, trace=trace, decoding=decoding or source.decoding)
        self._recording.know(branch)
        return branch

    def _show(self, identity: int) -> None:
        if identity in self._session.branches.all and identity != self._session.branches.current:
            self._transport.target = None
            self._session.set_branches(self._session.branches.showing(identity))
            self._voice.state_changed.emit()

    def _show_new(self, branch: Branch, text: str) -> None:
        self.history.push(BranchesCommand(self._session, self._session.branches.with_branch(branch), text))

    def _forget(self) -> None:
        self.history.clear()

    def _refuse(self, sentence: str) -> None:
        self._transport.target = None
        self._voice.say("run", sentence, "warning")


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
