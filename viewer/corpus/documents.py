"""The documents of a store: a table that asks for the rows that are seen, a million of them if need be."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, Qt, Signal
from PySide6.QtWidgets import QHeaderView, QTableView, QWidget

from unrolled.models.store.layout import StoreError
from unrolled.models.store.store import Store
from unrolled.viewer.theme.fonts import mono_font
from unrolled.viewer.widgets.row_model import ROOT, Index

ROW_HEIGHT, STEPS_WIDTH = 24, 76
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class DocumentsModel(QAbstractTableModel):
    """Title and steps of each; what is not traced yet is said."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._store: Store | None = None

    def set_store(self, store: Store | None) -> None:
        self.beginResetModel()
        self._store = store
        self.endResetModel()

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() or self._store is None else min(len(self._store.documents), 2**31 - 1)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else 2

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return ("Document", "Steps")[section]
        return RIGHT if role == Qt.ItemDataRole.TextAlignmentRole and section == 1 else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if self._store is None:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if index.column() == 1 else None
        if role == Qt.ItemDataRole.FontRole:
            return mono_font(12) if index.column() == 1 else None
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        try:
            row = self._store.documents[index.row()]
        except StoreError as error:
            return str(error)
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{row.title}\n" + (f"{row.steps:,} steps. Press Return or double-click to open it." if row.is_there
                                       else "Not traced yet.")
        return row.title if index.column() == 0 else f"{row.steps:,}" if row.is_there else "not yet"


class DocumentsTable(QTableView):
    """The table.

    Attributes
    ----------
    document_wanted : Signal(int)
        A person wants to open this one.
    """

    document_wanted = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.documents = DocumentsModel(self)
        self.setModel(self.documents)
        self.setObjectName("rows")
        self.setAccessibleName("Documents")
        self.setShowGrid(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)  # or every row is asked how high it is
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Fixed)
        self.horizontalHeader().resizeSection(1, STEPS_WIDTH)
        self.activated.connect(lambda index: self.document_wanted.emit(index.row()))

    def set_store(self, store: Store | None) -> None:
        self.documents.set_store(store)
        if store is not None and len(store.documents):
            self.selectRow(0)

    @property
    def chosen(self) -> int:
        """The document that is selected; -1 for none."""
        return self.currentIndex().row()
