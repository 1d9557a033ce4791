"""What a step of a run is called on screen. It knows no Qt."""

from __future__ import annotations

from unrolled.models.trace import Provenance


def step_noun(provenance: Provenance) -> str:
    """What one step brings: a word, a piece, a character, a frame."""
    if provenance.input_kind == "clip":
        return "frame"
    return {"characters": "character", "pieces": "piece"}.get(provenance.detokenization, "word")
