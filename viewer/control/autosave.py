"""Keeps the session by itself, so that a crash loses nothing: now and then, and when the window closes.

Every window keeps its session in a place of its own in one folder; a lock file says that it is taken. A mark that is
taken away on a proper end tells the next start whether the last one was lost. What was lost is moved aside before
anything is kept, and stays until a person has answered.
"""

import time
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject, QTimer, Signal

from unrolled.viewer.control.control import Control
from unrolled.viewer.control.session_files import SessionWriter, saved_session
from unrolled.viewer.state.session import Session

EVERY_MILLISECONDS = 20_000
SHARE = 10  # saving takes at most one part in so many of the time
BYTES_A_SECOND = 5_000_000  # on average, at most: a disk wears
MOST_WINDOWS = 16
MOST_LOST = 8
SUFFIX = ".unrolled"


class Autosave(QObject):
    """Writes the session into a folder.

    Parameters
    ----------
    folder : Path
        Where; it is made if it is not there.
    """

    failed = Signal(str)  # the session cannot be kept: one sentence, said once; empty when it can be again

    def __init__(self, folder: Path, session: Session, control: Control, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._control, self._folder = session, control, folder
        self.path: Path | None = None  # where this window keeps its session; None where it cannot
        self.previous = folder / f"previous{SUFFIX}"  # what the last window that ended properly had kept
        self._lock: QLockFile | None = None
        self._failing = False
        self._writer = SessionWriter(self)
        self._writer.failed.connect(self._write_failed)
        self._writer.written.connect(lambda _: self._write_ended())
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.save)
        with suppress(OSError):  # no place to write: the window works all the same, and keeps nothing
            folder.mkdir(parents=True, exist_ok=True)
            self._take_place()
            # What a window that was killed had half written goes, and what was lost longest ago.
            half_written = folder.glob(f".{self.path.stem}.*") if self.path is not None else ()
            for left in (*self.lost[MOST_LOST:], *half_written):
                left.unlink(missing_ok=True)
        for signal in (session.input_changed, session.trace_changed, session.selection.changed, session.ended,
                       session.branches_changed, session.steps_added):
            signal.connect(self._changed)
        session.input_changed.connect(self._begin_anew)

    @property
    def lost(self) -> tuple[Path, ...]:
        """The sessions of windows that did not end properly and that nobody has asked for yet, the newest first."""
        return tuple(sorted(self._folder.glob(f"lost-*{SUFFIX}"), key=_last_written, reverse=True))

    def answered(self, lost: Path) -> Path:
        """A person was asked about a lost session, here or in another window before; where it is from now on."""
        with suppress(OSError):
            lost.replace(self.previous)
        return lost if lost.exists() else self.previous

    def save(self) -> bool:
        """Write it now, in a thread; says whether there is something to write and somewhere to write it."""
        self._timer.stop()
        if self.path is None or (self._session.input is None and self._session.trace is None):
            return False
        if self._writer.busy:
            self._changed()
            return True
        self._writer.write(self.path, saved_session(self._session, self._control.decoding))
        return True

    def close(self, *, properly: bool = True) -> None:
        """The window ends; what it has is kept, and offered at the next start where it does not end by a person's wish."""
        self._writer.close()
        self.save()
        self._writer.close()
        self._timer.stop()
        if self._lock is not None and self.path is not None:
            if properly:
                self.path.with_suffix(".open").unlink(missing_ok=True)
            self._lock.unlock()
            self.path = self._lock = None

    def _take_place(self) -> None:
        """Take the first place that no other window has, and move aside what the windows before have left."""
        for number in range(MOST_WINDOWS):
            lock = QLockFile(str(self._folder / f"window-{number}.lock"))
            lock.setStaleLockTime(0)  # a window may stay open for weeks; of a process that is gone Qt takes it all the same
            if not lock.tryLock(0):
                continue
            path = self._folder / f"window-{number}{SUFFIX}"
            mark = path.with_suffix(".open")
            if path.exists():
                lost = self._folder / f"lost-{time.strftime('%Y%m%d-%H%M%S')}-{number}{SUFFIX}"
                path.replace(lost if mark.exists() else self.previous)
            if self._lock is None:
                mark.touch()
                self.path, self._lock = path, lock
            else:
                mark.unlink(missing_ok=True)
                lock.unlock()

    def _changed(self) -> None:
        if self.path is not None and not self._timer.isActive():
            pause = max(SHARE * self._writer.seconds, self._writer.size / BYTES_A_SECOND)
            self._timer.start(max(EVERY_MILLISECONDS, round(1000 * pause)))

    def _begin_anew(self) -> None:
        """Another input does not wait for as long as the one before it was large."""
        if self._timer.remainingTime() > EVERY_MILLISECONDS:
            self._timer.start(EVERY_MILLISECONDS)

    def _write_ended(self) -> None:
        if self._failing:
            self._failing = False
            self.failed.emit("")

    def _write_failed(self, _: Path, sentence: str) -> None:
        if not self._failing:
            self._failing = True
            self.failed.emit(f"What you do is not being kept in case of a crash. {sentence}")


def _last_written(path: Path) -> float:
    with suppress(OSError):  # another window’s person has answered just now
        return path.stat().st_mtime
    return 0.0
