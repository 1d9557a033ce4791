"""Stepping: a state is a value, everything is recorded, and what is recorded is what was computed."""

from __future__ import annotations

import math

import pytest
import tiny_captioner as tiny
import torch
from PIL import Image

from unrolled.models.cells import CellState
from unrolled.models.families.captioning.network import CaptionerStepper


def run(stepper: CaptionerStepper, picture: Image.Image,
        steps: int) -> tuple[list[CellState], list[torch.Tensor], list[int]]:
    memory = stepper.read(picture).memory
    states, values, tokens = [stepper.start(memory)], [], [stepper.description.start_token]
    for _ in range(steps):
        state, record = stepper.step(memory, states[-1], [tokens[-1]])
        states.append(state)
        values.append(record.values)
        tokens.append(int(record.log_probs[0].argmax()))
    return states, values, tokens


def test_stepping_again_from_any_state_gives_the_same_bits() -> None:
    stepper = tiny.stepper()
    memory = stepper.read(tiny.drawing("red", "circle")).memory
    states, values, tokens = run(stepper, tiny.drawing("red", "circle"), 6)
    kept = [(state[0].clone(), state[1].clone()) for state in states]
    for place in (5, 0, 3, 3, 1):
        state, record = stepper.step(memory, states[place], [tokens[place]])
        assert torch.equal(record.values, values[place])
        assert torch.equal(state[0], states[place + 1][0])
        assert torch.equal(state[1], states[place + 1][1])
    for state, (hidden, cell) in zip(states, kept, strict=True):
        assert torch.equal(state[0], hidden)
        assert torch.equal(state[1], cell)


def test_the_record_holds_every_channel_within_its_range() -> None:
    stepper = tiny.stepper()
    states, values, _ = run(stepper, tiny.drawing("blue", "square"), 4)
    channels = stepper.description.channels
    assert values[0].shape == (1, sum(channel.size for channel in channels))
    assert {channel.role for channel in channels} == {"hidden", "cell", "input_gate", "forget_gate", "output_gate",
                                                      "cell_gate", "attention", "attention_entropy"}
    for step, flat in enumerate(values):
        parts = dict(zip([channel.name for channel in channels],
                         flat[0].split([channel.size for channel in channels]), strict=True))
        before, after = states[step], states[step + 1]
        assert torch.equal(parts["hidden"], after[0][0, 0])
        assert torch.equal(parts["cell"], after[1][0, 0])
        cell = parts["forget_gate"] * before[1][0, 0] + parts["input_gate"] * parts["cell_gate"]
        torch.testing.assert_close(parts["cell"], cell)
        torch.testing.assert_close(parts["hidden"], parts["output_gate"] * torch.tanh(parts["cell"]))
        weights = parts["attention"]
        torch.testing.assert_close(weights.sum(), torch.tensor(1.0))
        entropy = -(weights * weights.log()).sum() / math.log(len(weights))
        torch.testing.assert_close(parts["attention_entropy"][0], entropy)
        for channel in channels:
            if channel.name != "cell":
                assert channel.low <= float(parts[channel.name].min())
                assert float(parts[channel.name].max()) <= channel.high + 1e-6


def test_hypotheses_step_as_if_each_were_alone() -> None:
    stepper = tiny.stepper()
    memory = stepper.read(tiny.drawing("green", "square")).memory
    one = stepper.start(memory)
    three = stepper.select(one, torch.tensor([[0, 0, 0]]))
    _, together = stepper.step(memory, three, [3, 4, 5])
    for row, token in enumerate((3, 4, 5)):
        _, alone = stepper.step(memory, one, [token])
        torch.testing.assert_close(together.log_probs[row], alone.log_probs[0])
        torch.testing.assert_close(together.values[row], alone.values[0])


def test_start_and_unknown_keep_their_probability_and_are_named() -> None:
    stepper = tiny.stepper()
    memory = stepper.read(tiny.drawing("red", "square")).memory
    _, record = stepper.step(memory, stepper.start(memory), [stepper.vocabulary.start])
    assert set(stepper.description.suppressed_tokens) == {stepper.vocabulary.start, stepper.vocabulary.unknown}
    assert bool(torch.isfinite(record.log_probs).all())
    torch.testing.assert_close(record.log_probs.exp().sum(), torch.tensor(1.0))


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_pictures_of_any_mode_and_shape_are_encoded(mode: str) -> None:
    stepper = tiny.stepper()
    picture = tiny.drawing("red", "circle", side=50).resize((70, 31)).convert(mode)
    memory = stepper.read(picture).memory
    assert memory.features.shape == (1, 9, tiny.config().features)
    assert bool(torch.isfinite(memory.keys).all())


@pytest.mark.gpu
def test_a_gpu_computes_the_same(accelerator: str) -> None:
    _, on_cpu, tokens = run(tiny.stepper(), tiny.drawing("red", "circle"), 5)
    _, on_gpu, same = run(tiny.stepper(device=accelerator), tiny.drawing("red", "circle"), 5)
    assert tokens == same
    for cpu, gpu in zip(on_cpu, on_gpu, strict=True):
        torch.testing.assert_close(cpu, gpu.cpu(), atol=1e-4, rtol=1e-3)
