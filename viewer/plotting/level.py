"""Lines that a person moves: a level across a plot, and an edge of any shape with a grip."""

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPainterPathStroker

from unrolled.viewer.plotting.axis import Axis
from unrolled.viewer.plotting.ink import Ink, pen_of
from unrolled.viewer.plotting.library import pg
from unrolled.viewer.plotting.marks import Mark, Symbols
from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.theme.themes import Theme

GRIP = 7.0       # pixels from a line within which it can be taken hold of
OFF_ALPHA = 90   # of a level that is not in force
LABEL_GROUND = 215
WIDTH = 1.5


class Level(Mark):
    """A line across the plot at one value, to be dragged."""

    style = "dashed"

    def __init__(self, box: Any, y_axis: Axis, ink: Ink, name: str, moved: Callable[[float], None],
                 limits: tuple[float, float]) -> None:
        line = pg.InfiniteLine(angle=0, movable=True, label="", labelOpts={"position": 0.98, "anchors": [(1, 1), (1, 0)]})
        super().__init__(box, ink, line, 20)
        self.name = name
        self._axis, self._moved, self._limits, self._on = y_axis, moved, limits, True
        self._theme: Theme | None = None
        self.value = limits[0]
        line.setBounds([float(y_axis.along(limit)) for limit in limits])
        line.label.setFont(text_font(11))
        line.setCursor(Qt.CursorShape.SizeVerCursor)
        line.sigDragged.connect(lambda _: self.move(self._axis.value(line.value())))

    @property
    def held(self) -> bool:
        return bool(self._item.moving)

    def show(self, value: float, text: str, *, on: bool = True) -> None:
        """Draw it there, faintly where it is not in force."""
        self.value = value
        self._item.label.setFormat(text.replace("{", "{{").replace("}", "}}"))
        if not self.held:
            self._item.setValue(float(self._axis.along(value)))
        if on != self._on:
            self._on = on
            if self._theme is not None:
                self.set_theme(self._theme)

    def move(self, value: float) -> None:
        self._moved(min(max(value, self._limits[0]), self._limits[1]))

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        colour = self.ink(theme)
        label = self.ink(theme) if self._on else pg.mkColor(theme.muted)
        ground = pg.mkColor(theme.panel)
        ground.setAlpha(LABEL_GROUND)
        if not self._on:
            colour.setAlpha(OFF_ALPHA)
        self._item.setPen(pen_of(colour, WIDTH, self.style))
        self._item.setHoverPen(pen_of(colour, WIDTH + 1.0))
        self._item.label.setColor(label)
        self._item.label.fill = pg.mkBrush(ground)
        self._item.label.update()


class Edge(Mark):
    """A broken line with a grip at one of its points, to be dragged: `moved` is told where the pointer is."""

    def __init__(self, box: Any, ink: Ink, moved: Callable[[float, float], None]) -> None:
        super().__init__(box, ink, _Edge(moved), 20)

    def show(self, points: Sequence[tuple[float, float]], grip: tuple[float, float]) -> None:
        self._item.show_line(points, grip)

    def set_theme(self, theme: Theme) -> None:
        self._item.set_colours(self.ink(theme), pg.mkColor(theme.panel))


class _Edge(pg.GraphicsObject):
    def __init__(self, moved: Callable[[float, float], None]) -> None:
        super().__init__()
        self._moved = moved
        self._path = QPainterPath()
        self._pens = (pen_of(pg.mkColor("k")), pen_of(pg.mkColor("w")))
        self._grip = Symbols(size=12)
        self._grip.setParentItem(self)
        self.setCursor(Qt.CursorShape.SizeBDiagCursor)

    def show_line(self, points: Sequence[tuple[float, float]], grip: tuple[float, float]) -> None:
        self.prepareGeometryChange()
        self._path = QPainterPath()
        for number, point in enumerate(points):
            (self._path.lineTo if number else self._path.moveTo)(QPointF(*point))
        self._grip.setData([grip[0]], [grip[1]])
        self.update()

    def set_colours(self, line: Any, ground: Any) -> None:
        self._pens = (pen_of(ground, 3.5), pen_of(line, WIDTH))
        self._grip.setBrush(pg.mkBrush(line))
        self._grip.setPen(pen_of(ground, WIDTH))
        self.update()

    def shape(self) -> QPainterPath:
        """What can be taken hold of: a stripe along the line, and the grip."""
        wide = self.pixelVectors()[0]
        pixel = abs(wide.x()) if wide is not None else 0.0
        stroker = QPainterPathStroker()
        stroker.setWidth(2 * GRIP * pixel)
        path = stroker.createStroke(self._path)
        points = self._grip.getData()
        if len(points[0]):
            path.addEllipse(QPointF(points[0][0], points[1][0]), 1.3 * GRIP * pixel, 1.3 * GRIP * pixel)
        return path

    def boundingRect(self) -> QRectF:
        return self.shape().boundingRect()

    def viewTransformChanged(self) -> None:
        self.prepareGeometryChange()

    def paint(self, painter: QPainter, *_: Any) -> None:
        for pen in self._pens:
            painter.setPen(pen)
            painter.drawPath(self._path)

    def hoverEvent(self, event: Any) -> None:
        if not event.isExit():
            event.acceptDrags(Qt.MouseButton.LeftButton)

    def mouseDragEvent(self, event: Any) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            event.accept()
            self._moved(event.pos().x(), event.pos().y())
