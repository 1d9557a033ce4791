"""One layer, one head of a channel, named: ``cross_attention[layer=2,head=0]``. It knows neither torch nor Qt."""

from __future__ import annotations

SLICED = ("layer", "head")


def slice_name(channel: str, **at: int | str) -> str:
    """The name of a slice; a head may be a number or ``mean``."""
    return f"{channel}[{','.join(f'{axis}={place}' for axis, place in at.items())}]"
