"""The backend seen from Qt's event loop: a process that is started, a socket that is read as bytes arrive.

No threads and no waiting: everything is a signal. It knows the messages and nothing of what they mean.
"""

import msgspec
from PySide6.QtCore import QCoreApplication, QObject, QProcess, QProcessEnvironment, QTimer, Signal
from PySide6.QtNetwork import QAbstractSocket, QTcpSocket

from unrolled.models.protocol.client import Endpoint, backend_command
from unrolled.models.protocol.connection import Hello, Ping, Shutdown, Welcome
from unrolled.models.protocol.message import Report, Request
from unrolled.models.protocol.wire import MessageReader, WireError, encode
from unrolled.viewer.client.ssh import SshTunnel, free_port

DRAIN_MILLISECONDS = 50
END_MILLISECONDS = 700
START_MILLISECONDS = 60_000
PING_MILLISECONDS = 2000
PINGS_UNANSWERED = 10  # in a row, until it counts as silent: importing PyTorch from a cold disk may take most of that
LONGEST_FIRST_LINE = 64 * 1024
ERRORS_KEPT = 16 * 1024


class BackendProcess(QObject):
    """A backend: started as a process of its own, or joined where it listens already.

    Parameters
    ----------
    command : list of str, optional
        What is started; by default the backend of this installation.
    endpoint : Endpoint, optional
        A backend elsewhere; then nothing is started, and nothing is ended but the connection.
    tunnel : SshTunnel, optional
        How it is reached on another machine; then ssh is the process.
    """

    report = Signal(object)
    started = Signal()  # the connection stands and the backend has answered
    died = Signal(str)  # it is gone, or never came: one sentence for people; once for each start
    silent = Signal(bool)  # it is there and has stopped answering; or it answers again

    def __init__(self, command: list[str] | None = None, *, endpoint: Endpoint | None = None,
                 tunnel: SshTunnel | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._command = command  # None: of the backend of this installation
        self._given_endpoint, self._tunnel, self._forwarded = endpoint, tunnel, 0
        self._endpoint: Endpoint | None = None
        self._process: QProcess | None = None
        self._socket: QTcpSocket | None = None
        self._reader: MessageReader[Report] | None = None
        self._errors = b""
        self.alive = False
        self.connected = False
        self._came = False  # it answered, once at least
        self._late = QTimer(self, singleShot=True)
        self._late.setInterval(START_MILLISECONDS)
        self._late.timeout.connect(lambda: self._end("The backend did not start within a minute."))
        self._unanswered = 0  # pings in a row
        self._watch = QTimer(self)
        self._watch.setInterval(PING_MILLISECONDS)
        self._watch.timeout.connect(self._ping)
        application = QCoreApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.close)

    @property
    def is_elsewhere(self) -> bool:
        """Whether it runs where this object does not start or end it by itself."""
        return self._given_endpoint is not None or self._tunnel is not None

    @property
    def errors(self) -> str:
        """The last of what the process wrote to its standard error, for those who debug."""
        return self._errors.decode("utf-8", "replace")

    def another(self) -> "BackendProcess":
        """One more of the same kind and at the same place, not started yet."""
        return BackendProcess(self._command, endpoint=self._given_endpoint, tunnel=self._tunnel)

    def start(self) -> None:
        """Start the process or join the one that is given; returns at once."""
        self.close()
        self._endpoint = None
        self.alive, self._came = True, False
        self._late.start()
        if self._given_endpoint is not None:
            self._join(self._given_endpoint)
            return
        command = self._command or backend_command()
        if self._tunnel is not None:
            self._forwarded = free_port()
            command = self._tunnel.command(self._forwarded)
        self._errors = b""
        process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONUNBUFFERED", "1")
        process.setProcessEnvironment(environment)
        process.setProgram(command[0])
        process.setArguments(command[1:])
        if self._tunnel is None:  # what runs elsewhere lasts as long as its input
            process.setStandardInputFile(QProcess.nullDevice())
        process.readyReadStandardOutput.connect(self._read_endpoint)
        process.readyReadStandardError.connect(self._read_errors)
        process.errorOccurred.connect(self._process_failed)
        process.finished.connect(self._process_finished)
        self._process = process
        process.start()

    def send(self, request: Request) -> None:
        """Send a request; without a connection it is dropped, since `died` was or will be sent."""
        if self.connected and self._socket is not None:
            self._socket.write(encode(request))

    def close(self) -> None:
        """End the connection and the process that was started, within a second; nothing is left running."""
        self._late.stop()
        self._watch.stop()
        self._unanswered = 0
        self.alive = False
        socket, self._socket = self._socket, None
        process, self._process = self._process, None
        if socket is not None:
            socket.blockSignals(True)
            if self.connected:
                socket.write(encode(Shutdown()))
                socket.flush()
            socket.abort() if process is not None else socket.disconnectFromHost()
            socket.deleteLater()
        self.connected = False
        if process is not None:
            process.blockSignals(True)
            if process.state() != QProcess.ProcessState.NotRunning:
                process.kill()  # it keeps nothing that could be lost, and may be deep in a computation
                process.waitForFinished(END_MILLISECONDS)
            process.deleteLater()

    def _read_endpoint(self) -> None:
        process = self._process
        if process is None or self._endpoint is not None:
            return
        if not process.canReadLine():
            if process.bytesAvailable() > LONGEST_FIRST_LINE:
                self._end("The backend did not say where it listens.")
            return
        line = bytes(process.readLine().data())
        try:
            endpoint = msgspec.json.decode(line, type=Endpoint)
        except msgspec.DecodeError:
            self._end("The backend did not say where it listens.")
            return
        self._join(endpoint if self._tunnel is None else self._tunnel.here(endpoint, self._forwarded))

    def _join(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._reader = MessageReader(Report)
        socket = QTcpSocket(self)
        socket.connected.connect(self._greet)
        socket.readyRead.connect(self._read_reports)
        socket.disconnected.connect(self._disconnected)
        socket.errorOccurred.connect(self._socket_failed)
        self._socket = socket
        socket.connectToHost(endpoint.host, endpoint.port)

    def _greet(self) -> None:
        assert self._socket is not None
        assert self._endpoint is not None
        self._socket.setSocketOption(QAbstractSocket.SocketOption.LowDelayOption, 1)
        self.connected = True
        self.send(Hello(self._endpoint.secret))
        self._watch.start()

    def _ping(self) -> None:
        """Ask whether it is there; counted, not timed, so that a machine that slept accuses nobody."""
        if self._unanswered == 0:
            self.send(Ping())
        self._unanswered += 1
        if self._unanswered == PINGS_UNANSWERED:
            self.silent.emit(True)

    def _read_reports(self) -> None:
        socket, reader = self._socket, self._reader
        if socket is None or reader is None:
            return
        if self._unanswered >= PINGS_UNANSWERED:
            self.silent.emit(False)
        self._unanswered = 0
        try:
            for report in reader.feed(bytes(socket.readAll().data())):
                if isinstance(report, Welcome):
                    self._late.stop()
                    self._came = True
                    self.started.emit()
                self.report.emit(report)
                if socket is not self._socket:
                    return  # whoever got the report closed the connection or began another
        except WireError as error:
            self._end(f"The backend sent something that cannot be read. {error}")

    def _drain(self) -> None:
        """Read what a backend that has ended said before: its end may be known sooner than its last words."""
        socket = self._socket
        while socket is not None and socket is self._socket and socket.waitForReadyRead(DRAIN_MILLISECONDS):
            self._read_reports()

    def _read_errors(self) -> None:
        if self._process is not None:
            self._errors = (self._errors + bytes(self._process.readAllStandardError().data()))[-ERRORS_KEPT:]

    def _process_failed(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            what = "The backend" if self._tunnel is None else "ssh"
            self._end(f"{what} could not be started: its program is not there or may not be run.")

    def _process_finished(self, status: int, how: QProcess.ExitStatus) -> None:
        self._read_errors()
        self._drain()
        if how == QProcess.ExitStatus.CrashExit:
            self._end("The backend was ended from outside or crashed.")
        elif self._tunnel is not None:
            self._end(self._tunnel.ended(status, _last_line(self.errors), connected=self._came))
        elif not self.connected:
            why = _last_line(self.errors)
            self._end(f"The backend could not start: {why}" if why else "The backend could not start.")
        else:
            self._end(f"The backend ended with status {status}.")

    def _socket_failed(self, error: QAbstractSocket.SocketError) -> None:
        if error == QAbstractSocket.SocketError.RemoteHostClosedError:
            return  # `disconnected` follows
        if not self.connected and self._endpoint is not None:
            self._end(f"The backend at {self._endpoint.place} does not answer.")
        elif self._process is None:
            self._end("The connection to the backend broke.")

    def _disconnected(self) -> None:
        self._read_reports()
        if self._process is None:
            self._end("The connection to the backend ended." if self._came or self._endpoint is None else
                      f"The backend at {self._endpoint.place} did not let this window in: its secret is another.")
            return
        self.connected = False
        # The process's own end says more; it follows at once, or the process is of no use any more.
        process = self._process
        QTimer.singleShot(300, self, lambda: self._end("The backend closed its connection.")
                          if process is self._process and self.alive else None)

    def _end(self, sentence: str) -> None:
        if self.alive:
            self.close()
            self.died.emit(sentence)


def _last_line(errors: str) -> str:
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""
