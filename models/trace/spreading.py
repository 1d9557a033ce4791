"""A trace whose channels have several layers or heads, as one that has a channel for each of them.

For what draws or counts channel by channel and has no picker: reports, pictures in a notebook. It knows neither torch nor Qt.
"""

from __future__ import annotations

import msgspec
import numpy as np

from unrolled.models.trace.channel import Channel
from unrolled.models.trace.provenance import Agreement
from unrolled.models.trace.steps import FloatArray
from unrolled.models.trace.trace import Trace

SEVERAL = ("layer", "head")  # axes that stand before those that are drawn


def spread(trace: Trace) -> Trace:
    """The same steps; the values are views. A trace without such axes is given back itself."""
    channels: list[Channel] = []
    columns: dict[str, FloatArray] = {}
    agreements: list[Agreement] = []
    known = {own.channel: own for own in trace.provenance.agreements}
    for channel in trace.channels.values():
        count = sum(axis in SEVERAL for axis in channel.axes)
        for places in np.ndindex(*channel.shape[:count]):
            where = [f"{axis} {place}" for axis, place in zip(channel.axes, places, strict=False)]
            own = channel if not places else msgspec.structs.replace(
                channel, name="/".join((*(part.replace(" ", "_") for part in where), channel.name)), axes=channel.axes[count:],
                shape=channel.shape[count:], label=" · ".join((channel.title, *where)),
                layer=places[0] if channel.axes[0] == "layer" else channel.layer)
            channels.append(own)
            index = (slice(None), *places)
            columns[own.name] = trace.column(channel.name)[index]
            if channel.name in known:
                agreements.append(msgspec.structs.replace(known[channel.name], channel=own.name))
    if columns.keys() == trace.channels.keys():
        return trace
    return Trace.from_columns(
        channels, columns, words=trace.words, tokens=trace.tokens, log_probs=trace.log_probs, candidates=trace.candidates,
        provenance=msgspec.structs.replace(trace.provenance, agreements=tuple(agreements)), input_bytes=trace.input_bytes,
        ended=trace.ended)

