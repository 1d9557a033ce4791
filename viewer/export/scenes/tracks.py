"""Every recorded channel over time as one picture: words and their probability, a heat map a channel, a line a number."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from unrolled.models.analysis.unit_order import ORDERS
from unrolled.models.trace import Channel, FloatArray, Trace
from unrolled.models.trace.numbers import brief, signed
from unrolled.viewer.drawing.images import image_of
from unrolled.viewer.drawing.vector_files import draw_cells
from unrolled.viewer.export.scenes.ground import Told, theme_of
from unrolled.viewer.export.scenes.legend import draw_colour_bar
from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.export.steps import steps_of
from unrolled.viewer.export.subject import Subject
from unrolled.viewer.export.type_setting import BOTTOM, CENTRE, LEFT, MIDDLE, RIGHT, TOP, font, write
from unrolled.viewer.state.appearance import AppearanceValues
from unrolled.viewer.state.wording import channel_title, counted, is_end, shown, step_noun
from unrolled.viewer.theme.colour_maps import to_colours

MOST_COLUMNS = 2048  # of a longer run neighbouring steps are drawn as one, in the colour of their mean
HEAT, LINE, WORDS = 5.6, 4.2, 2.6  # heights, in sizes of the type
HEADER, BAR, GAP = 8.6, 0.75, 0.7  # widths of the names and of the colour bars; between two tracks
STANDING = 7.0       # the most that standing words take
NAMES = 3.6          # more, where labels are named
NAMED_LABELS = 12    # labels have their names beside their rows up to here
DOTS_UP_TO = 48      # steps
MOST_LEFT_OUT = 2    # every second word says something still


@dataclass(frozen=True, slots=True)
class TracksScene:
    trace: Trace
    channels: tuple[Channel, ...]
    appearance: AppearanceValues
    title: str


def tracks_scene(subject: Subject) -> TracksScene:
    """Take from a run the channels that have a track."""
    trace = subject.trace
    channels = tuple(channel for channel in subject.channels if channel.axes in (("unit",), (), ("label",)))
    return TracksScene(trace, channels, subject.appearance, f"{trace.provenance.model or 'Run'}: tracks")


class TracksStill:
    def __init__(self, scene: TracksScene, settings: ExportSettings) -> None:
        self.scene, self.settings, self.theme = scene, settings, theme_of(settings)
        self.steps = steps_of(scene.trace.words, settings)
        self.group = math.ceil(len(self.steps) / MOST_COLUMNS)  # steps in one column
        width = float(settings.width)
        self.letter = letter = settings.type_pixels(11 * width / 640)
        self.margin = 0.025 * width
        self.header = (HEADER + (NAMES if any(channel.labels for channel in scene.channels) else 0.0)) * letter
        self.left, self.right = self.margin + self.header, width - self.margin - (BAR + 4.0) * letter
        self.across = max(self.right - self.left, 8.0) / len(self.steps)
        detokenization = scene.trace.provenance.detokenization
        self.words = [shown(scene.trace.words[step], detokenization) for step in self.steps]
        metrics = QFontMetricsF(font(letter))
        widest = max(metrics.horizontalAdvance(word) for word in self.words)
        self.lying = widest + 0.3 * letter <= self.across
        self.every = 1 if self.lying else math.ceil(1.15 * letter / self.across)
        self.words_height = 1.4 * letter if self.lying else min(widest + 0.6 * letter, STANDING * letter)
        if self.every > MOST_LEFT_OUT:
            self.words_height = 0.0
        top = self.margin + self.words_height
        self.places = [QRectF(self.left, top, self.right - self.left, WORDS * letter)]  # of the probabilities first
        for channel in scene.channels:
            top = self.places[-1].bottom() + GAP * letter
            self.places.append(QRectF(self.left, top, self.right - self.left, (LINE if channel.axes == () else HEAT) * letter))
        self.size = QSize(round(width), round(self.places[-1].bottom() + 2.2 * letter + self.margin))

    def paint(self, painter: QPainter, *, fineness: float, told: Told) -> None:
        self._paint_words(painter)
        self._paint_chances(painter, self.places[0])
        for number, (channel, place) in enumerate(zip(self.scene.channels, self.places[1:], strict=True)):
            told(0.95 * number / len(self.scene.channels))
            values = self.scene.trace.column(channel.name)[list(self.steps)]
            low, high = self.scene.appearance.track_ranges.get(channel.name, (channel.low, channel.high))
            self._paint_name(painter, place, channel.symbol, channel_title(channel))
            if channel.axes == ():
                self._paint_line(painter, place, values, (low, high))
            else:
                self._paint_heat(painter, place, channel, values, (low, high))
        self._paint_axis(painter)

    def _paint_words(self, painter: QPainter) -> None:
        letter, used = self.letter, font(self.letter)
        painter.setFont(used)
        metrics = QFontMetricsF(used)
        for number in range(0, len(self.words), self.every) if self.words_height else ():
            painter.setPen(QColor(self.theme.muted if is_end(self.scene.trace.words[self.steps[number]]) else self.theme.text))
            middle = self.left + (number + 0.5) * self.across
            if self.lying:
                write(painter, QRectF(middle - self.across / 2, self.margin, self.across, self.words_height), self.words[number],
                      CENTRE | MIDDLE)
                continue
            room = self.words_height - 0.4 * letter
            word = metrics.elidedText(self.words[number], Qt.TextElideMode.ElideRight, room)
            painter.save()
            painter.translate(middle, self.margin + self.words_height - 0.3 * letter)
            painter.rotate(-90)
            write(painter, QRectF(0, -letter, room, 2 * letter), word, LEFT | MIDDLE)
            painter.restore()

    def _paint_chances(self, painter: QPainter, place: QRectF) -> None:
        self._paint_name(painter, place, "p", "probability")
        chances = self._grouped(np.exp(self.scene.trace.log_probs[list(self.steps)]))
        across = place.width() / len(chances)
        gap = min(0.08 * across, 1.0)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.fillRect(place, QColor(self.theme.missing))
        painter.setBrush(QColor(self.theme.accent))
        for number, chance in enumerate(np.nan_to_num(chances).clip(0, 1).tolist()):
            painter.drawRect(QRectF(place.left() + number * across + gap, place.bottom() - chance * place.height(),
                                    across - 2 * gap, chance * place.height()))
        self._paint_ends(painter, place, ("0", "1"))

    def _paint_heat(self, painter: QPainter, place: QRectF, channel: Channel, values: FloatArray,
                    limits: tuple[float, float]) -> None:
        look, letter, theme = self.scene.appearance, self.letter, self.theme
        otherwise = theme.diverging if channel.signed else look.sequential_colour_map
        name = look.track_colour_maps.get(channel.name, otherwise)
        drawn = self._grouped(values).T  # (rows, columns)
        if channel.axes == ("unit",) and (order := self._order(channel)) is not None:
            drawn = drawn[order]
        colours = to_colours(drawn, low=limits[0], high=limits[1], name=name)
        below, above = bool((values < limits[0]).any()), bool((values > limits[1]).any())
        for there, beyond, colour in ((below, drawn < limits[0], theme.below), (above, drawn > limits[1], theme.above),
                                      (True, ~np.isfinite(drawn), theme.error)):
            if there:
                mark = QColor(colour)
                colours[beyond] = mark.red(), mark.green(), mark.blue(), 255
        draw_cells(painter, place, image_of(colours))
        ends = f"{'≤' if below else ''}{brief(limits[0])}", f"{'≥' if above else ''}{brief(limits[1])}"
        draw_colour_bar(painter, QRectF(place.right() + 0.6 * letter, place.top(), BAR * letter, place.height()), colour_map=name,
                        ends=ends, letter=0.8 * letter, theme=theme)
        painter.setFont(font(0.72 * letter))
        painter.setPen(QColor(theme.muted))
        rows = len(drawn)
        if channel.labels and rows <= NAMED_LABELS:
            self._paint_labels(painter, place, channel.labels)
        else:
            self._paint_ends(painter, place, (str(rows - 1), "0"), f"{counted(rows, 'unit')}"
                             if channel.axes == ("unit",) else "labels")

    def _order(self, channel: Channel) -> npt.NDArray[np.intp] | None:
        name, by = self.scene.appearance.unit_order
        other = self.scene.trace.channels.get(by)
        if name not in ORDERS or other is None or (other.shape, other.layer) != (channel.shape, channel.layer):
            return None
        return ORDERS[name].of(self.scene.trace.column(by))

    def _paint_line(self, painter: QPainter, place: QRectF, values: FloatArray, limits: tuple[float, float]) -> None:
        theme, letter = self.theme, self.letter
        low, high = limits
        painter.fillRect(place, QColor(theme.missing))
        drawn = self._grouped(values)
        across, thick = place.width() / len(drawn), max(0.13 * letter, 0.8)
        heights = place.bottom() - np.clip((drawn - low) / (high - low), 0, 1) * place.height()
        points = [QPointF(place.left() + (number + 0.5) * across, height) for number, height in enumerate(heights.tolist())]
        if low < 0 < high:
            zero = place.bottom() + low / (high - low) * place.height()
            painter.setPen(QPen(QColor(theme.border), 0.6 * thick))
            painter.drawLine(QPointF(place.left(), zero), QPointF(place.right(), zero))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(theme.accent), thick, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap,
                            Qt.PenJoinStyle.RoundJoin))
        there = np.isfinite(drawn)
        for part in np.split(np.arange(len(points)), np.flatnonzero(np.diff(there)) + 1):
            if there[part[0]]:
                painter.drawPolyline(QPolygonF([points[number] for number in part]))
        if len(points) <= DOTS_UP_TO:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.accent))
            for number in np.flatnonzero(there):
                painter.drawEllipse(points[number], 1.7 * thick, 1.7 * thick)
        self._paint_ends(painter, place, (brief(low), brief(high)))
        last = f"{signed(float(drawn[there][-1]), 2)}" if there.any() else ""
        painter.drawText(QRectF(place.right() + 0.6 * letter, place.top(), 4 * letter, place.height()),
                         Qt.AlignmentFlag.AlignVCenter, last)

    def _grouped(self, values: FloatArray) -> FloatArray:
        """The mean of each column's steps, shape (columns, ...); a column a step where there is room."""
        if self.group == 1:
            return values
        edges = np.arange(0, len(values), self.group)
        counts = np.diff(edges, append=len(values)).reshape(-1, *(1,) * (values.ndim - 1))
        means: FloatArray = (np.add.reduceat(values, edges, axis=0) / counts).astype(np.float32)
        return means

    def _paint_name(self, painter: QPainter, place: QRectF, symbol: str, title: str) -> None:
        letter, theme = self.letter, self.theme
        used = font(1.3 * letter)
        used.setItalic(True)
        symbol_width = QFontMetricsF(used).horizontalAdvance(symbol) + 0.45 * letter if symbol else 0.0
        line = QRectF(self.margin, place.top() - 0.2 * letter, HEADER * letter, 1.7 * letter)
        write(painter, line, symbol, LEFT | MIDDLE, used=used, colour=theme.text)
        painter.setFont(font(0.85 * letter))
        painter.setPen(QColor(theme.muted))
        room = QRectF(self.margin + symbol_width, place.top(), HEADER * letter - symbol_width - 2.2 * letter, place.height())
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap, title)

    def _paint_ends(self, painter: QPainter, place: QRectF, ends: tuple[str, str], between: str = "") -> None:
        """What stands beside the lower and the upper end."""
        room = QRectF(self.margin, place.top(), place.left() - self.margin - 0.35 * self.letter, place.height())
        for words, where in ((ends[0], RIGHT | BOTTOM), (ends[1], RIGHT | TOP), (between, LEFT | BOTTOM)):
            write(painter, room, words, where, used=font(0.72 * self.letter), colour=self.theme.muted)

    def _paint_labels(self, painter: QPainter, place: QRectF, labels: tuple[str, ...]) -> None:
        height = place.height() / len(labels)
        size = min(0.72 * self.letter, 0.95 * height)
        painter.setFont(font(size))
        metrics, room = QFontMetricsF(painter.font()), 4.5 * self.letter
        every = math.ceil(metrics.height() * 0.8 / height)
        for row in range(0, len(labels), every):
            middle = place.top() + (row + 0.5) * height
            painter.drawText(QRectF(place.left() - room - 0.35 * self.letter, middle - self.letter, room, 2 * self.letter),
                             RIGHT | MIDDLE,
                             metrics.elidedText(labels[row], Qt.TextElideMode.ElideRight, room))

    def _paint_axis(self, painter: QPainter) -> None:
        letter, top = self.letter, self.places[-1].bottom() + 0.25 * self.letter
        painter.setFont(font(0.72 * letter))
        painter.setPen(QColor(self.theme.muted))
        room = QFontMetricsF(painter.font()).horizontalAdvance(f"{self.steps[-1] + 1:,}") + 0.8 * letter
        every = next(by for by in (power * part for power in (10**n for n in range(8)) for part in (1, 2, 5))
                     if by * self.across >= room)
        for number, step in enumerate(self.steps):
            if (step + 1) % every == 0 or every == 1 or number == 0:
                place = QRectF(self.left + (number + 0.5) * self.across - 3 * letter, top, 6 * letter, letter)
                write(painter, place, f"{step + 1:,}", CENTRE | TOP)
        noun = step_noun(self.scene.trace.provenance)
        many = f", {self.group} a column: their mean" if self.group > 1 else ""
        below = QRectF(self.left, top + 0.95 * letter, self.right - self.left, 1.2 * letter)
        write(painter, below, f"{noun}{many}", CENTRE | TOP)
