"""Cells of colour as an image that no viewer blurs: on a screen cell by cell, in a drawing grown and without loss."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter

from unrolled.viewer.drawing.vector_files import VECTORS

VECTOR_PIXELS = 1024  # a map in a drawing has at least so many across, so that its cells keep their edges




def draw_cells(painter: QPainter, place: QRectF, image: QImage) -> None:
    """An image a pixel a cell, over a place."""
    if painter.paintEngine().type() in VECTORS:
        grown = max(VECTOR_PIXELS // max(image.width(), image.height(), 1), 1)
        image = image.scaled(image.size() * grown, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.FastTransformation)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
    painter.setRenderHint(QPainter.RenderHint.LosslessImageRendering)
    painter.drawImage(place, image, QRectF(image.rect()))
    painter.restore()
