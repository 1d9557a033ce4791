"""The quiet line at the bottom: what is going on, and what is loaded."""

import re

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QProgressBar, QWidget

from unrolled.viewer.state.commands import Do, EndLoading
from unrolled.viewer.widgets.building import countdown, elided_label, in_row, named, tool_button

OFFERED_AFTER = 500  # milliseconds: most models are there by then


class StatusLine(QFrame):
    """What is going on at the left, with a bar while it lasts; what is loaded at the right."""

    def __init__(self, do: Do) -> None:
        super().__init__()
        self.setObjectName("status")
        self.setFixedHeight(24)
        self.activity, self.facts = named(elided_label(), "Activity"), named(elided_label(), "Model and device")
        self.facts.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.bar = named(QProgressBar(textVisible=False), "Progress")
        self.bar.setFixedWidth(120)
        self.bar.hide()
        self.cancel = tool_button("Cancel", "Stop loading the model", lambda: do(EndLoading()))
        self.cancel.hide()
        self._patience = countdown(self, OFFERED_AFTER, self.cancel.show)
        layout = in_row(self, self.bar, (self.activity, 1), self.cancel, spacing=8)
        layout.setContentsMargins(4, 0, 4, 0)
        layout.addStretch()
        layout.addWidget(self.facts, 1)
        self.set_facts("")
        self._layout = layout

    def add_badge(self, badge: QWidget) -> None:
        self._layout.insertWidget(self._layout.indexOf(self.facts), badge)

    def set_facts(self, text: str) -> None:
        _say(self.facts, text)

    def set_activity(self, text: str, fraction: float, *, loading: bool = False) -> None:
        """Say what is going on; a fraction of -1 means that nobody knows how far it is. `loading`: a model, to be given up."""
        _say(self.activity, text)
        self.bar.setVisible(bool(text) and fraction >= 0)  # a bar that only wanders would keep the screen busy
        if not (loading and text):
            self._patience.stop()
            self.cancel.hide()
        elif fraction >= 0:
            self.cancel.show()
        elif self.cancel.isHidden() and not self._patience.isActive():
            self._patience.start()
        if text and fraction >= 0:
            self.bar.setRange(0, 1000)
            self.bar.setValue(round(1000 * min(fraction, 1.0)))


def _say(label: QLabel, text: str) -> None:
    """Have it say this, as wide as the text at most, whatever its digits: with less room it is cut, and the badge never is."""
    label.setText(text)
    label.setMaximumWidth(label.fontMetrics().horizontalAdvance(re.sub(r"\d", "0", text)) + 4)
