"""The branches of a run: the first one, and those that leave another at a step because something was changed.

A branch is a value but for its trace, which grows. It knows neither Qt nor torch.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from unrolled.models.protocol.decoding import Decoding
from unrolled.models.trace import Trace
from unrolled.models.trace.edits import Edit

FIRST = 0  # the identity of the run that all others leave
FIRST_NAME = "Run"
GREEDY = Decoding()


class PlacedEdit(msgspec.Struct, frozen=True):
    """An edit of a branch, switched on or off."""

    edit: Edit
    on: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Branch:
    """One way that a run can go."""

    identity: int  # its own as long as the session lasts, whatever becomes of it
    wire_id: int  # the backend's number for its present form: another one each time that its edits change
    name: str  # for people
    trace: Trace  # all its steps, those that it shares with its parent too
    parent: int | None = None  # the identity of the branch that it leaves; None for the first
    step: int = 0  # before this step it leaves its parent: the steps before are shared
    edits: tuple[PlacedEdit, ...] = ()  # all of them, those that its parent had when it left too
    decoding: Decoding = GREEDY  # how its words are chosen

    @property
    def edits_on(self) -> tuple[Edit, ...]:
        """Those that are in force."""
        return tuple(placed.edit for placed in self.edits if placed.on)

    def changed(self, **fields: Any) -> "Branch":
        own = {name: getattr(self, name) for name in self.__slots__}
        return Branch(**{**own, **fields})


@dataclass(frozen=True, slots=True, eq=False)
class Branches:
    """All branches and the one that is shown; a value, so that any change of them can be undone."""

    all: dict[int, Branch]  # by identity, in the order they were made; never changed in place
    current: int = FIRST  # the identity of the one shown

    @property
    def shown(self) -> Branch | None:
        return self.all.get(self.current)

    def in_tree_order(self) -> list[Branch]:
        """Each branch before those that leave it, those in the order they were made."""
        found: list[Branch] = []

        def add(own: Branch) -> None:
            found.append(own)
            for other in self.all.values():
                if other.parent == own.identity:
                    add(other)

        for own in self.all.values():
            if own.parent is None or own.parent not in self.all:
                add(own)
        return found

    def of_wire_id(self, wire_id: int) -> Branch | None:
        """The branch that the backend knows by this number."""
        return next((branch for branch in self.all.values() if branch.wire_id == wire_id), None)

    def with_branch(self, branch: Branch, *, show: bool = True) -> "Branches":
        """With one more, or with another form of one."""
        return Branches({**self.all, branch.identity: branch}, branch.identity if show else self.current)

    def without(self, identity: int) -> "Branches":
        """Without a branch and those that leave it; where one of them was shown, its parent is."""
        gone = {identity}
        for other in self.all.values():  # in the order they were made: a parent comes before its children
            if other.parent in gone:
                gone.add(other.identity)
        left = {number: branch for number, branch in self.all.items() if number not in gone}
        parent = self.all[identity].parent if identity in self.all else None
        current = self.current if self.current in left else parent if parent in left else next(iter(left), FIRST)
        return Branches(left, FIRST if current is None else current)

    def showing(self, identity: int) -> "Branches":
        return Branches(self.all, identity)


def first_branch(trace: Trace, decoding: Decoding | None = None) -> Branches:
    """A run with no other branches; a trace that was recorded with edits has them in its provenance."""
    edits = tuple(PlacedEdit(edit) for edit in trace.provenance.edits)
    return Branches({FIRST: Branch(identity=FIRST, wire_id=0, name=FIRST_NAME, trace=trace, edits=edits,
                                   decoding=decoding or GREEDY)})
