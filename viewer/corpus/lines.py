"""Places in documents as lines of text, each character or word on the colour of a unit there."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFontMetrics, QFontMetricsF, QPainter
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from unrolled.models.corpus.search import Hit
from unrolled.models.store.layout import StoreError, UnreachableError
from unrolled.models.store.run import StoredRun
from unrolled.models.store.store import Store
from unrolled.models.trace.detokenization import shown
from unrolled.viewer.drawing.contrast import BLACK, WHITE, is_dark
from unrolled.viewer.drawing.painting import draw_focus, mix
from unrolled.viewer.state.wording import step_noun
from unrolled.viewer.theme.colour_maps import to_colours
from unrolled.viewer.theme.fonts import mono_font, text_font
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.widgets.asking import Asking, Told, Wanted
from unrolled.viewer.widgets.row_model import TOOLTIP, Index, RowModel, show_rows

ROW_HEIGHT, GAP = 26, 10
TITLE_WIDTH, NARROW_TITLE = 176, 104  # in a wide list, and in a narrow one
NARROW = 480
AROUND_CHARACTERS, AROUND_WORDS = 56, 12  # steps on either side of a place
MOST_SHOWN = 200                          # steps of a long span
STRENGTH = 0.62                           # of a colour over the ground
KEPT = 512                                # lines
AT_ONCE = 8                               # lines of a store that is far away


@dataclass(frozen=True, slots=True)
class Line:
    """A place with what is around it."""

    pieces: tuple[str, ...]  # what stands at each step
    colours: np.ndarray  # (steps, 3)
    first: int  # the first and
    last: int  # the last of them that are the place


NOT_YET = Line(("…",), np.zeros((0, 3), np.uint8), 0, -1)


class Lines(QListView):
    """Rows of places."""

    place_wanted = Signal(int, int)  # a person wants to see this step of this document

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._store: Store | None = None
        self._channel, self._unit = "", 0
        self.hits: RowModel[Hit] = RowModel(self._text, self)
        show_rows(self, self.hits, _LineDelegate(self), name)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QListView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.activated.connect(self._open)
        self.line_of = lru_cache(maxsize=KEPT)(self._read)
        self.asking = Asking(self)
        self._come: dict[Hit, Line] = {}  # of a store that is far away
        self._wanted: dict[Hit, None] = {}
        self.asking.answered.connect(self._show_come)

    def set_source(self, store: Store | None, channel: str, unit: int) -> None:
        """Where the places lie, and whose values colour them."""
        if (store, channel, unit) != (self._store, self._channel, self._unit):
            self._store, self._channel, self._unit = store, channel, unit
            self._forget_lines()

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self._forget_lines()

    def list_hits(self, hits: Sequence[Hit]) -> None:
        """Other places, from the first: none is selected, and what could not be read before is read again."""
        self._forget_lines()
        self.hits.set_rows(hits)
        self.selectionModel().clear()
        self.scrollToTop()

    def _forget_lines(self) -> None:
        self.asking.stop()
        self.line_of.cache_clear()
        self._come.clear()
        self._wanted.clear()
        self.viewport().update()

    def line_at_hand(self, hit: Hit) -> Line:
        """The line to paint: of a store that is far away an empty one, until it has come."""
        if self._store is None or self._store.location.folder is not None:
            return self.line_of(hit)
        if hit not in self._come and hit not in self._wanted:
            self._wanted[hit] = None
            QTimer.singleShot(0, self, self._fetch)  # when all of this picture are known
        return self._come.get(hit, NOT_YET)

    def _fetch(self) -> None:
        if self.asking.busy or not self._wanted:
            return
        hits = tuple(self._wanted)[-KEPT:]

        def work(wanted: Wanted, _: Told) -> dict[Hit, Line]:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                return dict(zip(hits, pool.map(lambda hit: self._read(hit) if wanted() else NOT_YET, hits), strict=True))

        self.asking.ask(work)

    def _show_come(self, lines: dict[Hit, Line]) -> None:
        if len(self._come) > KEPT:
            self._come.clear()
        self._come |= lines
        for hit in lines:
            self._wanted.pop(hit, None)
        self.viewport().update()
        self._fetch()

    def title_of(self, hit: Hit) -> str:
        try:
            return "" if self._store is None else self._store.documents.title_at_hand(hit.document)
        except StoreError:
            return f"document {hit.document}"

    @property
    def _noun(self) -> str:
        model = None if self._store is None else self._store.description.model
        return "step" if model is None else step_noun(model)

    def _open(self, index: Index) -> None:
        hit = self.hits.rows[index.row()]
        self.place_wanted.emit(hit.document, hit.first)

    def _text(self, hit: Hit, _column: int, role: Qt.ItemDataRole) -> str:
        where = f"{self.title_of(hit)}, {self._noun} {hit.first + 1:,}"
        if hit.last > hit.first:
            where += f" to {hit.last + 1:,}"
        return f"{where}\nDouble-click or press Return to open the document there" if role == TOOLTIP else where

    def _read(self, hit: Hit) -> Line:
        store = self._store
        if store is None:
            return Line((), np.zeros((0, 3), np.uint8), 0, 0)
        try:
            run = store.run(hit.document)
            around = AROUND_CHARACTERS if store.description.has_characters else AROUND_WORDS
            start = max(hit.first - around, 0)
            stop = min(min(hit.last, hit.first + MOST_SHOWN) + 1 + around, len(run))
            words = run.words(start, stop)
            colours = self._colours(run, start, stop)
        except (StoreError, UnreachableError) as error:
            return Line((str(error),), np.zeros((0, 3), np.uint8), 0, -1)
        pieces = tuple(_sign(word) if store.description.has_characters else
                       f"{shown(word, store.description.model.detokenization)} " for word in words)
        return Line(pieces, colours, hit.first - start, hit.last - start)

    def _colours(self, run: StoredRun, start: int, stop: int) -> np.ndarray:
        """Of the unit at each step, (steps, 3); none where the store keeps no units."""
        if not self._channel:
            return np.zeros((0, 3), np.uint8)
        channel = run.channel(self._channel)
        values = run.values(channel.name, start, stop)[:, self._unit]
        colour_map = self.theme.diverging if channel.signed else "viridis"
        over = to_colours(values, low=channel.low, high=channel.high, name=colour_map)[:, :3].astype(np.float32)
        panel = QColor(self.theme.panel)
        ground = np.array([panel.red(), panel.green(), panel.blue()], np.float32)
        colours: np.ndarray = (ground + (over - ground) * STRENGTH).astype(np.uint8)
        return colours


class _LineDelegate(QStyledItemDelegate):
    """The document's name, then the text around the place, which stands in the middle and is underlined."""

    def __init__(self, view: Lines) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        view, theme, box = self._view, self._view.theme, QRectF(option.rect)
        hit = view.hits.rows[index.row()]
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(box, mix(theme.panel, theme.accent, 0.18))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(box, mix(theme.panel, theme.accent, 0.08))
        font = text_font(11)
        painter.setFont(font)
        painter.setPen(QColor(theme.muted))
        middle, room = Qt.AlignmentFlag.AlignVCenter, TITLE_WIDTH if box.width() >= NARROW else NARROW_TITLE
        where = f":{hit.first + 1}"
        title, metrics = view.title_of(hit).rsplit("/", 1)[-1], QFontMetrics(font)
        painter.drawText(QRectF(box.left() + 4, box.top(), room, ROW_HEIGHT), middle,
                         metrics.elidedText(title, Qt.TextElideMode.ElideMiddle, room - metrics.horizontalAdvance(where)) + where)
        painter.save()
        painter.setClipRect(box.adjusted(room + GAP, 0, 0, 0))
        self._paint_line(painter, view.line_at_hand(hit), box.adjusted(room + GAP, 3, -4, -3))
        painter.restore()
        if option.state & QStyle.StateFlag.State_HasFocus:
            draw_focus(painter, box, theme.accent)

    def _paint_line(self, painter: QPainter, line: Line, box: QRectF) -> None:
        theme, font = self._view.theme, mono_font(12)
        metrics = QFontMetricsF(font)
        widths = [metrics.horizontalAdvance(piece) for piece in line.pieces]
        before = sum(widths[: line.first])
        x = box.left() + min(box.width() * 0.38 - before, 0.0)  # the place where the eye expects it
        baseline = box.center().y() + (metrics.ascent() - metrics.descent()) / 2
        painter.setFont(font)
        on_dark = is_dark(line.colours)
        black, white, text = QColor(BLACK), QColor(WHITE), QColor(theme.text)
        for number, (piece, width) in enumerate(zip(line.pieces, widths, strict=True)):
            if x > box.right():
                break
            if x + width >= box.left():
                if number < len(line.colours):
                    painter.fillRect(QRectF(x, box.top(), width, box.height()), QColor(*line.colours[number].tolist()))
                painter.setPen(text if number >= len(on_dark) else white if on_dark[number] else black)
                painter.drawText(QPointF(x, baseline), piece)
                if line.first <= number <= line.last:
                    painter.fillRect(QRectF(x, box.bottom() - 2, width, 2), QColor(theme.playhead))
            x += width


def _sign(character: str) -> str:
    return {"\n": "⏎", "\t": "⇥"}.get(character, shown(character, "characters") if not character.isprintable() else character)
