"""Models of Hugging Face's library: what is stepped, recorded and asked, against the library's own modules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

from transformers.models.mamba.modeling_mamba import mamba_selective_scan

import unrolled
from tests.tiny_transformers import (
    SENTENCE,
    given,
)
from tests.transformer_runs import recorded, run_of
from unrolled.models.explaining.gradients import gradients
from unrolled.models.explaining.logit_lens import lens
from unrolled.models.explaining.occlusion import occlude
from unrolled.models.families.hugging_face.state_space import selection
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.runs.errors import EngineError
from unrolled.models.runs.run import Run
from unrolled.models.trace.edits import (
    ClampUnits,
    MaskAttention,
    SetAttention,
    SwitchHeadsOff,
)


@pytest.mark.parametrize("name", ["gpt2", "marian"])
def test_channels_are_what_the_library_returns(opened: Any, name: str) -> None:
    """Of one forward over everything, asked for its attentions and hidden states."""
    import transformers

    stepper = opened(name)
    branch, end = run_of(stepper, name), len(SENTENCE.split()) + 1
    found = recorded(branch)
    first = stepper.tokens_of(SENTENCE)[0] if name == "gpt2" else stepper.description.start_token
    tokens = torch.tensor([[first, *branch.tokens[:-1]]])
    made = transformers.AutoModelForCausalLM if name == "gpt2" else transformers.AutoModelForSeq2SeqLM
    model = made.from_pretrained(stepper._opened.folder, attn_implementation="eager").eval()
    asked = {"output_attentions": True, "output_hidden_states": True, "use_cache": False}
    with torch.inference_mode():
        if name == "gpt2":
            output = model(tokens, **asked)
            own, stream = output.attentions, output.hidden_states
        else:
            output = model(torch.tensor([stepper.tokens_of(SENTENCE)]), decoder_input_ids=tokens, **asked)
            own, stream = output.decoder_attentions, output.decoder_hidden_states
            crossed = torch.stack(output.cross_attentions)[:, 0].permute(2, 0, 1, 3)
            np.testing.assert_allclose(found["cross_attention"], crossed, atol=1e-5)
            assert found["cross_attention"].shape[-1] == end == len(branch.encoded.source)
    steps = len(branch)
    np.testing.assert_allclose(found["self_attention"][..., :steps], torch.stack(own)[:, 0].permute(2, 0, 1, 3), atol=1e-5)
    assert not found["self_attention"][..., steps:].any()
    for layer in range(2):  # of the last one the library gives what its final norm makes of it
        np.testing.assert_allclose(found["residual_stream"][:, layer], stream[layer + 1][0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["llama", "vision-gpt2", "mamba"])
def test_a_state_is_a_value(opened: Any, name: str) -> None:
    """Steps taken from an earlier state, in any order and several at once, neither change it nor each other."""
    stepper = opened(name)
    branch = run_of(stepper, name)
    memory, state = branch.memory_at(0), branch.state(3, lambda: True)
    with torch.inference_mode():
        one, first = stepper.step(memory, state, [5])
        other, _ = stepper.step(memory, state, [6])
        after, second = stepper.step(memory, one, [7])
        both, together = stepper.step(memory, stepper.select(state, torch.tensor([[0, 0]])), [6, 5])
        _, further = stepper.step(memory, stepper.select(both, torch.tensor([[1, 1, 0]])), [7, 7, 7])
        assert torch.equal(stepper.step(memory, state, [5])[1].packed, first.packed)
        assert torch.equal(stepper.step(memory, one, [7])[1].packed, second.packed)
    assert [own.tokens.shape[1] for own in (state, one, other, after)] == [3, 4, 4, 5]
    torch.testing.assert_close(together.packed[1], first.packed[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(further.packed[0], second.packed[0], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(further.packed[2], second.packed[0], atol=1e-3)


@pytest.mark.parametrize("name", ["gpt2", "bart", "vision-gpt2", "trocr", "blip"])
def test_attention_masked_and_set(opened: Any, name: str) -> None:
    stepper = opened(name)
    whole = recorded(run_of(stepper, name))
    run = Run(0, stepper, stepper.read(given(name)))
    places = int(np.prod(whole["attention"].shape[1:]))
    wanted = np.zeros(places)
    wanted[1], wanted[2] = 1.0, 3.0
    run.fork(1, 0, 0, (MaskAttention(places=(2,), first=3),), ())
    run.fork(2, 0, 0, (SetAttention(weights=tuple(wanted), first=4, last=4),), ())
    masked, made = run.branch(1), run.branch(2)
    for branch in (masked, made):
        for step in range(6):
            branch.advance(step, Decoding(), lambda: True)
    attended = recorded(masked)["attention"].reshape(6, -1)
    assert attended[2, 2] > 0
    assert not attended[3:, 2].any()
    elsewhere = recorded(masked).get("attention_elsewhere", np.zeros(6))
    np.testing.assert_allclose(attended.sum(1) + elsewhere, 1.0, atol=1e-5)
    found = recorded(made)
    kind = "self_attention" if name == "gpt2" else "cross_attention"
    np.testing.assert_allclose(found[kind][4].reshape(*found[kind].shape[1:3], -1), np.broadcast_to(
        wanted / 4, (*found[kind].shape[1:3], places)), atol=1e-6)
    np.testing.assert_allclose(found["residual_stream"][:4], whole["residual_stream"][:4], rtol=1e-4, atol=1e-5)
    assert np.abs(found["residual_stream"][4] - whole["residual_stream"][4]).max() > 1e-3


@pytest.mark.parametrize("name", ["llama", "t5", "blip"])
def test_heads_switched_off_and_units_of_the_stream_set(opened: Any, name: str) -> None:
    """A head that is off attends nowhere and gives what its part of the output's weights being zero gives."""
    stepper = opened(name)
    kind = "self_attention" if name == "llama" else "cross_attention"
    run = Run(0, stepper, stepper.read(given(name)))
    run.fork(1, 0, 0, (SwitchHeadsOff(channel=kind, layer=1, heads=(1, 2), first=2),), ())
    run.fork(2, 0, 0, (ClampUnits(channel="residual_stream[layer=0]", units=(3,), value=1.5),), ())
    off, clamped = run.branch(1), run.branch(2)
    for branch in (off, clamped):
        for step in range(4):
            branch.advance(step, Decoding(), lambda: True)
    weights = recorded(off)[kind].reshape(4, *recorded(off)[kind].shape[1:3], -1).sum(-1)
    assert not weights[2:, 1, 1:3].any()
    assert (weights[2:, 0] > 0.5).all()
    assert (weights[:2] > 0.5).all()
    stream = recorded(clamped)["residual_stream"]
    assert (stream[:, 0, 3] == 1.5).all()
    assert not (stream[:, 1, 3] == 1.5).any()

    attention = {"llama": "layers.1.self_attn.o_proj", "t5": "block.1.layer.1.EncDecAttention.o",
                 "blip": "layer.1.crossattention.output.dense"}[name]
    (output,) = (module for path, module in stepper.model.named_modules()
                 if path.endswith(attention) and "encoder.block" not in path)
    size, kept = output.weight.shape[1] // 4, output.weight.clone()
    state = off.state(2, lambda: True)
    with torch.inference_mode():
        _, edited = stepper.step(off.memory_at(2), state, [off.tokens[1]], off.hook_at(2))
        output.weight[:, size : 3 * size] = 0.0
        _, without = stepper.step(off.memory_at(2), state, [off.tokens[1]])
        output.weight.copy_(kept)
    torch.testing.assert_close(edited.log_probs, without.log_probs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["gpt2", "trocr"])
