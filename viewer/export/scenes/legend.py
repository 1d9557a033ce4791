"""The colour bar of attention, with the uniform level marked, so that the colours say how much."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPen

from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.export.type_setting import font
from unrolled.viewer.theme.attention_colours import FULL_OVER_UNIFORM, attention_table, uniform_level
from unrolled.viewer.theme.colour_maps import colour_table
from unrolled.viewer.theme.themes import Theme

STOPS = 33  # of the bar's colours


def draw_step(painter: QPainter, place: QRectF, words: str, *, theme: Theme) -> None:
    """Say which step a frame shows, in the middle of the line of words below the bar."""
    painter.setFont(font(place.height() * 0.42))
    painter.setPen(QColor(theme.muted))
    painter.drawText(_text_line(place), Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, words)


def _text_line(place: QRectF) -> QRectF:
    return QRectF(place.left(), place.top() + place.height() * 0.38, place.width(), place.height() * 0.6)


def draw_legend(painter: QPainter, place: QRectF, *, cells: int, settings: ExportSettings, theme: Theme,
                end: float | None = None, opaque: bool = False) -> None:
    """Draw the bar and its words into a rectangle about three times the text's height.

    The bar ends at the weight `end`, without it where attention over a picture does; opaque colours lie over nothing.
    """
    size = place.height() * 0.42
    small = font(size)
    painter.setFont(small)
    bar = QRectF(place.left(), place.top(), place.width(), place.height() * 0.24)
    table = colour_table(settings.colour_map) if opaque else attention_table(settings.colour_map, max(settings.opacity, 0.3))
    painter.fillRect(bar, QColor(theme.missing))
    ramp = QLinearGradient(bar.topLeft(), bar.topRight())  # a shape, in a vector file too
    for level in np.linspace(0, len(table) - 1, STOPS).round().astype(int):
        ramp.setColorAt(level / (len(table) - 1), QColor(*table[level].tolist()))
    painter.fillRect(bar, ramp)
    painter.setPen(QColor(theme.muted))
    text = _text_line(place)
    if settings.scale == "stretched":
        painter.drawText(text, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, "least")
        painter.drawText(text, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, "greatest, stretched at each word")
        return
    end = min(FULL_OVER_UNIFORM * uniform_level(cells), 1.0) if end is None else end
    uniform = bar.left() + bar.width() * uniform_level(cells) / end
    painter.setPen(QPen(QColor(theme.text), max(bar.height() * 0.12, 1.0)))
    painter.drawLine(QPointF(uniform, bar.top() - bar.height() * 0.25), QPointF(uniform, bar.bottom() + bar.height() * 0.5))
    painter.setPen(QColor(theme.muted))
    painter.drawText(text, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, f"uniform {uniform_level(cells):.1%}")
    painter.drawText(text, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop,
                     f"attention a cell · {end:.0%}" + (f" = {FULL_OVER_UNIFORM:g} × uniform" if end < 1 else ""))
