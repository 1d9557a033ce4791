"""Checkpoints: what is saved comes back, and what cannot be used is refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import tiny_captioner as tiny
import torch
from safetensors.torch import save_file
from torch.overrides import TorchFunctionMode

from unrolled.models.adapters.adapter import Named
from unrolled.models.adapters.registry import adapters, find, load, shipped
from unrolled.models.checkpoints.files import (
    FORMAT_VERSION,
    HEADER_KEY,
    Card,
    CheckpointError,
    Header,
    hash_of,
    read_header,
    save_checkpoint,
)

CARD = Card(title="Tiny", task="captioning", data="drawings", quality={"bleu_4": 1.5})


@pytest.fixture(autouse=True)
def tiny_encoder() -> None:
    tiny.add_encoder()


def header(**changes: object) -> Header:
    whole = Header(version=FORMAT_VERSION, model="caption-attend-lstm",
                   config=msgspec.structs.asdict(tiny.config()), words=tiny.WORDS,
                   encoder=tiny.ENCODER, encoder_hash="0" * 64, card=CARD)
    return msgspec.structs.replace(whole, **changes)


def saved(folder: Path, **changes: object) -> Path:
    path = folder / "a tiny ü.safetensors"
    save_checkpoint(path, header(**changes), tiny.network().state_dict())
    return path


def refusal(path: Path | str) -> str:
    with pytest.raises(CheckpointError) as refused:
        load(str(path))
    sentence = str(refused.value)
    assert sentence.endswith((".", ".”"))
    assert "\n" not in sentence
    return sentence


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    path = saved(tmp_path)
    stepper = load(str(path))
    for name, value in tiny.network().state_dict().items():
        assert torch.equal(stepper.network.state_dict()[name], value.half().float()), name
    assert stepper.vocabulary.words == tiny.WORDS
    assert stepper.description.weights_hash == hash_of(path)
    assert read_header(path).card == CARD


def test_no_numbers_are_drawn_for_the_network_that_is_only_looked_at(tmp_path: Path) -> None:
    drawn = []

    class Seen(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            result = func(*args, **(kwargs or {}))
            if func.__name__ == "normal_":
                drawn.append(result.device.type)
            return result

    with Seen():
        load(str(saved(tmp_path)))
    assert set(drawn) == {"cpu"}  # of the one that is used, which is given the file's in their place


def test_a_checkpoint_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path)
    whole = path.read_bytes()
    for length in (0, 4, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert "cut off" in refusal(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "notes.safetensors"
    text.write_text("no weights in here")
    assert "is a text, not a checkpoint" in refusal(text)
    other = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(2)}, other)
    assert refusal(other).endswith("which model it is for.")
    save_file(torch.nn.LSTM(3, 4).state_dict(prefix="read."), other)
    assert "not written by Unrolled" in refusal(other)
    assert "LSTM “read” (3 → 4 units)" in refusal(other)
    save_file({"x": torch.zeros(2)}, other, metadata={HEADER_KEY: "{nonsense"})
    assert "damaged" in refusal(other)
    torch.save({"x": torch.zeros(2)}, tmp_path / "pickle.pt")
    assert "no family that Unrolled knows; it holds 1 tensor: x 2" in refusal(tmp_path / "pickle.pt")
    assert "no checkpoint" in refusal(tmp_path / "missing.safetensors")
    assert "folder" in refusal(tmp_path)
    assert "no model" in refusal("caption-by-guessing")


def test_what_is_nearly_of_a_family_is_told_what_it_lacks(tmp_path: Path) -> None:
    """Every name by which a family is found is left out in turn; what holds half of them or less is near to none."""
    known = {own.family: own.recognises.groups for own in adapters() if isinstance(getattr(own, "recognises", None), Named)}
    assert len(known) == 6
    for family, groups in known.items():
        for group, missing in ((own, name) for own in groups for name in own):
            torch.save({name: torch.zeros(2, 2) for name in group if name != missing}, tmp_path / "near.pt")
            sentence = refusal(tmp_path / "near.pt")
            assert f"looks like a checkpoint of {family}, but “" in sentence
            assert f"“{missing}” is missing; it holds" in sentence or missing not in groups[0]  # both may lack one
        torch.save({name: torch.zeros(2, 2) for name in groups[0][: len(groups[0]) // 2]}, tmp_path / "far.pt")
        assert "is of no family" in refusal(tmp_path / "far.pt")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    weights = tiny.network().state_dict()
    weights["cell.bias_hh"][3] = value
    path = tmp_path / "bad.safetensors"
    save_checkpoint(path, header(), weights)
    assert "not finite" in refusal(path)


def test_other_shapes_and_names_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.safetensors"
    weights = tiny.network().state_dict()
    save_checkpoint(path, header(), weights | {"cell.bias_hh": torch.zeros(3)})
    assert "cell.bias_hh" in refusal(path)
    fewer = {name: value for name, value in weights.items() if name != "cell.bias_hh"}
    save_checkpoint(path, header(), fewer)
    assert "missing" in refusal(path)
    save_checkpoint(path, header(), weights | {"more": torch.zeros(1)})
    assert "left over" in refusal(path)


@pytest.mark.parametrize(("changes", "expected"), [
    ({"version": 99}, "format 99"),
    ({"model": "caption-by-guessing"}, "does not know"),
    ({"encoder": "no-such-encoder"}, "no encoder"),
    ({"encoder_hash": "1" * 64}, "other weights"),
    ({"words": tiny.WORDS[:-1]}, "words"),
    ({"words": tiny.WORDS[:-1] + tiny.WORDS[-2:-1]}, "damaged"),
    ({"config": {"vocabulary": "many"}}, "damaged"),
])
def test_headers_that_do_not_fit_are_refused(tmp_path: Path, changes: dict[str, object],
                                             expected: str) -> None:
    assert expected in refusal(saved(tmp_path, **changes))


def test_a_failure_to_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path)
    before = path.read_bytes()

    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(path, header(), tiny.network(seed=1).state_dict())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_second_computation_reads_the_file_again_and_notices_another_one(tmp_path: Path) -> None:
    path = saved(tmp_path)
    stepper = load(str(path))
    again = stepper.weights()
    assert set(again) == set(stepper.network.state_dict())
    with torch.no_grad():
        stepper.network.word_bias += 1.0  # what happens in memory does not reach it
    assert torch.equal(stepper.weights()["word_bias"], again["word_bias"])
    saved(tmp_path, card=msgspec.structs.replace(CARD, title="Another"))
    with pytest.raises(CheckpointError, match="changed since it was opened"):
        stepper.weights()
    path.unlink()
    with pytest.raises(CheckpointError, match="cannot be read any more"):
        stepper.weights()


def test_shipped_checkpoints_are_found_by_name() -> None:
    for name, path in shipped().items():
        assert find(name) == path
        assert path.stat().st_size <= 12_000_000
        card = read_header(path).card
        for entry in (card.title, card.data, card.terms, card.quality):
            assert entry


def test_a_file_cannot_start_a_download(monkeypatch, tmp_path):
    from unrolled.models.families.captioning.encoder import Encoder, EncoderError

    def refuse(*_, **__):
        raise AssertionError("a download was begun")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.load_state_dict_from_url", refuse)
    with pytest.raises(EncoderError, match="not on this computer"):
        Encoder("resnet50_320")
