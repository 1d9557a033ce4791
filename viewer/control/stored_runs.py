"""Opening stores of traces, and their documents as runs; such a document becomes a run that can be changed: its model reads it
again beside what is shown, which then gives way to it, step and sight as they were.
"""

from contextlib import suppress

from unrolled.models.inputs.inputs import Input
from unrolled.models.protocol.dispatch import handles
from unrolled.models.store.copying import brought
from unrolled.models.store.layout import StoreError
from unrolled.models.store.store import Store, open_store
from unrolled.models.store.stored_trace import StoredTrace
from unrolled.models.trace.files import Say
from unrolled.viewer.control.branching import Branching
from unrolled.viewer.control.input_worker import InputWorker
from unrolled.viewer.control.loading import Loading
from unrolled.viewer.control.opener import Opener
from unrolled.viewer.control.recording import Recording
from unrolled.viewer.control.runner import Runner
from unrolled.viewer.control.transport import THE_END, Transport
from unrolled.viewer.control.voice import Voice
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.branches import FIRST, Branch, Branches
from unrolled.viewer.state.files import input_of_stored
from unrolled.viewer.state.session import Session

OTHER = "What it writes now differs from what the store holds: its input, or this machine, has changed."


class StoredRuns:
    def __init__(self, session: Session, opener: Opener, loading: Loading, worker: InputWorker, voice: Voice) -> None:
        self._session, self._opener, self._loading, self._worker, self._voice = session, opener, loading, worker, voice
        session.run_changed.connect(session.open_store.leave_document)
        session.run_changed.connect(lambda: voice.unsaid.emit("document"))

    @handles(c.OpenStore)
    def open(self, command: c.OpenStore) -> None:
        """Open a store; its page shows its documents."""
        def show(store: Store) -> None:
            self._session.open_store.set_store(store)
            self._voice.opened.emit(command.address)

        self._voice.unsaid.emit("input")
        self._worker.read(command.address.rstrip("/").rsplit("/", 1)[-1], lambda _: _opened(command.address), show)

    @handles(c.OpenDocument)
    def open_document(self, command: c.OpenDocument) -> None:
        """Show a document of the store as a run, at a step."""
        store = self._session.open_store.store
        if store is None:
            return

        def read(say: Say) -> tuple[StoredTrace, Input | None]:
            trace = brought(store, command.number, say)
            for name in ("words", "tokens", "log_probs"):
                getattr(trace, name)  # read here, and not while it is painted
            return trace, input_of_stored(store, trace)

        def show(found: tuple[StoredTrace, Input | None]) -> None:
            self._opener.show_trace(*found, step=command.step)
            self._session.open_store.is_readable = found[1] is not None
            if command.channel:
                self._session.selection.set(self._session.selection.with_last(command.unit))
            self._session.open_store.set_document(command.number, command.channel)
            self._offer(store, *found)
            if found[1] is not None:
                self._loading.bring(store.description.model)

        self._voice.unsaid.emit("input")
        self._worker.read(store.documents.title_at_hand(command.number), read, show)

    def _offer(self, store: Store, trace: StoredTrace, given: Input | None) -> None:
        """Say what the run on screen lacks, and how to have it."""
        kept = " ".join((f"Read from “{store.title}”, which keeps "
                         f"{', '.join(channel.title for channel in store.description.channels)}.", *trace.problems))
        if given is None:
            self._voice.say("document", f"{kept} Its input cannot be run again here: it is too long, or not where it was.",
                            "info")
        else:
            self._voice.say("document", f"{kept} When you change it, or run it, the model reads it again, and all other channels "
                                        "are there.", "info", action="Run it", command=c.RunDocument())


def _opened(address: str) -> Store:
    """With all read that is said of it at once, so that the window need not."""
    store = open_store(address)
    with suppress(StoreError):
        store.documents[0]
    return store


class ReadingAgain:
    """Reads it, and then does what a person wanted of it."""

    def __init__(self, session: Session, runner: Runner, recording: Recording, branching: Branching, loading: Loading,
                 transport: Transport, voice: Voice) -> None:
        self._session, self._runner, self._voice = session, runner, voice
        self._recording, self._branching, self._loading, self._transport = recording, branching, loading, transport
        self._waiting: list[c.Command] = []
        self._under_way = False
        self._branch: Branch | None = None
        branching.later = self.later
        loading.opened_beside.connect(self._begin)
        recording.unseen_grew.connect(self._follow)
        runner.died.connect(lambda _: self.forget())
        session.run_changed.connect(self.forget)

    @handles(c.RunDocument)
    def run(self, _: c.RunDocument) -> None:
        """Without a change."""
        store, session = self._session.open_store.store, self._session
        if store is None or not session.open_store.is_readable:
            return
        self._voice.unsaid.emit("document")
        model = store.description.model
        if self._loading.bring(model):
            self._read()
        else:
            self._voice.say("run", f"{model.title}, which traced this document, is not here: open it, then run the document.")

    @handles(c.StopReadingAgain)
    def stop(self, _: c.StopReadingAgain) -> None:
        if self._under_way:
            self.forget()
            self._voice.idle()
            self._loading.leave_beside()

    def later(self, command: c.Command) -> bool:
        """Whether a change is made as soon as what it changes has been read."""
        if self._runner.state.loading or not self._session.open_store.can_be_read_by(self._session.description):
            return False
        self._waiting.append(command)
        self._read()
        return True

    def forget(self) -> None:
        """Another run is shown, or the model is gone: nothing is waited for."""
        if self._under_way:
            self._voice.unsaid.emit("document")
        self._waiting.clear()
        self._under_way, self._branch = False, None

    def _read(self) -> None:
        if self._under_way:
            return
        self._under_way = True
        then = "; your change is made then" if self._waiting else ""
        self._voice.say("document", f"The model reads this document again{then}…", "info", action="Stop",
                        command=c.StopReadingAgain())
        self._loading.read_beside()

    def _begin(self) -> None:
        shown, recorder = self._session.branch, self._runner.recorder
        if shown is None or recorder is None or not self._under_way:
            return
        if not self._session.open_store.can_be_read_by(self._session.description):
            self.stop(c.StopReadingAgain())
            self._voice.say("run", "The model of that name here has other weights than the one that traced this document.")
            return
        decoding = self._branching.decoding
        self._branch = shown.changed(wire_id=self._recording.new_wire_id(), trace=recorder.trace(decoding), decoding=decoding)
        self._recording.know(self._branch)
        prompt = self._branch.trace.provenance.prompt_tokens
        self._runner.want(prompt or THE_END, self._branch)

    def _follow(self, branch: Branch) -> None:
        if branch is not self._branch:
            return
        read, length = len(branch.trace), len(self._session.trace or ())
        prompt = branch.trace.provenance.prompt_tokens
        if read >= prompt if prompt else branch.trace.ended:
            self._show(branch)
        else:
            self._voice.busy(f"Reading it again: {read:,} of {length:,} steps", read / max(length, 1))

    def _show(self, branch: Branch) -> None:
        """It takes the place of what was read from the store."""
        before, waiting = self._session.trace, tuple(self._waiting)
        assert before is not None
        same = list(branch.trace.tokens) == list(before.tokens)
        self.forget()
        self._session.open_store.is_readable = False
        self._runner.end_reading()
        self._voice.idle()
        self._branching.history.clear()
        self._loading.take_questions()
        self._session.set_branches(Branches({FIRST: branch}))
        self._voice.state_changed.emit()
        if not same:
            self._voice.say("run", OTHER, "warning")
        for command in waiting:
            self._voice.do(command)
