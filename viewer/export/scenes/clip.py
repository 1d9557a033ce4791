"""A clip's frames with what the model says of each: as a film, and as a sheet of frames."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from unrolled.models.inputs.clips import ClipError, read_clip
from unrolled.models.trace import Trace
from unrolled.models.trace.detokenization import text_of
from unrolled.viewer.drawing.overlay import fitted
from unrolled.viewer.export.failure import Cancelled, ExportError
from unrolled.viewer.export.pixels import Pixels, pixels_of
from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.export.type_setting import font
from unrolled.viewer.state.wording import percent
from unrolled.viewer.theme.themes import DARK, LIGHT, Theme

MOST_BARS = 4      # labels below a frame
MOST_ON_SHEET = 24  # frames; of a longer clip every second, third … one
PICTURE_PIXELS = 480  # a frame's width in a vector file, where it can be enlarged
TALLEST = 2.0       # heights of a frame's place on a sheet, in widths
SMOOTH_FROM = 200  # pixels of a clip's width; smaller ones are shown pixel by pixel


@dataclass(frozen=True, slots=True)
class ClipScene:
    """A clip that was read, ready to be drawn.

    Attributes
    ----------
    frames : array of uint8, shape (steps, height, width, 3)
    words : tuple of str
        The label that was said at each step.
    probabilities : array of float32, shape (steps,)
        Of that label.
    chances : array of float32, shape (steps, labels)
        Of all labels.
    labels : tuple of str
    title : str
    """

    frames: Pixels
    words: tuple[str, ...]
    probabilities: npt.NDArray[np.float32]
    chances: npt.NDArray[np.float32]
    labels: tuple[str, ...]
    title: str

    @property
    def steps(self) -> int:
        """How many there are."""
        return len(self.words)


def clip_scene(trace: Trace) -> ClipScene:
    """Take from a trace of a clip what is drawn. Raises `ExportError`."""
    if not trace.input_bytes:
        raise ExportError("This trace was saved without its clip; a .safetensors, .npz or .json trace holds it.")
    try:
        clip = read_clip(trace.input_bytes, trace.provenance.input_name or "the clip")
    except ClipError as error:
        raise ExportError(str(error)) from error
    steps = min(len(trace), len(clip.frames))
    channel = next((one for one in trace.channels.values() if one.axes == ("label",)), None)
    chances = np.exp(trace.log_probs)[:, None] if channel is None else trace.column(channel.name)
    labels = channel.labels if channel is not None else ()
    return ClipScene(clip.frames[:steps], tuple(trace.words[:steps]), np.exp(trace.log_probs[:steps]), chances[:steps], labels,
                     text_of(trace.words, trace.provenance.detokenization))


def _frame_image(frame: Pixels, width: int, height: int) -> QImage:
    frame = np.ascontiguousarray(frame)
    image = QImage(frame.data, frame.shape[1], frame.shape[0], 3 * frame.shape[1], QImage.Format.Format_RGB888)
    how = (Qt.TransformationMode.SmoothTransformation if frame.shape[1] >= SMOOTH_FROM
           else Qt.TransformationMode.FastTransformation)
    return image.scaled(max(width, 1), max(height, 1), Qt.AspectRatioMode.IgnoreAspectRatio, how)


class ClipFrames:
    """Paints any frame of the film: the clip's frame, what is said of it, and bars of the labels most probable over all."""

    def __init__(self, scene: ClipScene, settings: ExportSettings) -> None:
        self.scene, self.settings = scene, settings
        self.theme: Theme = DARK if settings.dark else LIGHT
        width = settings.width - settings.width % 2
        self.unit = unit = width / 640
        self.margin = round(16 * unit)
        across = width - 2 * self.margin
        tall, wide = scene.frames.shape[1:3]
        scale = min(across / wide, 0.8 * width / tall)
        size = max(round(wide * scale), 1), max(round(tall * scale), 1)
        self.picture = QRectF((width - size[0]) // 2, self.margin, *size)
        # The same labels on every frame, so that bars grow and shrink and never change their places.
        self.shown = sorted(np.argsort(-scene.chances.max(axis=0))[:MOST_BARS].tolist()) if scene.labels else []
        self.bars_top = self.picture.bottom() + 44 * unit
        total = round(self.bars_top + len(self.shown) * 24 * unit + 30 * unit)
        self.size = width, total + total % 2

    def bar(self, number: int, chance: float) -> QRectF:
        """Where the bar of one of the shown labels lies."""
        left, full = self.margin + 170 * self.unit, self.size[0] - 2 * self.margin - 230 * self.unit
        return QRectF(left, self.bars_top + (24 * number + 5) * self.unit, max(chance * full, 0.0), 14 * self.unit)

    def paint(self, step: int) -> Pixels:
        """The frame of a step, shape (height, width, 3)."""
        scene, theme, unit = self.scene, self.theme, self.unit
        image = QImage(*self.size, QImage.Format.Format_RGB888)
        image.fill(QColor(theme.panel))
        with QPainter(image) as painter:
            painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
            place = self.picture
            painter.drawImage(place.topLeft(), _frame_image(scene.frames[step], round(place.width()), round(place.height())))
            painter.setFont(font(22 * unit, bold=True))
            painter.setPen(QColor(theme.text))
            chance = percent(float(scene.probabilities[step]))
            line = QRectF(self.margin, place.bottom() + 8 * unit, self.size[0] - 2 * self.margin, 32 * unit)
            painter.drawText(line, Qt.AlignmentFlag.AlignCenter, f"{scene.words[step]} · {chance}")
            for number, label in enumerate(self.shown):
                self._paint_bar(painter, number, label, float(scene.chances[step, label]), scene.words[step])
            painter.setFont(font(13 * unit))
            painter.setPen(QColor(theme.muted))
            painter.drawText(QRectF(self.margin, self.size[1] - 26 * unit, self.size[0] - 2 * self.margin, 20 * unit),
                             Qt.AlignmentFlag.AlignCenter, f"frame {step + 1} of {scene.steps}")
        return pixels_of(image)

    def _paint_bar(self, painter: QPainter, number: int, label: int, chance: float, said: str) -> None:
        theme, unit, bar = self.theme, self.unit, self.bar(number, chance)
        name = self.scene.labels[label]
        painter.setFont(font(14 * unit, bold=name == said))
        painter.setPen(QColor(theme.text if name == said else theme.muted))
        room = QRectF(self.margin, bar.top() - 4 * unit, 160 * unit, 22 * unit)
        painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                         painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, int(room.width())))
        whole = self.bar(number, 1.0)
        painter.fillRect(whole, QColor(theme.missing))
        painter.fillRect(bar, QColor(theme.accent if name == said else theme.faint))
        painter.drawText(QRectF(whole.right() + 8 * unit, room.top(), 52 * unit, room.height()),
                         Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, percent(float(chance)))


