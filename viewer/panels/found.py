"""What was computed about a step on demand, for all views that draw it. It knows no Qt."""

from __future__ import annotations

from unrolled.models.protocol.questions import GradientRows, Occluded
from unrolled.models.trace import FloatArray
from unrolled.viewer.state.questions import Asked

GRADIENTS, OCCLUSION = "gradients", "occlusion"  # the names that they are asked under


def falls_of(asked: Asked | None, step: int) -> FloatArray | None:
    """What was found for a step, (places,); None where it was not asked or has not come."""
    found = next((part for part in asked.parts if isinstance(part, Occluded)), None) if asked is not None else None
    return found.values() if found is not None and found.step == step else None


def causes_of(asked: Asked | None, step: int) -> FloatArray | None:
    """Gradient × input of a step's places, (places,); None where it was not asked or has not come."""
    for part in asked.parts if asked is not None else ():
        if isinstance(part, GradientRows) and part.row <= step < part.row + part.rows and part.places:
            row: FloatArray = part.table(part.places)[step - part.row]
            return row
    return None
