"""`unrolled bench`, the part that needs torch: what recording costs, and what branches and explanations do."""

import argparse
import json
import time
from typing import Any

import torch
from PIL import Image

from unrolled.models.adapters.registry import DEFAULT_MODEL, load
from unrolled.models.cells.decoder import Memory
from unrolled.models.cells.threads import one_thread
from unrolled.models.families.captioning.network import CaptionerStepper
from unrolled.models.verbs.bench_corpus import corpus_costs
from unrolled.models.verbs.bench_explaining import explaining_costs
from unrolled.models.verbs.bench_live import live_costs
from unrolled.models.verbs.bench_recording import recording_costs
from unrolled.models.verbs.bench_transformers import transformer_costs
from unrolled.models.verbs.timing import in_turns

ROUNDS = 60
STEPS = 16


def trace_overhead() -> dict[str, Any]:
    """Stepping with everything recorded and copied to the host, over a plain greedy loop of the same network.

    The two take turns, so that both see the same noise; the figure is the ratio of the medians.
    """
    stepper = load(DEFAULT_MODEL)
    assert isinstance(stepper, CaptionerStepper)
    picture = Image.linear_gradient("L").convert("RGB")
    memory = stepper.read(picture).memory
    with one_thread(), torch.inference_mode():
        with_trace, without = in_turns(lambda: _recorded(stepper, memory), lambda: _plain(stepper, memory), rounds=ROUNDS,
                                       warm_up=5, clock=time.perf_counter)
    return {"trace_overhead": with_trace / without, "details": {
        "recorded_ms_per_step": with_trace * 1000 / STEPS, "plain_ms_per_step": without * 1000 / STEPS,
        "compared_with": "a greedy loop of the same network that keeps only the words"}}


def _recorded(stepper: CaptionerStepper, memory: Memory) -> None:
    state, token = stepper.start(memory), stepper.description.start_token
    kept = []
    for _ in range(STEPS):
        state, record = stepper.step(memory, state, [token])
        packed = record.packed[0].cpu()
        kept.append(packed.numpy())
        token = int(packed[: record.vocabulary].argmax())


def _plain(stepper: CaptionerStepper, memory: Memory) -> None:
    network = stepper.network
    state, token = network.start(memory), torch.tensor([[stepper.description.start_token]])
    kept = []
    for _ in range(STEPS):
        state, step = network.step(memory, state, token)
        token = network.logits(step.output).argmax(-1)
        kept.append(int(token))


def bench(arguments: argparse.Namespace) -> int:
    if arguments.corpus:
        print(json.dumps(corpus_costs()))
        return 0
    figures = trace_overhead()
    for costs in (explaining_costs(), recording_costs(), live_costs(), transformer_costs()):
        figures = {**figures, **costs, "details": {**figures["details"], **costs["details"]}}
    print(json.dumps(figures))
    return 0
