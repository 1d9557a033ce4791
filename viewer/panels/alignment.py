"""Which source words each written word looked at: the alignment matrix, growing row by row, its words on both sides.

For any attention with the axis ``source``. Colours are those of attention over pictures, on the same scale.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from unrolled.models.trace import Channel, Trace
from unrolled.models.trace.joining import shown as plain
from unrolled.viewer.panels.attention_legend import AttentionLegend
from unrolled.viewer.panels.painting import EmptyText, draw_focus, mix, weight_percent
from unrolled.viewer.panels.panel import Panel
from unrolled.viewer.panels.words import is_end, shown
from unrolled.viewer.state.playhead import NOWHERE
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.attention_colours import attention_limits, attention_rgba, uniform_level
from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.theme.themes import Theme

EMPTY = "Which source words each written word looks at will be here.\nPress Space for the next word."
LEAST_CELL, MOST_CELL = 13.0, 30.0
ROOM_FOR_TARGETS, ROOM_FOR_SOURCES = 92.0, 84.0
GAP = 4.0
STRONGEST_TINT = 0.75

Rows = npt.NDArray[np.float32]


def alignment_channel(channels: Iterable[Channel]) -> Channel | None:
    """The first channel over the source words."""
    return next((channel for channel in channels if channel.axes == ("source",)), None)


class AlignmentCanvas(QWidget):
    """The matrix with its words.

    Attributes
    ----------
    row_clicked : Signal(int)
        A person chose a written word.
    hover_changed : Signal()
        Another cell is under the pointer.
    hover : tuple of int or None
        Row and column under the pointer; -1 for a side that it is not over.
    pinned : int
        The source word that was clicked, whose weights tint the written words; `NOWHERE` for none.
    """

    row_clicked = Signal(int)
    hover_changed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.weights: Rows = np.zeros((0, 0), np.float32)
        self.source: tuple[str, ...] = ()
        self.written: list[str] = []
        self.step = NOWHERE
        self.hover: tuple[int, int] | None = None
        self.pinned = NOWHERE
        self.high = 1.0
        self._colours: npt.NDArray[np.uint8] = np.zeros((0, 0, 4), np.uint8)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Alignment of written words with source words")
        self.setToolTip("Click a row to go to its word, a source word to see who looked at it (↑, ↓ move)")

    def set_contents(self, source: tuple[str, ...], written: list[str], weights: Rows, colours: npt.NDArray[np.uint8],
                     high: float) -> None:
        """Show these rows; `weights` (rows, source words), `colours` (rows, source words, 4)."""
        if source != self.source:
            self.pinned, self.hover = NOWHERE, None
        self.source, self.written, self.weights, self._colours, self.high = source, written, weights, colours, high
        self.updateGeometry()
        self.setMinimumHeight(self.sizeHint().height())
        self.update()

    # ── Geometry ──────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def cell(self) -> tuple[float, float]:
        """Width and height of a cell, in device-independent pixels."""
        count = max(len(self.source), 1)
        width = min(max((self.width() - ROOM_FOR_TARGETS - 2) / count, 4.0), 2 * MOST_CELL)
        return width, min(max(width, 18.0), MOST_CELL)

    def cell_box(self, row: int, column: int) -> QRectF:
        """Where a cell is."""
        width, height = self.cell
        return QRectF(ROOM_FOR_TARGETS + column * width, ROOM_FOR_SOURCES + row * height, width, height)

    def place(self, position: QPointF) -> tuple[int, int]:
        """Row and column at a position, each -1 beyond the matrix on its side."""
        width, height = self.cell
        row, column = int((position.y() - ROOM_FOR_SOURCES) // height), int((position.x() - ROOM_FOR_TARGETS) // width)
        return (row if 0 <= row < len(self.written) else -1), (column if 0 <= column < len(self.source) else -1)

    def sizeHint(self) -> QSize:
        """As high as the rows need."""
        return QSize(300, round(ROOM_FOR_SOURCES + max(len(self.written), 3) * self.cell[1] + 4))

    # ── Painting ──────────────────────────────────────────────────────────────────────────────────────────────

    def paintEvent(self, event: QPaintEvent) -> None:
        """Matrix, words, playhead."""
        rows, columns = self.weights.shape
        with QPainter(self) as painter:
            painter.setFont(text_font(12))
            if rows:
                matrix = self.cell_box(0, 0).united(self.cell_box(rows - 1, columns - 1))
                painter.fillRect(matrix, QColor(self.theme.missing))
                image = QImage(self._colours.data, columns, rows, 4 * columns, QImage.Format.Format_RGBA8888)
                painter.drawImage(matrix, image)
            self._paint_sources(painter)
            self._paint_written(painter)
            if 0 <= self.step < rows:
                row = self.cell_box(self.step, 0).united(self.cell_box(self.step, columns - 1))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(QColor(self.theme.playhead), 2))
                painter.drawRect(row.adjusted(0, 0, 0, 0))
            if self.hover is not None and min(self.hover) >= 0:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(QColor(self.theme.text), 1))
                painter.drawRect(self.cell_box(*self.hover))
            if self.hasFocus():
                draw_focus(painter, QRectF(self.rect()).adjusted(1, 1, -1, -1), self.theme.accent)

    def source_tint(self, column: int) -> float:
        """How strongly a source word is tinted, 0 to 1: by the weights of the row under the pointer, or the playhead's."""
        row = self.hover[0] if self.hover is not None and self.hover[0] >= 0 else self.step
        return min(float(self.weights[row, column]) / self.high, 1.0) if 0 <= row < len(self.weights) else 0.0

    def written_tint(self, row: int) -> float:
        """How strongly a written word is tinted, 0 to 1: by its weight on the source word that is hovered or pinned."""
        column = self.hover[1] if self.hover is not None and self.hover[1] >= 0 else self.pinned
        return min(float(self.weights[row, column]) / self.high, 1.0) if 0 <= column < len(self.source) else 0.0

    def _paint_sources(self, painter: QPainter) -> None:
        metrics = QFontMetricsF(painter.font())
        for column, word in enumerate(self.source):
            box = self.cell_box(0, column)
            label = QRectF(box.left() + 1, 2, box.width() - 2, ROOM_FOR_SOURCES - 4)
            painter.fillRect(label, mix(self.theme.panel, self.theme.accent, round(STRONGEST_TINT * self.source_tint(column), 2)))
            if column == self.pinned:
                painter.setPen(QPen(QColor(self.theme.accent), 1))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(label)
            painter.save()
            painter.translate(box.center().x(), ROOM_FOR_SOURCES - 6)
            painter.rotate(-90)
            painter.setPen(QColor(self.theme.muted if is_end(word) else self.theme.text))
            text = metrics.elidedText(shown(word), Qt.TextElideMode.ElideRight, ROOM_FOR_SOURCES - 12)
            painter.drawText(QPointF(0, metrics.ascent() / 2 - 1), text)
            painter.restore()

    def _paint_written(self, painter: QPainter) -> None:
        metrics = QFontMetricsF(painter.font())
        for row, word in enumerate(self.written):
            box = self.cell_box(row, 0)
            label = QRectF(0, box.top() + 1, ROOM_FOR_TARGETS - GAP, box.height() - 2)
            painter.fillRect(label, mix(self.theme.panel, self.theme.accent, round(STRONGEST_TINT * self.written_tint(row), 2)))
            painter.setPen(QColor(self.theme.playhead if row == self.step else
                                  self.theme.muted if is_end(word) else self.theme.text))
            text = metrics.elidedText(shown(word), Qt.TextElideMode.ElideRight, label.width() - 6)
            painter.drawText(label.adjusted(0, 0, -3, 0), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)

    # ── The pointer and keys ──────────────────────────────────────────────────────────────────────────────────

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Link the words of both sides."""
        self._set_hover(self.place(event.position()))
        if event.buttons() & Qt.MouseButton.LeftButton and self.hover is not None and self.hover[0] >= 0:
            self.row_clicked.emit(self.hover[0])

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go to a written word, or pin a source word."""
        row, column = self.place(event.position())
        if row >= 0:
            self.row_clicked.emit(row)
        elif column >= 0:
            self.pinned = NOWHERE if column == self.pinned else column
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the pointer."""
        self._set_hover((-1, -1))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and down go from word to word."""
        move = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if move is None:
            super().keyPressEvent(event)
        else:
            self.row_clicked.emit(min(max(self.step + move, 0), max(len(self.written) - 1, 0)))

    def _set_hover(self, place: tuple[int, int]) -> None:
        hover = None if max(place) < 0 else place
        if hover != self.hover:
            self.hover = hover
            self.hover_changed.emit()
            self.update()


