"""How things are drawn: what a person can switch, and what is remembered from one start to the next.

It knows no Qt. A change of any field sends one signal, and what is drawn is drawn again.
"""

from typing import Any

import msgspec
from psygnal import Signal


class AppearanceValues(msgspec.Struct, frozen=True, kw_only=True):
    """The choices, as they are kept in settings and sessions; colour maps are names that the `cmap` library knows."""

    theme: str = "system"  # or 'light', 'dark'
    # The same weight has the same colour at every step and for every picture, the uniform level marked; or 'stretched': each
    # step from its least to its greatest weight, said on screen wherever it is in force.
    attention_scale: str = "absolute"
    attention_style: str = "dimmed"  # a veil over what is not looked at; or 'colours' over what is
    attention_smooth: bool = True  # interpolated between the cells’ centres, or the cells as they are
    attention_opacity: float = 0.55  # from 0 to 1
    attention_colour_map: str = "inferno"
    sequential_colour_map: str = "viridis"  # signed channels have a diverging map that fits the theme
    show_region: bool = True  # the outline of the part of the picture that the model saw
    candidates_logarithmic: bool = False  # bars as long as the logarithm: what is unlikely can be seen beside what is sure
    # By a channel's name, where it was chosen for that one's track.
    track_colour_maps: dict[str, str] = msgspec.field(default_factory=dict)
    # By a channel's name, the ends of its scale in the tracks, where they are not the model's own.
    track_ranges: dict[str, tuple[float, float]] = msgspec.field(default_factory=dict)
    # How the rows of heat maps are sorted (a key of `unrolled.models.analysis.unit_order.ORDERS`), and by which channel;
    # empty by index.
    unit_order: tuple[str, str] = ("", "")


class Appearance:
    """The current `AppearanceValues`, with a signal."""

    changed = Signal()

    def __init__(self, values: AppearanceValues | None = None) -> None:
        self.values = values or AppearanceValues()

    def update(self, **changes: Any) -> None:
        """Change some fields; a signal is sent if anything differs."""
        self.replace(msgspec.structs.replace(self.values, **changes))

    def replace(self, values: AppearanceValues) -> None:
        if values != self.values:
            self.values = values
            self.changed.emit()
