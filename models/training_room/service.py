"""The training room's backend: a `TrainingRoom` and how it is told over the wire. Torch is imported when a training begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unrolled.models.protocol.training_room import (
    TrainingRoomChanges,
    TrainingRoomSettings,
    TrainingRoomStarted,
    TrainingRoomUpdated,
)
from unrolled.models.training_room.errors import TrainingRoomError

if TYPE_CHECKING:
    from torch import Tensor

    from unrolled.models.training_room.room import TrainingRoom


class TorchTrainingRooms:
    def __init__(self) -> None:
        self._number = -1
        self._room: TrainingRoom | None = None

    def start(self, room: int, settings: TrainingRoomSettings) -> TrainingRoomStarted:
        from unrolled.models.training_room.room import TrainingRoom
        from unrolled.models.training_room.threads import one_thread

        self._room = None
        with one_thread():
            try:
                made = TrainingRoom(settings)
            except ValueError as error:
                raise TrainingRoomError(str(error)) from error
        self._number, self._room = room, made
        task = made.task
        return TrainingRoomStarted(room, settings, task.sentence, task.chance_loss, task.chance_accuracy, task.chance_note,
                           made.block_names, made.parameter_count)

    def step(self, room: int, changes: TrainingRoomChanges, picture: bool) -> TrainingRoomUpdated:
        from unrolled.models.training_room.room import Exploded
        from unrolled.models.training_room.threads import one_thread

        if self._room is None or room != self._number:
            raise TrainingRoomError("This training is not there any more; start it again.")
        with one_thread():
            try:
                made = self._room.update(changes, picture=picture)
            except Exploded as error:
                raise TrainingRoomError(str(error), exploded=True) from error
        seen = made.picture
        return TrainingRoomUpdated(
            room, made.update, made.loss, made.accuracy, made.norm_before, made.norm_after, changes.threshold,
            changes.window, made.milliseconds, radii=seen.radii if seen else (), norms=seen.norms if seen else (),
            hidden=_bytes(seen.hidden) if seen else b"", cell=_bytes(seen.cell) if seen and seen.cell is not None else b"",
            counted=bytes(seen.counted.tolist()) if seen else b"", cut_away=seen.cut_away if seen else 0.0,
        )

    def stop(self, room: int) -> None:
        if room == self._number:
            self._number, self._room = -1, None


def _bytes(values: Tensor) -> bytes:
    data: bytes = values.numpy().astype("<f4", copy=False).tobytes()
    return data
