"""Models of the hub, which is a server of this file's own: what is fetched, what is said meanwhile, and what goes wrong."""

from __future__ import annotations

import shutil

import pytest
import torch
from hub import COMMIT, hub

from unrolled.models.adapters.registry import load
from unrolled.models.checkpoints.files import CheckpointError
from unrolled.models.families.hugging_face import adapter
from unrolled.models.inputs.telling import told_to

pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from tiny_transformers import save

    return save("gpt2", tmp_path_factory.mktemp("models"))


@pytest.fixture
def served(folder, tmp_path, monkeypatch):
    """A hub with one model, “me/tiny”, and nothing of it fetched yet."""
    import huggingface_hub

    with hub() as made:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", made.address)
        monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE",
                            made.address + "/{repo_id}/resolve/{revision}/{filename}")
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)  # between its tries
        made.repositories["me/tiny"] = shutil.copytree(folder, tmp_path / "tiny")
        yield made


def weights(model):
    return {name: tensor.tolist() for name, tensor in model.model.state_dict().items()}


@pytest.mark.parametrize("name", ["hf:me/tiny", "me/tiny"])
def test_a_name_is_fetched_and_fetched_once(served, folder, name):
    told = []
    (served.repositories["me/tiny"] / "theirs.py").write_text("raise SystemExit\n")
    with told_to(lambda text, fraction: told.append((text, fraction))):
        model = load(name)
    assert weights(model) == weights(load(str(folder)))
    assert told[0] == ("Asking the hub for me/tiny", 0.0)
    assert any(text.startswith("Fetching me/tiny, ") and text.endswith(" MB") for text, _ in told)
    assert not any("theirs.py" in asked for asked in served.asked)
    served.asked.clear()
    load(name)
    assert [asked for asked in served.asked if asked.startswith("GET /me")] == []


def test_what_was_fetched_is_opened_without_a_network(served):
    model = load("me/tiny")
    served.repositories.clear()
    assert weights(load("me/tiny")) == weights(model)
    assert load("me/tiny")._opened.folder.name == COMMIT


class Stop(Exception):
    """Nobody waits."""


def test_nobody_waits_for_it_any_more(served):
    served.held.clear()

    def listen(text, fraction):
        if any(asked.startswith("GET") and asked.endswith("/model.safetensors") for asked in served.asked):
            raise Stop

    with told_to(listen), pytest.raises(Stop):
        load("me/tiny")
    served.held.set()
    assert load("me/tiny").description.name == "me/tiny"


def test_a_connection_that_breaks_is_said_and_what_arrived_is_kept(served):
    served.cut = "model.safetensors"
    with pytest.raises(CheckpointError, match=r"“me/tiny” could not be fetched whole: the connection to the hub broke \("):
        load("me/tiny")
    served.cut = ""
    served.asked.clear()
    load("me/tiny")
    fetched = [asked.rpartition("/")[2] for asked in served.asked if asked.startswith("GET /me")]
    assert fetched == ["model.safetensors"]


@pytest.mark.parametrize(("name", "sentence"), [
    ("me/none", "There is no “me/none” on the hub that you may see; for a private one log in with “hf auth login”."),
    ("hf:me//x", "“me//x” is neither a file, nor a folder, nor a name on the hub, such as organisation/model."),
    ("me/bare", "“me/bare” is not a model of the library transformers: it has no config.json."),
    ("me/other", "“me/other” has no weights that torch can read, neither model.safetensors nor pytorch_model.bin."),
    ("nothing/here.pth", "There is no checkpoint “nothing/here.pth”."),
])
def test_what_is_not_there(served, tmp_path, name, sentence):
    for repository, file in (("bare", "model.safetensors"), ("other", "config.json")):
        (tmp_path / repository).mkdir()
        (tmp_path / repository / file).write_text("{}")
        served.repositories[f"me/{repository}"] = tmp_path / repository
    with pytest.raises(CheckpointError) as raised:
        load(name)
    assert str(raised.value) == sentence


def test_what_is_not_for_everybody(served):
    served.gated.add("me/tiny")
    with pytest.raises(CheckpointError, match=r"“me/tiny” is given only to those who asked for it: ask on http.*/me/tiny, then"):
        load("me/tiny")


def test_no_network(served, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(CheckpointError, match=r"“me/tiny” is not in .*cache, and cannot be had from the hub \(ConnectError\)"):
        load("hf:me/tiny")


def test_a_model_too_large_for_the_memory_is_not_fetched(served, monkeypatch):
    monkeypatch.setattr(adapter, "computer_memory", lambda: 10**10)
    served.sizes["model.safetensors"] = 2**34
    with pytest.raises(CheckpointError, match=r"“me/tiny” needs 16\.0 GiB for its weights alone"):
        load("me/tiny")
    assert not any(asked.endswith("/model.safetensors") for asked in served.asked)


class Runs:
    """What a pickle would run."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_weights_in_a_pickle_are_read_and_nothing_in_it_is_run(served, folder, tmp_path):
    tiny = served.repositories["me/tiny"]
    model = load(str(folder))
    tensors = {name: tensor.clone() for name, tensor in model.model.state_dict().items()}
    (tiny / "model.safetensors").unlink()
    torch.save(tensors, tiny / "pytorch_model.bin")
    torch.save({}, tiny / "training_args.bin")
    assert weights(load("me/tiny")) == weights(model)
    assert not any("training_args" in asked for asked in served.asked)
    other = shutil.copytree(tiny, tmp_path / "other")
    torch.save(tensors | {"more": Runs(str(tmp_path / "ran"))}, other / "pytorch_model.bin")
    served.repositories["me/other"] = other
    with pytest.raises(CheckpointError, match=r"“pytorch_model.bin” wants to run .*open when it is opened"):
        load("me/other")
    assert not (tmp_path / "ran").exists()
