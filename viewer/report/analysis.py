"""What `unrolled analyze` finds: one object, which its JSON is. It knows neither Qt nor torch."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from unrolled.models.protocol.questions import Explained
from unrolled.models.trace import Candidate
from unrolled.models.trace.edits import Edit

Numbers = list[float]
Table = list[Numbers]


class StepSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A step: what was written, how probable it was (natural logarithm), and what else could have been."""

    step: int
    word: str
    token: int
    log_prob: float
    candidates: tuple[Candidate, ...]


class Gradients(msgspec.Struct, frozen=True, kw_only=True):
    """What the words of steps `first` to `last` depended on: row t, column k, both counted from `first`; see `GradientRows`."""

    first: int
    last: int
    hidden: Table
    cell: Table
    forget_path: Table
    other_paths: Table
    words: Table
    places: Table
    first_state: Table


class Occlusion(msgspec.Struct, frozen=True, kw_only=True):
    """What masking each place takes from the word, and how much of that lies where attention is.

    See `unrolled.models.protocol.questions.Occluded` and `unrolled.models.analysis.occlusion.OcclusionSummary`.
    """

    step: int
    log_prob: float
    logit: float
    margin: float
    runner_up: str
    drops: Numbers
    logit_drops: Numbers
    margin_drops: Numbers
    largest_drop: float
    share: float | None
    attended: int
    rank: int
    means_something: bool
    verdict: str


class GateStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Of one gate, for each unit, the fraction of steps below 0.1 and above 0.9 (Karpathy et al. 2015).

    `half_life` is there for the gates that keep the state: ln 2 / −mean ln f, in steps. It is a proxy; null where it is
    longer than the `steps` that were seen, which cannot tell it.
    """

    channel: str
    layer: int
    shut: Numbers
    open: Numbers
    steps: int
    half_life: Sequence[float | None] | None = None


class AttentionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """See `unrolled.models.analysis.attention_statistics`."""

    channel: str
    entropy: Numbers
    coverage: Numbers
    target: float
    even: float
    penalty: float
    change: float
    difference: float
    warning: str


class SimilarPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A span of steps where the same units are on."""

    first: int
    last: int
    # share, score: of the units that are on; what places are ranked by, less where another number of steps follows one another
    share: float
    score: float
    words: tuple[str, ...]


class Similar(msgspec.Struct, frozen=True, kw_only=True):
    """The units that are on at a step, each with the side of 0 that it is on (1 or -1), and where else they are."""

    step: int
    channel: str
    units: tuple[int, ...]
    signs: tuple[int, ...]
    threshold: float
    places: tuple[SimilarPlace, ...]


class FidelitySummary(msgspec.Struct, frozen=True, kw_only=True):
    """The largest difference between what was recorded and the same steps computed a second time, by what of torch; and in
    which channel, unit (null of what has none) and step it is.
    """

    steps: int
    largest: float
    channel: str
    unit: int | None
    step: int
    agrees: bool
    tolerance: float
    computed_by: tuple[str, ...]
    missing: tuple[str, ...]
    by_channel: dict[str, float]


class Analysis(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. What could not be found is empty or null, and `notes` say why; numbers that are none are null."""

    file: str
    convention: str
    model: str
    weights_hash: str
    device: str
    input_kind: str
    decoding: str
    text: str
    source: tuple[str, ...]
    prompt_tokens: int
    edits: tuple[Edit, ...]
    notes: tuple[str, ...]
    steps: tuple[StepSummary, ...]
    equations: tuple[Explained, ...]
    gradients: Gradients | None
    occlusion: tuple[Occlusion, ...]
    mean_occlusion_share: float | None
    occlusion_steps: int
    gates: tuple[GateStatistics, ...]
    attention: AttentionSummary | None
    similar: Similar | None
    fidelity: FidelitySummary | None


def as_json(found: msgspec.Struct) -> bytes:
    """One object, indented by one; numbers that are none are null."""
    try:
        return msgspec.json.format(msgspec.json.encode(found), indent=1)
    except UnicodeEncodeError:  # a word or a name holds half a character, which JSON can only escape
        whole = json.loads(json.dumps(msgspec.to_builtins(found)), parse_constant=lambda _: None)
        return json.dumps(whole, indent=1).encode()


def plain(values: Any) -> Any:
    """An array as lists; float32 keeps its seven figures and gets no more."""
    return [plain(row) for row in values] if getattr(values, "ndim", 1) > 1 else [float(f"{float(own):.7g}") for own in values]
