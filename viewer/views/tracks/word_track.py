"""The words at their steps, each over a bar of its probability."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from unrolled.models.trace import Trace
from unrolled.models.trace.bins import Bins
from unrolled.models.trace.envelope import Envelope
from unrolled.viewer.drawing.painting import mix
from unrolled.viewer.drawing.spans import paint_spans, place_of
from unrolled.viewer.drawing.step_geometry import Geometry
from unrolled.viewer.state.session import Session
from unrolled.viewer.state.wording import is_end, percent, shown
from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.views.tracks.track import Track

WORD_HEIGHT = 18.0
ROOM_FOR_WORDS, ROOM_FOR_CHARACTERS = 26.0, 10.0  # pixels each; where steps are narrower, words are left out evenly
CONVENTION = ("Step t holds the state after the word of step t − 1 was read; the word of step t is chosen from it.\n"
              "Steps are counted from 1 here, and from 0 in files and on the command line.")
LEAST_STEP = 3.0       # pixels; narrower steps have no words: too few of them would be left


class WordTrack(Track):
    """Words and their probabilities, on a fixed scale from 0 to 1."""

    least_height, most_height = 64, 64

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__(session, theme, name="words", symbol="p", title="probability", low_text="0", high_text="1")
        self._chances = Envelope()
        self._of: Trace | None = None

    @property
    def about(self) -> str:
        """What a step is: said once, on the first track."""
        return CONVENTION

    def paint_contents(self, painter: QPainter, plot: QRectF, geometry: Geometry) -> None:
        """Bars from below, words above them."""
        trace = self.trace
        if trace is None:
            return
        theme = self.theme
        painter.setFont(text_font(11))
        metrics = painter.fontMetrics()
        room = plot.height() - WORD_HEIGHT
        colour = mix(theme.panel, theme.accent, 0.55)
        bins = geometry.bins(len(trace), ratio=self.devicePixelRatioF())
        if bins is None:
            return
        if bins.stride > 1.0:
            self._paint_ranges(painter, place_of(bins, geometry, plot), bins, room)
            return
        start, stop = int(bins.edges[0]), int(bins.edges[-1])
        gap = 1.0 if geometry.step_width > 4 else 0.0
        heights = np.exp(np.nan_to_num(trace.log_probs[start:stop], nan=-np.inf)) * room
        across = geometry.step_width - 2 * gap
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRects([QRectF(geometry.x(step) + gap, plot.bottom() - height, across, height)
                           for step, height in enumerate(heights.tolist(), start)])
        if geometry.step_width < LEAST_STEP:
            return
        detokenization = trace.provenance.detokenization
        every = math.ceil((ROOM_FOR_CHARACTERS if detokenization == "characters" else ROOM_FOR_WORDS) / geometry.step_width)
        place = Qt.AlignmentFlag.AlignCenter if every == 1 else Qt.AlignmentFlag.AlignVCenter
        width = geometry.step_width * every
        text, muted = QColor(theme.text), QColor(theme.muted)
        baseline = plot.top() + (WORD_HEIGHT + metrics.ascent() - metrics.descent()) / 2
        for step in range(start - start % every, stop, every):
            written = trace.words[step]
            painter.setPen(muted if is_end(written) else text)
            word = shown(written, detokenization)
            if len(word) == 1 and every > 1:  # a character needs neither to be cut nor to be laid out
                painter.drawText(QPointF(geometry.x(step), baseline), word)
                continue
            word = metrics.elidedText(word, Qt.TextElideMode.ElideRight, max(int(width - 2), 8))
            painter.drawText(QRectF(geometry.x(step), plot.top(), width, WORD_HEIGHT), place, word)

    def _paint_ranges(self, painter: QPainter, place: QRectF, bins: Bins, room: float) -> None:
        """Bars as high as the mean, in a tint as high as the greatest."""
        trace, theme, ratio = self.trace, self.theme, self.devicePixelRatioF()
        assert trace is not None
        if trace is not self._of:
            self._of, self._chances = trace, Envelope()
        self._chances.follow(trace.log_probs, np.exp)
        ranges = self._chances.over(bins)
        ground = np.full(len(bins), place.bottom())
        for values, amount in ((ranges.high, 0.25), (ranges.mean, 0.55)):
            paint_spans(painter, place, ground - values * room, ground, mix(theme.panel, theme.accent, amount), ratio)

    def value_text(self, step: int, y: float) -> str:
        """The probability."""
        return "" if self.trace is None else f"probability {percent(math.exp(float(self.trace.log_probs[step])))}"

    def values_text(self, start: int, stop: int, y: float) -> str:
        """Mean, least and greatest probability."""
        chances = np.exp(self.trace.log_probs[start:stop]) if self.trace is not None else np.empty(0)
        if not np.isfinite(chances).any():
            return ""
        low, mean, high = (percent(float(value)) for value in (np.nanmin(chances), np.nanmean(chances), np.nanmax(chances)))
        return f"probability {mean} on average, from {low} to {high}"
