"""The most probable words of the current step, each with its probability.

Another one can be taken in place of the one that was written. Words that the model never writes by itself, such as the
unknown one, stand among them with their probability, and are marked.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QPainter, QPainterPath, QPaintEvent, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from unrolled.models.trace import Candidate, Trace
from unrolled.models.trace.numbers import brief, power_of_ten, precise, signed
from unrolled.viewer.drawing.painting import CORNER, coloured, draw_focus, elided, for_the_screen, laid_out, mix
from unrolled.viewer.plotting.context_menu import attach
from unrolled.viewer.plotting.table import Table
from unrolled.viewer.state.beginning import empty_text
from unrolled.viewer.state.commands import ChangeAppearance, ChooseToken
from unrolled.viewer.state.playhead import NOWHERE
from unrolled.viewer.state.wording import is_end, percent, shown, spoken_percent, step_noun
from unrolled.viewer.theme.fonts import mono_font, text_font
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.building import in_row, switch
from unrolled.viewer.widgets.row_model import DISPLAY, ROOT, TOOLTIP, Index, RowModel, show_rows
from unrolled.viewer.widgets.themed import Painted

ROWS = 10
DECADES = 6  # of the logarithmic scale: a bar of no length is a probability of 10⁻⁶
MARK = 3  # pixels, at the left of the chosen word
ROW_HEIGHT = 26
HEADING_HEIGHT = 46
WORD_SIZES = (20, 17, 14)  # pixels, of the step's word: a long one is smaller before it is cut
BETWEEN = 10  # pixels at least, between a word and its number
NEVER, HERE = "suppressed", "held back"
WHY = {NEVER: "Suppressed: never chosen in decoding, however probable.",
       HERE: "Held back: the model’s settings do not let it be chosen at this step, however probable."}
EMPTY = "The most probable {}s of this step appear here."


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """One word that could be written."""

    candidate: Candidate
    word: str
    written: bool  # it is the word that was chosen
    barred: str  # why it is not chosen, however probable: never, or not at this step; empty where it can be
    margin: float  # its logit less that of the most probable other word: the softmax's divisor is the same for both
    logarithmic: bool

    @property
    def probability(self) -> float:
        """The word's, from 0 to 1."""
        return math.exp(min(self.candidate.log_prob, 0.0))

    @property
    def bar(self) -> float:
        """The length of its bar, from 0 to 1: its probability, or that on a logarithmic scale."""
        if not self.logarithmic:
            return self.probability
        return min(max(1.0 + self.candidate.log_prob / (DECADES * math.log(10.0)), 0.0), 1.0)

    def _moved(self, written: Callable[[float], str]) -> str:
        """Its probability, and behind it what it is chosen by where the model's settings make another of it."""
        by, own = self.candidate.ranked, written(self.probability)
        made = own if by is None or self.barred else written(math.exp(min(by, 0.0)))
        return own if made == own else f"{own} → {made}"

    @property
    def chance(self) -> str:
        return self._moved(brief if self.logarithmic else percent)

    def text(self, _column: int, role: Qt.ItemDataRole) -> str:
        if role == TOOLTIP:
            then = "This word was chosen." if self.written else "Click to choose this word instead, on a new branch."
            why = f"{WHY[self.barred]}\n" if self.barred else "" if self.candidate.ranked is None else (
                f"Chosen by {signed(self.candidate.ranked)} in place of that: the model’s settings, such as a repetition "
                "penalty, make it so.\n")
            return (f"{self.word}: {precise(self.probability)}\nlog-probability {signed(self.candidate.log_prob)}\n"
                    f"logit margin over the best alternative {signed(self.margin)}\n{why}{then}")
        if role == DISPLAY:
            return self.word
        chance = self._moved(spoken_percent)
        return f"{self.word}, {chance}{', chosen' if self.written else ''}{f', {self.barred}' if self.barred else ''}"


