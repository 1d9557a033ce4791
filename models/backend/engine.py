"""What a backend computes with: the face that the server sees. It imports no torch, so that a server is up at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from unrolled.models.protocol.messages import Decoding, Ended, Loaded, Opened, Ready, Stepped, SteppedBlock

SayProgress = Callable[[str, float], None]
"""Called with what is being done and how far it is, from 0 to 1, or -1 where that is not known."""

StillWanted = Callable[[], bool]
"""Asked between the parts of a long computation; False means: stop, nobody waits for it any more."""


class EngineError(RuntimeError):
    """Something that was asked for cannot be done: one sentence for people.

    Parameters
    ----------
    subject : str
        What it is about: ``model``, ``input``, ``step``.
    sentence : str
        What is wrong and what to do.
    """

    def __init__(self, subject: str, sentence: str) -> None:
        super().__init__(sentence)
        self.subject = subject


class Superseded(Exception):
    """A computation was given up because something newer was asked for."""


class Engine(Protocol):
    """A model and one run of it. Every method may take long; none is called while another runs."""

    def prepare(self, say: SayProgress) -> Ready:
        """Import what is slow and find out what there is to choose from."""
        ...

    def load(self, model: str, device: str, say: SayProgress) -> Loaded:
        """Load a model; the run of the old one is forgotten. Raises `EngineError`."""
        ...

    def open(self, run: int, data: bytes, name: str, decoding: Decoding, say: SayProgress, wanted: StillWanted) -> Opened:
        """Encode an input. Raises `EngineError`, or `Superseded`."""
        ...

    def advance(self, step: int, force: int, decoding: Decoding, wanted: StillWanted,
                count: int = 1) -> Stepped | SteppedBlock | Ended:
        """Take one step, or up to `count` where the input gives their tokens, or say that the run is over.

        Raises `EngineError`, or `Superseded`.
        """
        ...
