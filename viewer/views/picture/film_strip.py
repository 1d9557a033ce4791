"""Every step as a small picture, made once when it is first seen: the photograph, its attention, the word."""

import math
from collections.abc import Callable
from itertools import takewhile
from typing import NamedTuple

from PySide6.QtCore import QModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from unrolled.models.inputs.inputs import InputPicture
from unrolled.models.trace import Trace
from unrolled.viewer.drawing.overlay import draw_overlay, draw_veil, overlay, part, photograph, scaled_to, veil_of
from unrolled.viewer.drawing.painting import elided, mix
from unrolled.viewer.plotting.context_menu import FocusRing, attach
from unrolled.viewer.plotting.table import Table, steps_table
from unrolled.viewer.state.commands import Seek
from unrolled.viewer.state.playhead import NOWHERE
from unrolled.viewer.state.wording import END_TEXT, percent, shown
from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.views.picture.picture import map_channels
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.row_model import DISPLAY, Index, RowModel
from unrolled.viewer.widgets.zoom import Zoom

LOWEST, HIGHEST = 44, 120  # of a picture, in device-independent pixels: as high as the pane has room for
NARROWEST, WIDEST = 0.7, 1.8  # of a picture, over its height
LEAST_WIDTH = 64  # pixels, that most words have room in
MARGIN, WORD_HEIGHT, SCROLL_BAR = 4, 20, 10
EMPTY = "One thumbnail per word, with the attention at that step."


class Frame(NamedTuple):
    """A step: its number, its word, and how probable that was."""

    step: int
    word: str
    chance: float

    def text(self, _column: int, role: Qt.ItemDataRole) -> str:
        return self.word if role == DISPLAY else f"{self.word}, word {self.step + 1}, {percent(self.chance)}"


class FrameDelegate(QStyledItemDelegate):
    def __init__(self, theme: Theme, frames: RowModel[Frame], picture_of: Callable[[int], QPixmap]) -> None:
        super().__init__(frames)
        self.theme, self._frames, self._picture_of = theme, frames, picture_of
        self.picture = QSize(96, 72)
        self.current = NOWHERE

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(self.picture.width() + 2 * MARGIN, self.picture.height() + WORD_HEIGHT + 2 * MARGIN)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        theme, frame = self.theme, self._frames.rows[index.row()]
        place = QRect(option.rect.topLeft(), self.sizeHint(option, index))
        current = index.row() == self.current
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(place).adjusted(1, 1, -1, -1)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        if current:
            painter.setPen(QPen(QColor(theme.playhead), 2))
            painter.setBrush(mix(theme.panel, theme.playhead, 0.12))
            painter.drawRoundedRect(box, 5, 5)
        elif hovered:
            painter.setPen(QPen(QColor(theme.border), 1))
            painter.setBrush(QColor(theme.raised))
            painter.drawRoundedRect(box, 5, 5)
        painter.drawPixmap(place.x() + MARGIN, place.y() + MARGIN, self._picture_of(frame.step))
        font = text_font(12, weight=QFont.Weight.Medium if current else QFont.Weight.Normal)
        painter.setFont(font)
        painter.setPen(QColor(theme.muted if frame.word == END_TEXT or index.row() > self.current else theme.text))
        line = QRect(place.x() + MARGIN, place.y() + MARGIN + self.picture.height(), self.picture.width(), WORD_HEIGHT)
        painter.drawText(line, Qt.AlignmentFlag.AlignCenter, elided(frame.word, font, line.width()))
        painter.restore()


