"""The words of the command line that change a computation, without a model."""

from __future__ import annotations

import argparse
import hashlib
import json

import msgspec
import pytest
import scripted
import scripted_traces

from unrolled.models.trace.edits import (
    AddNoise,
    ClampUnits,
    Edit,
    ForceToken,
    MaskAttention,
    ScaleUnits,
    SetAttention,
    SwapInput,
    SwitchHeadsOff,
    UniformAttention,
)
from unrolled.viewer.cli.edit_words import add_edit_arguments, edit_words
from unrolled.viewer.cli.telling import CommandError
from unrolled.viewer.state.edit_text import token_of

DOG = scripted.WORDS.index("dog")


def edits(*words, channels=None):
    parser = argparse.ArgumentParser()
    add_edit_arguments(parser)
    made = edit_words(parser.parse_args([str(word) for word in words]), lambda path: path.read_bytes())
    return made.edits(channels if channels is not None else scripted.channels(), scripted.description())


@pytest.mark.parametrize(("words", "expected"), [
    (("--force", "3=dog"), ForceToken(first=3, last=3, token=DOG, word="dog")),
    (("--clamp", "forget_gate:17=0"), ClampUnits(channel="forget_gate", units=(17,), value=0.0)),
    (("--clamp", "cell:1,4-6=-0.5@2-7"), ClampUnits(channel="cell", units=(1, 4, 5, 6), value=-0.5, first=2, last=7)),
    (("--multiply", "hidden:all=2@3-"), ScaleUnits(channel="hidden", factor=2.0, first=3)),
    (("--zero", "output gate:5@4"), ClampUnits(channel="output_gate", units=(5,), value=0.0, first=4, last=4)),
    (("--gate", "input_gate=open"), ClampUnits(channel="input_gate", value=1.0)),
    (("--gate", "input_gate=off@1"), ClampUnits(channel="input_gate", value=0.0, first=1, last=1)),
    (("--noise", "cell:2=0.3", "--noise-seed", "7"), AddNoise(channel="cell", units=(2,), deviation=0.3, seed=7)),
    (("--mask", "0,0,0.25,0.2"), MaskAttention(places=(0, 1))),
    (("--attention", "even@2-4"), UniformAttention(first=2, last=4))])
def test_words_are_edits(words, expected):
    assert edits(*words) == (expected,)


def test_layers_and_heads_are_named():
    channels = tuple(scripted_traces.layered_trace().channels.values())
    assert edits("--heads-off", "cross_attention:2:0,1@3-", "--clamp", "residual_stream[layer=1]:5=0.5", channels=channels) == (
        ClampUnits(channel="residual_stream[layer=1]", units=(5,), value=0.5),
        SwitchHeadsOff(channel="cross_attention", layer=2, heads=(0, 1), first=3))
    for wrong, why in (("cross_attention:2", "CHANNEL:LAYER:HEADS"), ("cross_attention:7:0", "no layer 7"),
                       ("hidden:0:0", "no “hidden”")):
        with pytest.raises(CommandError, match=f"--heads-off.*{why}"):
            edits("--heads-off", wrong, channels=channels)


def test_attention_is_set_to_places():
    (edit,) = edits("--attention", "0=1,9=3@5")
    assert isinstance(edit, SetAttention)
    assert {place: weight for place, weight in enumerate(edit.weights) if weight} == {0: 1.0, 9: 3.0}
    assert len(edit.weights) == scripted.GRID[0] * scripted.GRID[1]


def test_places_of_a_sentence_are_counted():
    channels = (msgspec.structs.replace(scripted.channels()[6], axes=("source",), shape=(7,)),)
    assert edits("--mask", "2,5@1", channels=channels) == (MaskAttention(places=(2, 5), first=1, last=1),)


def test_another_picture_is_read_and_known_by_its_hash(tmp_path):
    path = tmp_path / "other.png"
    path.write_bytes(b"a picture")
    assert edits("--swap", f"4={path}") == (
        SwapInput(first=4, name="other.png", input_hash=hashlib.sha256(b"a picture").hexdigest()),)


def test_files_of_one_name_in_two_folders_are_two(tmp_path):
    swaps = []
    for step, folder in enumerate(("a", "b")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "other.png").write_bytes(folder.encode())
        swaps += ["--swap", f"{step}={tmp_path / folder / 'other.png'}"]
    assert [edit.input_hash for edit in edits(*swaps)] == [hashlib.sha256(data).hexdigest() for data in (b"a", b"b")]


def test_a_file_of_edits(tmp_path):
    kept = (ForceToken(first=1, last=1, token=DOG), UniformAttention(first=2))
    path = tmp_path / "edits.json"
    path.write_bytes(msgspec.json.encode(kept))
    assert edits("--edits", path, "--zero", "cell") == (ClampUnits(channel="cell", value=0.0), *kept)
    assert msgspec.json.decode(json.dumps(json.loads(path.read_text())), type=tuple[Edit, ...]) == kept
    path.write_text('[{"kind": "explode"}]')
    with pytest.raises(CommandError, match="not a list of edits"):
        edits("--edits", path)
    with pytest.raises(CommandError, match="cannot be read"):
        edits("--edits", tmp_path / "nothing.json")


@pytest.mark.parametrize(("words", "sentence"), [
    (("--force", "3=doge"), "not one of the model’s 13 words. Near it: dog"), (("--force", "3"), "STEP=WORD"),
    (("--force", "x=dog"), "“x” is not a number"), (("--clamp", "cell:99=0"), "no unit 99"),
    (("--clamp", "candidate:1=0"), "could be changed"), (("--clamp", "cell:1"), "CHANNEL:UNITS=VALUE"),
    (("--clamp", "cell:1=x"), "“x” is not a number"), (("--clamp", "cell:1=1e99"), "out of range"),
    (("--zero", "cell:9-3"), "not a range"), (("--clamp", "cell:1=nan"), "“nan” is not a number"),
    (("--gate", "input_gate=ajar"), "off or open"), (("--mask", "0.5,0.5,0.1,0.1"), "region is left"),
    (("--mask", "1,2"), "X0,Y0,X1,Y1"), (("--attention", "999=1"), "no place 999"), (("--attention", "0=0"), "looks at nothing"),
    (("--noise", "cell:1=-2"), "out of range"), (("--zero", "cell:1@5-2"), "comes before"), (("--swap", "4"), "STEP=FILE")])
def test_what_is_no_edit_is_said(words, sentence):
    with pytest.raises(CommandError, match=sentence) as raised:
        edits(*words)
    assert str(raised.value).startswith(f"{words[0]} {words[1]}: ")


def test_without_attention_none_can_be_changed():
    for words in (("--mask", "0,0,1,1"), ("--attention", "even"), ("--attention", "3=1")):
        with pytest.raises(CommandError, match="no attention"):
            edits(*words, channels=scripted.channels()[:6])


def test_a_word_is_found_as_people_write_it():
    description = scripted.description()
    assert token_of("dog", description) == DOG
    pieces = msgspec.structs.replace(description, detokenization="pieces", words=("<end>", "▁chien", "s", "▁un"))
    assert token_of("chien", pieces) == 1
    assert token_of("·s", pieces) == 2
    characters = msgspec.structs.replace(description, detokenization="characters", words=("a", "\n", " "))
    assert token_of("⏎", characters) == 1
    assert token_of(" ", characters) == 2
