"""What is drawn of models of Hugging Face's library, computed a second time by the library's own forward."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("transformers")


from tests.tiny_transformers import (
    IDS,
    MODELS,
    PICTURES,
    SENTENCE,
    TEXTS,
    bytes_tokenizer,
    given,
    photograph,
)
from tests.transformer_runs import recorded, run_of
from unrolled.models.adapters.registry import load
from unrolled.models.explaining.replay import replay
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.questions import STATE_GAP
from unrolled.models.runs.branch import Branch
from unrolled.models.runs.errors import EngineError
from unrolled.models.runs.run import Run
from unrolled.models.trace.edits import (
    AddNoise,
    ClampUnits,
    ForceToken,
    MaskAttention,
    ScaleUnits,
    SetAttention,
    SwapInput,
    SwitchHeadsOff,
    UniformAttention,
)
from unrolled.models.trace.steps import by_channel


@pytest.mark.parametrize("name", MODELS)
def test_the_badge_compares_with_the_librarys_own_forward(opened: Any, name: str) -> None:
    branch = run_of(opened(name), name)
    own = recorded(branch)
    (part,) = replay(branch, 0, len(branch) - 1, lambda: True)
    alone = [next(iter(replay(branch, 2, 2, lambda: True))), part]  # of fewer steps foreseen
    total = sum(channel.size for channel in branch.channels)
    shorter, longer = (np.frombuffer(own.values, "<f4").reshape(own.count, -1)[row, :total] for own, row in zip(
        alone, (0, 2), strict=True))
    np.testing.assert_allclose(shorter, longer, rtol=1e-6, atol=1e-7)
    theirs = by_channel(np.frombuffer(part.values, "<f4").reshape(part.count, -1)[:, :total], branch.channels)
    assert part.channels[: len(own)] == tuple(own)
    for channel, values in own.items():
        np.testing.assert_allclose(values, theirs[channel], rtol=2e-4, atol=2e-5, err_msg=channel)


def edits_of(name: str) -> dict[str, Any]:
    """What can be changed of a model of this name, by what it is called."""
    stream = {"units": (ClampUnits(channel="residual_stream[layer=0]", units=(3,), value=1.5, first=2, last=3),
                        AddNoise(channel="residual_stream[layer=1]", deviation=0.3, first=3))}
    if name == "mamba":
        return stream
    kinds = ("self_attention",) if name in TEXTS else ("cross_attention", "self_attention")
    weights = np.zeros(16 if name in PICTURES else 7 if name not in TEXTS else 25)
    weights[:2] = 1.0, 3.0
    return stream | {
        "heads": tuple(SwitchHeadsOff(channel=kind, layer=1, heads=(1, 2), first=2) for kind in kinds),
        "masked": (ForceToken(token=7, first=2), MaskAttention(places=(0,), first=3, last=3)),
        "set": (SetAttention(weights=tuple(weights), first=2), MaskAttention(places=(0,), first=4)),
        "even": (UniformAttention(first=1, last=2), ClampUnits(channel="residual_stream[layer=1]", value=0.5, first=2, last=2))}


def differences(branch: Branch, own: dict[str, Any]) -> dict[str, float]:
    """The largest of every channel, of what was recorded and its second computation."""
    (part,) = replay(branch, 0, len(branch) - 1, lambda: True)
    total = sum(channel.size for channel in branch.channels)
    rows = np.frombuffer(part.values, "<f4").reshape(part.count, -1)
    theirs = by_channel(rows[:, :total], branch.channels) | {STATE_GAP: rows[:, total]}
    return {name: float((np.abs(values - theirs[name]) / np.maximum(np.abs(values), 1.0)).max())
            for name, values in (own | {STATE_GAP: np.zeros(part.count)}).items()}


@pytest.mark.parametrize(("name", "what"), [(name, what) for name in MODELS for what in edits_of(name)])
def test_the_badge_computes_edited_steps_a_second_time(opened: Any, name: str, what: str) -> None:
    stepper = opened(name)
    run = Run(0, stepper, stepper.read(given(name)))
    run.fork(1, 0, 0, edits_of(name)[what], ())
    branch = run.branch(1)
    for step in range(6):
        branch.advance(step, Decoding(), lambda: True)
    own = recorded(branch)
    assert max(differences(branch, own).values()) < 1e-4
    branch.edits = branch.edits[:-1]
    assert max(differences(branch, own).values()) > 1e-3  # of a change that was not made


@pytest.mark.parametrize("name", PICTURES)
def test_the_badge_holds_where_the_picture_is_exchanged(opened: Any, name: str) -> None:
    stepper = opened(name)
    run = Run(0, stepper, stepper.read(photograph()))
    run.add_input("0" * 64, stepper.read(photograph().rotate(90).resize((31, 47))))
    run.fork(1, 0, 0, (SwapInput(input_hash="0" * 64, name="other.png", first=2, last=3),
                       MaskAttention(places=(5,), first=3, last=4)), ())
    branch = run.branch(1)
    for step in range(6):
        branch.advance(step, Decoding(), lambda: True)
    own = recorded(branch)
    assert max(differences(branch, own).values()) < 1e-4
    branch.edits = branch.edits[1:]
    assert differences(branch, own)["cross_attention"] > 1e-3


def test_the_badge_computes_mixtures_of_experts_in_double_precision(tmp_path: Path) -> None:
    import transformers

    transformers.logging.disable_progress_bar()
    transformers.MixtralForCausalLM(transformers.MixtralConfig(
        vocab_size=285, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, num_key_value_heads=2,
        num_local_experts=4, **IDS)).save_pretrained(tmp_path)
    bytes_tokenizer().save_pretrained(tmp_path)
    branch = run_of(load(str(tmp_path)), "gpt2")
    (part,) = replay(branch, 0, len(branch) - 1, lambda: True)
    total = sum(channel.size for channel in branch.channels)
    theirs = by_channel(np.frombuffer(part.values, "<f4").reshape(part.count, -1)[:, :total], branch.channels)
    for channel, values in recorded(branch).items():
        np.testing.assert_allclose(values, theirs[channel], rtol=2e-4, atol=2e-5, err_msg=channel)


def test_numbers_that_are_none_are_said_to_begin_in_the_lowest_layer(opened: Any) -> None:
    stepper = opened("gpt2")
    run = Run(0, stepper, stepper.read(SENTENCE))
    run.fork(1, 0, 0, (ScaleUnits(channel="residual_stream[layer=1]", units=(7,), factor=1e30, first=1),
                       ScaleUnits(channel="residual_stream[layer=1]", units=(7,), factor=1e30, first=1)), ())
    branch = run.branch(1)
    branch.advance(0, Decoding(), lambda: True)
    with pytest.raises(EngineError, match="it began in residual stream, layer 2, unit 7, and"):
        branch.advance(1, Decoding(), lambda: True)
