"""The most probable words of the current step, each with its probability.

Another one can be taken in place of the one that was written.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QKeyEvent, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from unrolled.models.trace import Candidate, Trace
from unrolled.viewer.panels.painting import CORNER, EmptyText, draw_focus, elided, mix, percent, signed
from unrolled.viewer.panels.panel import Panel
from unrolled.viewer.panels.steps import step_noun
from unrolled.viewer.panels.words import is_end, shown
from unrolled.viewer.state.playhead import NOWHERE
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.fonts import mono_font, text_font
from unrolled.viewer.theme.themes import Theme

ROWS = 10
ROW_HEIGHT = 26
HEADING_HEIGHT = 46
EMPTY = "The words that the model weighs at this step, with their probabilities. Space writes the first word."


class CandidateRow(QAbstractButton):
    """One word that could be written; its bar is as long as it is probable, the row's width being 1."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.candidate: Candidate | None = None
        self.written = False
        self.setFixedHeight(ROW_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setAccessibleName("No candidate")
        self.setEnabled(False)

    @property
    def probability(self) -> float:
        """What the bar shows, from 0 to 1."""
        return 0.0 if self.candidate is None else math.exp(min(self.candidate.log_prob, 0.0))

    def set_candidate(self, candidate: Candidate | None, *, written: bool, joining: str = "words") -> None:
        """Show this word; a row without one keeps its place."""
        if candidate == self.candidate and written == self.written:
            return
        self.candidate, self.written = candidate, written
        self.setEnabled(candidate is not None)
        self.setCursor(
            Qt.CursorShape.PointingHandCursor if candidate and not written else Qt.CursorShape.ArrowCursor
        )
        if candidate is None:
            self.setText("")
            self.setAccessibleName("No candidate")
            self.setToolTip("")
        else:
            self.setText(shown(candidate.word, joining))
            chance = percent(self.probability).replace("%", " percent").replace("<", "below ")
            self.setAccessibleName(f"{self.text()}, {chance}{', written' if written else ''}")
            then = (
                "This word was written." if written else "Click to go this way: write this word here instead."
            )
            self.setToolTip(
                f"{self.text()}: {percent(self.probability)}\n"
                f"log-probability {signed(candidate.log_prob)}\n{then}"
            )
        self.update()

    def sizeHint(self) -> QSize:
        """The width is the column's."""
        return QSize(180, ROW_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The bar, the word over it, the probability at the right."""
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
        painter.setClipRect(QRectF(box.x(), box.y(), box.width() * self.probability, box.height()))
        painter.fillPath(path, mix(theme.panel, theme.playhead if self.written else theme.accent, 0.34))
        if self.written:
            painter.setClipRect(QRectF(box.x(), box.y(), 3, box.height()))
            painter.fillPath(path, QColor(theme.playhead))
        painter.setClipping(False)
        font = text_font(13, weight=QFont.Weight.DemiBold if self.written else QFont.Weight.Normal)
        if is_end(self.candidate.word):
            font.setPixelSize(11)
        painter.setFont(font)
        painter.setPen(QColor(theme.muted if is_end(self.candidate.word) else theme.text))
        inner = self.rect().adjusted(10, 0, -8, 0)
        painter.drawText(
            inner,
            Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft,
            elided(self.text(), font, inner.width() - 48),
        )
        painter.setFont(mono_font(11))
        painter.setPen(QColor(theme.text if self.written else theme.muted))
        painter.drawText(
            inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, percent(self.probability)
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
        """Small above, large below."""
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


class CandidatesPanel(Panel):
    """What could be written at this step.

    Attributes
    ----------
    rows : list of CandidateRow
        Always the same, at the same places.
    """

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(session, theme, parent)
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
        self._empty = EmptyText(EMPTY, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.heading)
        layout.addWidget(self._area, 1)
        layout.addWidget(self._empty, 1)
        self.setMinimumHeight(HEADING_HEIGHT + 3 * ROW_HEIGHT)
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
        """All rows."""
        return QSize(220, HEADING_HEIGHT + ROWS * ROW_HEIGHT + 4)

    def refresh(self) -> None:
        """The trace may be another one."""
        self._show(self.session.playhead.step)

    def seek(self, step: int) -> None:
        """Show this step's candidates."""
        if step != self._step:
            self._show(step)

    def set_theme(self, theme: Theme) -> None:
        """Other colours are in force."""
        parts: list[CandidateRow | StepHeading] = [*self.rows, self.heading]
        for part in parts:
            part.theme = theme
            part.update()
        super().set_theme(theme)

    def _show(self, step: int) -> None:
        trace = self.session.trace
        there = trace is not None and 0 <= step < len(trace)
        self._step = step if there else NOWHERE
        for part, shown_now in ((self.heading, there), (self._area, there), (self._empty, not there)):
            if part.isHidden() == shown_now:
                part.setVisible(shown_now)
        if trace is None or not there:
            for row in self.rows:
                row.set_candidate(None, written=False)
            return
        written, joining = trace.tokens[step], trace.provenance.joining
        self.heading.set_step(
            f"{step_noun(trace.provenance).capitalize()} {step + 1:,}",
            shown(trace.words[step], joining),
            percent(math.exp(min(float(trace.log_probs[step]), 0.0))),
        )
        listed = rows_of(trace, step)
        for place, row in enumerate(self.rows):
            candidate = listed[place] if place < len(listed) else None
            row.set_candidate(candidate, written=candidate is not None and candidate.token == written, joining=joining)

    def _choose(self, row: CandidateRow) -> None:
        if row.candidate is not None and not row.written and self._step != NOWHERE:
            self.session.candidate_chosen.emit(self._step, row.candidate.token)


def rows_of(trace: Trace, step: int) -> tuple[Candidate, ...]:
    """The candidates to list: the most probable ones; last the one written, if it is not among them."""
    best = trace.candidates[step][:ROWS]
    written = trace.tokens[step]
    if any(candidate.token == written for candidate in best):
        return best
    return (*best[: ROWS - 1], Candidate(written, trace.words[step], float(trace.log_probs[step])))
