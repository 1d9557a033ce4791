"""Training: losses, rewards, that the loss falls, and that a stopped training ends where an unbroken one does."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import tiny_captioner as tiny
import torch

from unrolled.models.adapters.registry import load
from unrolled.models.cells import LSTMCell, first_state, recurrent
from unrolled.models.checkpoints.files import CheckpointError
from unrolled.models.families.captioning.cross_entropy import attention_losses, caption_losses, epoch_of_batches, make_batch
from unrolled.models.families.captioning.options import AttentionPenalties, TrainingOptions
from unrolled.models.families.captioning.rewards import STEEPEST, CaptionRewards, CorpusBleu, Floats
from unrolled.models.families.captioning.training import train_captioner
from unrolled.models.training.recipe import TrainingReport, TrainingRequest

OPTIONS = TrainingOptions(encoder=tiny.ENCODER, epochs=6, pictures_per_batch=2, learning_rate=0.01,
                          words_at_least=1, hidden=16, embedding=8, features=12, attention=10, dropout=0.1, reward_epochs=2.0,
                          query_word=True, begin="zeros", reward_samples=3, average_decay=0.9)


@pytest.fixture(autouse=True)
def tiny_encoder() -> None:
    tiny.add_encoder()


def training(folder: Path, name: str, options: TrainingOptions = OPTIONS) -> Iterator[TrainingReport]:
    if not (folder / "data").exists():
        tiny.write_data(folder / "data")
    request = TrainingRequest(model="caption-attend-lstm", data=folder / "data", output=folder / f"{name}.safetensors",
                              cache=folder / "cache")
    return train_captioner(request, options)


def finish(folder: Path, name: str, options: TrainingOptions = OPTIONS, *, stop_at: tuple[str, int] = ("", 0)) -> Path:
    """Train to the end, or to this phase's update; the checkpoint."""
    for report in training(folder, name, options):
        if (report.phase, report.update) == stop_at:
            raise Stopped
    return folder / f"{name}.safetensors"


def test_the_loss_falls(tmp_path: Path) -> None:
    losses: list[float] = []
    phases: set[str] = set()

    for report in training(tmp_path, "model", msgspec.structs.replace(OPTIONS, epochs=30)):
        phases.add(report.phase)
        assert 0 < report.update <= report.updates
        losses.extend([report.means["loss"]] if report.phase == "captions" else [])
    assert phases == {"encoding", "captions", "rewards"}
    assert losses[-1] < 0.85 * losses[0]  # a running mean, in which the first ones still count
    assert list(tmp_path.glob("*.resume")) == []
    assert load(str(tmp_path / "model.safetensors")).description.name == "model"


class Stopped(Exception):
    """What stands for Ctrl+C."""


@pytest.mark.parametrize("stop_at", [("captions", 7), ("rewards", 3)])
def test_a_stopped_training_ends_where_an_unbroken_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                            stop_at: tuple[str, int]) -> None:
    monkeypatch.setattr("unrolled.models.training.updates.SECONDS_BETWEEN_SAVES", 0.0)
    unbroken = finish(tmp_path, "unbroken")
    with pytest.raises(Stopped):
        finish(tmp_path, "stopped", stop_at=stop_at)
    assert not (tmp_path / "stopped.safetensors").exists()
    stopped = finish(tmp_path, "stopped")
    one, other = (load(str(path)).network.state_dict() for path in (unbroken, stopped))
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


def test_other_options_do_not_take_a_training_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unrolled.models.training.updates.SECONDS_BETWEEN_SAVES", 0.0)
    with pytest.raises(Stopped):
        finish(tmp_path, "model", stop_at=("captions", 3))
    with pytest.raises(CheckpointError, match="other options"):
        finish(tmp_path, "model", msgspec.structs.replace(OPTIONS, learning_rate=0.5))
    kept = torch.load(tmp_path / "model.safetensors.captions.resume", weights_only=True)
    for missing in ("optimiser", "network"):
        torch.save({name: part for name, part in kept.items() if name != missing}, tmp_path / "model.safetensors.captions.resume")
        with pytest.raises(CheckpointError, match="damaged"):
            finish(tmp_path, "model")
    (tmp_path / "model.safetensors.captions.resume").write_bytes(b"not a state")
    with pytest.raises(CheckpointError, match="damaged"):
        finish(tmp_path, "model")
    torch.save([1.0], tmp_path / "model.safetensors.captions.resume")
    with pytest.raises(CheckpointError, match="damaged"):
        finish(tmp_path, "model")


def test_batches_hold_every_word_of_every_picture_once() -> None:
    draw = random.Random(0)
    captions = [[[*(draw.randrange(3, 9) for _ in range(draw.randrange(1, 9))), 1] for _ in range(3)]
                for _ in range(11)]
    seen: list[int] = []
    for batch in epoch_of_batches(captions, start=0, size=4, flips=True, random=np.random.default_rng(0)):
        for place, picture in enumerate(batch.pictures):
            seen.append(int(picture))
            targets = [[int(token) for token in row if token >= 0] for row in batch.targets[place]]
            assert sorted(targets) == sorted(captions[picture])
            for row, target in zip(batch.inputs[place], targets, strict=True):
                assert row[: len(target)].tolist() == [0, *target[:-1]]
        for t, active in enumerate(batch.active):
            assert not (batch.targets[:, active:, t] >= 0).any()
    assert sorted(seen) == list(range(11))


