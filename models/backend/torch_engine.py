"""The engine that runs the shipped models: loads them, reads inputs of every kind, and steps.

Torch is imported when the client is there already, so that it can say so.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from unrolled.models.backend.engine import EngineError, SayProgress, StillWanted, Superseded
from unrolled.models.protocol.messages import Decoding, Ended, Loaded, Opened, Ready, Stepped, SteppedBlock
from unrolled.models.trace.clips import ClipError, read_clip
from unrolled.models.trace.pictures import PictureError, read_picture
from unrolled.models.trace.texts import TextError, read_text

if TYPE_CHECKING:
    from unrolled.models.backend.run import Run
    from unrolled.models.stepping.stepper import AnyStepper

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

        from unrolled.models.backend.devices import devices
        from unrolled.models.checkpoints.registry import listings

        torch.set_num_threads(max(torch.get_num_threads(), 1))
        return Ready(devices(), listings())

    def load(self, model: str, device: str, say: SayProgress) -> Loaded:
        """Load a model by its name or its checkpoint's path."""
        from unrolled.models.backend.devices import pick
        from unrolled.models.checkpoints.files import CheckpointError
        from unrolled.models.checkpoints.registry import load

        say("Loading the model", -1.0)
        try:
            stepper = load(model, device=pick(device), before=self._stepper)
        except (CheckpointError, ValueError) as error:
            raise EngineError("model", str(error)) from error
        self._stepper, self._run = stepper, None
        return Loaded(stepper.description, str(stepper.device))

    def open(self, run: int, data: bytes, name: str, decoding: Decoding, say: SayProgress, wanted: StillWanted) -> Opened:
        """Read an input of the kind that the model takes."""
        from unrolled.models.backend.run import Run
        from unrolled.models.stepping.stepper import InputError

        if self._stepper is None:
            raise EngineError("model", "No model is loaded.")
        kind = self._stepper.description.input_kind
        say(LOOKING.get(kind, "Reading the text"), -1.0)
        started = time.perf_counter()
        try:
            given = _decoded(kind, data, name)
            if not wanted():
                raise Superseded
            self._run = None
            reading = self._stepper.read(given)
        except (PictureError, TextError, ClipError, InputError) as error:
            raise EngineError("input", str(error)) from error
        self._run = Run(run, self._stepper, reading)
        return Opened(run, WHOLE, time.perf_counter() - started, reading.channels, reading.source, len(reading.given),
                      reading.maximum_steps, reading.notes)

    def advance(self, step: int, force: int, decoding: Decoding, wanted: StillWanted,
                count: int = 1) -> Stepped | SteppedBlock | Ended:
        """Take one step from the state before it, or up to `count` at once where the input gives the tokens."""
        if self._run is None:
            raise EngineError("step", "Nothing is open.")
        return self._run.advance(step, force, decoding, wanted, count)


def _decoded(kind: str, data: bytes, name: str) -> Any:
    """A file's bytes as what a model of this kind reads."""
    if kind == "picture":
        return read_picture(data, name).image
    if kind == "clip":
        return read_clip(data, name)
    return read_text(data, name).text
