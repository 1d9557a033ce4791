"""The window as a process of its own that connects to this one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from unrolled.models.protocol.client import SECRET_VARIABLE, Endpoint


def has_screen() -> bool:
    """Whether a window could be seen here."""
    if not sys.platform.startswith("linux"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def connected_window(endpoint: Endpoint, words: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a window on a backend; `words` are further ones of the command line."""
    place = endpoint.place
    return subprocess.Popen([sys.executable, "-m", "unrolled.viewer", *words, "--connect", place],
                            env=os.environ | {SECRET_VARIABLE: endpoint.secret})


def end(process: subprocess.Popen[bytes] | None) -> None:
    """Close a window that was started, as a person would."""
    if process is not None:
        process.send_signal(getattr(signal, "SIGUSR1", signal.SIGTERM))
        process.wait()
