"""What stands at the left of a track: its symbol and name, the numbers of its axis, and its colours."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter

from unrolled.viewer.drawing.images import image_of
from unrolled.viewer.drawing.step_geometry import HEADER
from unrolled.viewer.theme.fonts import mono_font, text_font
from unrolled.viewer.theme.themes import Theme

if TYPE_CHECKING:
    from unrolled.viewer.views.tracks.track import Track

LEFT, AXIS = 24.0, 30.0  # pixels: for the fold button, and for the axis
LINE = 12.0
TITLE_LINE = 14.0
LEAST_ROOM_FOR_AXIS = 48
ROOM_FOR_AXIS_NAME = 64  # pixels of height


def paint_header(painter: QPainter, track: "Track") -> None:
    """Paint a track's header; in a folded one the name stands on one line."""
    theme = track.theme
    painter.setPen(QColor(theme.text))
    left = LEFT
    if track.symbol:
        font = text_font(15)
        font.setItalic(True)
        painter.setFont(font)
        width = max(painter.fontMetrics().horizontalAdvance(track.symbol) + 4, 20)
        painter.drawText(QRectF(left, 2, width + 4, 21), Qt.AlignmentFlag.AlignVCenter, track.symbol)
        left += width
    painter.setFont(text_font(11))
    painter.setPen(QColor(theme.muted))
    if track.folded:
        painter.drawText(QRectF(left, 2, 300, 21), Qt.AlignmentFlag.AlignVCenter, track.title)
    else:
        _paint_title(painter, track, left)
        track.paint_legend(painter)
        if track.height() >= LEAST_ROOM_FOR_AXIS:
            _paint_axis(painter, track)


def title_lines(title: str, metrics: QFontMetrics, rooms: Sequence[int]) -> list[str]:
    """A title in at most as many lines as there are rooms, of so many pixels, broken at spaces; the last one is cut in its
    middle, since a title's end says of what it is.
    """
    words = title.split(" ")
    lines: list[str] = []
    for number, room in enumerate(rooms):
        taken = 1
        while taken < len(words) and metrics.horizontalAdvance(" ".join(words[: taken + 1])) <= room:
            taken += 1
        if number + 1 == len(rooms):
            taken = len(words)
        lines.append(metrics.elidedText(" ".join(words[:taken]), Qt.TextElideMode.ElideMiddle, room))
        words = words[taken:]
        if not words:
            break
    return lines


def _paint_title(painter: QPainter, track: "Track", left: float) -> None:
    ticks, numbers = track.ticks() if track.height() >= LEAST_ROOM_FOR_AXIS else [], QFontMetrics(mono_font(9))

    def room(top: float) -> int:
        beside = (numbers.horizontalAdvance(text) for text, middle in ticks if top - LINE / 2 < middle < top + 16 + LINE / 2)
        return int(HEADER - left - 9 - max(beside, default=0))

    tops = [4 + TITLE_LINE * number for number in range(max(int((track.height() - track.legend_height - 4) // TITLE_LINE), 1))]
    for top, line in zip(tops, title_lines(track.title, painter.fontMetrics(), [room(top) for top in tops]), strict=False):
        painter.drawText(QRectF(left, top, HEADER - left, 16), Qt.AlignmentFlag.AlignVCenter, line)


def _paint_axis(painter: QPainter, track: "Track") -> None:
    painter.setFont(mono_font(9))
    painter.setPen(QColor(track.theme.muted))
    for text, middle in track.ticks():
        top = min(max(middle - LINE / 2, 1.0), track.height() - LINE - 1)
        painter.drawText(QRectF(0, top, HEADER - 5, LINE), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)


def paint_colours(painter: QPainter, theme: Theme, height: int, colours: np.ndarray, ends: tuple[str, str],
                  beyond: tuple[bool, bool], *, stretched: bool) -> None:
    """The colours (n, 4) from the lower to the upper end of a scale, between what stands at the two, at the track's bottom.

    Values `beyond` it, below and above, have a colour of their own; that a scale is `stretched` its numbers' colour says.
    """
    row = QRectF(LEFT, height - 17, HEADER - LEFT - AXIS, LINE)
    painter.setFont(mono_font(9))
    painter.setPen(QColor(theme.warning if stretched else theme.muted))
    widths = [painter.fontMetrics().horizontalAdvance(end) + 4 for end in ends]
    painter.drawText(row, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, ends[0])
    painter.drawText(row, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, ends[1])
    strip = image_of(colours[None])
    painter.setRenderHints(QPainter.RenderHint.SmoothPixmapTransform | QPainter.RenderHint.LosslessImageRendering)
    bar = row.adjusted(widths[0], 3, -widths[1], -3)
    painter.drawImage(bar, strip, QRectF(strip.rect()))
    for there, colour, edge in ((beyond[0], theme.below, bar.left()), (beyond[1], theme.above, bar.right() - 4)):
        if there:
            painter.fillRect(QRectF(edge, bar.top(), 4, bar.height()), QColor(colour))
