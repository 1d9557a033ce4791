"""A trace whose channels have several layers or heads, as one that has a channel for each of them.

For what draws or counts channel by channel and has no picker: reports, pictures in a notebook.
"""

from collections.abc import Iterator

import msgspec

from unrolled.models.trace.channel import Channel
from unrolled.models.trace.slices import base_name, sliced
from unrolled.models.trace.trace import Trace


def spread(trace: Trace) -> Trace:
    """The same steps, with slices for channels. A trace that has no layers is given back itself."""
    channels = [own for channel in trace.channels.values() for own in _slices(channel)]
    if len(channels) == len(trace.channels):
        return trace
    agreements = {own.channel: own for own in trace.provenance.agreements}
    provenance = msgspec.structs.replace(trace.provenance, agreements=tuple(
        msgspec.structs.replace(agreements[base_name(own.name)], channel=own.name)
        for own in channels if base_name(own.name) in agreements))
    return Trace.from_columns(
        channels, {own.name: trace.column(own.name) for own in channels}, words=trace.words, tokens=trace.tokens,
        log_probs=trace.log_probs, candidates=trace.candidates, provenance=provenance, input_bytes=trace.input_bytes,
        ended=trace.ended)


def _slices(channel: Channel) -> Iterator[Channel]:
    layers = channel.shape[0] if channel.axes[:1] == ("layer",) else 1
    heads = channel.shape[1] if channel.axes[:2] == ("layer", "head") else 1
    for layer in range(layers):
        for head in range(heads):
            yield sliced(channel, {"layer": str(layer), "head": str(head)})
