"""The changes of the branch that is shown, to be switched on and off, and a form for another one."""

from __future__ import annotations

from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from unrolled.viewer.state.branches import Branch, PlacedEdit
from unrolled.viewer.state.commands import ApplyEdits
from unrolled.viewer.views.edits.edit_form import EditForm
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.two_parts import TwoParts

NONE_YET = "No edits on this branch. Each edit makes a branch of its own that shares the steps before it."


class EditsView(View):
    """What is changed, and what could be.

    Attributes
    ----------
    form : EditForm
    boxes : list of QCheckBox
        One for each edit of the branch.
    """

    def __init__(self, ctx: ViewContext, parent: QWidget | None = None) -> None:
        super().__init__(ctx, parent)
        self.setAccessibleName("Edits")
        self._shown: tuple[object, ...] = ()
        self.boxes: list[QCheckBox] = []
        self.form = EditForm(ctx)
        self.title = QLabel("")
        self.title.setObjectName("subtitle")
        self.title.setWordWrap(True)
        self._list = QVBoxLayout()
        self._list.setSpacing(2)
        self._none = QLabel(NONE_YET)
        self._none.setObjectName("muted")
        self._none.setWordWrap(True)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 6, 0)
        column.addWidget(self.title)
        column.addLayout(self._list)
        column.addWidget(self._none)
        column.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(TwoParts(self.form, left, stretch=(6, 4)))

    def refresh(self) -> None:
        self.form.refresh()
        branch = self.session.branch
        shown = (branch.identity, branch.name, branch.edits) if branch is not None else ()
        if shown != self._shown:
            self._shown = shown
            self._fill(branch)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.form.take_brush(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.form.take_brush(False)

    def _fill(self, branch: Branch | None) -> None:
        while self._list.count():
            item = self._list.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self.boxes = []
        edits = branch.edits if branch is not None else ()
        self.title.setText(f"On this branch: {branch.name}" if branch is not None else "")
        self._none.setVisible(not edits)
        for place, placed in enumerate(edits):
            self._list.addWidget(self._row(place, placed))

    def _row(self, place: int, placed: PlacedEdit) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        box = QCheckBox(placed.edit.in_words)
        box.setChecked(placed.on)
        box.setToolTip(f"{placed.edit.in_words}: turn it {'off' if placed.on else 'on'}")
        box.toggled.connect(lambda on, place=place: self._switch(place, on))
        self.boxes.append(box)
        remove = QToolButton()
        remove.setText("×")
        remove.setAccessibleName(f"Remove {placed.edit.in_words}")
        remove.setToolTip("Remove this edit")
        remove.clicked.connect(lambda _=False, place=place: self._remove(place))
        line.addWidget(box, 1)
        line.addWidget(remove)
        return row

    def _switch(self, place: int, on: bool) -> None:
        branch = self.session.branch
        if branch is not None:
            edits = tuple(PlacedEdit(own.edit, on) if number == place else own for number, own in enumerate(branch.edits))
            self.do(ApplyEdits(branch.identity, edits))

    def _remove(self, place: int) -> None:
        branch = self.session.branch
        if branch is not None:
            edits = tuple(own for number, own in enumerate(branch.edits) if number != place)
            self.do(ApplyEdits(branch.identity, edits))
