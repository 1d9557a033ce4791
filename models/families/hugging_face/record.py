"""What a step of a transformer is recorded as: its channels, and the flat record that they make."""

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.families.hugging_face.attention import STREAM
from unrolled.models.stepping.network_stepper import entropy_of
from unrolled.models.trace import Channel
from unrolled.models.trace.rollout import CROSS, SELF

if TYPE_CHECKING:
    from unrolled.models.families.hugging_face.decoder import Taken


class Lengths(NamedTuple):
    """Of one run."""

    # layers, heads, features: of the decoder
    layers: int
    heads: int
    features: int
    longest: int             # how many steps there can be, and so how many places of what was written a step can look at
    places: tuple[int, ...]  # what else is looked at: (rows, columns) of a picture, (words,) of a sentence, () nothing
    before: int              # places in front of a picture's cells, which stand for all of it
    cross_heads: int         # of the attention over what else is looked at
    stream_end: float        # where the colours of the residual stream end


def stream_channel(lengths: Lengths) -> Channel:
    """The residual stream after every layer."""
    return Channel(name=STREAM, role=STREAM, symbol="x", axes=("layer", "unit"), shape=(lengths.layers, lengths.features),
                   low=-lengths.stream_end, high=lengths.stream_end, label="residual", editable=True)


def channels_of(lengths: Lengths) -> tuple[Channel, ...]:
    """In the order of the record."""
    layers, heads = lengths.layers, lengths.heads
    found = [stream_channel(lengths)]
    axes = {0: ("key",), 1: ("source",), 2: ("row", "column")}[len(lengths.places)]
    looked_at = lengths.places or (lengths.longest,)
    if lengths.places:
        found.append(Channel(name=CROSS, role=CROSS, symbol="α", axes=("layer", "head", *axes),
                             shape=(layers, lengths.cross_heads, *lengths.places), low=0.0, high=1.0, label="cross attention"))
    found.append(Channel(name=SELF, role=SELF, symbol="a", axes=("layer", "head", "key"), shape=(layers, heads, lengths.longest),
                         low=0.0, high=1.0, label="self attention"))
    found += [
        Channel(name="attention", role="attention", symbol="ᾱ", axes=axes, shape=looked_at, low=0.0, high=1.0,
                label="attention, mean of heads", editable=True),
        Channel(name="attention_entropy", role="attention_entropy", symbol="H", axes=(), shape=(), low=0.0, high=1.0,
                label="attention entropy", unit="of uniform")]
    if lengths.before:
        found.append(Channel(name="attention_elsewhere", role="attention_elsewhere", symbol="α₀", axes=(), shape=(), low=0.0,
                             high=1.0, label="attention on the class token" + "s" * (lengths.before > 1)))
    return tuple(found)


def packed(taken: "Taken", lengths: Lengths) -> Tensor:
    """Log-probabilities and all channels in order, (rows, V + total); places that are not written yet are zeros."""
    written, looked_at, longest = taken.written, taken.looked_at, lengths.longest
    parts = [torch.log_softmax(taken.logits, dim=-1), *(own.squeeze(1) for own in taken.stream)]
    grown = F.pad(written, (0, longest - written.shape[-1]))
    if looked_at is None:
        mean = written.mean(dim=(1, 2))                                                        # (rows, places)
        parts += [grown.flatten(1), F.pad(mean, (0, longest - mean.shape[1])), entropy_of(mean)]
    else:
        mean = looked_at.mean(dim=(1, 2))
        before = lengths.before
        parts += [looked_at[..., before:].flatten(1), grown.flatten(1), mean[:, before:], entropy_of(mean)]
        if before:
            parts.append(mean[:, :before].sum(dim=1, keepdim=True))
    return torch.cat(parts, dim=1)


def round_end(largest: float) -> float:
    """A round number that is no less, for the end of a scale."""
    if not (math.isfinite(largest) and largest > 0):
        return 1.0
    power = 10.0 ** math.floor(math.log10(largest))
    return next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= largest)
