"""Decoding: how words are chosen from their probabilities."""

from typing import Annotated

import msgspec

MOST_HYPOTHESES, MOST_PENALTY = 64, 5.0


class Decoding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    method: Annotated[str, msgspec.Meta(pattern="^(greedy|beam|sampling)$")] = "greedy"
    beam_width: Annotated[int, msgspec.Meta(ge=1, le=MOST_HYPOTHESES)] = 3  # hypotheses kept by beam search
    # the exponent of the length that a hypothesis's log-probability is divided by; 0 favours short captions
    length_penalty: Annotated[float, msgspec.Meta(ge=0, le=MOST_PENALTY)] = 0.7
    # temperature, top_k, top_p, seed: of sampling: the log-probabilities are divided by the temperature (above 0); only the
    # k most probable words (0: all), and of those the fewest whose probabilities reach p, can be drawn
    temperature: Annotated[float, msgspec.Meta(gt=0, le=100)] = 1.0
    top_k: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    top_p: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    seed: Annotated[int, msgspec.Meta(ge=0, lt=2**53)] = 0

    @property
    def in_words(self) -> str:
        """For people and for a trace's provenance."""
        if self.method == "beam":
            return f"beam {self.beam_width}"
        if self.method == "sampling":
            parts = [f"temperature {self.temperature:g}"]
            parts += [f"top-k {self.top_k}"] if self.top_k else []
            parts += [f"top-p {self.top_p:g}"] if self.top_p < 1 else []
            return ", ".join(["sampling", *parts, f"seed {self.seed}"])
        return "greedy"
