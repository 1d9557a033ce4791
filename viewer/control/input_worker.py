"""Reads what takes long in a thread, the newest alone of interest, so that the window stays smooth meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal

from unrolled.models.inputs.inputs import Input
from unrolled.models.inputs.kinds import INPUT_ERRORS, Notes

CLOSE_MILLISECONDS = 5000

Read = Callable[[], tuple[Input, Notes]]
Show = Callable[[Input, Notes], None]


class InputWorker(QObject):
    """A queue of one.

    Attributes
    ----------
    failed : Signal(str)
        One sentence.
    """

    failed = Signal(str)
    _done = Signal(int, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._newest = 0
        self._show: Show | None = None
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._pool.setExpiryTimeout(100)
        self._done.connect(self._finish)

    def read(self, name: str, read: Read, show: Show) -> None:
        """Call `read` in a thread, and `show` in this one with what it gives; what was asked for before is forgotten."""
        self.forget()
        self._show = show
        self._pool.clear()
        self._pool.start(_Task(self._newest, name, read, self))

    def forget(self) -> None:
        self._newest += 1
        self._show = None

    def close(self) -> None:
        """Wait until no thread is left."""
        self.forget()
        self._pool.clear()
        self._pool.waitForDone(CLOSE_MILLISECONDS)

    def _finish(self, number: int, given: Input | None, outcome: object) -> None:
        if number != self._newest or self._show is None:
            return
        if given is None:
            self.failed.emit(str(outcome))
        else:
            self._show(given, outcome)  # type: ignore[arg-type]  # Qt's signals carry objects


class _Task(QRunnable):
    def __init__(self, number: int, name: str, read: Read, worker: InputWorker) -> None:
        super().__init__()
        self._number, self._name, self._read, self._worker = number, name, read, worker

    def run(self) -> None:
        try:
            given, notes = self._read()
        except INPUT_ERRORS as error:
            self._worker._done.emit(self._number, None, str(error))
        except Exception as error:  # a thread has nobody above it: the sentence must reach the window
            self._worker._done.emit(self._number, None, f"“{self._name}” cannot be read: {error}.")
        else:
            self._worker._done.emit(self._number, given, notes)
