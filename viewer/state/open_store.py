"""The store of traces that a window has open. It knows no Qt."""

from __future__ import annotations

from psygnal import Signal

from unrolled.models.store.store import Store
from unrolled.models.trace import ModelDescription

NO_DOCUMENT = -1


class OpenStore:
    """The store, and which of its documents is on screen.

    Attributes
    ----------
    is_readable : bool
        A document is on screen as it lies in the store, and its input is at hand.
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
        self.is_readable = False

    def can_be_read_by(self, description: ModelDescription | None) -> bool:
        """Whether the document on screen can be changed with a model: it recorded it, and is given the same input."""
        if not self.is_readable or self.store is None or description is None:
            return False
        model = self.store.description.model
        return (description.name, description.weights_hash) == (model.name, model.weights_hash)

    def set_store(self, store: Store | None) -> None:
        self.store, self.document = store, NO_DOCUMENT
        self.changed.emit()

    def set_document(self, number: int) -> None:
        self.document = number
        self.document_changed.emit()
