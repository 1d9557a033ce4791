"""Which words each written word looked at: the sentence lit up at the playhead, and a matrix that grows with it.

For every run with a channel over the axis ``source``, or ``key``, which are the words read and written before. A note for
the heading reads out what is under the pointer.
"""

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QMenu

from unrolled.models.trace import Channel, Trace
from unrolled.models.trace.places import place_words
from unrolled.models.trace.slices import base_name, whole_title
from unrolled.viewer.drawing.alignment_rows import AlignmentRows, row_limits, whole_word, written_label
from unrolled.viewer.plotting.context_menu import attach
from unrolled.viewer.plotting.table import Table, steps_table
from unrolled.viewer.state.beginning import empty_text, input_kind
from unrolled.viewer.state.commands import ChangeAppearance, Paint, Seek
from unrolled.viewer.state.wording import weight_percent
from unrolled.viewer.theme.attention_colours import uniform_level
from unrolled.viewer.views.alignment.canvas import NOWHERE as NO_CELL
from unrolled.viewer.views.alignment.canvas import AlignmentCanvas, AlignmentWidget, Cell
from unrolled.viewer.views.alignment.source_words import LINE, SourceWords
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.attention_legend import AttentionLegend
from unrolled.viewer.widgets.building import in_row, named, own_ground, scrolled, segment, switch
from unrolled.viewer.widgets.colour_map_button import ColourMapButton
from unrolled.viewer.widgets.combo_box import ComboBox

MOST_LINES = 3  # of the source sentence; a longer one scrolls
AXES = (("source",), ("key",))
ROOM_FOR_SENTENCE = 260  # pixels; in a lower panel the words over the matrix are lit up alone
ROOM_FOR_LINES = 110  # pixels of the panel's height for each of them
ROOM_FOR_SCALES = 420  # pixels of its width, where there is a choice of channels; in a narrower one the menu and its key have it
LEAST_PICKER = 110
EMPTY = "Which source words each output {} attends to appears here."
EMPTY_SELF = "Which earlier {0}s each {0} attends to appears here."  # where there is no source to attend to


