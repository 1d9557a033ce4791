"""The alignment matrix with its words, to be pointed at and clicked. It is told what to draw and knows no session."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QSizePolicy

from unrolled.models.trace.pyramid import Bytes
from unrolled.viewer.drawing.alignment_geometry import AlignmentGeometry, alignment_geometry
from unrolled.viewer.drawing.alignment_painting import (
    Label,
    Labels,
    Weights,
    alignment_table,
    paint_cells,
    paint_labels,
    source_labels,
    written_labels,
)
from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.widgets.building import own_ground
from unrolled.viewer.widgets.magnifier import Magnifier
from unrolled.viewer.widgets.themed import Painted
from unrolled.viewer.widgets.zoom import NOTCH

Cell = tuple[int | None, int | None]
NOWHERE: Cell = (None, None)
KEYS = {Qt.Key.Key_Up: ("moved", -1), Qt.Key.Key_Down: ("moved", 1), Qt.Key.Key_Left: ("walked", -1),
        Qt.Key.Key_Right: ("walked", 1)}
ROOM_FOR_OUTLINE = 7.0  # pixels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AlignmentWidget:
    places: Bytes = field(default_factory=lambda: np.empty((0, 0), np.uint8))  # shape (steps, source words), on the colour map
    # The words as people read them.
    source: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    colour_map: str = "inferno"
    step: int = -1  # the playhead's
    row_weights: Weights | None = None  # shape (source words,): how much each counts for the row pointed at, or the playhead's
    row_limits: tuple[float, float] = (0.0, 1.0)  # the weights at the ends of that row's colours
    column_weights: Weights | None = None  # shape (steps,): how much the chosen source word counts for each written one
    column_limits: tuple[float, float] = (0.0, 1.0)
    chosen: int | None = None  # the source word that is pointed at or was chosen


class Outline(NamedTuple):
    """A frame round a row or a column."""

    box: tuple[float, float, float, float]
    colour: str


class AlignmentCanvas(Painted):
    """Rows are written words, columns source words."""

    pointed = Signal(object)  # the row and the column under the pointer; beside the cells only one of them, None for the other
    # A written word's row, a source word.
    row_clicked = Signal(int)
    column_clicked = Signal(int)
    moved = Signal(int)  # by the keyboard or the wheel: so many rows on
    walked = Signal(int)  # by the keyboard: so many source words on
    cleared = Signal()  # Escape

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.view = AlignmentWidget()
        self.cell: Cell = NOWHERE
        self._source, self._written = Labels((), text_font(11)), Labels((), text_font(11))
        self._wheel = 0.0
        self.magnifier = Magnifier(self, shares=True)
        self._marks: dict[Label | Outline, None] = {}
        self._painted_for: tuple[AlignmentGeometry, str] | None = None
        own_ground(self)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(140, 60)
        self.setAccessibleName("Alignment: output words by source words")
        self.setToolTip("Click a row to go there, a source word to follow it (up, down, left, right; Escape clears it).\n"
                        "Ctrl with the wheel zooms, Shift with the wheel or arrows moves what is zoomed")

    def set_view(self, view: AlignmentWidget) -> None:
        """Draw this from now on; all of one flush is painted at once."""
        if view.source != self._source.texts:
            self._source = Labels(view.source, text_font(11))
        if view.written != self._written.texts:
            self._written = Labels(view.written, text_font(11))
        before, self.view = self.view, view
        if self.magnifier.factor > 1.0 and view.step != before.step:
            self._reveal(view.step)
        marks, geometry = self._marks, self._painted_for
        self._mark()
        if (geometry != self._painted_for or view.colour_map != before.colour_map
                or not np.array_equal(view.places, before.places)):
            self.update()
            return
        for mark in marks.keys() ^ self._marks.keys():
            self.update(QRectF(*mark.box).toAlignedRect().adjusted(-2, -2, 2, 2))

    def _mark(self) -> None:
        view, theme, geometry, row = self.view, self.theme, self.geometry_of_cells, self.cell[0]
        self._painted_for = (geometry, theme.name)
        labels = (*written_labels(geometry, self._written, theme, current=view.step, weights=view.column_weights,
                                  table=self.table, limits=view.column_limits, always=() if row is None else (row,)),
                  *source_labels(geometry, self._source, theme, current=-1 if view.chosen is None else view.chosen,
                                 weights=view.row_weights, table=self.table, limits=view.row_limits, always=self._looked_at()))
        left, top, wide, high = geometry.left, geometry.top, geometry.cell_width, geometry.cell_height
        across, down = geometry.right - left, geometry.bottom - top
        outlines: list[Outline] = []  # from below to above
        if view.chosen is not None and view.chosen < geometry.columns:
            outlines.append(Outline((left + view.chosen * wide, top, wide, down), theme.accent))
        if 0 <= view.step < geometry.rows:
            outlines.append(Outline((left, top + view.step * high, across, high), theme.playhead))
        if row is not None and row != view.step and row < geometry.rows:
            outlines.append(Outline((left, top + row * high, across, high), theme.muted))
        if self.magnifier.factor > 1.0:
            labels = tuple(label for label in labels if self._in_sight(geometry, label))
        self._marks = dict.fromkeys((*labels, *outlines))

    @property
    def geometry_of_cells(self) -> AlignmentGeometry:
        whole = alignment_geometry(self.width() - 2, self.height() - 2, rows=len(self.view.places), columns=len(self.view.source),
                                   label_width=max(self._written.width, 44.0), label_height=max(self._source.width, 30.0))
        # As high as all rows will be, so that rows which are added move nothing.
        fit = QRectF(whole.left, whole.top, whole.right - whole.left, whole.cell_height * whole.room)
        place, factor = self.magnifier.place(fit), self.magnifier.factor
        if factor == 1.0:
            return whole
        return replace(whole, left=place.left(), top=place.top(), cell_width=whole.cell_width * factor,
                       cell_height=whole.cell_height * factor, hidden=(fit.left() - place.left(), fit.top() - place.top()))

    def _in_sight(self, geometry: AlignmentGeometry, label: Label) -> bool:
        middle = QRectF(*label.box).center()
        if label.side == "right":
            return geometry.label_height <= middle.y() < self.height()
        return geometry.label_width <= middle.x() < self.width()

    def _reveal(self, row: int) -> None:
        """Move the part that is shown larger, if a row is out of it."""
        geometry = self.geometry_of_cells
        y, top, bottom = geometry.top + (row + 0.5) * geometry.cell_height, geometry.label_height, self.height() - 1.0
        if row >= 0 and not top <= y < bottom:
            in_sight = geometry.room * geometry.cell_height / self.magnifier.factor
            self.magnifier.pan(0.0, (y - (top + bottom) / 2) / in_sight)

    @property
    def table(self) -> Bytes:
        return alignment_table(self.view.colour_map, self.theme.error)

    def paintEvent(self, event: QPaintEvent) -> None:
        view, theme, geometry = self.view, self.theme, self.geometry_of_cells
        if self._painted_for != (geometry, theme.name):
            self._mark()
        seen = [mark for mark in self._marks if event.region().intersects(QRectF(*mark.box).toAlignedRect())]
        with QPainter(self) as painter:
            if self.magnifier.factor > 1.0:
                painter.setClipRect(QRectF(self.rect()).adjusted(geometry.label_width, geometry.label_height, 0, 0))
            painter.fillRect(QRectF(geometry.left, geometry.top, geometry.right - geometry.left,
                                    max(geometry.bottom, self.height() - 2) - geometry.top), QColor(theme.missing))
            paint_cells(painter, geometry, view.places, self.table, ground=theme.panel)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for mark in seen:
                if isinstance(mark, Outline):
                    self._outline(painter, QRectF(*mark.box), mark.colour)
            painter.setClipping(False)
            paint_labels(painter, (mark for mark in seen if isinstance(mark, Label)), self._source.font)

    def _looked_at(self) -> tuple[int, ...]:
        """The source word that counts most, which is written even where there is no room for all."""
        weights = self.view.row_weights
        if weights is None or not np.isfinite(weights).any():
            return ()
        return (int(np.nanargmax(weights)),)

    def _outline(self, painter: QPainter, place: QRectF, colour: str) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if min(place.width(), place.height()) < ROOM_FOR_OUTLINE:  # around it, so that its colours stay to be seen
            painter.setPen(QPen(QColor(colour), 1))
            painter.drawRect(place.adjusted(-1, -1, 1, 1))
            return
        painter.setPen(QPen(QColor(self.theme.panel), 1))
        painter.drawRect(place.adjusted(1, 1, -1, -1))
        painter.setPen(QPen(QColor(colour), 1.5))
        painter.drawRect(place)

    def cell_at(self, position: QPointF) -> Cell:
        """Row and column at a place; over the words of one side only that one."""
        geometry = self.geometry_of_cells
        row, column = geometry.row_at(position.y()), geometry.column_at(position.x())
        if position.x() < geometry.label_width:
            column = None
        elif row is None and position.y() >= geometry.label_height:
            column = None  # below the last row nothing is linked
        elif column is None:
            row = None
        return row, column

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point(self.cell_at(event.position()))
        if event.buttons() & Qt.MouseButton.LeftButton and self.cell[0] is not None:
            self.row_clicked.emit(self.cell[0])

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row, column = self.cell_at(event.position())
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
        elif row is not None:
            self.row_clicked.emit(row)
        elif column is not None:
            self.column_clicked.emit(column)

    def leaveEvent(self, event: QEvent) -> None:
        self._point(NOWHERE)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._wheel += (event.angleDelta().y() or event.angleDelta().x()) / NOTCH
        whole = int(self._wheel)
        self._wheel -= whole
        if whole:
            self.moved.emit(-whole)
        event.accept()

    @property
    def own_keys(self) -> tuple[Qt.Key, ...]:
        """While it has the keyboard these are not the window's."""
        return (*KEYS, Qt.Key.Key_Escape) if self.view.chosen is not None else tuple(KEYS)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        found = KEYS.get(Qt.Key(event.key()))
        if found is not None:
            signal, by = found
            getattr(self, signal).emit(by)
        elif event.key() == Qt.Key.Key_Escape:
            self.cleared.emit()
        else:
            super().keyPressEvent(event)

    def _point(self, cell: Cell) -> None:
        if cell != self.cell:
            self.cell = cell
            pointing = cell != NOWHERE
            self.setCursor(Qt.CursorShape.PointingHandCursor if pointing else Qt.CursorShape.ArrowCursor)
            self.pointed.emit(cell)
