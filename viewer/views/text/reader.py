"""The text that a character model reads and writes, coloured by a unit, and the units that follow a property of it.

The colour of a character is the unit's value in the state that the model predicted it with, before it was read.
"""

import sys
import time

import numpy as np
from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QSizePolicy, QSpinBox

from unrolled.models.analysis.ranking import Ranking
from unrolled.models.analysis.text_properties import PROPERTIES
from unrolled.models.store.layout import StoreError
from unrolled.models.trace import Channel, FloatArray, Trace
from unrolled.models.trace.detokenization import shown
from unrolled.models.trace.numbers import signed
from unrolled.viewer.plotting.context_menu import FocusRing, attach
from unrolled.viewer.plotting.table import Table, steps_table
from unrolled.viewer.state.commands import Pin, Seek
from unrolled.viewer.state.playhead import NOWHERE
from unrolled.viewer.state.wording import sign_of
from unrolled.viewer.theme.colour_maps import TABLE_SIZE, colour_table
from unrolled.viewer.theme.fonts import mono_font
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.views.text.reader_view import STRENGTH, Places, ReaderText
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.building import in_row, muted_label, named
from unrolled.viewer.widgets.combo_box import ComboBox
from unrolled.viewer.widgets.row_model import PickList

UNIT_WIDTH = 66
EMPTY = "The text appears here, each character coloured by a unit’s activation."
PART_SECONDS = 0.005
RANKED = 24
LIST_HEIGHT = 118


