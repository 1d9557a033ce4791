"""A corpus being traced: the program of the command line, in a process of its own, whose lines say how far it is."""

import json
import os
import sys
from dataclasses import dataclass

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal

from unrolled.viewer.state.wording import counted

END_MILLISECONDS = 3000
ERRORS_KEPT = 16 * 1024
TOLD = "unrolled: "  # how a line for people begins
INTERRUPTED = "Interrupted"  # how what it says begins when it is stopped
STOPPED = "Stopped. Parts that were done are kept, and the same again goes on from them."  # where it could not say how many


@dataclass(frozen=True, slots=True, kw_only=True)
class TracingOptions:
    """What is to be traced, and how; see `unrolled corpus trace`. `channels` as people write them, with commas."""

    corpus: str
    store: str
    model: str
    channels: str = ""
    dtype: str = "uint8"
    workers: int = 0

    @property
    def words(self) -> list[str]:
        """Of the command line."""
        words = ["corpus", "trace", self.corpus, "--output", self.store, "--model", self.model, "--dtype", self.dtype,
                 "--progress", "lines"]
        words += ["--channels", self.channels] if self.channels.strip() else []
        return words + (["--workers", str(self.workers)] if self.workers else [])


class Tracing(QObject):
    progressed = Signal(str, float)  # how far it is, in words, and as a share from 0 to 1; −1 where that is not known
    ended = Signal(str)  # an empty text where all is there, else a sentence; what was written stays

    def __init__(self, options: TracingOptions, parent: QObject | None = None, *, program: list[str] | None = None) -> None:
        super().__init__(parent)
        self._errors, self._stopped = b"", False
        self.told: tuple[str, ...] = ()  # of documents that were left out or cut short, a sentence each
        self._process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONUNBUFFERED", "1")
        self._process.setProcessEnvironment(environment)
        self._process.setStandardInputFile(QProcess.nullDevice())
        command = [*(program or [sys.executable, "-m", "unrolled.viewer"]), *options.words]
        self._process.setProgram(command[0])
        self._process.setArguments(command[1:])
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.readyReadStandardError.connect(self._read_errors)
        self._process.errorOccurred.connect(self._failed)
        self._process.finished.connect(self._finished)
        self._process.start()

    def stop(self) -> None:
        """Let it end as Ctrl+C does: the same call goes on where it was."""
        self._stopped = True
        if self._process.state() == QProcess.ProcessState.NotRunning:
            return
        if os.name == "posix":
            self._process.terminate()  # what a shell starts behind itself does not hear Ctrl+C, nor does what that starts
        else:
            self._process.kill()

    def close(self) -> None:
        """End it, and wait; nothing is left running."""
        self._process.blockSignals(True)
        self.stop()
        if not self._process.waitForFinished(END_MILLISECONDS):
            self._process.kill()
            self._process.waitForFinished(END_MILLISECONDS)

    def _read(self) -> None:
        while self._process.canReadLine():
            try:
                said = json.loads(bytes(self._process.readLine().data()))
            except ValueError:
                continue  # its last words, for people
            if isinstance(said, dict) and "doing" in said:
                self.progressed.emit(*in_words(said))

    def _read_errors(self) -> None:
        self._errors = (self._errors + bytes(self._process.readAllStandardError().data()))[-ERRORS_KEPT:]

    def _failed(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self.ended.emit("Tracing could not be started.")

    def _finished(self, status: int, how: QProcess.ExitStatus) -> None:
        self._read()
        self._read_errors()
        lines = [line for line in self._errors.decode("utf-8", "replace").splitlines() if line.strip()]
        if self._stopped:
            self.ended.emit(next((line for line in lines if line.startswith(INTERRUPTED)), STOPPED))
        elif status != 0 or how == QProcess.ExitStatus.CrashExit:
            self.ended.emit(lines[-1].removeprefix(TOLD) if lines else "Tracing ended without a message.")
        else:
            self.told = tuple(line.removeprefix(TOLD) for line in lines if line.startswith(TOLD))
            self.ended.emit("")


def in_words(said: dict[str, object]) -> tuple[str, float]:
    """A line of progress, for people, and its share."""
    def number(name: str) -> float:
        value = said.get(name)
        return float(value) if isinstance(value, int | float) else 0.0

    if said["doing"] == "reading":
        done, of = number("documents"), number("of_documents")
        return f"Reading: {done:,.0f} of {counted(round(of), 'document')}", done / max(of, 1)
    done, of = number("steps"), number("of_steps")
    left = said.get("seconds_left")
    rate = number("steps_a_second")
    rest = f"  ·  {rate:,.0f} a second" if rate else ""
    rest += f"  ·  {duration(float(left))} left" if isinstance(left, int | float) else ""
    return f"{done:,.0f} of {counted(round(of), 'step')}{rest}", done / max(of, 1)


def duration(seconds: float) -> str:
    """``40 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
