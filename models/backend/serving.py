"""A backend inside a process that does something else: a thread that waits for one window after another."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

from unrolled.models.backend.listener import Listener
from unrolled.models.backend.server import Server

POLL_SECONDS = 0.2


class ServingThread:
    """Serves at once; ends with `close`, or with the process.

    Parameters
    ----------
    *services : object
        What handles requests; they are kept from one window to the next.

    Attributes
    ----------
    endpoint : Endpoint
        Where a window connects to: this machine's loopback, and the secret.
    """

    def __init__(self, *services: object) -> None:
        self._services = services
        self._listener = Listener()
        self.endpoint = self._listener.endpoint
        self._over = threading.Event()
        self._connection: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, name="unrolled backend", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Send the window away and wait for nobody any more; a step that is being taken is waited for."""
        self._over.set()
        connection = self._connection
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _serve(self) -> None:
        try:
            while not self._over.is_set():
                with suppress(TimeoutError):
                    self._connection = self._listener.accept(POLL_SECONDS)
                    if not self._over.is_set():
                        Server(self._connection, self.endpoint.secret, self._services).serve()
                    self._connection.close()
        finally:
            self._listener.close()
