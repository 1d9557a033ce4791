"""The branches of the run as rows of words on one axis of steps: a tree whose edges are the words.

A row begins where its branch leaves its parent; what they share is written in the parent's row alone.
"""

import numpy as np
from PySide6.QtCore import QAbstractItemModel, QPointF, QRect, QRectF, QSignalBlocker, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QRegion,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QLineEdit,
    QListView,
    QMenu,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from unrolled.viewer.drawing.label_line import runs
from unrolled.viewer.drawing.painting import BRANCH_TINTS, EmptyText, draw_focus, elided, mix
from unrolled.viewer.plotting.context_menu import attach
from unrolled.viewer.plotting.table import Table, steps_table
from unrolled.viewer.state.branches import FIRST, Branch
from unrolled.viewer.state.commands import CompareBranch, Do, RemoveBranch, RenameBranch, Seek, ShowBranch, ZoomSteps
from unrolled.viewer.state.playhead import NOWHERE
from unrolled.viewer.state.session_file import LONGEST_NAME
from unrolled.viewer.state.wording import LABELS, is_end, shown
from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.row_model import TOOLTIP, EditableRows, Index, delete_key, show_rows
from unrolled.viewer.widgets.zoom import A_PRESS, NOTCH

ROW = 24
NAME = 150.0
EDGE = 12.0
ROWS = 2  # that there is always room for; where there are more, they scroll
HINT = "Whatever you change makes a branch, which appears here."
FEWEST_STEPS = 12
RIGHT = 86.0  # as the scrub bar keeps free for its count, so that steps stand under one another
LEAST_WORD = 9.0
FRAME = 4


