"""Small networks trained an update at a time."""

from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np

from unrolled.models.protocol.message import Count, Fraction, Ledger, NotNegative, Positive, Report, Request
from unrolled.models.trace import FloatArray


class TrainingRoomSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is trained in the training room: fixed from its start."""

    cell: Annotated[str, msgspec.Meta(pattern="^(rnn|lstm|gru)$")] = "rnn"
    task: Annotated[str, msgspec.Meta(pattern="^(copy|adding|brackets)$")] = "brackets"
    steps: Annotated[int, msgspec.Meta(ge=8, le=120)] = 24      # the length of every sequence
    hidden: Annotated[int, msgspec.Meta(ge=1, le=256)] = 32     # units of the hidden state
    optimiser: Annotated[str, msgspec.Meta(pattern="^(adam|sgd)$")] = "adam"
    # of W_hh at the start, of each gate's block where there are gates
    spectral_radius: Annotated[float, msgspec.Meta(gt=0, le=5)] = 1.0
    seed: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 1  # of the weights and of every batch


class TrainingRoomChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    learning_rate: Annotated[float, msgspec.Meta(gt=0, le=100)] = 0.005
    threshold: Annotated[float, msgspec.Meta(ge=0, le=1e9)] = 1.0  # the gradient's longest norm; 0: it is never clipped
    # truncated back-propagation: each loss is followed back through its last so many steps; 0: through all
    window: Annotated[int, msgspec.Meta(ge=0, le=120)] = 0


class TrainingRoomRequest(Request, frozen=True):
    """Of a training; what goes wrong concerns it alone, and never the run that is open."""

    subject: ClassVar[str] = "training"

    room: Count

    def wanted(self, ledger: Ledger, position: int) -> bool:
        return self.room >= ledger.least_room

    def failed(self, sentence: str, detail: str, **facts: Any) -> Report:
        return TrainingRoomFailed(self.room, sentence, detail=detail, **facts)


class StartTrainingRoom(TrainingRoomRequest, frozen=True):
    """Begin a training in the training room. As with runs, rooms are numbered and the highest wins; a run that is open
    is not touched.
    """

    settings: TrainingRoomSettings = TrainingRoomSettings()

    def note(self, ledger: Ledger, position: int) -> Report | None:
        ledger.least_room = max(ledger.least_room, self.room)
        return None


class StepTrainingRoom(TrainingRoomRequest, frozen=True):
    """Make so many updates, with what is in force for them; `picture`: the last one brings the gradients' map too."""

    changes: TrainingRoomChanges = TrainingRoomChanges()
    updates: Positive = 1
    picture: bool = False


class StopTrainingRoom(TrainingRoomRequest, frozen=True):
    """End a training, now, and forget it."""

    def note(self, ledger: Ledger, position: int) -> Report | None:
        ledger.least_room = max(ledger.least_room, self.room + 1)
        return None

    def wanted(self, ledger: Ledger, position: int) -> bool:
        return True


class TrainingRoomStarted(Report, frozen=True):
    room: Count
    settings: TrainingRoomSettings
    sentence: str                                                                 # what the task asks
    # chance_loss, chance_accuracy: what the best guess without memory reaches, and in `chance_note` why
    chance_loss: NotNegative
    chance_accuracy: Fraction
    chance_note: str
    blocks: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=4)]  # the gates that W_hh has a block for
    parameters: Count                                                             # how many weights there are


class TrainingRoomUpdated(Report, frozen=True):
    """An update was made; all numbers are finite."""

    room: Count
    update: Annotated[int, msgspec.Meta(ge=1, lt=2**53)]  # its number, from 1
    # loss, accuracy: of its batch, before the weights changed
    loss: NotNegative
    accuracy: Fraction
    # norm_before, norm_after: the gradient's, before and after clipping
    norm_before: NotNegative
    norm_after: NotNegative
    # threshold, window: that were in force
    threshold: NotNegative
    window: Count
    milliseconds: NotNegative
    # radii, norms: spectral radius and largest singular value of each block of W_hh; empty without a map
    radii: Annotated[tuple[NotNegative, ...], msgspec.Meta(max_length=4)] = ()
    norms: Annotated[tuple[NotNegative, ...], msgspec.Meta(max_length=4)] = ()
    # hidden, cell: ‖∂L_t/∂h_k‖ and, of an LSTM, ‖∂L_t/∂c_k‖ of one sequence: float32, (steps, steps), row t, column k, on
    # the whole graph, whatever the window; empty where no map was asked for
    hidden: bytes = b""
    cell: bytes = b""
    counted: bytes = b""  # a byte a step: 1 where the step has a loss
    cut_away: NotNegative = 0.0  # ‖∇ - ∇_truncated‖ / ‖∇‖ of all weights, where there is a map and truncation is in force

    def map_of(self, values: bytes) -> FloatArray:
        """`hidden` or `cell` as an array (steps, steps). Raises `ValueError` when its length is not that of a map over the
        steps that `counted` has.
        """
        flat: FloatArray = np.frombuffer(values, dtype="<f4") if len(values) % 4 == 0 else np.empty(0, np.float32)
        steps = len(self.counted)
        if flat.size != steps * steps:
            raise ValueError(f"a map over {steps} steps should bring {4 * steps * steps} bytes and brought {len(values)}")
        return flat.reshape(steps, steps)


class TrainingRoomFailed(Report, frozen=True):
    """A training cannot begin or go on: one sentence for people; `exploded` where its numbers are not finite any more."""

    room: Count
    sentence: str
    exploded: bool = False
    detail: str = ""
