"""What a step of a run is called on screen. It knows no Qt."""

from __future__ import annotations

from unrolled.models.inputs.kinds import kind_named
from unrolled.models.trace import Provenance


def step_noun(provenance: Provenance) -> str:
    """What one step brings: a word, a piece, a character, a frame."""
    return kind_named(provenance.input_kind).step_noun
