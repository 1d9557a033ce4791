"""What can be laid over the picture in place of the attention, once it was asked for. It knows no Qt.

Absolute scales are the same at every step: a drop of log p ends at 1, a word e times less likely; gradient × input
at the largest value that was found in the run.
"""

from dataclasses import dataclass

import numpy as np

from unrolled.models.trace import FloatArray
from unrolled.models.trace.numbers import brief
from unrolled.viewer.state.attributions import (
    GRADIENTS,
    OCCLUSION,
    ask_gradients,
    ask_occlusion,
    attributions_of,
    drops_of,
    is_short,
    largest_cause,
)
from unrolled.viewer.state.commands import Do
from unrolled.viewer.state.questions import Asked
from unrolled.viewer.state.shown import ShownSession

TITLES = {OCCLUSION: "occlusion", GRADIENTS: "gradient × input"}
MEANINGS = {OCCLUSION: "drop in log p when masked", GRADIENTS: "gradient × input"}
FULL_FALL = 1.0
FAINT = 0.1  # of the scale: what is less is hardly seen, and said


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OverlayMap:
    """Values of a step's places, where there are any, the end of their scale, and what is written on the picture."""

    values: FloatArray | None
    largest: float
    label: str


def offered(session: ShownSession) -> dict[str, str]:
    """What there are answers to, titles by the name that it is asked under."""
    questions = session.questions
    return {name: title for name, title in TITLES.items() if (asked := questions.get(name)) is not None and asked.parts}


def overlay_map(session: ShownSession, source: str, step: int, shape: tuple[int, ...], *, do: Do | None) -> OverlayMap:
    """The map of one of `TITLES`, its values in this shape; what is not there is asked for by `do`, where that is given."""
    values, asked = _values(session, source, step)
    if values is None and do is not None:
        asked = _ask(session, do, source, step) or asked
        values, asked = _values(session, source, step)[0], asked
    meaning = MEANINGS[source]
    if values is None or values.size != int(np.prod(shape)):
        return OverlayMap(values=None, largest=1.0, label=f"{meaning}: {_why_not(asked)}")
    own = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0
    if session.appearance.values.attention_scale == "stretched":
        return OverlayMap(values=values.reshape(shape), largest=own, label=f"{meaning}. Stretched: each step on its own scale")
    largest = FULL_FALL if source == OCCLUSION else largest_cause(session.questions.get(GRADIENTS))
    faint = f": at most {brief(own)} at this step" if own < FAINT * largest else ""
    return OverlayMap(values=values.reshape(shape), largest=largest, label=meaning + faint)


def _values(session: ShownSession, source: str, step: int) -> tuple[FloatArray | None, Asked | None]:
    asked, branch = session.questions.get(source), session.branch
    if branch is None:
        return None, asked
    of = drops_of if source == OCCLUSION else attributions_of
    return of(asked, step, branch.wire_id), asked


def _ask(session: ShownSession, do: Do, source: str, step: int) -> Asked | None:
    if source == OCCLUSION:
        return ask_occlusion(session, do, step)
    trace, asked, branch = session.trace, session.questions.get(GRADIENTS), session.branch
    waits = asked is not None and branch is not None and asked.wire_id == branch.wire_id and not asked.done
    return ask_gradients(session, do) if trace is not None and trace.ended and is_short(trace) and not waits else None


def _why_not(asked: Asked | None) -> str:
    if asked is None:
        return "not computed for this step"
    return asked.failure or ("not computed for this step" if asked.done else "computing…")
