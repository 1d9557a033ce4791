"""What can go wrong with a run, and how a computation is given up."""

import re

from unrolled.models.protocol.message import RequestError
from unrolled.models.trace import Channel
from unrolled.models.trace.slices import spoken

OUT_OF_MEMORY = re.compile(r"out of memory|can't allocate memory|not enough memory|ALLOC_FAILED", re.IGNORECASE)


def out_of_memory(error: BaseException) -> str:
    """The sentence for an error by which Python, or torch on the CPU or on whichever GPU, says so; empty of any other."""
    torchs = isinstance(error, RuntimeError) and OUT_OF_MEMORY.search(str(error)) is not None
    if isinstance(error, MemoryError) or (torchs and "CPUAllocator" in str(error)):
        return "There is not enough memory for this."
    return "The GPU has not enough memory for this: end what else uses it, or choose the CPU as the device." if torchs else ""


class EngineError(RequestError):
    """Something that was asked for cannot be done: one sentence for people.

    Parameters
    ----------
    subject : str
        What it is about: ``model``, ``input``, ``step``, ``edit``, ``question``.
    sentence : str
        What is wrong and what to do.
    """

    def __init__(self, subject: str, sentence: str, **facts: object) -> None:
        super().__init__(sentence, subject=subject, **facts)
        self.subject = subject


class NotFinite(EngineError):
    """A step gave numbers that are not finite; it is not recorded.

    Parameters
    ----------
    channel : Channel, optional
        Where the first of them was computed; None where only the words' probabilities are concerned.
    unit : int
        The first of the channel's values that is concerned, or -1.
    edited : bool
        Whether the computation was changed.
    """

    def __init__(self, step: int, channel: Channel | None, unit: int, *, edited: bool) -> None:
        where = f"in {spoken(channel.name)}, {channel.place(unit)}" if channel is not None else "in the words’ probabilities"
        why = " An edit made them so: change it, or switch it off." if edited else ""
        super().__init__("step", f"Step {step} gave numbers that are not finite; it began {where}, and the run was stopped.{why}",
                         step=step, channel=channel.name if channel is not None else "", unit=unit)
        self.step, self.channel = step, channel


class Superseded(Exception):
    """A computation was given up because something newer was asked for."""
