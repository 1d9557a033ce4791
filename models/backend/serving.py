"""A backend as a process of its own, for one client or whoever comes; and one inside a process that does something else."""

import os
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

import msgspec

from unrolled.models.backend.listener import Listener
from unrolled.models.backend.server import Server
from unrolled.models.protocol.client import Endpoint

WAIT_SECONDS = 60.0  # for the client that started this process; afterwards nobody will come
POLL_SECONDS = 0.2


def say_in_json(endpoint: Endpoint) -> None:
    """One line, for a program."""
    print(msgspec.json.encode(endpoint).decode(), flush=True)


def run(*services: Callable[[], object], host: str = "127.0.0.1", port: int = 0, once: bool = True,
        say: Callable[[Endpoint], None] = say_in_json) -> int:
    """Say where it listens, then serve. Raises `OSError` where it cannot listen there.

    Parameters
    ----------
    *services : callable
        Make what handles a client's requests, once it is there.
    host, port :
        Where to listen; port 0 takes a free one.
    once : bool
        Leave with the first client. Otherwise everyone who knows the secret is served, each in a thread of its own with
        models of its own, until interrupted.
    say : callable
        Is told where it listens.

    Returns
    -------
    int
        The process's exit status.
    """
    listener = Listener(host, port)
    say(listener.endpoint)

    def serve(connection: socket.socket, leave: Callable[[], None] | None = None) -> None:
        Server(connection, listener.endpoint.secret, [make() for make in services], on_disconnect=leave).serve()

    try:
        if once:
            sys.stdout.flush()
            os.dup2(2, 1)  # libraries print to standard error: nobody reads the pipe after its first line, and it would fill
            # A client that is gone waits for nothing: a process of its own need not finish what it was computing.
            serve(listener.accept(WAIT_SECONDS), lambda: os._exit(0))
            return 0
        while True:
            threading.Thread(target=serve, args=(listener.accept(),), name="client", daemon=True).start()
    except TimeoutError:
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        listener.close()


class ServingThread:
    """Serves at once; ends with `close`, or with the process. `*services`: make what handles a client's requests, once it is
    there: a window has a second connection while it compares models. `endpoint`: where a window connects to: this machine's
    loopback, and the secret.
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
