"""Sessions as files: read and decoded as far as a thread can, and written in a thread, one after the other, so that the window
goes on while a long run is saved.
"""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QThreadPool, Signal

from unrolled.models.inputs.files import ReadingError
from unrolled.models.inputs.inputs import Input
from unrolled.models.inputs.kinds import Notes, decode_input
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.store.stored_trace import MOST_IN_MEMORY, stored_run
from unrolled.models.trace.edits import SwapInput
from unrolled.models.trace.files import Say
from unrolled.viewer.state.branches import FIRST, Branches
from unrolled.viewer.state.files import input_of_trace
from unrolled.viewer.state.session import Session
from unrolled.viewer.state.session_file import (
    LONGEST_NAME,
    SavedSession,
    SessionFileError,
    SessionLayout,
    branches_of,
    load_session,
    save_session,
    saved_branches,
)
from unrolled.viewer.state.wording import title_of


@dataclass(frozen=True, slots=True)
class ReadSession:
    """What is shown of it."""

    saved: SavedSession
    given: Input | None
    branches: Branches | None  # None where there is one run alone, or none
    # What edits swap to, by its hash; what cannot be read is left out, and its edits cannot be taken then.
    others: dict[str, Input]
    notes: Notes  # what of it cannot be read, a sentence each


def read_session(path: Path, say: Say) -> ReadSession:
    """Read it. Raises `ValueError` with a sentence."""
    saved = load_session(path, say)
    layout, notes = saved.layout, []
    given = decode_input(saved.input_bytes, layout.input_name or "input", layout.input_medium)[0] if saved.input_bytes else None
    if given is None and saved.traces:
        given = input_of_trace(saved.traces[0], path.name)
    others: dict[str, Input] = {}
    for name, data in saved.others:
        try:
            others[hashlib.sha256(data).hexdigest()] = decode_input(data, name, layout.input_medium)[0]
        except ReadingError as error:
            notes.append(str(error))
    return ReadSession(saved, given, branches_of(saved), others, tuple(notes))


def saved_session(session: Session, decoding: Decoding) -> SavedSession:
    """What is on screen, to be written to a file; nothing of it changes while the run goes on."""
    given, branches = session.input, session.branches
    recorded = any(len(branch.trace) for branch in branches.all.values()) and not any(
        stored_run(branch.trace) is not None and len(branch.trace) > MOST_IN_MEMORY for branch in branches.all.values())
    title = title_of(branches.all[FIRST].trace, given) if recorded else given.name if given is not None else ""
    layout = SessionLayout(
        input_name=given.name if given is not None else "", input_medium=given.medium if given is not None else "picture",
        step=max(session.playhead.step, 0),
        pinned=session.selection.units, model=session.description.name if session.description is not None else "",
        device=session.device, decoding=decoding, appearance=session.appearance.values,
        branches=saved_branches(branches) if recorded else (), current=branches.current,
        title=title[:LONGEST_NAME])
    traces = tuple(branch.trace.snapshot() for branch in branches.all.values()) if recorded else ()
    used = {edit.input_hash for branch in branches.all.values() for placed in branch.edits
            if isinstance(edit := placed.edit, SwapInput)}
    others = tuple((other.name, other.data) for key, other in session.other_inputs.items() if key in used)
    return SavedSession(layout, given.data if given is not None else b"", traces, others)


class SessionWriter(QObject):
    """A queue of sessions to be written."""

    written = Signal(object)  # a session is in its file, whose `Path` this is
    failed = Signal(object, str)  # the path of one that is not, and one sentence

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.seconds, self.size = 0.0, 0  # that the last one took, and in bytes
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._pool.setExpiryTimeout(100)

    @property
    def busy(self) -> bool:
        return self._pool.activeThreadCount() > 0

    def write(self, path: Path, saved: SavedSession) -> None:
        """Write a session; returns at once."""
        self._pool.start(lambda: self._write(path, saved))

    def close(self) -> None:
        """Wait until everything is written: what a person made is not to be lost for a few seconds."""
        self._pool.waitForDone()

    def _write(self, path: Path, saved: SavedSession) -> None:
        started = time.monotonic()
        try:
            save_session(path, saved)
        except SessionFileError as error:
            self.failed.emit(path, str(error))
        except Exception as error:  # a thread has nobody above it
            self.failed.emit(path, f"The session cannot be saved: {type(error).__name__}: {error}.")
        else:
            self.size = path.stat().st_size
            self.written.emit(path)
        self.seconds = time.monotonic() - started
