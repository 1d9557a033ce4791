"""All heads of all layers at once: of a picture where each looks at this step, of words a table of the whole run."""

import time

import numpy as np
from PySide6.QtWidgets import QSizePolicy

from unrolled.models.trace import Channel, FloatArray, Trace
from unrolled.models.trace.edits import SwitchHeadsOff, has_heads
from unrolled.models.trace.places import place_words
from unrolled.models.trace.rollout import SELF
from unrolled.models.trace.slices import MEAN, ROLLOUT, slice_name
from unrolled.viewer.plotting.context_menu import attach
from unrolled.viewer.plotting.table import Table, steps_table
from unrolled.viewer.state.beginning import empty_text
from unrolled.viewer.state.commands import ApplyEdit, LookAt
from unrolled.viewer.state.wording import percent, shown
from unrolled.viewer.theme.attention_colours import attention_limits
from unrolled.viewer.views.heads.tiles import HeadTiles
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.building import in_row, muted_label, named, push_button, scrolled
from unrolled.viewer.widgets.combo_box import ComboBox

EMPTY = "Where every head of every layer attends."
A_WHILE = 0.4  # seconds between two pictures of a run that grows: there may be hundreds of tiles
OFF_HINT = "On a new branch, from this step on: the head’s attention adds nothing"
PICTURE = ("row", "column")


class HeadsView(View):
    """Small multiples of attention; a click chooses the layer and the head that all views look at."""

    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx, name="Heads")
        self._channel: Channel | None = None
        self._drawn: tuple[object, ...] = ()
        self._drawn_at = 0.0
        self._late = False  # whether what is drawn is that of a moment ago, of a run that grows
        self.picker = named(ComboBox(sizeAdjustPolicy=ComboBox.SizeAdjustPolicy.AdjustToContents), "Attention",
                            "Which attention is drawn")
        self.picker.activated.connect(lambda _: self.refresh())
        self.off = push_button("Switch off", OFF_HINT, self._switch_off, name="Switch this head off")
        self.off.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.meaning = muted_label(wrapped=True)
        self.tiles = HeadTiles(ctx.theme)
        self.tiles.clicked.connect(self._clicked)
        self.tiles.text_of = self._text
        attach(self.tiles, "Attention of every layer and head", table=self._table, fill=self.tiles.zoom.add_to)
        area = scrolled(self.tiles, sideways=True)
        self.hold(in_row(None, (self.picker, 1), self.off, spacing=8), self.meaning, (area, 1), spacing=6)
        self.refresh()

    @property
    def unfinished(self) -> bool:
        return self._late and self.isVisible()

    @property
    def columns(self) -> tuple[str, ...]:
        """What each column is: a head's number, the mean, the rollout."""
        channel, trace = self._channel, self.session.trace
        if channel is None or trace is None:
            return ()
        more = (MEAN, ROLLOUT) if SELF in trace.channels else (MEAN,)
        return (*(str(head) for head in range(channel.shape[1])), *more)

    def refresh(self) -> None:
        trace = self.session.trace
        channels = [own for own in trace.channels.values() if has_heads(own)] if trace is not None and len(trace) else []
        if not channels or trace is None:
            self._channel, self._drawn = None, ()
            self.say(empty_text(self.session, EMPTY))
            return
        self.say("")
        self.picker.offer((own.name, own.title.capitalize()) for own in channels)
        self._channel = next(own for own in channels if own.name == self.picker.currentData())
        self._draw(self.session.playhead.step)

    def seek(self, step: int) -> None:
        if self._channel is not None:
            self._draw(step)

    def _draw(self, step: int) -> None:
        trace, channel, session = self.session.trace, self._channel, self.session
        if trace is None or channel is None or not self.isVisible():
            return
        over_picture, values = channel.axes[2:] == PICTURE, session.appearance.values
        step = min(max(step, 0), len(trace) - 1)
        state = (trace, len(trace), channel, step if over_picture else -1, values.attention_scale, values.attention_colour_map)
        now = time.perf_counter()
        grows = state[:1] + state[2:] == self._drawn[:1] + self._drawn[2:]  # nothing but its length is another
        self._late = state != self._drawn and grows and now - self._drawn_at < A_WHILE
        if state != self._drawn and not self._late:
            self._drawn, self._drawn_at = state, now
            tiles = [[self._values(trace, channel, layer, head, step) for head in self.columns]
                     for layer in range(channel.shape[0])]
            fitted, scale = over_picture or values.attention_scale == "stretched", values.attention_scale
            limits = [[attention_limits(own, scale) if fitted else (0.0, 1.0) for own in row] for row in tiles]
            self.tiles.set_tiles(tiles, [_title(head) for head in self.columns], limits=limits,
                                 colour_map=values.attention_colour_map)
            rows = "written" if trace.provenance.words_chosen else "read"
            self.meaning.setText("at this step" if over_picture else f"rows: what was {rows}; columns: what it attends to")
        at = session.selection.at
        layer = min(int(at.get("layer", channel.shape[0] - 1)), channel.shape[0] - 1)
        head = at.get("head", MEAN)
        column = self.columns.index(head) if head in self.columns else self.columns.index(MEAN)
        self.tiles.set_chosen((layer, column), -1.0 if over_picture else float(step))
        self.off.setEnabled(session.can_change and self.columns[column].isdecimal())

    def _values(self, trace: Trace, channel: Channel, layer: int, head: str, step: int) -> FloatArray:
        """A tile's table: a picture's rows and columns, or written words by what they attend to."""
        found = trace.column(slice_name(channel.name, layer=layer, head=head))
        if channel.axes[2:] == PICTURE:
            found = found[step]
        return found[:, : len(trace)] if channel.axes[2:] == ("key",) else found

    def _text(self, layer: int, column: int) -> str:
        trace, channel, step = self.session.trace, self._channel, self.session.playhead.step
        if trace is None or channel is None or not 0 <= step < len(trace):
            return ""
        head = self.columns[column]
        weights = trace.column(slice_name(channel.name, layer=layer, head=head))[step].ravel()
        best = int(np.nanargmax(weights)) if np.isfinite(weights).any() else 0
        named = f"head {_title(head)}" if head.isdecimal() else head
        return f"layer {layer + 1}, {named}: most on {self._name(trace, channel, best)}, {percent(float(weights[best]))}"

    def _name(self, trace: Trace, channel: Channel, place: int) -> str:
        if channel.axes[2:] == PICTURE:
            row, column = divmod(place, channel.shape[3])
            return f"row {row + 1}, column {column + 1}"
        words = place_words(trace, channel.axes[2:])
        return f"“{shown(words[place], trace.provenance.detokenization)}”" if place < len(words) else f"place {place + 1}"

    def _table(self) -> Table | None:
        return steps_table(self.session.trace, (self._channel.name,)) if self._channel is not None else None

    def _clicked(self, row: int, column: int) -> None:
        self.do(LookAt("layer", str(row)))
        self.do(LookAt("head", self.columns[column]))

    def _switch_off(self) -> None:
        if self._channel is not None and self.tiles.chosen is not None:
            layer, column = self.tiles.chosen
            self.do(ApplyEdit(SwitchHeadsOff(channel=self._channel.name, layer=layer, heads=(int(self.columns[column]),),
                                             first=max(self.session.playhead.step, 0))))


def _title(head: str) -> str:
    """Heads are counted from 1 here, as steps are."""
    return str(int(head) + 1) if head.isdecimal() else head
