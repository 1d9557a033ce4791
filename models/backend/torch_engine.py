"""The engine that runs the shipped models: loads, encodes, steps, and remembers every state of the run.

State is a value, so a step can be taken again from any earlier one: the states of a run are kept, and asking for an
earlier step forgets what came after it. Torch is imported when the client is there already, so that it can say so.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from unrolled.models.backend.engine import EngineError, SayProgress, StillWanted, Superseded
from unrolled.models.protocol.messages import Decoding, Ended, Loaded, Opened, Ready, Stepped
from unrolled.models.trace import Candidate
from unrolled.models.trace.pictures import PictureError, read_picture

if TYPE_CHECKING:
    from unrolled.models.captioning.encoder import Encoder
    from unrolled.models.captioning.stepper import CaptionerStepper

CANDIDATES = 10


class TorchEngine:
    """One model and one run of it."""

    def __init__(self) -> None:
        self._stepper: CaptionerStepper | None = None
        self._encoder: Encoder | None = None
        self._run = -1
        self._memory: Memory | None = None
        self._states: list[State] = []      # the state before step t at place t
        self._tokens: list[int] = []
        self._plan: tuple[int, ...] = ()    # what a beam search found, where one was asked for
        self._planned_for: Decoding | None = None

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
            stepper = load(model, device=pick(device), encoder=self._encoder)
        except (CheckpointError, ValueError) as error:
            raise EngineError("model", str(error)) from error
        self._stepper, self._encoder = stepper, stepper.encoder
        self._forget()
        return Loaded(stepper.description, str(stepper.device))

    def open(self, run: int, data: bytes, name: str, decoding: Decoding, say: SayProgress, wanted: StillWanted) -> Opened:
        """Encode a photograph."""
        stepper = self._loaded()
        say("Looking at the picture", -1.0)
        started = time.perf_counter()
        try:
            picture = read_picture(data, name).image
        except PictureError as error:
            raise EngineError("input", str(error)) from error
        if not wanted():
            raise Superseded
        self._forget()
        self._memory = stepper.encode(picture)
        self._states = [stepper.start(self._memory)]
        self._run = run
        return Opened(run, (0.0, 0.0, 1.0, 1.0), time.perf_counter() - started)

    def advance(self, step: int, force: int, decoding: Decoding, wanted: StillWanted) -> Stepped | Ended:
        """Take one step from the state before it."""
        import torch

        from unrolled.models.stepping.choosing import choose

        stepper = self._loaded()
        description = stepper.description
        if self._memory is None:
            raise EngineError("step", "No picture is open.")
        if step > len(self._tokens):
            raise EngineError("step", f"Step {step} is not there yet: {len(self._tokens)} are recorded.")
        if force >= len(description.words):
            raise EngineError("step", f"The vocabulary has {len(description.words)} words; there is no word {force}.")
        if step >= description.maximum_steps:
            return Ended(self._run, False)
        if step > 0 and self._tokens[step - 1] == description.end_token:
            return Ended(self._run, True)
        planned = self._planned(decoding, wanted) if decoding.method == "beam" and force < 0 else ()
        started = time.perf_counter()
        del self._tokens[step:], self._states[step + 1 :]
        before = self._tokens[-1] if self._tokens else description.start_token
        with _single_thread(stepper.device.type):
            state, record = stepper.step(self._memory, self._states[step], [before])
            packed = record.packed[0].cpu()  # one copy to the host: the log-probabilities and all that was recorded
        log_probs, values = packed[: record.vocabulary], packed[record.vocabulary :]
        if bool(torch.isnan(log_probs).any()):
            raise EngineError("step", f"Step {step} gave numbers that are not finite.")
        best = log_probs.topk(min(CANDIDATES, len(description.words)))
        if force >= 0:
            token = force
        elif step < len(planned) and tuple(self._tokens) == planned[:step]:
            token = planned[step]
        else:
            token = choose(log_probs, decoding, step=step)
        self._tokens.append(token)
        self._states.append(state)
        candidates = tuple(Candidate(int(k), description.words[int(k)], float(p))
                           for p, k in zip(best.values, best.indices, strict=True))
        return Stepped(self._run, step, token, description.words[token], float(log_probs[token]), candidates,
                       values.numpy().astype("<f4", copy=False).tobytes(), (time.perf_counter() - started) * 1000)

    def _planned(self, decoding: Decoding, wanted: StillWanted) -> tuple[int, ...]:
        """The tokens that beam search finds for this picture; searched once."""
        if self._planned_for == decoding:
            return self._plan
        import torch
        from torch import Tensor

        from unrolled.models.stepping.beam import beam_search

        stepper, memory = self._loaded(), self._memory
        assert memory is not None
        description = stepper.description

        def take_step(state: Any, words: Tensor) -> tuple[Any, Tensor]:
            state, record = stepper.step(memory, state, words[0].tolist())
            return state, record.log_probs.unsqueeze(0)

        with torch.inference_mode():
            found = beam_search(stepper.start(memory), take_step, stepper.select, pictures=1,
                                start=description.start_token, end=description.end_token, width=decoding.beam_width,
                                length_penalty=decoding.length_penalty, maximum_steps=description.maximum_steps,
                                keep_going=wanted)
        if not wanted():
            raise Superseded
        self._plan = found[0][0].tokens if found[0] else ()
        self._planned_for = decoding
        return self._plan

    def _loaded(self) -> CaptionerStepper:
        if self._stepper is None:
            raise EngineError("model", "No model is loaded.")
        return self._stepper

    def _forget(self) -> None:
        self._run, self._memory, self._states, self._tokens = -1, None, [], []
        self._plan, self._planned_for = (), None


@contextmanager
def _single_thread(device: str) -> Iterator[None]:
    """One thread for a single step on the CPU: faster and steadier than several."""
    import torch

    before = torch.get_num_threads()
    if device == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if device == "cpu":
            torch.set_num_threads(before)
