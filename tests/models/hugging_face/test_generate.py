"""What models of Hugging Face's library write, and where they end: as the library's own generate has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("transformers")


from tests.tiny_transformers import (
    END,
    MODELS,
    PICTURES,
    SENTENCE,
    START,
    TEXTS,
    given,
    save,
)
from tests.transformer_runs import run_of
from unrolled.models.adapters.registry import load
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.stepping import Ended, Stepped
from unrolled.models.runs.run import Run
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.trace.edits import ForceToken


def written(stepper: AnyStepper, name: str, method: str) -> list[int]:
    """A run's tokens, up to its end."""
    branch = Run(0, stepper, stepper.read(given(name))).branch(0)
    while not isinstance(branch.advance(len(branch), Decoding(method=method, beam_width=3), lambda: True), Ended):
        pass
    return branch.tokens


def generated(stepper: AnyStepper, name: str, method: str, **more: Any) -> list[int]:
    """By the library's own `generate`."""
    if name in PICTURES:
        read = {"pixel_values": stepper._pixels(given(name))}
    else:
        tokens = torch.tensor([stepper.tokens_of(SENTENCE)])
        read = {"inputs": tokens, "attention_mask": torch.ones_like(tokens)}
    found = stepper.model.generate(**read, do_sample=False, num_beams=1 if method == "greedy" else 3,
                                   length_penalty=Decoding().length_penalty, **more)
    tokens_of_it: list[int] = found[0].tolist()[1:]
    return tokens_of_it


def changed(folder: Path, settings: dict[str, Any]) -> AnyStepper:
    """Opened with these of its settings for `generate`."""
    file = folder / "generation_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | settings))
    return load(str(folder))


@pytest.mark.parametrize("method", ["greedy", "beam"])
@pytest.mark.parametrize("name", MODELS)
def test_writes_what_generate_writes(opened: Any, name: str, method: str) -> None:
    """As long as it does where no settings say how long."""
    stepper = opened(name)
    tokens = written(stepper, name, method)
    assert tokens == generated(stepper, name, method)
    assert method == "beam" or len(set(tokens)) > 2


@pytest.mark.parametrize("method", ["greedy", "beam"])
@pytest.mark.parametrize("name", MODELS)
def test_it_writes_as_much_as_its_settings_say(opened: Any, tmp_path: Path, name: str, method: str) -> None:
    read = len(opened(name).tokens_of(SENTENCE)) if name in TEXTS else 1
    stepper = changed(save(name, tmp_path), {"max_length": read + 4})
    assert written(stepper, name, method) == generated(stepper, name, method)


@pytest.mark.parametrize(("name", "method"), [("gpt2", "greedy"), ("marian", "beam"), ("bart", "greedy")])
@pytest.mark.parametrize("settings", [
    {"min_length": 9}, {"min_length": 9, "min_new_tokens": 3}, {"min_new_tokens": 1, "max_new_tokens": 2},
    {"forced_eos_token_id": END}, {"min_length": 4, "bad_words_ids": [[5], [END]]}, {"suppress_tokens": [END]}], ids=str)
def test_it_ends_where_generate_ends(opened: Any, tmp_path: Path, name: str, settings: Any, method: str) -> None:
    """END is what a run writes first: without these settings it would be all."""
    first = len(opened(name).read(given(name)).prompt_tokens) + (name == "bart")  # which is made to write START first
    end = run_of(opened(name), name, method=method).tokens[first]
    put = {"forced_eos_token_id": end, "suppress_tokens": [end], "bad_words_ids": [[5], [end]]}
    stepper = changed(save(name, tmp_path), {"eos_token_id": end, "max_length": first + 8} | {
        key: put.get(key, value) for key, value in settings.items()})
    assert written(stepper, name, method) == generated(stepper, name, method)


@pytest.mark.parametrize("settings", [{"eos_token_id": None}, {"forced_eos_token_id": [9, 4], "max_length": 6}], ids=str)
def test_what_ends_a_run_is_what_ends_generate(tmp_path: Path, settings: Any) -> None:
    """None of its own, whatever config.json says; of several that are forced the first of the vocabulary."""
    stepper = changed(save("marian", tmp_path), settings)
    assert written(stepper, "marian", "greedy") == generated(stepper, "marian", "greedy")


def test_a_text_of_one_piece_is_gone_on_with_by_force(tmp_path: Path) -> None:
    stepper = changed(save("gpt2", tmp_path), {"forced_bos_token_id": 9})
    read = torch.tensor([stepper.tokens_of("t")])
    branch = Run(0, stepper, stepper.read("t")).branch(0)
    branch.advance(0, Decoding(), lambda: True)
    assert branch.tokens == [9] == stepper.model.generate(read, max_new_tokens=1)[0, 1:].tolist()


@pytest.mark.parametrize("method", ["greedy", "beam"])
def test_a_model_may_end_in_several_ways(opened: Any, tmp_path: Path, method: str) -> None:
    """What is written without them names two tokens that end a run from then on, as Llama 3 has several."""
    usual = run_of(opened("marian"), "marian", method=method).tokens
    stepper = changed(save("marian", tmp_path), {"eos_token_id": [END, usual[3], usual[5]]})
    tokens = written(stepper, "marian", method)
    assert tokens == generated(stepper, "marian", method)
    assert tokens[-1] in (END, usual[3], usual[5])


