"""What is known of what one word depended on, made ready to be drawn. It knows no Qt."""

from dataclasses import dataclass

import numpy as np

from unrolled.models.protocol.questions import GradientRows
from unrolled.models.trace import FloatArray, Trace
from unrolled.models.trace.places import first_read, place_words
from unrolled.viewer.state.appearance import AppearanceValues
from unrolled.viewer.state.wording import shown
from unrolled.viewer.theme.attention_colours import attention_limits

WORDS_AT_MOST = 14  # bars; of more words the weakest stand together in one


@dataclass(frozen=True, slots=True, eq=False)
class WordsRead:
    """What the steps before read: a name, a step to go to (negative where there is none), gradient × input."""

    names: tuple[str, ...]
    steps: tuple[int, ...]
    values: FloatArray

    def strongest(self, count: int = WORDS_AT_MOST) -> "WordsRead":
        """The strongest in their order, and last the sum of all others."""
        if len(self.names) <= count:
            return self
        kept = np.sort(np.argsort(-np.abs(self.values), kind="stable")[: count - 1])
        rest = np.float32(self.values.sum() - self.values[kept].sum())
        return WordsRead((*(self.names[place] for place in kept), f"{len(self.names) - len(kept)} others"),
                         (*(self.steps[place] for place in kept), -1), np.append(self.values[kept], rest).astype(np.float32))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Places:
    """What was looked at, and what is known of it."""

    shape: tuple[int, ...]  # a grid (rows, columns), or (length,) of words that have `names`
    names: tuple[str, ...]
    attention: FloatArray  # shape (places,)
    attention_top: float  # where the scale of the attention ends
    colour_map: str  # of the attention
    # Shape (places,): gradient × input by what the steps look at, and by the first state; what masking each place takes away.
    inputs: FloatArray | None = None
    first_state: FloatArray | None = None
    drops: FloatArray | None = None


def word_at(trace: Trace, step: int) -> str:
    """The word of a step, as people know it; empty where there is none."""
    return shown(trace.words[step], trace.provenance.detokenization) if 0 <= step < len(trace) else ""


def words_read(trace: Trace, part: GradientRows | None, step: int) -> WordsRead | None:
    """What the steps up to one read: step k the word of step k - 1, the first one START or a text's first; of a clip, frame k."""
    if part is None or not part.words:
        return None
    clip = trace.provenance.input_kind == "clip"
    places, first = range(part.column, step + 1), shown(first_read(trace), trace.provenance.detokenization)
    names = tuple(f"frame {place + 1}" if clip else word_at(trace, place - 1) if place else first for place in places)
    return WordsRead(names, tuple(place if clip else place - 1 for place in places),
                     part.table(part.words)[step - part.row][: len(names)])


def places_of(trace: Trace, part: GradientRows | None, step: int, *, drops: FloatArray | None,
              appearance: AppearanceValues) -> Places | None:
    """What a step looked at, with what is known of it; None without attention."""
    channel = trace.with_role("attention")
    if channel is None:
        return None
    names = tuple(shown(word, trace.provenance.detokenization) for word in place_words(trace, channel.axes))
    weights = trace.column(channel.name)[step]
    if channel.axes == ("key",):  # what is not read yet is no place
        names, weights = names[: step + 1], weights[: step + 1]
    scale = appearance.attention_scale
    inputs = part.table(part.places)[step - part.row] if part is not None and part.places else None
    first_state = part.table(part.first_state)[step - part.row] if part is not None and part.first_state else None

    def fitting(values: FloatArray | None) -> FloatArray | None:
        return values if values is not None and values.size == weights.size else None

    return Places(shape=weights.shape, names=names, attention=weights.ravel(), inputs=fitting(inputs),
                  first_state=fitting(first_state), drops=fitting(drops),
                  attention_top=1.0 if names and scale == "absolute" else attention_limits(weights, scale)[1],
                  colour_map=appearance.attention_colour_map)