class FilmStripView(View):
    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx, name="Film strip")
        self._drawn_for: tuple[object, ...] = ()
        self._tokens: list[int] = []
        self._picture: InputPicture | None = None
        self._others: dict[InputPicture, QImage] = {}  # what edits swap to
        self._small: QImage | None = None
        self._ratio = 1.0
        self._height = 0
        self._trace: Trace | None = None
        self._pictures: dict[int, QPixmap] = {}
        self.made = 0
        self.frames: RowModel[Frame] = RowModel(Frame.text, self)
        self.view = QListView()
        self.delegate = FrameDelegate(ctx.theme, self.frames, self.picture_of)
        self.view.setAccessibleName("Film strip: a thumbnail per word")
        FocusRing(self.view)
        self.zoom = Zoom(self.view, self._resize, least=0.5)
        attach(self.view, "Film strip", table=self._table, fill=self.zoom.add_to)
        self.view.setModel(self.frames)
        self.view.setItemDelegate(self.delegate)
        self.view.setFlow(QListView.Flow.LeftToRight)
        self.view.setWrapping(False)
        self.view.setUniformItemSizes(True)
        self.view.setFrameShape(QFrame.Shape.NoFrame)
        self.view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.setMouseTracking(True)
        self.view.setStyleSheet("QListView { background: transparent; border: none; outline: none; }")
        self.view.horizontalScrollBar().setAccessibleName("Scroll the film strip")
        self.view.horizontalScrollBar().setSingleStep(24)
        self.view.clicked.connect(lambda index: self.do(Seek(index.row())))
        self.view.activated.connect(lambda index: self.do(Seek(index.row())))
        self.view.selectionModel().currentChanged.connect(self._keyboard_moved)
        self.hold(self.view)
        self.setMinimumHeight(LOWEST + WORD_HEIGHT + 2 * MARGIN + SCROLL_BAR)
        self.refresh()

    def refresh(self) -> None:
        if self.window().isVisible() and not self.isVisible():
            return  # they are made when it is shown
        session, values, ratio = self.session, self.session.appearance.values, self.devicePixelRatioF()
        trace = session.trace
        if trace is not None and trace.provenance.detokenization == "characters":
            trace = None  # there is no picture to every character
        fitting = min(max(self.height() - WORD_HEIGHT - 2 * MARGIN - SCROLL_BAR, LOWEST), HIGHEST)
        height = round(fitting * self.zoom.factor)
        kept = self.frames.rows
        if session.picture is not self._picture or self._small is None or ratio != self._ratio or height != self._height:
            self._picture, self._ratio, self._height, kept = session.picture, ratio, height, ()
            self._take_photograph()
        # A run that leaves another is a new trace with the same first words; its values may differ.
        drawn_for = (values.attention_scale, values.attention_style, values.attention_smooth, values.attention_opacity,
                     values.attention_colour_map, session.selection.at, trace)
        if drawn_for != self._drawn_for:
            self._drawn_for, kept = drawn_for, ()
        self._trace, tokens = trace, [] if trace is None else list(trace.tokens)
        same = takewhile(lambda pair: pair[0] == pair[1], zip(self._tokens, tokens, strict=False))
        kept, self._tokens = kept[: len(list(same))], tokens
        self._pictures = {step: picture for step, picture in self._pictures.items() if step < len(kept)}
        new = [] if trace is None else [
            Frame(step, shown(trace.words[step], trace.provenance.detokenization),
                  math.exp(min(float(trace.log_probs[step]), 0.0)))
            for step in range(len(kept), len(trace))]
        self.frames.set_rows((*kept, *new))
        self.say("" if self.frames.rows else EMPTY)

    def picture_of(self, step: int) -> QPixmap:
        if step not in self._pictures:
            self._pictures[step] = self._thumbnail(step)
        return self._pictures[step]

    def seek(self, step: int) -> None:
        before, self.delegate.current = self.delegate.current, step
        if not 0 <= step < len(self.frames.rows):
            return
        here = self.frames.index(step, 0)
        if abs(before - step) > 1:
            self.view.viewport().update()
        elif before != step:
            for at in (before, step):
                self.view.update(self.frames.index(at, 0))
        if self.view.currentIndex().row() != step:
            model = self.view.selectionModel()
            model.setCurrentIndex(here, model.SelectionFlag.NoUpdate)
        self.view.scrollTo(here, QAbstractItemView.ScrollHint.EnsureVisible)

    def _table(self) -> Table | None:
        trace = self.session.trace
        attention = None if trace is None else trace.with_role("attention")
        return steps_table(trace, () if attention is None else (attention.name,))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().height() != event.oldSize().height():
            self.refresh()
        self.seek(self.session.playhead.step)

    def _resize(self) -> None:
        """Pictures that are higher than the pane scroll."""
        policy = Qt.ScrollBarPolicy.ScrollBarAsNeeded if self.zoom.factor > 1.0 else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.view.setVerticalScrollBarPolicy(policy)
        self.refresh()
        self.seek(self.session.playhead.step)

    def set_theme(self, theme: Theme) -> None:
        self.delegate.theme = theme
        self.view.viewport().update()
        super().set_theme(theme)

    def _keyboard_moved(self, current: QModelIndex, _: QModelIndex) -> None:
        if current.isValid() and current.row() != self.delegate.current and self.view.hasFocus():
            self.do(Seek(current.row()))

    def _take_photograph(self) -> None:
        self._others = {}
        if self._picture is None:
            self._small = QImage()
            return
        whole = photograph(self._picture.pixels, longest=512)
        width = round(self._height * min(max(whole.width() / whole.height(), NARROWEST), WIDEST))
        self.delegate.picture = QSize(max(width, LEAST_WIDTH), self._height)
        self.view.doItemsLayout()
        self._small = self._fitted(whole)

    def _fitted(self, whole: QImage) -> QImage:
        size = QSize(whole.width(), whole.height()).scaled(self.delegate.picture, Qt.AspectRatioMode.KeepAspectRatio)
        return scaled_to(whole, size.expandedTo(QSize(1, 1)) * self._ratio, self._ratio)

    def _photograph_at(self, step: int) -> QImage | None:
        """The photograph, or what an edit swapped it for at this step."""
        given = self.session.input_at(step)
        if given is self._picture or not isinstance(given, InputPicture):
            return self._small
        if given not in self._others:
            self._others[given] = self._fitted(photograph(given.pixels, longest=512))
        return self._others[given]

    def _thumbnail(self, step: int) -> QPixmap:
        self.made += 1
        values = self.session.appearance.values
        box = self.delegate.picture
        made = QPixmap(box * self._ratio)
        made.setDevicePixelRatio(self._ratio)
        made.fill(Qt.GlobalColor.transparent)
        small = self._photograph_at(step)
        if small is None or small.isNull() or self._trace is None:
            return made
        size = small.deviceIndependentSize()
        place = QRectF(
            round((box.width() - size.width()) / 2),
            round((box.height() - size.height()) / 2),
            size.width(),
            size.height(),
        )
        painter = QPainter(made)
        painter.drawImage(place.topLeft(), small)
        channels = map_channels(self.session.channels)
        if channels:
            colours = overlay(self._trace.column(channels[0].name)[step], values)
            seen = part(place, self._trace.provenance.region)
            draw_overlay(painter, colours, seen, smooth=values.attention_smooth)
            draw_veil(painter, place, seen, veil_of(values))
        painter.end()
        return made
