"""The other run of a comparison: what it looks at, with its attention at the same step, and its words."""

import numpy as np

from unrolled.models.inputs.inputs import InputPicture
from unrolled.viewer.drawing.overlay import overlay, photograph, veil_of
from unrolled.viewer.plotting.context_menu import attach
from unrolled.viewer.plotting.table import grid_table
from unrolled.viewer.state.commands import Seek
from unrolled.viewer.state.shown import ShownSession
from unrolled.viewer.state.wording import shown
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.views.picture.canvas import PictureCanvas
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.building import in_column
from unrolled.viewer.widgets.word_flow import GAP, WordFlow

MOST_WORDS = 60


class OtherPicture(PictureCanvas):
    """B's picture, for the place right of A's; hidden while no picture is compared."""

    def __init__(self, session: ShownSession, theme: Theme) -> None:
        super().__init__(theme)
        self._session = session
        self._picture: InputPicture | None = None
        self._drawn: object = None
        self.setAccessibleName("Picture of the run that is compared")
        self.set_label("B")
        attach(self, "Compared photograph with attention", table=lambda: grid_table(self.shown_map),
               fill=self.magnifier.add_to)
        self.hide()

    def seek(self, step: int) -> None:
        session, compared = self._session, self._session.compared
        given = None if compared is None else compared.input or session.input
        picture = given if isinstance(given, InputPicture) else None
        if picture is not self._picture:
            self._picture = picture
            self.set_photo(None if picture is None else photograph(picture.pixels))
        self.setVisible(picture is not None)
        if compared is None or picture is None:
            return
        trace, values = compared.trace, session.appearance.values
        drawn = (trace, len(trace), step, values)
        if drawn == self._drawn:
            return
        self._drawn = drawn
        channel = trace.with_role("attention")
        there = channel is not None and channel.axes == ("row", "column") and 0 <= step < len(trace)
        weights = trace.column(channel.name)[step] if there and channel is not None else None
        self.set_map(weights, None if weights is None else overlay(np.asarray(weights), values), smooth=values.attention_smooth,
                     veil=veil_of(values))


class BesideView(View):
    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx, name="The run that is compared")
        self._drawn: object = None
        self.words = WordFlow(ctx.theme)
        self.words.clicked.connect(lambda step: self.do(Seek(step)))
        in_column(self, (self.words, 1))

    def refresh(self) -> None:
        self.set_note(self.session.compared.name if self.session.compared is not None else "")
        self.seek(self.session.playhead.step)

    def seek(self, step: int) -> None:
        compared = self.session.compared
        if compared is None:
            return
        trace = compared.trace
        drawn = (trace, len(trace), step)
        if drawn == self._drawn:
            return
        self._drawn = drawn
        detokenization = trace.provenance.detokenization
        first = max(min(step, len(trace)) - MOST_WORDS // 2, 0)
        words = tuple(shown(word, detokenization) for word in trace.words[first : first + MOST_WORDS])
        self.words.set_words(words, first=first, current=step, gap=0.0 if detokenization == "characters" else GAP)
