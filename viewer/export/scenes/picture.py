"""What an export shows of a trace: the photograph, the attention over it at each step, and the words.

Channels are chosen by their axes; nothing in here knows a model.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from unrolled.models.inputs.files import ReadingError
from unrolled.models.inputs.pictures import read_picture
from unrolled.models.trace import Trace
from unrolled.models.trace.slices import USUAL, At, channels_at
from unrolled.viewer.drawing.images import image_of
from unrolled.viewer.export.failure import ExportError
from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.export.steps import end_step_of
from unrolled.viewer.state.files import plain_ground
from unrolled.viewer.state.wording import shown
from unrolled.viewer.theme.attention_colours import attention_rgba

Pixels = npt.NDArray[np.uint8]
WHOLE = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Scene:
    """A trace, ready to be drawn."""

    photograph: Pixels  # (height, width, 3)
    maps: npt.NDArray[np.float32]  # (steps, rows, columns)
    words: tuple[str, ...]  # as people read them
    probabilities: npt.NDArray[np.float32]  # (steps,)
    # The part of the photograph that the maps lie on: left, top, right, bottom as fractions.
    region: tuple[float, float, float, float]
    end_step: int  # that wrote END, or -1

    @property
    def steps(self) -> int:
        return len(self.words)

    @property
    def title(self) -> str:
        return " ".join(self.words[: self.end_step] if self.end_step >= 0 else self.words)


def make_scene(trace: Trace, at: At = USUAL) -> Scene:
    """Take from a trace what an export needs, of layers and heads one. Raises `ExportError`."""
    if len(trace) == 0:
        raise ExportError("The trace has no steps yet; let the model write a word first.")
    channel = next((c for c in channels_at(trace.channels.values(), at) if c.axes == ("row", "column")), None)
    if channel is None:
        raise ExportError("This trace holds no attention over a picture, so there is nothing to draw.")
    ground = plain_ground(trace)
    assert ground is not None
    photograph = ground.pixels
    if trace.input_bytes:
        try:
            photograph = np.asarray(read_picture(trace.input_bytes, trace.provenance.input_name or "the picture").image)
        except ReadingError as error:
            raise ExportError(str(error)) from error
    words = tuple(shown(word, trace.provenance.detokenization) for word in trace.words)
    return Scene(photograph, trace.column(channel.name), words, np.exp(trace.log_probs),
                 trace.provenance.region, end_step_of(trace.words))


def attention_image(weights: npt.NDArray[np.float32], settings: ExportSettings, width: int, height: int) -> QImage:
    """A map as an image with alpha, so large."""
    return image_of(attention_rgba(weights, scale=settings.scale, colour_map=settings.colour_map, opacity=settings.opacity,
                                   smooth=settings.smooth, size=(max(width, 1), max(height, 1)), style=settings.style))


def outline_region(painter: QPainter, seen: QRectF, region: tuple[float, float, float, float]) -> None:
    """Mark the part of the picture that the model saw, where it is not all of it: light on dark, for any picture."""
    if region == WHOLE:
        return
    line = max(seen.width() / 400, 1.0)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, width in ((QColor(0, 0, 0, 110), 2.4 * line), (QColor(255, 255, 255, 200), line)):
        painter.setPen(QPen(colour, width))
        painter.drawRect(seen.adjusted(line, line, -line, -line))
