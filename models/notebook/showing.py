"""The window, opened from a notebook or a script, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from unrolled.models.trace import Trace
from unrolled.models.trace.files import save_trace


class Window:
    """A window that was opened; it stays when it is forgotten, and when the program that opened it ends.

    Attributes
    ----------
    file : Path
        The trace that it shows; it is deleted by `close`.
    """

    _open: set[Window] = set()  # noqa: RUF012  # held, so that Python does not complain of a child that still runs

    def __init__(self, process: subprocess.Popen[bytes], file: Path) -> None:
        self._process, self.file = process, file
        Window._open.add(self)

    @property
    def is_open(self) -> bool:
        return self._process.poll() is None

    def wait(self, seconds: float | None = None) -> int:
        """Until a person closes it: the exit status. Raises `subprocess.TimeoutExpired` where that takes longer."""
        return self._process.wait(seconds)

    def close(self) -> None:
        """End it, and delete the file."""
        self._process.terminate()
        self._process.wait()
        self.file.unlink(missing_ok=True)
        self.file.parent.rmdir()
        Window._open.discard(self)


def show(trace: Trace, *, options: tuple[str, ...] = ()) -> Window:
    """Open a trace in the window, and return at once.

    Parameters
    ----------
    trace : Trace
    options : tuple of str
        Further words of the command line, such as ``"--theme", "dark"``.

    Raises
    ------
    TraceError
        When there is no room for the trace among the temporary files.

    Examples
    --------
    >>> import torch, unrolled
    >>> net = torch.nn.LSTM(3, 4)
    >>> with unrolled.record(net) as recording:
    ...     output, _ = net(torch.zeros(5, 1, 3))
    >>> window = unrolled.show(recording.trace())
    >>> window.close()
    """
    name = "".join(sign for sign in trace.provenance.model if sign.isalnum()) or "trace"
    file = Path(tempfile.mkdtemp(prefix="unrolled-")) / f"{name}.safetensors"
    save_trace(trace, file)
    return Window(subprocess.Popen([sys.executable, "-m", "unrolled.viewer", str(file), *options]), file)