class CandidateDelegate(QStyledItemDelegate):
    """Paints a candidate over its bar, the row's width being a probability of 1."""

    def __init__(self, model: RowModel[CandidateRow], theme: Theme) -> None:
        super().__init__(model)
        self._model, self.theme = model, theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, ROW_HEIGHT)  # as wide as the view

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row, theme, box = self._model.rows[index.row()], self.theme, option.rect
        left, top, width = box.left(), box.top(), box.width()
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver) and not row.written
        mark = theme.playhead if row.written else ""
        ground, bar = (theme.raised, theme.accent, 0.10 if hovered else 0.0, ""), (theme.panel, mark or theme.accent, 0.34, mark)
        filled = max(width * row.bar, MARK if mark else 0)
        if for_the_screen(painter, option.widget):
            ratio = painter.device().devicePixelRatioF()
            painter.drawPixmap(left, top, _shape(*ground, width, ratio))
            if round(filled * ratio):  # to Qt a width of 0 is all of it
                painter.drawPixmap(left, top, _shape(*bar, width, ratio), 0, 0, round(filled * ratio), round(ROW_HEIGHT * ratio))
        else:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.translate(left, top)
            _fill(painter, *ground, width, width)
            _fill(painter, *bar, width, filled)
            painter.translate(-left, -top)
        end = is_end(row.candidate.word)
        chance = laid_out(row.chance, mono_font, 11)
        taken = chance.size()
        room = int(width - 18 - taken.width() - BETWEEN)
        font, pixels = _struck if row.barred else _strong if row.written else text_font, 11 if end else 13
        word = laid_out(row.word, font, pixels, room)
        painter.setFont(font(pixels))
        painter.setPen(coloured(theme.muted if end or row.barred else theme.text))
        painter.drawStaticText(QPointF(left + 10, top + (ROW_HEIGHT - word.size().height()) / 2), word)
        over_bar = row.bar * (width - 18) > room
        painter.setFont(mono_font(11))
        painter.setPen(coloured(theme.text if row.written or over_bar else theme.muted))
        painter.drawStaticText(QPointF(left + width - 8 - taken.width(), top + (ROW_HEIGHT - taken.height()) / 2), chance)
        if option.state & QStyle.StateFlag.State_HasFocus:
            draw_focus(painter, QRectF(box).adjusted(0, 1, 0, -1), theme.accent, corner=CORNER - 1)


def _strong(pixels: int) -> QFont:
    return text_font(pixels, weight=QFont.Weight.DemiBold)


def _struck(pixels: int) -> QFont:
    font = text_font(pixels)
    font.setStrikeOut(True)
    return font


@lru_cache
def _shape(ground: str, over: str, amount: float, mark: str, width: int, ratio: float) -> QPixmap:
    """A row with round corners in a colour between two, its left edge in another if there is one: painted once for all rows."""
    made = QPixmap(QSize(width, ROW_HEIGHT) * ratio)
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    with QPainter(made) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _fill(painter, ground, over, amount, mark, width, width)
    return made


def _fill(painter: QPainter, ground: str, over: str, amount: float, mark: str, width: int, filled: float) -> None:
    """Paint so much of the row from its left."""
    for colour, part in ((mix(ground, over, amount), filled), (QColor(mark), MARK if mark else 0)):
        path, left = QPainterPath(), QPainterPath()
        path.addRoundedRect(QRectF(0, 1, width, ROW_HEIGHT - 2), CORNER - 1, CORNER - 1)
        left.addRect(QRectF(0, 0, part, ROW_HEIGHT))
        painter.fillPath(path.intersected(left), colour)


class CandidateList(QListView):
    """The rows; Enter and Space do what a click does."""

    own_keys = (Qt.Key.Key_Space,)

    def dataChanged(self, first: Index, last: Index, roles: Sequence[int] = ()) -> None:
        """Other words in the rows that are there: all are as tall as ever, so that only they are painted, nothing laid out."""
        QAbstractItemView.dataChanged(self, first, last, list(roles))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        here = self.currentIndex()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and here.isValid():
            self.clicked.emit(here)
        else:
            super().keyPressEvent(event)


class StepHeading(Painted):
    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.number, self.word, self.chance = "", "", ""
        self.setFixedHeight(HEADING_HEIGHT)

    def set_step(self, number: str, word: str, chance: str) -> None:
        if (number, word, chance) != (self.number, self.word, self.chance):
            self.number, self.word, self.chance = number, word, chance
            self.setAccessibleName(f"{number}: {word}, {chance}")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setFont(text_font(11))
            painter.setPen(QColor(self.theme.muted))
            painter.drawText(self.rect().adjusted(2, 0, -8, -28), Qt.AlignmentFlag.AlignVCenter, self.number)
            line = self.rect().adjusted(2, 16, -8, -2)
            room = QFontMetrics(mono_font(13)).horizontalAdvance(self.chance) + BETWEEN
            font = next((font for font in (text_font(size, weight=QFont.Weight.DemiBold) for size in WORD_SIZES)
                         if QFontMetrics(font).horizontalAdvance(self.word) <= line.width() - room),
                        text_font(WORD_SIZES[-1], weight=QFont.Weight.DemiBold))
            painter.setFont(font)
            painter.setPen(QColor(self.theme.text))
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, elided(self.word, font, line.width() - room))
            painter.setFont(mono_font(13))
            painter.setPen(QColor(self.theme.muted))
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, self.chance)


