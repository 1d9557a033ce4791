"""What can go wrong with a run, and how a computation is given up."""

from unrolled.models.protocol.message import RequestError
from unrolled.models.trace import Channel
from unrolled.models.trace.slices import spoken


class EngineError(RequestError):
    """Something that was asked for cannot be done: one sentence for people that says what is wrong and what to do, about a
    ``model``, ``input``, ``step``, ``edit`` or ``question``.
    """

    def __init__(self, subject: str, sentence: str, **facts: object) -> None:
        super().__init__(sentence, subject=subject, **facts)
        self.subject = subject


class NotFinite(EngineError):
    """A step gave numbers that are not finite; it is not recorded. The first of them is the unit of the channel, -1 and None
    where only the words' probabilities are concerned.
    """

    def __init__(self, step: int, channel: Channel | None, unit: int, *, edited: bool) -> None:
        where = f"in {spoken(channel.name)}, {channel.place(unit)}" if channel is not None else "in the words’ probabilities"
        why = " An edit made them so: change it, or switch it off." if edited else ""
        super().__init__("step", f"Step {step} gave numbers that are not finite; it began {where}, and the run was stopped.{why}",
                         step=step, channel=channel.name if channel is not None else "", unit=unit)
        self.step, self.channel = step, channel


class Superseded(Exception):
    """A computation was given up because something newer was asked for."""
