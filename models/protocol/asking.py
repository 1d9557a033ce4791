"""Questions about a step, and their answers."""

from __future__ import annotations

import msgspec

from unrolled.models.protocol.message import Count
from unrolled.models.protocol.questions import AnswerPart, Question


class Ask(msgspec.Struct, frozen=True, tag=True):
    """Ask about steps that a branch has; `number` only grows, and is in every part of the answer."""

    run: Count
    number: Count
    question: Question
    branch: Count = 0


class Drop(msgspec.Struct, frozen=True, tag=True):
    """Nobody waits any more for the answer to the question of this number."""

    number: Count


class Answer(msgspec.Struct, frozen=True, tag=True):
    """A part of the answer to a question; `done` with the last."""

    run: int
    number: Count
    part: AnswerPart
    done: bool = True

