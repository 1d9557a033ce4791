"""The store of traces that a window has open. It knows no Qt."""

from collections.abc import Mapping

from psygnal import Signal

from unrolled.models.store.store import Store
from unrolled.models.trace import ModelDescription

NO_DOCUMENT = -1

Steps = tuple[tuple[int, int], ...]
"""The first and the last step of spans."""


class OpenStore:
    """The store, and which of its documents is on screen."""

    changed = Signal()  # another store, or none
    document_changed = Signal()  # another of its documents is shown as a run
    framed_changed = Signal()  # other steps are framed

    def __init__(self) -> None:
        self.store: Store | None = None
        self.document = NO_DOCUMENT
        self.channel = ""  # whose unit colours the document on screen; empty where it was not found by one
        self.is_readable = False  # a document is on screen as it lies in the store, and its input is at hand
        self.framed: Mapping[int, Steps] = {}  # by document, the steps whose states a person framed in the map

    @property
    def framed_steps(self) -> Steps:
        """Of the document on screen."""
        return self.framed.get(self.document, ())

    def can_be_read_by(self, description: ModelDescription | None) -> bool:
        """Whether the document on screen can be changed with a model: it recorded it, and is given the same input."""
        if not self.is_readable or self.store is None or description is None:
            return False
        model = self.store.description.model
        return (description.name, description.weights_hash) == (model.name, model.weights_hash)

    def set_store(self, store: Store | None) -> None:
        self.store, self.document, self.framed = store, NO_DOCUMENT, {}
        self.changed.emit()

    def frame(self, steps: Mapping[int, Steps]) -> None:
        self.framed = steps
        self.framed_changed.emit()

    def leave_document(self) -> None:
        """Another run is on screen."""
        self.document, self.channel, self.is_readable = NO_DOCUMENT, "", False

    def set_document(self, number: int, channel: str = "") -> None:
        self.document, self.channel = number, channel
        self.document_changed.emit()
