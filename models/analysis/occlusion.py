"""What masking each place says of the attention."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from unrolled.models.trace import FloatArray

Measure = Literal["log_prob", "logit", "margin"]
MEASURES: dict[Measure, str] = {"log_prob": "log p", "logit": "the word’s logit", "margin": "the margin over the runner-up"}
TENTH = 10
LEAST_DROP = 0.05    # nats; below it no masked place changed the word's odds by even a twentieth
MOST, SOME = 0.6, 0.3  # shares of the drop in the most attended tenth; by chance it is 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class OcclusionSummary:
    """The drops of one step held against its attention."""

    largest_drop: float  # of any single place, in nats
    # of all that masking takes away (the positive drops), what the most attended tenth of the places has; nan where nothing
    # is taken away
    share: float
    attended: int        # how many places that tenth is
    rank: int            # of the place that was needed most, by attention; 1 is the most attended
    places: int

    @property
    def means_something(self) -> bool:
        """Whether a single place mattered enough for anything to be said."""
        return self.largest_drop >= LEAST_DROP


def summarise(drops: FloatArray, attention: FloatArray) -> OcclusionSummary:
    """The summary of one step. `drops`, `attention` (places,): what is no number counts for nothing."""
    taken = np.nan_to_num(np.clip(drops.astype(np.float64), 0.0, None))
    order = np.argsort(-np.nan_to_num(attention), kind="stable")
    attended, total = max(len(order) // TENTH, 1), float(taken.sum())
    most = int(np.argmax(taken)) if len(taken) else 0
    return OcclusionSummary(
        largest_drop=float(taken.max(initial=0.0)),
        share=float(taken[order[:attended]].sum()) / total if total > 0 else float("nan"),
        attended=attended, rank=int(np.flatnonzero(order == most)[0]) + 1 if len(order) else 0, places=len(order))


def verdict(found: OcclusionSummary, measure: Measure = "log_prob", *, sure: bool = False) -> str:
    """What that says, in sentences; `sure` of a word so probable that its log-probability can hardly fall."""
    of = MEASURES[measure]
    if not found.means_something:
        more = " The word is nearly certain: look at its logit or its margin." if sure and measure == "log_prob" else ""
        most = f"at most {found.largest_drop:.2f}" if found.largest_drop >= 0.01 else "less than 0.01"
        return f"Masking any one place takes {most} nats from {of}, too little for a verdict.{more}"
    said = ("The attention shows what this word needed" if found.share >= MOST else
            "The attention shows part of what this word needed" if found.share >= SOME else
            "The attention shows little of what this word needed")
    place = "place" if found.attended == 1 else f"{found.attended} places"
    return (f"{said}: {found.share:.0%} of what masking takes from {of} lies in the most attended {place} of {found.places}. "
            f"The place needed most is number {found.rank} by attention.")
