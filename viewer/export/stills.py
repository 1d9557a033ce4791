"""One picture of a trace as PNG, SVG or PDF: a film strip, a matrix, a sheet of frames, a coloured text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QRect, QSizeF
from PySide6.QtGui import QImage, QPageSize, QPainter, QPdfWriter
from PySide6.QtSvg import QSvgGenerator

from unrolled.models.trace.names import text_name
from unrolled.viewer.export.formats import IsCancelled, OnProgress
from unrolled.viewer.export.pixels import file_of
from unrolled.viewer.export.scenes.registry import AnyScene, Still, still_of
from unrolled.viewer.export.settings import ExportSettings

POINTS_PER_PIXEL = 0.75
NOT_XML = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]|\xed[\xa0-\xbf][\x80-\xbf]")  # Qt writes all of them


def write_png(scene: AnyScene, path: Path, settings: ExportSettings, on_progress: OnProgress, cancelled: IsCancelled) -> None:
    layout = still_of(scene, settings)
    image = QImage(layout.size, QImage.Format.Format_RGB888)
    if image.isNull():
        raise MemoryError
    with QPainter(image) as painter:
        layout.paint(painter, vector=False, on_progress=on_progress, cancelled=cancelled)
    path.write_bytes(file_of(image))
    on_progress(1.0)


def write_svg(scene: AnyScene, path: Path, settings: ExportSettings, on_progress: OnProgress, cancelled: IsCancelled) -> None:
    """A picture whose words stay text."""
    layout = still_of(scene, settings)
    generator = QSvgGenerator()
    with _memory() as memory:
        generator.setOutputDevice(memory)
        generator.setResolution(round(72 / POINTS_PER_PIXEL))
        generator.setSize(layout.size)
        generator.setViewBox(QRect(0, 0, layout.size.width(), layout.size.height()))
        generator.setTitle(text_name(scene.title))
        generator.setDescription("What a model computed, step by step")
        _paint_on(generator, layout, on_progress, cancelled)
        path.write_bytes(NOT_XML.sub("\N{REPLACEMENT CHARACTER}".encode(), memory.data().data()))
    on_progress(1.0)


def write_pdf(scene: AnyScene, path: Path, settings: ExportSettings, on_progress: OnProgress, cancelled: IsCancelled) -> None:
    """A picture on a page of its own size, whose words stay text."""
    layout = still_of(scene, settings)
    with _memory() as memory:
        writer = QPdfWriter(memory)
        writer.setTitle(scene.title)
        writer.setCreator("Unrolled")
        writer.setPageSize(QPageSize(QSizeF(layout.size) * POINTS_PER_PIXEL, QPageSize.Unit.Point, "",
                                     QPageSize.SizeMatchPolicy.ExactMatch))
        writer.setPageMargins(QMarginsF(0, 0, 0, 0))
        writer.setResolution(round(72 / POINTS_PER_PIXEL))  # one unit of the painter is one pixel of the layout
        _paint_on(writer, layout, on_progress, cancelled)
        path.write_bytes(memory.data().data())
    on_progress(1.0)


@contextmanager
def _memory() -> Iterator[QBuffer]:
    """Where Qt paints to: of a file it does not say that the disk was full, so the file is written by Python."""
    memory = QBuffer()
    memory.open(QIODevice.OpenModeFlag.WriteOnly)
    try:
        yield memory
    finally:
        memory.close()


def _paint_on(device: QSvgGenerator | QPdfWriter, layout: Still, on_progress: OnProgress, cancelled: IsCancelled) -> None:
    painter = QPainter()
    if not painter.begin(device):
        raise OSError("Qt could not begin the picture")
    try:
        layout.paint(painter, vector=True, on_progress=on_progress, cancelled=cancelled)
    finally:
        ended = painter.end()
    if not ended:
        raise OSError("Qt could not end the picture")
