"""One picture of a run as PNG, SVG or PDF: a film strip, a matrix, a sheet of frames, tracks, a tree."""

from pathlib import Path

from PySide6.QtGui import QPainter

from unrolled.viewer.drawing.images import file_of
from unrolled.viewer.drawing.resolution import PIXELS_PER_INCH
from unrolled.viewer.drawing.vector_files import Paint, pdf_file, svg_file
from unrolled.viewer.export.failure import ExportError
from unrolled.viewer.export.formats import IsCancelled, OnProgress
from unrolled.viewer.export.scenes.ground import blank
from unrolled.viewer.export.scenes.registry import AnyScene, Still, paint_still, still_of
from unrolled.viewer.export.settings import ExportSettings

MOST_PIXELS = 250_000_000
INCH = 0.0254  # metres
IN_VECTORS = 3.0  # pixels that pictures have in a drawing for one of its own, since it can be enlarged


def write_png(scene: AnyScene, path: Path, settings: ExportSettings, on_progress: OnProgress, cancelled: IsCancelled) -> None:
    """A picture of as many pixels an inch as was asked for, which says so."""
    still, fineness = still_of(scene, settings), settings.dpi / PIXELS_PER_INCH
    size = (still.size.toSizeF() * fineness).toSize()
    if size.width() * size.height() > MOST_PIXELS:
        raise ExportError(f"A picture of {size.width():,} × {size.height():,} pixels is too large; choose a smaller width or "
                          "fewer dpi.")
    image = blank(size, settings)
    with QPainter(image) as painter:
        painter.scale(fineness, fineness)
        paint_still(still, painter, settings, fineness=fineness, on_progress=on_progress, cancelled=cancelled)
    image.setDotsPerMeterX(round(settings.dpi / INCH))
    image.setDotsPerMeterY(round(settings.dpi / INCH))
    path.write_bytes(file_of(image))
    on_progress(1.0)


def write_svg(scene: AnyScene, path: Path, settings: ExportSettings, on_progress: OnProgress, cancelled: IsCancelled) -> None:
    still = still_of(scene, settings)
    paint = _paint(still, settings, on_progress, cancelled)
    path.write_bytes(svg_file(still.size, paint, title=scene.title, outlines=settings.outlines))
    on_progress(1.0)


def write_pdf(scene: AnyScene, path: Path, settings: ExportSettings, on_progress: OnProgress, cancelled: IsCancelled) -> None:
    """A picture on a page of its own size, whose words stay text."""
    still = still_of(scene, settings)
    path.write_bytes(pdf_file(still.size, _paint(still, settings, on_progress, cancelled), title=scene.title))
    on_progress(1.0)


def _paint(still: Still, settings: ExportSettings, on_progress: OnProgress, cancelled: IsCancelled) -> Paint:
    return lambda painter: paint_still(still, painter, settings, fineness=IN_VECTORS, on_progress=on_progress,
                                       cancelled=cancelled)
