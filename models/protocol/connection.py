"""Coming and going, and what goes wrong."""

from __future__ import annotations

import msgspec

from unrolled.models.protocol.message import Count

PROTOCOL_VERSION = 4


class Hello(msgspec.Struct, frozen=True, tag=True):
    """The first message of a connection; `secret` is what the backend printed when it started."""

    secret: str
    version: int = PROTOCOL_VERSION


class Shutdown(msgspec.Struct, frozen=True, tag=True):
    """Leave."""


class Welcome(msgspec.Struct, frozen=True, tag=True):
    """The answer to Hello, before anything slow is imported."""

    version: int
    process: int


class Progress(msgspec.Struct, frozen=True, tag=True):
    """What takes a while, and how far it is: a fraction from 0 to 1, or -1 where that is not known."""

    text: str
    fraction: float = -1.0


class Failed(msgspec.Struct, frozen=True, tag=True):
    """Something could not be done: one sentence for people, and the traceback for those who debug.

    Attributes
    ----------
    run : int
        -1 where no run is concerned.
    subject : str
        What failed: ``model``, ``input``, ``step``, ``edit``, ``question``, ``protocol``.
    branch : int
        Of the run.
    number : int
        The question's, or -1.
    step, channel, unit :
        Where numbers that are not finite began; -1, empty and -1 where something else failed.
    """

    run: int
    subject: str
    sentence: str
    detail: str = ""
    branch: Count = 0
    number: int = -1
    step: int = -1
    channel: str = ""
    unit: int = -1

