"""The metrics: the scorers against known values, the attention's figures on maps whose figures are known."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import tiny_captioner as tiny
import torch

from unrolled.models.captioning.vocabulary import Vocabulary, tokenise
from unrolled.models.evaluation.attention import AttentionStatistics
from unrolled.models.evaluation.captioning import evaluate_captioner
from unrolled.models.evaluation.scores import caption_scores

TRUE = [["a dog runs on the green grass", "the brown dog is running"],
        ["two men sit by the sea", "men are sitting near water"],
        ["a girl in a pink dress jumps", "a small girl is jumping"]]


def words(captions: list[str]) -> list[list[str]]:
    return [caption.split() for caption in captions]


def test_a_true_caption_is_worth_everything_and_nonsense_nothing() -> None:
    perfect = caption_scores([own[0].split() for own in TRUE], [words(own) for own in TRUE])
    for name in ("bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l"):
        assert perfect[name] == pytest.approx(100.0, abs=1e-3)
    assert perfect["cider"] > 4
    nothing = caption_scores([["x", "y", "z", "w", "v"]] * 3, [words(own) for own in TRUE])
    assert all(value == pytest.approx(0.0, abs=1e-3) for value in nothing.values())


def test_bleu_is_papineni_s() -> None:
    """The clipped unigrams of the paper's example: two of seven, and no brevity penalty."""
    references = [words(["the cat is on the mat", "there is a cat on the mat"])]
    scores = caption_scores([["the"] * 7], references)
    assert scores["bleu_1"] == pytest.approx(100 * 2 / 7, abs=1e-3)


def test_brevity_is_penalised() -> None:
    references = [[list("abcdefgh")]]
    scores = caption_scores([["a", "b", "c", "d"]], references)
    assert scores["bleu_1"] == pytest.approx(100 * math.exp(1 - 8 / 4), abs=1e-3)


def test_the_tokeniser_does_what_its_name_says() -> None:
    found = tokenise("A dog's  ball, RED -- and (2) blue!")
    assert found == ["a", "dog's", "ball", "red", "and", "2", "blue"]
    assert tokenise(" . ") == []


def test_words_to_tokens_and_back() -> None:
    vocabulary = Vocabulary.of([["a", "dog"], ["a", "cat"]], at_least=2)
    assert vocabulary.words[3:] == ("a",)
    assert vocabulary.encode(["a", "dog"]) == [3, vocabulary.unknown, vocabulary.end]
    assert vocabulary.decode([vocabulary.start, 3, vocabulary.unknown, 3, vocabulary.end, 3]) == ["a", "a"]


def statistics_of(score_scale: float) -> dict[str, float]:
    network = tiny.network()
    with torch.no_grad():
        network.attend.score.weight.mul_(score_scale)
    torch.manual_seed(0)
    statistics = AttentionStatistics()
    statistics.add(network, torch.randn(2, 20, tiny.KIND.features), [[3, 4, 1], [3, 1]], start=0,
                   generator=torch.Generator().manual_seed(0))
    assert (len(statistics.entropies), len(statistics.changes)) == (5, 3)
    return statistics.means()


def test_uniform_attention_has_all_the_entropy_and_no_change() -> None:
    uniform = statistics_of(0.0)
    assert uniform["attention_entropy"] == pytest.approx(1.0, abs=1e-5)
    assert uniform["attention_change"] == pytest.approx(0.0, abs=1e-5)


def test_attention_to_one_cell_has_no_entropy() -> None:
    assert statistics_of(1e5)["attention_entropy"] == pytest.approx(0.0, abs=1e-3)


def test_replacing_nothing_different_has_no_effect() -> None:
    """Where all cells are alike, the mean feature is each of them."""
    statistics = AttentionStatistics()
    grid = torch.randn(1, 1, tiny.KIND.features).expand(1, 20, -1).clone()
    statistics.add(tiny.network(), grid, [[3, 4, 1]], start=0, generator=torch.Generator().manual_seed(0))
    assert statistics.falls == pytest.approx([0.0] * 3, abs=1e-5)


def test_a_captioner_is_judged_from_files(tmp_path: Path) -> None:
    tiny.write_data(tmp_path)
    said: list[tuple[int, int]] = []
    result = evaluate_captioner(tiny.stepper(), tmp_path, split="dev", beam=2,
                                say=lambda *done: said.append(done))
    assert (result["split"], result["count"], result["beam"]) == ("dev", 2, 2)
    assert said[-1] == (2, 2)
    assert result["tokeniser"]
    assert result["seconds"] > 0
    assert set(result["metrics"]) == {"bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "cider",
                                      "attention_entropy", "attention_change", "attention_effect"}
