"""Runs of the tiny transformers, and what is recorded of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tests.tiny_transformers import END, given
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.runs.branch import Branch
from unrolled.models.runs.run import Run
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.trace.steps import by_channel

STEPS = 7


def run_of(stepper: AnyStepper, name: str, *, steps: int = STEPS, method: str = "greedy") -> Branch:
    """A branch that has written so many tokens, or has ended."""
    encoded = stepper.read(given(name))
    branch = Run(0, stepper, encoded).branch(0)
    branch.maximum = len(encoded.prompt_tokens) + steps
    decoding = Decoding(method=method, beam_width=3)
    while len(branch) < branch.maximum and (len(branch) <= len(encoded.prompt_tokens) or branch.tokens[-1] != END):
        branch.advance(len(branch), decoding, lambda: True)
    return branch


def recorded(branch: Branch) -> dict[str, Any]:
    """Every channel of a branch's steps, each (steps, …)."""
    stepper, state, rows = branch.stepper, branch.stepper.start(branch.memory_at(0)), []
    with torch.inference_mode():
        for step in range(len(branch)):
            state, record = stepper.step(branch.memory_at(step), state, [branch.token_before(step)], branch.hook_at(step))
            rows.append(record.values[0].cpu().numpy())
    return by_channel(np.stack(rows), branch.channels)
