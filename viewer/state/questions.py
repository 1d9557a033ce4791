"""Questions that panels ask about steps, and the answers as they arrive. It knows neither Qt nor torch.

A panel asks under a name of its own; a newer question under that name takes the place of the older, which nobody waits
for any more. The controller takes questions to the backend and brings the parts of the answers.
"""

from dataclasses import dataclass, field

from psygnal import Signal

from unrolled.models.protocol.questions import AnswerPart, Question


@dataclass(slots=True, eq=False)
class Asked:
    """A question, and as much of its answer as there is.

    Attributes
    ----------
    number : int
        Grows with every question.
    wire_id : int
        The branch's form that is asked about.
    parts : list
        What has arrived.
    done : bool
        Nothing more will arrive.
    failure : str
        Why there is no answer: one sentence; empty otherwise.
    """

    number: int
    name: str
    question: Question
    wire_id: int
    parts: list[AnswerPart] = field(default_factory=list)
    done: bool = False
    failure: str = ""


class Questions:
    """What is asked now, at most one question under each name.

    Attributes
    ----------
    dropped : Signal(int)
        The number of a question that nobody waits for any more.
    answered : Signal(str)
        Something arrived under this name.
    possible : bool
        Whether a model is there that can answer about the branch shown; the controller says so.
    """

    asked = Signal(object)
    dropped = Signal(int)
    answered = Signal(str)

    def __init__(self) -> None:
        self._open: dict[str, Asked] = {}
        self._made = 0
        self.possible = False

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
