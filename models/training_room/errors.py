"""The training room as the server sees it. It imports no torch, so that a server is up at once."""

from __future__ import annotations

from typing import Protocol

from unrolled.models.protocol.training_room import (
    TrainingRoomChanges,
    TrainingRoomSettings,
    TrainingRoomStarted,
    TrainingRoomUpdated,
)


class TrainingRoomError(RuntimeError):
    """A training cannot begin or go on: one sentence for people. Where it `exploded`, what was learned before is kept."""

    def __init__(self, sentence: str, *, exploded: bool = False) -> None:
        super().__init__(sentence)
        self.exploded = exploded


class TrainingRooms(Protocol):
    """One training at a time, beside the engine and apart from it. No method is called while another runs."""

    def start(self, room: int, settings: TrainingRoomSettings) -> TrainingRoomStarted:
        """Begin anew. Raises `TrainingRoomError`."""

    def step(self, room: int, changes: TrainingRoomChanges, picture: bool) -> TrainingRoomUpdated:
        """Make one update. Raises `TrainingRoomError`."""

    def stop(self, room: int) -> None:
        """Forget a training; another one is left alone."""
