"""What an export will look like, painted small: right in its proportions, and fast enough to follow what is typed."""

from dataclasses import dataclass, replace

from PySide6.QtCore import QSize, QSizeF, Qt
from PySide6.QtGui import QImage, QPainter

from unrolled.viewer.drawing.images import image_of
from unrolled.viewer.drawing.resolution import PIXELS_PER_INCH
from unrolled.viewer.export.contents import Content
from unrolled.viewer.export.formats import ExportFormat, IsCancelled, Makes
from unrolled.viewer.export.scenes.ground import blank
from unrolled.viewer.export.scenes.registry import AnyScene, Frames, frames_of, paint_still, scene_of, still_of
from unrolled.viewer.export.settings import ExportSettings, check
from unrolled.viewer.export.subject import Subject

WIDEST_FRAME = 1280  # pixels that a frame is painted with, however wide the film will be
LARGEST_SCALE = 2.0  # a small picture is not shown larger
MILLIMETRES = 25.4  # an inch
A_PIXEL = QSize(1, 1)


@dataclass(frozen=True, slots=True)
class Preview:
    """A small picture of what will be written."""

    image: QImage
    size: str  # how large the file’s picture will be, in words
    frames: int = 0  # of the animation; 0 of a picture


class Previewer:
    """Makes previews one after another, in any one thread; what they have in common is made once."""

    def __init__(self) -> None:
        self._scene: tuple[object, AnyScene] | None = None
        self._frames: tuple[object, Frames] | None = None

    def make(self, subject: Subject, content: Content, chosen: ExportFormat, settings: ExportSettings, *, frame: int,
             largest: QSize, cancelled: IsCancelled) -> Preview:
        """One that fits into so many pixels.

        Parameters
        ----------
        frame : int
            Which frame of an animation, counted from 0; the last one, if there are fewer.

        Raises
        ------
        ExportError, Cancelled
        """
        check(settings)
        if self._scene is None or self._scene[0] != (subject, content.name):
            self._scene = (subject, content.name), scene_of(subject, content)
        scene = self._scene[1]
        if content.makes is Makes.ANIMATION:
            return self._frame(scene, settings, frame, largest)
        still = still_of(scene, settings)
        size = still.size
        scale = min(largest.width() / size.width(), largest.height() / size.height(), LARGEST_SCALE)
        image = blank((size.toSizeF() * scale).toSize().expandedTo(A_PIXEL), settings)
        with QPainter(image) as painter:
            painter.scale(scale, scale)
            paint_still(still, painter, settings, fineness=scale, on_progress=lambda share: None, cancelled=cancelled)
        pixels = size.toSizeF() * (settings.dpi / PIXELS_PER_INCH)
        paper = size.toSizeF() * (MILLIMETRES / PIXELS_PER_INCH)
        in_pixels = f"{pixels.width():,.0f} × {pixels.height():,.0f} pixels · " if "dpi" in chosen.takes else ""
        return Preview(image, f"{in_pixels}{paper.width():.0f} × {paper.height():.0f} mm")

    def _frame(self, scene: AnyScene, settings: ExportSettings, frame: int, largest: QSize) -> Preview:
        scale = max(settings.width / WIDEST_FRAME, 1.0)
        small = replace(settings, width=round(settings.width / scale), type_points=settings.type_points / scale)
        if self._frames is None or self._frames[0] != (id(scene), small):
            self._frames = (id(scene), small), frames_of(scene, small)
        frames = self._frames[1]
        pixels = frames.paint(frames.steps[min(frame, len(frames.steps) - 1)])
        image, (height, width) = image_of(pixels), pixels.shape[:2]
        fits = min(largest.width() / width, largest.height() / height, LARGEST_SCALE)
        shown = image.scaled((QSizeF(width, height) * fits).toSize().expandedTo(A_PIXEL), Qt.AspectRatioMode.IgnoreAspectRatio,
                             Qt.TransformationMode.SmoothTransformation)
        tall = round(height * scale)
        seconds = settings.seconds_per_word * (len(frames.steps) - 1) + max(settings.last_seconds, settings.seconds_per_word)
        return Preview(shown, f"{settings.width - settings.width % 2:,} × {tall - tall % 2:,} pixels · {seconds:.1f} s",
                       len(frames.steps))
