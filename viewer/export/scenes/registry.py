"""What is drawn of a trace, chosen by its channels' axes and what kind of input it read; nothing in here knows a model."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QSize
from PySide6.QtGui import QPainter

from unrolled.models.trace import Trace
from unrolled.viewer.drawing.alignment_rows import source_channels
from unrolled.viewer.export.failure import ExportError
from unrolled.viewer.export.pixels import Pixels
from unrolled.viewer.export.scenes.alignment import AlignmentFrames, AlignmentScene, AlignmentStill, alignment_scene
from unrolled.viewer.export.scenes.clip import ClipFrames, ClipScene, ClipStill, clip_scene
from unrolled.viewer.export.scenes.film_strip import StripLayout
from unrolled.viewer.export.scenes.frames import FramePainter
from unrolled.viewer.export.scenes.picture import Scene, make_scene
from unrolled.viewer.export.scenes.text import FILM_SENTENCE, TextScene, TextStill, text_scene
from unrolled.viewer.export.settings import ExportSettings

AnyScene = Scene | AlignmentScene | ClipScene | TextScene


class Frames(Protocol):
    """Paints the frames of an animation."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, even."""

    def paint(self, step: int) -> Pixels:
        """One of them, shape (height, width, 3)."""


class Still(Protocol):
    """Paints one picture."""

    @property
    def size(self) -> QSize:
        """In pixels of its layout."""

    def paint(self, painter: QPainter, *, vector: bool, on_progress: object, cancelled: object) -> None:
        """All of it; `vector` says that what is painted on can be enlarged. Raises `Cancelled`."""


def scene_of(trace: Trace) -> AnyScene:
    """Take from a trace what an export needs. Raises `ExportError`."""
    if len(trace) == 0:
        raise ExportError("The trace has no steps yet; let the model write a word first.")
    if source_channels(trace.channels.values()):
        return alignment_scene(trace)
    if trace.provenance.input_kind == "clip":
        return clip_scene(trace)
    if trace.provenance.input_kind == "text":
        return text_scene(trace)
    return make_scene(trace)


def frames_of(scene: AnyScene, settings: ExportSettings) -> Frames:
    """What paints a scene's frames. Raises `ExportError` where it has none."""
    if isinstance(scene, AlignmentScene):
        return AlignmentFrames(scene, settings)
    if isinstance(scene, ClipScene):
        return ClipFrames(scene, settings)
    if isinstance(scene, TextScene):
        raise ExportError(FILM_SENTENCE)
    return FramePainter(scene, settings)


def still_of(scene: AnyScene, settings: ExportSettings) -> Still:
    """What paints a scene as one picture."""
    if isinstance(scene, AlignmentScene):
        return AlignmentStill(scene, settings)
    if isinstance(scene, ClipScene):
        return ClipStill(scene, settings)
    return TextStill(scene, settings) if isinstance(scene, TextScene) else StripLayout(scene, settings)
