"""The switches under the photograph: how attention is drawn over it."""

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QSlider, QWidget

from unrolled.viewer.state.commands import ChangeAppearance
from unrolled.viewer.theme.icons import icon
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.views.view import ViewContext
from unrolled.viewer.widgets.building import SWITCH_HEIGHT, SWITCH_ICON, keep_room, named, segment, switch
from unrolled.viewer.widgets.colour_map_button import ColourMapButton
from unrolled.viewer.widgets.combo_box import ComboBox
from unrolled.viewer.widgets.flow_layout import FlowLayout

CHANNEL_WIDTHS = 106, 200  # at the least and at the most: longer names are whole in the list


class PictureControls(QWidget):
    """A row of small controls that goes on in a second line where the column is narrow."""

    def __init__(self, ctx: ViewContext) -> None:
        super().__init__()
        self._session = ctx.session

        def update(**changes: str | bool | float) -> None:
            ctx.do(ChangeAppearance(changes))

        self.absolute = switch("Absolute", "One scale for every step and every picture (A)", "Absolute attention scale")
        self.stretched = switch("Stretched", "Each step from its least to its greatest weight (A)", "Stretched attention scale")
        self.smooth = switch("", "Smooth: interpolated between the cells’ centres (S)", "Smooth attention")
        self.cells = switch("", "Cells: as the model computes them (S)", "Attention as cells")
        self.dimmed = switch("", "Dim what the model does not look at; else colours lie over what it does (I)", "Dim the rest")
        self.region = switch("", "Outline the part of the picture that the model saw (O)", "Outline what the model saw")
        self._icons = {self.smooth: "smooth", self.cells: "cells", self.dimmed: "dim", self.region: "window-fit"}
        self.opacity = named(QSlider(Qt.Orientation.Horizontal), "Attention opacity in percent")
        self.opacity.setRange(0, 100)
        self.opacity.setPageStep(10)
        self.opacity.setFixedSize(44, SWITCH_HEIGHT)
        self.opacity.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.colour_map = ColourMapButton()
        self.colour_map.setFixedSize(32, SWITCH_HEIGHT)
        self.channel = named(ComboBox(), "Attention map", "Which map is drawn")
        self.channel.setSizeAdjustPolicy(ComboBox.SizeAdjustPolicy.AdjustToContents)
        self.channel.setFixedSize(CHANNEL_WIDTHS[0], SWITCH_HEIGHT + 2)
        self.channel.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        keep_room(self.channel)
        self.channel.hide()

        scale, grain = segment(self.absolute, self.stretched), segment(self.smooth, self.cells)
        self._of_attention = scale, grain, self.dimmed, self.opacity, self.colour_map
        FlowLayout(self, scale, grain, self.dimmed, self.region, self.opacity, self.colour_map, gap=4)
        self.absolute.clicked.connect(lambda: update(attention_scale="absolute"))
        self.stretched.clicked.connect(lambda: update(attention_scale="stretched"))
        self.smooth.clicked.connect(lambda: update(attention_smooth=True))
        self.cells.clicked.connect(lambda: update(attention_smooth=False))
        self.dimmed.toggled.connect(lambda on: update(attention_style="dimmed" if on else "colours"))
        self.region.toggled.connect(lambda on: update(show_region=on))
        self.opacity.valueChanged.connect(lambda value: update(attention_opacity=value / 100))
        self.colour_map.chosen.connect(lambda name: update(attention_colour_map=name))
        self.set_theme(ctx.theme)
        self.refresh()

    def refresh(self) -> None:
        values = self._session.appearance.values
        absolute = values.attention_scale == "absolute"
        for button, on in ((self.absolute, absolute), (self.stretched, not absolute),
                           (self.smooth, values.attention_smooth), (self.cells, not values.attention_smooth),
                           (self.dimmed, values.attention_style == "dimmed"), (self.region, values.show_region)):
            if button.isChecked() != on:
                with QSignalBlocker(button):
                    button.setChecked(on)
                button.update()
        percent = round(values.attention_opacity * 100)
        if self.opacity.value() != percent or not self.opacity.toolTip():
            with QSignalBlocker(self.opacity):
                self.opacity.setValue(percent)
            self.opacity.setToolTip(f"How strongly attention covers the photograph: {percent}% ([ and ])")
            self.opacity.update()
        self.colour_map.set_name(values.attention_colour_map)
        self.colour_map.setEnabled(values.attention_style == "colours")

    def set_channels(self, titles: dict[str, str]) -> None:
        """The maps that can be drawn, titles by name; the picker keeps its place while there is one alone."""
        self.channel.offer((name, title[:1].upper() + title[1:]) for name, title in titles.items())
        self.channel.setFixedWidth(min(max(self.channel.sizeHint().width(), CHANNEL_WIDTHS[0]), CHANNEL_WIDTHS[1]))
        self.channel.setVisible(bool(titles))
        self.channel.setEnabled(len(titles) > 1)
        looks = bool(titles) or self._session.description is None
        for part in self._of_attention:
            part.setVisible(looks)

    def set_theme(self, theme: Theme) -> None:
        for button, name in self._icons.items():
            button.setIcon(icon(name, theme, size=SWITCH_ICON))
