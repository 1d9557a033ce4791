"""What branches and explanations cost, with the default captioner: each figure beside what it is compared with."""

import time
from typing import Any

import torch
from PIL import Image

from unrolled.models.adapters.registry import DEFAULT_MODEL, load
from unrolled.models.explaining.gradients import gradients
from unrolled.models.explaining.occlusion import occlude
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.message import always
from unrolled.models.runs.branch import Branch
from unrolled.models.runs.run import Run
from unrolled.models.trace.edits import ClampUnits, Edit, ForceToken
from unrolled.models.verbs.timing import in_turns

STEPS, FORK = 20, 10
ROUNDS = 15
GREEDY = Decoding()


def explaining_costs() -> dict[str, Any]:
    """Of a run of 20 steps whose words are given, so that it does not end before.

    The things that are compared take turns, so that they see the same noise; the figures are medians.
    """
    stepper = load(DEFAULT_MODEL)
    picture = Image.linear_gradient("L").convert("RGB")
    run = Run(1, stepper, stepper.read(picture))
    words = [token for token in range(len(stepper.description.words))
             if token not in (*stepper.suppressed_tokens, stepper.description.end_token)]
    forced: tuple[Edit, ...] = tuple(ForceToken(first=step, last=step, token=words[step]) for step in range(STEPS))
    run.fork(1, 0, 0, forced, ())
    branch = run.branch(1)
    _take(branch, 0)
    edit = ClampUnits(first=FORK, last=FORK, channel="cell", units=(0,), value=0.0)
    forking, plain, whole, masked, followed = in_turns(
        lambda: _branch(run, (*forced, edit)), lambda: _again(branch, FORK), lambda: _again(branch, 0),
        lambda: occlude(branch, FORK, always), lambda: list(gradients(branch, 0, STEPS - 1, always)),
        rounds=ROUNDS, warm_up=3, clock=time.perf_counter)
    step = plain / (STEPS - FORK)
    return {
        "branch_cost": forking / plain,
        "gradients_seconds": followed,
        "occlusion_steps": masked / step,
        "details": {
            "branch": f"forked at step {FORK} of {STEPS} and run to the end ({forking * 1000:.1f} ms), over its "
                      f"{STEPS - FORK} steps taken plainly ({plain * 1000:.1f} ms); all {STEPS} take {whole * 1000:.1f} ms",
            "gradients": f"of all {STEPS} words by all {STEPS} steps, on {torch.get_num_threads()} threads; limit 1.0 s",
            "occlusion": f"all places of one step masked in turn ({masked * 1000:.1f} ms), in plain steps "
                         f"({step * 1000:.2f} ms each); limit 20",
        }}


def _take(branch: Branch, first: int) -> None:
    for step in range(first, STEPS):
        branch.advance(step, GREEDY, always)


def _again(branch: Branch, first: int) -> None:
    branch.forget_from(first)
    _take(branch, first)


def _branch(run: Run, edits: tuple[Edit, ...]) -> None:
    run.fork(2, 1, FORK, edits, ())
    _take(run.branch(2), FORK)
