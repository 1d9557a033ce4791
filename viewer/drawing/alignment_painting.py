"""How an alignment is painted, the same in the window and in what is exported: cells, and the words on their two sides.

It paints with Qt on whatever it is given, and knows neither session nor widgets.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPen

from unrolled.models.trace.pyramid import Bytes, places_of
from unrolled.viewer.drawing.alignment_geometry import AlignmentGeometry, shown_labels
from unrolled.viewer.drawing.contrast import text_on
from unrolled.viewer.drawing.vector_files import VECTORS
from unrolled.viewer.state.wording import END_TEXT
from unrolled.viewer.theme.colour_maps import place_table
from unrolled.viewer.theme.themes import Theme

Weights = npt.NDArray[np.float32]
LABEL_GAP = 5.0
GAP = 0.05  # of a cell, between two of them
TIGHT = 0.8  # of a line's height: how near words may stand
TINTED_FROM = 0.02  # of the scale; the ground of words that count less stays the panel's


@lru_cache(maxsize=16)
def alignment_table(colour_map: str, missing: str) -> Bytes:
    """The colour of every place, shape (256, 4), RGBA."""
    ground = QColor(missing)
    return place_table(colour_map, (ground.red(), ground.green(), ground.blue()))


def weight_colour(weight: float, limits: tuple[float, float], table: Bytes) -> QColor:
    place = places_of(np.asarray([weight], np.float32), low=limits[0], high=limits[1])[0]
    red, green, blue = (int(part) for part in table[place][:3])
    return QColor(red, green, blue)


def paint_cells(painter: QPainter, geometry: AlignmentGeometry, places: Bytes, table: Bytes, *, ground: str) -> None:
    """The rows that are there, each cell in its one colour, with thin gaps of the ground where there is room for them."""
    rows = len(places)
    if rows == 0 or geometry.columns == 0:
        return
    area = QRectF(geometry.left, geometry.top, geometry.columns * geometry.cell_width, rows * geometry.cell_height)
    if painter.paintEngine().type() in VECTORS:
        _paint_rectangles(painter, area, places, table)
    else:
        pixels = np.ascontiguousarray(table.view(np.uint32)[:, 0].take(places))  # four bytes as one number
        image = QImage(pixels.data, geometry.columns, rows, 4 * geometry.columns, QImage.Format.Format_RGBA8888)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(area, image, QRectF(image.rect()))
    if ground and min(geometry.cell_width, geometry.cell_height) >= 8.0:
        painter.setPen(QPen(QColor(ground), min(GAP * min(geometry.cell_width, geometry.cell_height), 1.0)))
        for row in range(rows + 1):
            y = geometry.top + row * geometry.cell_height
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        for column in range(geometry.columns + 1):
            x = geometry.left + column * geometry.cell_width
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))


def _paint_rectangles(painter: QPainter, area: QRectF, places: Bytes, table: Bytes) -> None:
    """The cells as shapes, which no viewer blurs; each goes on under those right of it and below, so that no seam shows."""
    rows, columns = places.shape
    across, down = area.width() / columns, area.height() / rows
    for row, line in enumerate(places):
        for column in np.flatnonzero(np.diff(line, prepend=line[0] ^ 1)):  # where the colour becomes another
            corner = QPointF(area.left() + column * across, area.top() + row * down)
            painter.fillRect(QRectF(corner, area.bottomRight()), QColor(*table[line[column]].tolist()))


class Labels:
    """The words of one side, measured once."""

    def __init__(self, texts: Sequence[str], used: QFont) -> None:
        self.texts, self.font = tuple(texts), used
        metrics = QFontMetricsF(used)
        self.height = metrics.height()
        self.width = max((metrics.horizontalAdvance(text) for text in self.texts), default=0.0) + 2 * LABEL_GAP

    def elided(self, number: int, room: float) -> str:
        return QFontMetricsF(self.font).elidedText(self.texts[number], Qt.TextElideMode.ElideRight, room)


def paint_written(painter: QPainter, geometry: AlignmentGeometry, labels: Labels, theme: Theme, *, current: int,
                  weights: Weights | None = None, table: Bytes | None = None,
                  limits: tuple[float, float] = (0.0, 1.0), always: tuple[int, ...] = ()) -> None:
    """Words beside their rows; with weights, on a ground of their colours."""
    painter.setFont(labels.font)
    count = min(geometry.rows, len(labels.texts))
    for number in shown_labels(count, geometry.cell_height, TIGHT * labels.height, (current, *always)):
        middle = geometry.top + (number + 0.5) * geometry.cell_height
        height = min(max(geometry.cell_height, labels.height), labels.height + 4)
        place = QRectF(0, middle - height / 2, geometry.left - 3, height)
        _paint_label(painter, place, labels.elided(number, place.width() - LABEL_GAP), theme,
                     current=number == current, end=labels.texts[number] == END_TEXT,
                     tint=_tint(weights, number, limits, table))


def paint_source(painter: QPainter, geometry: AlignmentGeometry, labels: Labels, theme: Theme, *, current: int = -1,
                 weights: Weights | None = None, table: Bytes | None = None,
                 limits: tuple[float, float] = (0.0, 1.0), always: tuple[int, ...] = ()) -> None:
    """Words over their columns: lying where all of them fit, else standing and read from below."""
    painter.setFont(labels.font)
    lying = geometry.cell_width >= labels.width
    least = labels.width if lying else TIGHT * labels.height
    for number in shown_labels(len(labels.texts), geometry.cell_width, least, (current, *always)):
        middle = geometry.left + (number + 0.5) * geometry.cell_width
        tint = _tint(weights, number, limits, table)
        end = labels.texts[number] == END_TEXT
        if lying:
            place = QRectF(middle - geometry.cell_width / 2, geometry.top - 3 - labels.height, geometry.cell_width, labels.height)
            _paint_label(painter, place, labels.texts[number], theme, current=number == current, end=end, tint=tint,
                         centred=True)
            continue
        across = min(max(geometry.cell_width, labels.height), labels.height + 4)
        painter.save()
        painter.translate(middle, geometry.top - 3)
        painter.rotate(-90)
        place = QRectF(0, -across / 2, geometry.top - 3, across)
        _paint_label(painter, place, labels.elided(number, place.width() - LABEL_GAP), theme, current=number == current,
                     end=end, tint=tint, before=True)
        painter.restore()


def _tint(weights: Weights | None, number: int, limits: tuple[float, float], table: Bytes | None) -> QColor | None:
    if weights is None or table is None or number >= len(weights) or not np.isfinite(weights[number]):
        return None
    share = (float(weights[number]) - limits[0]) / (limits[1] - limits[0])
    return weight_colour(float(weights[number]), limits, table) if share >= TINTED_FROM else None


def _paint_label(painter: QPainter, place: QRectF, text: str, theme: Theme, *, current: bool, end: bool,
                 tint: QColor | None, centred: bool = False, before: bool = False) -> None:
    side = Qt.AlignmentFlag.AlignLeft if before else Qt.AlignmentFlag.AlignRight
    if centred:
        side = Qt.AlignmentFlag.AlignHCenter
    if tint is not None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tint)
        used = min(QFontMetricsF(painter.font()).horizontalAdvance(text) + 2 * LABEL_GAP, place.width())
        box = QRectF(place.left() if before else place.right() - used, place.top(), used, place.height())
        if centred:
            box.moveLeft(place.center().x() - used / 2)
        painter.drawRoundedRect(box.adjusted(0, 0.5, 0, -0.5), 3, 3)
    colour = QColor(theme.playhead if current else theme.muted if end else theme.text)
    painter.setPen(text_on(tint) if tint is not None else colour)
    inner = place if centred else place.adjusted(LABEL_GAP, 0, 0, 0) if before else place.adjusted(0, 0, -LABEL_GAP, 0)
    painter.drawText(inner, side | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, text)
