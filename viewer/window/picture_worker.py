"""Decodes large pictures in a thread, the newest alone of interest, so that the window stays smooth meanwhile."""

from __future__ import annotations

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal

from unrolled.models.trace.pictures import PictureError
from unrolled.viewer.window.inputs import decode_picture

CLOSE_MILLISECONDS = 5000


class PictureWorker(QObject):
    """A queue of one.

    Attributes
    ----------
    decoded : Signal(object, object)
        The `InputPicture` and its notes.
    failed : Signal(str)
        One sentence.
    """

    decoded = Signal(object, object)
    failed = Signal(str)
    _done = Signal(int, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._newest = 0
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._pool.setExpiryTimeout(100)
        self._done.connect(self._finish)

    def decode(self, data: bytes, name: str) -> None:
        """Decode a picture's file; what was asked for before is forgotten."""
        self.forget()
        self._pool.clear()
        self._pool.start(_Task(self._newest, data, name, self))

    def forget(self) -> None:
        """Say nothing of what is being decoded."""
        self._newest += 1

    def close(self) -> None:
        """Wait until no thread is left."""
        self.forget()
        self._pool.clear()
        self._pool.waitForDone(CLOSE_MILLISECONDS)

    def _finish(self, number: int, picture: object, outcome: object) -> None:
        if number != self._newest:
            return
        if picture is None:
            self.failed.emit(str(outcome))
        else:
            self.decoded.emit(picture, outcome)


class _Task(QRunnable):
    def __init__(self, number: int, data: bytes, name: str, worker: PictureWorker) -> None:
        super().__init__()
        self._number, self._data, self._name, self._worker = number, data, name, worker

    def run(self) -> None:
        try:
            picture, notes = decode_picture(self._data, self._name)
        except PictureError as error:
            self._worker._done.emit(self._number, None, str(error))
        except Exception as error:  # a thread has nobody above it: the sentence must reach the window
            self._worker._done.emit(self._number, None, f"“{self._name}” cannot be read: {error}.")
        else:
            self._worker._done.emit(self._number, picture, notes)
