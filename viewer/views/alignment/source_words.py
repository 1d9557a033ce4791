"""The source sentence as words whose ground is how much each of them counts at the playhead. It knows no session."""

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy

from unrolled.models.trace.pyramid import Bytes
from unrolled.viewer.drawing.alignment_painting import Weights, weight_colours
from unrolled.viewer.drawing.alignment_rows import GOES_ON
from unrolled.viewer.drawing.contrast import text_on
from unrolled.viewer.drawing.painting import laid_out
from unrolled.viewer.state.wording import END_TEXT, percent
from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.widgets.themed import Painted

LINE, WORD_HEIGHT, PADDING, GAP = 30, 25, 6, 4


class SourceWords(Painted):
    """The words in lines, as wide as the pane."""

    pointed = Signal(object)
    clicked = Signal(int)

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.words: tuple[str, ...] = ()
        self.weights: Weights | None = None
        self.chosen: int | None = None
        self.colours: tuple[QColor, ...] = ()
        self._places: list[QRectF] = []
        self._pointed: int | None = None
        self._mode = "off"
        self._painted: Mapping[int, float] = {}
        self.setMouseTracking(True)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName("Source words")

    def set_words(self, words: tuple[str, ...]) -> None:
        if words != self.words:
            self.words = words
            self._places = self._lines(self.width())
            self.updateGeometry()
            self.update()

    def set_weights(self, weights: Weights | None, *, limits: tuple[float, float], table: Bytes, chosen: int | None) -> None:
        """How much each word counts, shape (words,)."""
        before, self.chosen = [(colour, word == self.chosen) for word, colour in enumerate(self.colours)], chosen
        self.weights = weights
        self.colours = () if weights is None else weight_colours(weights, limits, table)
        if weights is not None and len(weights) == len(self.words):
            self.setAccessibleDescription(", ".join(f"{word} {percent(float(weight))}" for word, weight
                                                    in zip(self.words, weights, strict=True) if weight >= 0.05))
        now = [(colour, word == chosen) for word, colour in enumerate(self.colours)]
        if len(now) != len(before) or len(now) > len(self._places):
            self.update()
            return
        for place, old, new in zip(self._places, before, now, strict=False):
            if old != new:
                self.update(place.toAlignedRect().adjusted(-1, -1, 1, 1))

    def set_painting(self, mode: str, painted: Mapping[int, float]) -> None:
        """What is painted on the words: with ``attend`` a frame, with ``mask`` they are struck out."""
        if (mode, painted) != (self._mode, self._painted):
            self._mode, self._painted = mode, painted
            self.update()

    def place(self, word: int) -> QRectF:
        return self._places[word]

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        places = self._lines(width)
        return round(places[-1].bottom()) + 3 if places else LINE

    def sizeHint(self) -> QSize:
        return QSize(320, self.heightForWidth(320))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._places = self._lines(event.size().width())

    def _lines(self, width: int) -> list[QRectF]:
        metrics = QFontMetricsF(text_font(13))
        x, y, places = 1.0, 1.0, []
        for word in self.words:
            joined = word.startswith(GOES_ON)
            text = metrics.horizontalAdvance(word.removeprefix(GOES_ON))
            advance = min(text + (PADDING if joined else 2 * PADDING), width - 2.0)
            gap = 0.0 if joined or x == 1.0 else GAP
            if x > 1.0 and x + gap + advance > width - 1:
                x, y, gap = 1.0, y + LINE, 0.0
            places.append(QRectF(x + gap, y, advance, WORD_HEIGHT))
            x += gap + advance
        return places

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self.theme
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setFont(text_font(13))
            for number, (word, place) in enumerate(zip(self.words, self._places, strict=True)):
                if not event.region().intersects(place.toAlignedRect()):
                    continue
                ground = self.colours[number] if number < len(self.colours) else QColor(theme.raised)
                chosen, pointed = number == self.chosen, number == self._pointed
                edge = theme.accent if chosen or pointed else theme.border
                painter.setPen(QPen(QColor(edge), 2 if chosen else 1))
                painter.setBrush(ground)
                painter.drawRoundedRect(place.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
                there = number < len(self.colours)
                painter.setPen(text_on(ground) if there else QColor(theme.muted if word == END_TEXT else theme.text))
                text = laid_out(word.removeprefix(GOES_ON), text_font, 13, int(place.width() - 3))
                middle = place.center() - QPointF(text.size().width() / 2, text.size().height() / 2)
                painter.drawStaticText(middle, text)
                if number in self._painted:
                    painter.setPen(QPen(QColor(theme.playhead), 2))
                    painter.setBrush(Qt.BrushStyle.NoBrush)
                    if self._mode == "mask":
                        painter.drawLine(place.topLeft(), place.bottomRight())
                    else:
                        painter.drawRoundedRect(place.adjusted(1, 1, -1, -1), 4, 4)

    def word_at(self, x: float, y: float) -> int | None:
        return next((number for number, place in enumerate(self._places) if place.contains(x, y)), None)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point(self.word_at(event.position().x(), event.position().y()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        word = self.word_at(event.position().x(), event.position().y())
        if word is not None and event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit(word)

    def leaveEvent(self, event: QEvent) -> None:
        self._point(None)

    def _point(self, word: int | None) -> None:
        if word != self._pointed:
            self._pointed = word
            self.setCursor(Qt.CursorShape.ArrowCursor if word is None else Qt.CursorShape.PointingHandCursor)
            self.pointed.emit(word)
            self.update()
