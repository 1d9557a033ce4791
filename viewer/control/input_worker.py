"""Reads files in a thread, the newest alone of interest, so that the window stays alive; after half a second it is said, with
a button that gives it up.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from unrolled.models.inputs.inputs import Input
from unrolled.models.inputs.kinds import Notes, decode_input, read_bytes
from unrolled.models.inputs.telling import told_to
from unrolled.models.trace import Trace
from unrolled.models.trace.files import Say, load_trace
from unrolled.models.trace.names import file_name
from unrolled.viewer.control.voice import Voice
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.files import input_of_trace

CLOSE_SECONDS = 5.0
SAID_AFTER = 500       # milliseconds
TOLD_EVERY = 0.1       # seconds, at most
MOST_AT_ONCE = 2       # one that was given up may not have noticed yet

Read = TypeVar("Read")
log = logging.getLogger(__name__)


class GivenUp(BaseException):
    """Nobody waits for what is being read. It passes through the nets that are there for what a file does to its reader."""


class InputWorker(QObject):
    """A queue of one."""

    _done = Signal(int, object, object)
    _told = Signal(int, float)

    def __init__(self, voice: Voice, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._voice = voice
        self.newest = 0  # the number of what is read, or was given up last
        self._name, self._fraction = "", -1.0
        self._show: Callable[[Any], None] | None = None
        self._threads: list[threading.Thread] = []
        self._room = threading.Semaphore(MOST_AT_ONCE)
        self._patience = QTimer(self, singleShot=True)
        self._patience.setInterval(SAID_AFTER)
        self._patience.timeout.connect(self._say_slow)
        self._done.connect(self._finish)
        self._told.connect(self._hear)

    @property
    def is_reading(self) -> bool:
        return self._show is not None

    def read(self, name: str, read: Callable[[Say], Read], show: Callable[[Read], None]) -> None:
        """Call `read` in a thread, and `show` in this one with what it gives; what was asked for before is given up.

        Parameters
        ----------
        name : str
            The file's, for people.
        read : callable
            Raises `ValueError` with a sentence.
        """
        self.forget()
        self._name, self._show = name, show
        self._patience.start()
        self._threads = [one for one in self._threads if one.is_alive()]
        # A daemon: the program ends though one of them still waits for a network.
        self._threads.append(threading.Thread(target=self._work, args=(self.newest, read), name="reading", daemon=True))
        self._threads[-1].start()

    def read_input(self, path: Path, medium: str, show: Callable[[tuple[Input, Notes]], None]) -> None:
        """The same of an input's file; `show` is given what stands in it."""
        name = file_name(path)
        self.read(name, lambda _: decode_input(read_bytes(path, medium), name, medium), show)

    def read_trace(self, path: Path, show: Callable[[tuple[Trace, Input | None]], None]) -> None:
        """The same of a trace's file; `show` is given the trace and its input, where that is kept."""
        name = file_name(path)

        def read(say: Say) -> tuple[Trace, Input | None]:
            trace = load_trace(path, say)
            return trace, input_of_trace(trace, name)

        self.read(name, read, show)

    def forget(self) -> None:
        """Give up what is being read."""
        self.newest += 1
        self._fraction = -1.0
        if self._show is not None:
            self._rest()
        self._show = None

    def close(self) -> None:
        """Wait until no thread is left."""
        self.forget()
        deadline = time.monotonic() + CLOSE_SECONDS
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0))

    def _work(self, number: int, read: Callable[[Say], Any]) -> None:
        told = time.monotonic()

        def say(fraction: float) -> None:
            nonlocal told
            if number != self.newest:
                raise GivenUp
            if time.monotonic() - told > TOLD_EVERY:
                told = time.monotonic()
                self._told.emit(number, fraction)

        found, failure = None, None
        with self._room, suppress(GivenUp):
            try:
                with told_to(lambda _, fraction: say(fraction)):
                    say(0.0)
                    found = read(say)
            except Exception as error:  # a thread has nobody above it: the sentence must reach the window
                failure = error
            if number == self.newest:
                self._done.emit(number, found, failure)

    def _say_slow(self) -> None:
        self._voice.busy(f"Reading “{self._name}”…", self._fraction)
        self._voice.say("input", f"Reading “{self._name}”…", "info", action="Cancel", command=c.StopOpening())

    def _hear(self, number: int, fraction: float) -> None:
        if number == self.newest:
            self._fraction = fraction
            if not self._patience.isActive():
                self._voice.busy(f"Reading “{self._name}”…", fraction)

    def _rest(self) -> None:
        if self._patience.isActive():
            self._patience.stop()
        else:
            self._voice.unsaid.emit("input")
            self._voice.idle()

    def _finish(self, number: int, found: object, error: Exception | None) -> None:
        show = self._show
        if number != self.newest or show is None:
            return
        self._rest()
        self._show = None
        if error is None:
            show(found)
        else:
            self._voice.say("input", why_not(self._name, error))


def why_not(name: str, error: Exception) -> str:
    """What a person is told of a file that could not be opened; what nobody expected is written down too."""
    if isinstance(error, ValueError):
        return str(error)
    if isinstance(error, OSError):
        return f"“{name}” cannot be read: {error.strerror or error}."
    log.error("a file could not be opened", exc_info=error)
    return f"“{name}” cannot be opened: {type(error).__name__}: {error}."
