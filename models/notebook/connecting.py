"""The window as a process of its own that connects to this one."""

import os
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from unrolled.models.backend.serving import ServingThread
from unrolled.models.protocol.client import SECRET_VARIABLE, Endpoint

if TYPE_CHECKING:
    from typing_extensions import Self


def has_screen() -> bool:
    if not sys.platform.startswith("linux"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


class WithWindow(ABC):
    """What a window can be opened on; it ends with `close`, or with the ``with`` block. `service` makes what answers a window."""

    def __init__(self, service: Callable[[], object]) -> None:
        self._service = service
        self._serving: ServingThread | None = None
        self._window: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def endpoint(self) -> Endpoint:
        """Where a window connects to this process; it is served from now on, until `close`."""
        if self._serving is None:
            self._serving = ServingThread(self._service)
        return self._serving.endpoint

    def show(self, *, options: Sequence[str] = ()) -> "Self":
        """Open a window on it, in a process of its own, in place of one that is open; returns at once.

        Parameters
        ----------
        options : sequence of str
            Further words of the command line, such as ``"--theme", "dark"``.
        """
        self._end_window()
        endpoint = self.endpoint
        self._window = subprocess.Popen(
            [sys.executable, "-m", "unrolled.viewer", *self._words(), *options, "--connect", endpoint.place],
            env=os.environ | {SECRET_VARIABLE: endpoint.secret})
        return self

    @property
    def is_open(self) -> bool:
        """Whether a person has its window open."""
        return self._window is not None and self._window.poll() is None

    def close(self) -> None:
        """Close the window, and serve no more."""
        self._end_window()
        if self._serving is not None:
            self._serving.close()
        self._window = self._serving = None

    @abstractmethod
    def _words(self) -> Sequence[str]:
        """What the command line says of it."""

    def _end_window(self) -> None:
        """As a person would close it."""
        if self._window is not None:
            self._window.send_signal(getattr(signal, "SIGUSR1", signal.SIGTERM))
            self._window.wait()
