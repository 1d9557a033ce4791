"""Checkpoints of other people's programs: the same words and the same attention as their own code gives."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import their_models as theirs
import torch
from PIL import Image
from their_checks import STEPS, agrees, can_be_asked_and_changed, picture, refused, sums, written
from tiny_lines import always, take, trace_of

from unrolled.models.adapters.registry import load
from unrolled.models.checkpoints.files import CheckpointError
from unrolled.models.explaining.gradients import gradients
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.runs.run import Run
from unrolled.models.trace.edits import ClampUnits, ScaleUnits

# ── a PyTorch Tutorial to Image Captioning ──────────────────────────────────────────────────────────────────────────


def tutorial(folder: Path, *, whole: bool = True, layout: bool = False, words: bool = True) -> Path:
    encoder, decoder = theirs.show_attend_tell()
    path = folder / "BEST_checkpoint_coco.pth.tar"
    torch.save({"epoch": 4, "bleu-4": np.float64(0.24), "encoder": encoder if whole else encoder.state_dict(),
                "decoder": decoder if whole else decoder.state_dict(), "encoder_optimizer": None,
                "decoder_optimizer": torch.optim.Adam(decoder.parameters())}, path, _use_new_zipfile_serialization=layout)
    if words:
        (folder / "WORDMAP_coco.json").write_text(json.dumps({word: number for number, word in enumerate(theirs.WORDS)}))
    return path


@pytest.mark.parametrize("layout", [False, True], ids=["legacy", "zip"])
def test_the_tutorials_captioner_writes_its_own_words_with_its_own_attention(tmp_path: Path, layout: bool) -> None:
    words, maps = theirs.caption_attending(*theirs.show_attend_tell(), picture(), STEPS)
    stepper = load(str(tutorial(tmp_path, layout=layout)))
    assert stepper.decoding == Decoding(method="beam", beam_width=5, length_penalty=0.0)  # as its caption.py has it
    branch, trace = written(stepper, picture())
    assert branch.tokens == words
    assert len(set(words)) > 1
    for step, expected in enumerate(maps):
        assert np.abs(trace.column("attention")[step].ravel() - expected.numpy()).max() < 1e-5
    assert max(float(own.std()) for own in maps) > 1e-3
    gate = trace.column("context_gate")
    assert gate.shape[1] == 512
    assert 0.0 < gate.min() < 0.3 < 0.7 < gate.max() < 1.0
    assert set(agrees(branch, trace).by_channel) >= {"attention", "context_gate", "context_gate_mean", "cell"}


def test_everything_can_be_asked_and_changed_in_it(tmp_path: Path) -> None:
    stepper = load(str(tutorial(tmp_path)))
    can_be_asked_and_changed(stepper, picture(), ("context_gate", "forget_gate"))
    shut = ScaleUnits(channel="context_gate", units=(), factor=0.0, first=1, last=3)
    branch, trace = written(stepper, picture(), (shut,), steps=4)
    agrees(branch, trace)
    assert not trace.column("context_gate")[1:].any()
    sums(branch, 3, 2)


def test_a_state_dict_needs_its_word_map(tmp_path: Path) -> None:
    path = tutorial(tmp_path, whole=False, words=False)
    with pytest.raises(CheckpointError, match="word map"):
        load(str(path))
    (tmp_path / "WORDMAP_other.json").write_text(json.dumps({"a": 3}))
    with pytest.raises(CheckpointError, match="another model"):
        load(str(path))
    tutorial(tmp_path, whole=False)
    assert load(str(path)).description.words == theirs.WORDS


@pytest.mark.parametrize(("change", "sentence"), [
    (lambda state: state.pop("fc.bias"), "“decoder.fc.bias” is missing"),
    (lambda state: state.update({"attention.gate.weight": torch.zeros(2)}), "“decoder.attention.gate.weight” is left over"),
    (lambda state: state.update({"f_beta.weight": torch.zeros(3, 7)}), "“decoder.f_beta.weight” is"),
    (lambda state: state["embedding.weight"].fill_(float("nan")), "not finite"),
    (lambda state: state.update({"fc.weight": torch.zeros(7)}), "“decoder.fc.weight” is"),
])
def test_what_does_not_fit_is_said(tmp_path: Path, change: Any, sentence: str) -> None:
    encoder, decoder = theirs.show_attend_tell()
    state = decoder.state_dict()
    change(state)
    tutorial(tmp_path)
    torch.save({"encoder": encoder.state_dict(), "decoder": state}, tmp_path / "odd.pth")
    with pytest.raises(CheckpointError, match=sentence):
        load(str(tmp_path / "odd.pth"))


def test_what_is_of_no_known_family_is_listed(tmp_path: Path) -> None:
    torch.save({"lstm.weight_ih_l0": torch.zeros(8, 3)}, tmp_path / "own.pt")
    with pytest.raises(CheckpointError, match=r"lstm\.weight_ih_l0 8 × 3"):
        load(str(tmp_path / "own.pt"))


def test_what_is_recurrent_in_it_is_told_and_how_it_is_recorded(tmp_path: Path) -> None:
    module = torch.nn.ModuleDict({
        "reader": torch.nn.LSTM(5, 7, 2, bidirectional=True, proj_size=3),
        "tower": torch.nn.ModuleDict({"gru": torch.nn.GRU(4, 6)}),
        "cell": torch.nn.RNNCell(2, 3), "lstm": torch.nn.LSTMCell(2, 3), "head": torch.nn.Linear(3, 3)})
    torch.save({"state_dict": module.state_dict(), "epoch": 3}, tmp_path / "own.ckpt")
    with pytest.raises(CheckpointError) as told:
        load(str(tmp_path / "own.ckpt"))
    for part in ("LSTM “state_dict.reader” (2 layers, both ways, 5 → 7 units projected to 3)",
                 "GRU “state_dict.tower.gru” (4 → 6 units)", "RNN cell “state_dict.cell” (2 → 3 units)",
                 "LSTM cell “state_dict.lstm” (2 → 3 units)", "“with unrolled.record(module):”"):
        assert part in str(told.value)
    assert "head" not in str(told.value).partition("Recurrent")[2]


# ── char-rnn ────────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("layout", [False, True], ids=["legacy", "zip"])
@pytest.mark.parametrize(("cell", "layers"), [("gru", 1), ("gru", 2), ("lstm", 3)])
def test_a_char_rnn_goes_on_as_by_itself(tmp_path: Path, cell: str, layers: int, layout: bool) -> None:
    model = theirs.stirred(lambda: theirs.CharRNN(cell, layers))
    torch.save(model, tmp_path / "shakespeare.pt", _use_new_zipfile_serialization=layout)
    tokens, hidden = theirs.continued(model, "Wherefore", 14)
    stepper = load(str(tmp_path / "shakespeare.pt"))
    branch, trace = written(stepper, "Wherefore", steps=14)
    assert branch.tokens == tokens[1:]
    assert np.abs(trace.column("hidden") - torch.stack(hidden).numpy()).max() < 1e-5
    assert len(branch.channels) == layers * len([channel for channel in branch.channels if channel.layer == 0])
    agrees(branch, trace)
    sums(branch, 3, 5)
    assert all(part.words for part in gradients(branch, 0, 13, always))
    lowest = "hidden" if layers == 1 else "hidden_layer_0"
    agrees(*written(stepper, "Wherefore", (ClampUnits(channel=lowest, units=(2,), value=0.5, first=2, last=5),), steps=8))


def test_the_same_numbers_for_every_layer_are_refused(tmp_path: Path) -> None:
    """A file of a megabyte would take gigabytes."""
    model = theirs.CharRNN("lstm", layers=60)
    for kind in ("weight", "bias"):
        for name in [name for name, _ in model.rnn.named_parameters() if kind in name]:
            model.rnn._parameters[name] = getattr(model.rnn, f"{kind}_ih_l0")
    torch.save(model, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match="the same numbers over and over"):
        load(str(tmp_path / "a.pt"))


def test_other_characters_than_the_printable_ones_are_said(tmp_path: Path) -> None:
    model = theirs.CharRNN()
    model.encoder = torch.nn.Embedding(60, 8)
    torch.save(model.state_dict(), tmp_path / "own.pt")
    with pytest.raises(CheckpointError, match="60 characters"):
        load(str(tmp_path / "own.pt"))


# ── pytorch-tutorial ────────────────────────────────────────────────────────────────────────────────────────────────

def show_and_tell(folder: Path, layers: int = 1) -> tuple[Any, Any]:
    encoder, decoder = theirs.stirred(theirs.EncoderCNN), theirs.stirred(lambda: theirs.DecoderRNN(layers), 23)
    with torch.no_grad():
        encoder.linear.weight.mul_(0.1)
        encoder.bn.running_mean.uniform_(-1, 1)
        encoder.bn.running_var.uniform_(0.5, 2)
        decoder.linear.bias.mul_(0.2)[theirs.WORDS.index("<end>")] = -2
        decoder.embed.weight.mul_(3)
        decoder.linear.weight.mul_(3)
    torch.save(encoder.state_dict(), folder / "encoder-5-3000.pkl")
    torch.save(decoder.state_dict(), folder / "decoder-5-3000.pkl")
    return encoder, decoder


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("named", ["encoder", "decoder"])
def test_the_picture_is_what_the_first_step_reads(tmp_path: Path, named: str, layers: int) -> None:
    words, hidden = theirs.caption_with_feature(*show_and_tell(tmp_path, layers), picture(), STEPS)
    (tmp_path / "vocab.pkl").write_bytes(pickle.dumps(theirs.Vocabulary()))
    stepper = load(str(tmp_path / f"{named}-5-3000.pkl" if layers == 1 else tmp_path))
    branch, trace = written(stepper, picture())
    assert branch.tokens == words
    assert len(set(words)) > 1
    assert np.abs(trace.column("hidden") - torch.stack(hidden).numpy()).max() < 1e-5
    agrees(branch, trace)
    sums(branch, 3, 1)
    other = Image.new("RGB", (30, 30), "red")
    assert np.abs(written(stepper, other)[1].column("hidden")[0] - trace.column("hidden")[0]).max() > 1e-3


def test_what_lies_beside_is_named_when_it_is_not_there(tmp_path: Path) -> None:
    show_and_tell(tmp_path)
    path = tmp_path / "decoder-5-3000.pkl"
    with pytest.raises(CheckpointError, match=r"vocab\.pkl"):
        load(str(path))
    (tmp_path / "encoder-5-3000.pkl").unlink()
    with pytest.raises(CheckpointError, match=r"put its encoder, “encoder-5-3000\.pkl”"):
        load(str(path))


def test_a_folder_is_its_one_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint"):
        load(str(tmp_path))
    path = tutorial(tmp_path)
    assert load(str(tmp_path)).description.name == path.name
    (tmp_path / "optimizer.pth").write_bytes(b"whatever lies beside")
    (tmp_path / "model-7.pth").write_bytes(b"an earlier one")
    assert load(str(tmp_path)).description.name == path.name == "BEST_checkpoint_coco.pth.tar"
    path.rename(tmp_path / "model-8.pth")
    with pytest.raises(CheckpointError, match=r"several checkpoints; name one of them: model-7\.pth, model-8\.pth"):
        load(str(tmp_path))


@pytest.mark.parametrize("make", ["tutorial", "char-rnn", "pytorch-tutorial"])
def test_weights_of_any_shape_cost_a_sentence(tmp_path: Path, make: str) -> None:
    """Each tensor in turn is missing, called otherwise, loses an axis, gains one, or has other lengths."""
    if make == "tutorial":
        _, decoder = theirs.show_attend_tell()
        state = {"encoder.resnet.0.weight": torch.ones(1)}
        state |= {f"decoder.{name}": value for name, value in decoder.state_dict().items()}
    elif make == "char-rnn":
        state = theirs.CharRNN().state_dict()
    else:
        encoder, decoder = show_and_tell(tmp_path)
        state = decoder.state_dict()
        small = {name: value for name, value in encoder.state_dict().items() if not name.startswith("resnet.")}
        torch.save({**small, "resnet.0.weight": torch.ones(1)}, tmp_path / "encoder-5-3000.pkl")  # it is not come to
    for name, value in state.items():
        other = f"{name.rpartition('.')[0]}.other"
        rest = {own: kept for own, kept in state.items() if own != name}
        spoilt = [{**state, name: odd} for odd in (value.flatten(), value[None], value[:0], value[..., :1], torch.tensor(1.0))
                  if odd.shape != value.shape]
        for changed in (*spoilt, rest, {**state, other: value}):
            torch.save(changed, tmp_path / "decoder-5-3000.pkl")
            refused(tmp_path / "decoder-5-3000.pkl", (*state, other))


@pytest.mark.parametrize("make", ["tutorial", "char-rnn", "pytorch-tutorial"])
def test_a_beam_finds_no_less_than_the_most_probable_words(tmp_path: Path, make: str) -> None:
    given: Any = picture()
    if make == "tutorial":
        path = tutorial(tmp_path)
    elif make == "char-rnn":
        path, given = tmp_path / "char.pt", "W"
        torch.save(theirs.stirred(theirs.CharRNN), path)
    else:
        path = tmp_path / "decoder-5-3000.pkl"
        show_and_tell(tmp_path, 2)
        (tmp_path / "vocab.pkl").write_bytes(pickle.dumps(theirs.Vocabulary()))
    stepper = load(str(path))
    stepper.description = msgspec.structs.replace(stepper.description, maximum_steps=4)
    run = Run(1, stepper, replace(stepper.read(given), maximum_steps=4))
    greedy, beam = run.branch(0), run.branch(0).fork(1, 0, ())
    plain = sum(report.log_prob for report in take(greedy, stop=4))
    wide = take(beam, stop=4, decoding=Decoding(method="beam", beam_width=64, length_penalty=0.0))
    assert sum(report.log_prob for report in wide) >= plain - 1e-5
    trace = trace_of(beam, wide)
    agrees(beam, trace)
