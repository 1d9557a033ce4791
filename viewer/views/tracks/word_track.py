"""The words at their steps, each over a bar of its probability."""

import math
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from unrolled.models.trace import Provenance, Trace
from unrolled.models.trace.bins import Bins
from unrolled.models.trace.envelope import Envelope
from unrolled.viewer.drawing.label_line import label_line, runs
from unrolled.viewer.drawing.painting import laid_out, mix
from unrolled.viewer.plotting.table import Column
from unrolled.viewer.state.wording import LABELS, is_end, percent, shown, what_a_step_is
from unrolled.viewer.theme.fonts import mono_font, text_font
from unrolled.viewer.views.tracks.track import MARGIN, Track
from unrolled.viewer.views.view import ViewContext

if TYPE_CHECKING:
    from unrolled.viewer.plotting.time_plot import TimePlot

WORD_HEIGHT = 18.0
ROOM_FOR_WORDS, ROOM_FOR_CHARACTERS = 26.0, 10.0  # pixels each; where steps are narrower, words are left out evenly,
SMALL, ROOM_FOR_SMALL = 10, 6.0  # characters smaller: a text with letters left out would be read as another
READ_HEIGHT = 28
LEAST_STEP = 3.0       # pixels; narrower steps have no words: too few of them would be left


class WordTrack(Track):
    """Words and their probabilities, on a fixed scale from 0 to 1; of a recording what each step read, which has none."""

    least_height, most_height = 64, 64

    def __init__(self, ctx: ViewContext) -> None:
        self._chances = Envelope()
        self._of: Trace | None = None
        trace = ctx.session.trace
        self._chosen = trace is None or trace.provenance.words_chosen
        if not self._chosen:
            self.least_height = self.most_height = READ_HEIGHT
        super().__init__(ctx, name="words", symbol="p" if self._chosen else "", title="probability" if self._chosen else "read")

    @property
    def about(self) -> str:
        """What a step is: said once, on the first track."""
        trace = self.session.trace
        return what_a_step_is(trace.provenance if trace is not None else Provenance())

    padding = WORD_HEIGHT, 0.0

    def ticks(self) -> list[tuple[str, float]]:
        return [("1", MARGIN + WORD_HEIGHT), ("0", self.height() - float(MARGIN))] if self._chosen else []

    def make_items(self, plot: "TimePlot") -> None:
        self._ranges = plot.range_item()

    def draw(self, plot: "TimePlot") -> None:
        """Bars with words above them, or from afar their ranges."""
        plot.set_reach(1.0 - WORD_HEIGHT / self.plot.height())
        bins = self.geometry_of_time.bins(self.length, ratio=self.devicePixelRatioF())
        if bins is not None and bins.stride > 1.0:
            self._show_ranges(bins)
        else:
            self._ranges.hide()
        plot.paint_over(self._paint_words if bins is not None and bins.stride == 1.0 else None)

    def _paint_words(self, painter: QPainter) -> None:
        trace, theme, geometry = self.trace, self.theme, self.geometry_of_time
        if trace is None or geometry.stride(self.devicePixelRatioF()) > 1.0:  # another run is there, and about to be drawn
            return
        painter.setFont(text_font(11))
        metrics = painter.fontMetrics()
        bottom = self.plot.height()
        room = bottom - WORD_HEIGHT
        start, stop = max(int(geometry.start), 0), min(math.ceil(geometry.stop), len(trace))
        gap = 1.0 if geometry.step_width > 4 else 0.0
        heights = np.exp(np.nan_to_num(trace.log_probs[start:stop], nan=-np.inf)) * room
        across = geometry.step_width - 2 * gap
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(mix(theme.panel, theme.accent, 0.55))
        painter.drawRects([QRectF(geometry.x(step) + gap, bottom - height, across, height)
                           for step, height in enumerate(heights.tolist(), start)])
        if geometry.step_width < LEAST_STEP:
            return
        detokenization = trace.provenance.detokenization
        every = math.ceil((ROOM_FOR_CHARACTERS if detokenization == "characters" else ROOM_FOR_WORDS) / geometry.step_width)
        usual, muted = QColor(theme.text), QColor(theme.muted)
        baseline = (WORD_HEIGHT + metrics.ascent() - metrics.descent()) / 2
        if detokenization == "characters" and every > 1:  # one needs neither to be cut nor to be laid out
            painter.setPen(usual)
            painter.setFont(mono_font(SMALL))
            for step in range(start, stop) if geometry.step_width >= ROOM_FOR_SMALL else ():
                painter.drawText(QPointF(geometry.x(step + 0.5) - ROOM_FOR_SMALL / 2, baseline),
                                 shown(trace.words[step], detokenization))
            return
        if detokenization in LABELS:
            steps, every = runs(trace.words[start:stop], start), 1
        else:
            steps = [(step, every, trace.words[step]) for step in range(start - start % every, stop, every)]
        parts = [(first, geometry.x(first), geometry.x(first + count), shown(word, detokenization))
                 for first, count, word in steps]
        for label in label_line(parts, lambda word: laid_out(word, text_font, 11).size().width(),
                                lambda word, room: metrics.elidedText(word, Qt.TextElideMode.ElideRight, room),
                                end=self.plot.width()):
            painter.setPen(muted if is_end(trace.words[label.first]) else usual)
            painter.drawStaticText(QPointF(label.fits(centred=every == 1), baseline - metrics.ascent()),
                                   laid_out(label.text, text_font, 11))

    def _show_ranges(self, bins: Bins) -> None:
        """Bars as high as the mean, in a tint as high as the greatest."""
        trace, theme = self.trace, self.theme
        assert trace is not None
        if trace is not self._of:
            self._of, self._chances = trace, Envelope()
        self._chances.follow(trace.log_probs, np.exp)
        ranges, bottom = self._chances.over(bins), self.plot.height()
        ground, room = np.full(len(bins), bottom), bottom - WORD_HEIGHT
        self._ranges.show_spans(bins, [(ground - ranges.high * room, ground, 1), (ground - ranges.mean * room, ground, 2)],
                                [QColor(Qt.GlobalColor.transparent), mix(theme.panel, theme.accent, 0.25),
                                 mix(theme.panel, theme.accent, 0.55)])

    def numbers(self, start: int, stop: int) -> tuple[list[str], list[Column]]:
        trace = self.trace
        assert trace is not None
        chances = trace.log_probs[start:stop]
        return ["log_prob", "probability"], [chances, np.exp(chances)]

    def value_text(self, step: int, y: float) -> str:
        return "" if self.trace is None else f"probability {percent(math.exp(float(self.trace.log_probs[step])))}"

    def values_text(self, start: int, stop: int, y: float) -> str:
        chances = np.exp(self.trace.log_probs[start:stop]) if self.trace is not None else np.empty(0)
        if not np.isfinite(chances).any():
            return ""
        low, mean, high = (percent(float(value)) for value in (np.nanmin(chances), np.nanmean(chances), np.nanmax(chances)))
        return f"probability {mean} on average, from {low} to {high}"
