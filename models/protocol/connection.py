"""Coming and going, and what goes wrong."""

from typing import ClassVar

from unrolled.models.protocol.message import Count, Ledger, Report, Request, RunReport

PROTOCOL_VERSION = 8


class Hello(Request, frozen=True):
    """The first message of a connection; `secret` is what the backend printed when it started."""

    secret: str
    version: int = PROTOCOL_VERSION


class Shutdown(Request, frozen=True):
    """Leave."""


class Ping(Request, frozen=True):
    """Are you there? Answered by `Pong` at once, whatever is being computed."""

    queued: ClassVar[bool] = False

    def note(self, ledger: Ledger, position: int) -> Report | None:
        return Pong()


class Pong(Report, frozen=True):
    """The backend is there."""


class Welcome(Report, frozen=True):
    """The answer to Hello, before anything slow is imported."""

    version: int
    process: int


class Progress(Report, frozen=True):
    """What takes a while, and how far it is: a fraction from 0 to 1, or -1 where that is not known."""

    text: str
    fraction: float = -1.0


class Failed(RunReport, frozen=True):
    """Something could not be done: one sentence for people, and the traceback for those who debug. `run`: -1 where no run is
    concerned.
    """

    subject: str         # what failed: ``model``, ``input``, ``step``, ``edit``, ``question``, ``backend``, ``protocol``
    sentence: str
    detail: str = ""
    branch: Count = 0    # of the run
    number: int = -1     # the question's, or that of the request for a model; -1 where there is none
    # step, channel, unit: where numbers that are not finite began; -1, empty and -1 where something else failed
    step: int = -1
    channel: str = ""
    unit: int = -1
    traceback: str = ""  # of a person's own function that raised, for that person; empty where none did
