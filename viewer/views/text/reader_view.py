"""A long text, each character on the colour of a unit's value: only the lines that are seen are painted."""

from __future__ import annotations

import bisect
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QWidget

from unrolled.viewer.drawing.contrast import is_dark
from unrolled.viewer.state.playhead import NOWHERE
from unrolled.viewer.theme.fonts import mono_font
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.widgets.zoom import Zoom

FONT_PIXELS = 13
MARGIN = 4.0
LINE_GAP = 4.0
STRENGTH = 0.62  # of a colour over the ground
LINE_SIGN_OPACITY = 110  # of 255
LINE_SIGN = "⏎"

Colours = npt.NDArray[np.uint8]
ColoursOf = Callable[[int, int], Colours]


def _where(chosen: npt.NDArray[np.bool_], text: str) -> str:
    """A text with spaces in place of the characters that are not chosen."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    return np.where(chosen, codes, np.uint32(ord(" "))).tobytes().decode("utf-32-le", "surrogatepass")


class ReaderText(QAbstractScrollArea):
    """The text.

    Attributes
    ----------
    step_wanted : Signal(int)
        A person clicked or dragged to a character.
    hovered : Signal(int)
        The character under the pointer, `NOWHERE` for none.
    step : int
        The playhead.
    """

    step_wanted = Signal(int)
    hovered = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.step = NOWHERE
        self.prompt_tokens = 0
        self._text = ""
        self._starts: list[int] = []   # of every line on screen, wrapped ones included
        self._colours: ColoursOf = lambda start, stop: np.zeros((0, 3), np.uint8)
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

    @property
    def text(self) -> str:
        """What is shown, a character a step."""
        return self._text

    @property
    def lines(self) -> int:
        """How many lines there are, wrapped ones counted each."""
        return len(self._starts)

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

    def set_colours(self, colours: ColoursOf) -> None:
        """What gives the colours of a range of characters, shape (characters, 3); fewer leave the rest plain."""
        self._colours = colours
        self.viewport().update()

    def seek(self, step: int) -> None:
        if step == self.step:
            return
        before, self.step = self.step, step
        if 0 <= step < len(self._text):
            line, bar = self.line_of(step), self.verticalScrollBar()
            shown = max(int(self.viewport().height() / self._line_height), 1)
            if line < bar.value() or line >= bar.value() + shown - 1:
                bar.setValue(max(line - shown // 2, 0))  # which paints all anew
        for place in (before, step):
            if 0 <= place < len(self._text):
                self.viewport().update(self.box_of(place).toAlignedRect().adjusted(-2, 0, 2, 0))

    def _set_type(self) -> None:
        """What is in the first line in sight stays near it."""
        top = self._starts[self.verticalScrollBar().value()] if self._text else 0
        self._font.setPixelSize(round(FONT_PIXELS * self.zoom.factor))
        self._metrics = None
        self._starts = self._wrapped(0) if self._text else []
        self._resize_bar()
        self.verticalScrollBar().setValue(self.line_of(top))
        self.viewport().update()

    # ── Geometry ──────────────────────────────────────────────────────────────────────────────────────────────

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
        """The line that a character stands in."""
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

    # ── Painting ──────────────────────────────────────────────────────────────────────────────────────────────

    def paintEvent(self, event: QPaintEvent) -> None:
        top, height = self.verticalScrollBar().value(), self._line_height
        with QPainter(self.viewport()) as painter:
            painter.setFont(self._font)
            for part in event.region():  # type: ignore[attr-defined]  # the stubs do not know that it can be gone through
                first = top + part.top() // height
                last = min(top + part.bottom() // height + 1, len(self._starts))
                if last > first and self._text:
                    painter.setClipRect(part)
                    self._paint_lines(painter, first, last, self._paint_colours(painter, first, last))
            painter.setClipping(False)
            if 0 <= self.step < len(self._text):
                painter.setPen(QPen(QColor(self.theme.playhead), 2))
                painter.drawRect(self.box_of(self.step).adjusted(-0.5, 1, 0.5, -1))

    def _paint_colours(self, painter: QPainter, first: int, last: int) -> npt.NDArray[np.bool_]:
        """The grounds; which of them are dark, shape (lines, columns)."""
        ground = QColor(self.theme.panel)
        picture = np.empty((last - first, self._columns, 4), np.uint8)  # blue, green, red: what Qt paints fastest
        picture[:] = (ground.blue(), ground.green(), ground.red(), 255)
        start = self._starts[first]
        every = self._colours(start, self._end_of(last - 1))
        for line in range(first, last):
            colours = every[self._starts[line] - start : self._end_of(line) - start]
            picture[line - first, : len(colours), 2::-1] = colours
        image = QImage(picture.data, self._columns, last - first, 4 * self._columns, QImage.Format.Format_RGB32)
        top = (first - self.verticalScrollBar().value()) * self._line_height
        painter.drawImage(QRectF(MARGIN, top, self._columns * self._width, (last - first) * self._line_height), image)
        return is_dark(picture[..., 2::-1])

    def _paint_lines(self, painter: QPainter, first: int, last: int, on_dark: npt.NDArray[np.bool_]) -> None:
        """Every character in black or white, whichever is read more easily on its ground; what was written has a line below."""
        width, text, prompt_tokens = self._width, self._text, self.prompt_tokens
        baseline = LINE_GAP / 2 + self._font_metrics.ascent() - self.verticalScrollBar().value() * self._line_height
        ends: dict[bool, list[QPointF]] = {False: [], True: []}
        white: list[tuple[QPointF, str]] = []
        painter.setPen(Qt.GlobalColor.black)
        for line in range(first, last):
            begin, end = self._starts[line], self._end_of(line)
            row = line - first
            y = line * self._line_height + baseline
            if end > begin and text[end - 1] == "\n":
                end -= 1
                ends[bool(on_dark[row, end - begin])].append(QPointF(MARGIN + (end - begin) * width, y))
            some, light = text[begin:end].replace("\t", "⇥"), on_dark[row, : end - begin]
            if light.any():
                white.append((QPointF(MARGIN, y), _where(light, some)))
                some = _where(~light, some) if not light.all() else ""
            painter.drawText(QPointF(MARGIN, y), some)
            if end > prompt_tokens:
                left = max(prompt_tokens - begin, 0)
                painter.fillRect(QRectF(MARGIN + left * width, y + 3, (end - begin - left) * width, 1), QColor(self.theme.accent))
        painter.setPen(Qt.GlobalColor.white)
        for place, some in white:
            painter.drawText(place, some)
        for white_on_dark, places in ends.items():
            shade = 255 if white_on_dark else 0
            painter.setPen(QColor(shade, shade, shade, LINE_SIGN_OPACITY))
            for place in places:
                painter.drawText(place, LINE_SIGN)

    # ── The pointer and keys ──────────────────────────────────────────────────────────────────────────────────

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
        """Arrows go from character to character and from line to line, where the view was reached by Tab."""
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
