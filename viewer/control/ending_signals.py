"""SIGTERM, SIGHUP and Ctrl+C while Qt's event loop runs: Python would see them only when Qt next calls it."""

import os
import signal
import socket
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QSocketNotifier

CLOSED = getattr(signal, "SIGUSR1", 0)  # sent by the notebook that opened the window: closed as a person would
NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")


class EndingSignals:
    """While this holds, the first of them calls `react` in the event loop; a second one ends the process at once.

    Parameters
    ----------
    react : callable
        Called with the signal's number.
    """

    def __init__(self, react: Callable[[int], None]) -> None:
        self._react = react
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        self._reading, self._writing = socket.socketpair()
        for end in (self._reading, self._writing):
            end.setblocking(False)
        self._notifier = QSocketNotifier(self._reading.fileno(), QSocketNotifier.Type.Read)
        self._notifier.activated.connect(self._arrived)
        self._woken = signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        for name in NAMES:
            if (number := getattr(signal, name, None)) is not None:
                self._before[number] = signal.signal(number, lambda number, _: signal.signal(number, signal.SIG_DFL))

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        signal.set_wakeup_fd(self._woken)
        self._notifier.setEnabled(False)
        self._notifier.deleteLater()
        self._reading.close()
        self._writing.close()

    def _arrived(self) -> None:
        for number in self._reading.recv(64):
            if number in self._before:
                self._react(number)


def end_by_signal(number: int) -> None:
    """End this process the way that the signal would have: whoever sent it sees that in the status."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
