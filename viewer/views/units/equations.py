"""The step's equations with one unit's numbers: from what each came, down to units, words and places.

It asks the model; what it shows as a result is what the trace recorded.
"""

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, QUrl
from PySide6.QtGui import QGuiApplication, QHideEvent
from PySide6.QtWidgets import QFrame, QMenu, QSpinBox, QTextBrowser, QToolButton

from unrolled.models.protocol.questions import Explained, ExplainStep
from unrolled.models.trace import Channel, Trace
from unrolled.viewer.plotting.context_menu import FocusRing
from unrolled.viewer.state.beginning import empty_text
from unrolled.viewer.state.commands import Ask, DropQuestion, Pin, Seek
from unrolled.viewer.state.playhead import NOWHERE
from unrolled.viewer.state.wording import place_name, shown, step_noun
from unrolled.viewer.views.units.equation_text import EquationText, as_latex, as_plain
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.building import in_row, muted_label, named, tool_button

QUESTION = "equations"
EMPTY = "The step’s equations with one unit’s numbers."
NOT_LIVE = "The equations need the model’s weights: load the model that recorded this run."
FIRST_OPEN = {"cell", "hidden", "forget_gate"}


class EquationsView(View):
    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx, name="Equations of this step")
        self._open: set[str] = set(FIRST_OPEN)
        self._shown: object = None
        self.explained: Explained | None = None
        self.heading = muted_label()
        self.unit_box = named(QSpinBox(prefix="unit "), "Unit whose numbers are shown",
                              "Unit whose numbers are shown: type one, or click a row of a track")
        self.unit_box.setKeyboardTracking(False)
        self.unit_box.valueChanged.connect(self._pin)
        copy = tool_button("Copy", "Copy the equations as text or as LaTeX", lambda: None, name="Copy the equations")
        menu = QMenu(copy)
        for title, made in (("As text", as_plain), ("As LaTeX", as_latex)):
            menu.addAction(title, lambda _=False, made=made: self._copy(made))
        copy.setMenu(menu)
        copy.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.text = named(QTextBrowser(openLinks=False), "Equations")
        FocusRing(self.text)
        self.text.setFrameShape(QFrame.Shape.NoFrame)
        self.text.anchorClicked.connect(self._follow)
        self.text.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.hold(in_row(None, self.unit_box, (self.heading, 1), copy, spacing=6), (self.text, 1), spacing=2)
        self.say(empty_text(ctx.session, EMPTY))

    @property
    def unit(self) -> int:
        """Whose numbers are shown: the unit pinned last, else the one that speaks loudest at this step; -1 without any."""
        hidden, trace, step = self._hidden, self.session.trace, self.session.playhead.step
        if hidden is None or trace is None or not 0 <= step < len(trace):
            return -1
        pinned = [unit for unit in self.session.selection.units if unit < hidden.size]
        return pinned[-1] if pinned else int(np.nan_to_num(np.abs(trace.column(hidden.name)[step]), nan=-1.0).argmax())

    def seek(self, step: int) -> None:
        self._update()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.do(DropQuestion(QUESTION))

    @property
    def _hidden(self) -> Channel | None:
        trace = self.session.trace
        return trace.with_role("hidden") if trace is not None else None

    def _update(self) -> None:
        session, trace = self.session, self.session.trace
        step, unit, branch = session.playhead.step, self.unit, session.branch
        if trace is None or branch is None or step == NOWHERE or unit < 0:
            self.say(empty_text(session, EMPTY, explains=True))
            return
        if not session.questions.possible:
            self.say(NOT_LIVE)
            return
        if not self.isVisible():
            return
        hidden = self._hidden
        assert hidden is not None
        with QSignalBlocker(self.unit_box):
            self.unit_box.setRange(0, hidden.size - 1)
            self.unit_box.setValue(unit)
        loudest = "" if session.selection.units else ", largest |h|"
        noun = step_noun(trace.provenance)
        self.heading.setText(f"{noun} {step + 1:,} “{shown(trace.words[step], trace.provenance.detokenization)}”{loudest}")
        self.do(Ask(QUESTION, ExplainStep(step, unit), branch.wire_id))
        asked = session.questions.get(QUESTION)
        if asked is None or asked.failure:
            self.say(asked.failure if asked is not None else NOT_LIVE)
            return
        found = next((part for part in asked.parts if isinstance(part, Explained)), None)
        if found is None:
            return  # what is there stays until the answer comes, so that nothing flickers while playing
        state = (found.step, found.unit, branch.wire_id, frozenset(self._open), self.theme.name)
        if state == self._shown:
            return
        self._shown, self.explained = state, found
        self._set(found, trace)

    def _set(self, found: Explained, trace: Trace) -> None:
        def recorded(channel: str) -> float | None:
            known = trace.channels.get(channel)
            return None if known is None or known.axes != ("unit",) else float(trace.column(channel)[found.step, found.unit])

        attention = trace.with_role("attention")
        weights = trace.column(attention.name)[found.step].ravel() if attention is not None else np.zeros(0, np.float32)
        looked = [(own, float(weights[own.place])) for own in found.looked if own.place < len(weights)]

        setter = EquationText(self.theme, recorded=recorded, place_name=lambda place: place_name(place, attention),
                              open_equations=self._open)
        bar = self.text.verticalScrollBar()
        was = bar.value()
        self.text.setHtml(setter.html(found, looked))
        bar.setValue(was)
        self.text.setAccessibleDescription(as_plain(found))
        self.say("")

    def say(self, sentence: str) -> None:
        if sentence:
            self._shown, self.explained = None, None
        super().say(sentence)

    def _pin(self, unit: int) -> None:
        units = self.session.selection.units
        self.do(Pin((*(own for own in units if own != unit), unit)))

    def _follow(self, url: QUrl) -> None:
        kind, _, what = url.toString().partition(":")
        if kind == "open":
            self._open ^= {what}
            self._update()
        elif kind == "unit":
            self._pin(int(what))
        elif kind == "step":
            self.do(Seek(int(what)))

    def _copy(self, made: Callable[[Explained], str]) -> None:
        if self.explained is not None:
            QGuiApplication.clipboard().setText(made(self.explained))
