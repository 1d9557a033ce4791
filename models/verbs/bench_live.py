"""What it costs to step somebody's own function, beside calling it, and to watch a training, beside the training itself."""

import statistics
import time
from typing import Any

import torch
from torch import Tensor, nn

from unrolled.models.cells.threads import one_thread
from unrolled.models.notebook.given_input import GivenInput
from unrolled.models.notebook.step_function import FunctionStepper
from unrolled.models.notebook.watching import watch
from unrolled.models.verbs.timing import in_turns

VOCABULARY, EMBEDDING, HIDDEN = 10_000, 512, 512   # of a function that captions
STEPS, ROUNDS, WARM_UP = 20, 30, 5
EVERY, FEATURES, UNITS, LAYERS, BATCH, LENGTH = 20, 64, 256, 2, 32, 50
BLOCKS = 5  # of EVERY updates each


def live_costs() -> dict[str, Any]:
    """Ratios of medians, on one thread, both sides in turns; watching by the processor's time of all threads together."""
    with one_thread():
        plain, stepped = _stepping()
        alone, watched, dropped = _watching()
    return {"step_overhead": stepped / plain, "watch_overhead": watched / alone, "details": {
        "stepping": f"an LSTM cell of {HIDDEN} units and {VOCABULARY:,} words, recorded and copied to the host: "
                    f"{stepped * 1000:.2f} ms a step; the function in a greedy loop {plain * 1000:.2f} ms, limit 1.3 times",
        "watching": f"nn.LSTM of {LAYERS} layers, {UNITS} units, {BATCH} sequences of {LENGTH} steps, a probe as large as a "
                    f"batch, every={EVERY}: {watched * 1000:.1f} ms an update, {dropped} not shown; the same training alone "
                    f"{alone * 1000:.1f} ms, limit 1.05 times"}}


def _stepping() -> tuple[float, float]:
    """Seconds of a step of a person's own function, in a loop of their own and by the stepper with everything recorded."""
    embed, cell, out = nn.Embedding(VOCABULARY, EMBEDDING), nn.LSTMCell(EMBEDDING, HIDDEN), nn.Linear(HIDDEN, VOCABULARY)

    def next_token(token: int, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        h, c = cell(embed(torch.tensor([token])), state)
        return out(h), (h, c)

    begin = torch.zeros(1, HIDDEN), torch.zeros(1, HIDDEN)
    words = tuple(map(str, range(VOCABULARY)))
    stepper = FunctionStepper(next_token, begin, words, GivenInput(), start=0, end=-1, maximum_steps=STEPS)

    def alone() -> None:
        state, token = begin, 0
        for _ in range(STEPS):
            logits, state = next_token(token, state)
            token = int(logits.argmax())

    def recorded() -> None:
        state, token = stepper.start(None), 0
        for _ in range(STEPS):
            state, record = stepper.step(None, state, [token])
            token = int(record.packed[0].cpu()[: record.vocabulary].argmax())

    with torch.inference_mode():
        seconds = in_turns(alone, recorded, rounds=ROUNDS, warm_up=WARM_UP, clock=time.perf_counter)
    return seconds[0] / STEPS, seconds[1] / STEPS


def _watching() -> tuple[float, float, int]:
    """Seconds of an update of a training, alone and watched, and how many updates were not shown.

    Two equal trainings make their updates in turns; what the other thread does is waited for, and counted.
    """
    x, y = torch.randn(LENGTH, BATCH, FEATURES), torch.randn(LENGTH, BATCH, 1)
    alone, watched = _Training(x, y), _Training(x, y)
    seconds: tuple[list[float], list[float]] = [], []
    with watch(watched.network, every=EVERY, probe=x, window=False) as seen:
        for training in (alone, watched):  # the first is always seen; of the EVERY that follow one is
            training.update()
        ready = len(seen.seen)
        found = 0
        for _ in range(BLOCKS * EVERY):
            started = time.process_time()
            alone.update()
            between = time.process_time()
            seen.loss(watched.update())
            if seen.updates % EVERY == 0:
                found = len(seen.seen) - ready
            seconds[0].append(between - started)
            seconds[1].append(time.process_time() - between)
        assert found + seen.dropped == BLOCKS
        blocks = [[sum(own[begin : begin + EVERY]) / EVERY for begin in range(0, len(own), EVERY)] for own in seconds]
        ratio = statistics.median(one / other for other, one in zip(*blocks, strict=True))
        plain = statistics.median(blocks[0])
        return plain, plain * ratio, seen.dropped


class _Training:
    """A small network and its optimiser, on one batch."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.network, self._out = nn.LSTM(FEATURES, UNITS, LAYERS), nn.Linear(UNITS, 1)
        self._optimiser = torch.optim.Adam([*self.network.parameters(), *self._out.parameters()])
        self._x, self._y = x, y

    def update(self) -> Tensor:
        loss: Tensor = (self._out(self.network(self._x)[0]) - self._y).square().mean()
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimiser.step()
        return loss
