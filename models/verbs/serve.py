"""`unrolled serve`: a backend for windows on other machines, and the line that opens one there."""

import argparse
import getpass
import os
import socket
import sys
from contextlib import suppress

from unrolled.models.protocol.client import SECRET_VARIABLE, Endpoint

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def serve(arguments: argparse.Namespace) -> int:
    """Serve until interrupted, or as long as the first window is there."""
    from unrolled.models.backend.run_service import RunService
    from unrolled.models.backend.serving import run, say_in_json
    from unrolled.models.training_room.service import TrainingRoomService

    try:
        return run(RunService, TrainingRoomService, host=arguments.host, port=arguments.port, once=arguments.once,
                   say=say_in_json if arguments.json else _say)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise OSError(f"Nothing can listen at {arguments.host}:{arguments.port}: {reason}.") from error


def line_to_paste(endpoint: Endpoint, user: str, machine: str) -> str:
    """What opens a window on a backend; the secret stands where other users of the machine do not see it."""
    place = f"--ssh {user}@{machine} --connect {endpoint.place}" if endpoint.host in LOOPBACK \
        else f"--connect {machine}:{endpoint.port}"
    return f"{SECRET_VARIABLE}={endpoint.secret} unrolled {place}"


def _say(endpoint: Endpoint) -> None:
    user = "USER"
    with suppress(OSError, KeyError, ImportError):
        user = getpass.getuser()
    print("Paste this on the machine that has the screen; Ctrl+C here ends it.", file=sys.stderr)
    if endpoint.host not in LOOPBACK:
        print("What the two machines send can be read on its way; without --host it goes through ssh.", file=sys.stderr)
    print(line_to_paste(endpoint, user, socket.gethostname()), flush=True)
