"""What is computed about steps on demand, for all views that ask for it and draw it. It knows no Qt.

Two views that want the same ask under the same name, so that it is computed once.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from unrolled.models.protocol.questions import FollowGradients, GradientRows, Occluded, OccludeStep
from unrolled.models.trace import FloatArray, Trace
from unrolled.viewer.state.commands import Ask, Do
from unrolled.viewer.state.questions import Asked
from unrolled.viewer.state.shown import ShownSession
from unrolled.viewer.state.wording import step_noun

GRADIENTS, OCCLUSION = "gradients", "occlusion"  # the names that they are asked under
UNASKED_AT_MOST = 40   # steps; a longer run is followed back when a person says so
FOLLOWED_AT_MOST = 64  # steps back from the playhead

TableName = Literal["hidden", "cell", "forget_path", "other_paths"]
TABLES: tuple[TableName, ...] = ("hidden", "cell", "forget_path", "other_paths")


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """The rows of gradients that have come, of the steps `first` to `last` of the branch's form `wire_id`."""

    number: int
    wire_id: int
    first: int
    last: int
    parts: tuple[GradientRows, ...]

    @property
    def rows(self) -> int:
        """How many have come."""
        return sum(part.rows for part in self.parts)

    @property
    def wanted(self) -> int:
        """How many there will be."""
        return self.last - self.first + 1

    def row_of(self, step: int) -> GradientRows | None:
        """The part that a step's row is in."""
        return next((part for part in self.parts if part.row <= step < part.row + part.rows), None)

    def is_true_of(self, trace: Trace, step: int, wire_id: int) -> bool:
        """Whether all rows are there, of the branch as it is, this step's too; of a short run every step's."""
        whole = not is_short(trace) or self.last >= len(trace) - 1
        return whole and self.wire_id == wire_id and self.first <= step <= self.last and self.rows == self.wanted

    def has(self, name: TableName) -> bool:
        """Whether the model has this table: only an LSTM has the cell's."""
        return bool(self.parts) and bool(getattr(self.parts[0], name))

    def table(self, name: TableName) -> FloatArray:
        """Norms (steps, steps); nan in rows that have not come."""
        whole = np.full((self.wanted, self.wanted), np.nan, np.float32)
        for part in self.parts:
            whole[part.row - self.first : part.row - self.first + part.rows] = part.table(getattr(part, name))
        return whole


def followed(asked: Asked | None) -> Followed | None:
    """What has come of gradients; None before the first rows."""
    if asked is None or not isinstance(asked.question, FollowGradients):
        return None
    parts = tuple(part for part in asked.parts if isinstance(part, GradientRows))
    return Followed(asked.number, asked.wire_id, asked.question.first, asked.question.last, parts) if parts else None


def is_short(trace: Trace) -> bool:
    """Whether it is followed back without being asked."""
    return max(len(trace), trace.provenance.prompt_tokens) <= UNASKED_AT_MOST


def state_of(asked: Asked | None, found: Followed | None, trace: Trace, step: int, *, wire_id: int) -> str:
    """What a person should know of the rows that are shown, and of those that are on their way; empty where all is well."""
    noun = step_noun(trace.provenance)
    if asked is not None and asked.failure:
        return asked.failure
    if asked is not None and not asked.done and isinstance(asked.question, FollowGradients):
        own = followed(asked)
        return f"{own.rows if own is not None else 0} of {asked.question.last - asked.question.first + 1} {noun}s"
    if found is None:
        return "" if is_short(trace) else \
            f"In a long run, the last {FOLLOWED_AT_MOST} {noun}s up to the playhead are backpropagated."
    if found.wire_id != wire_id:
        return "Out of date: the run was changed."
    if is_short(trace) and found.last >= len(trace) - 1:
        return ""
    inside = "." if found.first <= step <= found.last else f": this {noun} is not among them."
    return f"{noun.capitalize()}s {found.first + 1:,} to {found.last + 1:,} of {len(trace):,}{inside}"


def ask_gradients(session: ShownSession, do: Do) -> Asked | None:
    """Follow a short run back whole, of a longer one the last steps up to the playhead; None where nobody can answer."""
    trace, branch = session.trace, session.branch
    if trace is None or branch is None or not session.questions.possible or not len(trace):
        return None
    last = len(trace) - 1 if is_short(trace) else min(max(session.playhead.step, 0), len(trace) - 1)
    do(Ask(GRADIENTS, FollowGradients(max(last - FOLLOWED_AT_MOST + 1, 0), last), branch.wire_id))
    return session.questions.get(GRADIENTS)


def ask_occlusion(session: ShownSession, do: Do, step: int) -> Asked | None:
    """Mask each place of a step in turn; None where nobody can answer."""
    trace, branch = session.trace, session.branch
    if trace is None or branch is None or not session.questions.possible or not 0 <= step < len(trace):
        return None
    do(Ask(OCCLUSION, OccludeStep(step), branch.wire_id))
    return session.questions.get(OCCLUSION)


def occluded_of(asked: Asked | None, step: int, wire_id: int) -> Occluded | None:
    """What masking found for a step of this form of a branch; None where it was not asked or has not come."""
    found = next((part for part in asked.parts if isinstance(part, Occluded)), None) if asked is not None else None
    return found if asked is not None and asked.wire_id == wire_id and found is not None and found.step == step else None


def drops_of(asked: Asked | None, step: int, wire_id: int) -> FloatArray | None:
    """What masking each place takes from log p, as it was found for a step, (places,)."""
    found = occluded_of(asked, step, wire_id)
    return found.drops() if found is not None else None


def attributions_of(asked: Asked | None, step: int, wire_id: int) -> FloatArray | None:
    """Gradient × input of a step's places, (places,); None where it was not asked or has not come."""
    part = found.row_of(step) if (found := followed(asked)) is not None and found.wire_id == wire_id else None
    if part is None or not part.places:
        return None
    row: FloatArray = part.table(part.places)[step - part.row]
    return row


def largest_cause(asked: Asked | None) -> float:
    """The largest gradient × input of a place, of all rows that have come; 0 without any."""
    found = followed(asked)
    tables = [part.table(part.places) for part in found.parts if part.places] if found is not None else []
    return max((float(np.nanmax(np.abs(table))) for table in tables if np.isfinite(table).any()), default=0.0)
