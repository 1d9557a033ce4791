"""Where a trace came from."""

from __future__ import annotations

import msgspec

from unrolled.models.trace.edits import Edit

COUNTED = "Steps are counted from 0 in files and on the command line, from 1 where people read."
STEP_CONVENTION = ("Step t holds the state after the token of step t - 1 was read; the token of step t is chosen from it. "
                   f"{COUNTED}")
FRAME_CONVENTION = f"Step t holds the state after frame t was read; the label of step t is chosen from it. {COUNTED}"
READ_CONVENTION = f"Step t holds the state after the input of step t was read. {COUNTED}"


WORDS_READ = "read"  # in place of a decoding


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """How well a channel agrees with what the model itself gave, as it was found when it was recorded.

    Attributes
    ----------
    channel : str
    difference : float or None
        The largest, as a share of the value where that is above 1; None where nothing could be compared.
    against : str
        What was compared and how, or why nothing was.
    """

    channel: str
    difference: float | None
    against: str


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Where a trace came from.

    Attributes
    ----------
    model, weights_hash : str
        The model's name and the SHA-256 of its weights.
    input_name, input_hash : str
        The input's file name and the SHA-256 of its bytes.
    region : tuple of float
        The part of the picture that the model saw: left, top, right, bottom as fractions of width and height.
    decoding : str
        How words were chosen, in words; ``"read"`` where they were given:
        ``"greedy"``, ``"beam 3"``, ``"sampling, temperature 0.8, seed 7"``.
    seed : int
        The seed, where sampling used one.
    device : str
        Where it was computed: ``"cpu"``, ``"cuda:0"``, ``"mps"``.
    edits : tuple of Edit
        Changes to the computation that are in force.
    created : str
        When, in ISO 8601 with a time zone.
    input_kind, detokenization : str
        See `ModelDescription`.
    source : tuple of str
        What attention with the axis ``source`` looks at.
    prompt_tokens : int
        The first so many tokens came with the input.
    suppressed_tokens : tuple of int
        Tokens that were never chosen by themselves, however probable.
    convention : str
        What a step is, in words.
    precision : str
        What it was computed in, where that is known: ``"float32"``, ``"bfloat16"``.
    agreements : tuple of Agreement
        Of a recording, which no model can be asked about again, one for each channel.
    """

    model: str = ""
    weights_hash: str = ""
    input_name: str = ""
    input_hash: str = ""
    region: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    decoding: str = "greedy"
    seed: int = 0
    device: str = "cpu"
    edits: tuple[Edit, ...] = ()
    created: str = ""
    input_kind: str = "picture"
    detokenization: str = msgspec.field(name="joining", default="words")
    source: tuple[str, ...] = ()
    prompt_tokens: int = msgspec.field(name="given", default=0)  # as files of version 0.1 call it
    suppressed_tokens: tuple[int, ...] = ()
    convention: str = STEP_CONVENTION
    precision: str = ""
    agreements: tuple[Agreement, ...] = ()

    @property
    def words_chosen(self) -> bool:
        """Whether the model chose the words, with probabilities; those of a recording it read."""
        return self.decoding != WORDS_READ
