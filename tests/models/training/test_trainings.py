"""Each model's training brings its loss down on a tiny sample, can be interrupted, and leaves a checkpoint that opens."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
import torch

from unrolled.models.adapters.registry import load, recipes
from unrolled.models.data.errors import DataError
from unrolled.models.training.recipe import TrainingRequest

TINY: dict[str, dict[str, Any]] = {
    "chars-rnn": {"updates": 40, "rows": 4, "truncation": 16, "hidden": 24, "embedding": 8, "characters_at_least": 1,
                  "learning_rate": 0.02},
    "chars-lstm": {"updates": 40, "rows": 4, "truncation": 16, "hidden": 24, "embedding": 8, "characters_at_least": 1,
                   "learning_rate": 0.02},
    "chars-gru": {"updates": 40, "rows": 4, "truncation": 16, "hidden": 24, "embedding": 8, "characters_at_least": 1,
                  "learning_rate": 0.02},
    "translate-en-fr": {"updates": 40, "pieces": 60, "sentences": 8, "embedding": 16, "hidden": 24, "encoder_hidden": 12,
                        "attention": 12, "dropout": 0.0, "learning_rate": 0.02},
    "shapes-attend-lstm": {"updates": 25, "scenes": 8, "pictures": 4, "features": 16, "embedding": 8, "hidden": 24,
                           "attention": 12, "dropout": 0.0, "learning_rate": 0.01},
    "frames-lstm": {"updates": 30, "clips": 8, "batch": 4, "features": 16, "hidden": 16, "dropout": 0.0, "learning_rate": 0.01},
    "clip-lstm": {"updates": 30, "clips": 8, "batch": 4, "features": 16, "hidden": 16, "dropout": 0.0, "learning_rate": 0.01},
}
LOSS = {"chars-rnn": "bits_per_character", "chars-lstm": "bits_per_character", "chars-gru": "bits_per_character",
        "shapes-attend-lstm": "words"}
NOUNS = (("dog", "chien"), ("cat", "chat"), ("man", "homme"), ("child", "enfant"))
VERBS = (("runs", "court"), ("sleeps", "dort"), ("eats", "mange"))


def data_for(model: str, folder: Path) -> Path | None:
    if model.startswith("chars"):
        (folder / "code.py").write_text("def add(a, b):\n    return a + b\n\n" * 40, encoding="utf-8")
        return folder
    if model.startswith("translate"):
        pairs = [(f"A {noun} {verb}.", f"Un {nom} {verbe}.") for noun, nom in NOUNS for verb, verbe in VERBS]
        for side, suffix in enumerate(("en", "fr")):
            (folder / f"train.{suffix}.gz").write_bytes(gzip.compress("\n".join(pair[side] for pair in pairs).encode()))
        return folder
    return None


def request_for(model: str, tmp_path: Path, name: str) -> TrainingRequest:
    folder = tmp_path / "data"
    folder.mkdir(exist_ok=True)
    return TrainingRequest(model=model, data=data_for(model, folder), output=tmp_path / f"{name}.safetensors", cache=tmp_path)


@pytest.mark.parametrize("model", list(TINY))
def test_the_loss_falls_and_the_checkpoint_opens(model: str, tmp_path: Path) -> None:
    options = TINY[model] | {"warm_up": 2, "average_decay": 0.5, "half": False, "clip_norm": 5.0}
    request = request_for(model, tmp_path, model)
    reports = list(recipes()[model].training(request, options))
    # What is shown is a running mean that begins with the first update's: half of the fall is plain in it.
    losses = [report.means[LOSS.get(model, "loss")] for report in reports]
    assert losses[-1] < losses[0]
    assert reports[-1].update == reports[-1].updates == options["updates"]
    stepper = load(str(request.output))
    assert stepper.description.channels
    assert not list(tmp_path.glob("*.resume"))


def test_an_interrupted_training_ends_where_an_unbroken_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unrolled.models.training.updates.SECONDS_BETWEEN_SAVES", 0.0)
    options = TINY["chars-lstm"] | {"updates": 12}

    def training(name: str) -> Any:
        return recipes()["chars-lstm"].training(request_for("chars-lstm", tmp_path, name), options)

    list(training("whole"))
    stopped = training("stopped")
    for _ in range(7):
        next(stopped)
    stopped.close()
    assert not (tmp_path / "stopped.safetensors").exists()
    rest = list(training("stopped"))
    assert len(rest) < 12
    one, other = (load(str(tmp_path / f"{name}.safetensors")).network.state_dict() for name in ("whole", "stopped"))
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_an_option_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    request = request_for("chars-rnn", tmp_path, "x")
    with pytest.raises(ValueError, match=r"no option “epochs”; it has .*truncation"):
        recipes()["chars-rnn"].training(request, {"epochs": 3})
    with pytest.raises(ValueError, match="cannot be had"):
        recipes()["chars-rnn"].training(request, {"updates": "many"})
    with pytest.raises(DataError, match="--data"):
        next(recipes()["chars-rnn"].training(TrainingRequest(model="chars-rnn", data=None, output=tmp_path / "y.safetensors",
                                                             cache=tmp_path), {}))
