"""What each word depended on, as a map of norms: a row a word, a column the state of an earlier step."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter

from unrolled.models.trace import FloatArray, Trace
from unrolled.viewer.drawing.alignment_geometry import AlignmentGeometry
from unrolled.viewer.drawing.alignment_painting import Labels, paint_labels, source_labels, written_labels
from unrolled.viewer.drawing.gradient_colours import decades_of, ends_of, gradient_colours
from unrolled.viewer.drawing.images import image_of
from unrolled.viewer.drawing.vector_files import draw_cells
from unrolled.viewer.export.failure import ExportError
from unrolled.viewer.export.scenes.ground import Told, theme_of
from unrolled.viewer.export.scenes.legend import draw_colour_bar
from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.export.steps import steps_of
from unrolled.viewer.export.subject import Subject
from unrolled.viewer.export.type_setting import LEFT, TOP, font, write
from unrolled.viewer.state.wording import shown, step_noun

MOST_CELL = 48.0  # pixels at a width of 640
SAID = "‖∂ log p / ∂h‖: rows are what was predicted, columns the states of the steps that it depended on"


@dataclass(frozen=True, slots=True)
class GradientScene:
    """Norms of gradients, ready to be drawn."""

    trace: Trace
    table: FloatArray  # of the steps from `first` on, (rows, rows)
    first: int
    colour_map: str
    title: str


def gradient_scene(subject: Subject) -> GradientScene:
    """Take what was followed back. Raises `ExportError`."""
    found = subject.gradients
    if found is None or not found.has("hidden"):
        raise ExportError("No gradients have come.")
    return GradientScene(subject.trace, found.table("hidden"), found.first, subject.appearance.sequential_colour_map,
                         f"What each {step_noun(subject.trace.provenance)} depended on")


class GradientStill:
    """The map with its words and its scale."""

    def __init__(self, scene: GradientScene, settings: ExportSettings) -> None:
        self.scene, self.settings, self.theme = scene, settings, theme_of(settings)
        rows = range(scene.first, scene.first + len(scene.table))
        self.steps = [step for step in steps_of(scene.trace.words, settings) if step in rows]
        if not self.steps:
            raise ExportError(f"Gradients are there of the steps {rows.start + 1} to {rows.stop} alone, counted from 1.")
        width = float(settings.width)
        self.letter = letter = settings.type_pixels(12 * width / 640)
        self.margin = 0.025 * width
        words = [shown(scene.trace.words[step], scene.trace.provenance.detokenization) for step in self.steps]
        self.labels = Labels(words, font(letter))
        room = width - 2 * self.margin
        left = min(self.labels.width + 0.4 * letter, 0.3 * room)
        bar = 5.5 * letter
        cell = max(min((room - left - bar) / len(words), MOST_CELL * width / 640), 0.5)
        heads = self.labels.height + 4 if cell >= self.labels.width else min(self.labels.width + 0.4 * letter, 0.25 * room)
        self.geometry = AlignmentGeometry(left, heads, cell, cell, len(words), len(words))
        self.bottom = self.margin + self.geometry.bottom
        self.size = QSize(round(width), round(self.bottom + 2.2 * letter + self.margin))

    def paint(self, painter: QPainter, *, fineness: float, told: Told) -> None:
        scene, theme, geometry, letter = self.scene, self.theme, self.geometry, self.letter
        places = [step - scene.first for step in self.steps]
        table = scene.table[places][:, places]
        decades = decades_of([scene.table])
        colours = gradient_colours(table, decades, scene.colour_map, theme.missing)
        if self.settings.clear:
            colours[np.triu_indices(len(colours), 1)] = 0
        painter.save()
        painter.translate(self.margin, self.margin)
        area = QRectF(geometry.left, geometry.top, geometry.right - geometry.left, geometry.bottom - geometry.top)
        draw_cells(painter, area, image_of(colours))
        paint_labels(painter, (*written_labels(geometry, self.labels, theme, current=-1),
                               *source_labels(geometry, self.labels, theme)), self.labels.font)
        bar = QRectF(area.right() + letter, area.top(), 0.8 * letter, min(area.height(), 16 * letter))
        draw_colour_bar(painter, bar, colour_map=scene.colour_map, ends=ends_of(decades), letter=0.85 * letter, theme=theme)
        painter.restore()
        line = QRectF(self.margin, self.bottom + 0.6 * letter, self.size.width() - 2 * self.margin, 1.5 * letter)
        write(painter, line, SAID, LEFT | TOP, used=font(0.85 * letter), colour=theme.muted, elided=True)
