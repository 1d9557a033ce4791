"""How an alignment is painted, the same in the window and in what is exported: cells, and the words on their two sides.

It paints with Qt on whatever it is given, and knows neither session nor widgets.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPen

from unrolled.models.trace.pyramid import Bytes, places_of
from unrolled.viewer.drawing.alignment_geometry import AlignmentGeometry, shown_labels
from unrolled.viewer.drawing.contrast import text_on
from unrolled.viewer.drawing.painting import coloured
from unrolled.viewer.drawing.vector_files import VECTORS
from unrolled.viewer.state.wording import END_TEXT
from unrolled.viewer.theme.colour_maps import place_table
from unrolled.viewer.theme.themes import Theme

Weights = npt.NDArray[np.float32]
LABEL_GAP = 5.0
GAP = 0.05  # of a cell, between two of them
TIGHT = 0.8  # of a line's height: how near words may stand
SIDES = {side: along | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine for side, along in (
    ("standing", Qt.AlignmentFlag.AlignLeft), ("right", Qt.AlignmentFlag.AlignRight), ("centre", Qt.AlignmentFlag.AlignHCenter))}
TINTED_FROM = 0.02  # of the scale; the ground of words that count less stays the panel's


@lru_cache(maxsize=16)
def alignment_table(colour_map: str, missing: str) -> Bytes:
    """The colour of every place, shape (256, 4), RGBA."""
    ground = QColor(missing)
    return place_table(colour_map, (ground.red(), ground.green(), ground.blue()))


def weight_colours(weights: Weights, limits: tuple[float, float], table: Bytes) -> tuple[QColor, ...]:
    """The colours of weights, shape (weights,); not to be changed, since they are shared."""
    places = places_of(weights, low=limits[0], high=limits[1])
    return tuple(_shared(*colour) for colour in table[places, :3].tolist())


def weight_colour(weight: float, limits: tuple[float, float], table: Bytes) -> QColor:
    return weight_colours(np.asarray([weight], np.float32), limits, table)[0]


_shared = lru_cache(maxsize=512)(QColor)


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
        left, top, right, bottom = area.left(), area.top(), area.right(), area.bottom()
        across = (top + row * geometry.cell_height for row in range(rows + 1))
        down = (left + column * geometry.cell_width for column in range(geometry.columns + 1))
        painter.drawLines([*(QLineF(left, y, right, y) for y in across), *(QLineF(x, top, x, bottom) for x in down)])


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
        self._metrics = metrics = QFontMetricsF(used)
        self.height = metrics.height()
        self._room, self._cut = -1.0, self.texts
        self.width = max((metrics.horizontalAdvance(text) for text in self.texts), default=0.0) + 2 * LABEL_GAP

    def cut(self, room: float) -> tuple[str, ...]:
        if room != self._room:
            self._room = room
            self._cut = tuple(self._metrics.elidedText(text, Qt.TextElideMode.ElideRight, room) for text in self.texts)
        return self._cut

    def colour(self, number: int, theme: Theme, current: int) -> str:
        return theme.playhead if number == current else theme.muted if self.texts[number] == END_TEXT else theme.text


class Label(NamedTuple):
    """A word on one side as it is painted: one that equals what stands there already need not be painted again."""

    box: tuple[float, float, float, float]  # left, top, width and height, in pixels
    text: str
    colour: str
    tint: int | None  # the colour of its ground, as Qt's number
    side: str  # where in its box: ``right``, ``centre``, or ``standing``, which is read from below


def written_labels(geometry: AlignmentGeometry, labels: Labels, theme: Theme, *, current: int, weights: Weights | None = None,
                   table: Bytes | None = None, limits: tuple[float, float] = (0.0, 1.0),
                   always: tuple[int, ...] = ()) -> list[Label]:
    """Words beside their rows; with weights, on a ground of their colours."""
    count = min(geometry.rows, len(labels.texts))
    height = min(max(geometry.cell_height, labels.height), labels.height + 4)
    texts, tints = labels.cut(geometry.label_width - 3 - LABEL_GAP), _tints(weights, limits, table, count)
    return [Label((0.0, geometry.top + (number + 0.5) * geometry.cell_height - height / 2, geometry.label_width - 3,
                   height),
                  texts[number], labels.colour(number, theme, current), tints[number], "right")
            for number in shown_labels(count, geometry.cell_height, TIGHT * labels.height, (current, *always))]


def source_labels(geometry: AlignmentGeometry, labels: Labels, theme: Theme, *, current: int = -1,
                  weights: Weights | None = None, table: Bytes | None = None, limits: tuple[float, float] = (0.0, 1.0),
                  always: tuple[int, ...] = ()) -> list[Label]:
    """Words over their columns: lying where all of them fit, else standing and read from below."""
    lying = geometry.cell_width >= labels.width
    width = geometry.cell_width if lying else min(max(geometry.cell_width, labels.height), labels.height + 4)
    height = labels.height if lying else geometry.label_height - 3
    texts = labels.texts if lying else labels.cut(height - LABEL_GAP)
    tints = _tints(weights, limits, table, len(texts))
    return [Label((geometry.left + (number + 0.5) * geometry.cell_width - width / 2, geometry.label_height - 3 - height, width,
                   height),
                  texts[number], labels.colour(number, theme, current), tints[number], "centre" if lying else "standing")
            for number in shown_labels(len(labels.texts), geometry.cell_width, labels.width if lying else TIGHT * labels.height,
                                       (current, *always))]


def _tints(weights: Weights | None, limits: tuple[float, float], table: Bytes | None, count: int) -> list[int | None]:
    tints: list[int | None] = [None] * count
    if weights is not None and table is not None:
        counts = np.flatnonzero((weights[:count] - limits[0]) / (limits[1] - limits[0]) >= TINTED_FROM)
        for number, colour in zip(counts.tolist(), weight_colours(weights[counts], limits, table), strict=True):
            tints[number] = colour.rgb()
    return tints


def paint_labels(painter: QPainter, labels: Iterable[Label], used: QFont) -> None:
    painter.setFont(used)
    for label in labels:
        left, top, width, height = label.box
        if label.side == "standing":
            painter.save()
            painter.translate(left + width / 2, top + height)
            painter.rotate(-90)
            _paint_label(painter, QRectF(0, -width / 2, height, width), label)
            painter.restore()
        else:
            _paint_label(painter, QRectF(*label.box), label)


def _paint_label(painter: QPainter, place: QRectF, label: Label) -> None:
    before = label.side == "standing"
    if label.tint is not None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(label.tint))
        used = min(QFontMetricsF(painter.font()).horizontalAdvance(label.text) + 2 * LABEL_GAP, place.width())
        box = QRectF(place.left() if before else place.right() - used, place.top(), used, place.height())
        if label.side == "centre":
            box.moveLeft(place.center().x() - used / 2)
        painter.drawRoundedRect(box.adjusted(0, 0.5, 0, -0.5), 3, 3)
    painter.setPen(text_on(QColor(label.tint)) if label.tint is not None else coloured(label.colour))
    painter.drawText(place.adjusted(LABEL_GAP if before else 0, 0, -LABEL_GAP if label.side == "right" else 0, 0),
                     SIDES[label.side], label.text)
