"""What is asked of every model that came from somebody else's checkpoint."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny_lines import always, run_of, take, trace_of

from unrolled.models.adapters.registry import load
from unrolled.models.analysis.fidelity import Fidelity
from unrolled.models.checkpoints.files import CheckpointError
from unrolled.models.explaining.equations import explain
from unrolled.models.explaining.gradients import gradients
from unrolled.models.explaining.occlusion import occlude
from unrolled.models.explaining.replay import replay
from unrolled.models.runs.branch import Branch
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.trace.edits import AddNoise, ClampUnits, Edit, MaskAttention, UniformAttention

STEPS = 8


def picture(width: int = 56, height: int = 40) -> Image.Image:
    return Image.fromarray(np.random.default_rng(3).integers(0, 255, (height, width, 3), np.uint8))


def written(stepper: AnyStepper, given: Any, edits: tuple[Edit, ...] = (), steps: int = STEPS) -> tuple[Branch, Any]:
    run = run_of(stepper, given)
    branch = run.branch(0)
    if edits:
        run.fork(1, 0, 0, edits, ())
        branch = run.branch(1)
    return branch, trace_of(branch, take(branch, stop=steps))


def agrees(branch: Branch, trace: Any) -> Fidelity:
    """The second computation gives the same, and is another one."""
    fidelity = Fidelity()
    for part in replay(branch, 0, len(branch) - 1, always):
        assert fidelity.take(part, trace)
    assert fidelity.agrees, (fidelity.largest, fidelity.where, fidelity.missing)
    assert fidelity.largest > 0
    return fidelity


def sums(branch: Branch, unit: int, step: int) -> None:
    """A unit's equations give what was recorded."""
    found = explain(branch, step, unit, always)
    for equation in found.equations:
        assert not equation.edited, equation.channel
        for part in equation.parts:
            if part.contributors:
                assert sum(own.value for own in part.contributors) + part.rest == pytest.approx(part.value, abs=1e-5)


def can_be_asked_and_changed(stepper: AnyStepper, given: Any, channels: tuple[str, ...], steps: int = 4) -> None:
    """Equations, gradients by places against differences, occlusion, edits of channels and attention, each seen by the badge."""
    plain, trace = written(stepper, given, steps=steps)
    last = len(plain) - 1
    sums(plain, 3, last)
    rows = list(gradients(plain, 0, last, always))
    assert all(np.frombuffer(part.hidden, "<f4").any() for part in rows)
    _places_agree(plain, np.frombuffer(next(iter(gradients(plain, last, last, always))).places, "<f4"), last)
    assert np.ptp(occlude(plain, last, always).drops()) > 0
    edits: list[Edit] = [MaskAttention(places=(0, 2), first=0, last=last), UniformAttention(first=1, last=last),
                         AddNoise(channel=channels[0], units=(), deviation=0.2, seed=3, first=0, last=last)]
    edits += [ClampUnits(channel=name, units=(1,), value=0.4, first=1, last=last) for name in channels]
    for edit in edits:
        branch, changed = written(stepper, given, (edit,), steps=steps)
        agrees(branch, changed)
        assert not np.array_equal(changed.column("hidden"), trace.column("hidden")[: len(changed)]) or not np.array_equal(
            changed.log_probs, trace.log_probs[: len(changed)]), edit


def _places_agree(branch: Branch, found: Any, step: int, by: float = 2e-3) -> None:
    """Gradient × input of each place that a step looks at, against the change of its word's log-probability."""
    stepper, memory = branch.stepper, branch.memory_at(step)
    before, token = branch.state(step, always), branch.token_before(step)
    for place in range(min(memory.features.shape[1], 3)):
        values = []
        for sign in (1, -1):
            moved, features = stepper.differentiable(memory, 1)
            features = features.detach().clone()
            features[:, place] *= 1 + sign * by
            keys = stepper.network.attend.keys(features)
            _, record = stepper.step(moved._replace(features=features, keys=keys), before, [token])
            values.append(float(record.log_probs[0, branch.tokens[step]]))
        assert found[place] == pytest.approx((values[0] - values[1]) / (2 * by), abs=4e-3, rel=2e-2)


def refused(path: Path, names: Iterable[str]) -> None:
    """A checkpoint costs a sentence, and what it says of a tensor it says of one of these, named as the file has it."""
    with pytest.raises(CheckpointError) as caught:
        load(str(path))
    said = re.search(r"“([^”]+)” is (?:missing|left over|\()", str(caught.value))
    before = ("", "encoder.", "decoder.", "en.", "de.")
    assert said is None or said[1] in {f"{own}{name}" for own in before for name in names}
