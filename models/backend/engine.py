"""What a backend computes with: the face that the server sees. It imports no torch, so that a server is up at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.loading import Loaded, Ready
from unrolled.models.protocol.questions import AnswerPart, Question
from unrolled.models.protocol.searching import BeamStepped
from unrolled.models.protocol.stepping import Ended, InputAdded, InputDrawn, Opened, Stepped, SteppedBlock
from unrolled.models.trace.edits import Edit

SayProgress = Callable[[str, float], None]
"""Called with what is being done and how far it is, from 0 to 1, or -1 where that is not known."""

StillWanted = Callable[[], bool]
"""Asked between the parts of a long computation; False means: stop, nobody waits for it any more."""


class EngineError(RuntimeError):
    """Something that was asked for cannot be done: one sentence for people.

    Parameters
    ----------
    subject : str
        What it is about: ``model``, ``input``, ``step``, ``edit``, ``question``.
    sentence : str
        What is wrong and what to do.
    """

    def __init__(self, subject: str, sentence: str) -> None:
        super().__init__(sentence)
        self.subject = subject


class NotFinite(EngineError):
    """A step gave numbers that are not finite; it is not recorded.

    Parameters
    ----------
    step : int
    channel : str
        Where the first of them was computed; empty where only the words' probabilities are concerned.
    unit : int
        The first of the channel's places that is concerned, or -1.
    edited : bool
        Whether the computation was changed.
    """

    def __init__(self, step: int, channel: str, unit: int, *, edited: bool) -> None:
        where = f"in {channel.replace('_', ' ')}, unit {unit}" if channel else "in the words’ probabilities"
        why = " An edit made them so: change it, or switch it off." if edited else ""
        super().__init__("step", f"Step {step} gave numbers that are not finite; it began {where}, and the run was stopped.{why}")
        self.step, self.channel, self.unit = step, channel, unit


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

    def draw(self, number: int) -> InputDrawn:
        """Draw an input of the model's own kind. Raises `EngineError` where it has none."""
        ...

    def open(self, run: int, data: bytes, name: str, decoding: Decoding, say: SayProgress, wanted: StillWanted) -> Opened:
        """Encode an input. Raises `EngineError`, or `Superseded`."""
        ...

    def add_input(self, run: int, data: bytes, name: str, say: SayProgress, wanted: StillWanted) -> InputAdded:
        """Encode another input for edits that swap to it. Raises `EngineError`, or `Superseded`."""
        ...

    def fork(self, branch: int, parent: int, step: int, edits: Sequence[Edit], tokens: Sequence[int]) -> None:
        """Make a branch; see `unrolled.models.protocol.message.Fork`. Raises `EngineError`."""
        ...

    def advance(self, branch: int, step: int, decoding: Decoding, wanted: StillWanted,
                count: int = 1) -> Stepped | SteppedBlock | Ended:
        """Take one step, or up to `count` where the input gives their tokens, or say that the run is over.

        Raises `EngineError`, or `Superseded`.
        """
        ...

    def search(self, branch: int, step: int, decoding: Decoding, report: Callable[[BeamStepped], None],
               wanted: StillWanted) -> None:
        """Search by beam from a step on, every step told. Raises `EngineError`, or `Superseded`."""
        ...

    def answer(self, branch: int, question: Question, wanted: StillWanted) -> Iterator[AnswerPart]:
        """The parts of an answer, as they are found. Raises `EngineError`, or `Superseded`."""
        ...
