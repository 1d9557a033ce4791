"""The words at their steps, each over a bar of its probability."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from unrolled.viewer.panels.painting import mix, percent
from unrolled.viewer.panels.tracks.geometry import Geometry
from unrolled.viewer.panels.tracks.track import Track
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.theme.themes import Theme

WORD_HEIGHT = 18.0
ROOM_FOR_WORDS = 18.0  # pixels a step


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
        for step in range(start, stop, stride):
            left = geometry.x(step)
            height = math.exp(float(trace.log_probs[step])) * room
            painter.fillRect(QRectF(left + gap, plot.bottom() - height, geometry.step_width * stride - 2 * gap, height), colour)
            if geometry.step_width >= ROOM_FOR_WORDS:
                ended = trace.ended and step == len(trace) - 1 and trace.words[step].startswith("<")
                painter.setPen(QColor(theme.muted if ended else theme.text))
                word = metrics.elidedText("END" if ended else trace.words[step], Qt.TextElideMode.ElideRight,
                                          int(geometry.step_width - 2))
                painter.drawText(QRectF(left, plot.top(), geometry.step_width, WORD_HEIGHT), Qt.AlignmentFlag.AlignCenter, word)

    def contents_state(self) -> object:
        """Also whether the run is over: its last word is drawn as END then."""
        return super().contents_state(), self.trace is not None and self.trace.ended

    def value_text(self, step: int, y: float) -> str:
        """The probability."""
        return "" if self.trace is None else f"probability {percent(math.exp(float(self.trace.log_probs[step])))}"
