"""Where a trace came from."""

import msgspec

from unrolled.models.trace.edits import Edit

COUNTED = "Steps are counted from 0 in files and on the command line, from 1 where people read."
STEP_CONVENTION = ("Step t holds the state after the token of step t - 1 was read; the token of step t is chosen from it. "
                   f"{COUNTED}")
FRAME_CONVENTION = f"Step t holds the state after frame t was read; the label of step t is chosen from it. {COUNTED}"
READ_CONVENTION = f"Step t holds the state after the input of step t was read. {COUNTED}"

WORDS_READ = "read"  # in place of a decoding


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """How well a channel agrees with what the model itself gave, as it was found when it was recorded."""

    channel: str
    difference: float | None  # the largest, as a share of the value where that is above 1; None where nothing could be compared
    against: str  # what was compared and how, or why nothing was


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    # model, weights_hash: the model's name and the SHA-256 of its weights
    model: str = ""
    weights_hash: str = ""
    # input_name, input_hash: the input's file name and the SHA-256 of its bytes
    input_name: str = ""
    input_hash: str = ""
    # the part of the picture that the model saw: left, top, right, bottom as fractions of width and height
    region: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    # how words were chosen, in words; ``"read"`` where they were given: ``"greedy"``, ``"beam 3"``, ``"sampling, temperature
    # 0.8, seed 7"``
    decoding: str = "greedy"
    seed: int = 0  # the seed, where sampling used one
    device: str = "cpu"  # where it was computed: ``"cpu"``, ``"cuda:0"``, ``"mps"``
    edits: tuple[Edit, ...] = ()  # changes to the computation that are in force
    created: str = ""  # when, in ISO 8601 with a time zone
    # input_kind, detokenization: see `ModelDescription`
    input_kind: str = "picture"
    detokenization: str = msgspec.field(name="joining", default="words")
    source: tuple[str, ...] = ()  # what attention with the axis ``source`` looks at
    # the first so many tokens came with the input
    prompt_tokens: int = msgspec.field(name="given", default=0)  # as files of version 0.1 call it
    suppressed_tokens: tuple[int, ...] = ()  # tokens that were never chosen by themselves, however probable
    convention: str = STEP_CONVENTION  # what a step is, in words
    precision: str = ""  # what it was computed in, where that is known: ``"float32"``, ``"bfloat16"``
    agreements: tuple[Agreement, ...] = ()  # of a recording, which no model can be asked about again, one for each channel

    @property
    def words_chosen(self) -> bool:
        """Whether the model chose the words, with probabilities; those of a recording it read."""
        return self.decoding != WORDS_READ
