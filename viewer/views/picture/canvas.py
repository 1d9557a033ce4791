"""The photograph with a map of attention over it. It is told what to draw and knows no session."""

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from unrolled.viewer.drawing.overlay import WHOLE, Region, draw_overlay, draw_veil, fitted, part, scaled_to
from unrolled.viewer.drawing.painting import for_the_screen
from unrolled.viewer.plotting.figure import LEAST_RATIO
from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.theme.icons import pixmap
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.widgets.magnifier import Magnifier
from unrolled.viewer.widgets.themed import Painted

MOST_KEPT = 16  # pictures with their attention: scrubbing comes back to the same steps
EMPTY_LINES = ("Drop a photograph here,", "paste one, or press Ctrl+O")


class PictureCanvas(Painted):
    """A photograph, fitted; attention; the outline of what the model saw."""

    cell_hovered = Signal(object)  # row and column of the cell under the pointer, or None
    painted = Signal(int, int, bool)  # while it may be painted on: a stroke went over this cell; with the right button it wipes

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._photo: QImage | None = None
        self._scaled: QPixmap | None = None
        self._overlay: QImage | None = None
        self._kept: dict[object, QPixmap] = {}
        self._smooth, self._veil = True, 0.0
        self.shown_map: npt.NDArray[np.float32] | None = None  # the weights that are drawn, shape (rows, columns)
        self._region: Region = WHOLE
        self._show_region = True
        self.label = ""
        self.cell: tuple[int, int] | None = None  # row and column under the pointer
        self._paint_mode = "off"
        self._painted_cells: dict[tuple[int, int], float] = {}
        self.magnifier = Magnifier(self, lambda: self._paint_mode == "off")
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 52)

    def set_photo(self, photo: QImage | None) -> None:
        self._photo, self._scaled = photo, None
        self._kept.clear()
        self.magnifier.reset()

    def set_map(self, weights: npt.NDArray[np.float32] | None, colours: QImage | None, *, smooth: bool,
                veil: float = 0.0) -> None:
        """What lies over the photograph; `veil`, from 0 to 1, is how dark it is beyond what the model saw."""
        self.shown_map, self._overlay, self._smooth, self._veil = weights, colours, smooth, veil
        self.update()

    def set_region(self, region: Region, *, shown: bool) -> None:
        """The part of the photograph that the map covers, and whether to outline it."""
        if (region, shown) != (self._region, self._show_region):
            self._region, self._show_region = region, shown
            self.update()

    def set_label(self, label: str) -> None:
        if label != self.label:
            self.label = label
            self.update()

    def set_painting(self, mode: str, cells: dict[tuple[int, int], float]) -> None:
        """Whether it can be painted on (``off``, ``attend``, ``mask``), and what is painted: weights by row and column."""
        if (mode, cells) != (self._paint_mode, self._painted_cells):
            self._paint_mode, self._painted_cells = mode, cells
            self.setCursor(Qt.CursorShape.ArrowCursor if mode == "off" else Qt.CursorShape.CrossCursor)
            self.update()

    def place(self) -> QRectF:
        if self._photo is None:
            return QRectF()
        return self.magnifier.place(fitted(self._photo.size(), QRectF(self.rect()), self.devicePixelRatioF()))

    def region_place(self) -> QRectF:
        return part(self.place(), self._region)

    def cell_place(self, row: int, column: int) -> QRectF:
        if self.shown_map is None:
            return QRectF()
        rows, columns = self.shown_map.shape
        return part(self.region_place(), (column / columns, row / rows, (column + 1) / columns, (row + 1) / rows))

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._photo is None:
            self._paint_empty()
            return
        with QPainter(self) as painter:
            place = self.place()
            seen = part(place, self._region)
            if self.magnifier.factor > 1.0:
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
                painter.drawImage(place, self._photo)
                if self._overlay is not None:
                    draw_overlay(painter, self._overlay, seen, smooth=self._smooth)
                    draw_veil(painter, place, seen, self._veil)
            else:
                own = self.devicePixelRatioF()
                ratio = own if for_the_screen(painter, self) else max(own, LEAST_RATIO)
                painter.drawPixmap(place.topLeft(), self._with_overlay(place, seen, ratio))
            if self._show_region and self._region != WHOLE:
                self._paint_outline(painter, seen)
            for cell, weight in self._painted_cells.items():
                self._paint_stroke(painter, self.cell_place(*cell), weight)
            if self.cell is not None and self.shown_map is not None:
                self._paint_cell(painter, self.cell_place(*self.cell))
            if self.label:
                self._paint_label(painter, place.intersected(QRectF(self.rect())))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._stroke(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(event.position())
        self._stroke(event)

    def _stroke(self, event: QMouseEvent) -> None:
        left, right = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
        if self._paint_mode != "off" and self.cell is not None and event.buttons() & (left | right):
            self.painted.emit(*self.cell, bool(event.buttons() & right))

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(None)

    def _hover(self, position: QPointF | None) -> None:
        cell = None
        seen = self.region_place()
        if position is not None and self.shown_map is not None and seen.contains(position):
            rows, columns = self.shown_map.shape
            cell = (
                min(int((position.y() - seen.y()) / seen.height() * rows), rows - 1),
                min(int((position.x() - seen.x()) / seen.width() * columns), columns - 1),
            )
        if cell != self.cell:
            self.cell = cell
            self.cell_hovered.emit(cell)
            self.update()

    def _with_overlay(self, place: QRectF, seen: QRectF, ratio: float) -> QPixmap:
        """The photograph and the map, as they lie over one another; a few are kept, since to scale a map costs most."""
        photo = self._photo_at(place, ratio)
        if self._overlay is None:
            return photo
        key = (bytes(self._overlay.constBits()), self._smooth, self._veil, place.getRect(), seen.getRect(),
               photo.devicePixelRatio())
        made = self._kept.pop(key, None)
        if made is None:
            made = photo.copy()
            there = seen.translated(-place.topLeft())
            with QPainter(made) as painter:
                draw_overlay(painter, self._overlay, there, smooth=self._smooth)
                draw_veil(painter, place.translated(-place.topLeft()), there, self._veil)
        self._kept[key] = made  # the one used last comes last
        while len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        return made

    def _photo_at(self, place: QRectF, ratio: float) -> QPixmap:
        assert self._photo is not None
        size = QSize(round(place.width() * ratio), round(place.height() * ratio))
        if self._scaled is None or self._scaled.size() != size or self._scaled.devicePixelRatio() != ratio:
            self._scaled = QPixmap.fromImage(scaled_to(self._photo, size, ratio))
        return self._scaled

    def _paint_outline(self, painter: QPainter, seen: QRectF) -> None:
        inside = seen.adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(0, 0, 0, 150), 1))
        painter.drawRect(inside)
        pen = QPen(QColor(255, 255, 255, 230), 1, Qt.PenStyle.DashLine)
        painter.setPen(pen)  # white dashes on black: seen on every photograph
        painter.drawRect(inside)

    def _paint_cell(self, painter: QPainter, place: QRectF) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(0, 0, 0, 160), 1))
        painter.drawRect(place.adjusted(-0.5, -0.5, 0.5, 0.5))
        painter.setPen(QPen(QColor(255, 255, 255), 1))
        painter.drawRect(place.adjusted(0.5, 0.5, -0.5, -0.5))

    def _paint_stroke(self, painter: QPainter, place: QRectF, weight: float) -> None:
        """Where attention shall go a light of its own, where it shall not a dark cell with a cross."""
        inside = place.adjusted(0.5, 0.5, -0.5, -0.5)
        if self._paint_mode == "mask":
            painter.fillRect(inside, QColor(0, 0, 0, 190))
            painter.setPen(QPen(QColor(255, 255, 255, 160), 1))
            painter.drawLine(inside.topLeft(), inside.bottomRight())
        else:
            ground = QColor(self.theme.accent)
            ground.setAlphaF(0.25 + 0.5 * weight)
            painter.fillRect(inside, ground)
            painter.setPen(QPen(QColor(255, 255, 255), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(inside)

    def _paint_label(self, painter: QPainter, place: QRectF) -> None:
        font = text_font(11)
        how = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        room = QRectF(0, 0, max(place.width() - 28, 40), place.height())
        size = QFontMetricsF(font).boundingRect(room, how, self.label).size()
        box = QRectF(place.x() + 6, place.y() + 6, size.width() + 16, size.height() + 8)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        path = QPainterPath()
        path.addRoundedRect(box, 5, 5)
        painter.fillPath(path, QColor(0, 0, 0, 170))
        painter.setFont(font)
        painter.setPen(QColor(255, 255, 255))
        painter.drawText(box, how, self.label)

    def _paint_empty(self) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            box = QRectF(self.rect()).adjusted(4.5, 4.5, -4.5, -4.5)
            painter.setPen(QPen(QColor(self.theme.border), 1.5, Qt.PenStyle.DashLine))
            painter.setBrush(QColor(self.theme.missing))
            painter.drawRoundedRect(box, 8, 8)
            middle = box.center()
            drawing = pixmap("picture", self.theme.faint, size=32, ratio=self.devicePixelRatioF())
            painter.drawPixmap(QPointF(round(middle.x()) - 16, round(middle.y()) - 46), drawing)
            painter.setFont(text_font(13))
            painter.setPen(QColor(self.theme.muted))
            for number, line in enumerate(EMPTY_LINES):
                place = QRectF(box.x(), middle.y() - 4 + 20 * number, box.width(), 20)
                painter.drawText(place, Qt.AlignmentFlag.AlignCenter, line)