class ReaderView(View):
    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx, name="Reader")
        theme = ctx.theme
        self._trace: Trace | None = None
        self._known = 0
        self._coloured: object = None
        self._hover = NOWHERE
        self._channels: tuple[Channel, ...] = ()
        self._ranking: Ranking | None = None
        self._ranked_for: object = None
        self.view = ReaderText(theme)
        FocusRing(self.view)
        attach(self.view, "Text coloured by a unit", table=self._table, fill=self.view.zoom.add_to)
        self.channel = named(ComboBox(), "Channel that colours the text", "Which quantity colours the text")
        self.unit = named(QSpinBox(), "Unit that colours the text", "Which unit colours the text; the one pinned last does too")
        self.unit.setFixedWidth(UNIT_WIDTH)
        self.followed = named(ComboBox(), "Property of the text that units are ranked by",
                              "Rank the units by their correlation with this, over all characters")
        self.followed.offer([("", "Rank by …"), *((name, name[0].upper() + name[1:]) for name in PROPERTIES)])
        self.ranked = PickList("Units by correlation")
        self.ranked.setFixedHeight(LIST_HEIGHT)
        self.ranked.hide()
        for picker in (self.channel, self.followed):
            picker.setMinimumWidth(1)
            picker.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        controls = in_row(None, muted_label("Colour"), (self.channel, 2), self.unit, (self.followed, 3), spacing=6)
        self.hold((self.view, 1), controls, self.ranked, spacing=6)
        self.view.step_wanted.connect(lambda step: self.do(Seek(step)))
        self.view.hovered.connect(self._hovered)
        self.channel.activated.connect(lambda _: self.refresh_wanted.emit())
        self.unit.valueChanged.connect(lambda unit: self.do(Pin(ctx.session.selection.with_last(unit))))
        self.followed.activated.connect(lambda _: self.refresh_wanted.emit())
        self.ranked.picked.connect(self._pin)
        self.refresh()

    @property
    def shown_channel(self) -> Channel | None:
        index = self.channel.currentIndex()
        return self._channels[index] if 0 <= index < len(self._channels) else None

    def _table(self) -> Table | None:
        """Every character with the value that colours it."""
        table, channel, trace = steps_table(self._trace), self.shown_channel, self._trace
        if table is None or trace is None or channel is None:
            return table
        values = trace.column(channel.name).reshape(len(trace), -1)
        unit = min(self.unit.value(), values.shape[1] - 1)
        return Table((*table.names, f"{channel.name}[{unit}]" if channel.shape else channel.name),
                     (*table.columns, values[:, unit]))

    @property
    def unfinished(self) -> bool:
        """Whether units are being ranked: a part a frame."""
        return self._ranking is not None and not self._ranking.finished

    def refresh(self) -> None:
        trace = self.session.trace
        if trace is None or trace.provenance.detokenization != "characters":
            trace = None
        if trace is not self._trace or (trace is not None and len(trace) < self._known):
            self._trace, self._known, self._coloured, self._ranked_for, self._ranking = trace, 0, None, None, None
            if self.session.searched_channel:
                self._channels = ()  # the one that was searched colours it
        self.say("" if trace is not None else EMPTY)
        if trace is None:
            return
        self._take_channels()
        if len(trace) != self._known:
            text = self.view.text[: self._known] + "".join(map(sign_of, trace.words[self._known :]))
            self._known = len(trace)
            self.view.set_text(text, trace.provenance.prompt_tokens)
        self.view.mark(self.session.framed_steps)
        self._follow_selection()
        self._colour(trace)
        self._rank(trace)
        self._say()

    def seek(self, step: int) -> None:
        if self._trace is not None and step != self.view.step:
            self.view.seek(step)
            self._say()

    def set_theme(self, theme: Theme) -> None:
        self.view.set_theme(theme)
        self._coloured = None
        super().set_theme(theme)

    def _take_channels(self) -> None:
        channels = tuple(channel for channel in self.session.channels if channel.axes == ("unit",))
        if channels != self._channels:
            self._channels = channels
            self.channel.offer(((own.name, f"{own.symbol}  {own.title}") for own in channels),
                               self.session.searched_channel or next((own.name for own in channels if own.role == "cell"), ""))
            self.unit.setRange(0, max(channels[0].size - 1, 0) if channels else 0)

    def _follow_selection(self) -> None:
        units = self.session.selection.units
        if units and units[-1] != self.unit.value():
            with QSignalBlocker(self.unit):
                self.unit.setValue(units[-1])

    def _colour(self, trace: Trace) -> None:
        channel = self.shown_channel
        if channel is None:
            return
        look = (channel.name, self.unit.value(), self.theme.name, self.session.appearance.values.sequential_colour_map)
        if look == self._coloured:
            return
        self._coloured = look
        unit, colour_map = min(self.unit.value(), channel.size - 1), self.theme.diverging if channel.signed else look[3]
        ground, *beyond = (_rgb(colour) for colour in (self.theme.panel, self.theme.below, self.theme.above))
        over = np.concatenate((colour_table(colour_map)[:, :3], beyond))
        scale = TABLE_SIZE / (channel.high - channel.low)

        def places(start: int, stop: int) -> Places:
            try:
                values: FloatArray = trace.column(channel.name)[start:stop, unit]
            except StoreError:
                sys.excepthook(*sys.exc_info())  # told as any fault; the text is there without its colours
                return np.full(stop - start, -1)
            found: Places = np.clip(np.nan_to_num((values - channel.low) * scale), 0, TABLE_SIZE - 1).astype(np.intp)
            found[values < channel.low], found[values > channel.high], found[np.isnan(values)] = TABLE_SIZE, TABLE_SIZE + 1, -1
            return found

        self.view.set_colours((ground + (over - ground) * STRENGTH).astype(np.uint8), places)

    def _rank(self, trace: Trace) -> None:
        name, channel = str(self.followed.currentData() or ""), self.shown_channel
        self.ranked.setVisible(bool(name))
        if not name or channel is None:
            self._ranking = self._ranked_for = None
            return
        wanted = (name, channel.name, len(trace))
        if wanted != self._ranked_for:
            self._ranked_for = wanted
            text = self.view.text
            self._ranking = Ranking(trace.column(channel.name), PROPERTIES[name](text))
        assert self._ranking is not None
        if self._ranking.progress < 1.0:
            end = time.perf_counter() + PART_SECONDS
            while not self._ranking.finished and time.perf_counter() < end:
                self._ranking.run_part()
            self._show_ranking(channel)

    def _show_ranking(self, channel: Channel) -> None:
        assert self._ranking is not None
        self.ranked.clear()
        if not self._ranking.finished:
            self.ranked.addItem(f"Comparing: {self._ranking.progress:.0%}")
            return
        for place, (unit, correlation) in enumerate(self._ranking.best(RANKED), 1):
            bar = "▮" * round(abs(correlation) * 20)
            line = f"{place:>2}   unit {unit:<4} {signed(correlation, 2):>6}   {bar}"
            self.ranked.add(line, unit, f"Colour the text by unit {unit} of {channel.title}, and pin it").setFont(mono_font(12))

    def _pin(self, unit: int | None) -> None:
        if unit is not None:  # which is there as soon as they are compared
            self.do(Pin((*(one for one in self.session.selection.units if one != unit), unit)))

    def _hovered(self, step: int) -> None:
        self._hover = step
        self._say()

    def _say(self) -> None:
        trace, channel = self._trace, self.shown_channel
        step = self._hover if self._hover != NOWHERE else self.view.step
        text = ""
        if trace is not None and channel is not None and 0 <= step < len(trace):
            value = float(trace.column(channel.name)[step, min(self.unit.value(), channel.size - 1)])
            what = "prompt" if step < trace.provenance.prompt_tokens else "generated"
            text = (f"{step + 1:,}  “{shown(sign_of(trace.words[step]), 'characters')}” {what}   "
                    f"{channel.symbol}[{self.unit.value()}] = {signed(value)}")
        self.view.setAccessibleDescription(text)
        self.set_note(text)


def _rgb(colour: str) -> FloatArray:
    return np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)], np.float32)
