"""Rows for Qt's item views: they are replaced all at once, as often as the playhead moves, and a view keeps its place in them."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from PySide6.QtCore import QAbstractItemModel, QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractItemDelegate, QAbstractItemView, QListWidget, QListWidgetItem

from unrolled.viewer.widgets.building import own_ground

Row = TypeVar("Row")
Index = QModelIndex | QPersistentModelIndex
DISPLAY, TOOLTIP, ACCESSIBLE = Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole
ROOT = QModelIndex()


class RowModel(QAbstractTableModel, Generic[Row]):
    """The rows; `text` is what one says in a column: on screen, in its tooltip, to a screen reader, or in an editor."""

    def __init__(self, text: Callable[[Row, int, Qt.ItemDataRole], str], parent: QObject) -> None:
        super().__init__(parent)
        self._text = text
        self.rows: tuple[Row, ...] = ()
        self.heads: tuple[tuple[str, str], ...] = (("", ""),)  # for each column its heading and the heading's tooltip

    def set_heads(self, heads: Sequence[tuple[str, str]]) -> None:
        """Other columns; the rows of the old ones are gone."""
        self.beginResetModel()
        self.heads, self.rows = tuple(heads), ()
        self.endResetModel()

    def set_rows(self, rows: Sequence[Row], columns: tuple[int, int] | None = None) -> None:
        """Other rows; painted only if one differs, and then all columns, or those from the first to the last that may differ."""
        new, before = tuple(rows), len(self.rows)
        if new == self.rows:
            return
        if len(new) > before:
            self.beginInsertRows(ROOT, before, len(new) - 1)
        elif len(new) < before:
            self.beginRemoveRows(ROOT, len(new), before - 1)
        self.rows = new
        if len(new) > before:
            self.endInsertRows()
        elif len(new) < before:
            self.endRemoveRows()
        if new:
            first, last = columns or (0, len(self.heads) - 1)
            self.dataChanged.emit(self.index(0, first), self.index(len(new) - 1, last))

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.heads)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = DISPLAY) -> str | None:
        if orientation == Qt.Orientation.Vertical or role not in (DISPLAY, TOOLTIP):
            return None
        return self.heads[section][0 if role == DISPLAY else 1]

    def data(self, index: Index, role: int = DISPLAY) -> str | None:
        texts = (DISPLAY, TOOLTIP, ACCESSIBLE, Qt.ItemDataRole.EditRole)
        return self._text(self.rows[index.row()], index.column(), Qt.ItemDataRole(role)) if role in texts else None


class EditableRows(RowModel[Row]):
    """Rows that a delegate may edit. Qt asks each row's flags whenever it is painted: others are spared the question."""

    def flags(self, index: Index) -> Qt.ItemFlag:
        return super().flags(index) | Qt.ItemFlag.ItemIsEditable


class PickList(QListWidget):
    """Lines, each of which stands for something that a click or Enter chooses."""

    picked = Signal(object)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        for signal in (self.itemActivated, self.itemClicked):
            signal.connect(lambda item: self.picked.emit(item.data(Qt.ItemDataRole.UserRole)))

    def add(self, text: str, stands_for: object, hint: str) -> QListWidgetItem:
        item = QListWidgetItem(text, self)
        item.setData(Qt.ItemDataRole.UserRole, stands_for)
        item.setToolTip(hint)
        return item


def show_rows(view: QAbstractItemView, rows: QAbstractItemModel, delegate: QAbstractItemDelegate, name: str) -> None:
    """Have a view of this name show rows as a delegate paints them; see `set_rows_look`."""
    view.setModel(rows)
    view.setItemDelegate(delegate)
    view.setAccessibleName(name)
    set_rows_look(view)


def set_rows_look(view: QAbstractItemView) -> None:
    """Make a view look like a part of its panel: no frame, and the panel's ground; it says which row is hovered."""
    view.setObjectName("rows")
    view.setFrameShape(QAbstractItemView.Shape.NoFrame)
    own_ground(view.viewport())
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    view.viewport().setAttribute(Qt.WidgetAttribute.WA_Hover)


def delete_key(view: QAbstractItemView, text: str, act: Callable[[QModelIndex], object]) -> None:
    """Let the Delete key do this with the row that has the keyboard."""
    action = QAction(text, view)
    action.setShortcut(Qt.Key.Key_Delete)
    action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
    action.triggered.connect(lambda _=False: view.currentIndex().isValid() and act(view.currentIndex()))
    view.addAction(action)
