"""What the backend does with requests of the training room. Torch is imported when a training begins."""

from typing import TYPE_CHECKING

from unrolled.models.protocol.dispatch import handles
from unrolled.models.protocol.message import Reply, RequestError, StillWanted
from unrolled.models.protocol.training_room import StartTrainingRoom, StepTrainingRoom, StopTrainingRoom, TrainingRoomUpdated

if TYPE_CHECKING:
    from unrolled.models.training_room.room import TrainingRoom


class TrainingRoomService:
    """One training at a time, beside the run and apart from it."""

    def __init__(self) -> None:
        self._room: TrainingRoom | None = None

    @handles(StartTrainingRoom)
    def start(self, request: StartTrainingRoom, reply: Reply, wanted: StillWanted) -> None:
        from unrolled.models.cells.threads import one_thread
        from unrolled.models.training_room.room import TrainingRoom

        with one_thread():
            self._room = TrainingRoom(request.settings, request.room)
        reply(self._room.started)

    @handles(StepTrainingRoom)
    def step(self, request: StepTrainingRoom, reply: Reply, wanted: StillWanted) -> None:
        for left in range(request.updates - 1, -1, -1):
            if not wanted():
                return
            reply(self._update(request, picture=request.picture and left == 0))

    @handles(StopTrainingRoom)
    def stop(self, request: StopTrainingRoom, reply: Reply, wanted: StillWanted) -> None:
        """Forget a training; another one is left alone."""
        if self._room is not None and request.room == self._room.number:
            self._room = None

    def _update(self, request: StepTrainingRoom, *, picture: bool) -> TrainingRoomUpdated:
        from unrolled.models.cells.threads import one_thread
        from unrolled.models.training_room.room import Exploded

        if self._room is None or request.room != self._room.number:
            raise RequestError("This training is not there any more; start it again.")
        with one_thread():
            try:
                return self._room.update(request.changes, picture=picture)
            except Exploded as error:  # what was learned before is kept, and it can go on with other settings
                raise RequestError(str(error), exploded=True) from error
