"""The logit lens (nostalgebraist 2020): what would be written if the model ended after each of its layers.

Asked for while the view is seen, for a part of the run around the playhead.
"""

import numpy as np

from unrolled.models.protocol.questions import LensRead, ReadLens
from unrolled.models.trace import ModelDescription, Trace
from unrolled.viewer.plotting.context_menu import attach
from unrolled.viewer.plotting.table import Column, Table
from unrolled.viewer.state.beginning import empty_text
from unrolled.viewer.state.commands import Ask, LookAt, Seek
from unrolled.viewer.state.questions import Asked
from unrolled.viewer.state.wording import percent, shown
from unrolled.viewer.views.lens.canvas import WIDTH, LensCanvas, LensColumn
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.building import countdown, muted_label, scrolled

LENS = "logit lens"  # what it is asked under
PART = 32            # steps that are asked for at once
SETTLED_MILLISECONDS = 300
EMPTY = "What each layer would write."
NOT_LIVE = "This needs the model’s weights: load the model that recorded this run."
MEANING = "The most probable token after each layer, coloured by its probability; framed where it is the one written."


class LogitLensView(View):
    """Words by layer and step; a click goes to the step and looks at the layer."""

    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx, name="Logit lens")
        self._drawn: tuple[object, ...] = ()
        self.canvas = LensCanvas(ctx.theme)
        self.canvas.clicked.connect(self._clicked)
        attach(self.canvas, "Logit lens", table=self._table, fill=self.canvas.zoom.add_to)
        self.area = scrolled(self.canvas, sideways=True)
        self.area.horizontalScrollBar().valueChanged.connect(lambda _: self.canvas.update())
        self.status = muted_label(MEANING, wrapped=True)
        self.hold(self.status, (self.area, 1), spacing=4)
        self._settling = countdown(self, SETTLED_MILLISECONDS, self._ask)
        self.refresh()

    def refresh(self) -> None:
        if not self.session.trace:
            self.say(empty_text(self.session, EMPTY, explains=True))
        else:
            self.say("" if self.session.questions.possible else NOT_LIVE)
        self._follow(self.session.playhead.step)

    def seek(self, step: int) -> None:
        self._follow(step)

    def _follow(self, step: int) -> None:
        trace, branch, description = self.session.trace, self.session.branch, self.session.description
        if trace is None or branch is None or description is None or self._content.isHidden() or not self.isVisible():
            return
        asked = self.session.questions.get(LENS)
        if asked is not None and asked.wire_id != branch.wire_id:
            asked = None
        if self._wanted(trace, step, asked) is not None and not self._settling.isActive():
            self._settling.start()
        parts = tuple(part for part in asked.parts if isinstance(part, LensRead)) if asked is not None else ()
        values = self.session.appearance.values
        state = (trace, len(parts), asked and asked.number, values.sequential_colour_map, self.theme.name)
        if state != self._drawn:
            self._drawn = state
            columns = tuple(column_of(part, trace, description) for part in parts if part.step < len(trace))
            self.canvas.set_columns(columns, parts[0].layers if parts else 0, values.sequential_colour_map)
        self.status.setText(asked.failure if asked is not None and asked.failure else MEANING)
        layer = int(self.session.selection.at.get("layer", self.canvas.layers - 1))
        self.canvas.set_place(step, min(layer, self.canvas.layers - 1))
        number = self.canvas.column_of(step)
        if number >= 0:
            x = self.canvas.box(number, 0).center().x() * self.canvas.zoom.factor
            self.area.ensureVisible(round(x), self.area.verticalScrollBar().value(), 2 * WIDTH, 0)

    def _wanted(self, trace: Trace, step: int, asked: Asked | None) -> ReadLens | None:
        """The part of the run around a step, unless it is asked for already or a part before it is under way."""
        if not 0 <= step < len(trace) or (asked is not None and not asked.done):
            return None
        first = step // PART * PART
        wanted = ReadLens(first, min(first + PART, len(trace)) - 1)
        return None if asked is not None and asked.question == wanted else wanted

    def _ask(self) -> None:
        trace, branch = self.session.trace, self.session.branch
        if trace is None or branch is None or not self.isVisible() or not self.session.questions.possible:
            return
        asked = self.session.questions.get(LENS)
        own = asked if asked is not None and asked.wire_id == branch.wire_id else None
        wanted = self._wanted(trace, self.session.playhead.step, own)
        if wanted is not None:
            self.do(Ask(LENS, wanted, branch.wire_id))

    def _clicked(self, step: int, layer: int) -> None:
        self.do(Seek(step))
        self.do(LookAt("layer", str(layer)))

    def _table(self) -> Table | None:
        """A row a step, a column a layer, and the probability of each word."""
        columns, layers = self.canvas.columns, range(self.canvas.layers)
        if not columns:
            return None
        names = ["step", "written"]
        values: list[Column] = [np.array([own.step for own in columns]), [own.written for own in columns]]
        for layer in layers:
            names += [f"layer_{layer}", f"probability_{layer}"]
            values += [[own.words[layer] for own in columns], np.array([own.chances[layer] for own in columns])]
        return Table(names, values)


def column_of(part: LensRead, trace: Trace, description: ModelDescription) -> LensColumn:
    tokens = np.frombuffer(part.tokens, "<i4").reshape(part.layers, -1)
    chances = np.exp(np.frombuffer(part.log_probs, "<f4")).reshape(part.layers, -1)
    written, ranks = np.exp(np.frombuffer(part.written, "<f4")), np.frombuffer(part.ranks, "<i4")
    named = [[shown(description.words[token], description.detokenization) for token in row] for row in tokens.tolist()]
    own = shown(trace.words[part.step], description.detokenization)
    texts = tuple(
        "\n".join((f"After layer {layer + 1}:", *(f"{word}  {percent(float(chance))}" for word, chance in
                                              zip(named[layer], chances[layer], strict=True)),
                   f"“{own}”, the word written: {percent(float(written[layer]))}, rank {int(ranks[layer]) + 1:,}"))
        for layer in range(part.layers))
    return LensColumn(step=part.step, words=tuple(row[0] for row in named), chances=chances[:, 0].astype(np.float32), texts=texts,
                      written=own)
