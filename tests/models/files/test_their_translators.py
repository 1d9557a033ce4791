"""Checkpoints of JoeyNMT and of the chatbot tutorial: the same words and the same attention as their own code gives."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import their_translators as theirs
import torch
import yaml
from their_checks import agrees, can_be_asked_and_changed, refused, written
from tiny_lines import always

from unrolled.models.adapters.registry import load
from unrolled.models.checkpoints.files import CheckpointError
from unrolled.models.explaining.gradients import gradients
from unrolled.models.families.joey_nmt.settings import decoding_of
from unrolled.models.families.joey_nmt.subwords import merges_of
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.stepping import Stepped
from unrolled.models.runs.run import Run
from unrolled.models.stepping.stepper import InputError
from unrolled.models.trace.detokenization import text_of

SENTENCE, TOKENS, STEPS = "Der  Hund läuft xyz auf Gras", [4, 5, 6, 0, 7, 8], 9


def saved(folder: Path, model: theirs.Joey, *, scale: bool = False, level: str = "word", old: bool = False) -> Path:
    """As JoeyNMT leaves it: a checkpoint, its settings, both vocabularies."""
    torch.save({"model_state": model.state_dict(), "optimizer_state": torch.optim.Adam(model.parameters()).state_dict(),
                "scheduler_state": None, "train_iter_state": {"seed": 3}}, folder / "900.ckpt")
    side = {"level": level, "lowercase": True}
    decoder = {"init_hidden": model.begin, "embeddings": {"scale": scale}}
    (folder / "config.yaml").write_text(yaml.safe_dump({
        "name": "small", "data": {"src": "de", "trg": "en", **side} if old else {"src": {"lang": "de", **side}, "trg": side},
        "testing": {"max_output_length": 30}, "model": {"encoder": {"embeddings": {"scale": scale}}, "decoder": decoder}}))
    for name, words in (("src", theirs.GERMAN), ("trg", theirs.ENGLISH)):
        (folder / f"{name}_vocab.txt").write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
    return folder / "900.ckpt"


@pytest.mark.parametrize(("cells", "layers", "options", "scale"), [
    (("lstm", "lstm"), (1, 1), {"bahdanau": False, "begin": "zero"}, False),
    (("gru", "gru"), (2, 1), {"begin": "bridge"}, True),
    (("lstm", "lstm"), (1, 2), {"fed": False, "begin": "last"}, False),
    (("gru", "lstm"), (2, 2), {"bahdanau": False, "begin": "bridge"}, False),
], ids=["lstm-luong-zero", "gru-bahdanau-bridge", "two-layers-last", "gru-lstm-luong"])
def test_joeynmt_writes_its_own_words_with_its_own_alignment(tmp_path: Path, cells: Any, layers: Any, options: Any,
                                                             scale: bool) -> None:
    model, words, maps = theirs.varied(lambda seed: theirs.joey(seed, cells, layers, **options),
                                       lambda own: theirs.translated(own, TOKENS, STEPS, math.sqrt(6) if scale else 1.0))
    stepper = load(str(saved(tmp_path, model, scale=scale)))
    branch, trace = written(stepper, SENTENCE, steps=STEPS)
    assert branch.tokens == words
    for step, expected in enumerate(maps):
        assert np.abs(trace.column("attention")[step] - expected.numpy()).max() < 1e-5
    read = stepper.read(SENTENCE)
    assert read.source == ("der", "hund", "läuft", "xyz", "auf", "gras", "</s>")
    assert "“xyz”" in read.notes[0]
    assert set(agrees(branch, trace).by_channel) >= {"attention", "attentional_vector", "hidden"}
    gate = "forget_gate" if cells[1] == "lstm" else "update_gate"
    can_be_asked_and_changed(stepper, SENTENCE, (gate, "hidden", "attentional_vector", *(
        (f"{gate}_layer_0",) if layers[1] > 1 else ())))
    begun = next(iter(gradients(branch, 0, 1, always))).first_state
    assert bool(begun) == (options["begin"] != "zero")


@pytest.mark.parametrize(("testing", "own"), [
    ({"beam_size": 5, "beam_alpha": 1.0}, Decoding(method="beam", beam_width=5, length_penalty=1.0)),
    ({"beam_size": 5, "alpha": 0.6}, Decoding(method="beam", beam_width=5, length_penalty=0.6)),
    ({"beam_size": 1, "alpha": -1}, Decoding(length_penalty=0.0)),
    ({"beam_size": "many"}, Decoding(length_penalty=0.0))], ids=str)
def test_joeynmt_has_words_chosen_as_its_settings_say(testing: Any, own: Decoding) -> None:
    assert decoding_of({"testing": testing}) == own


def test_of_joeynmt_1_all_words_may_be_written(tmp_path: Path) -> None:
    model = theirs.joey(1)
    assert load(str(saved(tmp_path, model))).suppressed_tokens == (2, 1)
    assert load(str(saved(tmp_path, model, old=True))).suppressed_tokens == ()


@pytest.mark.parametrize(("old", "named", "least"), [(True, None, 0), (False, None, 1), (False, 3, 3), (False, 0, 0)])
def test_joeynmt_2_writes_so_many_words_at_least(tmp_path: Path, old: bool, named: int | None, least: int) -> None:
    """Its END is made what every state asks for."""
    model = theirs.joey(1)
    path = saved(tmp_path, model, old=old)
    if named is not None:
        settings = yaml.safe_load((tmp_path / "config.yaml").read_text())
        settings["testing"]["min_output_length"] = named
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    end = 3
    for step in range(least + 1):
        vector = torch.from_numpy(written(load(str(path)), SENTENCE, steps=step + 1)[1].column("attentional_vector")[step])
        model.state_dict()["decoder.output_layer.weight"][end] += 20 * vector / vector.norm() ** 2
        torch.save({"model_state": model.state_dict()}, path)
    for method in ("greedy", "beam"):
        run = Run(0, stepper := load(str(path)), stepper.read(SENTENCE)).branch(0)
        held_back = []
        while isinstance(step := run.advance(len(run), Decoding(method=method, beam_width=2), lambda: True), Stepped):
            held_back += [step.step for own in step.candidates if own.barred and own.token == end]
        assert run.tokens.index(end) == least
        assert held_back == list(range(least))


@pytest.mark.parametrize(("level", "words", "text"), [
    ("word", ("the", "dog", "</s>"), "the dog"), ("bpe", ("th@@", "e", "dog", "</s>"), "the dog"),
    ("char", ("t", "h", "e", "▁", "d", "</s>"), "the d")])
def test_words_pieces_and_characters_are_joined_again(tmp_path: Path, level: str, words: Any, text: str) -> None:
    path = saved(tmp_path, theirs.joey(1), level=level)
    known = tuple(dict.fromkeys((*theirs.ENGLISH[:4], *words, *theirs.ENGLISH, "b", "c")))[:12]
    (tmp_path / "trg_vocab.txt").write_text("\n".join(known) + "\n", encoding="utf-8")
    description = load(str(path)).description
    assert text_of(words, description.detokenization, without=("</s>",)) == text


MERGES = ["#version: 0.2", "l o", "lo w", "e r</w>", "low e", "lowe r</w>", "n e", "ne w</w>"]


@pytest.mark.parametrize(("word", "known", "pieces"), [
    ("low", (), ["lo@@", "w"]), ("lower", (), ["low@@", "er"]), ("newer", (), ["ne@@", "w@@", "er"]), ("new", (), ["new"]),
    ("x", (), ["x"]), ("lol", (), ["lo@@", "l"]),
    ("lower", ("lo@@", "w@@", "er"), ["lo@@", "w@@", "er"]), ("new", ("n@@", "e@@", "w"), ["n@@", "e@@", "w"]),
    ("new", ("new",), ["new"])])
def test_words_are_merged_of_pieces_as_they_were_learned(tmp_path: Path, word: str, known: Any, pieces: list[str]) -> None:
    """Worked out by hand: of all pairs the one that stands first in the file is merged first."""
    (tmp_path / "codes.txt").write_text("\n".join(MERGES) + "\n", encoding="utf-8")
    merges = merges_of(tmp_path / "codes.txt", known, "@@")
    assert merges is not None
    assert merges.pieces(word) == pieces


def test_a_sentence_is_cut_into_the_pieces_of_its_model(tmp_path: Path) -> None:
    path = saved(tmp_path, theirs.joey(1), level="bpe")
    settings = yaml.safe_load((tmp_path / "config.yaml").read_text())
    settings["data"]["src"]["tokenizer_cfg"] = {"codes": "far/away/bpe.codes", "pretokenizer": "moses"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    (tmp_path / "src_vocab.txt").write_text("\n".join((*theirs.GERMAN[:4], *"abcd", "lo@@", "w", "new", "ne@@")) + "\n")
    before = load(str(path)).read("low new")
    assert before.source == ("low", "new", "</s>")
    assert "they have to be in the sentence already" in before.notes[0]
    (tmp_path / "bpe.codes").write_text("\n".join(MERGES), encoding="utf-8")
    after = load(str(path)).read("low new")
    assert after.source == ("lo@@", "w", "new", "</s>")
    assert [note for note in after.notes if "Moses" in note] == list(after.notes)


def test_settings_that_hold_one_list_many_times_over_are_not_spelled_out(tmp_path: Path) -> None:
    path = saved(tmp_path, theirs.joey(1))
    settings = (tmp_path / "config.yaml").read_text()
    bomb = "a0: &a0 [lol]\n" + "".join(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]\n" for k in range(1, 6))
    places = settings.replace("name: small", "name: *a5").replace("level: word", "level: *a5")
    (tmp_path / "config.yaml").write_text(bomb + places.replace("data:", "data:\n  special_symbols: {unk_token: *a5}"))
    assert load(str(path)).description.title == "Translator · 900.ckpt"
    (tmp_path / "a.yaml").write_text("#" * 2**18)  # read after its own one, if at all
    assert load(str(path)).description.title == "Translator · 900.ckpt"


@pytest.mark.parametrize(("spoil", "sentence"), [
    (lambda folder: (folder / "config.yaml").unlink(), r"put its config\.yaml into the same folder"),
    *((lambda folder, text=text: (folder / "config.yaml").write_text(text), r"put its config\.yaml")
      for text in ("!!python/object/apply:os.system [echo]", "!!int ''", "!!bool x", "!!timestamp x", "[" * 9999, "a: \0")),
    (lambda folder: (folder / "trg_vocab.txt").unlink(), r"put its vocabulary trg_vocab\.txt into the same folder"),
    (lambda folder: (folder / "src_vocab.txt").write_text("a\n"), "12 words, and “src_vocab.txt” has 5"),
])
def test_what_lies_beside_is_named_when_it_is_not_there(tmp_path: Path, spoil: Any, sentence: str) -> None:
    path = saved(tmp_path, theirs.joey(1))
    spoil(tmp_path)
    with pytest.raises(CheckpointError, match=sentence):
        load(str(path))


# ── The chatbot tutorial ────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("method", ["dot", "general", "concat"])
def test_the_chatbot_answers_as_by_itself(tmp_path: Path, method: str, layers: int) -> None:
    tokens = [theirs.ANSWERS.index(word) for word in ("hello", "?", "where", "are", "you", "lawyer", "EOS")]
    model, words, maps = theirs.varied(lambda seed: theirs.bot(seed, method, layers),
                                       lambda own: theirs.answered(own, tokens, 10))
    torch.save(model.checkpoint(), tmp_path / "4000_checkpoint.tar")
    stepper = load(str(tmp_path / "4000_checkpoint.tar"))
    given = "Hello? WHERE are yoú, dear lawyer"
    branch, trace = written(stepper, given, steps=10)
    assert branch.tokens == words
    for step, expected in enumerate(maps):
        assert np.abs(trace.column("attention")[step] - expected.numpy()).max() < 1e-5
    read = stepper.read(given)
    assert read.source == ("hello", "?", "where", "are", "you", "lawyer", "EOS")
    assert "“dear”" in read.notes[0]
    agrees(branch, trace)
    can_be_asked_and_changed(stepper, given, ("update_gate", "hidden", *(("candidate_layer_0",) if layers > 1 else ())))
    with pytest.raises(InputError, match="none of its words"):
        stepper.read("Dearest")


def test_a_chatbot_without_its_words_is_told(tmp_path: Path) -> None:
    checkpoint = theirs.bot(1, "dot", 1).checkpoint()
    del checkpoint["voc_dict"]
    torch.save(checkpoint, tmp_path / "own.tar")
    with pytest.raises(CheckpointError, match="voc_dict"):
        load(str(tmp_path / "own.tar"))


@pytest.mark.parametrize("make", ["joey", "concat"])
def test_weights_of_any_shape_or_name_cost_a_sentence(tmp_path: Path, make: str) -> None:
    """Each tensor in turn is missing, called otherwise, loses an axis, gains one, or has other lengths."""
    if make in ("joey", "luong"):
        path = saved(tmp_path, theirs.joey(1, bahdanau=make == "joey"))
    else:
        path = tmp_path / "4000_checkpoint.tar"
        torch.save(theirs.bot(1, make, 1).checkpoint(), path)
    whole = torch.load(path, weights_only=False)
    for part in ("model_state",) if "model_state" in whole else ("en", "de"):
        for name, value in whole[part].items():
            if (part, name) == ("en", "embedding.weight"):
                continue  # theirs loads it, and then the decoder's in its place
            rest = {own: other for own, other in whole[part].items() if own != name}
            spoilt = [{**rest, name: odd} for odd in (value.flatten(), value[None], value[:0], value[..., :1], torch.tensor(1.0))
                      if odd.shape != value.shape]
            other = f"{name.rpartition('.')[0]}.other"
            for state in (*spoilt, rest, {**rest, other: value}):
                torch.save({**whole, part: state}, path)
                refused(path, (*whole[part], other, *(f"{part}.{own}" for own in (*whole[part], other))))