class AlignmentView(View):
    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx, name="Alignment of output words with source words")
        session, theme = ctx.session, ctx.theme
        self.chosen: int | None = None  # the source word that a person follows
        self._channel_name = ""
        self._rows: AlignmentRows | None = None
        self._of: Trace | None = None
        self._names: tuple[str, ...] = ()  # of what is looked at, as it was written,
        self._source: tuple[str, ...] = ()  # and as people read it
        self._written: tuple[str, ...] = ()
        self._cell: Cell = NO_CELL
        self._brush_mode = "off"
        self.words = SourceWords(theme)
        self._scroll = scrolled(self.words)
        own_ground(self.words)
        self.canvas = AlignmentCanvas(theme)
        attach(self.words, "Source words with attention", table=self._table, fill=lambda menu: self.colour_map.add_to(menu),
               offered=lambda: session.brush.mode == "off")
        attach(self.canvas, lambda: self.title_over, table=self._table, fill=self._fill_menu,
               offered=lambda: session.brush.mode == "off")
        self.legend = AttentionLegend(theme)

        def update(**changes: str | bool | float) -> None:
            self.do(ChangeAppearance(changes))

        self.absolute = switch("Absolute", "From 0 to 1 at every step and in every sentence (A)", "Absolute attention scale")
        self.stretched = switch("Stretched", "Each step from its least to its greatest weight (A)",
                                "Stretched attention scale")
        self.absolute.clicked.connect(lambda: update(attention_scale="absolute"))
        self.stretched.clicked.connect(lambda: update(attention_scale="stretched"))
        self.colour_map = ColourMapButton()
        self.colour_map.setFixedSize(36, 26)
        self.colour_map.chosen.connect(lambda name: update(attention_colour_map=name))
        self.picker = named(ComboBox(), "Attention channel", "Which attention is drawn")
        self.picker.activated.connect(self._pick)
        self.picker.setMinimumWidth(LEAST_PICKER)
        self.picker.hide()
        self._scales = segment(self.absolute, self.stretched)
        controls = in_row(None, self._scales, (self.picker, 1), self.colour_map, (self.legend, 1), spacing=4)
        self.hold(self._scroll, (self.canvas, 1), controls, spacing=5)
        self.canvas.pointed.connect(self._point)
        self.canvas.row_clicked.connect(lambda row: self.do(Seek(row)))
        self.canvas.column_clicked.connect(self._word_clicked)
        self.canvas.moved.connect(lambda by: self.do(Seek(session.playhead.step + by)))
        self.canvas.walked.connect(self._walk)
        self.canvas.cleared.connect(lambda: self._choose(None))
        self.words.pointed.connect(lambda word: self._point((None, word)))
        self.words.clicked.connect(self._word_clicked)
        self.refresh()

    def _table(self) -> Table | None:
        return steps_table(self._of, (self._rows.channel.name,)) if self._rows is not None else None

    def _fill_menu(self, menu: QMenu) -> None:
        self.canvas.magnifier.add_to(menu)
        self.colour_map.add_to(menu)

    def _word_clicked(self, word: int) -> None:
        """Choose a word; with a brush in hand, paint on it or wipe it."""
        brush = self.session.brush
        if brush.mode == "off":
            self.choose(word)
        else:
            self.do(Paint(word, word in brush.weights))

    def refresh(self) -> None:
        trace, values = self.session.trace, self.session.appearance.values
        channel = self._find_channel(trace)
        if trace is None or channel is None:
            self._rows, self._of = None, None
            self.say(empty_text(self.session, EMPTY if input_kind(self.session) == "sentence" else EMPTY_SELF))
            self._say("")
            return
        if (trace is not self._of or self._rows is None or self._rows.channel != channel
                or self._rows.scale != values.attention_scale):
            if trace is not self._of:
                self._written, self._cell = (), NO_CELL
            self._of, self._rows = trace, AlignmentRows(channel, values.attention_scale)
        self._take_source(trace, channel)
        if self._rows.follow(trace) or len(self._written) != len(trace):
            detokenization = trace.provenance.detokenization
            kept = min(len(self._written), len(trace))
            self._written = self._written[:kept] + tuple(written_label(word, detokenization) for word in trace.words[kept:])
        for button, on in ((self.absolute, values.attention_scale != "stretched"),
                           (self.stretched, values.attention_scale == "stretched")):
            button.setChecked(on)
        self.colour_map.set_name(values.attention_colour_map)
        self.say("")
        brush = self.session.brush
        self.words.set_painting(brush.mode, brush.weights)
        if brush.mode != self._brush_mode:
            self._brush_mode = brush.mode
            self._size_words()
        self._draw(self.session.playhead.step)

    def seek(self, step: int) -> None:
        self._draw(step)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._size_words()
        self._share_row()

    def choose(self, word: int) -> None:
        """Follow a source word, or let it go if it is the one already."""
        self._choose(None if word == self.chosen else word)

    def _find_channel(self, trace: Trace | None) -> Channel | None:
        found = () if trace is None else tuple(own for own in self.session.channels if own.axes in AXES)
        self.picker.offer((channel.name, whole_title(channel).capitalize()) for channel in found)
        self.picker.setVisible(len(found) > 1)
        self._share_row()
        return next((channel for channel in found if base_name(channel.name) == self._channel_name), found[0] if found else None)

    def _take_source(self, trace: Trace, channel: Channel) -> None:
        names, detokenization = place_words(trace, channel.axes), trace.provenance.detokenization
        if channel.axes != ("key",):
            names += tuple(str(place + 1) for place in range(len(names), channel.size))  # of words that were not kept
        names = names[: channel.size]
        if names == self._names:
            return
        if names[: len(self._names)] != self._names:
            self.chosen = None
        self._names = names
        self._source = tuple(written_label(name, detokenization) for name in names)
        self.words.set_words(self._source)
        self._size_words()

    def _size_words(self) -> None:
        room = self.words.heightForWidth(max(self._scroll.viewport().width(), 80))
        lines = min(max(self.height() // ROOM_FOR_LINES - 1, 1), MOST_LINES)
        self._scroll.setFixedHeight(min(room, lines * LINE + 2))
        # The matrix has the same words above it; but while attention is painted there has to be something to paint on.
        self._scroll.setVisible(self.height() >= ROOM_FOR_SENTENCE or self._brush_mode != "off")

    def _share_row(self) -> None:
        self._scales.setHidden(not self.picker.isHidden() and self.width() < ROOM_FOR_SCALES)

    def _draw(self, step: int) -> None:
        trace, rows = self.session.trace, self._rows
        if trace is None or rows is None or trace is not self._of:
            return
        values, count = self.session.appearance.values, len(rows)
        column = trace.column(rows.channel.name)[:count, : len(self._names)]
        row, pointed = self._cell
        active = row if row is not None and row < count else step
        there = 0 <= active < count
        weights = column[active] if there else None
        limits = row_limits(column[active], values.attention_scale) if there else (0.0, 1.0)
        chosen = pointed if pointed is not None else self.chosen
        chosen = chosen if chosen is not None and chosen < column.shape[1] else None
        along = None if chosen is None or count == 0 else column[:, chosen]
        column_limits = (0.0, 1.0) if along is None else row_limits(along, values.attention_scale)
        width = column.shape[1]
        self.canvas.set_view(AlignmentWidget(
            places=rows.places[:, :width], source=self._source, written=self._written[:count],
            colour_map=values.attention_colour_map, step=step if 0 <= step < count else -1, row_weights=weights,
            row_limits=limits, column_weights=along, column_limits=column_limits, chosen=chosen))
        self.words.set_weights(weights, limits=limits, table=self.canvas.table, chosen=chosen)
        self._reveal(weights)
        so_far = rows.channel.axes == ("key",) and trace.provenance.words_chosen  # a recording may have looked ahead
        there_are = min(active + 1, width) if so_far else width
        self.legend.set_scale(low=limits[0], high=limits[1], uniform=uniform_level(max(there_are, 1)),
                              colour_map=values.attention_colour_map, opacity=1.0,
                              stretched=values.attention_scale == "stretched", opaque=True)
        self._say(self._read_out(trace, column))

    def _reveal(self, weights: npt.NDArray[np.float32] | None) -> None:
        """Bring the word that counts most into sight, unless a person points at words themselves."""
        if weights is not None and self._cell == NO_CELL and np.isfinite(weights).any():
            place = self.words.place(int(np.nanargmax(weights))).center().toPoint()
            self._scroll.ensureVisible(0, place.y(), 0, LINE // 2)

    def _read_out(self, trace: Trace, column: npt.NDArray[np.float32]) -> str:
        row, place = self._cell
        if place is None and row is None:
            place = self.chosen
        detokenization = trace.provenance.detokenization
        source = "" if place is None else self._name_of(trace, place)
        if row is not None and row < len(column):
            written = whole_word(trace.words, row, detokenization)
            if place is None:
                place = int(np.nanargmax(column[row])) if np.isfinite(column[row]).any() else 0
                return f"“{written}” attends most to “{self._name_of(trace, place)}”  {weight_percent(float(column[row, place]))}"
            weight = float(column[row, place])
            return f"“{source}” → “{written}”  {weight_percent(weight)}  =  {weight * column.shape[1]:.1f} × uniform"
        if place is not None and len(column):
            best = int(np.nanargmax(np.nan_to_num(column[:, place], nan=-1.0)))
            return (f"“{source}” is attended to most by “{whole_word(trace.words, best, detokenization)}”  "
                    f"{weight_percent(float(column[best, place]))}")
        channel = self._rows.channel if self._rows is not None else None
        return "" if channel is None or channel.role == "attention" else channel.title

    def _name_of(self, trace: Trace, place: int) -> str:
        return whole_word(self._names, place, trace.provenance.detokenization)

    def _say(self, text: str) -> None:
        self.canvas.setAccessibleDescription(text)
        self.set_note(text)

    def _point(self, cell: Cell) -> None:
        self._cell = cell
        self._draw(self.session.playhead.step)

    def _choose(self, word: int | None) -> None:
        self.chosen = word
        self._draw(self.session.playhead.step)

    def _walk(self, by: int) -> None:
        if self._source:
            last, at = len(self._source) - 1, self.chosen
            self._choose((0 if by > 0 else last) if at is None else min(max(at + by, 0), last))

    def _pick(self, index: int) -> None:
        self._channel_name = base_name(self.picker.itemData(index))
        self.refresh()
