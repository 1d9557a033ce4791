"""Why this word: the gradients of all words by all steps, and what the current one depended on, beside the attention."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from unrolled.models.protocol.questions import FollowGradients, GradientRows, Occluded, OccludeStep
from unrolled.models.trace import Channel, Trace
from unrolled.viewer.panels.flow_layout import FlowLayout
from unrolled.viewer.panels.found import GRADIENTS, OCCLUSION
from unrolled.viewer.panels.gradient_map import GradientMap
from unrolled.viewer.panels.painting import EmptyText, signed
from unrolled.viewer.panels.panel import Panel
from unrolled.viewer.panels.picker import Picker
from unrolled.viewer.panels.place_map import PlaceMap
from unrolled.viewer.panels.steps import step_noun
from unrolled.viewer.panels.two_parts import TwoParts
from unrolled.viewer.panels.words import shown
from unrolled.viewer.state.playhead import NOWHERE
from unrolled.viewer.state.questions import Asked
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.themes import Theme

UNASKED_AT_MOST = 40   # steps; a longer run is followed back when a person says so
FOLLOWED_AT_MOST = 64  # steps back from the playhead
MAP_HEIGHT = 230       # at least, where what else is shown stands below
EMPTY = "What each word depended on. Space writes the first word."
NOT_LIVE = "This needs the model’s weights: load the model that recorded this run."
TABLES = (("hidden", "by h of each step"), ("cell", "by c of each step"), ("forget_path", "by c, through the forget gates"),
          ("other_paths", "by c, every other way"))


class WhyPanel(Panel):
    """Gradients and occlusion.

    Attributes
    ----------
    map : GradientMap
        All words by all steps.
    compute, cancel : QPushButton
        Follow the run back, and give it up.
    masking : QCheckBox
        Whether each place is masked in turn at every step that is looked at.
    """

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(session, theme, parent)
        self.setAccessibleName("Why this word")
        self._table = "hidden"
        self._shown: object = None
        self.map = GradientMap(theme)
        self.map.chosen.connect(session.playhead.seek)
        self.by = Picker()
        self.by.setSizeAdjustPolicy(Picker.SizeAdjustPolicy.AdjustToContents)
        self.by.setAccessibleName("By what the words are differentiated")
        self.by.setToolTip("‖∂ log p(word)/∂·‖: by the hidden state, or the cell; what reaches the cell through the forget gates "
                           "alone, and what comes every other way")
        self.by.activated.connect(lambda _: self._choose(self.by.currentData()))
        choices = QWidget()
        flow = FlowLayout(choices, gap=4)
        flow.addWidget(self.by)
        self.compute = QPushButton("Follow back")
        self.compute.setToolTip("Compute the gradients of the words up to here")
        self.compute.clicked.connect(lambda: self._ask(anew=True))
        self.cancel = QPushButton("Cancel")
        self.cancel.clicked.connect(self._give_up)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("How far the gradients are")
        self.note = QLabel("")
        self.note.setObjectName("muted")
        self.note.setWordWrap(True)
        flow.addWidget(self.compute)
        flow.addWidget(self.cancel)
        self.causes_title = QLabel("")
        self.causes_title.setWordWrap(True)
        self.words = PlaceMap("words read before: gradient × input", theme, signed_values=True)
        self.attention = PlaceMap("attention α", theme, signed_values=False)
        self.inputs = PlaceMap("gradient × input", theme, signed_values=True)
        self.falls = PlaceMap("fall when masked", theme, signed_values=True)
        self.masking = QCheckBox("Mask each place in turn")
        self.masking.setToolTip("Take the step again with each place masked, and show how far log p(word) falls")
        self.masking.toggled.connect(lambda _: self._update())
        self.verdict = QLabel("")
        self.verdict.setWordWrap(True)
        self._build(choices)
        self._say(EMPTY)

    def _build(self, choices: QWidget) -> None:
        chart = QWidget()
        left = QVBoxLayout(chart)
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(4)
        for widget, stretch in ((choices, 0), (self.progress, 0), (self.note, 0), (self.map, 1)):
            left.addWidget(widget, stretch)
        maps = QWidget()
        flow = FlowLayout(maps, gap=12)
        self._maps = (self.attention, self.inputs, self.falls)
        for widget in self._maps:
            flow.addWidget(widget)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 6, 0)
        column.setSpacing(6)
        for widget in (self.causes_title, self.masking, self.verdict, maps, self.words):
            column.addWidget(widget)
        column.addStretch(1)
        self._inside = TwoParts(chart, right, stretch=(5, 4), first_height=MAP_HEIGHT)
        self._empty = EmptyText(EMPTY, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._inside, 1)
        layout.addWidget(self._empty, 1)

    # ── Following the session ─────────────────────────────────────────────────────────────────────────────────

    def refresh(self) -> None:
        """Ask, or take over answers."""
        self._update()

    def seek(self, step: int) -> None:
        """Another word."""
        self._update()

    def set_theme(self, theme: Theme) -> None:
        """Other colours are in force."""
        for part in (self.map, self.words, *self._maps):
            part.set_theme(theme)
        self._shown = None
        super().set_theme(theme)

    def showEvent(self, event: QShowEvent) -> None:
        """It asks while it is seen."""
        super().showEvent(event)
        self._update()

    def hideEvent(self, event: QHideEvent) -> None:
        """What is still on its way is not waited for."""
        super().hideEvent(event)
        asked = self.session.questions.get(GRADIENTS)
        if asked is not None and not asked.done:
            self.session.questions.drop(GRADIENTS)

    def _choose(self, name: str) -> None:
        self._table = name
        self._shown = None
        self._update()

    def _give_up(self) -> None:
        self.session.questions.drop(GRADIENTS)
        self._update(unasked=False)

    def _ask(self, *, anew: bool = False) -> Asked | None:
        session, trace, branch = self.session, self.session.trace, self.session.branch
        if trace is None or branch is None or not session.questions.possible or not len(trace):
            return None
        last = len(trace) - 1 if self._is_short(trace) else max(session.playhead.step, 0)
        if anew:
            session.questions.drop(GRADIENTS)
        return session.questions.ask(GRADIENTS, FollowGradients(max(last - FOLLOWED_AT_MOST + 1, 0), last), branch.take)

    def _update(self, *, unasked: bool = True) -> None:
        session, trace, step = self.session, self.session.trace, self.session.playhead.step
        if trace is None or session.branch is None or step == NOWHERE:
            self._say(EMPTY)
            return
        if not session.questions.possible:
            self._say(NOT_LIVE)
            return
        if not self.isVisible():
            return
        self._empty.hide()
        self._inside.show()
        asked = session.questions.get(GRADIENTS)
        if unasked and self._is_short(trace) and (asked is None or asked.done) and not (asked and asked.failure):
            asked = self._ask()
        self._show_state(asked, trace)
        parts = [part for part in asked.parts if isinstance(part, GradientRows)] if asked is not None else []
        masked = self._ask_masked(trace, step)
        state = (asked.number if asked else 0, len(parts), step, self._table, masked.number if masked else 0,
                 bool(masked and masked.parts), self.theme.name)
        if state != self._shown:
            self._shown = state
            self._show_map(parts, trace)
            self._show_causes(parts, masked, trace, step)
        self.map.set_current(step)

    def _ask_masked(self, trace: Trace, step: int) -> Asked | None:
        branch = self.session.branch
        there = self._attention(trace) is not None
        if self.masking.isHidden() == there:
            self.masking.setVisible(there)
        if not there or branch is None or not self.masking.isChecked():
            return None
        return self.session.questions.ask(OCCLUSION, OccludeStep(step), branch.take)

    # ── Showing ───────────────────────────────────────────────────────────────────────────────────────────────

    def _show_state(self, asked: Asked | None, trace: Trace) -> None:
        running = asked is not None and not asked.done
        total, rows = 1, 0
        notes = []
        if asked is not None and isinstance(asked.question, FollowGradients):
            total = asked.question.last - asked.question.first + 1
            rows = sum(part.rows for part in asked.parts if isinstance(part, GradientRows))
            if asked.failure:
                notes.append(asked.failure)
            elif asked.done and not self._is_short(trace):
                noun = step_noun(trace.provenance)
                notes.append(f"The {noun}s {asked.question.first + 1:,} to {asked.question.last + 1:,} of {len(trace):,}.")
        elif asked is None and not self._is_short(trace):
            notes.append(f"Follows the last {FOLLOWED_AT_MOST} steps up to the playhead back.")
        self.note.setText(" ".join(notes))
        self.note.setVisible(bool(self.note.text()))
        self.progress.setRange(0, total)
        self.progress.setValue(rows)
        self.progress.setVisible(running)
        self.cancel.setVisible(running)
        self.compute.setVisible(not running and (not self._is_short(trace) or asked is None or bool(asked.failure)))

    def _show_map(self, parts: list[GradientRows], trace: Trace) -> None:
        offered = [(name, title) for name, title in TABLES if not parts or getattr(parts[0], name)]
        if [self.by.itemData(place) for place in range(self.by.count())] != [name for name, _ in offered]:
            self.by.clear()
            for name, title in offered:
                self.by.addItem(title, name)
        self.by.setCurrentIndex(max(self.by.findData(self._table), 0))
        if not parts:
            self.map.set_table(np.zeros((0, 0), np.float32), first=0, words=(), symbol="h")
            return
        if not getattr(parts[0], self._table):
            self._table = "hidden"
        table = np.concatenate([part.table(getattr(part, self._table)) for part in parts])
        first = parts[0].column
        whole = np.zeros((parts[0].columns, parts[0].columns), np.float32)
        whole[: len(table)] = table
        words = tuple(self._word(trace, step) for step in range(first, first + len(whole)))
        self.map.set_table(whole, first=first, words=words, symbol="h" if self._table == "hidden" else "c")

    def _show_causes(self, parts: list[GradientRows], masked: Asked | None, trace: Trace, step: int) -> None:
        self.causes_title.setText(f"“{self._word(trace, step)}” depended on")
        part = next((part for part in parts if part.row <= step < part.row + part.rows), None)
        attention = self._attention(trace)
        self._show_words(part, trace, step)
        names = tuple(shown(word, "pieces") for word in trace.provenance.source) \
            if attention is not None and attention.axes == ("source",) else ()
        shape = attention.shape if attention is not None else ()
        places = part.table(part.places)[step - part.row] if part is not None and part.places else np.zeros(0, np.float32)
        if attention is not None:
            self.attention.set_values(trace.column(attention.name)[step].ravel(), shape, names=names, note="what it looked at")
            fits = len(places) == attention.size
            if fits:
                self.inputs.set_values(places, shape, names=names, note="for and against the word")
            self.inputs.setVisible(fits)
        self.attention.setVisible(attention is not None)
        if attention is None:
            self.inputs.hide()
        occluded = next((own for own in masked.parts if isinstance(own, Occluded)), None) if masked is not None else None
        self.falls.setVisible(occluded is not None)
        self.verdict.setVisible(masked is not None)
        if occluded is not None:
            self.falls.set_values(occluded.values(), shape, names=names, note="above 0: it was needed")
            self.verdict.setText(verdict(occluded.rank_correlation))
        elif masked is not None:
            self.verdict.setText(masked.failure or "Masking…")

    def _show_words(self, part: GradientRows | None, trace: Trace, step: int) -> None:
        if part is None or not part.words:
            self.words.hide()
            return
        row = part.table(part.words)[step - part.row]
        count = step - part.column + 1
        clip = trace.provenance.input_kind == "clip"
        self.words.title = "frames: gradient × input" if clip else "words read before: gradient × input"
        names = tuple(f"frame {place + 1}" if clip else "START" if place == 0 and not trace.provenance.given else
                      self._word(trace, place - 1) for place in range(part.column, part.column + count))
        self.words.set_values(row[:count], (count,), names=names, note="for and against the word")
        self.words.show()

    def _is_short(self, trace: Trace) -> bool:
        """Whether it is followed back without being asked."""
        return max(len(trace), trace.provenance.given) <= UNASKED_AT_MOST

    def _attention(self, trace: Trace) -> Channel | None:
        return trace.with_role("attention")

    def _word(self, trace: Trace, step: int) -> str:
        return shown(trace.words[step], trace.provenance.joining) if 0 <= step < len(trace) else ""

    def _say(self, sentence: str) -> None:
        self._shown = None
        self._empty.setText(sentence)
        self._empty.show()
        self._inside.hide()


def verdict(rank_correlation: float) -> str:
    """What a rank correlation of falls and attention says, in a sentence."""
    if not math.isfinite(rank_correlation):
        return "The falls or the attention are the same everywhere: they cannot be ranked."
    said = ("the attention shows what the word needed" if rank_correlation >= 0.5 else
            "the attention shows in part what the word needed" if rank_correlation >= 0.2 else
            "the attention does not show what the word needed")
    return f"Rank correlation with the attention {signed(rank_correlation, 2)}: {said}."
