"""The program's type on a painter: fonts by size in pixels, and words set in lines that do not move."""

from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter

from unrolled.viewer.theme.fonts import load_fonts, text_font

LEFT, CENTRE, RIGHT = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignHCenter, Qt.AlignmentFlag.AlignRight
TOP, MIDDLE, BOTTOM = Qt.AlignmentFlag.AlignTop, Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignBottom


def font(pixels: float, *, bold: bool = False) -> QFont:
    """The text font in a size."""
    load_fonts()
    made = QFont(text_font())
    made.setPixelSize(max(round(pixels), 6))
    made.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return made


def write(painter: QPainter, place: QRectF, words: str, where: Qt.AlignmentFlag, *, used: QFont | None = None,
          colour: str = "", elided: bool = False) -> None:
    """Words somewhere in a rectangle, in this font and colour or the painter's; `elided`: what does not fit is cut with dots."""
    if used is not None:
        painter.setFont(used)
    if colour:
        painter.setPen(QColor(colour))
    if elided:
        words = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(place.width()))
    painter.drawText(place, where, words)


@dataclass(frozen=True, slots=True)
class SetWords:
    """Words set in centred lines."""

    places: tuple[QRectF, ...]  # a rectangle a word
    height: float  # of all lines


def set_words(words: tuple[str, ...], used: QFont, *, width: float, gap: float, line_height: float) -> SetWords:
    """Break words into lines; every word keeps its place however many of them are drawn."""
    metrics = QFontMetricsF(used)
    lines: list[list[tuple[int, float]]] = [[]]
    taken = 0.0
    for number, word in enumerate(words):
        advance = min(metrics.horizontalAdvance(word), width)
        if lines[-1] and taken + gap + advance > width:
            lines.append([])
            taken = 0.0
        taken += advance + (gap if lines[-1] else 0.0)
        lines[-1].append((number, advance))
    places: list[QRectF] = [QRectF() for _ in words]
    for row, line in enumerate(lines):
        length = sum(advance for _, advance in line) + gap * (len(line) - 1)
        left = (width - length) / 2
        for number, advance in line:
            places[number] = QRectF(left, row * line_height, advance, line_height)
            left += advance + gap
    return SetWords(tuple(places), len(lines) * line_height)
