"""A plot: axes and what is drawn between them. No type of pyqtgraph's leaves this folder.

Ranges come from whoever owns the plot (`set_ranges`), until a person zooms, pans or types others; Reset gives them back.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from PySide6.QtCore import QEvent, QObject, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPalette, QResizeEvent
from PySide6.QtWidgets import QMenu, QScrollArea, QSizePolicy, QToolTip, QWidget

from unrolled.viewer.drawing.painting import EmptyText
from unrolled.viewer.plotting.axis import Axis, Ticks
from unrolled.viewer.plotting.context_menu import attach
from unrolled.viewer.plotting.heatmap import ColourBar, Heatmap
from unrolled.viewer.plotting.ink import Ink
from unrolled.viewer.plotting.legend import MARGIN, Legend
from unrolled.viewer.plotting.level import Edge, Level
from unrolled.viewer.plotting.library import pg
from unrolled.viewer.plotting.marks import Area, Bars, Dots, Line, Mark, Range
from unrolled.viewer.plotting.navigation import ZOOM, Box, add_ranges
from unrolled.viewer.plotting.table import Table
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.widgets.building import in_column

Limits = tuple[float, float]
AnyMark = TypeVar("AnyMark", bound=Mark)

LAST_NUMBER = 18  # pixels beside the plot: half of the last tick’s number stands there
GRID = 120  # of 255: how much of the ground lines across hide
PAN = 0.1
KEY_FACTOR, PAGE_FACTOR = 1.1, 2.0
KEY_STEP, PAGE_STEP = 0.02, 0.1  # of the axis, where it is not logarithmic


class Plot(QWidget):
    """Two axes, marks between them, a menu.

    Parameters
    ----------
    title : str
        What it shows; the name that assistive technology and files have for it.
    x, y : Axis
    downwards : bool
        y grows downwards, as rows do.
    square : bool
        A unit of x is as long as one of y.
    part : bool
        A part of a larger figure, which has the menu and the focus.
    axes : bool
        Whether it has any.
    table : callable, optional
        The recorded numbers behind what is shown.
    """

    read_out = Signal(str)  # what is under the pointer, in words; empty when nothing is
    pointed = Signal(float, float)  # the pointer is over this place
    left = Signal()  # the pointer has gone
    clicked = Signal(float, float)  # this place was clicked

    own_keys: tuple[Qt.Key, ...] = (Qt.Key.Key_Plus, Qt.Key.Key_Minus, Qt.Key.Key_Equal, Qt.Key.Key_0)

    def __init__(self, title: str, x: Axis, y: Axis, theme: Theme, *, downwards: bool = False, square: bool = False,
                 part: bool = False, axes: bool = True, table: Callable[[], Table | None] | None = None,
                 parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme, self.x_axis, self.y_axis = theme, x, y
        self.reading: Callable[[float, float], str] = lambda x, y: ""  # says what is at a place, for `read_out` and the tooltip
        self.extend_menu: Callable[[QMenu], None] | None = None  # adds what only this plot offers
        self._marks: list[Mark] = []
        self._said = ""
        self._home: tuple[Limits, Limits] = ((0.0, 1.0), (0.0, 1.0))
        self.held = False  # a person has chosen the ranges
        self._level: Level | None = None
        self._colour_bar: ColourBar | None = None
        self._part, self._square = part, square
        self._keys: dict[Qt.Key, Callable[[], object]] = {}
        self._view = pg.GraphicsLayoutWidget()
        self._view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._view.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self._view.setFrameShape(pg.QtWidgets.QFrame.Shape.NoFrame)
        self._view.setCacheMode(pg.QtWidgets.QGraphicsView.CacheModeFlag.CacheNone)  # which drawings would have as a picture
        self._view.setMinimumSize(1, 1)
        self._view.viewport().setMouseTracking(True)
        self._inside = self._view.ci
        ends = 0 if axes else MARGIN  # of a colour bar’s numbers
        self._inside.layout.setContentsMargins(MARGIN if axes else 0, ends, 0 if part else LAST_NUMBER, ends)
        self._inside.layout.setSpacing(0)
        self._box = Box(wheel_zooms=self._wheel_zooms, changed=self._moved_by_hand)
        self._box.invertY(downwards)
        self._box.setAspectLocked(square)
        self._inside.addItem(self._box, 1, 1)
        self._axes: dict[str, Ticks] = {}
        if axes:
            self._add_axis("left", y, 1, 0)
            self._add_axis("bottom", x, 2, 1)
            self._axes["left"].setGrid(False if downwards else GRID)
        self._legend = Legend(part=part)
        self._inside.addItem(self._legend, 0, 1)
        in_column(self, self._view).setContentsMargins(2, 2, 2, 2)
        self._empty = EmptyText("", self)  # over what is laid out, which would hide it
        self._empty.setBackgroundRole(QPalette.ColorRole.Base)  # no line of the grid goes through it
        self._empty.setAutoFillBackground(True)
        self._empty.hide()
        self.setAccessibleName(title)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._box.sigRangeChanged.connect(lambda *_: self._ranges_changed())
        self._box.sigResized.connect(lambda *_: self._ranges_changed())
        self._view.viewport().installEventFilter(self)
        self._view.scene().sigMouseClicked.connect(self._was_clicked)
        if not part:
            attach(self, self.accessibleName, table=table, fill=self._fill_menu)
        self.set_theme(theme)

    def sizeHint(self) -> QSize:
        return QSize(320, 200)

    @property
    def surface(self) -> QWidget:
        viewport: QWidget = self._view.viewport()
        return viewport

    def line(self, colour: Ink, name: str = "", *, width: float = 1.5, style: str = "solid", order: float = 0) -> Line:
        """A line, named in the legend if it has a name; of higher order it lies above."""
        return self._add(Line(self._box, self.y_axis, colour, order, name, width, style))

    def range(self, colour: Ink, *, order: float = -1) -> Range:
        return self._add(Range(self._box, self.y_axis, colour, order))

    def scatter(self, colour: Ink, *, size: float = 5.0, ring: bool = False, order: float = 0) -> Dots:
        return self._add(Dots(self._box, colour, order, size, ring))

    def bars(self, colour: Ink, below: Ink) -> Bars:
        """Bars to the right, one below the other; those below 0 in another colour."""
        return self._add(Bars(self._box, colour, below, 0))

    def area(self, colour: Ink, *, hatch: Ink | None = None, outlined: bool = False, order: float = 10) -> Area:
        return self._add(Area(self._box, colour, order, hatch, outlined))

    def heatmap(self) -> Heatmap:
        """A grid of colours, below all marks."""
        return Heatmap(self._box)

    def colour_bar(self, axis: Axis) -> ColourBar:
        """What the colours mean, at the right."""
        self._colour_bar = ColourBar(self._inside, axis)
        self._colour_bar.set_theme(self.theme)
        return self._colour_bar

    def level(self, colour: Ink, name: str, *, moved: Callable[[float], None], limits: Limits) -> Level:
        """A line across, to be dragged, or moved by Up, Down, Page Up and Page Down; `moved` is told where to."""
        level = self._add(Level(self._box, self.y_axis, colour, name, moved, limits))
        self._level = level
        self.take_keys({key: partial(self._move_level, *by) for key, by in LEVEL_KEYS.items()})
        return level

    def take_keys(self, acts: Mapping[Qt.Key, Callable[[], object]]) -> None:
        """Let these keys do something while the plot has the focus, before they are shortcuts of the window."""
        self._keys.update(acts)
        self.own_keys = (*self.own_keys, *acts)

    def edge(self, colour: Ink, *, moved: Callable[[float, float], None]) -> Edge:
        """A broken line with a grip, to be dragged."""
        return self._add(Edge(self._box, colour, moved))

    def _add_axis(self, side: str, axis: Axis, row: int, column: int) -> None:
        ticks = self._axes[side] = Ticks(axis, side)
        ticks.linkToView(self._box)
        ticks.set_theme(self.theme)
        self._inside.addItem(ticks, row, column)

    def _add(self, mark: AnyMark) -> AnyMark:
        mark.set_theme(self.theme)
        self._marks.append(mark)
        return mark

    def set_ranges(self, x: Limits, y: Limits) -> None:
        """Show this part, unless a person has chosen another; not while a level is dragged, which would slip away."""
        if (x, y) != self._home and not (self._level is not None and self._level.held):
            self._home = (x, y)
            if self._square:
                for side, limits in zip(self._axes, (y, x), strict=False):
                    self._axes[side].within = limits
            if not self.held:
                self._apply(x, y)

    def name_axes(self, x: str, y: str) -> None:
        """Call them otherwise: something else is shown."""
        for side, name in (("bottom", x), ("left", y)):
            self._axes[side].rename(name)
            self._axes[side].set_theme(self.theme)

    def name_rows(self, names: Sequence[str], current: int = -1) -> None:
        """Write names at the left, from 0 on, in place of numbers; the current one in any case."""
        self._axes["left"].name_places(names, current)

    def name_columns(self, names: Sequence[str], current: int = -1) -> None:
        self._axes["bottom"].name_places(names, current)

    def say(self, sentence: str) -> None:
        """Muted words in the middle, where there is nothing yet, and so no numbers; none take them away."""
        if sentence != self._empty.text():
            self._empty.setText(sentence)
            for ticks in self._axes.values():
                ticks.setStyle(showValues=not sentence)
            self._empty.setVisible(bool(sentence))
            self._place_empty()

    def show_legend(self) -> None:
        """Name what is drawn, above it; call it when a mark has appeared or gone."""
        self._legend.name_marks(self._marks, self.theme)

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self._view.setBackground(theme.panel)
        for part in (*self._axes.values(), *self._marks, *((self._colour_bar,) if self._colour_bar is not None else ())):
            part.set_theme(theme)
        self.show_legend()

    def draw(self, painter: QPainter, place: QPointF, size: QSize) -> None:
        """Paint it there and so large, on no ground; for one that stands on no page."""
        self.resize(size)
        self.grab(QRect(0, 0, 1, 1))  # or else nothing is laid out
        self._inside.layout.activate()  # again, with as many lines of the legend as there are now
        self._view.setBackground(None)
        painter.setRenderHints(self._view.renderHints())
        self._view.render(painter, QRectF(place, self._view.size()), self._view.rect())

    @property
    def ranges(self) -> tuple[Limits, Limits]:
        """What is in sight, in values."""
        (left, right), (low, high) = self._box.viewRange()
        return (self.x_axis.value(left), self.x_axis.value(right)), (self.y_axis.value(low), self.y_axis.value(high))

    def hold_ranges(self, x: Limits | None = None, y: Limits | None = None) -> None:
        """A person chose these: they stay until `reset`. One that is not given stays, or follows where the plot is square."""
        self.held = True
        self._apply(x, y)

    def reset(self) -> None:
        """Show what the owner says again."""
        self.held = False
        self._apply(*self._home)

    def zoom(self, factor: float) -> None:
        """By a factor round the middle; below 1 nearer."""
        self._box.scaleBy((factor, factor))
        self.held = True

    def pan(self, x: float, y: float) -> None:
        """By parts of what is in sight, to the right and up."""
        y = -y if self._box.yInverted() else y
        (left, right), (low, high) = self._box.viewRange()
        self._box.translateBy(x * (right - left), y * (high - low))
        self.held = True

    def values_at(self, place: QPointF) -> tuple[float, float]:
        """What lies at a place, in pixels of `surface`."""
        self._inside.layout.activate()
        found = self._box.mapSceneToView(self._view.viewportTransform().inverted()[0].map(QPointF(place)))
        return self.x_axis.value(found.x()), self.y_axis.value(found.y())

    def place_of(self, x: float, y: float) -> QPointF:
        """Where a place lies, in pixels of `surface`."""
        self._inside.layout.activate()
        place = QPointF(float(self.x_axis.along(x)), float(self.y_axis.along(y)))
        return QPointF(self._view.mapFromScene(self._box.mapViewToScene(place)))

    def _apply(self, x: Limits | None, y: Limits | None) -> None:
        self._box.setRange(xRange=None if x is None else self.x_axis.along(x).tolist(),
                           yRange=None if y is None else self.y_axis.along(y).tolist(), padding=0)

    def _wheel_zooms(self) -> bool:
        """Not over a page that scrolls, before a person has turned to this plot."""
        around = figure = self.parentWidget()
        while around is not None and not isinstance(around, QScrollArea):
            around = around.parentWidget()
        turned_to = self.hasFocus() or (self._part and figure is not None and figure.hasFocus())
        return turned_to or around is None or not around.verticalScrollBar().maximum()

    def _moved_by_hand(self) -> None:
        self.held = True

    def _fill_menu(self, menu: QMenu) -> None:
        add_ranges(menu, self)
        if self.extend_menu is not None:
            self.extend_menu(menu)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, keys = Qt.Key(event.key()), Qt.Key
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and key in PANS:
            self.pan(*PANS[key])
        elif key in self._keys:
            self._keys[key]()
        elif key in (keys.Key_Plus, keys.Key_Equal):
            self.zoom(1 / ZOOM)
        elif key == keys.Key_Minus:
            self.zoom(ZOOM)
        elif key == keys.Key_0:
            self.reset()
        else:
            event.ignore()

    def _move_level(self, factor: float, part: float) -> None:
        if self._level is not None:
            (low, high), value = self.ranges[1], self._level.value
            self._level.move(value * factor if self.y_axis.log else value + part * (high - low))

    @property
    def _reach(self) -> QRectF:
        """Where pointing means something: what the axes enclose, and the names of its rows."""
        rectangle: QRectF = self._box.sceneBoundingRect()
        names = self._axes.get("left")
        return rectangle.adjusted(-names.width(), 0, 0, 0) if names is not None and names.named else rectangle

    def _hovered(self, place: QPointF) -> None:
        if not self._reach.contains(place):
            self._gone()
            return
        found = self._box.mapSceneToView(place)
        x, y = self.x_axis.value(found.x()), self.y_axis.value(found.y())
        words = self.reading(x, y)
        self._said = words
        self.read_out.emit(words)
        self.pointed.emit(x, y)

    def _gone(self) -> None:
        self._said = ""
        self.read_out.emit("")
        self.left.emit()

    def _was_clicked(self, event: Any) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._reach.contains(event.scenePos()):
            found = self._box.mapSceneToView(event.scenePos())
            self.clicked.emit(self.x_axis.value(found.x()), self.y_axis.value(found.y()))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the pointer; pyqtgraph itself leaves out moves that follow one another quickly, the last one too."""
        if event.type() == QEvent.Type.MouseButtonPress and not self._part:
            self.setFocus(Qt.FocusReason.MouseFocusReason)
        if event.type() == QEvent.Type.MouseButtonDblClick:
            self.reset()
        if event.type() == QEvent.Type.MouseMove and isinstance(event, QMouseEvent):
            self._hovered(self._view.mapToScene(event.position().toPoint()))
        return super().eventFilter(watched, event)

    def event(self, event: QEvent) -> bool:
        """What is under the pointer, as a tooltip; elsewhere what can be done."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            text = self._said or self.toolTip()
            QToolTip.showText(event.globalPos(), text, self)
            return bool(text)
        return super().event(event)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._gone()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_empty()

    def _place_empty(self) -> None:
        """In the middle of where marks would be, no larger than its words."""
        room = self._view.mapFromScene(self._box.sceneBoundingRect()).boundingRect().translated(self._view.pos())
        width = min(self._empty.fontMetrics().horizontalAdvance(self._empty.text()) + 16, max(room.width() - 8, 40))
        box = QRect(0, 0, width, self._empty.heightForWidth(width) + 8)
        box.moveCenter(room.center())
        self._empty.setGeometry(box)

    def _ranges_changed(self) -> None:
        if not self._empty.isHidden():
            self._place_empty()
        for mark in self._marks:
            mark.ranges_changed()


PANS = {Qt.Key.Key_Left: (-PAN, 0.0), Qt.Key.Key_Right: (PAN, 0.0), Qt.Key.Key_Up: (0.0, PAN), Qt.Key.Key_Down: (0.0, -PAN)}
LEVEL_KEYS = {Qt.Key.Key_Up: (KEY_FACTOR, KEY_STEP), Qt.Key.Key_Down: (1 / KEY_FACTOR, -KEY_STEP),
              Qt.Key.Key_PageUp: (PAGE_FACTOR, PAGE_STEP), Qt.Key.Key_PageDown: (1 / PAGE_FACTOR, -PAGE_STEP)}
