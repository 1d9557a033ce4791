"""The caption's words, to be clicked: the ground says how probable each was, the current one is outlined."""

import math
import re

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QFont,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QLabel,
    QMenu,
    QScrollArea,
    QSizePolicy,
    QWidget,
)

from unrolled.models.trace.detokenization import text_of
from unrolled.models.trace.numbers import signed
from unrolled.viewer.drawing.painting import CORNER, draw_focus, mix
from unrolled.viewer.plotting.context_menu import attach
from unrolled.viewer.plotting.table import steps_table
from unrolled.viewer.state.beginning import detokenization, empty_text, input_kind, model_on_screen
from unrolled.viewer.state.commands import Seek
from unrolled.viewer.state.playhead import NOWHERE
from unrolled.viewer.state.wording import is_end, percent, shown, spoken_percent
from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.building import in_column, own_ground, scrolled
from unrolled.viewer.widgets.flow_layout import FlowLayout
from unrolled.viewer.widgets.themed import Painted

CHIP_HEIGHT = 28
CHIP_PADDING = 9
GAP = 6
MOST_CHIPS = 1000  # of a longer text those around the playhead: a widget takes 18 kB, and a screen shows few
BETWEEN = 4  # pixels, of the sentence and its pieces
STRONGEST_TINT = 0.46  # of the accent in a word's ground at probability 1: the text stays legible on it
WORD_PIXELS, END_PIXELS = 14, 11
ENDLESS = re.compile(r"\S{24}(?=\S)")  # where a word may be broken
EMPTY = {"picture": "The caption appears here, {0} by {0}.", "translation": "The translation appears here.",
         "conversation": "The reply appears here.",
         "clip": "The label of each frame appears here."}
LAST_LABEL = "What the clip is after each frame appears here: the last label is the answer."
WRITTEN = "What is written appears here, {0} by {0}."


class Chip(QAbstractButton):
    def __init__(self, step: int, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.step = step
        self.theme = theme
        self.probability = 0.0
        self.current = False
        self.reached = False
        self.end = False
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_word(self, word: str, log_prob: float, detokenization: str = "words") -> None:
        self.end = is_end(word)
        self.probability = math.exp(min(log_prob, 0.0)) if math.isfinite(log_prob) else 0.0
        self.setText(shown(word, detokenization))
        self.setShortcut("")  # the & of “R&D” is a sign like others
        self.setToolTip(
            f"{self.text()}: {percent(self.probability)}\nlog-probability {signed(log_prob)}\n"
            f"Click to go to word {self.step + 1}"
        )
        self.setAccessibleName(f"{self.text()}, word {self.step + 1}, {spoken_percent(self.probability)}")
        self.updateGeometry()
        self.update()

    def set_state(self, *, current: bool, reached: bool) -> None:
        """Say where the playhead is: on this word, or past it; painted only if that is news."""
        if (current, reached) != (self.current, self.reached):
            self.current, self.reached = current, reached
            self.setFocusPolicy(Qt.FocusPolicy.TabFocus if current else Qt.FocusPolicy.NoFocus)
            self.setAccessibleDescription("Current word" if current else "")
            self.update()

    def ground(self) -> QColor:
        """The colour under the word: the more accent, the more probable, on one scale for all words."""
        amount = 0.0 if self.end else STRONGEST_TINT * self.probability
        return mix(self.theme.panel, self.theme.accent, round(amount if self.reached else amount * 0.35, 3))

    def sizeHint(self) -> QSize:
        return QSize(QFontMetrics(self._font()).horizontalAdvance(self.text()) + 2 * CHIP_PADDING, CHIP_HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def _font(self) -> QFont:
        return text_font(END_PIXELS, weight=QFont.Weight.Medium) if self.end else text_font(WORD_PIXELS)

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self.theme
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
            if self.current:
                painter.setPen(QPen(QColor(theme.playhead), 2))
            else:
                painter.setPen(QPen(QColor(theme.faint if self.underMouse() else theme.border), 1))
            painter.setBrush(self.ground())
            painter.drawRoundedRect(box, CORNER, CORNER)
            painter.setFont(self._font())
            painter.setPen(QColor(theme.text if self.reached and not self.end else theme.muted))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())
            if self.hasFocus():
                draw_focus(painter, box.adjusted(2, 2, -2, -2), theme.accent, corner=CORNER - 2)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End):
            event.ignore()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)


class Caret(Painted):
    """Where the next word will be."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setFixedSize(10, CHIP_HEIGHT)
        self.setToolTip("The next word appears here (Space)")

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.fillRect(QRectF(3, 5, 2, CHIP_HEIGHT - 10), QColor(self.theme.playhead))


class WordsArea(QScrollArea):
    """Scrolls by itself or by the wheel: arrow keys are the caption's."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        event.ignore()


class Chips(QWidget):
    placed = Signal()  # its layout has given the words their places

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            self.placed.emit()
        return done


