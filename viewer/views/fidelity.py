"""A badge: the largest difference between what is drawn and the same steps computed a second time, independently.

The steps that are new are asked about, some at a time, while the window has nothing better to do.
"""

from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QLabel

from unrolled.models.analysis.fidelity import Agreed, Fidelity
from unrolled.models.protocol.questions import Replay, Replayed
from unrolled.models.trace import Trace
from unrolled.models.trace.numbers import brief
from unrolled.models.trace.slices import spoken
from unrolled.viewer.state.commands import Ask
from unrolled.viewer.state.wording import counted
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.building import countdown, in_row

QUESTION = "fidelity"
AT_ONCE = 256  # steps
PAUSE_MILLISECONDS = 150


class FidelityBadge(View):
    """What was checked, and how well it agrees."""

    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx, name="Fidelity")
        self.label = QLabel("")
        self.label.setAccessibleName("Fidelity")
        in_row(self, self.label).setContentsMargins(0, 0, 12, 0)
        self._of: tuple[Trace | None, int] = (None, 0)
        self._taken = 0
        self._next = 0
        self._waited_for = 0
        # While steps come one after another there are better things to do.
        self._pause = countdown(self, PAUSE_MILLISECONDS, self._ask)
        self.found = Fidelity()
        self._failure = ""
        self.refresh()

    def refresh(self) -> None:
        session, branch = self.session, self.session.branch
        trace = session.trace
        if trace is None or branch is None or not len(trace):
            self._show("", "", "")
            return
        if (trace, branch.wire_id) != self._of:
            self._of, self._next, self._taken = (trace, branch.wire_id), 0, 0
            self.found, self._failure = Fidelity(), ""
        if trace.provenance.agreements:
            self._tell_of_recording(trace)
            return
        if not session.questions.possible:
            if self.found.steps:  # before the model was lost
                self._tell(trace)
                return
            self._show("not checked", self.theme.muted, "The model that recorded this run is not loaded: what is drawn "
                                                        "cannot be checked against it.")
            return
        asked = session.questions.get(QUESTION)
        if asked is not None and asked.wire_id == branch.wire_id:
            if asked.done and asked.number != self._taken:
                self._taken = asked.number
                self._failure = asked.failure
                for part in asked.parts:
                    if isinstance(part, Replayed) and not self.found.take(part, trace):
                        self._failure = "What the model gave does not fit what is drawn."
            if not asked.done:
                self._tell(trace)
                return
        if self._next < len(trace) and len(trace) != self._waited_for:
            self._waited_for = len(trace)
            self._pause.start()
        self._tell(trace)

    def closeEvent(self, event: QCloseEvent) -> None:
        self._pause.stop()
        super().closeEvent(event)

    def _ask(self) -> None:
        """No step has come for a moment: ask about those that are new."""
        trace, branch = self.session.trace, self.session.branch
        self._waited_for = 0
        if trace is None or branch is None or not self.session.questions.possible or self._reading(trace):
            return
        first, last = self._next, len(trace) - 1
        if first <= last:
            first = max(first, last - AT_ONCE + 1)  # of a run that came all at once its end
            self._next = last + 1
            self.do(Ask(QUESTION, Replay(first, last), branch.wire_id))

    def _reading(self, trace: Trace) -> bool:
        """Whether a long text is still being read: the model has its hands full."""
        given = trace.provenance.prompt_tokens
        return given > AT_ONCE and len(trace) < given

    def _tell(self, trace: Trace) -> None:
        found = self.found
        if self._failure and not found.steps:
            self._show("not checked", self.theme.muted, self._failure)
            return
        if not found.steps:
            self._show("checking…", self.theme.muted, "What is drawn is being checked against the model.")
            return
        steps = counted(len(trace), "step")
        of = f"{found.steps:,} of {steps}" if found.steps < len(trace) else f"all {steps}"
        if found.agrees:
            self._show(f"✓ verified to {brief(found.largest)}", self.theme.good,
                       f"Recomputed independently, {found.how}: {found.checked}; of {of}. "
                       f"The largest difference is {brief(found.largest)}: {found.where}.")
        elif found.missing:
            missing = ", ".join(spoken(name) for name in found.missing)
            self._show("✗ not all checked", self.theme.error, f"Not recomputed: {missing}.")
        else:
            self._show(f"✗ {found.where} differs by {brief(found.largest)}", self.theme.error,
                       f"What is drawn differs from the independent recomputation, {found.how} ({of}): "
                       f"{found.where} differs by {brief(found.largest)}.")

    def _tell_of_recording(self, trace: Trace) -> None:
        """A network that was recorded is not here to be asked: what was found while it was."""
        agreed = Agreed(trace)
        begin = "When it was recorded, what is drawn was compared with what the network itself returned.\n" + agreed.how
        if not agreed.within:
            self._show(f"✗ {agreed.where} differs by {brief(agreed.largest)}", self.theme.error, begin)
        elif not agreed.where:
            self._show("not checked", self.theme.muted, begin)
        elif agreed.uncompared:
            self._show(f"✓ agrees to {brief(agreed.largest)}, in part", self.theme.muted, begin)
        else:
            self._show(f"✓ agrees to {brief(agreed.largest)}", self.theme.good, begin)

    def _show(self, text: str, colour: str, tooltip: str) -> None:
        if (text, tooltip) != (self.label.text(), self.label.toolTip()) or colour not in self.label.styleSheet():
            self.label.setText(text)
            self.label.setStyleSheet(f"color: {colour}; font-size: 12px;" if colour else "")
            self.label.setToolTip(tooltip)
            self.label.setAccessibleDescription(tooltip)
