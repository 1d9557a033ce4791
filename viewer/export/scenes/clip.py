"""A clip's frames with what the model says of each: as a film, and as a sheet of frames."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from unrolled.models.inputs.clips import read_clip
from unrolled.models.inputs.files import ReadingError
from unrolled.models.trace import Trace
from unrolled.models.trace.detokenization import text_of
from unrolled.viewer.drawing.images import Pixels, image_of, pixels_of
from unrolled.viewer.drawing.overlay import fitted
from unrolled.viewer.export.failure import ExportError
from unrolled.viewer.export.scenes.ground import Told, blank, theme_of
from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.export.steps import chosen_steps
from unrolled.viewer.export.type_setting import CENTRE, LEFT, MIDDLE, RIGHT, font, write
from unrolled.viewer.state.wording import percent, shown
from unrolled.viewer.theme.themes import Theme

FEWEST_BARS, MOST_BARS = 4, 8  # labels below a frame, where there are so many
MOST_ON_SHEET = 24  # frames; of a longer clip every second, third … one
TALLEST = 2.0       # heights of a frame's place on a sheet, in widths
SMOOTH_FROM = 200  # pixels of a clip's width; smaller ones are shown pixel by pixel


@dataclass(frozen=True, slots=True)
class ClipScene:
    """A clip that was read, ready to be drawn."""

    frames: Pixels  # (steps, height, width, 3)
    words: tuple[str, ...]  # the label that was said at each step
    probabilities: npt.NDArray[np.float32]  # of that label, (steps,)
    chances: npt.NDArray[np.float32]  # of all labels, (steps, labels)
    labels: tuple[str, ...]
    title: str


def clip_scene(trace: Trace) -> ClipScene:
    """Take from a trace of a clip what is drawn. Raises `ExportError`."""
    if not trace.input_bytes:
        raise ExportError("This trace was saved without its clip; a .safetensors, .npz or .json trace holds it.")
    try:
        clip = read_clip(trace.input_bytes, trace.provenance.input_name or "the clip")
    except ReadingError as error:
        raise ExportError(str(error)) from error
    steps = min(len(trace), len(clip.frames))
    channel = next((one for one in trace.channels.values() if one.axes == ("label",)), None)
    chances = np.exp(trace.log_probs)[:, None] if channel is None else trace.column(channel.name)
    labels = channel.labels if channel is not None else ()
    said, labels = (tuple(shown(name, "labels") for name in names) for names in (trace.words[:steps], labels))
    return ClipScene(clip.frames[:steps], said, np.exp(trace.log_probs[:steps]), chances[:steps], labels,
                     text_of(trace.words, trace.provenance.detokenization))


def _frame_image(frame: Pixels, width: int, height: int) -> QImage:
    how = (Qt.TransformationMode.SmoothTransformation if frame.shape[1] >= SMOOTH_FROM
           else Qt.TransformationMode.FastTransformation)
    return image_of(frame).scaled(max(width, 1), max(height, 1), Qt.AspectRatioMode.IgnoreAspectRatio, how)


def _bars(scene: ClipScene) -> list[int]:
    """The labels that have bars, in their order: those that are said, the most often said first, then the most probable."""
    said = np.array([scene.words.count(label) for label in scene.labels])
    wanted = np.lexsort((-scene.chances.max(axis=0), -said))
    return sorted(wanted[: min(max(int((said > 0).sum()), FEWEST_BARS), MOST_BARS)].tolist())


class ClipFrames:
    """Paints any frame of the film: the clip's frame, what is said of it, and bars of the labels that are said in it."""

    def __init__(self, scene: ClipScene, settings: ExportSettings) -> None:
        self.scene, self.settings = scene, settings
        self.steps = chosen_steps(len(scene.words), -1, settings)
        self.theme: Theme = theme_of(settings)
        width = settings.width - settings.width % 2
        unit = width / 640
        self.margin = round(16 * unit)
        self.letter = settings.type_pixels(14 * unit)  # of the labels; all else that is written goes with it
        across = width - 2 * self.margin
        tall, wide = scene.frames.shape[1:3]
        scale = min(across / wide, 0.8 * width / tall)
        size = max(round(wide * scale), 1), max(round(tall * scale), 1)
        self.picture = QRectF((width - size[0]) // 2, self.margin, *size)
        # The same labels on every frame, so that bars grow and shrink and never change their places.
        self.shown = _bars(scene) if scene.labels else []
        self.bars_top = self.picture.bottom() + 3.1 * self.letter
        total = round(self.bars_top + (len(self.shown) * 1.7 + 2.1) * self.letter)
        self.size = width, total + total % 2

    def bar(self, number: int, chance: float) -> QRectF:
        """Where the bar of one of the shown labels lies."""
        left, right = self.margin + self.names, self.size[0] - self.margin - 4.3 * self.letter
        return QRectF(left, self.bars_top + (1.7 * number + 0.35) * self.letter, max(chance * (right - left), 0.0), self.letter)

    @property
    def names(self) -> float:
        """The room for the labels' names."""
        return min(12.1 * self.letter, 0.4 * self.size[0])

    def paint(self, step: int) -> Pixels:
        """The frame of a step, shape (height, width, 3), or with alpha where there is no ground."""
        scene, theme, letter = self.scene, self.theme, self.letter
        image = blank(QSize(*self.size), self.settings)
        with QPainter(image) as painter:
            painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
            place = self.picture
            painter.drawImage(place.topLeft(), _frame_image(scene.frames[step], round(place.width()), round(place.height())))
            line = QRectF(self.margin, place.bottom() + 0.55 * letter, self.size[0] - 2 * self.margin, 2.3 * letter)
            chance = percent(float(scene.probabilities[step]))
            write(painter, line, f"{scene.words[step]} · {chance}", CENTRE | MIDDLE, used=font(1.57 * letter, bold=True),
                  colour=theme.text)
            for number, label in enumerate(self.shown):
                self._paint_bar(painter, number, label, float(scene.chances[step, label]), scene.words[step])
            below = QRectF(self.margin, self.size[1] - 1.85 * letter, self.size[0] - 2 * self.margin, 1.43 * letter)
            write(painter, below, f"frame {step + 1} of {len(scene.words)}", CENTRE | MIDDLE, used=font(0.93 * letter),
                  colour=theme.muted)
        return pixels_of(image)

    def _paint_bar(self, painter: QPainter, number: int, label: int, chance: float, said: str) -> None:
        theme, letter, bar = self.theme, self.letter, self.bar(number, chance)
        name = self.scene.labels[label]
        room = QRectF(self.margin, bar.top() - 0.3 * letter, self.names - 0.7 * letter, 1.57 * letter)
        write(painter, room, name, RIGHT | MIDDLE, used=font(letter, bold=name == said),
              colour=theme.text if name == said else theme.muted, elided=True)
        whole = self.bar(number, 1.0)
        painter.fillRect(whole, QColor(theme.missing))
        painter.fillRect(bar, QColor(theme.accent if name == said else theme.faint))
        write(painter, QRectF(whole.right() + 0.55 * letter, room.top(), 3.75 * letter, room.height()), percent(chance),
              LEFT | MIDDLE)


class ClipStill:
    def __init__(self, scene: ClipScene, settings: ExportSettings) -> None:
        self.scene, self.settings = scene, settings
        steps = chosen_steps(len(scene.words), -1, settings)
        self.steps = steps if settings.steps else steps[:: math.ceil(len(steps) / MOST_ON_SHEET)]
        self.columns = min(len(self.steps), settings.columns or 6)
        width = float(settings.width)
        self.margin = width * 0.025
        self.gap = min(width * 0.015, (width - 2 * self.margin) / self.columns * 0.15)
        self.across = (width - 2 * self.margin - (self.columns - 1) * self.gap) / self.columns
        tall, wide = scene.frames.shape[1:3]
        self.tall = self.across * min(tall / wide, TALLEST)
        self.text = settings.type_pixels(max(min(self.across * 0.13, width * 0.022), 7.0))
        rows = math.ceil(len(self.steps) / self.columns)
        self.row_height = self.tall + 3.1 * self.text
        self.size = QSize(round(width), round(2 * self.margin + rows * self.row_height))

    def place(self, number: int) -> QRectF:
        """Where a frame of the sheet lies."""
        row, column = divmod(number, self.columns)
        left, top = self.margin + column * (self.across + self.gap), self.margin + row * self.row_height
        tall, wide = self.scene.frames.shape[1:3]
        picture = fitted(QSize(wide, tall), QRectF(left, top, self.across, self.tall), 1.0)
        picture.moveLeft(left)
        return picture

    def paint(self, painter: QPainter, *, fineness: float, told: Told) -> None:
        """Paint it all; frames have so many pixels for one of the layout."""
        scene, theme = self.scene, theme_of(self.settings)
        for number, step in enumerate(self.steps):
            told(0.95 * number / len(self.steps))
            place = self.place(number)
            painter.setRenderHint(QPainter.RenderHint.LosslessImageRendering, scene.frames.shape[2] < SMOOTH_FROM)
            painter.drawImage(place, _frame_image(scene.frames[step], round(fineness * place.width()),
                                                  round(fineness * place.height())))
            line = QRectF(place.left(), place.bottom() + 0.25 * self.text, self.across, 1.3 * self.text)
            write(painter, line, scene.words[step], LEFT | MIDDLE, used=font(self.text, bold=True), colour=theme.text,
                  elided=True)
            said = f"frame {step + 1} · {percent(float(scene.probabilities[step]))}"
            write(painter, line.translated(0, 1.3 * self.text), said, LEFT | MIDDLE, used=font(self.text * 0.72),
                  colour=theme.muted)