def test_occlusion_is_each_mask_alone(opened: Any, name: str) -> None:
    stepper = opened(name)
    branch = run_of(stepper, name)
    step = len(branch) - 1
    drops = np.frombuffer(occlude(branch, step, lambda: True).log_prob_drops, "<f4")
    run = Run(0, stepper, stepper.read(given(name)))
    for place in (0, 3):
        run.fork(1, 0, 0, (MaskAttention(places=(place,), first=step),), ())
        other = run.branch(1)
        for at in range(step + 1):
            forced = other.advance(at, Decoding(), lambda: True) if at < step else None
            assert forced is None or forced.token == branch.tokens[at]
        with torch.inference_mode():
            _, record = stepper.step(other.memory_at(step), other.state(step, lambda: True), [other.token_before(step)],
                                     other.hook_at(step))
            _, plain = stepper.step(branch.memory_at(step), branch.state(step, lambda: True), [branch.token_before(step)])
        token = branch.tokens[step]
        assert drops[place] == pytest.approx(float(plain.log_probs[0, token] - record.log_probs[0, token]), abs=2e-4)


@pytest.mark.parametrize("name", ["gpt2", "marian"])
def test_the_lens_reads_each_layer_with_the_models_own_vocabulary(opened: Any, name: str) -> None:
    stepper = opened(name)
    branch = run_of(stepper, name, steps=4)
    stream = torch.from_numpy(recorded(branch)["residual_stream"])
    with torch.inference_mode():
        if name == "gpt2":
            logits = stepper.model.lm_head(stepper.model.transformer.ln_f(stream))
        else:  # its layers end with a norm themselves
            logits = stepper.model.lm_head(stream) + stepper.model.final_logits_bias
    wanted = torch.log_softmax(logits, dim=-1)                                                  # (steps, layers, V)
    parts = list(lens(branch, 1, len(branch) - 1, lambda: True))
    assert [part.step for part in parts] == list(range(1, len(branch)))
    for part in parts:
        best = wanted[part.step].topk(5, dim=-1)
        np.testing.assert_allclose(np.frombuffer(part.log_probs, "<f4").reshape(3, 5), best.values, rtol=1e-3, atol=1e-4)
        assert np.frombuffer(part.tokens, "<i4").reshape(3, 5)[:, 0].tolist() == best.indices[:, 0].tolist()
        token = branch.tokens[part.step]
        np.testing.assert_allclose(np.frombuffer(part.written, "<f4"), wanted[part.step][:, token], rtol=1e-3, atol=1e-4)
        assert np.frombuffer(part.ranks, "<i4")[-1] == (wanted[part.step][-1] > wanted[part.step][-1, token]).sum()