class AlignmentPanel(Panel):
    """The alignment of the run.

    Attributes
    ----------
    canvas : AlignmentCanvas
    note : str
        What is under the pointer, or what the current word looks at most.
    note_changed : Signal(str)
    """

    note_changed = Signal(str)

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(session, theme, parent)
        self.setAccessibleName("Alignment")
        self.note = ""
        self._trace: Trace | None = None
        self._look: object = None
        self._colours: list[npt.NDArray[np.uint8]] = []
        self.canvas = AlignmentCanvas(theme)
        self.legend = AttentionLegend(theme)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidget(self.canvas)
        self._scroll.viewport().setAutoFillBackground(False)
        self.canvas.setAutoFillBackground(False)
        self._empty = EmptyText(EMPTY, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._empty, 1)
        layout.addWidget(self._scroll, 1)
        layout.addWidget(self.legend)
        self.canvas.row_clicked.connect(session.playhead.seek)
        self.canvas.hover_changed.connect(self._say)
        self.refresh()

    @classmethod
    def draws(cls, channels: Iterable[Channel]) -> bool:
        """Attention over source words."""
        return alignment_channel(channels) is not None

    def refresh(self) -> None:
        """Take over rows that are new; each is coloured once."""
        trace, values = self.session.trace, self.session.appearance.values
        channel = alignment_channel(trace.channels.values()) if trace is not None else None
        there = trace is not None and channel is not None and len(trace.provenance.source) == channel.size
        self._empty.setVisible(not there)
        self._scroll.setVisible(there)
        self.legend.setVisible(there)
        if trace is None or channel is None or not there:
            self._trace = None
            self.canvas.set_contents((), [], np.zeros((0, 0), np.float32), np.zeros((0, 0, 4), np.uint8), 1.0)
            self._say()
            return
        look = (values.attention_scale, values.attention_colour_map)
        if trace is not self._trace or look != self._look or len(trace) < len(self._colours):
            self._trace, self._look, self._colours = trace, look, []
        weights = trace.column(channel.name)
        for row in weights[len(self._colours) :]:
            self._colours.append(attention_rgba(row[None, :], scale=look[0], colour_map=look[1], opacity=1.0, smooth=False)[0])
        colours = np.stack(self._colours) if self._colours else np.zeros((0, channel.size, 4), np.uint8)
        joining = trace.provenance.joining
        _, high = attention_limits(np.full(channel.shape, uniform_level(channel.size), np.float32))
        self.canvas.set_contents(tuple(plain(word, joining) for word in trace.provenance.source),
                                 [plain(word, joining) for word in trace.words], weights, colours, high)
        self.legend.set_scale(low=0.0, high=high, uniform=uniform_level(channel.size), colour_map=look[1], opacity=1.0,
                              stretched=look[0] == "stretched")
        self._say()

    def seek(self, step: int) -> None:
        """Outline the current word's row, and bring it into view."""
        if step != self.canvas.step:
            self.canvas.step = step
            if 0 <= step < len(self.canvas.written):
                box = self.canvas.cell_box(step, 0)
                self._scroll.ensureVisible(0, round(box.center().y()), 0, round(box.height()))
            self.canvas.update()
            self._say()

    def set_theme(self, theme: Theme) -> None:
        """Other colours are in force."""
        for part in (self.canvas, self.legend):
            part.theme = theme
            part.update()
        super().set_theme(theme)

    def _say(self) -> None:
        canvas = self.canvas
        row, column = canvas.hover if canvas.hover is not None else (canvas.step, -1)
        text = ""
        if 0 <= row < len(canvas.weights) and canvas.source:
            column = column if column >= 0 else int(canvas.weights[row].argmax())
            weight = float(canvas.weights[row, column])
            text = (f"“{shown(canvas.written[row])}” ← “{shown(canvas.source[column])}”  {weight_percent(weight)}  =  "
                    f"{weight * len(canvas.source):.1f} × uniform")
        if text != self.note:
            self.note = text
            canvas.setAccessibleDescription(text)
            self.note_changed.emit(text)
