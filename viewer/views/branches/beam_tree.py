"""A beam search as a tree: at every step the hypotheses that were kept, whom they go on from, and what became of them."""

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent

from unrolled.models.trace.detokenization import text_of
from unrolled.models.trace.numbers import signed
from unrolled.viewer.drawing.beam_painting import (
    COLUMN,
    EDGE,
    NODE_HEIGHT,
    NODE_WIDTH,
    ROW,
    paint_edge,
    paint_node,
    search_in_words,
)
from unrolled.viewer.drawing.painting import draw_focus, mix
from unrolled.viewer.plotting.context_menu import attach
from unrolled.viewer.plotting.table import Table
from unrolled.viewer.state.commands import FollowHypothesis
from unrolled.viewer.state.search_tree import ROOT, Hypothesis, SearchTree
from unrolled.viewer.state.wording import is_end, shown
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.building import PartTips, muted_label, scrolled
from unrolled.viewer.widgets.themed import Painted
from unrolled.viewer.widgets.zoom import Zoom

EMPTY = "Choose beam search under “Decoding” (D): its hypotheses appear here as they are extended, pruned and finished."
MOVES = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}
FATES = {"lives": "active", "died": "pruned: it is not extended", "finished": "finished", "best": "on the way to the best"}


class BeamTree(Painted):
    own_keys = frozenset(MOVES)

    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx.theme)
        self._session, self._do = ctx.session, ctx.do
        self._growing: SearchTree | None = None
        self._search: SearchTree | None = None  # as it was when its places were made: it may be painted before it is told to grow
        self._places: dict[int, QRectF] = {}
        self._most = 1  # hypotheses at a step
        self.chosen = ROOT  # the hypothesis that the keyboard is at
        self.zoom = Zoom(self, self._fit, least=0.5)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Hypotheses of the beam search")
        PartTips(self, lambda place: self.describe(own) if (own := self.at(place)) is not None else "")
        attach(self, "Beam search", table=self._table, fill=self.zoom.add_to)

    def set_search(self, search: SearchTree) -> None:
        if search is not self._growing:
            self.chosen = ROOT
        self._growing, self._search = search, search.snapshot()
        self._places = {}
        self._most = max((len(made) for made in search.steps), default=1)
        for column, made in enumerate(search.steps):
            for row, own in enumerate(made):
                self._places[own.number] = QRectF(EDGE + column * COLUMN, EDGE + row * ROW, NODE_WIDTH, NODE_HEIGHT)
        self._fit()
        self.update()

    def _fit(self) -> None:
        if self._search is not None:
            factor = self.zoom.factor
            self.setFixedSize(round(factor * (2 * EDGE + len(self._search.steps) * COLUMN)),
                              round(factor * (2 * EDGE + self._most * ROW)))

    def _table(self) -> Table | None:
        """Every hypothesis that was kept; that of the search's beginning is −1."""
        search = self._search
        if search is None or not len(search):
            return None
        made = [(search.begin + column, own) for column, kept in enumerate(search.steps) for own in kept]
        return Table(("step", "hypothesis", "goes_on_from", "token", "word", "log_prob", "score", "finished"), (
            np.array([step for step, _ in made]), np.array([own.number for _, own in made]),
            np.array([own.parent for _, own in made]), np.array([own.result.token for _, own in made]),
            [own.result.word for _, own in made], np.array([own.result.log_prob for _, own in made], np.float32),
            np.array([own.score for _, own in made]), np.array([own.finished for _, own in made])))

    def place(self, number: int) -> QRectF:
        box, factor = self._places[number], self.zoom.factor
        return QRectF(box.topLeft() * factor, box.size() * factor)

    def at(self, place: QPointF) -> Hypothesis | None:
        place = place * (1 / self.zoom.factor)
        number = next((number for number, box in self._places.items() if box.contains(place)), None)
        return None if number is None or self._search is None else self._search.get(number)

    def paintEvent(self, event: QPaintEvent) -> None:
        search, theme = self._search, self.theme
        if search is None:
            return
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.scale(self.zoom.factor, self.zoom.factor)
            step = self._session.playhead.step - search.begin
            if 0 <= step < len(search.steps):
                painter.fillRect(QRectF(EDGE + step * COLUMN - 6, 0, NODE_WIDTH + 12, self.height() / self.zoom.factor),
                                 mix(theme.panel, theme.playhead, 0.10))
            fates = {own.number: search.fate(own) for made in search.steps for own in made}
            for made in search.steps:
                for own in made:
                    if own.parent != ROOT:
                        begin, end = self._places[own.parent], self._places[own.number]
                        paint_edge(painter, QPointF(begin.right(), begin.center().y()), QPointF(end.left(), end.center().y()),
                                   fates[own.number], theme)
            for made in search.steps:
                for own in made:
                    paint_node(painter, self._places[own.number], own, fates[own.number], theme, self._detokenization)
            if self.hasFocus() and self.chosen in self._places:
                draw_focus(painter, self._places[self.chosen], theme.accent)

    @property
    def _detokenization(self) -> str:
        trace = self._session.trace
        return trace.provenance.detokenization if trace is not None else "words"

    def describe(self, own: Hypothesis) -> str:
        search = self._search
        if search is None:
            return ""
        detokenization = self._detokenization
        words = [link.result.word for link in search.chain(own.number)]
        text = text_of((word for word in words if not is_end(word)), detokenization)
        return (f"{text}\n“{shown(own.result.word, detokenization)}”: log-probability {signed(own.result.log_prob, 3)}, "
                f"score {signed(own.score, 3)}\n{FATES[search.fate(own)]}. Click to make it a branch.")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        own = self.at(event.position())
        if own is not None and event.button() == Qt.MouseButton.LeftButton:
            self.chosen = own.number
            self._do(FollowHypothesis(own.number))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        over = self.at(event.position()) is not None
        self.setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, search = event.key(), self._search
        if search is None or not search.steps:
            super().keyPressEvent(event)
            return
        places = {own.number: (column, row) for column, made in enumerate(search.steps) for row, own in enumerate(made)}
        column, row = places.get(self.chosen, (0, 0))
        by = MOVES.get(Qt.Key(key))
        if by is not None:
            column = min(max(column + by[0], 0), len(search.steps) - 1)
            row = min(max(row + by[1], 0), len(search.steps[column]) - 1)
            self.chosen = search.steps[column][row].number
            self.setAccessibleDescription(self.describe(search.get(self.chosen)))
            self.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.chosen in places:
            self._do(FollowHypothesis(self.chosen))
        else:
            super().keyPressEvent(event)


class BeamTreeView(View):
    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx, name="Beam search")
        self._seen: tuple[object, ...] = ()
        self.tree = BeamTree(ctx)
        self.status = muted_label(wrapped=True)
        self._area = scrolled(self.tree, sideways=True)
        self.hold(self.status, (self._area, 1), spacing=2)
        self.refresh()

    def refresh(self) -> None:
        search = self.session.search
        self.say("" if search is not None else EMPTY)
        if search is None:
            self._seen = ()
            return
        seen = (search, len(search), search.over, self.theme.name)
        if seen == self._seen:
            return
        self._seen = seen
        self.tree.set_search(search)
        self.status.setText(search_in_words(search))
        if not search.over:
            self._area.horizontalScrollBar().setValue(self._area.horizontalScrollBar().maximum())

    def seek(self, step: int) -> None:
        self.tree.update()