class CandidatesView(View):
    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx, name="Candidates of this step")
        session, theme = ctx.session, ctx.theme
        self._step = NOWHERE
        self.heading = StepHeading(theme)
        self.candidates: RowModel[CandidateRow] = RowModel(CandidateRow.text, self)
        self._delegate = CandidateDelegate(self.candidates, theme)
        self.list_view = CandidateList()
        show_rows(self.list_view, self.candidates, self._delegate, "Candidates")
        self.list_view.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.list_view.setSelectionMode(CandidateList.SelectionMode.NoSelection)
        self.list_view.setVerticalScrollMode(CandidateList.ScrollMode.ScrollPerPixel)
        self.list_view.setUniformItemSizes(True)
        self.list_view.setMouseTracking(True)
        self.list_view.entered.connect(self._point)
        self.list_view.viewportEntered.connect(self._point)
        self.list_view.clicked.connect(lambda index: self._choose(self.candidates.rows[index.row()]))
        self.logarithmic = switch("log", f"Bars on a logarithmic scale, from {power_of_ten(-DECADES)} to 1 (Shift+P)",
                                  "Candidates on a logarithmic scale")
        self.logarithmic.setChecked(session.appearance.values.candidates_logarithmic)
        self.logarithmic.toggled.connect(lambda on: self.do(ChangeAppearance({"candidates_logarithmic": on})))
        top = in_row(None, (self.heading, 1), self.logarithmic)
        top.setAlignment(self.logarithmic, Qt.AlignmentFlag.AlignTop)
        self.hold(top, (self.list_view, 1), spacing=2)
        self.setMinimumHeight(HEADING_HEIGHT + 3 * ROW_HEIGHT)
        attach(self, "Candidates of a step", table=self._table, takes_focus=False)
        self._show(NOWHERE)

    def refresh(self) -> None:
        self._show(self.session.playhead.step)

    def seek(self, step: int) -> None:
        if step != self._step:
            self._show(step)

    def set_theme(self, theme: Theme) -> None:
        self._delegate.theme = theme
        super().set_theme(theme)

    def _show(self, step: int) -> None:
        trace = self.session.trace
        there = trace is not None and 0 <= step < len(trace)
        self._step = step if there else NOWHERE
        self.say("" if there else empty_text(self.session, EMPTY))
        if trace is None or not there:
            self.candidates.set_rows(())
            return
        written, detokenization = trace.tokens[step], trace.provenance.detokenization
        self.heading.set_step(
            f"{step_noun(trace.provenance).capitalize()} {step + 1:,}",
            shown(trace.words[step], detokenization),
            percent(math.exp(min(float(trace.log_probs[step]), 0.0))),
        )
        listed = rows_of(trace, step)
        best, second = (sorted((own.log_prob for own in listed), reverse=True) * 2)[:2]  # one alone has no margin
        logarithmic = self.session.appearance.values.candidates_logarithmic
        if self.logarithmic.isChecked() != logarithmic:
            self.logarithmic.setChecked(logarithmic)
        self.candidates.set_rows([
            CandidateRow(own, shown(own.word, detokenization), own.token == written,
                         NEVER if own.token in trace.provenance.suppressed_tokens else HERE if own.barred else "",
                         own.log_prob - (best if own.log_prob < best else second), logarithmic)
            for own in listed])

    def _table(self) -> Table | None:
        trace = self.session.trace
        if trace is None or not 0 <= self._step < len(trace):
            return None
        listed = trace.candidates[self._step]
        return Table(("token", "word", "log_prob"), (np.array([own.token for own in listed]), [own.word for own in listed],
                                                     np.array([own.log_prob for own in listed], np.float32)))

    def _point(self, index: Index = ROOT) -> None:
        chosen = not index.isValid() or self.candidates.rows[index.row()].written
        self.list_view.viewport().setCursor(Qt.CursorShape.ArrowCursor if chosen else Qt.CursorShape.PointingHandCursor)

    def _choose(self, row: CandidateRow) -> None:
        if not row.written:
            self.do(ChooseToken(self._step, row.candidate.token))


def rows_of(trace: Trace, step: int) -> tuple[Candidate, ...]:
    """The candidates to list: the most probable ones; last the one written, if it is not among them."""
    best = trace.candidates[step][:ROWS]
    written = trace.tokens[step]
    if any(candidate.token == written for candidate in best):
        return best
    return (*best[: ROWS - 1], Candidate(written, trace.words[step], float(trace.log_probs[step])))
