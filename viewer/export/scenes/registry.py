"""How each content is drawn: what is taken of a run, and what paints it. Nothing in here knows a model."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from PySide6.QtCore import QSize
from PySide6.QtGui import QPainter

from unrolled.viewer.drawing.images import Pixels
from unrolled.viewer.export.contents import Content, of_run
from unrolled.viewer.export.failure import Cancelled, ExportError
from unrolled.viewer.export.formats import IsCancelled, OnProgress
from unrolled.viewer.export.scenes.alignment import AlignmentFrames, AlignmentScene, AlignmentStill, alignment_scene
from unrolled.viewer.export.scenes.beam_tree import BeamScene, BeamStill, beam_scene
from unrolled.viewer.export.scenes.board import BoardScene, BoardStill
from unrolled.viewer.export.scenes.branch_tree import BranchScene, BranchStill, branch_scene
from unrolled.viewer.export.scenes.clip import ClipFrames, ClipScene, ClipStill, clip_scene
from unrolled.viewer.export.scenes.film_strip import StripLayout
from unrolled.viewer.export.scenes.frames import FramePainter
from unrolled.viewer.export.scenes.gradient_map import GradientScene, GradientStill, gradient_scene
from unrolled.viewer.export.scenes.ground import Told, paint_ground
from unrolled.viewer.export.scenes.picture import Scene, make_scene
from unrolled.viewer.export.scenes.text import TextScene, TextStill, text_scene
from unrolled.viewer.export.scenes.tracks import TracksScene, TracksStill, tracks_scene
from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.export.subject import Subject

AnyScene = Scene | AlignmentScene | ClipScene | TextScene | TracksScene | GradientScene | BeamScene | BranchScene | BoardScene


class Frames(Protocol):
    """Paints the frames of an animation."""

    steps: tuple[int, ...]
    """A frame each."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, even."""

    def paint(self, step: int) -> Pixels:
        """The frame of a step, shape (height, width, 3), or with alpha where there is no ground."""


class Still(Protocol):
    """Paints one picture."""

    @property
    def size(self) -> QSize:
        """In pixels of its layout."""

    def paint(self, painter: QPainter, *, fineness: float, told: Told) -> None:
        """All of it but the ground; photographs in it have so many pixels for one of the layout."""


@dataclass(frozen=True, slots=True)
class SceneKind:
    """How one content is drawn."""

    scene: type  # what `make` gives, so that a scene's painters are found again
    make: Callable[[Subject], AnyScene]  # takes from a run what is drawn; raises `ExportError`
    still: Callable[[Any, ExportSettings], Still]  # what paints the scene as one picture
    frames: Callable[[Any, ExportSettings], Frames] | None = None  # what paints its frames


def _board_of(subject: Subject) -> BoardScene:
    assert subject.board is not None, "it is offered where there is one"
    return subject.board


KINDS = {
    "attention": SceneKind(Scene, lambda subject: make_scene(subject.trace, subject.at), StripLayout, FramePainter),
    "alignment": SceneKind(AlignmentScene, lambda subject: alignment_scene(subject.trace, subject.at), AlignmentStill,
                           AlignmentFrames),
    "text": SceneKind(TextScene, lambda subject: text_scene(subject.trace), TextStill),
    "frames": SceneKind(ClipScene, lambda subject: clip_scene(subject.trace), ClipStill, ClipFrames),
    "tracks": SceneKind(TracksScene, tracks_scene, TracksStill),
    "gradients": SceneKind(GradientScene, gradient_scene, GradientStill),
    "beam": SceneKind(BeamScene, beam_scene, BeamStill),
    "branches": SceneKind(BranchScene, branch_scene, BranchStill),
    **dict.fromkeys(("curves", "updates"), SceneKind(BoardScene, _board_of, BoardStill)),
}


def scene_of(subject: Subject, content: Content) -> AnyScene:
    """Take from a run what an export needs. Raises `ExportError`."""
    if len(subject.trace) == 0 and subject.board is None:
        raise ExportError("The trace has no steps yet; let the model write a word first.")
    return KINDS[of_run(subject) if content.name == "animation" else content.name].make(subject)


def frames_of(scene: AnyScene, settings: ExportSettings) -> Frames:
    """What paints a scene's frames. Raises `ExportError` where it has none."""
    frames = _kind_of(scene).frames
    if frames is None:
        raise ExportError("This is one picture, and no animation.")
    return frames(scene, settings)


def still_of(scene: AnyScene, settings: ExportSettings) -> Still:
    """What paints a scene as one picture."""
    return _kind_of(scene).still(scene, settings)


def paint_still(still: Still, painter: QPainter, settings: ExportSettings, *, fineness: float, on_progress: OnProgress,
                cancelled: IsCancelled) -> None:
    """A picture on its ground. Raises `Cancelled`."""
    def told(share: float) -> None:
        if cancelled():
            raise Cancelled
        on_progress(share)

    told(0.0)
    paint_ground(painter, still.size, settings)
    still.paint(painter, fineness=fineness, told=told)


def _kind_of(scene: AnyScene) -> SceneKind:
    return next(kind for kind in KINDS.values() if isinstance(scene, kind.scene))