class CaptionView(View):
    """The caption, word by word; below it, where pieces make words, their text to be selected and copied."""

    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx, name="Caption")
        theme = ctx.theme
        self.chips: list[Chip] = []
        self._known: list[tuple[str, float, str]] = []
        self._first = 0  # the step of the first chip
        self._step = NOWHERE
        self._inside = Chips()
        self._inside.placed.connect(self._reveal)
        self._flow = FlowLayout(self._inside, gap=GAP)
        self._flow.setContentsMargins(1, 1, 1, 1)
        self.caret = Caret(theme, self._inside)
        self._flow.addWidget(self.caret)
        self._area = WordsArea(widgetResizable=True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setWidget(self._inside)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.verticalScrollBar().setSingleStep(CHIP_HEIGHT + GAP)
        self._area.verticalScrollBar().rangeChanged.connect(lambda *_: self._reveal())  # more rows are seen, or fewer
        own_ground(self._inside)
        self._area.verticalScrollBar().setAccessibleName("Scroll the caption")
        self.sentence = QLabel("", textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.sentence.setAccessibleName("What was written, as a text")
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._sentence_area = scrolled(self.sentence)
        self._sentence_area.verticalScrollBar().setAccessibleName("Scroll the sentence")
        own_ground(self.sentence)
        written = in_column(None, self._sentence_area, self._area, spacing=BETWEEN)
        written.addStretch(1)
        self.hold(written)
        self.setMinimumHeight(2 * CHIP_HEIGHT + GAP + 6)
        attach(self, lambda: self.title_over, table=lambda: steps_table(self.session.trace), fill=self._fill_menu,
               takes_focus=False)
        self.refresh()

    def refresh(self) -> None:
        trace = self.session.trace
        if trace is not None and trace.provenance.detokenization == "characters":
            trace = None  # a text of characters is the reader's, who makes no widget for each
        part = slice(self._first, self._first + MOST_CHIPS)
        words = [] if trace is None else [
            (word, log_prob, trace.provenance.detokenization)
            for word, log_prob in zip(trace.words[part], trace.log_probs[part].tolist(), strict=True)]
        if words != self._known:
            self._take(words)
        writing = trace is not None and not trace.ended
        self.caret.setVisible(writing)
        self.say("" if words else self._what_will_be_here())
        pieces = trace is not None and trace.provenance.detokenization == "pieces"
        self._sentence_area.setVisible(pieces)
        if pieces and self.sentence.text().replace("\u200b", "") != (text := self._text(part)):
            self.sentence.setText(ENDLESS.sub("\\g<0>\u200b", text))  # a label breaks no word by itself
        self._share_height()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_height()

    def _share_height(self) -> None:
        """Whole lines of the sentence, two at least so that the pieces below stay where they are, and whole rows of pieces."""
        room = self.height()
        if not self._sentence_area.isHidden():
            line, row = self.sentence.fontMetrics().lineSpacing(), CHIP_HEIGHT + 2 + BETWEEN
            wanted = self.sentence.heightForWidth(self._sentence_area.viewport().width())  # some scripts have higher lines
            height = max(wanted, 2 * line) if wanted <= room - row else max(2, (room - row) // line) * line
            self._sentence_area.setFixedHeight(height)
            self._sentence_area.verticalScrollBar().setSingleStep(line)
            room -= height + BETWEEN
        self._rows = max((room - 2 + GAP) // (CHIP_HEIGHT + GAP), 1)
        self._area.setFixedHeight(self._rows * (CHIP_HEIGHT + GAP) - GAP + 2)

    def _what_will_be_here(self) -> str:
        """What the model on screen writes, and what is to be done for it."""
        session, description = self.session, model_on_screen(self.session)
        task = description.task if description is not None else ""
        what = LAST_LABEL if detokenization(session) == "last label" else EMPTY.get(task, EMPTY.get(input_kind(session), WRITTEN))
        return empty_text(session, what)

    def seek(self, step: int) -> None:
        first = max(step, 0) // MOST_CHIPS * MOST_CHIPS
        if first != self._first:
            self._first, self._known = first, []
            self.refresh()
        had_focus = any(chip.hasFocus() for chip in self.chips)
        for chip in self.chips:
            chip.set_state(current=chip.step == step, reached=chip.step <= step)
        before, self._step = self._step, step
        if before != step and 0 <= step - first < len(self.chips):
            if had_focus:
                self.chips[step - first].setFocus(Qt.FocusReason.OtherFocusReason)
            self._reveal()

    def _reveal(self) -> None:
        """Bring the word at the playhead into sight."""
        if 0 <= self._step - self._first < len(self.chips):
            bar, top = self._area.verticalScrollBar(), self.chips[self._step - self._first].y() - 1
            bar.setValue(min(max(bar.value(), top - (self._rows - 1) * (CHIP_HEIGHT + GAP)), top))

    def _fill_menu(self, menu: QMenu) -> None:
        menu.addAction("Copy text", lambda: QGuiApplication.clipboard().setText(self._text())).setEnabled(bool(self.chips))

    def _text(self, part: slice = slice(None)) -> str:
        trace = self.session.trace
        written = () if trace is None else (word for word in trace.words[part] if not is_end(word))
        return text_of(written, trace.provenance.detokenization if trace is not None else "words")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        playhead = self.session.playhead
        goals = {
            Qt.Key.Key_Left: playhead.step - 1,
            Qt.Key.Key_Right: playhead.step + 1,
            Qt.Key.Key_Up: playhead.step - 1,
            Qt.Key.Key_Down: playhead.step + 1,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: playhead.length - 1,
        }
        goal = goals.get(Qt.Key(event.key()))
        if goal is None or not self.chips:
            super().keyPressEvent(event)
        else:
            self.do(Seek(goal))

    def _take(self, words: list[tuple[str, float, str]]) -> None:
        known, self._known = self._known, words
        while len(self.chips) > len(words):
            chip = self.chips.pop()
            self._flow.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        self._flow.removeWidget(self.caret)
        for number, word in enumerate(words):
            if number == len(self.chips):
                chip = Chip(number, self.theme, self._inside)
                chip.clicked.connect(lambda _=False, chip=chip: self.do(Seek(chip.step)))
                self.chips.append(chip)
                self._flow.addWidget(chip)
                chip.show()
            if number >= len(known) or word != known[number]:
                self.chips[number].step = self._first + number
                self.chips[number].set_word(*word)
        self._flow.addWidget(self.caret)
        self._flow.invalidate()
        self._inside.updateGeometry()
