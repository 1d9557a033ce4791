"""Small things that several views paint alike. It knows no session."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPaintEngine, QPainter, QPen, QStaticText, QTransform
from PySide6.QtWidgets import QLabel, QWidget

CORNER = 6.0
Heights = npt.NDArray[np.floating]

coloured = lru_cache(QColor)  # a colour's name is read once, not for each text of each step

BRANCH_TINTS = 0.08, 0.17  # of the accent in a word’s ground, on the branch that is shown more: muted text is read on both


@lru_cache(maxsize=1024)
def mix(ground: str, over: str, amount: float) -> QColor:
    """A colour on the straight line from `ground` (amount 0) to `over` (amount 1)."""
    first, second = QColor(ground), QColor(over)
    return QColor(
        round(first.red() + (second.red() - first.red()) * amount),
        round(first.green() + (second.green() - first.green()) * amount),
        round(first.blue() + (second.blue() - first.blue()) * amount),
    )


def for_the_screen(painter: QPainter, widget: QWidget) -> bool:
    """Whether a widget is painted in the screen's own pixels: a drawing, or a larger picture, is not."""
    return (painter.paintEngine().type() == QPaintEngine.Type.Raster
            and painter.deviceTransform().m11() == widget.devicePixelRatioF())


def draw_focus(painter: QPainter, rectangle: QRectF, colour: str, *, corner: float = CORNER) -> None:
    """The ring that shows where the keyboard is."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(colour), 1.5))
    painter.drawRoundedRect(rectangle.adjusted(0.75, 0.75, -0.75, -0.75), corner, corner)


def elided(text: str, font: QFont, width: int) -> str:
    """A text cut at its end to fit a width, with an ellipsis."""
    return QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, max(width, 0))


class EmptyText(QLabel):
    """Muted words in a panel that has nothing to show yet: what will be there, and how to get it."""

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(text, parent)
        self.setObjectName("muted")
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setWordWrap(True)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)


@lru_cache(maxsize=4096)
def laid_out(text: str, family: Callable[[int], QFont], pixels: int, room: int | None = None) -> QStaticText:
    """A short plain text, laid out once: to be drawn again in the same font, with `QPainter.drawStaticText`.

    With `room` it is cut to fit that many pixels.
    """
    made = QStaticText(text if room is None else elided(text, family(pixels), room))
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setPerformanceHint(QStaticText.PerformanceHint.AggressiveCaching)
    made.prepare(QTransform(), family(pixels))
    return made


def paint_spans(painter: QPainter, place: QRectF, tops: Heights, bottoms: Heights, colour: QColor, ratio: float) -> None:
    """Paint upright spans in the columns that a place is divided into, at least a pixel high each: a picture, since a thousand
    rectangles take Qt longer than a frame's share.

    Tops and bottoms are in device-independent pixels, shape (columns,), nan for none; `ratio`: the screen's pixels in each.
    """
    rows = max(round(place.height() * ratio), 1)
    with np.errstate(invalid="ignore"):
        first = np.floor((tops - place.top()) * ratio)
        last = np.maximum(np.ceil((bottoms - place.top()) * ratio), first + 1)
        row = np.arange(rows, dtype=np.float32)[:, None]
        inside = (row >= first.astype(np.float32)) & (row < last.astype(np.float32))  # (rows, columns); never for nan
    alpha = colour.alphaF()
    red, green, blue = (round(part * alpha) for part in (colour.red(), colour.green(), colour.blue()))
    pixels = inside.astype(np.uint32) * np.uint32(colour.alpha() << 24 | red << 16 | green << 8 | blue)
    image = QImage(pixels.data, len(tops), rows, 4 * len(tops), QImage.Format.Format_ARGB32_Premultiplied)
    painter.drawImage(place, image)
