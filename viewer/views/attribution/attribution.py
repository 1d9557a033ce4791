"""Attribution: the gradients of all words by all steps, and what the current one depended on, beside the attention.

What is computed on demand is asked for while the panel is seen; a map that is not true of the run on screen any more is
pale until it is computed again.
"""

import math

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QKeyEvent
from PySide6.QtWidgets import QProgressBar, QWidget

from unrolled.models.analysis.occlusion import summarise, verdict
from unrolled.models.protocol.questions import FollowGradients
from unrolled.models.trace import Trace
from unrolled.viewer.drawing.gradient_colours import decades_of
from unrolled.viewer.state.attributions import (
    GRADIENTS,
    TABLES,
    Followed,
    TableName,
    ask_gradients,
    ask_occlusion,
    followed,
    is_short,
    occluded_of,
    state_of,
)
from unrolled.viewer.state.beginning import empty_text
from unrolled.viewer.state.commands import ChangeAppearance, DropQuestion, Seek
from unrolled.viewer.state.playhead import NOWHERE
from unrolled.viewer.state.questions import Asked
from unrolled.viewer.state.wording import shown, step_noun
from unrolled.viewer.views.attribution.contribution_bars import ContributionBars
from unrolled.viewer.views.attribution.contributions import places_of, word_at, words_read
from unrolled.viewer.views.attribution.gradient_map import GradientMap
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.building import countdown, in_column, muted_label, named, push_button
from unrolled.viewer.widgets.combo_box import ComboBox
from unrolled.viewer.widgets.flow_layout import FlowLayout
from unrolled.viewer.widgets.two_parts import TwoParts

SURE = math.log(0.9)  # of a word's log-probability: above, it cannot fall far
ASIDE, WHOLE = 170, 16_777_215  # pixels at most, of what stands beside attributions: without a map, and with one
MAP_HEIGHT = 230           # at least, where what else is shown stands below
SETTLED_MILLISECONDS = 500  # a run that has not grown for so long is followed back
EMPTY = "What each {} depended on."
NOT_LIVE = "This needs the model’s weights: load the model that recorded this run."
TITLES: dict[TableName, str] = {"hidden": "w.r.t. h at each step", "cell": "w.r.t. c at each step",
                                "forget_path": "w.r.t. c, through the forget gates",
                                "other_paths": "w.r.t. c, along all other paths"}
SYMBOLS: dict[TableName, str] = {"hidden": "h", "cell": "c", "forget_path": "c", "other_paths": "c"}


