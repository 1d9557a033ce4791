"""All tracks, one under another on one time axis, chosen by the axes of the channels."""

import time
from collections.abc import Sequence

from PySide6.QtCore import QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from unrolled.models.analysis.differences import Differences, difference_name
from unrolled.models.analysis.unit_order import ORDERS
from unrolled.models.trace import Channel, Trace
from unrolled.viewer.drawing.step_geometry import EDGE, HEADER, Geometry
from unrolled.viewer.plotting import warm_up
from unrolled.viewer.state.commands import EndComparison, RevealStep, Seek, TogglePin
from unrolled.viewer.state.comparison import first_divergence
from unrolled.viewer.state.playhead import NOWHERE
from unrolled.viewer.state.wording import step_noun
from unrolled.viewer.views.tracks.compare_bar import CompareBar
from unrolled.viewer.views.tracks.heat_track import HeatTrack, Units
from unrolled.viewer.views.tracks.label_track import LabelTrack
from unrolled.viewer.views.tracks.line_track import PinnedTrack, ScalarTrack
from unrolled.viewer.views.tracks.sources import overview
from unrolled.viewer.views.tracks.step_axis import StepAxis
from unrolled.viewer.views.tracks.track import Track
from unrolled.viewer.views.tracks.word_track import WordTrack
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.building import in_column, scrolled

EMPTY = "Hidden state, gates and attention over time appear here once a model is loaded."
AT_REST = "Click pins a unit · Ctrl+wheel zooms · right-click for more"
AT_REST_BRIEFLY = "Click pins a unit · right-click for more"
HOW = ("Drag to scrub; click a row to pin its unit.\n"
       "The wheel scrolls; with Ctrl it zooms, with Shift it pans, with Alt it moves the "
       "playhead.\nDrag with Shift to zoom into a frame; double-click to see the whole run again.")
FROM_AFAR = "{:,.0f} {}s a column: colours are means, lines ranges · Ctrl+wheel zooms"
FROM_AFAR_BRIEFLY = "{:,.0f} {}s a column: means and ranges"
NARROW = 500  # pixels of the view: beside its title there is room for the brief ones
WAIT_MILLISECONDS = 30  # for the plotting library
LOW = 240  # pixels: with less the comparison takes one line
LEAST_HEIGHT = 24  # of what is scrolled
PART_SECONDS = 0.003  # of a frame, for colours of steps that came many at once


