"""How an export looks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSettings:
    """What a person can choose.

    Attributes
    ----------
    width : int
        Of an animation or a film strip, in pixels.
    seconds_per_word : float
    last_seconds : float
        How long the finished caption stands.
    colour_map : str
    scale : {'absolute', 'stretched'}
        See `unrolled.viewer.theme.attention_colours`.
    smooth : bool
        Interpolated between cells, or the cells as they are.
    opacity : float
        0 to 1.
    dark : bool
        The ground around the photograph.
    words : bool
        The caption under the photograph.
    """

    width: int = 640
    seconds_per_word: float = 0.6
    last_seconds: float = 1.6
    colour_map: str = "inferno"
    scale: str = "absolute"
    smooth: bool = True
    opacity: float = 0.55
    dark: bool = False
    words: bool = True
