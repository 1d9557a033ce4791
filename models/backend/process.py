"""The backend as a process of its own, for one client: says where it listens, serves, and ends with the client."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

import msgspec

from unrolled.models.backend.listener import Listener
from unrolled.models.backend.server import Server

WAIT_SECONDS = 60.0  # for the client that started this process; afterwards nobody will come


def run(*services: Callable[[], object], host: str = "127.0.0.1", port: int = 0, once: bool = True) -> int:
    """Print the endpoint as one line of JSON, then serve.

    Parameters
    ----------
    *services : callable
        Make what handles requests, once a client is there.
    host, port :
        Where to listen; port 0 takes a free one.
    once : bool
        Leave with the first client. Otherwise the next one is waited for, the services kept, until interrupted.

    Returns
    -------
    int
        The process's exit status.
    """
    listener = Listener(host, port)
    print(msgspec.json.encode(listener.endpoint).decode(), flush=True)
    if once:
        _free_standard_output()
    made: Sequence[object] = ()
    try:
        while True:
            try:
                connection = listener.accept(WAIT_SECONDS if once else None)
            except TimeoutError:
                return 1
            made = made or [make() for make in services]
            # A client that is gone waits for nothing: a process of its own need not finish what it was computing.
            leave = (lambda: os._exit(0)) if once else None
            Server(connection, listener.endpoint.secret, made, on_disconnect=leave).serve()
            if once:
                return 0
    except KeyboardInterrupt:
        return 130
    finally:
        listener.close()


def _free_standard_output() -> None:
    """Send later prints of libraries to standard error: nobody reads the pipe after its first line, and it would fill."""
    sys.stdout.flush()
    os.dup2(2, 1)
