"""Checkpoints of ImageCaptioning.pytorch: the same words and the same attention as their own code gives."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import their_captioners as theirs
import torch
from their_checks import agrees, can_be_asked_and_changed, picture, refused, written
from their_translators import varied
from tiny_lines import always

from unrolled.models.adapters.registry import load
from unrolled.models.cells import MaxoutLSTMCell
from unrolled.models.checkpoints.files import CheckpointError
from unrolled.models.explaining.equations import explain

STEPS = 9


@pytest.fixture(scope="module")
def network() -> Any:
    return theirs.resnet()


@pytest.mark.parametrize(("kind", "normalised"), [("att2in2", 0), ("att2in2", 1), ("updown", 0), ("updown", 2)])
def test_words_and_attention_are_their_own(tmp_path: Path, network: Any, kind: str, normalised: int) -> None:
    given = picture(70, 50)
    places, mean = theirs.looked(given, network)
    model, words, maps = varied(lambda seed: theirs.captioner(seed, kind, normalised, places),
                                lambda own: theirs.captioned(own, places, mean, STEPS), least=2e-4)
    stepper = load(str(theirs.saved(tmp_path, model, network, kind=kind)))
    branch, trace = written(stepper, given, steps=STEPS)
    assert branch.tokens == words
    for step, expected in enumerate(maps):
        assert np.abs(trace.column("attention")[step].ravel() - expected.numpy()).max() < 1e-5
    agrees(branch, trace)
    below = ("forget_gate_layer_0", "hidden_layer_0") if kind == "updown" else ()
    can_be_asked_and_changed(stepper, given, ("cell_gate", "forget_gate", *below))
    assert stepper.description.words[:3] == ("<end>", "a", "dog")


def test_the_larger_of_two_sums_is_the_candidate(tmp_path: Path, network: Any) -> None:
    places, _ = theirs.looked(picture(70, 50), network)
    stepper = load(str(theirs.saved(tmp_path, theirs.captioner(2, "att2in2", 0, places), network, kind="att2in2")))
    branch, trace = written(stepper, picture(70, 50), steps=4)
    won = set()
    for unit in range(theirs.UNITS):
        gate = next(own for own in explain(branch, 3, unit, always).equations if own.channel == "cell_gate")
        assert gate.total == pytest.approx(float(trace.column("cell_gate")[3, unit]), abs=1e-5)
        won.add(next(part.symbol for part in gate.parts if part.symbol.startswith("b_")))
    assert won == {"b_g′", "b_g″"}
    cell, x = MaxoutLSTMCell(3, 2), torch.randn(4, 3)
    for parameter in cell.parameters():
        torch.nn.init.normal_(parameter)
    rows = (x @ cell.weight_ih.T + cell.bias_ih + cell.bias_hh)[:, 6:]
    assert torch.allclose(cell(x, torch.zeros(4, 2), torch.zeros(4, 2)).cell_gate, rows.view(4, 2, 2).amax(dim=1), atol=1e-6)


def test_each_checkpoint_has_its_own_infos(tmp_path: Path, network: Any) -> None:
    model = theirs.captioner(1, "updown", 0, theirs.looked(picture(), network)[0])
    best = theirs.saved(tmp_path, model, network, kind="updown", append="-best", input_encoding_size=5)
    path = theirs.saved(tmp_path, model, network, kind="updown")
    (tmp_path / "infos_mine.pkl").write_bytes(pickle.dumps({"opt": {"seq_length": 7}, "vocab": theirs.VOCABULARY}, protocol=2))
    assert (load(str(path)).description.maximum_steps, load(str(best)).description.maximum_steps) == (7, 20)


@pytest.mark.parametrize("protocol", [0, 1])
def test_infos_of_the_oldest_protocols_are_read(tmp_path: Path, network: Any, protocol: int) -> None:
    path = theirs.saved(tmp_path, theirs.Captioner("updown"), network, kind="updown", protocol=protocol)
    description = load(str(path)).description
    assert description.words == ("<end>", *theirs.VOCABULARY.values())
    assert description.maximum_steps == 20


def test_a_large_photograph_and_a_detectors_regions_are_said(tmp_path: Path, network: Any) -> None:
    model = theirs.captioner(1, "att2in2", 0, theirs.looked(picture(), network)[0])
    path = theirs.saved(tmp_path, model, network, kind="att2in2")
    opt = {"vocab": theirs.VOCABULARY, "opt": {"input_att_dir": "data/cocobu_att"}}
    (tmp_path / "infos_mine.pkl").write_bytes(pickle.dumps(opt, protocol=2))
    stepper = load(str(path))
    branch, trace = written(stepper, picture(900, 300), steps=3)
    agrees(branch, trace)
    notes = stepper.read(picture(900, 300)).notes
    assert "640 pixels" in notes[0]
    assert "regions that a detector found" in notes[1]


@pytest.mark.parametrize(("spoil", "sentence"), [
    (lambda folder: (folder / "infos_mine.pkl").unlink(), r"put its infos_….pkl into the same folder"),
    (lambda folder: (folder / "infos_mine.pkl").write_bytes(pickle.dumps({"vocab": {"1": "a"}, "opt": {}})), "has 8 words"),
    (lambda folder: (folder / "resnet18.pth").unlink(), r"put its resnet101\.pth into the same folder"),
])
def test_what_lies_beside_is_named_when_it_is_not_there(tmp_path: Path, network: Any, spoil: Any, sentence: str,
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "nothing"))
    path = theirs.saved(tmp_path, theirs.Captioner("updown"), network, kind="updown")
    spoil(tmp_path)
    with pytest.raises(CheckpointError, match=sentence):
        load(str(path))


@pytest.mark.parametrize("kind", ["att2in2", "updown"])
def test_weights_of_any_shape_or_name_cost_a_sentence(tmp_path: Path, kind: str) -> None:
    """Each tensor in turn is missing, called otherwise, loses an axis, gains one, or has other lengths."""
    whole = theirs.Captioner(kind, 1).state_dict()
    for name, value in whole.items():
        if "alpha_net.bias" in name or "num_batches" in name:
            continue
        rest = {own: other for own, other in whole.items() if own != name}
        spoilt = [{**rest, name: odd} for odd in (value.flatten(), value[None], value[:0], value[..., :1], torch.tensor(1.0))
                  if odd.shape != value.shape]
        other = f"{name.rpartition('.')[0]}.other"
        for state in (*spoilt, rest, {**rest, other: value}):
            torch.save(state, tmp_path / "model.pth")
            refused(tmp_path / "model.pth", (*whole, other))
