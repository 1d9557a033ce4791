"""Questions that take a while: each is answered in a thread, a newer one takes the place of the older."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal

CLOSE_SECONDS = 5.0
Wanted = Callable[[], bool]
"""Whether somebody still waits for the answer."""
Told = Callable[[int, int], None]
"""Told how much is done, of how much."""
Work = Callable[[Wanted, Told], Any]
"""Gives the answer. Raises `ValueError` with a sentence where there is none."""

log = logging.getLogger(__name__)


class Asking(QObject):
    """One question at a time.

    Parameters
    ----------
    failing : str
        How a sentence begins about what nobody foresaw.
    """

    answered = Signal(object)  # what the newest question's work gave
    failed = Signal(str)  # it could not be answered: one sentence
    progressed = Signal(float)  # how much of it is done, from 0 to 1
    busy_changed = Signal(bool)
    _told = Signal(int, float)
    _done = Signal(int, object, str)

    def __init__(self, parent: QObject | None = None, *, failing: str = "This could not be answered") -> None:
        super().__init__(parent)
        self._newest, self._failing = 0, failing
        self.busy = False
        self._threads: list[threading.Thread] = []
        self._told.connect(lambda number, share: self.progressed.emit(share) if number == self._newest else None)
        self._done.connect(self._finish)

    def ask(self, work: Work) -> None:
        """Have this done; what was asked before is given up."""
        self._newest += 1
        self._set_busy(True)
        self._threads = [one for one in self._threads if one.is_alive()]
        self._threads.append(threading.Thread(target=self._answer, args=(self._newest, work), name="question", daemon=True))
        self._threads[-1].start()

    def stop(self) -> None:
        self._newest += 1
        self._set_busy(False)

    def close(self) -> None:
        """Wait until no thread is left."""
        self.stop()
        for thread in self._threads:
            thread.join(CLOSE_SECONDS)

    def _set_busy(self, busy: bool) -> None:
        if busy != self.busy:
            self.busy = busy
            self.busy_changed.emit(busy)

    def _answer(self, number: int, work: Work) -> None:
        answer, sentence = None, ""
        try:
            answer = work(lambda: number == self._newest, lambda done, of: self._told.emit(number, done / max(of, 1)))
        except ValueError as error:
            sentence = str(error)
        except MemoryError:
            sentence = "There is not enough memory for this."
        except Exception as error:  # whatever a damaged store does to its reader; to be given up is one too
            if number == self._newest:
                log.exception("a question could not be answered")
            sentence = f"{self._failing}: {type(error).__name__}: {error}."
        self._done.emit(number, answer, sentence)

    def _finish(self, number: int, answer: object, sentence: str) -> None:
        if number != self._newest:
            return
        self._set_busy(False)
        if sentence:
            self.failed.emit(sentence)
        else:
            self.answered.emit(answer)
