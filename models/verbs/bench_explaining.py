"""What branches and explanations cost, with the default captioner: each figure beside what it is compared with."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from PIL import Image

from unrolled.models.adapters.registry import DEFAULT_MODEL, load
from unrolled.models.explaining.gradients import gradients
from unrolled.models.explaining.occlusion import occlude
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.runs.branch import Branch
from unrolled.models.runs.run import Run
from unrolled.models.trace.edits import ClampUnits, Edit, ForceToken

STEPS, FORK = 20, 10
ROUNDS = 15
GREEDY = Decoding()


def explaining_costs(model: str = DEFAULT_MODEL) -> dict[str, Any]:
    """Of a run of 20 steps whose words are given, so that it does not end before.

    The things that are compared take turns, so that they see the same noise; the figures are medians.
    """
    stepper = load(model)
    picture = Image.linear_gradient("L").convert("RGB")
    run = Run(1, stepper, stepper.read(picture))
    words = [token for token in range(len(stepper.description.words))
             if token not in (*stepper.suppressed_tokens, stepper.description.end_token)]
    forced: tuple[Edit, ...] = tuple(ForceToken(first=step, last=step, token=words[step]) for step in range(STEPS))
    run.fork(1, 0, 0, forced, ())
    branch = run.branch(1)
    _take(branch, 0)
    edit = ClampUnits(first=FORK, last=FORK, channel="cell", units=(0,), value=0.0)
    forking, plain, whole, masked, step, followed = [], [], [], [], [], []
    for _ in range(ROUNDS):
        forking.append(_seconds(lambda: _branch(run, (*forced, edit))))
        plain.append(_seconds(lambda: _again(branch, FORK)))
        whole.append(_seconds(lambda: _again(branch, 0)))
        masked.append(_seconds(lambda: occlude(branch, FORK, _always)))
        step.append(plain[-1] / (STEPS - FORK))
        followed.append(_seconds(lambda: list(gradients(branch, 0, STEPS - 1, _always))))
    medians = {name: statistics.median(own[3:]) for name, own in (
        ("branch", forking), ("plain", plain), ("whole", whole), ("masked", masked), ("step", step), ("followed", followed))}
    return {
        "branch_cost": medians["branch"] / medians["plain"],
        "gradients_seconds": medians["followed"],
        "occlusion_steps": medians["masked"] / medians["step"],
        "details": {
            "branch": f"forked at step {FORK} of {STEPS} and run to the end ({medians['branch'] * 1000:.1f} ms), over its "
                      f"{STEPS - FORK} steps taken plainly ({medians['plain'] * 1000:.1f} ms); all {STEPS} take "
                      f"{medians['whole'] * 1000:.1f} ms",
            "gradients": f"of all {STEPS} words by all {STEPS} steps, on {torch.get_num_threads()} threads; limit 1.0 s",
            "occlusion": f"all places of one step masked in turn ({medians['masked'] * 1000:.1f} ms), in plain steps "
                         f"({medians['step'] * 1000:.2f} ms each); limit 20",
        }}


def _always() -> bool:
    return True


def _take(branch: Branch, first: int) -> None:
    for step in range(first, STEPS):
        branch.advance(step, GREEDY, _always)


def _again(branch: Branch, first: int) -> None:
    branch.forget_from(first)
    _take(branch, first)


def _branch(run: Run, edits: tuple[Edit, ...]) -> None:
    run.fork(2, 1, FORK, edits, ())
    _take(run.branch(2), FORK)


def _seconds(do: Callable[[], object]) -> float:
    started = time.perf_counter()
    do()
    return time.perf_counter() - started