@pytest.mark.parametrize("settings", [
    {"no_repeat_ngram_size": 2, "early_stopping": True}, {"repetition_penalty": 3.0, "early_stopping": "never"},
    {"encoder_no_repeat_ngram_size": 1, "encoder_repetition_penalty": 0.6, "renormalize_logits": True},
    {"begin_suppress_tokens": [*range(4, 20)], "bad_words_ids": [[5, 6], [7], [8, 8]], "min_new_tokens": 4},
    {"sequence_bias": [[[7], 3.0], [[9, 10], -4.0]], "exponential_decay_length_penalty": [2, 1.3]},
    {"forced_bos_token_id": 11, "bad_words_ids": [[11]], "forced_eos_token_id": END, "max_length": 14}], ids=str)
@pytest.mark.parametrize("name", ["gpt2", "t5", "trocr"])
def test_what_its_settings_make_of_scores_is_chosen_by(opened: Any, monkeypatch: pytest.MonkeyPatch, name: str,
                                                       settings: Any) -> None:
    stepper, plain = opened(name), written(opened(name), name, "greedy")
    monkeypatch.setattr(stepper.model, "generation_config", type(stepper.model.generation_config).from_dict(
        stepper.model.generation_config.to_dict() | settings))
    for method in ("greedy", "beam"):
        assert written(stepper, name, method) == generated(stepper, name, method)
    assert name != "t5" or written(stepper, name, "greedy") != plain


def test_settings_hold_behind_a_forced_word_and_are_seen(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was forced is repeated by nobody; candidates show the model's probability and what is made of it."""
    stepper = opened("gpt2")
    for name, value in {"no_repeat_ngram_size": 2, "repetition_penalty": 1.4, "max_length": 24}.items():
        monkeypatch.setattr(stepper.model.generation_config, name, value)
    run = Run(0, stepper, stepper.read(SENTENCE))
    given = len(run.branch(0).encoded.prompt_tokens)
    for step in range(given + 3):
        run.branch(0).advance(step, Decoding(), lambda: True)
    forced = run.branch(0).tokens[given]
    run.fork(1, 0, given + 2, (ForceToken(first=given + 2, last=given + 2, token=forced, word=""),), ())
    branch, told = run.branch(1), []
    while isinstance(report := branch.advance(len(branch), Decoding(), lambda: True), Stepped):
        told.append(report)
    read = stepper.tokens_of(SENTENCE)
    whole = stepper.model.generate(torch.tensor([[*read, *branch.tokens[len(read) - 1 : given + 3]]]), do_sample=False)
    assert whole[0].tolist() == [read[0], *branch.tokens]
    for report in told[1:]:
        by = {own.token: own.log_prob if own.ranked is None else own.ranked for own in report.candidates if not own.barred}
        assert report.token == max(by, key=lambda token: by[token])
    seen = [own for report in told for own in report.candidates]
    assert any(own.barred for own in seen)
    assert all(own.ranked < own.log_prob for own in seen if own.ranked is not None)
    assert any(own.ranked is not None for own in seen)


@pytest.mark.parametrize(("settings", "own"), [
    ({"num_beams": 4, "length_penalty": 2.0}, Decoding(method="beam", beam_width=4, length_penalty=2.0)),
    ({}, Decoding(length_penalty=1.0)), ({"num_beams": 4, "do_sample": True}, Decoding(length_penalty=1.0))], ids=str)
def test_words_are_chosen_as_its_settings_say(tmp_path: Path, settings: Any, own: Decoding) -> None:
    """Where nobody says otherwise: by the notebook's call, the command line and the window alike."""
    import unrolled

    folder = save("bart", tmp_path)
    stepper = changed(folder, settings)
    model = unrolled.open(str(folder))
    assert stepper.decoding == model._loaded.decoding == own
    expected = stepper.model.generate(torch.tensor([stepper.tokens_of(SENTENCE)]), do_sample=False)[0, 1:].tolist()
    assert settings.get("do_sample") or list(model.trace(SENTENCE).tokens) == expected


def test_what_its_settings_say(opened: Any) -> None:
    marian, bart, gpt2, vision = (opened(name) for name in ("marian", "bart", "gpt2", "vision-gpt2"))
    assert marian.description.suppressed_tokens == (0,)
    assert run_of(bart, "bart", steps=1).tokens == [START]
    assert marian.read(SENTENCE).source == (*SENTENCE.split(), "</s>")
    read = gpt2.read(SENTENCE)
    words = [gpt2.description.words[token] for token in (gpt2.read(SENTENCE).memory.looked_at.first_token, *read.prompt_tokens)]
    assert "".join(words).replace("▁", " ") == SENTENCE
    assert vision.description.input_size == (32, 32)
    assert {own.name: own.shape for own in vision.description.channels}["cross_attention"] == (3, 4, 4, 4)