def test_gradients_are_the_slopes_of_the_log_probabilities(opened: Any) -> None:
    """∂ log p/∂ what is looked at, by moving a vector a little to both sides."""
    stepper = opened("vision-gpt2")
    branch = run_of(stepper, "vision-gpt2", steps=4)
    (rows,) = gradients(branch, 0, 3, lambda: True)
    places = np.frombuffer(rows.places, "<f4").reshape(4, -1)
    words = np.frombuffer(rows.words, "<f4").reshape(4, 4)
    assert not np.triu(words, 1).any()
    assert np.tril(words).any()
    memory, before = branch.memory_at(0), 1

    def log_prob(moved: float) -> float:
        states = memory.looked_at.states.clone()
        states[:, before + 5] *= 1 + moved
        looked_at = type(memory.looked_at)(states, memory.looked_at.first_token)
        moved_memory, state = memory._replace(looked_at=looked_at), stepper.start(memory)
        with torch.inference_mode():
            for step in range(4):
                state, record = stepper.step(moved_memory, state, [branch.token_before(step)])
        return float(record.log_probs[0, branch.tokens[3]])

    assert places[3, 5] == pytest.approx((log_prob(0.01) - log_prob(-0.01)) / 0.02, rel=0.05, abs=2e-3)


@pytest.mark.parametrize("name", ["gpt2", "marian", "mamba"])
def test_gradient_times_input_of_words_is_a_slope_too(opened: Any, name: str) -> None:
    """Of the vectors of the words read, each made a little longer and shorter; from the beginning, and from a later step."""
    stepper = opened(name)
    branch = run_of(stepper, name, steps=4)
    last, memory = len(branch) - 1, branch.memory_at(0)

    def log_prob(at: int, share: float) -> float:
        state = stepper.start(memory)
        with torch.inference_mode():
            for step in range(last + 1):
                def longer(name: str, value: torch.Tensor, step: int = step) -> torch.Tensor:
                    return value * (1 + share) if name == "word_vector" and step == at else value

                state, record = stepper.step(memory, state, [branch.token_before(step)], longer)
        return float(record.log_probs[0, branch.tokens[last]])

    slopes = [(log_prob(at, 0.01) - log_prob(at, -0.01)) / 0.02 for at in range(last + 1)]
    for first in (0, last - 2):
        rows = next(iter(gradients(branch, first, last, lambda: True)))
        words = np.frombuffer(rows.words, "<f4").reshape(rows.rows, -1)[-1]
        if first == 0:
            np.testing.assert_allclose(words, slopes, rtol=0.05, atol=5e-3)
        else:  # the state before is taken as given; the last word's own vector counts as ever
            assert words[-1] == pytest.approx(slopes[-1], rel=0.05, abs=5e-3)


def test_the_implied_attention_is_what_inputs_weigh_in_a_state_space(opened: Any) -> None:
    """By the library's own forward: what a layer's scan gives is linear in what goes in, with these weights."""
    stepper = opened("mamba")
    branch = run_of(stepper, "mamba")
    found, steps = recorded(branch), len(branch)
    mixer = stepper.model.backbone.layers[1].mixer
    passed: dict[str, Any] = {}
    handle = mixer.x_proj.register_forward_hook(lambda _module, given, output: passed.update(x=given[0], projected=output))
    first = branch.memory_at(0).looked_at.first_token
    with handle, torch.inference_mode():
        stepper.model(torch.tensor([[first, *branch.tokens[:-1]]]), use_cache=False)
        delta, b, c = selection(mixer, passed["projected"])
        sizes = []
        for source in range(steps):  # a one at one step alone, in every channel
            one = torch.zeros_like(passed["x"])
            one[:, source] = 1.0
            scanned = mamba_selective_scan(one.transpose(1, 2), delta.transpose(1, 2), -mixer.A_log.exp(), b.transpose(1, 2),
                                           c.transpose(1, 2))
            sizes.append(float(scanned[0, :, -1].abs().mean()))
    weights = np.array(sizes) / np.sum(sizes)
    np.testing.assert_allclose(found["implied_attention"][-1, 1, :steps], weights, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(found["delta"][:, 1], delta[0], rtol=1e-4, atol=1e-5)
    with pytest.raises(EngineError, match="no attention"):
        occlude(branch, 2, lambda: True)
    assert len(list(lens(branch, 0, 1, lambda: True))) == 2


def test_it_opens_from_a_notebook(opened: Any) -> None:
    opened("marian")
    model = unrolled.open(f"hf:{opened('marian')._opened.folder}", device="cpu")
    trace = model.trace(SENTENCE)
    assert trace.provenance.source[-1] == "</s>"
    assert trace.column("cross_attention[layer=1,head=rollout]").shape == (len(trace), len(SENTENCE.split()) + 1)
    assert model.caption(SENTENCE).split()[0] == model.description.words[trace.tokens[0]].removeprefix("▁")
