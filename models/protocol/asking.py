"""Questions about a step, and their answers."""

from __future__ import annotations

from typing import ClassVar

from unrolled.models.protocol.message import BranchRequest, Count, Ledger, Report, Request, RunReport
from unrolled.models.protocol.questions import AnswerPart, Question


class Ask(BranchRequest, frozen=True):
    """Ask about steps that a branch has; `number` only grows, and is in every part of the answer."""

    subject: ClassVar[str] = "question"

    number: Count
    question: Question

    def wanted(self, ledger: Ledger, position: int) -> bool:
        """It was not dropped."""
        return self.number not in ledger.dropped and super().wanted(ledger, position)


class Drop(Request, frozen=True):
    """Nobody waits any more for the answer to the question of this number."""

    queued: ClassVar[bool] = False

    number: Count

    def note(self, ledger: Ledger, position: int) -> Report | None:
        """Its answer is given up."""
        ledger.dropped.add(self.number)
        return None


class Answer(RunReport, frozen=True):
    """A part of the answer to a question; `done` with the last."""

    number: Count
    part: AnswerPart
    done: bool = True

