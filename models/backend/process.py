"""The backend as a process of its own, for one client: says where it listens, serves, and ends with the client."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import msgspec

from unrolled.models.backend.engine import Engine
from unrolled.models.backend.server import Listener, Server
from unrolled.models.training_room.errors import TrainingRooms

WAIT_SECONDS = 60.0  # for the client that started this process; afterwards nobody will come


def run(make_engine: Callable[[], Engine], make_rooms: Callable[[], TrainingRooms] | None = None, *, host: str = "127.0.0.1",
        port: int = 0, once: bool = True) -> int:
    """Print the endpoint as one line of JSON, then serve.

    Parameters
    ----------
    make_engine : callable
        Called once a client is there.
    make_rooms : callable, optional
        The same for the training room; without it there is none.
    host, port :
        Where to listen; port 0 takes a free one.
    once : bool
        Leave with the first client. Otherwise the next one is waited for, the engine kept, until interrupted.

    Returns
    -------
    int
        The process's exit status.
    """
    listener = Listener(host, port)
    print(msgspec.json.encode(listener.endpoint).decode(), flush=True)
    if once:
        _free_standard_output()
    engine: Engine | None = None
    rooms: TrainingRooms | None = None
    try:
        while True:
            try:
                connection = listener.accept(WAIT_SECONDS if once else None)
            except TimeoutError:
                return 1
            engine = engine or make_engine()
            rooms = rooms or (make_rooms() if make_rooms is not None else None)
            # A client that is gone waits for nothing: a process of its own need not finish what it was computing.
            leave = (lambda: os._exit(0)) if once else None
            Server(connection, listener.endpoint.secret, engine, rooms=rooms, on_disconnect=leave).serve()
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
