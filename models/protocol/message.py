"""What every message between the window and the backend has in common.

Every message is a tagged struct: what does not fit its type is refused when it is decoded, and nothing that
arrives is ever executed. Requests go to the backend, reports come from it. A `run` is one input being read or
captioned; its number only grows, and the highest wins: whatever belongs to an older run is dropped on both sides. One more
run may go on beside it, with the same model; such runs are numbered on their own.
A new message is a class in one of the topics beside this one, and a method marked `handles` where it arrives.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import msgspec

MOST_COUNTED = 1_000_000
Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_COUNTED)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
NotNegative = Annotated[float, msgspec.Meta(ge=0, le=1e300)]
Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]

NO_RUN = -1
FIRST_BESIDE = 500_000  # from here on runs are numbered that a model takes up beside another, which goes on


class Report(msgspec.Struct, frozen=True, tag=True):
    """What the backend says."""


class RunReport(Report, frozen=True):
    """Of a run; -1 where none is concerned."""

    run: int


Reply = Callable[[Report], None]
"""Sends a report."""

StillWanted = Callable[[], bool]
"""Asked between the parts of a long computation; False means: stop, nobody waits for it any more."""


def always() -> bool:
    """A `StillWanted` of whoever waits to the end."""
    return True


@dataclass(slots=True)
class Ledger:
    """What the backend's reading thread has noted while older requests wait or are worked on.

    A position is a request's place among all that arrived, from 1.
    """

    # newest_run, newest_beside: older ones have been superseded
    newest_run: int = NO_RUN
    newest_beside: int = NO_RUN
    model_at: int = 0  # the position of the last `LoadModel`: it supersedes the runs asked for before it
    least_room: int = 0  # trainings with a lower number were stopped or superseded
    cancelled_at: dict[int, int] = field(default_factory=dict)  # by run, the position of its last `Cancel`
    dropped: set[int] = field(default_factory=set)  # the numbers of questions that nobody waits for


class Request(msgspec.Struct, frozen=True, tag=True):
    """What the window asks for."""

    # what a failure is about: ``model``, ``input``, ``step``, ``edit``, ``question``, ``backend``
    subject: ClassVar[str] = "backend"
    cancellable: ClassVar[bool] = False  # a later `Cancel` of its run ends it
    queued: ClassVar[bool] = True        # it is worked through in its turn; otherwise to note it is all there is to do

    def note(self, ledger: Ledger, position: int) -> Report | None:
        """In the reading thread, as soon as it arrives: note what makes older requests pointless; what is answered at once."""
        return None

    def wanted(self, ledger: Ledger, position: int) -> bool:
        """Whether somebody still waits for it."""
        return True

    def failed(self, sentence: str, detail: str, **facts: Any) -> Report:
        from unrolled.models.protocol.connection import Failed

        own = {"run": NO_RUN, "subject": self.subject}
        own |= {name: getattr(self, name) for name in ("run", "branch", "number") if name in self.__struct_fields__}
        return Failed(**{**own, "sentence": sentence, "detail": detail, **facts})

    def closed(self) -> Report | None:
        """The report that follows all others to it, whether it could be done or not."""
        return None


class RunRequest(Request, frozen=True):
    """Of a run."""

    run: Count

    def wanted(self, ledger: Ledger, position: int) -> bool:
        """Its run is the newest, or the newest beside it, of the model that is loaded, and was not cancelled since."""
        if self.run not in (ledger.newest_run, ledger.newest_beside) or position < ledger.model_at:
            return False
        return not self.cancellable or ledger.cancelled_at.get(self.run, 0) < position


class BranchRequest(RunRequest, frozen=True, kw_only=True):
    """Of a branch of a run."""

    branch: Count = 0


class RequestError(RuntimeError):
    """What was asked for cannot be done: one sentence for people. `**facts`: further fields of the report that says so."""

    def __init__(self, sentence: str, **facts: Any) -> None:
        super().__init__(sentence)
        self.facts = facts
