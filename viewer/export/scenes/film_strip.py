"""The film strip: the photograph once a word, its attention over it, the word under it. One layout for PNG, SVG, PDF."""

import math

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter

from unrolled.viewer.drawing.images import image_of
from unrolled.viewer.drawing.overlay import draw_veil, fitted, part
from unrolled.viewer.export.scenes.ground import Told, theme_of
from unrolled.viewer.export.scenes.legend import draw_legend
from unrolled.viewer.export.scenes.picture import Scene, attention_image, outline_region
from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.export.steps import chosen_steps
from unrolled.viewer.export.type_setting import LEFT, MIDDLE, font, write
from unrolled.viewer.state.wording import percent

TALLEST = 2.0  # heights of a place, in widths: a telephone's photograph fills it
LEAST_PICTURE = 6.0  # pixels


class StripLayout:
    """Where everything of a strip lies, in pixels of its width."""

    def __init__(self, scene: Scene, settings: ExportSettings) -> None:
        self.scene, self.settings = scene, settings
        self.steps = chosen_steps(scene.steps, scene.end_step, settings)
        height, across = scene.photograph.shape[:2]
        self.columns = min(len(self.steps), settings.columns or (6 if len(self.steps) > 10 else 5))
        width = float(settings.width)
        self.margin = width * 0.025
        self.gap = min(width * 0.015, (width - 2 * self.margin) / self.columns * 0.15)
        self.picture_width = max((width - 2 * self.margin - (self.columns - 1) * self.gap) / self.columns, LEAST_PICTURE)
        self.picture_height = self.picture_width * min(height / across, TALLEST)
        self._size = QSize(across, height)
        self.text = settings.type_pixels(max(min(self.picture_width * 0.15, width * 0.026), 7.0))
        self.row_height = self.picture_height + 2.9 * self.text
        rows = math.ceil(len(self.steps) / self.columns)
        self.legend = QRectF(self.margin, self.margin + rows * self.row_height + 0.2 * self.text,
                             min(width - 2 * self.margin, 26 * self.text), 1.9 * self.text)
        self.size = QSize(round(width), round(self.legend.bottom() + self.margin))

    def picture(self, number: int) -> QRectF:
        """Where a photograph of the strip lies: in its own proportions, at the left of its place."""
        row, column = divmod(number, self.columns)
        place = QRectF(self.margin + column * (self.picture_width + self.gap), self.margin + row * self.row_height,
                       self.picture_width, self.picture_height)
        picture = fitted(self._size, place, 1.0)
        picture.moveLeft(place.left())
        return picture

    def paint(self, painter: QPainter, *, fineness: float, told: Told) -> None:
        """Paint it all; photographs have so many pixels for one of the layout."""
        scene, settings = self.scene, self.settings
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        first = self.picture(0)
        pixels = (max(round(first.width() * fineness), 1), max(round(first.height() * fineness), 1))
        photograph = image_of(scene.photograph).scaled(*pixels, Qt.AspectRatioMode.IgnoreAspectRatio,
                                                        Qt.TransformationMode.SmoothTransformation)
        area = part(QRectF(0, 0, *pixels), scene.region).toRect()
        for number, step in enumerate(self.steps):
            told(0.95 * number / len(self.steps))
            place = self.picture(number)
            # Attention lies over the photograph as an image of its own: a PDF holds the one once, the other without loss.
            seen = part(place, scene.region)
            painter.drawImage(place, photograph)
            painter.setRenderHint(QPainter.RenderHint.LosslessImageRendering)
            painter.drawImage(seen, attention_image(scene.maps[step], settings, area.width(), area.height()))
            painter.setRenderHint(QPainter.RenderHint.LosslessImageRendering, False)
            draw_veil(painter, place, seen, settings.opacity if settings.style == "dimmed" else 0.0)
            outline_region(painter, seen, scene.region)
            self._paint_words(painter, step, place)
        draw_legend(painter, self.legend, cells=scene.maps[0].size, settings=settings, theme=theme_of(settings))

    def _paint_words(self, painter: QPainter, step: int, place: QRectF) -> None:
        theme = theme_of(self.settings)
        word, ended = self.scene.words[step], step == self.scene.end_step
        line = QRectF(place.left(), place.bottom() + 0.25 * self.text, self.picture_width, 1.3 * self.text)
        write(painter, line, word, LEFT | MIDDLE, used=font(self.text, bold=not ended),
              colour=theme.muted if ended else theme.text, elided=True)
        chance = percent(float(self.scene.probabilities[step]))
        below = QRectF(place.left(), place.bottom() + 1.5 * self.text, self.picture_width, 1.0 * self.text)
        write(painter, below, f"step {step + 1} · {chance}" if self.settings.steps else chance, LEFT | MIDDLE,
              used=font(self.text * 0.72), colour=theme.muted)
