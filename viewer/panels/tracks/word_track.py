"""The words at their steps, each over a bar of its probability."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from unrolled.viewer.panels.painting import mix, percent
from unrolled.viewer.panels.tracks.geometry import Geometry
from unrolled.viewer.panels.tracks.track import Track
from unrolled.viewer.panels.words import is_end, shown
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.theme.themes import Theme

WORD_HEIGHT = 18.0
ROOM_FOR_WORDS = 26.0  # pixels a word; where steps are narrower, words are left out evenly
LEAST_STEP = 3.0       # pixels; narrower steps have no words: too few of them would be left


class WordTrack(Track):
    """Words and their probabilities, on a fixed scale from 0 to 1."""

    least_height, most_height = 64, 64

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__(session, theme, name="words", symbol="p", title="probability", low_text="0", high_text="1")

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
        gap = 1.0 if geometry.step_width > 4 else 0.0
        start, stop = max(int(geometry.start), 0), min(int(geometry.stop) + 1, len(trace))
        stride = max((stop - start) // max(int(plot.width()), 1), 1)
        steps = np.arange(start - start % stride, stop, stride)
        heights = np.exp(np.nan_to_num(trace.log_probs[steps], nan=-np.inf)) * room
        across = geometry.step_width * stride - 2 * gap
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRects([QRectF(geometry.x(step) + gap, plot.bottom() - height, across, height)
                           for step, height in zip(steps.tolist(), heights.tolist(), strict=True)])
        if geometry.step_width < LEAST_STEP:
            return
        every = math.ceil(ROOM_FOR_WORDS / geometry.step_width)
        place = Qt.AlignmentFlag.AlignCenter if every == 1 else Qt.AlignmentFlag.AlignVCenter
        width = geometry.step_width * every
        for step in range(start - start % every, stop, every):
            painter.setPen(QColor(theme.muted if is_end(trace.words[step]) else theme.text))
            word = metrics.elidedText(shown(trace.words[step]), Qt.TextElideMode.ElideRight, int(width - 2))
            painter.drawText(QRectF(geometry.x(step), plot.top(), width, WORD_HEIGHT), place, word)

    def value_text(self, step: int, y: float) -> str:
        """The probability."""
        return "" if self.trace is None else f"probability {percent(math.exp(float(self.trace.log_probs[step])))}"
