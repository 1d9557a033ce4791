"""Loads a model, reads inputs of every kind, steps, branches and answers: what the backend does with requests of a run.

Torch is imported when the client is there already, so that it can be told so.
"""

import hashlib
from typing import TYPE_CHECKING, Any, Protocol

from unrolled.models.inputs.files import ReadingError
from unrolled.models.inputs.kinds import kind_named
from unrolled.models.protocol.connection import Hello, Progress
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.dispatch import handles
from unrolled.models.protocol.loading import Device, Family, Loaded, LoadModel, Ready
from unrolled.models.protocol.message import FIRST_BESIDE, Reply, StillWanted
from unrolled.models.protocol.questions import Answer, Ask
from unrolled.models.protocol.searching import Search
from unrolled.models.protocol.stepping import (
    AddInput,
    Advance,
    DrawInput,
    Ended,
    Fork,
    Forked,
    InputAdded,
    InputDrawn,
    Opened,
    OpenInput,
    SteppedBlock,
)
from unrolled.models.runs.errors import EngineError, Superseded
from unrolled.models.trace.names import text_name

if TYPE_CHECKING:
    from unrolled.models.runs.run import Run
    from unrolled.models.stepping.stepper import AnyStepper, EncodedInput
    from unrolled.models.trace import ModelListing

WHOLE = (0.0, 0.0, 1.0, 1.0)
LOOKING = {"picture": "Looking at the picture", "clip": "Looking at the clip"}


class Models(Protocol):
    """What there is to choose from, and how it is had."""

    def listings(self) -> "tuple[ModelListing, ...]":
        """All of them."""

    def families(self) -> tuple[Family, ...]:
        """What else can be loaded, by whose checkpoints they are."""

    def devices(self) -> tuple[Device, ...]:
        """What they can run on."""

    def load(self, model: str, *, device: str, reuse: "AnyStepper | None") -> "AnyStepper":
        """Raises `CheckpointError`, or `ValueError` where there is no such device: one sentence."""


class RunService:
    """One model, a run of it, and one more beside that. A handler raises `EngineError` for what cannot be done, `Superseded`
    where it was given up. `models`: what can be loaded; by default what the registry knows.
    """

    def __init__(self, models: Models | None = None) -> None:
        self._brought = models
        self._stepper: AnyStepper | None = None
        self._runs: dict[bool, Run] = {}  # by whether it is the one beside

    @property
    def _models(self) -> Models:
        if self._brought is None:
            from unrolled.models.adapters import registry

            self._brought = registry
        return self._brought

    @handles(Hello)
    def prepare(self, request: Hello, reply: Reply, wanted: StillWanted) -> None:
        reply(Progress("Loading PyTorch"))
        import torch

        torch.set_num_threads(max(torch.get_num_threads(), 1))
        reply(Ready(self._models.devices(), self._models.listings(), self._models.families()))

    @handles(LoadModel)
    def load(self, request: LoadModel, reply: Reply, wanted: StillWanted) -> None:
        """Load a model; the runs of the old one are forgotten."""
        from unrolled.models.checkpoints.files import CheckpointError
        from unrolled.models.inputs.telling import told_to

        def listen(text: str, fraction: float) -> None:
            if not wanted():
                raise Superseded
            reply(Progress(text, fraction))

        reply(Progress("Loading the model"))
        try:
            with told_to(listen):
                stepper = self._models.load(request.model, device=request.device, reuse=self._stepper)
        except (CheckpointError, ValueError) as error:
            raise EngineError("model", str(error)) from error
        self._stepper, self._runs = stepper, {}
        from unrolled.models.stepping.stepper import HasDecoding

        decoding = stepper.decoding if isinstance(stepper, HasDecoding) else Decoding()
        reply(Loaded(stepper.description, str(stepper.device), request.number, decoding))

    @handles(DrawInput)
    def draw(self, request: DrawInput, reply: Reply, wanted: StillWanted) -> None:
        if self._stepper is None or self._stepper.draw is None:
            raise EngineError("input", "This model draws no inputs of its own.")
        reply(InputDrawn(*self._stepper.draw(request.number)))

    @handles(OpenInput)
    def open(self, request: OpenInput, reply: Reply, wanted: StillWanted) -> None:
        """Read an input of the kind that the model takes."""
        from unrolled.models.runs.run import Run

        encoded = self._read(request, reply, wanted)
        assert self._stepper is not None
        self._runs[request.run >= FIRST_BESIDE] = Run(request.run, self._stepper, encoded)
        reply(Opened(request.run, WHOLE, encoded.channels, encoded.source, len(encoded.prompt_tokens),
                     encoded.maximum_steps, _shown(encoded.notes)))

    @handles(AddInput)
    def add_input(self, request: AddInput, reply: Reply, wanted: StillWanted) -> None:
        encoded = self._read(request, reply, wanted)
        input_hash = hashlib.sha256(request.data).hexdigest()
        self._open_run(request.run).add_input(input_hash, encoded)
        reply(InputAdded(request.run, input_hash, _shown(encoded.notes)))

    @handles(Fork)
    def fork(self, request: Fork, reply: Reply, wanted: StillWanted) -> None:
        self._open_run(request.run).fork(request.branch, request.parent, request.step, request.edits, request.tokens)
        reply(Forked(request.run, request.branch))

    @handles(Advance)
    def advance(self, request: Advance, reply: Reply, wanted: StillWanted) -> None:
        """Take steps, one after another; where the input gives the tokens, many at once."""
        branch = self._open_run(request.run).branch(request.branch)
        done = 0
        while done < request.count and wanted():
            report = branch.advance(request.step + done, request.decoding, wanted, request.count - done)
            reply(report)
            if isinstance(report, Ended):
                return
            done += report.count if isinstance(report, SteppedBlock) else 1

    @handles(Search)
    def search(self, request: Search, reply: Reply, wanted: StillWanted) -> None:
        branch = self._open_run(request.run).branch(request.branch)
        if request.step > len(branch):
            raise EngineError("step", f"Step {request.step} is not there yet: {len(branch)} are recorded.")
        branch.forget_from(request.step)
        branch.search(request.decoding, reply, wanted)

    @handles(Ask)
    def answer(self, request: Ask, reply: Reply, wanted: StillWanted) -> None:
        from unrolled.models.explaining.answers import answers

        parts = answers(self._open_run(request.run).branch(request.branch), request.question, wanted)
        held = next(parts, None)
        while held is not None:  # one is held back, so that the last is known
            after = next(parts, None)
            reply(Answer(request.run, request.number, held, after is None))
            held = after

    def _open_run(self, number: int) -> "Run":
        run = self._runs.get(number >= FIRST_BESIDE)
        if run is None:
            raise EngineError("step", "Nothing is open.")
        return run

    def _read(self, request: OpenInput | AddInput, reply: Reply, wanted: StillWanted) -> "EncodedInput[Any]":
        from unrolled.models.stepping.stepper import InputError

        if self._stepper is None:
            raise EngineError("model", "No model is loaded.")
        kind = self._stepper.description.input_kind
        reply(Progress(LOOKING.get(kind, "Reading the text")))
        try:
            given, _ = kind_named(kind).for_model(request.data, request.name)
            if not wanted():
                raise Superseded
            return self._stepper.read(given)
        except (ReadingError, InputError) as error:
            raise EngineError(request.subject, str(error)) from error


def _shown(notes: tuple[str, ...]) -> tuple[str, ...]:
    """Notes name what stands in a file: what cannot be printed is one sign each."""
    return tuple(map(text_name, notes))