class AttributionView(View):
    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx, name="Attribution")
        session, theme = ctx.session, ctx.theme
        self._shown: object = None
        self._followed: Followed | None = None
        self._decades = (-1, 0)
        self._given_up: object = None  # what is not asked again by itself
        self._length = 0
        self.map = GradientMap(theme)
        self.map.chosen.connect(lambda step: self.do(Seek(step)))
        self.map.colour_map_chosen.connect(lambda name: self.do(ChangeAppearance({"sequential_colour_map": name})))
        self.attributions = ContributionBars(theme)
        self.attributions.chosen.connect(lambda step: self.do(Seek(step)))
        self.attributions.masking.toggled.connect(lambda _: self._update())
        self.attributions.measured.connect(self._update)
        self.masking, self.verdict = self.attributions.masking, self.attributions.verdict
        self.words, self.drops = self.attributions.words, self.attributions.drops
        self.by = named(ComboBox(sizeAdjustPolicy=ComboBox.SizeAdjustPolicy.AdjustToContents), "Differentiate with respect to",
                        "‖∂ log p/∂·‖ with respect to the hidden state or the cell; of the cell also the part "
                        "through the forget gates alone, and the part along all other paths.\nThese two are vectors that "
                        "add up to the whole; their norms do not: two large ones may cancel.")
        self.by.activated.connect(lambda _: self._update())
        self.compute = push_button("Compute", "Backpropagate from the words up to here (Enter)", self._compute)
        self.cancel = push_button("Cancel", "Stop computing", self._give_up)
        self.progress = named(QProgressBar(textVisible=False), "Progress of the gradients")
        self.status = muted_label(wrapped=True)
        self._settling = countdown(self, SETTLED_MILLISECONDS, self._update)
        self._build()
        session.run_changed.connect(self._forget)
        self.say(empty_text(session, EMPTY))

    def _build(self) -> None:
        choices = QWidget()
        FlowLayout(choices, self.by, self.compute, self.cancel, gap=4)
        self._chart = chart = QWidget()
        in_column(chart, choices, self.progress, self.status, (self.map, 1), spacing=4).addStretch(0)
        self.hold(TwoParts(chart, self.attributions, stretch=(5, 4), first_height=MAP_HEIGHT))

    def seek(self, step: int) -> None:
        self._update()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._settling.stop()
        asked = self.session.questions.get(GRADIENTS)
        if asked is not None and not asked.done:
            self.do(DropQuestion(GRADIENTS))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.compute.isVisible():
            self._compute()
        else:
            super().keyPressEvent(event)

    def _forget(self) -> None:
        self._followed, self._given_up, self._length = None, None, 0

    def _compute(self) -> None:
        self.do(DropQuestion(GRADIENTS))
        self._given_up = None
        ask_gradients(self.session, self.do)
        self._update()

    def _give_up(self) -> None:
        self.do(DropQuestion(GRADIENTS))
        self._given_up = self._what_is_there
        self._update()

    @property
    def _table(self) -> TableName:
        chosen: TableName = self.by.currentData() or "hidden"
        return chosen

    @property
    def _what_is_there(self) -> tuple[int, int]:
        trace, branch = self.session.trace, self.session.branch
        return (branch.wire_id, len(trace)) if trace is not None and branch is not None else (-1, 0)

    def _update(self) -> None:
        session, trace, branch, step = self.session, self.session.trace, self.session.branch, self.session.playhead.step
        if trace is None or branch is None or step == NOWHERE:
            self.say(empty_text(session, EMPTY, explains=True))
            return
        if not session.questions.possible:
            self.say(NOT_LIVE)
            return
        if not self.isVisible():
            return
        self.say("")
        asked = self._ask_unasked(trace)
        found = followed(asked)
        if found is not None and (self._followed is None or found.number != self._followed.number
                                  or found.rows != self._followed.rows):
            self._followed = found
            self._decades = decades_of(found.table(name) for name in TABLES if found.has(name))
        self._show_state(asked, trace, step)
        looking = trace.with_role("attention") is not None
        self.masking.setVisible(looking)
        masked = ask_occlusion(session, self.do, step) if looking and self.masking.isChecked() else None
        values = session.appearance.values
        refused = self._followed is None and asked is not None and bool(asked.failure)
        state = (self._followed, branch.wire_id, trace, len(trace), step, self._table, masked, masked is not None and masked.done,
                 self.attributions.measure, values, self.theme.name, refused)
        if state != self._shown:
            self._shown = state
            self._show_map(trace, branch.wire_id, refused=refused)
            self._show_attributions(trace, step, branch.wire_id, masked)
            self.attributions.title.setVisible(looking or not refused)  # else nothing stands below it
        self.map.set_current(step)

    def _ask_unasked(self, trace: Trace) -> Asked | None:
        """Ask about a short run that does not grow any more, unless that was given up; what is asked now."""
        asked, there = self.session.questions.get(GRADIENTS), self._what_is_there
        if len(trace) != self._length and not trace.ended:
            self._settling.start()
        self._length = len(trace)
        if not is_short(trace) or there == self._given_up or (self._settling.isActive() and not trace.ended):
            return asked
        last = asked.question.last if asked is not None and isinstance(asked.question, FollowGradients) else -1
        answered = asked is not None and asked.wire_id == there[0] and (bool(asked.failure) or not asked.done
                                                                     or last >= len(trace) - 1)
        return asked if answered else ask_gradients(self.session, self.do)

    def _show_state(self, asked: Asked | None, trace: Trace, step: int) -> None:
        found, wire_id = self._followed, self._what_is_there[0]
        running = asked is not None and not asked.done
        if asked is not None and isinstance(asked.question, FollowGradients):
            own = followed(asked)
            self.progress.setRange(0, asked.question.last - asked.question.first + 1)
            self.progress.setValue(own.rows if own is not None else 0)
        note = state_of(asked, found, trace, step, wire_id=wire_id)
        self.status.setText(note)
        self.status.setVisible(bool(note))
        self.progress.setVisible(running)
        self.cancel.setVisible(running)
        self.compute.setText("Compute" if found is None else "Compute again")
        waits = self._settling.isActive() and is_short(trace)
        wanted = found is None or bool(asked and asked.failure) or not found.is_true_of(trace, step, wire_id)
        self.compute.setVisible(wanted and not running and not waits)

    def _show_map(self, trace: Trace, wire_id: int, *, refused: bool) -> None:
        found = self._followed
        offered: list[TableName] = [name for name in TABLES if found is not None and found.has(name)] or ["hidden"]
        self.by.offer((name, TITLES[name]) for name in offered)
        norms = found is not None and found.has(self._table)
        self.by.setVisible(norms)
        recurrent = any(own.role == "hidden" for own in trace.channels.values())  # otherwise no state is handed on
        self.map.setVisible(norms or (found is None and recurrent and not refused))
        self.map.plot.say("" if norms or not self.compute.isVisible() else "Press Compute.")
        self._chart.setVisible(any(not part.isHidden() for part in (self.map, self.by, self.compute, self.progress, self.status)))
        self._chart.setMaximumWidth(ASIDE if self.map.isHidden() else WHOLE)
        if found is None or not norms:
            self.map.set_table(np.zeros((0, 0), np.float32), first=0, words=(), symbol="h")
            return
        words = tuple(word_at(trace, step) for step in range(found.first, found.last + 1))
        headings = tuple(str(step + 1) for step in range(found.first, found.last + 1)) \
            if trace.provenance.input_kind == "clip" else words
        self.map.set_table(found.table(self._table), first=found.first, words=words, headings=headings,
                           recorded=trace.words[found.first : found.last + 1], symbol=SYMBOLS[self._table],
                           decades=self._decades, stale=found.wire_id != wire_id,
                           colour_map=self.session.appearance.values.sequential_colour_map)

    def _show_attributions(self, trace: Trace, step: int, wire_id: int, masked: Asked | None) -> None:
        found = self._followed
        part = found.row_of(step) if found is not None and found.wire_id == wire_id else None
        self.attributions.title.setText(f"“{word_at(trace, step)}” depended on")
        unit = "frames" if trace.provenance.input_kind == "clip" else f"{step_noun(trace.provenance)}s"
        self.attributions.show_words(words_read(trace, part, step), f"{unit} read: gradient × input")
        occluded = occluded_of(masked, step, wire_id)
        measure = self.attributions.measure
        places = places_of(trace, part, step, drops=None if occluded is None else occluded.drops(measure),
                           appearance=self.session.appearance.values)
        self.attributions.show_places(places)
        self.attributions.title.setVisible(part is not None or places is not None)
        text = "" if masked is None or places is None else masked.failure or "Computing occlusion…"
        if occluded is not None and places is not None and places.drops is not None:
            text = verdict(summarise(places.drops, places.attention), measure, sure=occluded.log_prob > SURE)
            self.attributions.show_values(occluded, self._named(occluded.runner_up, trace))
        else:
            self.attributions.show_values(None)
        self.attributions.show_verdict(text)

    def _named(self, token: int, trace: Trace) -> str:
        listed = {own.token: own.word for own in trace.candidates[self.session.playhead.step]}
        words = self.session.description.words if self.session.description is not None else ()
        word = listed.get(token) or (words[token] if 0 <= token < len(words) else str(token))
        return shown(word, trace.provenance.detokenization)

    def say(self, sentence: str) -> None:
        if sentence:
            self._shown = None
        super().say(sentence)
