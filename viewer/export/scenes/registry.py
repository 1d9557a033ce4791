"""What is drawn of a trace, chosen by the kind of input that it read; nothing in here knows a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from PySide6.QtCore import QSize
from PySide6.QtGui import QPainter

from unrolled.models.trace import Trace
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


@dataclass(frozen=True, slots=True)
class SceneKind:
    """How runs of one kind of input are drawn.

    Attributes
    ----------
    scene : type
        What `make` gives, so that a scene's painters are found again.
    make : callable
        Takes from a trace what is drawn. Raises `ExportError`.
    still : callable
        What paints the scene as one picture.
    frames : callable or None
        What paints its frames.
    """

    scene: type
    make: Callable[[Trace], AnyScene]
    still: Callable[[Any, ExportSettings], Still]
    frames: Callable[[Any, ExportSettings], Frames] | None


PICTURE = SceneKind(Scene, make_scene, StripLayout, FramePainter)
BY_INPUT_KIND = {
    "picture": PICTURE,
    "sentence": SceneKind(AlignmentScene, alignment_scene, AlignmentStill, AlignmentFrames),
    "text": SceneKind(TextScene, text_scene, TextStill, None),
    "clip": SceneKind(ClipScene, clip_scene, ClipStill, ClipFrames),
}


def scene_of(trace: Trace) -> AnyScene:
    """Take from a trace what an export needs. Raises `ExportError`."""
    if len(trace) == 0:
        raise ExportError("The trace has no steps yet; let the model write a word first.")
    return BY_INPUT_KIND.get(trace.provenance.input_kind, PICTURE).make(trace)


def frames_of(scene: AnyScene, settings: ExportSettings) -> Frames:
    """What paints a scene's frames. Raises `ExportError` where it has none."""
    frames = _kind_of(scene).frames
    if frames is None:
        raise ExportError(FILM_SENTENCE)
    return frames(scene, settings)


def still_of(scene: AnyScene, settings: ExportSettings) -> Still:
    """What paints a scene as one picture."""
    return _kind_of(scene).still(scene, settings)


def _kind_of(scene: AnyScene) -> SceneKind:
    return next(kind for kind in BY_INPUT_KIND.values() if isinstance(scene, kind.scene))
