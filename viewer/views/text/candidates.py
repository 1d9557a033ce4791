"""The most probable words of the current step, each with its probability.

Another one can be taken in place of the one that was written. Words that the model never writes by itself, such as the
unknown one, stand among them with their probability, and are marked.
"""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QKeyEvent, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QHBoxLayout, QScrollArea, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from unrolled.models.trace import Candidate, Trace
from unrolled.viewer.drawing.painting import CORNER, EmptyText, draw_focus, elided, mix
from unrolled.viewer.plotting.context_menu import attach
from unrolled.viewer.plotting.table import Table
from unrolled.viewer.state.commands import ChangeAppearance, ChooseToken
from unrolled.viewer.state.playhead import NOWHERE
from unrolled.viewer.state.wording import brief, is_end, percent, power_of_ten, precise, shown, signed, step_noun
from unrolled.viewer.theme.fonts import mono_font, text_font
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.views.view import View, ViewContext

ROWS = 10
DECADES = 6  # of the logarithmic scale: a bar of no length is a probability of 10⁻⁶
ROW_HEIGHT = 26
HEADING_HEIGHT = 46
NUMBER_WIDTH = 62
NEVER = "suppressed"
EMPTY = "The most probable tokens of this step appear here. Press Space for the first step."


class CandidateRow(QAbstractButton):
    """One word that could be written; its bar is as long as it is probable, the row's width being 1.

    Attributes
    ----------
    written : bool
    suppressed : bool
        The model never writes it by itself.
    logarithmic : bool
        The bar's length goes with the probability's logarithm.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.candidate: Candidate | None = None
        self.written = False
        self.suppressed = False
        self.logarithmic = False
        self._margin = 0.0
        self.setFixedHeight(ROW_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setAccessibleName("No candidate")
        self.setEnabled(False)

    @property
    def probability(self) -> float:
        """The word's, from 0 to 1."""
        return 0.0 if self.candidate is None else math.exp(min(self.candidate.log_prob, 0.0))

    @property
    def bar(self) -> float:
        """The bar's length, from 0 to 1."""
        if self.candidate is None or not self.logarithmic:
            return self.probability
        return min(max(1.0 + self.candidate.log_prob / (DECADES * math.log(10.0)), 0.0), 1.0)

    def set_candidate(self, candidate: Candidate | None, *, written: bool, detokenization: str = "words",
                      suppressed: bool = False, logarithmic: bool = False, margin: float = 0.0) -> None:
        """Show this word; a row without one keeps its place.

        Parameters
        ----------
        margin : float
            Its logit less that of the most probable other word.
        """
        shown_now = (candidate, written, suppressed, logarithmic, margin)
        if shown_now == (self.candidate, self.written, self.suppressed, self.logarithmic, self._margin):
            return
        self.candidate, self.written, self.suppressed, self.logarithmic, self._margin = shown_now
        self.setEnabled(candidate is not None)
        self.setCursor(
            Qt.CursorShape.PointingHandCursor if candidate and not written else Qt.CursorShape.ArrowCursor
        )
        if candidate is None:
            self.setText("")
            self.setAccessibleName("No candidate")
            self.setToolTip("")
        else:
            self.setText(shown(candidate.word, detokenization))
            chance = percent(self.probability).replace("%", " percent").replace("<", "below ")
            mark = f", {NEVER}" if suppressed else ""
            self.setAccessibleName(f"{self.text()}, {chance}{', chosen' if written else ''}{mark}")
            then = (
                "This word was chosen." if written else "Click to choose this word instead, on a new branch."
            )
            why = "Suppressed: never chosen in decoding, however probable.\n" if suppressed else ""
            self.setToolTip(
                f"{self.text()}: {precise(self.probability)}\n"
                f"log-probability {signed(candidate.log_prob)}\n"
                f"logit margin over the best alternative {signed(margin)}\n{why}{then}"
            )
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(180, ROW_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.candidate is None:
            return
        theme = self.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0, 1, 0, -1)
        path = QPainterPath()
        path.addRoundedRect(box, CORNER - 1, CORNER - 1)
        hovered = self.underMouse() and not self.written
        painter.fillPath(path, mix(theme.raised, theme.accent, 0.10) if hovered else QColor(theme.raised))
        # The same shape again within a rectangle: a clip with round corners would cost more than all the rest.
        painter.setClipRect(QRectF(box.x(), box.y(), box.width() * self.bar, box.height()))
        painter.fillPath(path, mix(theme.panel, theme.playhead if self.written else theme.accent, 0.34))
        if self.written:
            painter.setClipRect(QRectF(box.x(), box.y(), 3, box.height()))
            painter.fillPath(path, QColor(theme.playhead))
        painter.setClipping(False)
        font = text_font(13, weight=QFont.Weight.DemiBold if self.written else QFont.Weight.Normal)
        if is_end(self.candidate.word):
            font.setPixelSize(11)
        font.setStrikeOut(self.suppressed)
        painter.setFont(font)
        painter.setPen(QColor(theme.muted if is_end(self.candidate.word) or self.suppressed else theme.text))
        inner = self.rect().adjusted(10, 0, -8, 0)
        painter.drawText(
            inner,
            Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft,
            elided(self.text(), font, inner.width() - NUMBER_WIDTH),
        )
        painter.setFont(mono_font(11))
        painter.setPen(QColor(theme.text if self.written else theme.muted))
        painter.drawText(
            inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight,
            brief(self.probability) if self.logarithmic else percent(self.probability)
        )
        if self.hasFocus():
            draw_focus(painter, box, theme.accent, corner=CORNER - 1)
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter and Space take the word; up and down go to the next row."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            forward = event.key() == Qt.Key.Key_Down
            (self.focusNextChild if forward else self.focusPreviousChild)()
        elif event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            event.ignore()
        else:
            super().keyPressEvent(event)


