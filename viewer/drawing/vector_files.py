"""A drawing as the bytes of an SVG or a PDF, painted in memory: of a file Qt does not say that the disk was full."""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QPoint, QRect, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QImage, QPageSize, QPaintDevice, QPaintEngine, QPainter, QPdfWriter
from PySide6.QtSvg import QSvgGenerator

from unrolled.models.trace.names import text_name
from unrolled.viewer.drawing.outlines import SVG, XLINK, outline_texts
from unrolled.viewer.drawing.resolution import PIXELS_PER_INCH, POINTS_PER_PIXEL
from unrolled.viewer.drawing.svg_repair import repaired

Paint = Callable[[QPainter], None]
VECTORS = (QPaintEngine.Type.SVG, QPaintEngine.Type.Pdf, QPaintEngine.Type.Picture)  # what a drawing is painted by
VECTOR_PIXELS = 1024  # a map in a drawing has at least so many across, so that its cells keep their edges
NOT_XML = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]|\xed[\xa0-\xbf][\x80-\xbf]")  # Qt writes all of them


def svg_file(size: QSize, paint: Paint, *, title: str, outlines: bool = True) -> bytes:
    """A drawing, its type outlines or else text in fonts that a reader must have; what XML cannot hold is shown by one sign."""
    memory, generator = QBuffer(), QSvgGenerator(QSvgGenerator.SvgVersion.Svg11)
    memory.open(QIODevice.OpenModeFlag.WriteOnly)
    generator.setOutputDevice(memory)
    generator.setResolution(PIXELS_PER_INCH)
    generator.setSize(size)
    generator.setViewBox(QRect(QPoint(), size))
    generator.setTitle(text_name(title))
    generator.setDescription("What a model computed, step by step")
    _paint_on(generator, paint)
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    root = ElementTree.fromstring(NOT_XML.sub("\N{REPLACEMENT CHARACTER}".encode(), memory.data().data()))
    repaired(root)
    if outlines:
        outline_texts(root)
    whole: bytes = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return whole


def pdf_file(size: QSize, paint: Paint, *, title: str) -> bytes:
    """A page as large as the drawing, its type embedded."""
    memory = QBuffer()
    memory.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(memory)
    writer.setTitle(text_name(title))
    writer.setCreator("Unrolled")
    writer.setPageSize(QPageSize(QSizeF(size) * POINTS_PER_PIXEL, QPageSize.Unit.Point, "",
                                 QPageSize.SizeMatchPolicy.ExactMatch))
    writer.setPageMargins(QMarginsF(0, 0, 0, 0))
    writer.setResolution(PIXELS_PER_INCH)  # one unit of the painter is one pixel of the layout
    _paint_on(writer, paint)
    return bytes(memory.data().data())


def draw_cells(painter: QPainter, place: QRectF, image: QImage) -> None:
    """An image a pixel a cell, over a place: no viewer blurs it, since in a drawing it is grown and kept without loss."""
    if painter.paintEngine().type() in VECTORS:
        grown = max(VECTOR_PIXELS // max(image.width(), image.height(), 1), 1)
        image = image.scaled(image.size() * grown, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.FastTransformation)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
    painter.setRenderHint(QPainter.RenderHint.LosslessImageRendering)
    painter.drawImage(place, image, QRectF(image.rect()))
    painter.restore()


def _paint_on(device: QPaintDevice, paint: Paint) -> None:
    painter = QPainter()
    if not painter.begin(device):
        raise OSError("Qt could not begin the picture")
    try:
        paint(painter)
    finally:
        ended = painter.end()
    if not ended:
        raise OSError("Qt could not end the picture")
