"""An alignment as frames and as a picture: source words lit up, a row more for every written word, the finished matrix."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from unrolled.models.trace import Channel, Trace
from unrolled.models.trace.detokenization import text_of
from unrolled.models.trace.slices import USUAL, At, channels_at
from unrolled.viewer.drawing.alignment_geometry import AlignmentGeometry
from unrolled.viewer.drawing.alignment_painting import (
    Labels,
    alignment_table,
    paint_cells,
    paint_labels,
    source_labels,
    weight_colour,
    written_labels,
)
from unrolled.viewer.drawing.alignment_rows import AlignmentRows, row_limits, source_channels, written_label
from unrolled.viewer.drawing.contrast import text_on
from unrolled.viewer.drawing.images import Pixels, pixels_of
from unrolled.viewer.export.failure import ExportError
from unrolled.viewer.export.scenes.ground import Told, blank, theme_of
from unrolled.viewer.export.scenes.legend import draw_legend, draw_step
from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.export.steps import steps_of
from unrolled.viewer.export.type_setting import font, set_words
from unrolled.viewer.state.wording import is_end, percent

LEAST_ROW, MOST_CELL = 12.0, 26.0  # pixels at a width of 640
MOST_STEPS = 2000


@dataclass(frozen=True, slots=True)
class AlignmentScene:
    """A run with attention over a source, ready to be drawn; words as people read them."""

    rows: npt.NDArray[np.float32]  # (steps, source words)
    source: tuple[str, ...]
    words: tuple[str, ...]
    probabilities: npt.NDArray[np.float32]  # (steps,)
    title: str  # what was written, as a text
    trace: Trace
    channel: Channel


def alignment_scene(trace: Trace, at: At = USUAL) -> AlignmentScene:
    """Take from a trace what is drawn of its first channel over ``source``, or of a slice of it. Raises `ExportError`."""
    if len(trace) > MOST_STEPS:
        raise ExportError(f"{len(trace):,} written words are too many for a picture; {MOST_STEPS:,} are the most.")
    channel, source = source_channels(channels_at(trace.channels.values(), at))[0], trace.provenance.source
    detokenization = trace.provenance.detokenization
    names = tuple(source) + tuple(str(place + 1) for place in range(len(source), channel.size))
    return AlignmentScene(
        trace.column(channel.name), tuple(written_label(name, detokenization) for name in names[: channel.size]),
        tuple(written_label(word, detokenization) for word in trace.words), np.exp(trace.log_probs),
        text_of((word for word in trace.words if not is_end(word)), detokenization), trace, channel)


class AlignmentLayout:
    """Where everything lies, the same on every frame, and how it is painted.

    Parameters
    ----------
    sentence : bool
        Whether the source sentence stands over the matrix, lit up by the current row.
    """

    def __init__(self, scene: AlignmentScene, settings: ExportSettings, *, sentence: bool) -> None:
        self.scene, self.settings = scene, settings
        self.steps = steps_of(scene.trace.words, settings)
        self.theme = theme_of(settings)
        width = settings.width - settings.width % 2
        unit = width / 640
        letter = settings.type_pixels(12 * unit)
        self.unit, self.margin = unit, round(16 * unit)
        room = width - 2 * self.margin
        self.table = alignment_table(settings.colour_map, self.theme.error)
        found = AlignmentRows(scene.channel, settings.scale)
        found.follow(scene.trace)
        self.places = found.places[list(self.steps)]
        self._word_font = font(1.42 * letter)
        self.words = set_words(tuple(f"{word}  " for word in scene.source), self._word_font, width=room, gap=0.33 * letter,
                               line_height=2.33 * letter)
        self.words_top = float(self.margin)
        top = self.margin + (self.words.height + letter if sentence and settings.words else 0.0)
        self._sentence = sentence and settings.words
        self._source = Labels(scene.source, font(letter))
        self._written = Labels([scene.words[step] for step in self.steps], font(letter))
        left = min(self._written.width + 4 * unit, 0.3 * room)
        cell = min((room - left) / len(scene.source), MOST_CELL * 1.6 * unit)
        height = min(max(cell, LEAST_ROW / 12 * letter), max(MOST_CELL * unit, 1.5 * letter))
        lying = cell >= self._source.width
        heads = self._source.height + 4 if lying else min(self._source.width + 4 * unit, 150 * unit)
        self.at = (float(self.margin), float(round(top)))
        self.geometry = AlignmentGeometry(round(left), round(heads), cell, height, len(self.steps), len(scene.source))
        legend_top = self.at[1] + self.geometry.bottom + 14 * unit
        self.legend = QRectF(self.margin, legend_top, room, 2.4 * letter)
        total = round(self.legend.bottom() + 10 * unit)
        self.size = QSize(width, total + total % 2)

    def paint(self, painter: QPainter, *, rows: int, current: int) -> None:
        """Paint so many rows; the row `current` is outlined and lights up the source, -1 for none."""
        scene, theme, geometry = self.scene, self.theme, self.geometry
        weights = scene.rows[self.steps[current]] if current >= 0 else None
        limits = row_limits(scene.rows[self.steps[current]], self.settings.scale) if current >= 0 else (0.0, 1.0)
        if self._sentence and weights is not None:
            self._paint_sentence(painter, weights, limits)
        painter.save()
        painter.translate(*self.at)
        if not self.settings.clear:
            area = QRectF(geometry.left, geometry.top, geometry.right - geometry.left, geometry.bottom - geometry.top)
            painter.fillRect(area, QColor(theme.missing))
        paint_cells(painter, geometry, self.places[:rows], self.table, ground="" if self.settings.clear else theme.panel)
        paint_labels(painter, source_labels(geometry, self._source, theme, weights=weights, table=self.table, limits=limits),
                     self._source.font)
        shown = AlignmentGeometry(geometry.left, geometry.top, geometry.cell_width, geometry.cell_height, rows, geometry.columns)
        paint_labels(painter, written_labels(shown, self._written, theme, current=current), self._written.font)
        if current >= 0:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme.playhead), max(1.5 * self.unit, 1.0)))
            painter.drawRect(QRectF(geometry.left, geometry.top + current * geometry.cell_height,
                                    geometry.right - geometry.left, geometry.cell_height))
        painter.restore()
        draw_legend(painter, self.legend, cells=len(scene.source), settings=self.settings, theme=theme, end=1.0, opaque=True)

    def _paint_sentence(self, painter: QPainter, weights: npt.NDArray[np.float32], limits: tuple[float, float]) -> None:
        painter.setFont(self._word_font)
        for word, place, weight in zip(self.scene.source, self.words.places, weights, strict=True):
            box = place.translated(self.margin, self.words_top).adjusted(0, 1.5 * self.unit, 0, -1.5 * self.unit)
            ground = weight_colour(float(weight), limits, self.table)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ground)
            painter.drawRoundedRect(box, 4 * self.unit, 4 * self.unit)
            painter.setPen(text_on(ground))
            text = painter.fontMetrics().elidedText(word, Qt.TextElideMode.ElideRight, int(box.width()))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


class AlignmentFrames:
    """Paints any frame of the animation; usable in any one thread."""

    def __init__(self, scene: AlignmentScene, settings: ExportSettings) -> None:
        self.layout = AlignmentLayout(scene, settings, sentence=True)
        self.size = self.layout.size.width(), self.layout.size.height()
        self.steps = self.layout.steps

    def paint(self, step: int) -> Pixels:
        """The frame of a step, shape (height, width, 3), or with alpha where there is no ground."""
        image, row = blank(self.layout.size, self.layout.settings), self.steps.index(step)
        scene = self.layout.scene
        with QPainter(image) as painter:
            painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
            self.layout.paint(painter, rows=row + 1, current=row)
            chance = percent(float(scene.probabilities[step]))
            draw_step(painter, self.layout.legend, f"word {step + 1} of {len(scene.words)} · {chance}", theme=self.layout.theme)
        return pixels_of(image)


class AlignmentStill:
    def __init__(self, scene: AlignmentScene, settings: ExportSettings) -> None:
        self.layout = AlignmentLayout(scene, settings, sentence=False)
        self.size = self.layout.size

    def paint(self, painter: QPainter, *, fineness: float, told: Told) -> None:
        """Paint it all; words stay text where the device has text."""
        self.layout.paint(painter, rows=len(self.layout.steps), current=-1)
