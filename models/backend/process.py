"""The backend as a process of its own: says where it listens, and serves one client and ends with it, or whoever comes."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable

import msgspec

from unrolled.models.backend.listener import Listener
from unrolled.models.backend.server import Server
from unrolled.models.protocol.client import Endpoint

WAIT_SECONDS = 60.0  # for the client that started this process; afterwards nobody will come


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
            _free_standard_output()
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


def _free_standard_output() -> None:
    """Send later prints of libraries to standard error: nobody reads the pipe after its first line, and it would fill."""
    sys.stdout.flush()
    os.dup2(2, 1)
