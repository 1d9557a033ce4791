"""The photograph with the attention of the current step, its legend and its switches.

A note for the heading reads out the cell under the pointer.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QMenu, QWidget

from unrolled.models.inputs.inputs import InputPicture
from unrolled.models.trace import Channel
from unrolled.models.trace.numbers import precise
from unrolled.models.trace.slices import base_name, whole_title
from unrolled.viewer.drawing.overlay import WHOLE, overlay, photograph, signed_overlay, veil_of
from unrolled.viewer.plotting.context_menu import attach
from unrolled.viewer.plotting.table import grid_table
from unrolled.viewer.state.commands import Paint
from unrolled.viewer.state.wording import weight_percent
from unrolled.viewer.theme.attention_colours import attention_limits, uniform_level
from unrolled.viewer.views.picture.canvas import PictureCanvas
from unrolled.viewer.views.picture.comparison import OtherPicture
from unrolled.viewer.views.picture.controls import PictureControls
from unrolled.viewer.views.picture.overlay_maps import MEANINGS, TITLES, OverlayMap, offered, overlay_map
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.attention_legend import AttentionLegend
from unrolled.viewer.widgets.building import in_column, in_row, keep_room

AXES = ("row", "column")
ROOM_FOR_SWITCHES = 140  # pixels; a lower panel is the picture's, and the menus and keys have what the switches do


def map_channels(channels: Iterable[Channel]) -> tuple[Channel, ...]:
    """The channels that are a map over the picture."""
    return tuple(channel for channel in channels if channel.axes == AXES)


class PictureView(View):
    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx, name="Photograph")
        session, theme = ctx.session, ctx.theme
        self._picture: InputPicture | None = None
        self._channels: tuple[Channel, ...] = ()
        self._channel: Channel | None = None
        self._drawn: tuple[object, ...] = ()
        self._source = ""  # what is drawn in place of a channel: one of TITLES
        self._offered: dict[str, str] = {}
        self.canvas = PictureCanvas(theme)
        self.canvas.setAccessibleName("Photograph")
        attach(self.canvas, lambda: f"{self.title_over} with attention", table=lambda: grid_table(self.canvas.shown_map),
               fill=self._fill_menu, offered=lambda: session.brush.mode == "off")
        self.legend = AttentionLegend(theme)
        keep_room(self.legend)  # the photograph stays where it is when a model arrives
        self.controls = PictureControls(ctx)
        self.other = OtherPicture(session, theme)
        layout = in_column(self, (in_row(None, (self.canvas, 1), (self.other, 1), spacing=8), 1), spacing=4)
        self._below = QWidget()
        what = in_row(None, (self.legend, 1), self.controls.channel, spacing=8)
        in_column(self._below, what, self.controls, spacing=2)
        layout.addWidget(self._below)
        self.canvas.cell_hovered.connect(lambda _: self._read_out())
        self.canvas.painted.connect(self._painted)
        self.controls.channel.activated.connect(self._channel_picked)
        session.run_changed.connect(lambda: self._offered.clear())
        self.refresh()

    def _fill_menu(self, menu: QMenu) -> None:
        self.controls.colour_map.add_to(menu)
        self.canvas.magnifier.add_to(menu)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.controls.setHidden(self.height() < ROOM_FOR_SWITCHES)

    def refresh(self) -> None:
        session, values = self.session, self.session.appearance.values
        self._show_picture(session.playhead.step)
        self.other.seek(session.playhead.step)
        self._below.setVisible(self._picture is not None)
        trace, channels = session.trace, map_channels(session.channels)
        if channels != self._channels or (self._channel is None and channels):
            self._channels = channels
            name = "" if self._channel is None else base_name(self._channel.name)
            self._channel = next((own for own in channels if base_name(own.name) == name), channels[0] if channels else None)
        self._offer_maps(channels)
        self.canvas.set_region(WHOLE if trace is None else trace.provenance.region, shown=values.show_region)
        self.controls.refresh()
        columns = self._channel.shape[1] if self._channel is not None else 1
        self.canvas.set_painting(
            session.brush.mode if self._channel is not None else "off",
            {divmod(place, columns): weight for place, weight in session.brush.weights.items()},
        )
        self._draw(session.playhead.step)

    def seek(self, step: int) -> None:
        self._show_picture(step)
        self.other.seek(step)
        self._draw(step)

    def _draw(self, step: int) -> None:
        trace, channel, values = self.session.trace, self._channel, self.session.appearance.values
        there = trace is not None and channel is not None and self._picture is not None and 0 <= step < len(trace)
        weights = trace.column(channel.name)[step] if there and trace is not None and channel is not None else None
        found = None
        if self._source and there and channel is not None:
            found = overlay_map(self.session, self._source, step, channel.shape, do=self.do if self.isVisible() else None)
            weights = found.values
        label = self._label(found, step)
        bits = None if weights is None else weights.tobytes()
        drawn = (bits, values, self._source, found and found.largest, label)
        if drawn == self._drawn:
            self._read_out()
            return
        self._drawn = drawn
        if weights is None:
            colours = None
        elif found is not None:
            colours = signed_overlay(weights, values, largest=found.largest)
        else:
            colours = overlay(weights, values)
        veil = veil_of(values) if weights is not None and found is None else 0.0
        self.canvas.set_map(weights, colours, smooth=values.attention_smooth, veil=veil)
        if found is not None:
            self._show_legend()
            self.legend.set_signed(largest=found.largest, title=MEANINGS[self._source],
                                   opacity=values.attention_opacity, stretched=values.attention_scale == "stretched")
        else:
            self._set_legend(weights)
        self.canvas.set_label(label)
        self._read_out()

    def _label(self, found: OverlayMap | None, step: int) -> str:
        """What is written on the picture: another picture's name, and what lies over it where that is not usual."""
        given, lines = self.session.input_at(step), []
        if self.other.isVisibleTo(self):
            lines.append("A")
        if given is not self.session.input and self._picture is not None:
            lines.append(f"Swapped for “{self._picture.name}”")
        if found is not None:
            lines.append(found.label)
        elif self.session.appearance.values.attention_scale == "stretched" and self._channels:
            lines.append("Stretched: each step on its own scale")
        return "\n".join(lines)

    def _offer_maps(self, channels: tuple[Channel, ...]) -> None:
        """The attention; beside it what was computed on demand, from then on as long as the run is the same."""
        titles = {channel.name: whole_title(channel) for channel in channels}  # the layer and head have a panel
        if channels:
            self._offered |= offered(self.session)
            titles |= {name: title for name, title in TITLES.items() if name in self._offered}
        if self._source not in titles:
            self._source = ""
        self.controls.set_channels(titles)

    def _show_picture(self, step: int) -> None:
        """The photograph, or what an edit swapped it for at this step."""
        given = self.session.input_at(step)
        picture = given if isinstance(given, InputPicture) else self.session.picture
        if picture is not self._picture:
            self._picture = picture
            self.canvas.set_photo(None if picture is None else photograph(picture.pixels))

    def _painted(self, row: int, column: int, erase: bool) -> None:
        if self._channel is not None:
            self.do(Paint(row * self._channel.shape[1] + column, erase))

    def _set_legend(self, weights: npt.NDArray[np.float32] | None) -> None:
        values, channel = self.session.appearance.values, self._channel
        self._show_legend()
        if channel is None:
            return
        uniform = uniform_level(channel.size)
        scale = values.attention_scale if weights is not None else "absolute"
        low, high = attention_limits(weights if weights is not None else np.full(channel.shape, uniform, np.float32), scale)
        self.legend.set_scale(
            low=low,
            high=high,
            uniform=uniform,
            colour_map=values.attention_colour_map,
            opacity=values.attention_opacity,
            style=values.attention_style,
            stretched=scale == "stretched",
        )

    def _show_legend(self) -> None:
        shown = self._channel is not None
        if self.legend.isHidden() == shown:
            self.legend.setVisible(shown)

    def _read_out(self) -> None:
        text = self._cell_text() or self._region_text()
        self.canvas.setAccessibleDescription(text)
        self.set_note(text)

    def _cell_text(self) -> str:
        cell, weights = self.canvas.cell, self.canvas.shown_map
        if cell is None or weights is None or cell[0] >= weights.shape[0] or cell[1] >= weights.shape[1]:
            return ""
        weight = float(weights[cell])
        if self._source:
            return f"row {cell[0] + 1}, column {cell[1] + 1}:  {precise(weight)}"
        return (
            f"row {cell[0] + 1}, column {cell[1] + 1}:  {weight_percent(weight)}  =  "
            f"{weight * weights.size:.1f} × uniform"
        )

    def _region_text(self) -> str:
        trace, description = self.session.trace, self.session.description
        if self.session.input is None and self._picture is not None:
            return "saved without its picture"
        if self._picture is None or description is None or min(description.input_size) <= 0:
            return ""
        height, width = description.input_size
        region = WHOLE if trace is None else trace.provenance.region
        what = "all of it" if region == WHOLE else "the outlined part"
        return f"model sees {what} at {width} × {height}"

    def _channel_picked(self, index: int) -> None:
        name = self.controls.channel.itemData(index)
        self._source = name if name in TITLES else ""
        self._channel = next((channel for channel in self._channels if channel.name == name), self._channel)
        self._drawn = ()
        self.refresh()
