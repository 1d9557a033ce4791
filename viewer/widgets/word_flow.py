"""Words one after another in lines, the current one marked: painted, so that a step changes pixels and no layout."""

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy

from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.widgets.themed import Painted

LINE = 19.0
LEAST_LINES = 2  # that there is always room for
LEAST_HEIGHT = round(LEAST_LINES * LINE) + 4
GAP = 4.0


class WordFlow(Painted):
    """As many lines as there is room for; where there are more, those around the current word."""

    clicked = Signal(int)

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.words: tuple[str, ...] = ()
        self.first = 0
        self.current = -1
        self.gap = GAP
        self._places: list[tuple[int, QRectF]] = []
        self.setMinimumHeight(LEAST_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Words")

    def sizeHint(self) -> QSize:
        return QSize(200, LEAST_HEIGHT)

    def set_words(self, words: tuple[str, ...], *, first: int, current: int, gap: float = GAP) -> None:
        """Show these; the first of them has the number `first`, and `current` is marked."""
        if (words, first, current, gap) != (self.words, self.first, self.current, self.gap):
            self.words, self.first, self.current, self.gap = words, first, current, gap
            self.setAccessibleDescription(" ".join(words))
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, width, lines = self.theme, self.width() - 4.0, max(int((self.height() - 4) // LINE), LEAST_LINES)
        usual, bold = text_font(13), text_font(13, weight=QFont.Weight.DemiBold)
        metrics, strong = QFontMetricsF(usual), QFontMetricsF(bold)
        x, line = 2.0, 0
        placed: list[tuple[int, float, int, float]] = []
        for number, word in enumerate(self.words, self.first):
            wide = (strong if number == self.current else metrics).horizontalAdvance(word)
            if x > 2.0 and x + wide > width:
                x, line = 2.0, line + 1
            placed.append((number, x, line, wide))
            x += wide + self.gap
        at = next((row for number, _, row, _ in placed if number == self.current), 0)
        top = min(max(at - lines // 2, 0), max(line - lines + 1, 0))
        self._places = []
        with QPainter(self) as painter:
            for number, left, row, wide in placed:
                if not top <= row < top + lines:
                    continue
                box = QRectF(left, 2 + (row - top) * LINE, wide, LINE)
                self._places.append((number, box))
                here = number == self.current
                painter.setFont(bold if here else usual)
                painter.setPen(QColor(theme.playhead if here else theme.text))
                painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip,
                                 self.words[number - self.first])

    def mousePressEvent(self, event: QMouseEvent) -> None:
        found = next((number for number, box in self._places if box.contains(event.position())), None)
        if found is not None:
            self.clicked.emit(found)
