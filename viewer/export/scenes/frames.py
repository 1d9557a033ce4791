"""The frames of an attention animation: the photograph, the attention moving over it, the words coming under it.

The layout is made once for the whole caption, so that nothing moves between frames but what should.
"""

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter

from unrolled.viewer.drawing.images import Pixels, image_of, pixels_of
from unrolled.viewer.drawing.overlay import draw_veil, part
from unrolled.viewer.export.scenes.ground import blank, theme_of
from unrolled.viewer.export.scenes.legend import draw_legend, draw_step
from unrolled.viewer.export.scenes.picture import Scene, attention_image, outline_region
from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.export.steps import chosen_steps
from unrolled.viewer.export.type_setting import font, set_words
from unrolled.viewer.state.wording import percent

TALLEST = 1.25  # a photograph's height on a frame, in widths


class FramePainter:
    """Paints any frame of an animation; usable in any one thread."""

    def __init__(self, scene: Scene, settings: ExportSettings) -> None:
        self._scene, self._settings = scene, settings
        self.steps = chosen_steps(scene.steps, scene.end_step, settings)
        self._theme = theme_of(settings)
        width = settings.width - settings.width % 2
        unit = width / 640
        margin = round(16 * unit)
        height, across = scene.photograph.shape[:2]
        scale = min((width - 2 * margin) / across, TALLEST * width / height)
        size = round(across * scale), round(height * scale)
        self._photograph = QRect((width - size[0]) // 2, margin, size[0], size[1])
        letter = settings.type_pixels(25 * unit)
        self._word_font, self._current_font = font(letter), font(letter, bold=True)
        words = scene.words[: self.steps[-1] + 1]
        # Set in the bold cut, the wider one, so that a word that becomes current does not push the others.
        self._words = set_words(words, self._current_font, width=width - 2 * margin, gap=0.36 * letter,
                                line_height=1.44 * letter)
        metrics = QFontMetricsF(self._current_font)
        self._texts = tuple(  # a word longer than a line is cut with dots
            metrics.elidedText(word, Qt.TextElideMode.ElideRight, place.width() + 1.0)
            for word, place in zip(words, self._words.places, strict=True))
        self._words_at = margin, self._photograph.bottom() + 1 + round(10 * unit)
        words_height = self._words.height if settings.words else 0.0
        legend_top = self._words_at[1] + words_height + 10 * unit
        self._legend = QRectF(margin, legend_top, width - 2 * margin, 1.2 * letter)
        total = round(self._legend.bottom() + 10 * unit)
        self.size = width, total + total % 2
        self._base = self._paint_base()

    def _paint_base(self) -> QImage:
        image = blank(QSize(*self.size), self._settings)
        with QPainter(image) as painter:
            painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
            photograph = image_of(self._scene.photograph).scaled(
                self._photograph.size(), Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
            painter.drawImage(self._photograph.topLeft(), photograph)
            draw_legend(painter, self._legend, cells=self._scene.maps[0].size, settings=self._settings, theme=self._theme)
        return image

    def paint(self, step: int) -> Pixels:
        """The frame of a step, shape (height, width, 3), or with alpha where there is no ground."""
        scene, settings, theme = self._scene, self._settings, self._theme
        image = self._base.copy()
        with QPainter(image) as painter:
            painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
            area = part(QRectF(self._photograph), scene.region).toRect()
            painter.drawImage(area.topLeft(), attention_image(scene.maps[step], settings, area.width(), area.height()))
            draw_veil(painter, QRectF(self._photograph), QRectF(area), settings.opacity if settings.style == "dimmed" else 0.0)
            outline_region(painter, QRectF(area), scene.region)
            chance = percent(float(scene.probabilities[step]))
            draw_step(painter, self._legend, f"word {step + 1} of {scene.steps} · {chance}", theme=theme)
            if settings.words:
                painter.translate(*self._words_at)
                for number in range(step + 1):
                    current = number == step
                    painter.setFont(self._current_font if current else self._word_font)
                    ended = number == scene.end_step
                    painter.setPen(QColor(theme.muted if ended else theme.accent if current else theme.text))
                    painter.drawText(self._words.places[number], Qt.AlignmentFlag.AlignCenter, self._texts[number])
        return pixels_of(image)
