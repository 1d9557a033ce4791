"""The probability of every label over time, a line each; the label that is the answer at a step lies on top."""

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QMenu

from unrolled.models.trace import Channel, FloatArray
from unrolled.viewer.drawing.label_line import label_line
from unrolled.viewer.drawing.painting import mix
from unrolled.viewer.plotting.table import Column
from unrolled.viewer.state.wording import channel_title, percent
from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.theme.label_colours import label_colours
from unrolled.viewer.views.tracks.line_track import PADDING, ROOM_FOR_DOTS, LineTrack
from unrolled.viewer.views.tracks.menu import add_zooms
from unrolled.viewer.views.view import ViewContext

NAMES_HEIGHT = 17.0    # pixels over the lines, for the answers' names
ANSWER_DOT = 4.0


class LabelTrack(LineTrack):
    """A channel with the axis ``label``."""

    least_height, most_height = 96, 200
    padding = PADDING + NAMES_HEIGHT, PADDING

    def __init__(self, ctx: ViewContext, channel: Channel) -> None:
        super().__init__(ctx, channel, name=channel.name, symbol=channel.symbol, title=channel_title(channel))

    def values(self) -> FloatArray | None:
        """Probabilities, shape (steps, labels)."""
        trace = self.trace
        return None if trace is None or self.channel.name not in trace.channels else trace.column(self.channel.name)

    def label_colour(self, label: int) -> str:
        """The colour of a label, the same at every step: by its place among all of them, no two alike."""
        return label_colours(self.theme, max(self.channel.size, label + 1))[label]

    def lines(self) -> list[tuple[str, FloatArray]]:
        values = self.values()
        return [] if values is None else [(self.label_colour(label), values[:, label]) for label in range(values.shape[1])]

    def line_key(self, number: int) -> object:
        return number

    @property
    def ends_shown(self) -> tuple[float, float]:
        return 0.0, 1.0

    def paint_marks(self, painter: QPainter) -> None:
        """A larger dot on the answer of every step, and over the lines each answer's name where it begins."""
        super().paint_marks(painter)
        values, geometry = self.values(), self.geometry_of_time
        if values is None or not len(values):
            return
        answers = np.nan_to_num(values, nan=-1.0).argmax(axis=1)
        if geometry.step_width >= ROOM_FOR_DOTS:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QColor(self.theme.panel))
            first, last = max(int(geometry.start), 0), min(int(geometry.stop) + 1, len(values))
            for step in range(first, last):
                painter.setBrush(QColor(self.label_colour(int(answers[step]))))
                y = self.y_of(float(values[step, answers[step]]))
                if np.isfinite(y):
                    painter.drawEllipse(QPointF(geometry.x(step + 0.5), y), ANSWER_DOT, ANSWER_DOT)
        begins = [0, *(np.flatnonzero(np.diff(answers)) + 1).tolist()]
        painter.setFont(text_font(11))
        metrics = painter.fontMetrics()
        parts = [(begin, max(geometry.x(begin), 0.0) + 3, geometry.x(end), self._name(int(answers[begin])))
                 for begin, end in zip(begins, [*begins[1:], len(answers)], strict=True)
                 if geometry.x(end) > 0 and begin < geometry.stop]
        for label in label_line(parts, metrics.horizontalAdvance,
                                lambda name, room: metrics.elidedText(name, Qt.TextElideMode.ElideRight, room),
                                end=self.plot.width()):
            painter.setPen(QColor(mix(self.theme.text, self.label_colour(int(answers[label.first])), 0.5)))
            painter.drawText(QRectF(label.fits(centred=False), 2, label.width + 2, 15), label.text)

    def numbers(self, start: int, stop: int) -> tuple[list[str], list[Column]]:
        values = self.values()
        assert values is not None
        return [self._name(label) for label in range(values.shape[1])], list(values[start:stop].T)

    def fill_menu(self, menu: QMenu) -> None:
        add_zooms(menu, self.do)

    def value_text(self, step: int, y: float) -> str:
        return self.values_text(step, step + 1, y)

    def values_text(self, start: int, stop: int, y: float) -> str:
        """The three labels that are most probable on the whole."""
        values = self.values()
        if values is None:
            return ""
        mean = values[start:stop].mean(axis=0)
        return ", ".join(f"{self._name(label)} {percent(float(mean[label]))}" for label in np.argsort(-mean)[:3].tolist())

    def _name(self, label: int) -> str:
        return self.channel.labels[label] if self.channel.labels else str(label)
