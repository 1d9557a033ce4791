"""Reads requests as they arrive, and has them worked through one at a time.

Requests are read in a thread of their own, so that a newer picture or a cancel is known while something older is still
worked on; everything else happens in the thread that calls `serve`. It knows no request by name but the greeting, and
imports no torch.
"""

import hmac
import logging
import os
import queue
import socket
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence

from unrolled.models.backend.listener import REFUSAL
from unrolled.models.protocol.connection import PROTOCOL_VERSION, Failed, Hello, Shutdown, Welcome
from unrolled.models.protocol.dispatch import Dispatch
from unrolled.models.protocol.message import NO_RUN, Ledger, Report, Request, RequestError, StillWanted
from unrolled.models.protocol.wire import MessageReader, RefusedError, WireError, encode, messages
from unrolled.models.runs.errors import Superseded, out_of_memory
from unrolled.models.trace.names import first_line

log = logging.getLogger(__name__)


class Server:
    """One client's requests, worked through one after another by the services that handle them.

    Parameters
    ----------
    connection : socket
        The client.
    secret : str
        What its `Hello` has to bring.
    services : sequence of object
        Whose methods marked `handles` do the work: each is called with the request, a function that sends a report, and
        one that says whether somebody still waits.
    on_disconnect : callable, optional
        Called in the reading thread when the client is gone, for a process that serves this client alone: it may
        end the process at once, since a service can be deep in a computation that nobody waits for.
    """

    def __init__(self, connection: socket.socket, secret: str, services: Sequence[object],
                 *, on_disconnect: Callable[[], None] | None = None) -> None:
        self._connection = connection
        self._secret = secret
        self._dispatch = Dispatch(*services)
        self._on_disconnect = on_disconnect
        self._inbox: queue.SimpleQueue[tuple[int, Request]] = queue.SimpleQueue()
        self._ledger = Ledger()
        self._sending = threading.Lock()  # both threads do
        self._gone = threading.Event()
        self._greeted = False

    def serve(self) -> None:
        """Work until the client leaves or says `Shutdown`."""
        reading = threading.Thread(target=self._read, name="requests", daemon=True)
        reading.start()
        try:
            while not self._gone.is_set():
                position, request = self._inbox.get()
                if isinstance(request, Shutdown):
                    break
                self._handle(position, request)
        finally:
            self._gone.set()
            try:
                self._connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the client was quicker
            reading.join(timeout=2)
            self._connection.close()

    def _read(self) -> None:
        """The reading thread: cut the stream into requests, and note at once what makes older ones pointless."""
        position = 0
        try:
            reader = MessageReader(Request)
            while data := self._connection.recv(1 << 20):
                for request in self._requests(reader, data):
                    position += 1
                    if position == 1:
                        self._greet(request)
                    answer = request.note(self._ledger, position)
                    if answer is not None:
                        self._send(answer)
                    if request.queued:
                        self._inbox.put((position, request))
        except WireError as error:
            self._send(Failed(NO_RUN, "protocol", str(error)))
        except OSError:
            pass  # the connection broke: the same as its end
        finally:
            was_gone = self._gone.is_set()
            self._gone.set()
            self._inbox.put((position, Shutdown()))
            if not was_gone and self._on_disconnect is not None:
                self._on_disconnect()

    def _requests(self, reader: MessageReader[Request], data: bytes) -> Iterator[Request]:
        """What arrived. Of a request with a value that none can have it is said, once somebody was let in; the others stay."""
        while True:
            try:
                yield from reader.feed(data)
            except RefusedError as error:
                about = error.about
                kind = next((own for own in messages(Request) if own.__name__ == about.type), None)
                if kind is None or not self._greeted:
                    raise
                self._send(Failed(about.run, kind.subject, f"This cannot be done, since a value is out of range: "
                                  f"{error.__cause__}.", branch=about.branch, number=about.number))
                data = b""
            else:
                return

    def _greet(self, request: Request) -> None:
        """Let in who knows the secret and speaks this version; nobody else gets any answer but a refusal."""
        if not isinstance(request, Hello) or not hmac.compare_digest(request.secret.encode(), self._secret.encode()):
            raise WireError(REFUSAL)
        if request.version != PROTOCOL_VERSION:
            raise WireError(f"The window speaks version {request.version} and the backend version {PROTOCOL_VERSION}; "
                            "install the same Unrolled on both sides.")
        self._greeted = True
        self._send(Welcome(PROTOCOL_VERSION, os.getpid()))

    def _handle(self, position: int, request: Request) -> None:
        """Have a request dealt with; whatever goes wrong becomes a report with one sentence, and the server lives on."""
        wanted = self._wanted(position, request)
        try:
            if self._dispatch.missing((type(request),)):
                raise RequestError(f"This backend cannot do what was asked: {type(request).__name__}.")
            if wanted():
                self._dispatch(request, self._send, wanted)
        except Superseded:
            pass
        except RequestError as error:
            self._send(request.failed(str(error), traceback.format_exc(), **error.facts))
        except Exception as error:
            said = out_of_memory(error)
            if not said:
                log.exception("request failed")
                said = f"The computation failed: {type(error).__name__}: {first_line(error)}."
            self._send(request.failed(said, traceback.format_exc()))
        closing = request.closed()
        if closing is not None:
            self._send(closing)

    def _wanted(self, position: int, request: Request) -> StillWanted:
        return lambda: not self._gone.is_set() and request.wanted(self._ledger, position)

    def _send(self, report: Report) -> None:
        if self._gone.is_set():
            return
        try:
            with self._sending:
                self._connection.sendall(encode(report))
        except OSError:
            self._gone.set()
