"""One run of a model over one input: its steps, and the states that they can be taken again from.

State is a value, so a step can be taken again from any earlier one, and asking for an earlier step forgets what came
after it. Of what is written every state is kept; of a long text that is only read, one in `BLOCK_STEPS`, and those
between are computed again when they are asked for, which gives the same bits.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from unrolled.models.backend.engine import EngineError, StillWanted, Superseded
from unrolled.models.protocol.messages import Decoding, Ended, Stepped, SteppedBlock
from unrolled.models.stepping.beam import beam_search
from unrolled.models.stepping.choosing import choose
from unrolled.models.stepping.stepper import AnyStepper, Reading
from unrolled.models.trace import Candidate

CANDIDATES = 10
BLOCK_STEPS = 256


class Run:
    """A model and what it does with one input.

    Parameters
    ----------
    number : int
        Of the run, for its reports.
    stepper : Stepper
    reading : Reading
        The input as that stepper has read it.
    """

    def __init__(self, number: int, stepper: AnyStepper, reading: Reading[Any]) -> None:
        self._number = number
        self._stepper, self._reading = stepper, reading
        description = stepper.description
        self._maximum = reading.maximum_steps or description.maximum_steps
        self._tokens: list[int] = []
        self._states: dict[int, Any] = {0: stepper.start(reading.memory)}  # the state before a step
        self._barred = torch.zeros(len(description.words))
        self._barred[list(stepper.never_written)] = float("-inf")
        self._plan: tuple[int, ...] = ()  # what a beam search found, where one was asked for
        self._planned_for: Decoding | None = None

    def advance(self, step: int, force: int, decoding: Decoding, wanted: StillWanted,
                count: int = 1) -> Stepped | SteppedBlock | Ended:
        """Take one step from the state before it, or up to `count` at once where the input gives the tokens."""
        description, given = self._stepper.description, self._reading.given
        if step > len(self._tokens):
            raise EngineError("step", f"Step {step} is not there yet: {len(self._tokens)} are recorded.")
        if force >= len(description.words):
            raise EngineError("step", f"The vocabulary has {len(description.words)} words; there is no word {force}.")
        if step >= self._maximum:
            return Ended(self._number, False)
        if step > len(given) and self._tokens[step - 1] == description.end_token:
            return Ended(self._number, True)
        planned = self._planned(decoding, wanted) if decoding.method == "beam" and force < 0 and step >= len(given) else ()
        before = self._state(step, wanted)
        self._forget_from(step)
        if force < 0 and count > 1 and step < len(given):
            return self._read_block(step, before, given[step : step + min(count, BLOCK_STEPS)], wanted)
        started = time.perf_counter()
        with single_thread(self._stepper.device.type):
            state, packed = self._step(before)
        log_probs, values = packed[: len(description.words)], packed[len(description.words) :]
        self._check(log_probs, step)
        can_be_written = log_probs + self._barred
        best = can_be_written.topk(min(CANDIDATES, len(description.words)))
        if force >= 0:
            token = force
        elif step < len(given):
            token = given[step]
        elif step < len(planned) and tuple(self._tokens) == planned[:step]:
            token = planned[step]
        else:
            token = choose(can_be_written, decoding, step=step)
        self._tokens.append(token)
        self._states[step + 1] = state
        candidates = tuple(Candidate(int(k), description.words[int(k)], float(p))
                           for p, k in zip(best.values, best.indices, strict=True))
        return Stepped(self._number, step, token, description.words[token], float(log_probs[token]), candidates,
                       values.numpy().astype("<f4", copy=False).tobytes(), (time.perf_counter() - started) * 1000)

    def _read_block(self, step: int, state: Any, tokens: tuple[int, ...], wanted: StillWanted) -> SteppedBlock:
        """Read tokens that the input gives, as one report."""
        started = time.perf_counter()
        words = len(self._stepper.description.words)
        rows = []
        with single_thread(self._stepper.device.type):
            for token in tokens:
                if not wanted():
                    break
                state, packed = self._step(state)
                rows.append(packed)
                self._tokens.append(token)
        if not rows:
            raise Superseded
        block = torch.stack(rows)                                                    # (T, V + total)
        log_probs = block[:, :words]
        self._check(log_probs, step)
        self._states[step + len(rows)] = state
        read = torch.tensor(tokens[: len(rows)])
        best = (log_probs + self._barred).topk(min(CANDIDATES, words), dim=-1)
        return SteppedBlock(
            self._number, step, len(rows), _int32(read), _float32(log_probs.gather(1, read.unsqueeze(1))),
            _int32(best.indices), _float32(best.values), _float32(block[:, words:]), (time.perf_counter() - started) * 1000)

    def _step(self, state: Any) -> tuple[Any, Tensor]:
        """The step after the last token: the new state, and on the host the log-probabilities and all channels."""
        before = self._tokens[-1] if self._tokens else self._stepper.description.start_token
        state, record = self._stepper.step(self._reading.memory, state, [before])
        return state, record.packed[0].cpu()  # one copy to the host

    def _state(self, step: int, wanted: StillWanted) -> Any:
        """The state before a step, computed again from the nearest one before it where it was not kept."""
        if step in self._states:
            return self._states[step]
        nearest = max(place for place in self._states if place < step)
        state = self._states[nearest]
        with single_thread(self._stepper.device.type):
            for place in range(nearest, step):
                if not wanted():
                    raise Superseded
                before = self._tokens[place - 1] if place else self._stepper.description.start_token
                state, _ = self._stepper.step(self._reading.memory, state, [before])
        self._states[step] = state
        return state

    def _forget_from(self, step: int) -> None:
        if step < len(self._tokens):
            del self._tokens[step:]
            self._states = {place: state for place, state in self._states.items() if place <= step}

    def _check(self, log_probs: Tensor, step: int) -> None:
        if bool(torch.isnan(log_probs).any()):
            raise EngineError("step", f"Step {step} gave numbers that are not finite.")

    def _planned(self, decoding: Decoding, wanted: StillWanted) -> tuple[int, ...]:
        """All tokens with what beam search finds behind those that are given; searched once."""
        if self._planned_for == decoding:
            return self._plan
        stepper, memory, given = self._stepper, self._reading.memory, self._reading.given
        description = stepper.description

        def take_step(state: Any, words: Tensor) -> tuple[Any, Tensor]:
            state, record = stepper.step(memory, state, words[0].tolist())
            return state, record.log_probs.unsqueeze(0)

        first = self._state(len(given), wanted)
        with torch.inference_mode():
            found = beam_search(first, take_step, stepper.select, pictures=1,
                                start=self._tokens[len(given) - 1] if given else description.start_token,
                                end=description.end_token, width=decoding.beam_width,
                                length_penalty=decoding.length_penalty, forbidden=stepper.never_written,
                                maximum_steps=self._maximum - len(given), keep_going=wanted)
        if not wanted():
            raise Superseded
        self._plan = (*self._tokens[: len(given)], *(found[0][0].tokens if found[0] else ()))
        self._planned_for = decoding
        return self._plan


def _int32(values: Tensor) -> bytes:
    return values.numpy().astype("<i4").tobytes()


def _float32(values: Tensor) -> bytes:
    return values.contiguous().numpy().astype("<f4", copy=False).tobytes()


@contextmanager
def single_thread(device: str) -> Iterator[None]:
    """One thread for single steps on the CPU: faster and steadier than several."""
    before = torch.get_num_threads()
    if device == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if device == "cpu":
            torch.set_num_threads(before)
