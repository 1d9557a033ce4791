"""A backend inside a process that does something else: a thread that waits for windows, and one for each that comes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from unrolled.models.backend.listener import Listener
from unrolled.models.backend.server import Server

POLL_SECONDS = 0.2


class ServingThread:
    """Serves at once; ends with `close`, or with the process.

    Parameters
    ----------
    *services : callable
        Make what handles a client's requests, once it is there: a window has a second connection while it compares models.

    Attributes
    ----------
    endpoint : Endpoint
        Where a window connects to: this machine's loopback, and the secret.
    """

    def __init__(self, *services: Callable[[], object]) -> None:
        self._services = services
        self._listener = Listener()
        self.endpoint = self._listener.endpoint
        self._over = threading.Event()
        self._clients: dict[threading.Thread, socket.socket] = {}
        self._thread = threading.Thread(target=self._wait, name="unrolled backend", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Send the windows away and wait for nobody any more; a step that is being taken is waited for."""
        self._over.set()
        self._thread.join()
        for thread, connection in list(self._clients.items()):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            if thread is not threading.current_thread():
                thread.join()

    def _wait(self) -> None:
        try:
            while not self._over.is_set():
                with suppress(TimeoutError):
                    connection = self._listener.accept(POLL_SECONDS)
                    client = threading.Thread(target=self._serve, args=(connection,), name="unrolled client", daemon=True)
                    self._clients[client] = connection
                    client.start()
        finally:
            self._listener.close()

    def _serve(self, connection: socket.socket) -> None:
        try:
            Server(connection, self.endpoint.secret, [make() for make in self._services]).serve()
        finally:
            self._clients.pop(threading.current_thread(), None)
