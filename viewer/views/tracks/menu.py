"""What a track's menu offers beside copying and saving: zoom, colours, scale, and the order of its units."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtWidgets import QMenu

from unrolled.models.analysis.unit_order import ORDERS
from unrolled.models.trace import Channel
from unrolled.models.trace.numbers import general
from unrolled.viewer.state.commands import ChangeAppearance, Do, ShowWholeRun, ZoomSteps
from unrolled.viewer.theme.colour_maps import DIVERGING, SEQUENTIAL
from unrolled.viewer.widgets import colour_map_button
from unrolled.viewer.widgets.range_dialog import RangeDialog

if TYPE_CHECKING:
    from unrolled.viewer.views.tracks.track import Track

ZOOM_A_PRESS = 0.7


def add_zooms(menu: QMenu, do: Do) -> None:
    menu.addAction("Zoom in", lambda: do(ZoomSteps(ZOOM_A_PRESS)))
    menu.addAction("Zoom out", lambda: do(ZoomSteps(1 / ZOOM_A_PRESS)))
    menu.addAction("Show the whole run", lambda: do(ShowWholeRun()))


def add_colour_maps(menu: QMenu, track: "Track", channel: Channel) -> None:
    """The maps that fit the channel; the first choice is the one that all tracks have."""
    own = track.session.appearance.values.track_colour_maps

    def choose(name: str) -> None:
        track.do(ChangeAppearance({"track_colour_maps": _without(own, channel.name) | ({channel.name: name} if name else {})}))

    colour_map_button.add_colour_maps(menu.addMenu("Colour map"), DIVERGING if channel.signed else SEQUENTIAL,
                                      own.get(channel.name, ""), choose, none="As in all tracks")


def add_ranges(menu: QMenu, track: "Track", channel: Channel) -> None:
    """The scale that the model gives, one that fits what is shown, or one that is typed."""
    used = track.session.appearance.values.track_ranges.get(channel.name)
    ranges = menu.addMenu("Scale")
    fixed = ranges.addAction(f"Fixed: {general(channel.low)} to {general(channel.high)}")
    fixed.setCheckable(True)
    fixed.setChecked(used is None)
    fixed.triggered.connect(lambda: set_range(track, channel, None))
    fitting = _extent(track, channel)
    if fitting is not None:
        fit = ranges.addAction(f"Fit to what is shown: {general(fitting[0], 4)} to {general(fitting[1], 4)}")
        fit.triggered.connect(lambda: set_range(track, channel, fitting))
    typed = ranges.addAction("Other…" if used is None else f"Other: {general(used[0])} to {general(used[1])}…")
    typed.setCheckable(used is not None)
    typed.setChecked(used is not None)
    typed.triggered.connect(lambda: RangeDialog.ask(track, f"Scale of {channel.title}", used or (channel.low, channel.high),
                                                    lambda found: set_range(track, channel, found)))


def set_range(track: "Track", channel: Channel, ends: tuple[float, float] | None) -> None:
    """Draw a channel on another scale; without one on its own."""
    others = _without(track.session.appearance.values.track_ranges, channel.name)
    own = ends is None or ends == (channel.low, channel.high)
    track.do(ChangeAppearance({"track_ranges": others if own else {**others, channel.name: ends}}))


def _without(choices: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in choices.items() if key != name}


def _extent(track: "Track", channel: Channel) -> tuple[float, float] | None:
    trace, axis = track.trace, track.session.time_axis
    if trace is None or channel.name not in trace.channels:
        return None
    values = trace.column(channel.name)[max(int(axis.start), 0) : int(np.ceil(axis.stop))]
    values = values[np.isfinite(values)]
    return (float(values.min()), float(values.max())) if values.size and values.min() < values.max() else None


def add_unit_orders(menu: QMenu, track: "Track", channel: Channel) -> None:
    """How the rows of all heat maps are sorted, by the values of this one."""
    titles = {(name, channel.name): f"{order.title} of {channel.title}".replace("&", "&&") for name, order in ORDERS.items()}
    colour_map_button.add_choices(menu.addMenu("Sort units"), {("", ""): "By index", **titles},
                                  track.session.appearance.values.unit_order,
                                  lambda choice: track.do(ChangeAppearance({"unit_order": choice})))
