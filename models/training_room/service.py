"""What the backend does with requests of the training room. Torch is imported when a training begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unrolled.models.protocol.dispatch import handles
from unrolled.models.protocol.message import Reply, RequestError, StillWanted
from unrolled.models.protocol.training_room import (
    StartTrainingRoom,
    StepTrainingRoom,
    StopTrainingRoom,
    TrainingRoomStarted,
    TrainingRoomUpdated,
)

if TYPE_CHECKING:
    from torch import Tensor

    from unrolled.models.training_room.room import TrainingRoom


class TrainingRoomService:
    """One training at a time, beside the run and apart from it."""

    def __init__(self) -> None:
        self._number = -1
        self._room: TrainingRoom | None = None

    @handles(StartTrainingRoom)
    def start(self, request: StartTrainingRoom, reply: Reply, wanted: StillWanted) -> None:
        from unrolled.models.cells.threads import one_thread
        from unrolled.models.training_room.room import TrainingRoom

        self._room = None
        with one_thread():
            try:
                made = TrainingRoom(request.settings)
            except ValueError as error:
                raise RequestError(str(error)) from error
        self._number, self._room = request.room, made
        task = made.task
        reply(TrainingRoomStarted(request.room, request.settings, task.sentence, task.chance_loss, task.chance_accuracy,
                                  task.chance_note, made.block_names, made.parameter_count))

    @handles(StepTrainingRoom)
    def step(self, request: StepTrainingRoom, reply: Reply, wanted: StillWanted) -> None:
        for left in range(request.updates - 1, -1, -1):
            if not wanted():
                return
            reply(self._update(request, picture=request.picture and left == 0))

    @handles(StopTrainingRoom)
    def stop(self, request: StopTrainingRoom, reply: Reply, wanted: StillWanted) -> None:
        """Forget a training; another one is left alone."""
        if request.room == self._number:
            self._number, self._room = -1, None

    def _update(self, request: StepTrainingRoom, *, picture: bool) -> TrainingRoomUpdated:
        from unrolled.models.cells.threads import one_thread
        from unrolled.models.training_room.room import Exploded

        changes = request.changes
        if self._room is None or request.room != self._number:
            raise RequestError("This training is not there any more; start it again.")
        with one_thread():
            try:
                made = self._room.update(changes, picture=picture)
            except Exploded as error:  # what was learned before is kept, and it can go on with other settings
                raise RequestError(str(error), exploded=True) from error
        seen = made.picture
        return TrainingRoomUpdated(
            request.room, made.update, made.loss, made.accuracy, made.norm_before, made.norm_after, changes.threshold,
            changes.window, made.milliseconds, radii=seen.radii if seen else (), norms=seen.norms if seen else (),
            hidden=_bytes(seen.hidden) if seen else b"", cell=_bytes(seen.cell) if seen and seen.cell is not None else b"",
            counted=bytes(seen.counted.tolist()) if seen else b"", cut_away=seen.cut_away if seen else 0.0,
        )


def _bytes(values: Tensor) -> bytes:
    data: bytes = values.numpy().astype("<f4", copy=False).tobytes()
    return data
