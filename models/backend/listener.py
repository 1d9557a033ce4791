"""Waits for the one client that knows the secret; whoever else connects costs it a few kilobytes for a few seconds.

A stranger's bytes are looked at before they are taken, so that whoever is let in is handed on with its greeting unread.
"""

import hmac
import secrets
import socket
import time
from contextlib import suppress
from enum import Enum

from unrolled.models.protocol.client import Endpoint
from unrolled.models.protocol.connection import Failed, Hello
from unrolled.models.protocol.message import NO_RUN, Request
from unrolled.models.protocol.wire import LENGTH, MessageReader, WireError, encode

LARGEST_GREETING = 4096  # bytes
GREETING_SECONDS = 5.0
MOST_WAITING = 16        # clients that have not greeted yet; of more the first is sent away
POLL_SECONDS = 0.02
REFUSAL = "The secret is not this backend’s; paste the whole line that “unrolled serve” printed."


class Verdict(Enum):
    LATER = "it has not said enough"
    RIGHT = "it knows the secret"
    WRONG = "it does not"


class Listener:
    """A socket that waits for a client, and the secret that the client has to know.

    Parameters
    ----------
    host : str
        Where to listen. Loopback by default: a backend elsewhere is reached through a tunnel.
    port : int
        0 takes a free one.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._socket = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.endpoint = Endpoint(host, self._socket.getsockname()[1], secrets.token_urlsafe(24))

    def accept(self, timeout: float | None = None) -> socket.socket:
        """Wait for a client that knows the secret; its greeting can still be read. Whoever has come in time may still greet.
        Raises `TimeoutError`.
        """
        ends = time.monotonic() + timeout if timeout is not None else None
        waiting: dict[socket.socket, float] = {}  # until when
        try:
            while True:
                self._take_new(waiting, ends)
                for client, until in list(waiting.items()):
                    verdict = self._judge(client)
                    if verdict is Verdict.RIGHT:
                        del waiting[client]
                        client.settimeout(None)
                        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        return client
                    if verdict is Verdict.WRONG or time.monotonic() > until or len(waiting) > MOST_WAITING:
                        del waiting[client]
                        _refuse(client)
        finally:
            for client in waiting:
                _refuse(client)

    def close(self) -> None:
        self._socket.close()

    def _take_new(self, waiting: dict[socket.socket, float], ends: float | None) -> None:
        """Let in who connects, without a pause where somebody is to be judged. Raises `TimeoutError`."""
        left = ends - time.monotonic() if ends is not None else None
        if left is not None and left <= 0 and not waiting:
            raise TimeoutError
        self._socket.settimeout(POLL_SECONDS if waiting else left)
        try:
            client, _ = self._socket.accept()
        except TimeoutError:
            if not waiting:
                raise
            return
        client.setblocking(False)
        waiting[client] = time.monotonic() + GREETING_SECONDS

    def _judge(self, client: socket.socket) -> Verdict:
        try:
            data = client.recv(LARGEST_GREETING, socket.MSG_PEEK)
        except BlockingIOError:
            return Verdict.LATER
        except OSError:
            return Verdict.WRONG
        if not data:
            return Verdict.WRONG
        if len(data) < LENGTH.size:
            return Verdict.LATER
        whole = LENGTH.size + LENGTH.unpack_from(data)[0]
        if whole > LARGEST_GREETING:
            return Verdict.WRONG
        if len(data) < whole:
            return Verdict.LATER
        with suppress(WireError, StopIteration, UnicodeEncodeError):
            greeting = next(iter(MessageReader(Request).feed(data[:whole])))
            if isinstance(greeting, Hello) and hmac.compare_digest(greeting.secret.encode(), self.endpoint.secret.encode()):
                return Verdict.RIGHT
        return Verdict.WRONG


def _refuse(client: socket.socket) -> None:
    """Say why, if that can be said at once, and close."""
    with suppress(OSError):
        client.recv(1 << 16)  # what is left unread would take the answer away with it
        client.send(encode(Failed(NO_RUN, "protocol", REFUSAL)))
        client.shutdown(socket.SHUT_WR)
    client.close()
