"""The time axis below the tracks: the numbers of the steps that are shown, counted from 1."""

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from unrolled.viewer.drawing.painting import laid_out
from unrolled.viewer.drawing.step_geometry import EDGE, HEADER, Geometry
from unrolled.viewer.state.shown import ShownSession
from unrolled.viewer.state.wording import step_noun
from unrolled.viewer.theme.fonts import mono_font, text_font
from unrolled.viewer.theme.themes import Theme

HEIGHT = 16
ROOM = 46.0  # pixels a number
TICK = 3.0


def ticks(start: float, stop: float, most: int) -> range:
    """Round numbers between two, at most so many of them: every one, two or five times a power of ten."""
    least = max((stop - start) / max(most, 1), 1.0)
    power = 10 ** math.floor(math.log10(least))
    every = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least)
    return range(-(-max(math.ceil(start), 0) // every) * every, math.floor(stop) + 1, every)


class StepAxis(QWidget):
    """The axis; as wide as `tracks`, what the tracks above it are seen through."""

    def __init__(self, session: ShownSession, theme: Theme, tracks: QWidget) -> None:
        super().__init__()
        self.session, self.theme, self._tracks = session, theme, tracks
        self._state: object = None
        self.setFixedHeight(HEIGHT)
        self.setAccessibleName("Steps")

    def refresh(self) -> None:
        """Another part of the run may be shown, in tracks of another width."""
        axis, trace = self.session.time_axis, self.session.trace
        state = axis.start, axis.stop, self._tracks.width(), trace.provenance if trace is not None else None
        if state != self._state:
            self._state = state
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        axis, trace = self.session.time_axis, self.session.trace
        geometry = Geometry(HEADER, max(self._tracks.width() - HEADER - EDGE, 1), axis.start, axis.stop)
        middle = Qt.AlignmentFlag.AlignVCenter
        with QPainter(self) as painter:
            painter.setPen(QColor(self.theme.muted))
            painter.setFont(text_font(11))
            noun = step_noun(trace.provenance) if trace is not None else "step"
            painter.drawText(QRectF(0, 0, HEADER - 5, HEIGHT), middle | Qt.AlignmentFlag.AlignRight, noun)
            painter.setFont(mono_font(9))
            # Step t, which takes the place from t to t + 1, is number t + 1: that is where a number's place ends.
            for number in ticks(axis.start + 0.5, axis.stop + 0.5, int(geometry.width / ROOM)):
                if number < 1:
                    continue
                x = geometry.x(number - 0.5)
                painter.drawLine(round(x), 0, round(x), round(TICK))
                text = laid_out(f"{number:,}", mono_font, 9)
                width = text.size().width()
                left = min(max(x - width / 2, HEADER - 1), self.width() - width)  # neither over the noun nor cut at the end
                painter.drawStaticText(QPointF(left, TICK + 1), text)