class ClipStill:
    """A sheet of frames with their labels."""

    def __init__(self, scene: ClipScene, settings: ExportSettings) -> None:
        self.scene, self.settings = scene, settings
        self.steps = range(0, scene.steps, math.ceil(scene.steps / MOST_ON_SHEET))
        self.columns = min(len(self.steps), 6)
        width = float(settings.width)
        self.margin, self.gap = width * 0.025, width * 0.015
        self.across = (width - 2 * self.margin - (self.columns - 1) * self.gap) / self.columns
        tall, wide = scene.frames.shape[1:3]
        self.tall = self.across * min(tall / wide, TALLEST)
        self.text = max(min(self.across * 0.13, width * 0.022), 7.0)
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

    def paint(self, painter: QPainter, *, vector: bool, on_progress: object, cancelled: object) -> None:
        scene, theme = self.scene, DARK if self.settings.dark else LIGHT
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        painter.fillRect(QRectF(0, 0, self.size.width(), self.size.height()), QColor(theme.panel))
        for number, step in enumerate(self.steps):
            if callable(cancelled) and cancelled():
                raise Cancelled
            place, enlarged = self.place(number), max(PICTURE_PIXELS / self.across, 1.0) if vector else 1.0
            painter.setRenderHint(QPainter.RenderHint.LosslessImageRendering, scene.frames.shape[2] < SMOOTH_FROM)
            painter.drawImage(place, _frame_image(scene.frames[step], round(enlarged * place.width()),
                                                  round(enlarged * place.height())))
            painter.setFont(font(self.text, bold=True))
            painter.setPen(QColor(theme.text))
            line = QRectF(place.left(), place.bottom() + 0.25 * self.text, self.across, 1.3 * self.text)
            painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
                             painter.fontMetrics().elidedText(scene.words[step], Qt.TextElideMode.ElideRight, int(self.across)))
            painter.setFont(font(self.text * 0.72))
            painter.setPen(QColor(theme.muted))
            painter.drawText(line.translated(0, 1.3 * self.text), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
                             f"frame {step + 1} · {percent(float(scene.probabilities[step]))}")