def test_losses_do_not_depend_on_how_captions_are_put_together() -> None:
    """What is left out at a step since all captions there are over changes nothing."""
    network = tiny.network()
    torch.manual_seed(0)
    grid = torch.randn(2, 9, tiny.KIND.features)
    captions = [[[3, 4, 5, 1], [3, 1]], [[6, 1], [7, 8, 1]]]
    none = AttentionPenalties()

    def words(pictures: list[int], own: list[list[list[int]]]) -> tuple[float, int]:
        batch = make_batch(pictures, own, start=0, flipped=np.zeros(len(own), np.int64))
        count = int((batch.targets >= 0).sum())
        losses = caption_losses(network, grid[pictures], batch, label_smoothing=0.1, penalties=none)
        return float(losses.words), count

    with torch.no_grad():
        together, count = words([0, 1], captions)
        apart = [words([p], [[caption]]) for p, own in enumerate(captions) for caption in own]
    assert count == sum(number for _, number in apart) == 11
    assert together == pytest.approx(sum(loss * number for loss, number in apart) / count, rel=1e-5)


def test_penalties_of_maps_whose_figures_are_known() -> None:
    penalties = AttentionPenalties(coverage=1.0, entropy=1.0, entropy_target=0.0, change=0.0)
    mask = torch.ones(1, 1, 4)
    uniform = torch.full((1, 1, 4, 4), 0.25)
    penalty, entropy, change = attention_losses(uniform, mask, penalties)
    assert (float(penalty), float(entropy), float(change)) == pytest.approx((1.0, 1.0, 0.0), abs=1e-6)
    around = torch.eye(4).view(1, 1, 4, 4)  # each word looks at a cell of its own
    penalty, entropy, change = attention_losses(around, mask, penalties)
    assert (float(penalty), float(entropy), float(change)) == pytest.approx((0.0, 0.0, 1.0), abs=1e-6)


def test_the_reward_is_the_field_s_cider() -> None:
    from pycocoevalcap.cider.cider_scorer import CiderScorer

    draw = random.Random(0)

    def caption() -> list[int]:
        return [draw.randrange(30) for _ in range(draw.randrange(3, 12))]

    references = [[caption() for _ in range(5)] for _ in range(40)]
    written = [references[p][0][:3] + caption() for p in range(40)]
    scorer = CiderScorer()
    for own, true in zip(written, references, strict=True):
        scorer += (" ".join(map(str, own)), [" ".join(map(str, each)) for each in true])
    _, expected = scorer.compute_score()
    rewards = CaptionRewards(references, end=-1)
    assert rewards(range(40), written).tolist() == pytest.approx(expected.tolist(), abs=1e-9)


def log_bleu(rows: Floats) -> float:
    """The logarithm of a corpus's BLEU-4, from what each caption counts."""
    sums = rows.sum(axis=0)
    return sum(np.log(sums[2 * n] / sums[2 * n + 1]) for n in range(4)) / 4 + min(0.0, 1 - sums[9] / sums[8])


def test_a_caption_is_worth_what_it_adds_to_the_corpus_s_bleu() -> None:
    """Against the finite difference of the true BLEU, when one caption is weighted a little more."""
    draw = random.Random(1)
    references = [[[draw.randrange(6) for _ in range(draw.randrange(8, 12))] for _ in range(3)] for _ in range(30)]
    written = [[*own[0][: draw.randrange(5, 8)], draw.randrange(6)] for own in references]
    bleu = CorpusBleu(references)
    rows = np.array([bleu.counts(p, own) for p, own in enumerate(written)], float)
    worth = bleu(range(30), written)
    for place in range(0, 30, 7):
        more = rows.copy()
        more[place] *= 1.001
        true = (log_bleu(more) - log_bleu(rows)) / 0.001 * 30
        words_alone = worth[place] - (STEEPEST - 1) * (rows[place, 8] * rows[:, 9].mean() / rows[:, 8].mean() ** 2
                                                       - rows[place, 9] / rows[:, 8].mean())
        assert words_alone == pytest.approx(true, abs=0.02)


def test_corpus_bleu_counts_as_the_field_s() -> None:
    from pycocoevalcap.bleu.bleu_scorer import BleuScorer

    draw = random.Random(2)
    references = [[[draw.randrange(8) for _ in range(draw.randrange(6, 12))] for _ in range(3)] for _ in range(20)]
    written = [[*own[1][:6], draw.randrange(8)] for own in references]
    scorer = BleuScorer()
    for own, true in zip(written, references, strict=True):
        scorer += (" ".join(map(str, own)), [" ".join(map(str, each)) for each in true])
    expected, _ = scorer.compute_score(option="closest", verbose=0)
    bleu = CorpusBleu(references)
    rows = np.array([bleu.counts(p, own) for p, own in enumerate(written)])
    assert np.exp(log_bleu(rows)) == pytest.approx(expected[3], rel=1e-3)


def test_a_processor_without_half_precision_trains_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trial of the fused kernel fails, as it does where the processor has none in bfloat16."""
    cell = LSTMCell(3, 4)
    inputs, state = torch.randn(5, 2, 3), first_state(cell, 2)
    expected, _ = recurrent.run_sequence(cell, inputs, state)
    tried: list[str] = []

    def refuse(kernel: object, device: str) -> bool:
        tried.append(device)
        return False

    monkeypatch.setattr(recurrent, "_fused_in_half", refuse)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs, _ = recurrent.run_sequence(cell, inputs, state)
    assert tried == ["cpu"]
    assert outputs.dtype == torch.float32
    assert outputs.allclose(expected, atol=1e-6)
    outputs.sum().backward()
    assert cell.weight_hh.grad is not None


def test_the_trial_of_a_kernel_answers_and_changes_nothing() -> None:
    recurrent._fused_in_half.cache_clear()
    for kernel in (torch.lstm, torch.gru, torch.rnn_tanh):
        assert recurrent._fused_in_half(kernel, "cpu") in (True, False)
    assert not torch.is_autocast_enabled("cpu")