class BranchRows(QListView):
    """All rows; the current one is the branch that is shown."""

    def __init__(self, ctx: ViewContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self._do, self.theme = ctx.session, ctx.do, ctx.theme
        self._followed: tuple[object, ...] = ()
        self._lengths: tuple[int, ...] = ()
        self._playhead = NOWHERE
        self.painted = QRegion()
        self.branches: EditableRows[Branch] = EditableRows(_text, self)
        show_rows(self, self.branches, BranchDelegate(self, ctx.do), "Branches of the run")
        self.setEditTriggers(QListView.EditTrigger.EditKeyPressed)
        self.selectionModel().currentChanged.connect(lambda index: self._show(self.branches.rows[index.row()]))
        delete_key(self, "Remove", lambda index: self._remove(self.branches.rows[index.row()]))
        self._figure = attach(self, "Branches", table=self._table, fill=self._fill_menu)

    def follow(self) -> None:
        """Take over the branches; painted only if something differs."""
        session = self.session
        rows = tuple(session.branches.in_tree_order())
        with QSignalBlocker(self.selectionModel()):  # nobody has chosen another branch
            self.branches.set_rows(rows)
        lengths = tuple(len(own.trace) for own in rows)
        state = (rows, session.branches.current, self.theme.name, self.steps(),
                 session.compared is not None, session.compared.identity if session.compared is not None else None)
        self._follow_playhead()
        before, self._lengths = self._lengths, lengths
        if state == self._followed:
            self._follow_growth(before)
            return
        self._followed = state
        current = next((place for place, own in enumerate(rows) if own.identity == session.branches.current), -1)
        with QSignalBlocker(self.selectionModel()):
            self.setCurrentIndex(self.branches.index(current, 0))
        self.scrollTo(self.currentIndex())  # the view's own does it by the signal that is blocked
        self.setAccessibleDescription(f"{len(rows)} branches; “{rows[current].name}” is shown" if current >= 0 else "")
        self.viewport().update()

    def _follow_playhead(self) -> None:
        """Its line alone is painted again."""
        for step in {self._playhead, self.session.playhead.step} if self._playhead != self.session.playhead.step else ():
            self.viewport().update(int(self.x_of(step + 0.5)) - 1, 0, 3, self.viewport().height())
        self._playhead = self.session.playhead.step

    def _follow_growth(self, before: tuple[int, ...]) -> None:
        """Only what is new is painted, while all the rest stays in its place."""
        grown = [min(old, new) for old, new in zip(before, self._lengths, strict=True) if old != new]
        if grown:
            left = int(self.x_of(min(grown)))
            self.viewport().update(left, 0, self.viewport().width() - left, self.viewport().height())

    def x_of(self, step: float) -> float:
        """Where a step begins."""
        start, stop = self.steps()
        room = self.viewport().width() - NAME - EDGE - RIGHT
        return NAME + EDGE + (step - start) / (stop - start) * room

    def steps(self) -> tuple[float, float]:
        """The first step that is seen, and the one behind the last."""
        axis = self.session.time_axis
        longest = max((len(own.trace) for own in self.branches.rows), default=0)
        if axis.following:
            return 0.0, float(max(longest, FEWEST_STEPS))
        return axis.start, axis.stop

    def step_at(self, x: float) -> int:
        """The step at a place; -1 left of all."""
        start, stop = self.steps()
        room = self.viewport().width() - NAME - EDGE - RIGHT
        return int(start + (x - NAME - EDGE) / max(room, 1.0) * (stop - start)) if x >= NAME + EDGE else -1

    def paintEvent(self, event: QPaintEvent) -> None:
        step, self.painted = self.session.playhead.step, event.region()
        if step >= 0 and self.branches.rows:
            with QPainter(self.viewport()) as painter:
                x = self.x_of(step + 0.5)
                painter.setPen(QPen(QColor(self.theme.playhead), 1))
                painter.drawLine(QPointF(x, 0), QPointF(x, ROW * len(self.branches.rows) - 1))
        super().paintEvent(event)
        places = {own.identity: number for number, own in enumerate(self.branches.rows)}
        with QPainter(self.viewport()) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for number, own in enumerate(self.branches.rows):
                if own.parent in places:
                    self._paint_elbow(painter, own, number, places[own.parent])

    def _paint_elbow(self, painter: QPainter, own: Branch, number: int, parent: int) -> None:
        x, top = self.x_of(own.step), self.visualRect(self.branches.index(0, 0)).top()
        if x < NAME:
            return
        middle = top + number * ROW + ROW / 2
        path = QPainterPath(QPointF(x, top + parent * ROW + ROW - 4))
        path.lineTo(x, middle - 4)
        path.quadTo(x, middle, x + 4, middle)
        current = own.identity == self.session.branches.current
        painter.setPen(QPen(QColor(self.theme.accent if current else self.theme.faint), 1.5))
        painter.drawPath(path)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Show a branch, and go to the word that was clicked."""
        if event.button() == Qt.MouseButton.LeftButton and self.indexAt(event.position().toPoint()).isValid():
            super().mousePressEvent(event)
            if (step := self.step_at(event.position().x())) >= 0:
                self._do(Seek(step))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.position().x() < NAME:
            self.edit(self.indexAt(event.position().toPoint()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Ctrl: show fewer steps, or more, here as in the tracks."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            step = self.step_at(event.position().x())
            self._do(ZoomSteps(A_PRESS ** (-event.angleDelta().y() / NOTCH), step + 0.5 if step >= 0 else None))
        else:
            super().wheelEvent(event)

    def _show(self, own: Branch) -> None:
        if own.identity != self.session.branches.current:
            self._do(ShowBranch(own.identity))

    def _remove(self, own: Branch) -> None:
        if own.identity != FIRST:
            self._do(RemoveBranch(own.identity))

    def _fill_menu(self, menu: QMenu) -> None:
        index = self.indexAt(self._figure.place)
        if not index.isValid():
            return
        own = self.branches.rows[index.row()]
        another = own.identity != self.session.branches.current
        menu.addAction("Show", lambda: self._show(own)).setEnabled(another)
        menu.addAction("Rename…\tF2", lambda: self.edit(index))
        menu.addAction("Compare with the branch shown", lambda: self._do(CompareBranch(own.identity))).setEnabled(another)
        menu.addAction("Remove\tDel", lambda: self._remove(own)).setEnabled(own.identity != FIRST)

    def _table(self) -> Table | None:
        parts = [(own, steps_table(own.trace)) for own in self.branches.rows]
        there = [(own, table) for own, table in parts if table is not None]
        if not there:
            return None
        names = [name for own, table in there for name in [own.name] * len(own.trace)]
        return Table(("branch", *there[0][1].names), (names, *(
            np.concatenate([np.asarray(table.columns[place]) for _, table in there]) for place in range(3))))


class BranchDelegate(QStyledItemDelegate):
    """Paints a branch's name and words, and lets its name be written over."""

    def __init__(self, view: BranchRows, do: Do) -> None:
        super().__init__(view)
        self._view, self._do = view, do

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, ROW)  # as wide as the view

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        editor = super().createEditor(parent, option, index)
        editor.setAccessibleName("The branch’s name")
        if isinstance(editor, QLineEdit):
            editor.setMaxLength(LONGEST_NAME)
        editor.setProperty("branch", self._view.branches.rows[index.row()].identity)  # rows may move while it is written
        return editor

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        editor.setGeometry(round(EDGE) - 4, option.rect.top(), round(NAME), ROW)

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        if isinstance(editor, QLineEdit) and editor.isModified():
            self._do(RenameBranch(editor.property("branch"), editor.text()))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        theme, own, current = self._view.theme, self._view.branches.rows[index.row()], index == self._view.currentIndex()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if current:
            painter.fillRect(option.rect, mix(theme.panel, theme.accent, BRANCH_TINTS[0] / 2))
        self._paint_name(painter, own, option.rect, current)
        self._paint_words(painter, own, option.rect, current)
        if option.state & QStyle.StateFlag.State_HasFocus:
            draw_focus(painter, QRectF(option.rect), theme.accent)

    def _paint_name(self, painter: QPainter, own: Branch, row: QRect, current: bool) -> None:
        theme = self._view.theme
        depth = min(self._depth(own), 4)
        box = QRectF(EDGE + 8 * depth, row.top(), NAME - EDGE - 8 * depth, ROW)
        if not self._view.painted.intersects(box.toAlignedRect()):
            return
        font = text_font(11, weight=QFont.Weight.DemiBold if current else QFont.Weight.Normal)
        compared = self._view.session.compared
        side = "" if compared is None else "A: " if current else "B: " if compared.identity == own.identity else ""
        painter.setFont(font)
        painter.setPen(QColor(theme.text if current else theme.muted))
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, elided(f"{side}{own.name}", font, int(box.width())))

    def _paint_words(self, painter: QPainter, own: Branch, row: QRect, current: bool) -> None:
        theme, trace = self._view.theme, own.trace
        start, stop = self._view.steps()
        first = max(own.step if own.parent is not None else 0, int(start))
        last = min(len(trace), int(stop) + 1)
        left = self._view.x_of(0)
        width = self._view.x_of(1) - left
        changed = {placed.edit.first for placed in own.edits if placed.on}
        painter.setFont(text_font(11))
        if width < LEAST_WORD:  # too narrow for words: a line as long as the branch
            painter.setPen(QPen(QColor(theme.accent if current else theme.faint), 3))
            middle = row.top() + ROW / 2
            if last > first:
                painter.drawLine(QPointF(self._view.x_of(first) + 4, middle), QPointF(self._view.x_of(last), middle))
            return
        detokenization = trace.provenance.detokenization
        steps = (runs(trace.words[first:last], first) if detokenization in LABELS
                 else [(step, 1, trace.words[step]) for step in range(first, last)])
        boxes = {step: QRectF(left + step * width + 1, row.top() + 3, count * width - 2, ROW - 6) for step, count, _ in steps}
        boxes = {step: box for step, box in boxes.items()
                 if box.right() >= NAME and self._view.painted.intersects(box.toAlignedRect())}
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(mix(theme.panel, theme.accent, BRANCH_TINTS[current]))
        for box in boxes.values():
            painter.drawRoundedRect(box, 4, 4)
        usual, muted = QColor(theme.text if current else theme.muted), QColor(theme.muted)
        metrics = painter.fontMetrics()
        for step, box in boxes.items():
            painter.setPen(muted if is_end(trace.words[step]) else usual)
            word = shown(trace.words[step], detokenization)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter,
                             metrics.elidedText(word, Qt.TextElideMode.ElideRight, max(int(box.width()) - 2, 0)))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.playhead))
        for step in changed & set(range(first, last)):
            if (x := left + step * width + 5) >= NAME:
                painter.drawEllipse(QPointF(x, row.top() + 7), 2.5, 2.5)

    def _depth(self, own: Branch) -> int:
        depth, branches = 0, self._view.session.branches.all
        while own.parent is not None and own.parent in branches:
            own, depth = branches[own.parent], depth + 1
        return depth


class BranchTreeView(View):
    """The rows, in a place that is as high whatever they are, so that nothing moves when another is made."""

    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx, name="Branches")
        self.rows = BranchRows(ctx)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setObjectName("section")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, FRAME, 1, FRAME)
        layout.addWidget(self.rows)
        self._hint = EmptyText(HINT, self)
        self.setFixedHeight(ROW * ROWS + 2 * FRAME)
        self.refresh()

    def refresh(self) -> None:
        self.rows.follow()
        self._place_hint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_hint()

    def _place_hint(self) -> None:
        """Below the first row, where there is one."""
        branches = len(self.session.branches.all)
        self._hint.setGeometry(0, FRAME + branches * ROW, self.width(), (ROWS - branches) * ROW)
        self._hint.setVisible(branches < ROWS)

    def seek(self, step: int) -> None:
        self.rows.follow()


def _text(own: Branch, _column: int, role: Qt.ItemDataRole) -> str:
    """What a branch is; in its tooltip, what was changed on it."""
    if role != TOOLTIP:
        return own.name
    changes = [f"{'' if placed.on else 'off: '}{placed.edit.in_words}" for placed in own.edits]
    return "\n".join((f"{own.name}, {len(own.trace):,} steps, {own.decoding.in_words}", *changes))
