"""A text that was read or written character by character, each on a ground that says how probable it was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from unrolled.models.trace import Trace
from unrolled.models.trace.detokenization import text_of
from unrolled.viewer.drawing.painting import mix
from unrolled.viewer.export.failure import Cancelled, ExportError
from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.export.type_setting import font
from unrolled.viewer.theme.fonts import mono_font
from unrolled.viewer.theme.themes import DARK, LIGHT

MOST_CHARACTERS = 6000
STRONGEST_TINT = 0.46  # as in the caption: the text stays legible on it
TAB = 4
LEGEND, UNDERLINED = "probability of each character, 0 to 100%", " · underlined: written by the model"
FILM_SENTENCE = "A text is exported as a picture, ending in .png, .svg or .pdf; films are of attention and of clips."


@dataclass(frozen=True, slots=True)
class TextScene:
    """A text, ready to be drawn.

    Attributes
    ----------
    words : tuple of str
        Its characters.
    probabilities : array of float32, shape (steps,)
    prompt_tokens : int
        The first so many were read, the others written.
    title : str
    """

    words: tuple[str, ...]
    probabilities: npt.NDArray[np.float32]
    prompt_tokens: int
    title: str

    @property
    def steps(self) -> int:
        return len(self.words)


def text_scene(trace: Trace) -> TextScene:
    """Take from a trace of a text what is drawn. Raises `ExportError`."""
    if len(trace) > MOST_CHARACTERS:
        raise ExportError(f"A text of {len(trace):,} characters is too long for a picture; {MOST_CHARACTERS:,} are the most. "
                          "Read a part of it.")
    text = text_of(trace.words, trace.provenance.detokenization)
    return TextScene(tuple(trace.words), np.exp(trace.log_probs), trace.provenance.prompt_tokens, text[:80].replace("\n", " "))


class TextStill:
    """The characters in lines as they stand, on grounds of the accent: the more of it, the more probable."""

    def __init__(self, scene: TextScene, settings: ExportSettings) -> None:
        self.scene, self.settings = scene, settings
        width = float(settings.width)
        unit = width / 640
        self.unit, self.margin = unit, 16 * unit
        self._font = mono_font(max(round(13 * unit), 6))
        metrics = QFontMetricsF(self._font)
        self.across, self.line = metrics.horizontalAdvance("m"), metrics.height() * 1.2
        columns = max(int((width - 2 * self.margin) / self.across), 1)
        row, column = 0, 0
        self.places: list[QRectF] = []
        for word in scene.words:
            wide = TAB if word == "\t" else max(len(word), 1)
            if column + wide > columns:
                row, column = row + 1, 0
            self.places.append(QRectF(self.margin + column * self.across, self.margin + row * self.line, wide * self.across,
                                      self.line))
            row, column = (row + 1, 0) if word == "\n" else (row, column + wide)
        self.legend_top = self.margin + (row + 1) * self.line + 10 * unit
        self.size = QSize(round(width), round(self.legend_top + 40 * unit))

    def ground(self, step: int) -> QColor:
        theme, chance = DARK if self.settings.dark else LIGHT, float(self.scene.probabilities[step])
        return mix(theme.panel, theme.accent, round(STRONGEST_TINT * chance, 3) if np.isfinite(chance) else 0.0)

    def paint(self, painter: QPainter, *, vector: bool, on_progress: object, cancelled: object) -> None:
        """Paint it all: grounds, characters, what the ground says."""
        if callable(cancelled) and cancelled():
            raise Cancelled
        theme, scene, unit = DARK if self.settings.dark else LIGHT, self.scene, self.unit
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        painter.fillRect(QRectF(0, 0, self.size.width(), self.size.height()), QColor(theme.panel))
        painter.setFont(self._font)
        for step, (word, place) in enumerate(zip(scene.words, self.places, strict=True)):
            painter.fillRect(place, self.ground(step))
            if not word.isspace():
                painter.setPen(QColor(theme.text))
                painter.drawText(place, Qt.AlignmentFlag.AlignCenter, word)
            if step >= scene.prompt_tokens > 0:
                painter.fillRect(QRectF(place.left(), place.bottom() - 1.5 * unit, place.width(), 1.5 * unit),
                                 QColor(theme.playhead))
        bar = QRectF(self.margin, self.legend_top, 120 * unit, 8 * unit)
        for part in range(40):
            painter.fillRect(QRectF(bar.left() + part * bar.width() / 40, bar.top(), bar.width() / 40 + 0.5, bar.height()),
                             mix(theme.panel, theme.accent, round(STRONGEST_TINT * (part + 0.5) / 40, 3)))
        painter.setFont(font(12 * unit))
        painter.setPen(QColor(theme.muted))
        painter.drawText(QRectF(self.margin, bar.bottom() + 2 * unit, self.size.width() - 2 * self.margin, 20 * unit),
                         Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
                         LEGEND + (UNDERLINED if 0 < scene.prompt_tokens < scene.steps else ""))
