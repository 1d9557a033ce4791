"""Opening stores of traces, and their documents as runs."""

from __future__ import annotations

from psygnal import Signal

from unrolled.models.inputs.inputs import Input
from unrolled.models.protocol.dispatch import handles
from unrolled.models.store.store import Store, open_store
from unrolled.models.store.stored_trace import StoredTrace
from unrolled.models.trace.files import Say
from unrolled.viewer.control.input_worker import InputWorker
from unrolled.viewer.control.loading import Loading
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

    def __init__(self, session: Session, opener: Opener, loading: Loading, worker: InputWorker, voice: Voice) -> None:
        self._session, self._opener, self._loading, self._worker, self._voice = session, opener, loading, worker, voice
        session.run_changed.connect(self._left)

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
            self._session.open_store.is_readable = found[1] is not None
            self._session.open_store.set_document(command.number)
            self._offer(store, found[1])
            if found[1] is not None:
                self._loading.bring(store.description.model)

        self._voice.unsaid.emit("input")
        self._worker.read(store.documents[command.number].title, read, show)

    def _left(self) -> None:
        """Another run is shown: the document is no longer on screen."""
        self._session.open_store.leave_document()

    def _offer(self, store: Store, given: Input | None) -> None:
        """Say what the run on screen lacks, and how to have it."""
        kept = ", ".join(channel.title for channel in store.description.channels)
        if given is None:
            self._voice.say("run", f"Read from “{store.title}”, which keeps {kept}. Its input cannot be run again here: it is "
                                   "too long, or not where it was.", "info")
        else:
            self._voice.say("run", f"Read from “{store.title}”, which keeps {kept}. When you change it, or run it, the model "
                                   "reads it again, and all other channels are there.",
                            "info", action="Run it", command=c.RunDocument())
