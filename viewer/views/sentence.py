"""A view of one line of text, which says something of every step: the least that a package can bring."""

from collections.abc import Callable

from PySide6.QtWidgets import QLabel, QVBoxLayout

from unrolled.models.trace import Trace
from unrolled.viewer.views.view import View, ViewContext


class SentenceView(View):
    """Says a sentence of the step at the playhead."""

    sentence: Callable[[Trace, int], str]  # a method that every such view defines: trace, step → what is said of it

    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx)
        self.label = QLabel(wordWrap=True)
        QVBoxLayout(self).addWidget(self.label)

    def seek(self, step: int) -> None:
        trace = self.session.trace
        there = trace is not None and 0 <= step < len(trace)
        self.label.setText(self.sentence(trace, step) if trace is not None and there else "")
