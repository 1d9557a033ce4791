"""A long text, each character on the colour of a unit's value: only the lines that are seen are painted."""

import bisect
from collections.abc import Callable
from itertools import pairwise
from operator import itemgetter

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea

from unrolled.viewer.drawing.contrast import is_dark
from unrolled.viewer.drawing.painting import coloured
from unrolled.viewer.state.open_store import Steps
from unrolled.viewer.state.playhead import NOWHERE
from unrolled.viewer.theme.fonts import mono_font
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.widgets.zoom import Zoom

FONT_PIXELS = 13
MARGIN = 4.0
LINE_GAP = 4.0
STRENGTH = 0.62  # of a colour over the ground
MARK = 2.0       # pixels of the line over characters that are marked
LINE_SIGN_OPACITY = 110  # of 255
LINE_SIGN = "⏎"
SHADES = (False, 0), (True, 255)  # of text, by whether its ground is dark
SPACE = np.uint32(ord(" "))

Colours = npt.NDArray[np.uint8]
Places = npt.NDArray[np.intp]
PlacesOf = Callable[[int, int], Places]


class ReaderText(QAbstractScrollArea):
    step_wanted = Signal(int)  # a person clicked or dragged to a character
    hovered = Signal(int)  # the character under the pointer, `NOWHERE` for none

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.step = NOWHERE  # the playhead
        self.prompt_tokens = 0
        self._text = ""
        self._starts: list[int] = []   # of every line on screen, wrapped ones included
        self._colours: Colours = np.zeros((0, 3), np.uint8)
        self._places: PlacesOf = lambda start, stop: np.zeros(0, np.intp)
        self._marked: Steps = ()
        self._columns = 0
        self._metrics: QFontMetricsF | None = None
        self._font = mono_font(FONT_PIXELS)  # a style sheet of the program would replace the widget's own
        self._font.setFeature(QFont.Tag("calt"), 0)  # "->" stays two characters, each on its own colour
        self.zoom = Zoom(self, self._set_type, least=0.6)
        self.viewport().setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Prompt and continuation")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.verticalScrollBar().setAccessibleName("Scroll the text")
        self.set_theme(theme)

    @property
    def text(self) -> str:
        """What is shown, a character a step."""
        return self._text

    def set_text(self, text: str, given: int) -> None:
        """Show this text; its first `given` characters were read, the others written."""
        if text.startswith(self._text) and self._text and self._starts:
            known = len(self._starts) - 1
            kept, begin = self._starts[:known], self._starts[known]
        else:
            kept, begin = [], 0
        self._text, self.prompt_tokens = text, given
        self._starts = kept + self._wrapped(begin)
        self._resize_bar()
        self.viewport().update()

    def set_colours(self, colours: Colours, places: PlacesOf) -> None:
        """The colours there are, shape (colours, 3), and what gives those of a range of characters as places among them,
        shape (characters,): −1 is none, and characters without a place have none either.
        """
        self._colours, self._places = colours, places
        self.set_theme(self.theme)

    def mark(self, steps: Steps) -> None:
        """Draw a line over these, which rise and lie apart."""
        if steps != self._marked:
            self._marked = steps
            self.viewport().update()

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        plain = QColor(theme.panel)
        colours = np.concatenate((self._colours, np.array([[plain.red(), plain.green(), plain.blue()]], np.uint8)))
        self._dark = is_dark(colours)
        # Blue, green, red and a byte that does not count: what Qt paints fastest.
        self._pixels = np.pad(colours[:, ::-1], ((0, 0), (0, 1)), constant_values=255).view(np.uint32)[:, 0]
        self.viewport().update()

    def seek(self, step: int) -> None:
        if step == self.step:
            return
        before, self.step = self.step, step
        self._reveal()
        for place in (before, step):
            if 0 <= place < len(self._text):
                self.viewport().update(self.box_of(place).toAlignedRect().adjusted(-2, 0, 2, 0))

    def _reveal(self) -> None:
        """Bring the character at the playhead into sight."""
        if 0 <= self.step < len(self._text):
            line, bar = self.line_of(self.step), self.verticalScrollBar()
            shown = max(int(self.viewport().height() / self._line_height), 1)
            if line < bar.value() or line >= bar.value() + shown - 1:
                bar.setValue(max(line - shown // 2, 0))  # which paints all anew

    def _set_type(self) -> None:
        """What is in the first line in sight stays near it."""
        top = self._starts[self.verticalScrollBar().value()] if self._text else 0
        self._font.setPixelSize(round(FONT_PIXELS * self.zoom.factor))
        self._metrics = None
        self._starts = self._wrapped(0) if self._text else []
        self._resize_bar()
        self.verticalScrollBar().setValue(self.line_of(top))
        self.viewport().update()

    @property
    def _font_metrics(self) -> QFontMetricsF:
        if self._metrics is None:
            self._metrics = QFontMetricsF(self._font)
        return self._metrics

    @property
    def _line_height(self) -> int:
        """Whole pixels, so that a line painted alone is the one that all of them had."""
        return round(self._font_metrics.height() + LINE_GAP)

    @property
    def _width(self) -> float:
        return self._font_metrics.horizontalAdvance("0")

    def line_of(self, step: int) -> int:
        return bisect.bisect_right(self._starts, step) - 1

    def box_of(self, step: int) -> QRectF:
        line = self.line_of(step)
        y = (line - self.verticalScrollBar().value()) * self._line_height
        return QRectF(MARGIN + (step - self._starts[line]) * self._width, y, self._width, self._line_height)

    def step_at(self, position: QPointF) -> int:
        """The character at a place; `NOWHERE` where there is none."""
        line = int(position.y() // self._line_height) + self.verticalScrollBar().value()
        if not 0 <= line < len(self._starts):
            return NOWHERE
        step = self._starts[line] + int(max(position.x() - MARGIN, 0.0) // self._width)
        return step if step < self._end_of(line) else NOWHERE

    def _end_of(self, line: int) -> int:
        return self._starts[line + 1] if line + 1 < len(self._starts) else len(self._text)

    def _wrapped(self, begin: int) -> list[int]:
        """Where lines begin from a line's beginning on."""
        columns = self._columns = max(int((self.viewport().width() - 2 * MARGIN) / self._width), 8)
        starts: list[int] = []
        place, length = begin, len(self._text)
        while place < length:
            end = self._text.find("\n", place)
            end = length if end < 0 else end + 1
            while end - place > columns:  # behind the last space that fits; a word that is longer than a line is cut
                starts.append(place)
                place = self._text.rfind(" ", place, place + columns) + 1 or place + columns
            starts.append(place)
            place = end
        return starts or [0]

    def _resize_bar(self) -> None:
        shown = max(int(self.viewport().height() / self._line_height), 1)
        bar = self.verticalScrollBar()
        bar.setPageStep(shown)
        bar.setRange(0, max(len(self._starts) - shown + 1, 0))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        columns = max(int((self.viewport().width() - 2 * MARGIN) / self._width), 8)
        if columns != self._columns:
            self._starts = self._wrapped(0) if self._text else []
        self._resize_bar()
        self._reveal()

    def paintEvent(self, event: QPaintEvent) -> None:
        top, height = self.verticalScrollBar().value(), self._line_height
        with QPainter(self.viewport()) as painter:
            painter.setFont(self._font)
            for part in event.region():  # type: ignore[attr-defined]  # the stubs do not know that it can be gone through
                first = top + part.top() // height
                last = min(top + part.bottom() // height + 1, len(self._starts))
                if last > first and self._text:
                    painter.setClipRect(part)
                    bounds = [*self._starts[first:last], self._end_of(last - 1)]
                    places, known = np.full(bounds[-1] - bounds[0], -1), self._places(bounds[0], bounds[-1])
                    places[: len(known)] = known
                    self._paint_colours(painter, (first - top) * height, bounds, places)
                    self._paint_lines(painter, (first - top) * height, bounds, self._dark[places])
                    self._paint_marks(painter, (first - top) * height, bounds)
            painter.setClipping(False)
            if 0 <= self.step < len(self._text):
                painter.setPen(QPen(QColor(self.theme.playhead), 2))
                painter.drawRect(self.box_of(self.step).adjusted(-0.5, 1, 0.5, -1))

    def _paint_colours(self, painter: QPainter, top: int, bounds: list[int], places: Places) -> None:
        """The grounds of the lines between these bounds."""
        lines, columns, pixels = len(bounds) - 1, self._columns, self._pixels[places]
        picture = np.full((lines, columns), self._pixels[-1])
        for line, (begin, end) in enumerate(pairwise(bounds)):
            picture[line, : end - begin] = pixels[begin - bounds[0] : end - bounds[0]]
        image = QImage(picture.data, columns, lines, 4 * columns, QImage.Format.Format_RGB32)
        painter.drawImage(QRectF(MARGIN, top, columns * self._width, lines * self._line_height), image)

    def _paint_lines(self, painter: QPainter, top: int, bounds: list[int], on_dark: npt.NDArray[np.bool_]) -> None:
        """Every character in black or white, whichever is read more easily on its ground; what was written has a line below."""
        width, height, text, given = self._width, self._line_height, self._text[bounds[0] : bounds[-1]], self.prompt_tokens
        baseline = top + LINE_GAP / 2 + self._font_metrics.ascent()
        codes = np.frombuffer(text.replace("\t", "⇥").encode("utf-32-le", "surrogatepass"), np.uint32)
        lines = []  # where each begins, where its letters end, whether a line end follows them, and its baseline
        for line, (begin, end) in enumerate(pairwise(bounds)):
            begin, end = begin - bounds[0], end - bounds[0]
            ended = text.endswith("\n", begin, end)
            lines.append((begin, end - ended, ended, baseline + line * height))
        for white, shade in SHADES:
            chosen = on_dark == white
            if white and not chosen.any():
                break
            page = np.where(chosen, codes, SPACE).tobytes().decode("utf-32-le", "surrogatepass")  # others are spaces
            painter.setPen(QColor(shade, shade, shade))
            for begin, end, _, y in lines:
                some = page[begin:end]
                if some.strip(" "):
                    painter.drawText(QPointF(MARGIN, y), some)
            for begin, end, _, y in lines if not white else ():
                left = max(given - bounds[0], begin)
                if end > left:
                    box = QRectF(MARGIN + (left - begin) * width, y + 3, (end - left) * width, 1)
                    painter.fillRect(box, coloured(self.theme.accent))
        for white, shade in SHADES:
            painter.setPen(QColor(shade, shade, shade, LINE_SIGN_OPACITY))
            for begin, end, ended, y in lines:
                if ended and on_dark[end] == white:
                    painter.drawText(QPointF(MARGIN + (end - begin) * width, y), LINE_SIGN)

    def _paint_marks(self, painter: QPainter, top: int, bounds: list[int]) -> None:
        for line, (begin, end) in enumerate(pairwise(bounds)):
            place = bisect.bisect_left(self._marked, begin, key=itemgetter(1))
            while place < len(self._marked) and self._marked[place][0] < end:
                left, right = max(self._marked[place][0], begin), min(self._marked[place][1] + 1, end)
                painter.fillRect(QRectF(MARGIN + (left - begin) * self._width, top + line * self._line_height,
                                        (right - left) * self._width, MARK), QColor(self.theme.playhead))
                place += 1

    def mousePressEvent(self, event: QMouseEvent) -> None:
        step = self.step_at(event.position())
        if step != NOWHERE:
            self.step_wanted.emit(step)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        step = self.step_at(event.position())
        self.hovered.emit(step)
        if step != NOWHERE and event.buttons() & Qt.MouseButton.LeftButton:
            self.step_wanted.emit(step)

    def leaveEvent(self, event: object) -> None:
        self.hovered.emit(NOWHERE)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        line = self.line_of(self.step) if 0 <= self.step < len(self._text) else 0
        moves = {Qt.Key.Key_Left: self.step - 1, Qt.Key.Key_Right: self.step + 1}
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down) and self._starts:
            goal = min(max(line + (1 if key == Qt.Key.Key_Down else -1), 0), len(self._starts) - 1)
            column = self.step - self._starts[line]
            moves[key] = min(self._starts[goal] + column, max(self._end_of(goal) - 1, 0))
        if key in moves and self._text:
            self.step_wanted.emit(min(max(moves[key], 0), len(self._text) - 1))
        else:
            super().keyPressEvent(event)
