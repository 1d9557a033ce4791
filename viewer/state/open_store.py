"""The store of traces that a window has open. It knows no Qt."""

from __future__ import annotations

from psygnal import Signal

from unrolled.models.store.store import Store

NO_DOCUMENT = -1


class OpenStore:
    """The store, and which of its documents is on screen.

    Attributes
    ----------
    changed : Signal()
        Another store, or none.
    document_changed : Signal()
        Another of its documents is shown as a run.
    """

    changed = Signal()
    document_changed = Signal()

    def __init__(self) -> None:
        self.store: Store | None = None
        self.document = NO_DOCUMENT

    def set_store(self, store: Store | None) -> None:
        self.store, self.document = store, NO_DOCUMENT
        self.changed.emit()

    def set_document(self, number: int) -> None:
        self.document = number
        self.document_changed.emit()
