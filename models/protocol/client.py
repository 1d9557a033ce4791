"""Talk to a backend without an event loop: for the command line, scripts and tests.

It starts a backend of its own and ends it, or joins one that listens elsewhere.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec

from unrolled.models.protocol.connection import Failed, Hello, Progress, Shutdown, Welcome
from unrolled.models.protocol.loading import Loaded, LoadModel, Ready
from unrolled.models.protocol.message import Report, Request
from unrolled.models.protocol.stepping import Advance, Ended, Idle, Opened, OpenInput, Stepped, SteppedBlock
from unrolled.models.protocol.wire import MessageReader, encode
from unrolled.models.trace import ModelDescription

START_SECONDS = 60.0
SECRET_VARIABLE = "UNROLLED_SECRET"  # other users of the machine see what stands on a command line

SomeReport = TypeVar("SomeReport", bound=Report)


class BackendError(RuntimeError):
    """The backend could not do what was asked; the text is one sentence for people."""

    def __init__(self, sentence: str, detail: str = "") -> None:
        super().__init__(sentence)
        self.detail = detail


class Endpoint(msgspec.Struct, frozen=True):
    """Where a backend listens, and the secret that it wants to hear first. It prints this as one line of JSON."""

    host: str
    port: int
    secret: str

    @classmethod
    def written(cls, text: str) -> "Endpoint":
        """What people write as ``HOST:PORT#SECRET``; the secret may be in the variable ``UNROLLED_SECRET`` instead. Raises
        `ValueError` when it is not written so.
        """
        place, _, secret = text.partition("#")
        host, _, port = place.rpartition(":")
        if not (host and port.isdecimal() and 0 < int(port) < 65536):
            raise ValueError(f"“{place}” does not say where a backend listens; write HOST:PORT#SECRET.")
        return cls(host.strip("[]"), int(port), secret or os.environ.get(SECRET_VARIABLE, ""))

    @property
    def place(self) -> str:
        """``HOST:PORT``, an address with colons in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def backend_command() -> list[str]:
    return [sys.executable, "-m", "unrolled.models", "backend"]


class BackendClient:
    """A connection to a backend that blocks until answers arrive. Raises `BackendError` when the backend does not start or does
    not answer.

    Parameters
    ----------
    endpoint : Endpoint, optional
        A backend that is running; without it one is started and ended with this object.
    on_progress : callable, optional
        Called with each `Progress` that arrives.
    """

    def __init__(self, endpoint: Endpoint | None = None, *, on_progress: Callable[[Progress], None] | None = None) -> None:
        self._on_progress = on_progress
        self._process: subprocess.Popen[bytes] | None = None
        if endpoint is None:
            endpoint = self._start_process()
        try:
            self._socket = socket.create_connection((endpoint.host, endpoint.port), timeout=START_SECONDS)
        except OSError as error:
            self._end_process()
            raise BackendError(f"The backend at {endpoint.place} does not answer: {error}.") from error
        self._socket.settimeout(None)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = MessageReader(Report)
        self._incoming = self._receive()
        self.send(Hello(endpoint.secret))
        self.expect(Welcome)
        self.ready: Ready | None = None
        self.description: ModelDescription | None = None

    def __enter__(self) -> "BackendClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection, and the backend if this object started it."""
        try:
            self.send(Shutdown())
        except (OSError, BackendError):
            pass  # it is gone already
        self._socket.close()
        self._end_process()

    def send(self, request: Request) -> None:
        try:
            self._socket.sendall(encode(request))
        except OSError as error:
            raise BackendError("The backend is gone.") from error

    def expect(self, kind: type[SomeReport]) -> SomeReport:
        """The next report of a kind; progress is passed on, other reports are passed over. Raises `BackendError` when the
        backend reports a failure or goes away first.
        """
        for report in self._incoming:
            if isinstance(report, kind):
                return report
            self._pass_on(report)
        raise BackendError("The backend ended before it answered.")

    def load(self, model: str, device: str = "auto") -> Loaded:
        self.send(LoadModel(model, device))
        loaded = self.expect(Loaded)
        self.description = loaded.description
        return loaded

    def open(self, run: int, data: bytes, name: str) -> Opened:
        self.send(OpenInput(run, data, name))
        return self.expect(Opened)

    def advance(self, request: Advance) -> Iterator[Stepped | SteppedBlock | Ended]:
        """Take steps and yield them as they arrive, `Ended` last where the run is over."""
        self.send(request)
        for report in self._incoming:
            if isinstance(report, Stepped | SteppedBlock | Ended):
                yield report
            elif isinstance(report, Idle):
                return
            else:
                self._pass_on(report)
        raise BackendError("The backend ended in the middle of a run.")

    def _pass_on(self, report: Report) -> None:
        if isinstance(report, Failed):
            raise BackendError(report.sentence, report.detail)
        if isinstance(report, Ready):
            self.ready = report
        if isinstance(report, Progress) and self._on_progress is not None:
            self._on_progress(report)

    def _receive(self) -> Iterator[Report]:
        while True:
            try:
                data = self._socket.recv(1 << 20)
            except OSError:
                return
            if not data:
                return
            yield from self._reader.feed(data)

    def _start_process(self) -> Endpoint:
        self._process = subprocess.Popen(backend_command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         env=os.environ | {"PYTHONUNBUFFERED": "1"})
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        try:
            return msgspec.json.decode(line, type=Endpoint)
        except (msgspec.DecodeError, json.JSONDecodeError) as error:
            self._end_process()
            raise BackendError("The backend did not start.") from error

    def _end_process(self) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None
