"""What is exported: a run, and what was found about it, or plots. It knows no Qt."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unrolled.models.trace import Channel, Trace
from unrolled.models.trace.slices import At, channels_at
from unrolled.viewer.state.appearance import AppearanceValues
from unrolled.viewer.state.attributions import GRADIENTS, Followed, followed
from unrolled.viewer.state.branches import Branches
from unrolled.viewer.state.search_tree import SearchTree
from unrolled.viewer.state.session import Session

if TYPE_CHECKING:
    from unrolled.viewer.export.scenes.board import BoardScene


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A run with all that pictures are made of; nobody changes it meanwhile."""

    trace: Trace
    search: SearchTree | None = None
    branches: Branches | None = None  # the run and those that leave it
    gradients: Followed | None = None  # of its words, with respect to every earlier state
    appearance: AppearanceValues = field(default_factory=AppearanceValues)  # the colour maps and scales of tracks
    at: At = field(default_factory=dict)  # which layer and which head of channels that have several is drawn
    board: "BoardScene | None" = None  # plots of a training, in place of a run

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The trace's, as they are looked at."""
        return channels_at(self.trace.channels.values(), self.at)


def subject_of_session(session: Session) -> Subject | None:
    """The run that is shown with what was found about it, as it is now, to be read in a thread; None without a run."""
    trace, branch = session.trace, session.branch
    if trace is None or branch is None:
        return None
    branches = Branches({identity: own.changed(trace=own.trace.snapshot()) for identity, own in session.branches.all.items()},
                        session.branches.current)
    found = followed(session.questions.get(GRADIENTS))
    whole = found is not None and found.wire_id == branch.wire_id and found.rows == found.wanted
    return Subject(trace=trace.snapshot(), branches=branches, gradients=found if whole else None,
                   search=session.search.snapshot() if session.search is not None else None,
                   appearance=session.appearance.values, at=session.selection.at)
