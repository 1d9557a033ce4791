"""Keeps the session by itself, so that a crash loses nothing: now and then, and when the window closes.

One window at a time keeps its session; a lock file says which. A mark that is taken away on a proper end tells the
next start whether the last one was lost.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QLockFile, QObject, QTimer

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

EVERY_MILLISECONDS = 20_000


def saved_session(session: Session, control: Control) -> SavedSession:
    """What is on screen, to be written to a file."""
    given, branches = session.input, session.branches
    recorded = any(len(branch.trace) for branch in branches.all.values())
    layout = SessionLayout(
        input_name=given.name if given is not None else "", input_medium=given.medium if given is not None else "picture",
        step=max(session.playhead.step, 0),
        pinned=session.selection.units, model=session.description.name if session.description is not None else "",
        device=session.device, decoding=control.decoding, appearance=session.appearance.values,
        branches=saved_branches(branches) if recorded else (), current=branches.current)
    traces = tuple(branch.trace for branch in branches.all.values()) if recorded else ()
    used = {edit.input_hash for branch in branches.all.values() for placed in branch.edits
            if isinstance(edit := placed.edit, SwapInput)}
    others = tuple((other.name, other.data) for key, other in session.other_inputs.items() if key in used)
    return SavedSession(layout, given.data if given is not None else b"", traces, others)


class Autosave(QObject):
    """Writes ``last.unrolled`` into a folder.

    Parameters
    ----------
    folder : Path
        Where; it is made if it is not there.
    session, control :
        What is kept.

    Attributes
    ----------
    path : Path
        The kept session.
    was_lost : bool
        The last window that kept its session here did not end properly, and what it kept is there.
    """

    def __init__(self, folder: Path, session: Session, control: Control, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._control = session, control
        self.path = folder / "last.unrolled"
        self._mark = folder / "open"
        self._lock = QLockFile(str(folder / "lock"))
        self._ours = False
        self.was_lost = False
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._ours = self._lock.tryLock(0)
            if self._ours:
                self.was_lost = self._mark.exists() and self.path.exists()
                self._mark.touch()
        except OSError:
            self._ours = False  # no place to write: the window works all the same, and keeps nothing
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(EVERY_MILLISECONDS)
        self._timer.timeout.connect(self.save)
        for signal in (session.input_changed, session.trace_changed, session.selection.changed, session.ended,
                       session.branches_changed):
            signal.connect(self._changed)
        session.steps_added.connect(self._grew)

    def save(self) -> bool:
        """Write it now; says whether it was written."""
        self._timer.stop()
        if not self._ours or (self._session.input is None and self._session.trace is None):
            return False
        try:
            save_session(self.path, saved_session(self._session, self._control))
        except SessionFileError:
            return False  # a full disk is said when a person saves; this here must not get in the way
        return True

    def close(self) -> None:
        """The window ends properly."""
        self.save()
        if self._ours:
            self._mark.unlink(missing_ok=True)
            self._lock.unlock()
            self._ours = False

    def _changed(self) -> None:
        if self._ours and not self._timer.isActive():
            self._timer.start()

    def _grew(self, _: int) -> None:
        self._changed()
