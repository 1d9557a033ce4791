"""The changes of the branch that is shown, to be switched on and off, and a form for another one."""

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHeaderView, QSizePolicy, QTreeWidget, QTreeWidgetItem, QWidget

from unrolled.viewer.state.branches import Branch, PlacedEdit
from unrolled.viewer.state.commands import ApplyEdits
from unrolled.viewer.theme.icons import icon
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.views.edits.edit_form import EditForm
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.building import elided_label, in_column, muted_label
from unrolled.viewer.widgets.row_model import ACCESSIBLE, delete_key, set_rows_look
from unrolled.viewer.widgets.two_parts import TwoParts

NONE_YET = "No edits on this branch. Each edit makes a branch of its own that shares the steps before it."


class EditList(QTreeWidget):
    """Edits with a box that switches each one, also by Space, and a cross that removes it."""

    own_keys = (Qt.Key.Key_Space,)

    def __init__(self) -> None:
        super().__init__()
        set_rows_look(self)
        self.setAccessibleName("Edits of this branch")
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setIconSize(QSize(12, 12))
        self.setSizeAdjustPolicy(QTreeWidget.SizeAdjustPolicy.AdjustToContents)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setColumnCount(2)
        self.header().setStretchLastSection(False)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)

    def fill(self, edits: tuple[PlacedEdit, ...], theme: Theme) -> None:
        with QSignalBlocker(self):
            self.clear()
            for placed in edits:
                item = QTreeWidgetItem(self, [placed.edit.in_words])
                item.setCheckState(0, Qt.CheckState.Checked if placed.on else Qt.CheckState.Unchecked)
                item.setToolTip(0, f"{placed.edit.in_words}: turn it {'off' if placed.on else 'on'}")
                item.setIcon(1, icon("close", theme, size=12, colour=theme.muted))
                item.setToolTip(1, "Remove this edit (Del)")
                item.setData(1, ACCESSIBLE, f"Remove {placed.edit.in_words}")


class EditsView(View):
    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx, name="Edits")
        self._shown: tuple[object, ...] = ()
        self.form = EditForm(ctx)
        self.title = elided_label("")
        self.title.setObjectName("subtitle")
        self.edits = EditList()
        self.edits.itemChanged.connect(self._switch)
        self.edits.itemClicked.connect(lambda item, column: self._remove(item) if column == 1 else None)
        delete_key(self.edits, "Remove", lambda index: self._remove(self.edits.itemFromIndex(index)))
        self._none = muted_label(NONE_YET, wrapped=True)
        left = QWidget()
        column = in_column(left, self.title, self.edits, self._none)
        column.setContentsMargins(0, 0, 6, 0)
        column.addStretch(1)
        in_column(self, TwoParts(self.form, left, stretch=(6, 4)))

    def refresh(self) -> None:
        self.form.refresh()
        branch = self.session.branch
        shown = (branch.identity, branch.name, branch.edits, self.theme.name) if branch is not None else ()
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
        edits = branch.edits if branch is not None else ()
        self.title.setText(f"On this branch: {branch.name}" if branch is not None else "")
        self.edits.fill(edits, self.theme)
        self.edits.setVisible(bool(edits))
        self._none.setVisible(not edits)

    def _switch(self, item: QTreeWidgetItem) -> None:
        branch, place, on = self.session.branch, self.edits.indexOfTopLevelItem(item), item.checkState(0) == Qt.CheckState.Checked
        if branch is not None:
            edits = tuple(PlacedEdit(own.edit, on) if number == place else own for number, own in enumerate(branch.edits))
            self.do(ApplyEdits(branch.identity, edits))

    def _remove(self, item: QTreeWidgetItem) -> None:
        branch, place = self.session.branch, self.edits.indexOfTopLevelItem(item)
        if branch is not None:
            edits = tuple(own for number, own in enumerate(branch.edits) if number != place)
            self.do(ApplyEdits(branch.identity, edits))
