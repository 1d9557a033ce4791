"""Searches the traces of a folder in a thread, so that the window stays smooth; the newest search alone is of interest."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal

from unrolled.models.analysis.similar import Pattern, find_in_folder
from unrolled.viewer.state.session_file import SEARCHED_SUFFIXES, traces_of

CLOSE_MILLISECONDS = 5000


class FolderSearch(QObject):
    """A search at a time.

    Attributes
    ----------
    found : Signal(object, object)
        The matches, and what could not be searched.
    progressed : Signal(int, int)
        So many files are done, of so many.
    """

    found = Signal(object, object)
    progressed = Signal(int, int)
    failed = Signal(str)
    _done = Signal(int, object, object)
    _went = Signal(int, int, int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.newest = 0
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._pool.setExpiryTimeout(100)
        self._done.connect(self._finish)
        self._went.connect(lambda number, done, of: self.progressed.emit(done, of) if number == self.newest else None)

    def search(self, pattern: Pattern, folder: Path) -> None:
        """Begin; what was searched before is given up."""
        self.cancel()
        self._pool.start(_Task(self.newest, pattern, folder, self))

    def cancel(self) -> None:
        self.newest += 1
        self._pool.clear()

    def close(self) -> None:
        """Wait until no thread is left."""
        self.cancel()
        self._pool.waitForDone(CLOSE_MILLISECONDS)

    def _finish(self, number: int, matches: object, left_out: object) -> None:
        if number != self.newest:
            return
        if matches is None:
            self.failed.emit(str(left_out))
        else:
            self.found.emit(matches, left_out)


class _Task(QRunnable):
    def __init__(self, number: int, pattern: Pattern, folder: Path, search: FolderSearch) -> None:
        super().__init__()
        self._number, self._pattern, self._folder, self._search = number, pattern, folder, search

    def run(self) -> None:
        search, number = self._search, self._number
        try:
            matches, left_out = find_in_folder(
                self._pattern, self._folder, SEARCHED_SUFFIXES, traces_of, wanted=lambda: search.newest == number,
                progress=lambda done, of: search._went.emit(number, done, of))
        except OSError as error:
            search._done.emit(number, None, f"“{self._folder.name}” cannot be read: {error.strerror or error}.")
        except Exception as error:  # a thread has nobody above it: the sentence must reach the window
            search._done.emit(number, None, f"“{self._folder.name}” cannot be searched: {error}.")
        else:
            search._done.emit(number, matches, left_out)
