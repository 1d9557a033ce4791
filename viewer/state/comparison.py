"""A second run beside the one on screen, on the same time axis. It knows neither Qt nor torch."""

from dataclasses import dataclass

from unrolled.models.inputs.inputs import Input
from unrolled.models.trace import Trace


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """What the run on screen is held against."""

    name: str  # for people: the branch's name, the model's title, the picture's name
    trace: Trace  # it may grow
    input: Input | None = None  # what it looks at, where that is another input than the one on screen; None where it is the same
    identity: int | None = None  # the branch that it is, of this session's; None for another run


def first_divergence(one: Trace, other: Trace) -> int | None:
    """The first step at which two runs write different words; None while they write the same as far as both go.

    Where one of them has ended and the other has not, they diverge behind its last step.
    """
    shared = min(len(one), len(other))
    for step in range(shared):
        if one.words[step] != other.words[step]:
            return step
    if len(one) != len(other) and ((one.ended and len(one) == shared) or (other.ended and len(other) == shared)):
        return shared
    return None
