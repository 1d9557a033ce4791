"""Writes sessions in a thread, one after the other, so that the window goes on while a long run is saved."""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import QObject, QThreadPool, Signal

from unrolled.models.store.stored_trace import MOST_IN_MEMORY, stored_run
from unrolled.models.trace.edits import SwapInput
from unrolled.viewer.control.control import Control
from unrolled.viewer.state.session import Session
from unrolled.viewer.state.session_file import (
    SavedSession,
    SessionFileError,
    SessionLayout,
    save_session,
    saved_branches,
)


def saved_session(session: Session, control: Control) -> SavedSession:
    """What is on screen, to be written to a file; nothing of it changes while the run goes on."""
    given, branches = session.input, session.branches
    recorded = any(len(branch.trace) for branch in branches.all.values()) and not any(
        stored_run(branch.trace) is not None and len(branch.trace) > MOST_IN_MEMORY for branch in branches.all.values())
    layout = SessionLayout(
        input_name=given.name if given is not None else "", input_medium=given.medium if given is not None else "picture",
        step=max(session.playhead.step, 0),
        pinned=session.selection.units, model=session.description.name if session.description is not None else "",
        device=session.device, decoding=control.decoding, appearance=session.appearance.values,
        branches=saved_branches(branches) if recorded else (), current=branches.current)
    traces = tuple(branch.trace.snapshot() for branch in branches.all.values()) if recorded else ()
    used = {edit.input_hash for branch in branches.all.values() for placed in branch.edits
            if isinstance(edit := placed.edit, SwapInput)}
    others = tuple((other.name, other.data) for key, other in session.other_inputs.items() if key in used)
    return SavedSession(layout, given.data if given is not None else b"", traces, others)


class SessionWriter(QObject):
    """A queue of sessions to be written.

    Attributes
    ----------
    written : Signal(object)
        A session is in its file, whose `Path` this is.
    failed : Signal(object, str)
        The path of one that is not, and one sentence.
    """

    written = Signal(object)
    failed = Signal(object, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.seconds = 0.0
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
            self.written.emit(path)
        self.seconds = time.monotonic() - started
