"""Models of Hugging Face's library: what is stepped and recorded, against the library's own generate and forward."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

from transformers.models.mamba.modeling_mamba import mamba_selective_scan

import unrolled
from tests.tiny_transformers import (
    END,
    IDS,
    MODELS,
    PICTURES,
    SENTENCE,
    START,
    TEXTS,
    bytes_tokenizer,
    given,
    photograph,
    save,
)
from unrolled.models.adapters.registry import load
from unrolled.models.explaining.gradients import gradients
from unrolled.models.explaining.logit_lens import lens
from unrolled.models.explaining.occlusion import occlude
from unrolled.models.explaining.replay import replay
from unrolled.models.families.hugging_face.state_space import selection
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.questions import STATE_GAP
from unrolled.models.protocol.stepping import Ended
from unrolled.models.runs.branch import Branch
from unrolled.models.runs.errors import EngineError
from unrolled.models.runs.run import Run
from unrolled.models.stepping.stepper import AnyStepper
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

STEPS = 7


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """By a name of `MODELS` the stepper, made once."""
    folder = tmp_path_factory.mktemp("transformers")

    @cache
    def made(name: str) -> AnyStepper:
        return load(f"hf:{save(name, folder)}")

    return made


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
            rows.append(record.values[0].numpy())
    return by_channel(np.stack(rows), branch.channels)


@pytest.mark.parametrize("method", ["greedy", "beam"])
@pytest.mark.parametrize("name", MODELS)
def test_writes_what_generate_writes(opened: Any, name: str, method: str) -> None:
    stepper = opened(name)
    branch = run_of(stepper, name, method=method)
    how = {"do_sample": False, "num_beams": 1 if method == "greedy" else 3, "early_stopping": method == "beam",
           "length_penalty": Decoding().length_penalty}
    if name in TEXTS:
        tokens = torch.tensor([stepper.tokens_of(SENTENCE)])
        found = stepper.model.generate(tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=STEPS, **how)
    else:
        read = torch.tensor([stepper.tokens_of(SENTENCE)]) if stepper.description.input_kind == "sentence" else (
            stepper._pixels(given(name)))
        found = stepper.model.generate(read, max_new_tokens=branch.maximum, **how)
    assert branch.tokens == found[0].tolist()[1:]
    assert method == "beam" or len(set(branch.tokens)) > 2


@pytest.mark.parametrize("method", ["greedy", "beam"])
@pytest.mark.parametrize("name", [name for name in MODELS if name != "blip"])  # whose own generate reads no such file
def test_it_writes_as_much_as_its_settings_say(opened: Any, tmp_path: Path, name: str, method: str) -> None:
    folder = save(name, tmp_path)
    file = folder / "generation_config.json"
    read = opened(name).tokens_of(SENTENCE) if name in TEXTS else [0]
    file.write_text(json.dumps(json.loads(file.read_text()) | {"max_length": len(read) + 4}))
    stepper = load(str(folder))
    branch = Run(0, stepper, stepper.read(given(name))).branch(0)
    while not isinstance(branch.advance(len(branch), Decoding(method=method, beam_width=3), lambda: True), Ended):
        assert len(branch) < len(read) + 4
    how = {"do_sample": False, "num_beams": 1 if method == "greedy" else 3, "early_stopping": method == "beam",
           "length_penalty": Decoding().length_penalty}
    if name in TEXTS:
        found = stepper.model.generate(torch.tensor([read]), attention_mask=torch.ones(1, len(read), dtype=torch.long), **how)
    else:
        found = stepper.model.generate(torch.tensor([stepper.tokens_of(SENTENCE)])
                                       if stepper.description.input_kind == "sentence" else stepper._pixels(given(name)), **how)
    assert branch.tokens == found[0].tolist()[1:]


@pytest.mark.parametrize("method", ["greedy", "beam"])
@pytest.mark.parametrize("name", ["gpt2", "marian", "bart", "trocr"])
@pytest.mark.parametrize("settings", [
    {"min_length": 9}, {"min_new_tokens": 3}, {"min_new_tokens": 1, "max_new_tokens": 2}, {"forced_eos_token_id": END},
    {"min_length": 4, "bad_words_ids": [[5], [END]]}, {"suppress_tokens": [END]}], ids=str)
def test_it_ends_where_generate_ends(opened: Any, tmp_path: Path, name: str, settings: Any, method: str) -> None:
    """END is what a run writes first: without these settings it would be all."""
    folder, first = save(name, tmp_path), len(opened(name).read(given(name)).prompt_tokens)
    file = folder / "generation_config.json"
    prompt, end = first + 1, run_of(opened(name), name, method=method).tokens[first]
    put = {"forced_eos_token_id": end, "suppress_tokens": [end], "bad_words_ids": [[5], [end]]}
    changed = {"eos_token_id": end} | {key: put.get(key, value) for key, value in settings.items()}
    file.write_text(json.dumps(json.loads(file.read_text()) | {"max_length": prompt + 7} | changed))
    stepper = load(str(folder))
    branch = Run(0, stepper, stepper.read(given(name))).branch(0)
    while not isinstance(branch.advance(len(branch), Decoding(method=method, beam_width=3), lambda: True), Ended):
        assert len(branch) < prompt + 9
    how = {"do_sample": False, "num_beams": 1 if method == "greedy" else 3, "early_stopping": method == "beam",
           "length_penalty": Decoding().length_penalty}
    if name in TEXTS:
        read = torch.tensor([stepper.tokens_of(SENTENCE)])
        found = stepper.model.generate(read, attention_mask=torch.ones_like(read), **how)
    else:
        found = stepper.model.generate(torch.tensor([stepper.tokens_of(SENTENCE)])
                                       if stepper.description.input_kind == "sentence" else stepper._pixels(given(name)), **how)
    assert branch.tokens == found[0].tolist()[1:]


@pytest.mark.parametrize("method", ["greedy", "beam"])
def test_a_model_may_end_in_several_ways(opened: Any, tmp_path: Path, method: str) -> None:
    """What is written without them names two tokens that end a run from then on, as Llama 3 has several."""
    written = run_of(opened("marian"), "marian", method=method).tokens
    folder = save("marian", tmp_path)
    settings = json.loads((folder / "generation_config.json").read_text()) | {"eos_token_id": [END, written[3], written[5]]}
    (folder / "generation_config.json").write_text(json.dumps(settings))
    stepper = load(str(folder))
    branch = Run(0, stepper, stepper.read(SENTENCE)).branch(0)
    while not isinstance(branch.advance(len(branch), Decoding(method=method, beam_width=3), lambda: True), Ended):
        assert len(branch) <= STEPS
    found = stepper.model.generate(torch.tensor([stepper.tokens_of(SENTENCE)]), do_sample=False, early_stopping=method == "beam",
                                   num_beams=1 if method == "greedy" else 3, length_penalty=Decoding().length_penalty,
                                   max_new_tokens=branch.maximum)
    assert branch.tokens == found[0].tolist()[1:]
    assert branch.tokens[-1] in (END, written[3], written[5])


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


def edits_of(name: str) -> dict[str, Any]:
    """What can be changed of a model of this name, by what it is called."""
    stream = {"units": (ClampUnits(channel="residual_stream[layer=0]", units=(3,), value=1.5, first=2, last=3),
                        AddNoise(channel="residual_stream[layer=1]", deviation=0.3, first=3))}
    if name == "mamba":
        return stream
    kinds = ("self_attention",) if name in TEXTS else ("cross_attention", "self_attention")
    weights = np.zeros(16 if name in PICTURES else 7 if name not in TEXTS else 64)
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


def test_what_its_settings_say(opened: Any) -> None:
    marian, bart, gpt2, vision = (opened(name) for name in ("marian", "bart", "gpt2", "vision-gpt2"))
    assert marian.description.suppressed_tokens == (0,)
    assert bart.read(SENTENCE).prompt_tokens == (START,)
    assert marian.read(SENTENCE).source == (*SENTENCE.split(), "</s>")
    read = gpt2.read(SENTENCE)
    words = [gpt2.description.words[token] for token in (gpt2.read(SENTENCE).memory.looked_at.first_token, *read.prompt_tokens)]
    assert "".join(words).replace("▁", " ") == SENTENCE
    assert vision.description.input_size == (32, 32)
    assert {own.name: own.shape for own in vision.description.channels}["cross_attention"] == (3, 4, 4, 4)


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
