"""The branches of the run as rows of words on one axis of steps: a tree whose edges are the words.

A row begins where its branch leaves its parent; what they share is written in the parent's row alone.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QFrame, QLineEdit, QMenu, QScrollArea, QSizePolicy, QToolTip, QVBoxLayout, QWidget

from unrolled.viewer.drawing.painting import EmptyText, draw_focus, elided, mix
from unrolled.viewer.plotting.context_menu import attach
from unrolled.viewer.plotting.table import Table
from unrolled.viewer.plotting.trace_tables import steps_table
from unrolled.viewer.state.branches import FIRST, Branch
from unrolled.viewer.state.commands import CompareBranch, RemoveBranch, RenameBranch, Seek, ShowBranch
from unrolled.viewer.state.wording import is_end, shown
from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.views.view import View, ViewContext

ROW = 24
NAME = 150.0
EDGE = 12.0
LEAST_ROWS, MOST_ROWS = 2, 4
HINT = "Whatever you change makes a branch, which appears here."
FEWEST_STEPS = 12
RIGHT = 86.0  # as the scrub bar keeps free for its count, so that steps stand under one another
LEAST_WORD = 9.0
FRAME = 4


class BranchRows(QWidget):
    """All rows."""

    def __init__(self, ctx: ViewContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._do, self.theme = ctx.session, ctx.do, ctx.theme
        self.rows: list[Branch] = []
        self._lengths: tuple[object, ...] = ()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Branches of the run")
        self.setToolTip("")
        self._editor: QLineEdit | None = None
        self._figure = attach(self, "Branches", table=self._table, fill=self._fill_menu)

    def sizeHint(self) -> QSize:
        return QSize(400, ROW * len(self.rows))

    def follow(self) -> None:
        """Take over the branches; painted only if something differs."""
        session = self._session
        rows = _in_tree_order(session.branches.all)
        state = (tuple((own.identity, own.wire_id, own.name, len(own.trace)) for own in rows), session.branches.current,
                 session.playhead.step, session.time_axis.start, session.time_axis.stop, self.theme.name,
                 session.compared.identity if session.compared is not None else None)
        if state == self._lengths:
            return
        self._lengths = state
        if len(rows) != len(self.rows):
            self.setFixedHeight(ROW * max(len(rows), 1))
        self.rows = rows
        current = session.branch
        self.setAccessibleDescription(f"{len(rows)} branches; “{current.name}” is shown" if current is not None else "")
        self.update()

    # ── Places ────────────────────────────────────────────────────────────────────────────────────────────────

    def x_of(self, step: float) -> float:
        """Where a step begins."""
        start, stop = self._range()
        room = self.width() - NAME - EDGE - RIGHT
        return NAME + EDGE + (step - start) / (stop - start) * room

    def _range(self) -> tuple[float, float]:
        axis = self._session.time_axis
        longest = max((len(own.trace) for own in self.rows), default=0)
        if axis.following:
            return 0.0, float(max(longest, FEWEST_STEPS))
        return axis.start, axis.stop

    def row_at(self, y: float) -> Branch | None:
        """The branch at a height."""
        number = int(y // ROW)
        return self.rows[number] if 0 <= number < len(self.rows) else None

    def step_at(self, x: float) -> int:
        """The step at a place; -1 left of all."""
        start, stop = self._range()
        room = self.width() - NAME - EDGE - RIGHT
        return int(start + (x - NAME - EDGE) / max(room, 1.0) * (stop - start)) if x >= NAME + EDGE else -1

    # ── Painting ──────────────────────────────────────────────────────────────────────────────────────────────

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, session = self.theme, self._session
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            step = session.playhead.step
            if step >= 0 and self.rows:
                x = (self.x_of(step) + self.x_of(step + 1)) / 2
                painter.setPen(QPen(QColor(theme.playhead), 1))
                painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
            places = {own.identity: number for number, own in enumerate(self.rows)}
            for number, own in enumerate(self.rows):
                current = own.identity == session.branches.current
                if current:
                    painter.fillRect(QRectF(0, number * ROW, self.width(), ROW), mix(theme.panel, theme.accent, 0.10))
                self._paint_name(painter, own, number, current)
                if own.parent in places:
                    self._paint_elbow(painter, own, number, places[own.parent], current)
                self._paint_words(painter, own, number, current)
            if self.hasFocus():
                draw_focus(painter, QRectF(self.rect()), theme.accent)

    def _paint_name(self, painter: QPainter, own: Branch, number: int, current: bool) -> None:
        theme = self.theme
        depth = min(self._depth(own), 4)
        font = text_font(11, weight=QFont.Weight.DemiBold if current else QFont.Weight.Normal)
        compared = self._session.compared
        beside = compared is not None and compared.identity == own.identity
        painter.setFont(font)
        painter.setPen(QColor(theme.text if current else theme.muted))
        box = QRectF(EDGE + 8 * depth, number * ROW, NAME - EDGE - 8 * depth, ROW)
        name = f"B: {own.name}" if beside else own.name
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, elided(name, font, int(box.width())))

    def _paint_elbow(self, painter: QPainter, own: Branch, number: int, parent: int, current: bool) -> None:
        theme = self.theme
        x = self.x_of(own.step)
        if x < NAME:
            return
        path = QPainterPath(QPointF(x, parent * ROW + ROW - 4))
        path.lineTo(x, number * ROW + ROW / 2 - 4)
        path.quadTo(x, number * ROW + ROW / 2, x + 4, number * ROW + ROW / 2)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(theme.accent if current else theme.faint), 1.5))
        painter.drawPath(path)

    def _paint_words(self, painter: QPainter, own: Branch, number: int, current: bool) -> None:
        theme, trace = self.theme, own.trace
        start, stop = self._range()
        first = max(own.step if own.parent is not None else 0, int(start))
        last = min(len(trace), int(stop) + 1)
        width = self.x_of(1) - self.x_of(0)
        changed = {placed.edit.first for placed in own.edits if placed.on}
        font = text_font(11)
        painter.setFont(font)
        if width < LEAST_WORD:  # too narrow for words: a line as long as the branch
            painter.setPen(QPen(QColor(theme.accent if current else theme.faint), 3))
            middle = number * ROW + ROW / 2
            if last > first:
                painter.drawLine(QPointF(self.x_of(first) + 4, middle), QPointF(self.x_of(last), middle))
            return
        for step in range(first, last):
            box = QRectF(self.x_of(step) + 1, number * ROW + 3, width - 2, ROW - 6)
            if box.right() < NAME:
                continue
            word = shown(trace.words[step], trace.provenance.detokenization)
            ground = mix(theme.panel, theme.accent, 0.22 if current else 0.08)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ground)
            painter.drawRoundedRect(box, 4, 4)
            painter.setPen(QColor(theme.muted if is_end(trace.words[step]) or not current else theme.text))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, elided(word, font, int(box.width()) - 2))
            if step in changed:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(theme.playhead))
                painter.drawEllipse(QPointF(box.left() + 4, box.top() + 4), 2.5, 2.5)

    def _depth(self, own: Branch) -> int:
        depth, branches = 0, self._session.branches.all
        while own.parent is not None and own.parent in branches:
            own, depth = branches[own.parent], depth + 1
        return depth

    # ── What a person does ────────────────────────────────────────────────────────────────────────────────────

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Show a branch, and go to the word that was clicked."""
        own = self.row_at(event.position().y())
        if own is None or event.button() != Qt.MouseButton.LeftButton:
            return
        step = self.step_at(event.position().x())
        if own.identity != self._session.branches.current:
            self._do(ShowBranch(own.identity))
        if step >= 0:
            self._do(Seek(step))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Rename a branch by its name."""
        own = self.row_at(event.position().y())
        if own is not None and event.position().x() < NAME:
            self.begin_rename(own)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and down go to another branch, F2 renames, Delete removes."""
        current = self._session.branches.current
        places = [own.identity for own in self.rows]
        number = places.index(current) if current in places else 0
        key = event.key()
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            number = min(max(number + (1 if key == Qt.Key.Key_Down else -1), 0), len(places) - 1)
            self._do(ShowBranch(places[number]))
        elif key == Qt.Key.Key_F2 and self.rows:
            self.begin_rename(self.rows[number])
        elif key == Qt.Key.Key_Delete and current != FIRST:
            self._do(RemoveBranch(current))
        else:
            super().keyPressEvent(event)

    def _fill_menu(self, menu: QMenu) -> None:
        """All that can be done with a branch."""
        own = self.row_at(self._figure.place.y())
        if own is None:
            return
        shown_now = own.identity == self._session.branches.current
        show = menu.addAction("Show")
        show.setEnabled(not shown_now)
        show.triggered.connect(lambda: self._do(ShowBranch(own.identity)))
        menu.addAction("Rename… (F2)").triggered.connect(lambda: self.begin_rename(own))
        compare = menu.addAction("Compare with the branch shown")
        compare.setEnabled(not shown_now)
        compare.triggered.connect(lambda: self._do(CompareBranch(own.identity)))
        remove = menu.addAction("Remove (Del)")
        remove.setEnabled(own.identity != FIRST)
        remove.triggered.connect(lambda: self._do(RemoveBranch(own.identity)))

    def _table(self) -> Table | None:
        """Every step of every branch."""
        parts = [(own, steps_table(own.trace)) for own in self.rows]
        there = [(own, table) for own, table in parts if table is not None]
        if not there:
            return None
        names = [name for own, table in there for name in [own.name] * len(own.trace)]
        return Table(("branch", *there[0][1].names), (names, *(
            np.concatenate([np.asarray(table.columns[place]) for _, table in there]) for place in range(3))))

    def begin_rename(self, own: Branch) -> None:
        """Let a person write another name over the old one."""
        number = next((place for place, other in enumerate(self.rows) if other.identity == own.identity), None)
        if number is None:
            return
        editor = QLineEdit(own.name, self)
        editor.setAccessibleName("The branch’s name")
        editor.setGeometry(round(EDGE) - 4, number * ROW, round(NAME), ROW)
        editor.selectAll()
        editor.returnPressed.connect(lambda: self._end_rename(own.identity, keep=True))
        editor.editingFinished.connect(lambda: self._end_rename(own.identity, keep=False))
        self._editor = editor
        editor.show()
        editor.setFocus()

    def _end_rename(self, identity: int, *, keep: bool) -> None:
        editor, self._editor = self._editor, None
        if editor is None:
            return
        text = editor.text()
        editor.hide()
        editor.deleteLater()
        self.setFocus()
        if keep:
            self._do(RenameBranch(identity, text))

    def event(self, event: QEvent) -> bool:
        """Say what a branch is, and what was changed on it."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            own = self.row_at(event.pos().y())
            if own is None:
                QToolTip.hideText()
            else:
                changes = "\n".join(f"{'' if placed.on else 'off: '}{placed.edit.in_words}" for placed in own.edits)
                QToolTip.showText(event.globalPos(), f"{own.name}, {len(own.trace):,} steps, {own.decoding.in_words}"
                                  + (f"\n{changes}" if changes else ""), self)
            return True
        return super().event(event)


class BranchTreeView(View):
    """The rows; their place is kept while there is one branch alone, so that nothing moves when another is made.

    Attributes
    ----------
    rows : BranchRows
    """

    def __init__(self, ctx: ViewContext, parent: QWidget | None = None) -> None:
        super().__init__(ctx, parent)
        self.setAccessibleName("Branches")
        self.rows = BranchRows(ctx)
        self._area = QScrollArea()
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setWidgetResizable(True)
        self._area.setWidget(self.rows)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setObjectName("section")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, FRAME, 1, FRAME)
        layout.addWidget(self._area)
        self._hint = EmptyText(HINT, self)
        self.refresh()

    def refresh(self) -> None:
        self.rows.follow()
        height = ROW * min(max(len(self.rows.rows), LEAST_ROWS), MOST_ROWS) + 2 * FRAME
        if self.maximumHeight() != height:
            self.setFixedHeight(height)
        self._hint.setVisible(len(self.rows.rows) < LEAST_ROWS)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._hint.setGeometry(0, FRAME + ROW, self.width(), ROW)

    def seek(self, step: int) -> None:
        self.rows.follow()

    def set_theme(self, theme: Theme) -> None:
        self.rows.theme = theme
        super().set_theme(theme)


def _in_tree_order(branches: dict[int, Branch]) -> list[Branch]:
    """Each branch before those that leave it, those in the order they were made."""
    found: list[Branch] = []

    def add(own: Branch) -> None:
        found.append(own)
        for other in branches.values():
            if other.parent == own.identity:
                add(other)

    for own in branches.values():
        if own.parent is None or own.parent not in branches:
            add(own)
    return found
