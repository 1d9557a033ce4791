"""Questions that panels ask about steps, and the answers as they arrive. It knows neither Qt nor torch.

A panel asks under a name of its own; a newer question under that name takes the place of the older, which nobody waits
for any more. The controller takes questions to the backend and brings the parts of the answers.
"""

from dataclasses import dataclass, field

from psygnal import Signal

from unrolled.models.protocol.questions import AnswerPart, Question


@dataclass(slots=True, eq=False)
class Asked:
    """A question, and as much of its answer as there is."""

    number: int  # grows with every question
    name: str
    question: Question
    wire_id: int  # the branch's form that is asked about
    parts: list[AnswerPart] = field(default_factory=list)  # what has arrived
    done: bool = False  # nothing more will arrive
    failure: str = ""  # why there is no answer: one sentence; empty otherwise


class Questions:
    """What is asked now, at most one question under each name."""

    asked = Signal(object)
    dropped = Signal(int)  # the number of a question that nobody waits for any more
    answered = Signal(str)  # something arrived under this name

    def __init__(self) -> None:
        self._open: dict[str, Asked] = {}
        self._made = 0
        self.possible = False  # whether a model is there that can answer about the branch shown; the controller says so

    def ask(self, name: str, question: Question, wire_id: int) -> Asked:
        """Ask, unless the very same is asked already."""
        before = self._open.get(name)
        if before is not None and before.question == question and before.wire_id == wire_id:
            return before
        self.drop(name)
        self._made += 1
        asked = Asked(self._made, name, question, wire_id)
        self._open[name] = asked
        self.asked.emit(asked)
        return asked

    def drop(self, name: str) -> None:
        """Wait no longer for what was asked under this name, and forget what came."""
        before = self._open.pop(name, None)
        if before is not None and not before.done:
            self.dropped.emit(before.number)

    def get(self, name: str) -> Asked | None:
        return self._open.get(name)

    @property
    def waiting(self) -> tuple[Asked, ...]:
        """What has not been answered in full."""
        return tuple(asked for asked in self._open.values() if not asked.done)

    def take_part(self, number: int, part: AnswerPart, *, done: bool) -> None:
        """A part of an answer; one that nobody waits for is dropped."""
        asked = self._of(number)
        if asked is not None:
            asked.parts.append(part)
            asked.done = done
            self.answered.emit(asked.name)

    def fail(self, number: int, sentence: str) -> None:
        asked = self._of(number)
        if asked is not None:
            asked.failure, asked.done = sentence, True
            self.answered.emit(asked.name)

    def forget_all(self) -> None:
        """The run is another one: nothing that was asked holds."""
        for name in tuple(self._open):
            self.drop(name)

    def _of(self, number: int) -> Asked | None:
        return next((asked for asked in self._open.values() if asked.number == number), None)
