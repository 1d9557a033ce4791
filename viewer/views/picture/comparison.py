"""The other run of a comparison: what it looks at, with its attention at the same step, and its words."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QWidget

from unrolled.models.inputs.inputs import InputPicture
from unrolled.viewer.drawing.overlay import overlay, photograph
from unrolled.viewer.plotting.context_menu import attach
from unrolled.viewer.plotting.trace_tables import grid_table
from unrolled.viewer.state.commands import Seek
from unrolled.viewer.state.wording import shown
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.views.picture.canvas import PictureCanvas
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.building import in_column
from unrolled.viewer.widgets.word_flow import GAP, WordFlow

MOST_WORDS = 60


class BesideView(View):
    """B: its picture, where it has one, and its words."""

    def __init__(self, ctx: ViewContext, parent: QWidget | None = None) -> None:
        super().__init__(ctx, parent)
        theme = ctx.theme
        self.setAccessibleName("The run that is compared")
        self._picture: InputPicture | None = None
        self._drawn: object = None
        self.canvas = PictureCanvas(theme)
        self.canvas.setAccessibleName("Picture of the run that is compared")
        attach(self.canvas, "Compared photograph with attention", table=lambda: grid_table(self.canvas.shown_map))
        self.words = WordFlow(theme)
        self.words.clicked.connect(lambda step: self.do(Seek(step)))
        in_column(self, (self.canvas, 1), self.words, spacing=4)

    def refresh(self) -> None:
        self.set_note(self.session.compared.name if self.session.compared is not None else "")
        self.seek(self.session.playhead.step)

    def seek(self, step: int) -> None:
        compared = self.session.compared
        if compared is None:
            return
        given = compared.input or self.session.input
        picture = given if isinstance(given, InputPicture) else None
        if picture is not self._picture:
            self._picture = picture
            self.canvas.set_photo(None if picture is None else photograph(picture.pixels))
        self.canvas.setVisible(picture is not None)
        trace, values = compared.trace, self.session.appearance.values
        drawn = (trace, len(trace), step, values, self.theme.name)
        if drawn == self._drawn:
            return
        self._drawn = drawn
        channel = trace.with_role("attention")
        there = channel is not None and channel.axes == ("row", "column") and 0 <= step < len(trace)
        weights = trace.column(channel.name)[step] if there and channel is not None else None
        self.canvas.set_map(weights, None if weights is None else overlay(np.asarray(weights), values),
                            smooth=values.attention_smooth)
        self._write(step)

    def set_theme(self, theme: Theme) -> None:
        for part in (self.canvas, self.words):
            part.theme = theme
            part.update()
        super().set_theme(theme)

    def _write(self, step: int) -> None:
        compared = self.session.compared
        assert compared is not None
        trace = compared.trace
        detokenization = trace.provenance.detokenization
        first = max(min(step, len(trace)) - MOST_WORDS // 2, 0)
        words = tuple(shown(word, detokenization) for word in trace.words[first : first + MOST_WORDS])
        self.words.set_words(words, first=first, current=step, gap=0.0 if detokenization == "characters" else GAP)
