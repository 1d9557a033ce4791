"""What a track's menu offers beside copying and saving: zoom, colours, scale, and the order of its units."""

from __future__ import annotations

from functools import partial

import numpy as np
from PySide6.QtCore import QSize
from PySide6.QtGui import QActionGroup, QIcon, QPixmap
from PySide6.QtWidgets import QMenu, QWidget

from unrolled.models.analysis.unit_order import ORDERS
from unrolled.models.trace import Channel, Trace
from unrolled.viewer.plotting.colour_map_button import swatch, title
from unrolled.viewer.state.appearance import Appearance
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.colour_maps import DIVERGING, SEQUENTIAL
from unrolled.viewer.widgets.range_dialog import RangeDialog

ZOOM_A_PRESS = 0.7


def add_zooms(menu: QMenu, session: Session) -> None:
    """Zoom around the playhead where it is in sight, else around the middle."""
    axis = session.time_axis
    around = session.playhead.step + 0.5
    if not axis.start <= around <= axis.stop:
        around = (axis.start + axis.stop) / 2
    menu.addAction("Zoom in").triggered.connect(lambda: axis.zoom(ZOOM_A_PRESS, around))
    menu.addAction("Zoom out").triggered.connect(lambda: axis.zoom(1 / ZOOM_A_PRESS, around))
    menu.addAction("Show the whole run").triggered.connect(axis.reset)


def add_colour_maps(menu: QMenu, appearance: Appearance, channel: Channel, used: str) -> None:
    """The maps that fit the channel; the first of them means the one that all tracks have."""
    maps, group = menu.addMenu("Colour map"), QActionGroup(menu)
    own = appearance.values.track_colour_maps
    choices: list[tuple[str, str | None]] = [("As all tracks", None)]
    choices += [(title(name), name) for name in (DIVERGING if channel.signed else SEQUENTIAL)]
    for text, name in choices:
        action = maps.addAction(text)
        action.setCheckable(True)
        action.setChecked(name == own.get(channel.name))
        action.setActionGroup(group)
        if name is not None:
            action.setIcon(QIcon(QPixmap.fromImage(swatch(name).scaled(QSize(48, 12)))))
            action.setIconVisibleInMenu(True)
        action.triggered.connect(partial(_choose_map, appearance, channel.name, name))


def _choose_map(appearance: Appearance, channel: str, name: str | None, _: bool = False) -> None:
    others = {key: value for key, value in appearance.values.track_colour_maps.items() if key != channel}
    appearance.update(track_colour_maps=others if name is None else {**others, channel: name})


def add_ranges(menu: QMenu, parent: QWidget, session: Session, channel: Channel, trace: Trace | None) -> None:
    """The scale that the model gives, one that fits what is shown, or one that is typed."""
    appearance = session.appearance
    used = appearance.values.track_ranges.get(channel.name)
    ranges = menu.addMenu("Scale")
    fixed = ranges.addAction(f"Fixed: {channel.low:g} to {channel.high:g}")
    fixed.setCheckable(True)
    fixed.setChecked(used is None)
    fixed.triggered.connect(lambda: set_range(appearance, channel, None))
    fitting = _extent(session, channel, trace)
    if fitting is not None:
        fit = ranges.addAction(f"Fit what is shown: {fitting[0]:.4g} to {fitting[1]:.4g}")
        fit.triggered.connect(lambda: set_range(appearance, channel, fitting))
    typed = ranges.addAction("Other…" if used is None else f"Other: {used[0]:g} to {used[1]:g}…")
    typed.setCheckable(used is not None)
    typed.setChecked(used is not None)
    typed.triggered.connect(lambda: RangeDialog.ask(parent, f"Scale of {channel.title}", used or (channel.low, channel.high),
                                                    lambda found: set_range(appearance, channel, found)))


def set_range(appearance: Appearance, channel: Channel, ends: tuple[float, float] | None) -> None:
    """Draw a channel on another scale; without one on its own."""
    others = {key: value for key, value in appearance.values.track_ranges.items() if key != channel.name}
    own = ends is None or ends == (channel.low, channel.high)
    appearance.update(track_ranges=others if own or ends is None else {**others, channel.name: ends})


def _extent(session: Session, channel: Channel, trace: Trace | None) -> tuple[float, float] | None:
    if trace is None or channel.name not in trace.channels:
        return None
    axis = session.time_axis
    values = trace.column(channel.name)[max(int(axis.start), 0) : int(np.ceil(axis.stop))]
    values = values[np.isfinite(values)]
    return (float(values.min()), float(values.max())) if values.size and values.min() < values.max() else None


def add_unit_orders(menu: QMenu, appearance: Appearance, channel: Channel) -> None:
    """How the rows of all heat maps are sorted, by the values of this one."""
    orders, group = menu.addMenu("Sort units"), QActionGroup(menu)
    for name, text in {"": "By index", **{name: order.title for name, order in ORDERS.items()}}.items():
        action = orders.addAction(text if not name else f"{text} of {channel.title}")
        action.setCheckable(True)
        action.setChecked(appearance.values.unit_order == ((name, channel.name) if name else ("", "")))
        action.setActionGroup(group)
        action.triggered.connect(partial(_choose_order, appearance, name, channel.name if name else ""))


def _choose_order(appearance: Appearance, name: str, channel: str, _: bool = False) -> None:
    appearance.update(unit_order=(name, channel))