class StepHeading(QWidget):
    """Which step this is, and its word."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.number, self.word, self.chance = "", "", ""
        self.setFixedHeight(HEADING_HEIGHT)

    def set_step(self, number: str, word: str, chance: str) -> None:
        """Show these; painted only if something differs."""
        if (number, word, chance) != (self.number, self.word, self.chance):
            self.number, self.word, self.chance = number, word, chance
            self.setAccessibleName(f"{number}: {word}, {chance}")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(text_font(11))
        painter.setPen(QColor(self.theme.muted))
        painter.drawText(self.rect().adjusted(2, 0, -8, -28), Qt.AlignmentFlag.AlignVCenter, self.number)
        font = text_font(20, weight=QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QColor(self.theme.text))
        line = self.rect().adjusted(2, 16, -8, -2)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, elided(self.word, font, line.width() - 56))
        painter.setFont(mono_font(13))
        painter.setPen(QColor(self.theme.muted))
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, self.chance)
        painter.end()


class CandidatesView(View):
    """What could be written at this step.

    Attributes
    ----------
    rows : list of CandidateRow
        Always the same, at the same places.
    """

    def __init__(self, ctx: ViewContext, parent: QWidget | None = None) -> None:
        super().__init__(ctx, parent)
        session, theme = ctx.session, ctx.theme
        self.setAccessibleName("Candidates of this step")
        self._step = NOWHERE
        self.heading = StepHeading(theme)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.rows = [CandidateRow(theme) for _ in range(ROWS)]
        for row in self.rows:
            column.addWidget(row)
            row.clicked.connect(lambda _=False, row=row: self._choose(row))
        column.addStretch(1)
        self._area = QScrollArea()
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setWidgetResizable(True)
        self._area.setWidget(inside)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.viewport().setAutoFillBackground(False)
        inside.setAutoFillBackground(False)
        self._area.verticalScrollBar().setAccessibleName("Scroll the candidates")
        self.logarithmic = QToolButton()
        self.logarithmic.setText("log")
        self.logarithmic.setCheckable(True)
        self.logarithmic.setAccessibleName("Candidates on a logarithmic scale")
        self.logarithmic.setToolTip(f"Bars on a logarithmic scale, from {power_of_ten(-DECADES)} to 1")
        self.logarithmic.setChecked(session.appearance.values.candidates_logarithmic)
        self.logarithmic.toggled.connect(lambda on: self.do(ChangeAppearance({"candidates_logarithmic": on})))
        self._empty = EmptyText(EMPTY, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        top = QHBoxLayout()
        top.setContentsMargins(0, 0, 0, 0)
        top.addWidget(self.heading, 1)
        top.addWidget(self.logarithmic, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(top)
        layout.addWidget(self._area, 1)
        layout.addWidget(self._empty, 1)
        self.setMinimumHeight(HEADING_HEIGHT + 3 * ROW_HEIGHT)
        attach(self, "Candidates of a step", table=self._table, takes_focus=False)
        self._show(NOWHERE)

    @property
    def shown_step(self) -> int:
        """The step whose candidates are on screen, or `NOWHERE`."""
        return self._step

    @property
    def shown_candidates(self) -> tuple[Candidate, ...]:
        """The candidates on screen, from the top."""
        return tuple(row.candidate for row in self.rows if row.candidate is not None)

    def sizeHint(self) -> QSize:
        return QSize(220, HEADING_HEIGHT + ROWS * ROW_HEIGHT + 4)

    def refresh(self) -> None:
        self._show(self.session.playhead.step)

    def seek(self, step: int) -> None:
        if step != self._step:
            self._show(step)

    def set_theme(self, theme: Theme) -> None:
        parts: list[CandidateRow | StepHeading] = [*self.rows, self.heading]
        for part in parts:
            part.theme = theme
            part.update()
        super().set_theme(theme)

    def _show(self, step: int) -> None:
        trace = self.session.trace
        there = trace is not None and 0 <= step < len(trace)
        self._step = step if there else NOWHERE
        for part, shown_now in ((self.heading, there), (self.logarithmic, there), (self._area, there), (self._empty, not there)):
            if part.isHidden() == shown_now:
                part.setVisible(shown_now)
        if trace is None or not there:
            for row in self.rows:
                row.set_candidate(None, written=False)
            return
        written, detokenization = trace.tokens[step], trace.provenance.detokenization
        self.heading.set_step(
            f"{step_noun(trace.provenance).capitalize()} {step + 1:,}",
            shown(trace.words[step], detokenization),
            percent(math.exp(min(float(trace.log_probs[step]), 0.0))),
        )
        listed = rows_of(trace, step)
        logarithmic = self.session.appearance.values.candidates_logarithmic
        if self.logarithmic.isChecked() != logarithmic:
            self.logarithmic.setChecked(logarithmic)
        for place, row in enumerate(self.rows):
            candidate = listed[place] if place < len(listed) else None
            token = candidate.token if candidate is not None else -1
            row.set_candidate(candidate, written=token == written, detokenization=detokenization, logarithmic=logarithmic,
                              suppressed=token in trace.provenance.suppressed_tokens, margin=_margin(listed, place))

    def _table(self) -> Table | None:
        trace = self.session.trace
        if trace is None or not 0 <= self._step < len(trace):
            return None
        listed = trace.candidates[self._step]
        return Table(("token", "word", "log_prob"), (np.array([own.token for own in listed]), [own.word for own in listed],
                                                     np.array([own.log_prob for own in listed], np.float32)))

    def _choose(self, row: CandidateRow) -> None:
        if row.candidate is not None and not row.written and self._step != NOWHERE:
            self.do(ChooseToken(self._step, row.candidate.token))


def rows_of(trace: Trace, step: int) -> tuple[Candidate, ...]:
    """The candidates to list: the most probable ones; last the one written, if it is not among them."""
    best = trace.candidates[step][:ROWS]
    written = trace.tokens[step]
    if any(candidate.token == written for candidate in best):
        return best
    return (*best[: ROWS - 1], Candidate(written, trace.words[step], float(trace.log_probs[step])))


def _margin(listed: tuple[Candidate, ...], place: int) -> float:
    """A listed candidate's logit less that of the most probable other one; the softmax's divisor is the same for both."""
    others = [own.log_prob for number, own in enumerate(listed) if number != place]
    return listed[place].log_prob - max(others) if place < len(listed) and others else 0.0
