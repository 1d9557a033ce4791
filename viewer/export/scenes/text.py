"""A text that was read or written character by character, each on a ground that says how probable it was."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from unrolled.models.trace import Trace
from unrolled.models.trace.detokenization import SIGNS, WORD_BEGINS, text_of
from unrolled.models.trace.names import text_name
from unrolled.viewer.drawing.painting import mix
from unrolled.viewer.export.failure import ExportError
from unrolled.viewer.export.scenes.ground import Told, theme_of
from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.export.steps import steps_of
from unrolled.viewer.export.type_setting import LEFT, TOP, font, write
from unrolled.viewer.state.wording import sign_of, step_noun
from unrolled.viewer.theme.fonts import load_fonts, mono_font
from unrolled.viewer.theme.themes import Theme

MOST_CHARACTERS = 6000
STRONGEST_TINT = 0.46  # as in the caption: the text stays legible on it
TAB = 4
LEGEND, UNDERLINED = "probability of each {}, 0 to 100%", " · underlined: written by the model"


@dataclass(frozen=True, slots=True)
class TextScene:
    """A text, ready to be drawn."""

    words: tuple[str, ...]  # characters, or pieces of words
    signs: tuple[str, ...]  # the same as they are drawn, with the space before them
    probabilities: npt.NDArray[np.float32]  # (steps,)
    prompt_tokens: int  # the first so many were read, the others written
    title: str
    noun: str = "character"  # what one of them is


def text_scene(trace: Trace) -> TextScene:
    """Take from a trace of a text what is drawn. Raises `ExportError`."""
    if len(trace) > MOST_CHARACTERS:
        raise ExportError(f"A text of {len(trace):,} characters is too long for a picture; {MOST_CHARACTERS:,} are the most. "
                          "Read a part of it.")
    text = text_of(trace.words, trace.provenance.detokenization)
    is_of_signs = trace.provenance.detokenization == "characters"
    signs = tuple(sign_of(word) if is_of_signs or word in ("\n", "\t") else piece_sign(word) for word in trace.words)
    return TextScene(tuple(trace.words), signs, np.exp(trace.log_probs), trace.provenance.prompt_tokens,
                     text[:80].replace("\n", " "), step_noun(trace.provenance))


def piece_sign(piece: str) -> str:
    """A piece on one line: the ends of lines and the tabs in it are signs, as is what cannot be printed."""
    return text_name("".join(SIGNS[own] if own in "\n\t" else own for own in piece.replace(WORD_BEGINS, " ")))


class TextStill:
    """The characters in lines as they stand, on grounds of the accent: the more of it, the more probable."""

    def __init__(self, scene: TextScene, settings: ExportSettings) -> None:
        self.scene, self.settings = scene, settings
        width = float(settings.width)
        load_fonts()
        unit = width / 640
        self.unit, self.margin = unit, 16 * unit
        self.steps = steps_of(scene.words, settings)
        letter = settings.type_pixels(13 * unit)
        self._font, self._small = mono_font(max(round(letter), 6)), font(0.92 * letter)
        metrics = QFontMetricsF(self._font)
        self.across, self.line = metrics.horizontalAdvance("m"), metrics.height() * 1.2
        columns = max(int((width - 2 * self.margin) / self.across), 1)
        columns = min(columns, settings.columns or columns)
        row, column = 0, 0
        self.places: list[QRectF] = []
        for word in (scene.signs[step] for step in self.steps):
            wide = TAB if word == "\t" else max(len(word), 1)
            if column + wide > columns:
                row, column = row + 1, 0
            self.places.append(QRectF(self.margin + column * self.across, self.margin + row * self.line, wide * self.across,
                                      self.line))
            row, column = (row + 1, 0) if word.endswith(("\n", SIGNS["\n"])) else (row, column + wide)
        self.legend_top = self.margin + (row + 1) * self.line + 10 * unit
        self.size = QSize(round(width), round(self.legend_top + 20 * unit + 1.5 * letter))

    def ground(self, step: int) -> QColor:
        theme, chance = theme_of(self.settings), float(self.scene.probabilities[step])
        return self._tint(theme, STRONGEST_TINT * chance if np.isfinite(chance) else 0.0)

    def _tint(self, theme: Theme, amount: float) -> QColor:
        """So much of the accent over the ground, or over nothing."""
        if not self.settings.clear:
            return mix(theme.panel, theme.accent, round(amount, 3))
        colour = QColor(theme.accent)
        colour.setAlphaF(amount)
        return colour

    def paint(self, painter: QPainter, *, fineness: float, told: Told) -> None:
        """Paint it all: grounds, characters, what the ground says."""
        theme, scene, unit = theme_of(self.settings), self.scene, self.unit
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)  # grounds that meet leave no seam
        painter.setFont(self._font)
        for step, place in zip(self.steps, self.places, strict=True):
            word = scene.signs[step]
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
                             self._tint(theme, STRONGEST_TINT * (part + 0.5) / 40))
        below = QRectF(self.margin, bar.bottom() + 2 * unit, self.size.width() - 2 * self.margin,
                       self.size.height() - bar.bottom() - 2 * unit)
        said = LEGEND.format(scene.noun) + (UNDERLINED if 0 < scene.prompt_tokens < len(scene.words) else "")
        write(painter, below, said, LEFT | TOP, used=self._small, colour=theme.muted)
