"""What can go wrong with a run, and how a computation is given up."""

from __future__ import annotations

from unrolled.models.protocol.message import RequestError


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
        super().__init__("step", f"Step {step} gave numbers that are not finite; it began {where}, and the run was stopped.{why}",
                         step=step, channel=channel, unit=unit)
        self.step, self.channel, self.unit = step, channel, unit


class Superseded(Exception):
    """A computation was given up because something newer was asked for."""
