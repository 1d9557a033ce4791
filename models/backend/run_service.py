"""The engine that runs the shipped models: loads them, reads inputs of every kind, and steps.

Torch is imported when the client is there already, so that it can say so.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from unrolled.models.backend.engine import EngineError, SayProgress, StillWanted, Superseded
from unrolled.models.inputs.kinds import INPUT_ERRORS, kind_named
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.loading import Loaded, Ready
from unrolled.models.protocol.questions import AnswerPart, Question
from unrolled.models.protocol.searching import BeamStepped
from unrolled.models.protocol.stepping import Ended, InputAdded, InputDrawn, Opened, Stepped, SteppedBlock
from unrolled.models.trace.edits import Edit

if TYPE_CHECKING:
    from unrolled.models.runs.run import Run
    from unrolled.models.stepping.stepper import AnyStepper, EncodedInput

WHOLE = (0.0, 0.0, 1.0, 1.0)
LOOKING = {"picture": "Looking at the picture", "clip": "Looking at the clip"}


class TorchEngine:
    """One model and one run of it."""

    def __init__(self) -> None:
        self._stepper: AnyStepper | None = None
        self._run: Run | None = None

    def prepare(self, say: SayProgress) -> Ready:
        """Import PyTorch and look around."""
        say("Loading PyTorch", -1.0)
        import torch

        from unrolled.models.adapters.registry import listings
        from unrolled.models.backend.devices import devices

        torch.set_num_threads(max(torch.get_num_threads(), 1))
        return Ready(devices(), listings())

    def load(self, model: str, device: str, say: SayProgress) -> Loaded:
        """Load a model by its name or its checkpoint's path."""
        from unrolled.models.adapters.registry import load
        from unrolled.models.backend.devices import pick
        from unrolled.models.checkpoints.files import CheckpointError

        say("Loading the model", -1.0)
        try:
            stepper = load(model, device=pick(device), reuse=self._stepper)
        except (CheckpointError, ValueError) as error:
            raise EngineError("model", str(error)) from error
        self._stepper, self._run = stepper, None
        return Loaded(stepper.description, str(stepper.device))

    def draw(self, number: int) -> InputDrawn:
        """Draw an input of the model's own kind."""
        if self._stepper is None or self._stepper.draw is None:
            raise EngineError("input", "This model draws no inputs of its own.")
        return InputDrawn(*self._stepper.draw(number))

    def open(self, run: int, data: bytes, name: str, decoding: Decoding, say: SayProgress, wanted: StillWanted) -> Opened:
        """Read an input of the kind that the model takes."""
        from unrolled.models.runs.run import Run

        if self._stepper is None:
            raise EngineError("model", "No model is loaded.")
        started = time.perf_counter()
        encoded = self._read(data, name, "input", say, wanted)
        self._run = Run(run, self._stepper, encoded)
        return Opened(run, WHOLE, time.perf_counter() - started, encoded.channels, encoded.source, len(encoded.prompt_tokens),
                      encoded.maximum_steps, encoded.notes)

    def add_input(self, run: int, data: bytes, name: str, say: SayProgress, wanted: StillWanted) -> InputAdded:
        """Read another input beside the run's own."""
        encoded = self._read(data, name, "edit", say, wanted)
        input_hash = hashlib.sha256(data).hexdigest()
        self._open_run().add_input(input_hash, encoded)
        return InputAdded(run, input_hash, encoded.notes)

    def fork(self, branch: int, parent: int, step: int, edits: Sequence[Edit], tokens: Sequence[int]) -> None:
        """Make a branch."""
        self._open_run().fork(branch, parent, step, edits, tokens)

    def advance(self, branch: int, step: int, decoding: Decoding, wanted: StillWanted,
                count: int = 1) -> Stepped | SteppedBlock | Ended:
        """Take one step from the state before it, or up to `count` at once where the input gives the tokens."""
        return self._open_run().advance(branch, step, decoding, wanted, count)

    def search(self, branch: int, step: int, decoding: Decoding, report: Callable[[BeamStepped], None],
               wanted: StillWanted) -> None:
        """Search by beam from a step on."""
        self._open_run().search(branch, step, decoding, report, wanted)

    def answer(self, branch: int, question: Question, wanted: StillWanted) -> Iterator[AnswerPart]:
        """The parts of an answer, as they are found."""
        from unrolled.models.explaining.answers import answers

        return answers(self._open_run().line(branch), question, wanted)

    def _open_run(self) -> Run:
        if self._run is None:
            raise EngineError("step", "Nothing is open.")
        return self._run

    def _read(self, data: bytes, name: str, subject: str, say: SayProgress, wanted: StillWanted) -> EncodedInput[Any]:
        """An input as the model reads it; what cannot be read is said of `subject`."""
        from unrolled.models.stepping.stepper import InputError

        if self._stepper is None:
            raise EngineError("model", "No model is loaded.")
        kind = self._stepper.description.input_kind
        say(LOOKING.get(kind, "Reading the text"), -1.0)
        try:
            given = kind_named(kind).for_model(data, name)
            if not wanted():
                raise Superseded
            return self._stepper.read(given)
        except (*INPUT_ERRORS, InputError) as error:
            raise EngineError(subject, str(error)) from error
