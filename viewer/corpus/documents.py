"""The documents of a store: a table that asks for the rows that are seen, a million of them if need be."""

from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, Qt, Signal
from PySide6.QtWidgets import QHeaderView, QLineEdit, QTableView, QWidget

from unrolled.models.store.layout import StoreError
from unrolled.models.store.store import Store
from unrolled.viewer.plotting.context_menu import FocusRing
from unrolled.viewer.state.wording import counted, few, percent
from unrolled.viewer.theme.fonts import mono_font
from unrolled.viewer.widgets.asking import Asking
from unrolled.viewer.widgets.building import countdown, in_column, muted_label
from unrolled.viewer.widgets.row_model import ROOT, Index, set_rows_look

ROW_HEIGHT, STEPS_WIDTH = 24, 76
REST_MILLISECONDS = 200  # of the keys, before what is written is looked for
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class DocumentsModel(QAbstractTableModel):
    """Title and steps of each, or of some; what is not traced yet is said."""

    unknown = Signal(int)  # the row of this document is wanted, and not at hand

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._store: Store | None = None
        self._some: np.ndarray | None = None

    def set_store(self, store: Store | None, some: np.ndarray | None = None) -> None:
        """List all documents of a store, or those of these numbers."""
        self.beginResetModel()
        self._store, self._some = store, some
        self.endResetModel()

    def number(self, row: int) -> int:
        """The document in a row."""
        return row if self._some is None else int(self._some[row])

    def rowCount(self, parent: Index = ROOT) -> int:
        if parent.isValid() or self._store is None:
            return 0
        return min(len(self._store.documents) if self._some is None else len(self._some), 2**31 - 1)

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
        number = self.number(index.row())
        try:
            row = self._store.documents.at_hand(number)
        except StoreError as error:
            return str(error) if role == Qt.ItemDataRole.ToolTipRole else "" if index.column() else f"document {number}"
        if row is None:
            self.unknown.emit(number)
            return "" if index.column() else "…"
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{row.title}\nDocument {row.number}. " + (f"{row.steps:,} steps. Press Return or double-click to open it."
                                                              if row.is_there else "Not traced yet.")
        return row.title if index.column() == 0 else f"{row.steps:,}" if row.is_there else "not yet"


class DocumentsTable(QTableView):
    document_wanted = Signal(int)  # a person wants to open this one

    def __init__(self) -> None:
        super().__init__()
        self.documents = DocumentsModel(self)
        self.setModel(self.documents)
        set_rows_look(self)
        self.setAccessibleName("Documents")
        FocusRing(self)
        self.setShowGrid(False)
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
        self.activated.connect(lambda index: self.document_wanted.emit(self.documents.number(index.row())))

    def set_store(self, store: Store | None, some: np.ndarray | None = None) -> None:
        self.documents.set_store(store, some)
        if self.documents.rowCount():
            self.selectRow(0)


class DocumentList(QWidget):
    """The table under a field that leaves those whose titles hold what is written."""

    document_wanted = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._store: Store | None = None
        self._gave_up = False
        self.asking, self._reading = Asking(self), Asking(self)
        self.field = QLineEdit(placeholderText="Find a document by its name", clearButtonEnabled=True)
        self.field.setAccessibleName("Find a document by its name")
        self.table, self.said = DocumentsTable(), muted_label(wrapped=True)
        self.said.hide()
        self._rest = countdown(self, REST_MILLISECONDS, self._search)
        self.field.textChanged.connect(lambda _: self._rest.start())
        self.field.returnPressed.connect(self.table.setFocus)
        self.table.document_wanted.connect(self.document_wanted)
        self.asking.answered.connect(self._show)
        self.asking.failed.connect(self._say)
        self.table.documents.unknown.connect(self._read_row)
        self._reading.answered.connect(lambda _: self.table.viewport().update())
        self._reading.failed.connect(self._cannot_read)
        self.asking.progressed.connect(lambda share: self._say(f"Reading titles: {percent(share)}"))
        in_column(self, self.field, self.said, (self.table, 1), spacing=6)

    def set_store(self, store: Store | None) -> None:
        self._store = store
        self._reading.stop()
        self.field.clear()
        self._search()

    def close_page(self) -> None:
        """Wait until nothing is read any more."""
        for asking in self.askings:
            asking.close()

    @property
    def askings(self) -> tuple[Asking, ...]:
        return self.asking, self._reading

    def _read_row(self, number: int) -> None:
        """With its neighbours, in a thread; the table asks again for what is still not known then."""
        store = self._store
        if store is not None and not self._reading.busy and not self._gave_up:
            self._reading.ask(lambda wanted, progress: store.documents[number])

    def _cannot_read(self, sentence: str) -> None:
        self._gave_up = True  # until another list is wanted
        self._say(sentence)

    def _search(self) -> None:
        self._rest.stop()
        self._gave_up = False
        store, text = self._store, self.field.text()
        if store is None or not text.strip():
            self.asking.stop()
            self._say("")
            self.table.set_store(store)
            return
        self.asking.ask(lambda wanted, progress: store.documents.named(text, wanted=wanted, progress=progress))

    def _show(self, found: np.ndarray) -> None:
        assert self._store is not None
        self.table.set_store(self._store, found)
        documents = self._store.documents
        self._say(" ".join((f"{len(found):,} of {counted(len(documents), 'document')}", *few(documents.problems))))

    def _say(self, sentence: str) -> None:
        self.said.setText(sentence)
        self.said.setVisible(bool(sentence))
