"""A backend on another machine, started and reached by the ``ssh`` program that people have: nothing is sent in the clear.

ssh asks for passwords in the terminal, and knows the machines by the person's own configuration.
"""

import random
import shlex
import socket
from dataclasses import dataclass

import msgspec

from unrolled.models.protocol.client import Endpoint

LOOPBACK = "127.0.0.1"
FREE_PORTS = range(49152, 65536)  # that nothing is registered for (RFC 6335)
SSH_FAILED, NOT_FOUND = 255, 127  # ssh's own status, and a shell's for a program that is not there


@dataclass(frozen=True, slots=True, kw_only=True)
class SshTunnel:
    """What is asked of ssh."""

    machine: str  # as ssh takes it: ``user@host``, a name from its configuration, ``ssh://user@host:port``
    program: str = "unrolled"  # what starts Unrolled over there, as its shell is told
    serving: Endpoint | None = None  # what listens over there; without it one is started, which ends with the connection

    def __post_init__(self) -> None:
        if not self.machine or self.machine.startswith("-") or any(sign.isspace() for sign in self.machine):
            raise ValueError(f"“{self.machine}” is not a machine that ssh could reach; write user@host.")

    def command(self, here: int) -> list[str]:
        """The command whose first line says, as JSON, that the port `here` leads to the backend, and which lasts as long."""
        if self.serving is None:
            there = Endpoint(LOOPBACK, random.SystemRandom().choice(FREE_PORTS), "")
            task = f"{self.program} serve --once --json --port {there.port}"
        else:
            there = self.serving
            said = msgspec.json.encode(Endpoint(there.host, there.port, "")).decode()
            task = f"echo {shlex.quote(said)} && cat"  # it waits for an end of its input, which is the connection's
        return ["ssh", "-o", "ExitOnForwardFailure=yes", "-L", f"{LOOPBACK}:{here}:{there.place}", "--",
                self.machine, task]

    def here(self, there: Endpoint, port: int) -> Endpoint:
        """Where what listens `there` is reached."""
        return Endpoint(LOOPBACK, port, there.secret if self.serving is None else self.serving.secret)

    def ended(self, status: int, last: str, *, connected: bool) -> str:
        """Why there is no backend any more, one sentence; `last` is the last line of what was said."""
        why = f": {last.rstrip('.')}" if last else ""
        if status == SSH_FAILED:
            return f"The connection to {self.machine} broke{why}." if connected else f"ssh could not reach {self.machine}{why}."
        if status == NOT_FOUND and self.serving is None:
            return f"There is no program “{self.program}” on {self.machine}; say where it is with --remote-program."
        return f"The backend on {self.machine} {'ended' if connected else 'could not start'}{why}."


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