class TracksView(View):
    """The middle of the window."""

    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx)
        theme = ctx.theme
        self.tracks: list[Track] = []
        self._order: tuple[object, Units | None] = None, None  # of units, and what it was found for
        self._channels: tuple[Channel, ...] = ()
        self._shown: tuple[Trace | None, int] = None, NOWHERE  # what the playhead was last brought into view for
        self._folded: frozenset[str] = frozenset()
        self._at_rest = AT_REST
        column = QWidget()
        column.setObjectName("tracksColumn")
        self._rows = in_column(column, spacing=3)
        self._scroll = scrolled(column)
        self._scroll.setMinimumHeight(LEAST_HEIGHT)
        self._scroll.verticalScrollBar().valueChanged.connect(lambda _: self.refresh())
        self._scroll.verticalScrollBar().rangeChanged.connect(lambda *_: self.refresh_wanted.emit())  # others are in sight
        self.axis = StepAxis(ctx.session, theme, self._scroll.viewport())
        self.axis.setToolTip(HOW)
        self.differences: Differences | None = None
        self.compare_bar = CompareBar(theme)
        self.compare_bar.hide()
        self.compare_bar.ended.connect(lambda: self.do(EndComparison()))
        self.compare_bar.sought.connect(self._seek_difference)
        self.hold((self._scroll, 1), self.compare_bar, self.axis, spacing=4)
        self.set_empty(EMPTY)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.compare_bar.set_low(self.height() < LOW)

    def set_empty(self, sentence: str) -> None:
        """What is said while there are no tracks."""
        self._without_tracks = sentence
        self.say("" if self.tracks else sentence)

    @property
    def remembered(self) -> tuple[str, ...]:
        return tuple(sorted(self._folded))

    def recall(self, kept: Sequence[str]) -> None:
        self._folded = frozenset(kept)
        for track in self.tracks:
            track.set_folded(track.name in self._folded)

    @property
    def _context(self) -> ViewContext:
        return ViewContext(self.session, self.do, self.theme)

    def track(self, name: str) -> Track:
        for track in self.tracks:
            if track.name == name:
                return track
        raise KeyError(name)

    def refresh(self) -> None:
        """Take over what is new; other channels make other tracks."""
        channels = self.session.channels
        if self._follow_comparison() or channels != self._channels:
            self._channels = channels
            self._build()
        self.say("" if self.tracks else self._without_tracks)
        self._attach()
        self._sort()
        in_sight = self._in_sight()
        for track in in_sight:
            track.refresh()
        self._follow_part(in_sight)
        self.axis.refresh()
        self._rest()

    def _attach(self) -> None:
        """Give the tracks their plots, as soon as there can be any: until then they are as large, and empty."""
        if all(track.canvas is not None for track in self.tracks):
            return
        if warm_up.under_way():
            QTimer.singleShot(WAIT_MILLISECONDS, self, self.refresh)
            return
        for track in self.tracks:
            if track.canvas is None:
                track.attach()
        self.seek(self.session.playhead.step)

    def _sort(self) -> None:
        """Sort the rows of the heat maps as was chosen, as long as the run is the same one, and again when it has ended."""
        run, (name, by) = self.session.trace, self.session.appearance.values.unit_order
        traces = (run, self.differences.trace if self.differences is not None else None)
        trace = next((own for own in traces if own is not None and len(own) and by in own.channels), None)
        channel = trace.channels[by] if trace is not None and name in ORDERS else None
        key = (trace, name, by, run is not None and run.ended) if channel is not None else None
        if key != self._order[0]:
            self._order = key, ORDERS[name].of(overview(trace, by)) if key is not None and trace is not None else None
        order = self._order[1]
        for track in self.tracks:
            if isinstance(track, HeatTrack):
                fits = channel is not None and (track.recorded.shape, track.recorded.layer) == (channel.shape, channel.layer)
                track.order = order if fits else None

    def _follow_comparison(self) -> bool:
        """Take over the run that this one is compared with; whether it is another one than before."""
        session, trace, compared = self.session, self.session.trace, self.session.compared
        if trace is None or compared is None or compared.trace is trace:
            ended = self.differences is not None
            self.differences = None
            self.compare_bar.hide()
            return ended
        differences = self.differences
        other = differences is None or differences.one is not trace or differences.other is not compared.trace
        if differences is None or other:
            differences = self.differences = Differences(trace, compared.trace)
        differences.follow()
        part = first_divergence(trace, compared.trace)
        for track in self.tracks:
            track.set_first_divergence(part)
        branch = session.branch
        self.compare_bar.tell(one=branch.name if branch is not None else "this run", other=compared.name,
                              traces=(trace, compared.trace), first_divergence=part, largest=differences.largest,
                              same_units=differences.same_units)
        self.compare_bar.show()
        return other

    def _seek_difference(self, step: int, unit: int) -> None:
        self.do(Seek(step))
        if unit >= 0 and unit not in self.session.selection.units:
            self.do(TogglePin(unit))

    @property
    def unfinished(self) -> bool:
        """Whether there are steps whose colours are not known yet: of a long run, they are made a part a frame."""
        return any(track.unfinished for track in self._in_sight() if isinstance(track, HeatTrack))

    def _in_sight(self) -> list[Track]:
        """The tracks that are not scrolled away; the others are brought up to date when they come into sight."""
        if not self.isVisible():
            return self.tracks
        top = self._scroll.verticalScrollBar().value()
        bottom = top + self._scroll.viewport().height()
        return [track for track in self.tracks if track.y() < bottom and track.y() + track.height() > top]

    def _follow_part(self, tracks: Sequence[Track]) -> None:
        end = time.perf_counter() + PART_SECONDS
        waiting = [track for track in tracks if isinstance(track, HeatTrack) and track.unfinished]
        while waiting and time.perf_counter() < end:
            track = min(waiting, key=lambda one: len(one.columns))
            track.follow_part()
            if not track.unfinished:
                waiting.remove(track)
            track.refresh()

    def _rest(self) -> None:
        """What the heading says while nothing is under the pointer."""
        at_rest, from_afar = (AT_REST_BRIEFLY, FROM_AFAR_BRIEFLY) if self.width() < NARROW else (AT_REST, FROM_AFAR)
        text, trace = at_rest if self.tracks else "", self.session.trace
        if trace is not None and self.tracks:
            # Of the whole width: a track that has just been made is not laid out yet.
            axis, room = self.session.time_axis, self._scroll.viewport().width() - HEADER - EDGE
            stride = Geometry(0.0, max(room, 1), axis.start, axis.stop).stride(self.devicePixelRatioF())
            if stride > 1.0:
                text = from_afar.format(max(stride, 2.0), step_noun(trace.provenance))
        if self.note in ("", self._at_rest):
            self.set_note(text)
        self._at_rest = text

    def seek(self, step: int) -> None:
        """Bring the step into view if it is another one, and move the playhead of every track.

        A panel is told to seek after every refresh: a person who looks elsewhere while the playhead rests must not
        be brought back to it by the next repaint.
        """
        axis, shown = self.session.time_axis, (self.session.trace, step)
        if shown != self._shown:
            if self.session.trace is not self._shown[0]:
                self.set_note(self._at_rest)  # what is under the pointer is of another run now
            self._shown = shown
            if step >= 0 and not axis.following and not axis.start <= step <= axis.stop - 1:
                self.do(RevealStep(step))
                self.refresh()  # with the playhead, which would stand outside for a frame
        for track in self._in_sight():
            if track.canvas is not None:
                track.canvas.set_playhead(step + 0.5 if step >= 0 else None)

    def _build(self) -> None:
        for track in self.tracks:
            self._rows.removeWidget(track)
            track.hide()
            track.deleteLater()
        while self._rows.count():  # what is left is the stretch at the end
            self._rows.takeAt(0)
        self.tracks = []
        if self._channels:
            labelled = [channel for channel in self._channels if channel.axes == ("label",)]
            of_units = [channel for channel in self._channels if channel.axes == ("unit",)]
            self.tracks.append(WordTrack(self._context))
            if self.differences is not None:
                own = self.tracks[0].title
                self.tracks[0].title = f"A {own}"
                self.tracks.append(self._of_other(WordTrack(self._context), own))
            for channel in self._channels:
                if channel.axes == ():
                    self.tracks += self._with_other(ScalarTrack, channel)
            for channel in labelled:
                self.tracks += self._with_other(LabelTrack, channel)
            for channel in of_units:
                self.tracks += self._with_other(HeatTrack, channel)
            if of_units:
                self.tracks.append(PinnedTrack(self._context, of_units))
        for track in self.tracks:
            self._rows.addWidget(track, 4 if isinstance(track, HeatTrack) else 1)
            track.set_folded(track.name in self._folded)
            track.folded_changed.connect(self._remember_folded)
            track.read_out.connect(lambda text: self.set_note(text or self._at_rest))
        self._rows.addStretch(0)
        if self.differences is not None:
            self._follow_comparison()

    def _with_other(self, kind: type[ScalarTrack] | type[LabelTrack] | type[HeatTrack], channel: Channel) -> list[Track]:
        """A channel's track; while two runs are compared the other's beside it, and their difference."""
        own = kind(self._context, channel)
        differences = self.differences
        if differences is None:
            return [own]
        title, own.title = own.title, f"A {own.title}"
        other = differences.other.channels.get(channel.name)
        found: list[Track] = [own]
        if other is not None and other.axes == channel.axes:
            found.append(self._of_other(kind(self._context, other), title))
        less = differences.trace.channels.get(difference_name(channel.name))
        if less is not None:
            made = kind if less.axes == channel.axes else ScalarTrack  # of units that are not each other's, their mean size
            track = made(self._context, less)
            track.stand_for(lambda: self.differences.trace if self.differences is not None else None,
                            name=less.name, title=track.title)
            found.append(track)
        return found

    def _of_other(self, track: Track, title: str) -> Track:
        track.stand_for(lambda: self.session.compared.trace if self.session.compared is not None else None,
                        name=f"other {track.name}", title=f"B {title}")
        return track

    def _remember_folded(self) -> None:
        self._folded = frozenset(track.name for track in self.tracks if track.folded)
