"""A badge: the largest difference between what is drawn and what the model itself gives, replayed by torch's own modules.

The steps that are new are asked about, some at a time, while the window has nothing better to do.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from unrolled.models.protocol.questions import Replay, Replayed
from unrolled.models.trace import Trace
from unrolled.viewer.panels.panel import Panel
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.themes import Theme

QUESTION = "fidelity"
AT_ONCE = 256      # steps
TOLERANCE = 1e-4   # of values around 1; float32 on another device than the processor stays well below
LOG_PROBS = "log_probs"


class FidelityBadge(Panel):
    """What was checked, and how well it agrees.

    Attributes
    ----------
    label : QLabel
    checked : int
        How many steps of the run that is shown.
    largest : float
        The largest difference among them.
    where : str
        The channel and the step of it.
    """

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(session, theme, parent)
        self.setAccessibleName("Fidelity")
        self.label = QLabel("")
        self.label.setAccessibleName("Fidelity")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 12, 0)
        layout.addWidget(self.label)
        self._of: tuple[int, int] = (0, 0)
        self._taken = 0
        self._next = 0
        self.checked = 0
        self.largest = 0.0
        self.relative = 0.0
        self.where = ""
        self._modules: set[str] = set()
        self._by_hand = False
        self._failure = ""
        self.refresh()

    @property
    def agrees(self) -> bool:
        """Whether every difference is within tolerance."""
        return self.relative <= TOLERANCE

    def refresh(self) -> None:
        """Take over what was answered, and ask about what is new."""
        session, branch = self.session, self.session.branch
        trace = session.trace
        if trace is None or branch is None or not len(trace):
            self._show("", "", "")
            return
        if (id(trace), branch.take) != self._of:
            self._of, self._next, self._taken = (id(trace), branch.take), 0, 0
            self.checked, self.largest, self.relative, self.where = 0, 0.0, 0.0, ""
            self._modules, self._by_hand, self._failure = set(), False, ""
        if not session.questions.possible:
            self._show("not checked", self.theme.muted, "The model that recorded this run is not loaded: what is drawn "
                                                        "cannot be held against it.")
            return
        asked = session.questions.get(QUESTION)
        if asked is not None and asked.take == branch.take:
            if asked.done and asked.number != self._taken:
                self._taken = asked.number
                self._failure = asked.failure
                for part in asked.parts:
                    if isinstance(part, Replayed):
                        self._take(part, trace)
            if not asked.done:
                self._tell(trace)
                return
        first, last = self._next, len(trace) - 1
        if first <= last and not self._reading(trace):
            first = max(first, last - AT_ONCE + 1)  # of a run that came all at once its end
            self._next = last + 1
            session.questions.ask(QUESTION, Replay(first, last), branch.take)
        self._tell(trace)

    def _reading(self, trace: Trace) -> bool:
        """Whether a long text is still being read: the model has its hands full."""
        given = trace.provenance.given
        return given > AT_ONCE and len(trace) < given

    def _take(self, part: Replayed, trace: Trace) -> None:
        stop = part.first + part.count
        sizes = {name: channel.size for name, channel in trace.channels.items()} | {LOG_PROBS: 1}
        total = sum(sizes.get(name, 0) for name in part.channels)
        if stop > len(trace) or len(part.values) != 4 * part.count * total:
            self._failure = "What the model gave does not fit what is drawn."
            return
        values = np.frombuffer(part.values, "<f4").reshape(part.count, -1)
        begin = 0
        for name in part.channels:
            drawn = trace.log_probs[part.first : stop, None] if name == LOG_PROBS else \
                trace.column(name)[part.first : stop].reshape(part.count, -1)
            own = values[:, begin : begin + drawn.shape[1]]
            begin += drawn.shape[1]
            away = np.abs(own.astype(np.float64) - drawn)
            away[~np.isfinite(own) & (own == drawn)] = 0.0  # a word that is never written has minus infinity in both
            relative = away / np.maximum(1.0, np.abs(drawn))
            worst = np.unravel_index(int(np.nanargmax(relative)), relative.shape)
            self.relative = max(self.relative, float(relative[worst]))
            if not self.where or float(away[worst]) > self.largest:
                self.largest = float(away[worst])
                unit = f", unit {worst[1]}" if name != LOG_PROBS else ""
                self.where = f"{name.replace('_', ' ')}{unit}, step {part.first + int(worst[0]) + 1:,}"
        self.checked += part.count
        self._modules.update(part.modules)
        self._by_hand |= not part.modules

    def _tell(self, trace: Trace) -> None:
        if self._failure and not self.checked:
            self._show("not checked", self.theme.muted, self._failure)
            return
        if not self.checked:
            self._show("checking…", self.theme.muted, "What is drawn is being held against the model.")
            return
        by = " and ".join([*sorted(self._modules), *(["its own equations, where a gate is edited"] if self._by_hand else [])])
        of = f"{self.checked:,} of {len(trace):,} steps" if self.checked < len(trace) else f"all {len(trace):,} steps"
        if self.agrees:
            self._show(f"✓ true to {self.largest:.0e}" if self.largest else "✓ true to the bit", self.theme.good,
                       f"The largest difference between what is drawn and what {by} gave, of {of}: {self.largest:.2g}.")
        else:
            self._show(f"✗ {self.where} differs by {self.largest:.2g}", self.theme.error,
                       f"What is drawn is not what {by} gave ({of}): {self.where} differs by {self.largest:.3g}.")

    def _show(self, text: str, colour: str, tooltip: str) -> None:
        if (text, tooltip) != (self.label.text(), self.label.toolTip()) or colour not in self.label.styleSheet():
            self.label.setText(text)
            self.label.setStyleSheet(f"color: {colour}; font-size: 12px;" if colour else "")
            self.label.setToolTip(tooltip)
            self.label.setAccessibleDescription(tooltip)
