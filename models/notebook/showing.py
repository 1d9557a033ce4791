"""A trace to be looked at from a notebook or a script: in the window, which is a process of its own, or drawn by Jupyter."""

import html
import subprocess
import sys
import tempfile
from functools import cached_property
from pathlib import Path

from unrolled.models.notebook.connecting import has_screen
from unrolled.models.notebook.drawing import trace_as_html
from unrolled.models.trace import Trace
from unrolled.models.trace.files import save_trace


class Window:
    """A window that was opened; it stays when it is forgotten, and when the program that opened it ends.

    Attributes
    ----------
    file : Path
        The trace that it shows; it is deleted by `close`.
    """

    _open: "set[Window]" = set()  # noqa: RUF012  # held, so that Python does not complain of a child that still runs

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


class Drawn:
    """A trace where no window can be seen: Jupyter draws it, a picture of its channels with the report under it."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace

    @cached_property
    def report(self) -> str:
        """Everything that can be said about the run as a page of HTML, as ``unrolled analyze`` writes it."""
        with tempfile.TemporaryDirectory(prefix="unrolled-") as folder:
            file, page = _named(self.trace, Path(folder)), Path(folder) / "report.html"
            save_trace(self.trace, file)
            done = subprocess.run([sys.executable, "-m", "unrolled.viewer", "analyze", str(file), "-o", str(page)],
                                  capture_output=True, text=True, check=False)
            if page.is_file():
                return page.read_text("utf-8")
        said = done.stderr.strip().splitlines() or ["no reason was given"]
        return f"<p>The report could not be made: {html.escape(said[-1])}</p>"

    def _repr_html_(self) -> str:
        frame = (f'<iframe srcdoc="{html.escape(self.report)}" sandbox style="width:100%;height:540px;border:1px solid #8884">'
                 "</iframe>")
        return f"{trace_as_html(self.trace)}<details><summary>Report</summary>{frame}</details>"


def show(trace: Trace, *, window: bool | None = None, options: tuple[str, ...] = ()) -> Window | Drawn:
    """Open a trace in the window, and return at once; where there is no screen, give what Jupyter draws.

    Parameters
    ----------
    trace : Trace
    window : bool, optional
        Whether a window is opened; by default where there is a screen to see it on.
    options : tuple of str
        Further words of the command line, such as ``"--theme", "dark"``.

    Raises
    ------
    TypeError
        When it is none: a recording has several, one a sequence.
    TraceError
        When there is no room for the trace among the temporary files.

    Examples
    --------
    >>> import torch, unrolled
    >>> net = torch.nn.LSTM(3, 4)
    >>> with unrolled.record(net) as recording:
    ...     output, _ = net(torch.zeros(5, 1, 3))
    >>> shown = unrolled.show(recording.trace(), window=False)  # as where there is no screen
    >>> "forget gate" in shown.report
    True
    """
    if not isinstance(trace, Trace):
        raise TypeError("A trace can be shown, as recording.trace() or model.trace(…) gives it, and this is of the type "
                        f"{type(trace).__name__}.")
    if not (has_screen() if window is None else window):
        return Drawn(trace)
    file = _named(trace, Path(tempfile.mkdtemp(prefix="unrolled-")))
    save_trace(trace, file)
    return Window(subprocess.Popen([sys.executable, "-m", "unrolled.viewer", str(file), *options]), file)


def _named(trace: Trace, folder: Path) -> Path:
    """A file that is called as its model is, which the window shows."""
    return folder / f"{''.join(sign for sign in trace.provenance.model if sign.isalnum()) or 'trace'}.safetensors"
