"""A widget as a picture of its own: PNG, SVG or PDF, made in memory."""

from __future__ import annotations

import math
import re

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QPoint, QRect, QSizeF, Qt
from PySide6.QtGui import QImage, QPageSize, QPaintDevice, QPainter, QPalette, QPdfWriter, QRegion
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QApplication, QWidget

LEAST_RATIO = 2.0  # pixels of a saved picture for one of the screen's
PIXELS_PER_INCH = 96
NOT_IN_XML = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def image_of(widget: QWidget) -> QImage:
    """The widget at twice the screen's size, or more where the screen has more."""
    ratio = max(LEAST_RATIO, math.ceil(widget.devicePixelRatioF()))
    image = QImage(widget.size() * ratio, QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    _paint(widget, image)
    return image


def png_of(widget: QWidget) -> bytes:
    """`image_of` as a file's bytes."""
    buffer = _buffer()
    image_of(widget).save(buffer, "PNG")  # type: ignore[call-overload]  # the stubs want bytes, Qt a text
    return bytes(buffer.data().data())


def svg_of(widget: QWidget, title: str) -> bytes:
    """A drawing whose words stay text; what cannot stand in XML is left out."""
    buffer, generator = _buffer(), QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setResolution(PIXELS_PER_INCH)
    generator.setSize(widget.size())
    generator.setViewBox(QRect(QPoint(), widget.size()))
    generator.setTitle(title)
    _paint(widget, generator)
    return NOT_IN_XML.sub(b"", bytes(buffer.data().data()))


def pdf_of(widget: QWidget, title: str) -> bytes:
    """A page as large as the widget, with the type embedded."""
    buffer = _buffer()
    writer = QPdfWriter(buffer)
    writer.setTitle(title)
    writer.setCreator("Unrolled")
    writer.setPageSize(QPageSize(QSizeF(widget.size()) * (72 / PIXELS_PER_INCH), QPageSize.Unit.Point, "",
                                 QPageSize.SizeMatchPolicy.ExactMatch))
    writer.setPageMargins(QMarginsF(0, 0, 0, 0))
    writer.setResolution(PIXELS_PER_INCH)
    _paint(widget, writer)
    return bytes(buffer.data().data())


def _buffer() -> QBuffer:
    buffer = QBuffer()
    buffer.setData(QByteArray())
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    return buffer


def _paint(widget: QWidget, device: QPaintDevice) -> None:
    """The widget on its ground, without the frame that says where the keyboard is."""
    painter = QPainter()
    if not painter.begin(device):
        raise OSError("the picture could not be begun")
    painter.setRenderHint(QPainter.RenderHint.LosslessImageRendering)
    painter.fillRect(QRect(QPoint(), widget.size()), widget.palette().color(QPalette.ColorRole.Base))
    focused = QApplication.focusWidget()
    try:
        if focused is not None and (focused is widget or widget.isAncestorOf(focused)):
            focused.clearFocus()
        widget.render(painter, QPoint(), QRegion(), QWidget.RenderFlag.DrawChildren)
    finally:
        painter.end()
        if focused is not None:
            focused.setFocus(Qt.FocusReason.OtherFocusReason)
