"""The attention of the whole run: how sharp it is, what it covers, and whether it differs between words."""

import numpy as np
from PySide6.QtWidgets import QLabel, QScrollArea, QWidget

from unrolled.models.analysis.attention_statistics import WARNING, attention_statistics
from unrolled.models.trace.numbers import brief
from unrolled.models.trace.places import place_words
from unrolled.viewer.plotting.context_menu import FocusRing
from unrolled.viewer.plotting.place_bars import PlaceBars, bars
from unrolled.viewer.plotting.place_map import PlaceMap
from unrolled.viewer.state.beginning import empty_text
from unrolled.viewer.state.wording import counted, percent, shown, step_noun
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.building import in_column, in_row

COVERAGE = "coverage: Σα over the run"
EMPTY = "How sharp the attention is, and what it covers."


class AttentionStatisticsView(View):
    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx, name="Attention statistics")
        self._shown: tuple[object, ...] = ()
        self.coverage = PlaceMap(COVERAGE, ctx.theme, signed_values=False)
        self.source_coverage = PlaceBars(COVERAGE, ctx.theme)
        self.text = QLabel("", wordWrap=True)
        self.warning = QLabel(WARNING, wordWrap=True)
        self.warning.setObjectName("subtitle")
        left, right = in_column(None, self.coverage, self.source_coverage), in_column(None, self.warning, self.text)
        inside = QWidget()
        in_row(inside, (left, 2), (right, 3), spacing=14).setContentsMargins(0, 0, 6, 0)
        for column in (left, right):
            column.addStretch(1)
        area = QScrollArea(widgetResizable=True)
        area.setWidget(inside)
        area.setAccessibleName("How attention is spread")
        FocusRing(area)
        self.hold(area)
        self.refresh()

    def refresh(self) -> None:
        trace = self.session.trace
        channel = next((own for own in self.session.channels if own.role == "attention"), None) if trace is not None else None
        if trace is None or channel is None or not len(trace):
            self.say(empty_text(self.session, EMPTY))
            return
        self.say("")
        state = (trace, len(trace), channel.name, self.session.playhead.step, self.theme.name)
        if state == self._shown or not self.isVisible():
            return
        self._shown = state
        try:
            growing = channel.axes == ("key",) and trace.provenance.words_chosen
            found = attention_statistics(trace.column(channel.name), growing=growing)
        except ValueError as error:
            self.text.setText(f"{error}.")
            return
        names = tuple(shown(word, trace.provenance.detokenization) for word in place_words(trace, channel.axes))
        coverage = found.coverage.astype(np.float32)
        self.coverage.setVisible(not names)
        self.source_coverage.setVisible(bool(names))
        if names:
            self.source_coverage.set_bars(names, (bars(COVERAGE, coverage, brief_title="coverage", signed=False),))
        else:
            self.coverage.set_values(coverage, channel.shape if len(channel.shape) == 2 else (1, channel.size),
                                     note=f"target 1, uniform {brief(found.even)}")
        step = self.session.playhead.step
        now = f"{percent(float(found.entropy[step]))} now, " if 0 <= step < len(found.entropy) else ""
        changes = f"{percent(found.change)} of the weight moves from one {step_noun(trace.provenance)} to the next, on average." \
            if np.isfinite(found.change) else "Only one map so far."
        self.text.setText(
            f"Entropy, as a share of uniform attention’s: {now}{percent(float(found.entropy.mean()))} on average.\n"
            f"{changes}\nA map differs from the mean map in {percent(found.difference)} of its weight.\n"
            f"Coverage lies between {brief(float(found.coverage.min()))} and {brief(float(found.coverage.max()))}. "
            + (f"Spread evenly, it would fall from {brief(sum(1 / step for step in range(1, len(trace) + 1)))} at the first "
               f"place, which every step sees, to {brief(1 / len(trace))} at the last." if growing else
               f"The doubly stochastic regulariser (Xu et al. 2015) targets 1 at every place: "
               f"Σ(1 − Σα)² = {brief(found.penalty)}. Spread evenly, {counted(len(trace), 'step')} would give each of "
               f"{channel.size} places {brief(found.even)}."))
        self.warning.setVisible(found.hardly_differ)

    def seek(self, step: int) -> None:
        self.refresh()
