"""One layer, one head of a channel that has such axes, as a channel of its own: ``cross_attention[layer=2,head=mean]``.

So whatever draws a map, a row of weights or a column of units draws these too. A head may be a number, the mean of all, or
the rollout through all layers below (see `unrolled.models.trace.rollout`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec
import numpy as np

from unrolled.models.trace.channel import Channel
from unrolled.models.trace.rollout import CROSS, SELF, Rollout
from unrolled.models.trace.steps import FloatArray

SLICED = ("layer", "head")
MEAN, ROLLOUT = "mean", "rollout"

At = Mapping[str, str]
"""Which slice: a layer's number, and a head's, ``mean`` or ``rollout``; of what is not named the last, and the mean."""

USUAL: At = {}

_NAME = re.compile(r"([^\[\]]+)\[layer=(\d+)(?:,head=(\d+|mean|rollout))?\]")

_PLACE = ", layer\N{NO-BREAK SPACE}"

_LAYER = re.compile(r"_layer_(\d+)$")


def slice_name(channel: str, *, layer: int, head: str = "") -> str:
    return f"{channel}[layer={layer},head={head}]" if head else f"{channel}[layer={layer}]"


def spoken(name: str) -> str:
    """A channel's or a slice's name, for people, who count layers and heads from 1: ``residual stream of layer 3``."""
    found = _NAME.fullmatch(name)
    if found is None:
        return _LAYER.sub(lambda layer: f" of layer {int(layer[1]) + 1}", name).replace("_", " ")
    head = "" if found[3] is None else f"head {int(found[3]) + 1} of " if found[3].isdecimal() else f"{found[3]} of the heads of "
    return f"{found[1].replace('_', ' ')} of {head}layer {int(found[2]) + 1}"


def base_name(name: str) -> str:
    """The channel that a slice is of; of a whole channel its own name."""
    return name.partition("[")[0]


def whole_title(channel: Channel) -> str:
    """A slice's title without its layer and head, for where those stand beside it."""
    return channel.title.partition(_PLACE)[0]


def sliced(channel: Channel, at: At, *, rollout: bool = True) -> Channel:
    """The slice of a channel at a place; a place that it has not becomes its nearest. A channel without layers is itself.
    `rollout`: whether there can be one; otherwise the mean of the heads takes its place.
    """
    if channel.axes[:1] != ("layer",):
        return channel
    layer = min(int(at.get("layer", channel.shape[0] - 1)), channel.shape[0] - 1)
    head, label, rest = "", f"{_PLACE}{layer + 1}", 1
    if channel.axes[1:2] == ("head",):
        rest = 2
        head = at.get("head", MEAN)
        if head == ROLLOUT and not rollout:
            head = MEAN
        if head.isdecimal():
            head = str(min(int(head), channel.shape[1] - 1))
        label += f", {f'head {int(head) + 1}' if head.isdecimal() else 'mean of heads' if head == MEAN else head}"
    what, of, where = channel.title.partition(" · ")
    return msgspec.structs.replace(
        channel, name=slice_name(channel.name, layer=layer, head=head), axes=channel.axes[rest:], shape=channel.shape[rest:],
        label=f"{what}{label}{of}{where}", layer=layer, editable=channel.editable and not head)


def channels_at(channels: Iterable[Channel], at: At) -> tuple[Channel, ...]:
    """Channels as they are looked at: of those with layers and heads the slice."""
    found = tuple(channels)
    rollout = any(channel.role == SELF for channel in found)
    return tuple(sliced(channel, at, rollout=rollout and channel.role in (SELF, CROSS)) for channel in found)


class Channels(Mapping[str, Channel]):
    """Channels by name; a slice of one is found by its name too, and is none of them when they are gone through."""

    def __init__(self, channels: Iterable[Channel]) -> None:
        self._own = {channel.name: channel for channel in channels}

    def __getitem__(self, name: str) -> Channel:
        found = None if name in self._own else _NAME.fullmatch(name)
        return self._own[name] if found is None else sliced(self._own[found[1]], {"layer": found[2], "head": found[3] or MEAN})

    def __iter__(self) -> Iterator[str]:
        return iter(self._own)

    def __len__(self) -> int:
        return len(self._own)


class Slices:
    """The columns of a trace's slices; what has to be computed is computed once a step."""

    def __init__(self) -> None:
        self._means: dict[str, FloatArray] = {}
        self._rollout: Rollout | None = None

    def column(self, name: str, channels: Mapping[str, Channel], columns: Mapping[str, FloatArray], length: int) -> FloatArray:
        """Of all steps, (steps, …). Raises `KeyError` where there is no such slice."""
        found = _NAME.fullmatch(name)
        if found is None or found[1] not in columns:
            raise KeyError(name)
        whole = columns[found[1]][:length]
        layer, head = min(int(found[2]), whole.shape[1] - 1), found[3]
        if head is None:
            return whole[:, layer]
        if head.isdecimal():
            return whole[:, layer, min(int(head), whole.shape[2] - 1)]
        if head == ROLLOUT and SELF in columns:
            return self._rolled_out(found[1], channels, columns, length)[:, layer]
        return self._mean(found[1], whole)[:, layer]

    def _mean(self, name: str, whole: FloatArray) -> FloatArray:
        known = self._means.get(name, np.empty((0, whole.shape[1], *whole.shape[3:]), np.float32))
        if len(known) < len(whole):
            known = np.concatenate((known, whole[len(known) :].mean(axis=2)))
            self._means[name] = known
        return known[: len(whole)]

    def _rolled_out(self, name: str, channels: Mapping[str, Channel], columns: Mapping[str, FloatArray],
                    length: int) -> FloatArray:
        if self._rollout is None:
            self._rollout = Rollout(channels[SELF].shape[-1], channels[CROSS].shape[2:] if CROSS in columns else ())
        own = self._mean(SELF, columns[SELF][:length])
        other = self._mean(CROSS, columns[CROSS][:length]) if CROSS in columns else None
        self._rollout.follow(own, other)
        return self._rollout.written[:length] if name == SELF else self._rollout.looked_at[:length]
