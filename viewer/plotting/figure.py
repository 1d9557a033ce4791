"""A widget as a picture of its own: PNG, SVG or PDF, made in memory."""

import math
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPalette, QPicture, QRegion
from PySide6.QtWidgets import QApplication, QGraphicsView, QWidget

from unrolled.models.trace.atomic import atomic_write
from unrolled.models.trace.files import writing_sentence
from unrolled.viewer.drawing.images import file_of
from unrolled.viewer.drawing.vector_files import pdf_file, svg_file
from unrolled.viewer.plotting.table import Table

PICTURES = {".png": "PNG picture", ".svg": "SVG drawing", ".pdf": "PDF page"}
NUMBERS = {".csv": "Data as CSV"}
LEAST_RATIO = 2.0  # pixels of a saved picture for one of the screen's


def image_of(widget: QWidget) -> QImage:
    """The widget at twice the screen's size, or more where the screen has more."""
    ratio = max(LEAST_RATIO, math.ceil(widget.devicePixelRatioF()))
    image = QImage(widget.size() * ratio, QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    with QPainter(image) as painter:
        _paint(widget, painter)
    return image


def svg_of(widget: QWidget, title: str) -> bytes:
    """A drawing whose words are outlines; what cannot stand in XML is shown by one sign."""
    recorded = QPicture()  # or else Qt writes clips in the coordinates of each widget, which nobody knows who reads them
    with QPainter(recorded) as painter:
        _paint(widget, painter)
    return svg_file(widget.size(), lambda painter: painter.drawPicture(0, 0, recorded), title=title)


def pdf_of(widget: QWidget, title: str) -> bytes:
    """A page as large as the widget, with the type embedded."""
    return pdf_file(widget.size(), lambda painter: _paint(widget, painter), title=title)


def save_figure(widget: QWidget, title: str, table: Table | None, path: Path) -> None:
    """Write the file that its suffix asks for, whole or not at all: a picture, a drawing, a page, or the numbers behind it.

    Raises `ValueError`, with a sentence for people, when there is no such format, no number yet, or nothing can be written.
    """
    makes: dict[str, Callable[[], bytes]] = {
        ".png": lambda: file_of(image_of(widget)), ".svg": lambda: svg_of(widget, title), ".pdf": lambda: pdf_of(widget, title)}
    if path.suffix.lower() == ".csv":
        if table is None:
            raise ValueError("There are no numbers to save yet.")
        contents = table.csv().encode()
    elif path.suffix.lower() in makes:
        contents = makes[path.suffix.lower()]()
    else:
        raise ValueError(f"“{path.suffix}” is not a format that a picture is saved in; there are .png, .svg, .pdf and .csv.")
    try:
        with atomic_write(path) as file:
            file.write(contents)
    except OSError as error:
        raise ValueError(writing_sentence(path, error)) from error


def _paint(widget: QWidget, painter: QPainter) -> None:
    """The widget on its ground, without the frame that says where the keyboard is."""
    painter.setRenderHint(QPainter.RenderHint.LosslessImageRendering)
    for view in widget.findChildren(QGraphicsView):  # which have hints of their own
        view.setRenderHint(QPainter.RenderHint.LosslessImageRendering)
    painter.fillRect(QRect(QPoint(), widget.size()), _ground(widget))
    focused = QApplication.focusWidget()
    if focused is not None and (focused is widget or widget.isAncestorOf(focused)):
        focused.clearFocus()
    try:
        widget.render(painter, QPoint(), QRegion(), QWidget.RenderFlag.DrawChildren)
    finally:
        if focused is not None:
            focused.setFocus(Qt.FocusReason.OtherFocusReason)


def _ground(widget: QWidget) -> QColor:
    """What is seen behind a widget: the style sheet makes scroll areas clear, and what lies in them."""
    palette, parent = widget.palette(), widget.parentWidget()
    colours = [palette.color(role) for role in (QPalette.ColorRole.Base, QPalette.ColorRole.Window)]
    return colours[0] if parent is None or all(colour.alpha() for colour in colours) else _ground(parent)
