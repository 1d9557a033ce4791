"""Opening stores of traces, and their documents as runs."""

from __future__ import annotations

from psygnal import Signal

from unrolled.models.inputs.inputs import Input
from unrolled.models.protocol.dispatch import handles
from unrolled.models.store.store import Store, open_store
from unrolled.models.store.stored_trace import StoredTrace
from unrolled.models.trace.files import Say
from unrolled.viewer.control.input_worker import InputWorker
from unrolled.viewer.control.opener import Opener
from unrolled.viewer.control.voice import Voice
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.files import input_of_stored
from unrolled.viewer.state.session import Session


class StoredRuns:
    """What opens them.

    Attributes
    ----------
    opened_store : Signal(str)
        A store was opened, for the list of recent files.
    """

    opened_store = Signal(str)

    def __init__(self, session: Session, opener: Opener, worker: InputWorker, voice: Voice, do: c.Do) -> None:
        self._session, self._opener, self._worker, self._voice, self._do = session, opener, worker, voice, do

    @handles(c.OpenStore)
    def open(self, command: c.OpenStore) -> None:
        """Open a store; its page shows its documents."""
        def show(store: Store) -> None:
            self._session.open_store.set_store(store)
            self.opened_store.emit(command.address)

        self._voice.unsaid.emit("input")
        self._worker.read(command.address.rstrip("/").rsplit("/", 1)[-1], lambda _: open_store(command.address), show)

    @handles(c.OpenDocument)
    def open_document(self, command: c.OpenDocument) -> None:
        """Show a document of the store as a run, at a step."""
        store = self._session.open_store.store
        if store is None:
            return

        def read(_: Say) -> tuple[StoredTrace, Input | None]:
            trace = StoredTrace(store.run(command.number))
            return trace, input_of_stored(store, trace)

        def show(found: tuple[StoredTrace, Input | None]) -> None:
            self._opener.show_trace(*found, step=command.step)
            self._session.open_store.set_document(command.number)
            self._offer(store, found[1])

        self._voice.unsaid.emit("input")
        self._worker.read(store.documents[command.number].title, read, show)

    @handles(c.RunDocument)
    def run_document(self, _: c.RunDocument) -> None:
        """Its model reads the input anew, and all that a run has is there."""
        store, given = self._session.open_store.store, self._session.input
        if store is None or given is None:
            return
        self._voice.unsaid.emit("run")
        self._do(c.LoadModel(store.description.model.name))
        self._do(c.OpenData(given.data, given.name, given.medium))
        if not store.description.filled:  # a text is read by itself, a caption is written when somebody asks
            self._do(c.RunToEnd())

    def _offer(self, store: Store, given: Input | None) -> None:
        """Say what the run on screen lacks, and how to have it."""
        kept = ", ".join(channel.title for channel in store.description.channels)
        if given is None:
            self._voice.say("run", f"Read from “{store.title}”, which keeps {kept}. Its input cannot be run again here: it is "
                                   "too long, or not where it was.", "info")
        else:
            self._voice.say("run", f"Read from “{store.title}”, which keeps {kept}. To change it, let the model run it again.",
                            "info", action="Run it", command=c.RunDocument())
