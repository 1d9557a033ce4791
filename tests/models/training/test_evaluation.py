"""The metrics: the scorers against known values, the attention's figures on maps whose figures are known."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import tiny_captioner as tiny
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.models.cells.decoder import Memory
from unrolled.models.evaluation.attention_figures import AttentionFigures
from unrolled.models.evaluation.decoder_figures import logits_before
from unrolled.models.evaluation.probabilities import ReferenceStatistics
from unrolled.models.evaluation.request import EvaluationRequest
from unrolled.models.families.captioning.adapter import caption_scores, evaluate_captioner
from unrolled.models.families.captioning.grounding import Grounding, resized
from unrolled.models.tokenizers.symbols import WordTokenizer, tokenise

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
    vocabulary = WordTokenizer.of([["a", "dog"], ["a", "cat"]], at_least=2)
    assert vocabulary.words[3:] == ("a",)
    assert vocabulary.encode(["a", "dog"]) == [3, vocabulary.unknown, vocabulary.end]
    assert vocabulary.decode([vocabulary.start, 3, vocabulary.unknown, 3, vocabulary.end, 3]) == ["a", "a"]


def statistics_of(score_scale: float) -> AttentionFigures:
    network = tiny.network()
    with torch.no_grad():
        network.attend.score.weight.mul_(score_scale)
    torch.manual_seed(0)
    statistics = AttentionFigures()
    maps = statistics.add(network, network.memory(torch.randn(2, 20, tiny.KIND.features)), [[3, 4, 1], [3, 1]], start=0)
    assert (len(statistics.entropies), len(statistics.changes)) == (5, 3)
    assert [tuple(own.shape) for own in maps] == [(3, 20), (2, 20)]
    return statistics


def test_uniform_attention_has_all_the_entropy_and_no_change() -> None:
    uniform = statistics_of(0.0).figures()
    assert uniform["attention_entropy"] == pytest.approx(1.0, abs=1e-5)
    assert uniform["attention_change"] == pytest.approx(0.0, abs=1e-5)


def test_attention_to_one_cell_has_no_entropy() -> None:
    assert statistics_of(1e5).figures()["attention_entropy"] == pytest.approx(0.0, abs=1e-3)


def test_the_fall_is_that_of_masking_the_most_attended_tenth_by_hand() -> None:
    """The scores of two of twenty places are set to minus infinity, in a second pass that is written out here."""
    statistics, network = statistics_of(8.0), tiny.network()
    with torch.inference_mode():
        network.attend.score.weight.mul_(8.0)
        torch.manual_seed(0)
        memory = network.memory(torch.randn(2, 20, tiny.KIND.features))
        state, before, expected = network.start(memory), torch.zeros(2, 1, dtype=torch.long), []
        for tokens in ((3, 3), (4, 1), (1, None)):
            log_probs = []
            for masked in (False, True):
                keys = network.attend.keys(memory.features)
                scores = network.attend.score(torch.tanh(network.attend.hidden_to_size(state[0]).unsqueeze(2)
                                                         + keys.unsqueeze(1))).squeeze(-1)       # (2, 1, 20)
                if masked:
                    scores.scatter_(2, scores.topk(2).indices, float("-inf"))
                context = torch.softmax(scores, -1) @ memory.features
                word = network.embed(before)
                cell = network.cell(torch.cat((word, context), -1), *state)
                output = torch.tanh(network.deepen(torch.cat((cell.hidden, context), -1)) + word)
                log_probs.append(torch.log_softmax(network.logits(output), -1)[:, 0])
                if not masked:
                    after = (cell.hidden, cell.cell)
            for picture, token in enumerate(tokens):
                if token is not None:
                    expected.append(float(log_probs[0][picture, token] - log_probs[1][picture, token]))
            state, before = after, torch.tensor([[token or 0] for token in tokens])
    assert statistics.occlusion_drops == pytest.approx(expected, abs=1e-5)
    assert statistics.figures()["attention_fall_mean"] == pytest.approx(sum(expected) / 5, abs=1e-5)
    assert statistics.figures()["attention_fall_median"] == pytest.approx(sorted(expected)[2], abs=1e-5)


def test_masking_places_that_are_all_alike_changes_nothing() -> None:
    statistics, network = AttentionFigures(), tiny.network()
    grid = torch.randn(1, 1, tiny.KIND.features).expand(1, 20, -1).clone()
    statistics.add(network, network.memory(grid), [[3, 4, 1]], start=0)
    assert statistics.occlusion_drops == pytest.approx([0.0] * 3, abs=1e-5)


# ── Probabilities ─────────────────────────────────────────────────────────────────────────────────────────────────

@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(1, 60))
@settings(max_examples=40)
def test_perplexity_and_calibration_are_those_of_plain_loops(seed: int, words: int, count: int) -> None:
    random = np.random.default_rng(seed)
    logits, targets = 3 * random.normal(size=(count, words)), random.integers(0, words, count)
    statistics = ReferenceStatistics()
    for part in np.array_split(np.arange(count), 3):
        statistics.add(torch.from_numpy(logits[part]), torch.from_numpy(targets[part]))
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    nats = [-math.log(probabilities[row, target]) for row, target in enumerate(targets)]
    error = 0.0
    for low in range(15):
        rows = [row for row in range(count) if min(int(probabilities[row].max() * 15), 14) == low]
        if rows:
            right = sum(int(probabilities[row].argmax() == targets[row]) for row in rows) / len(rows)
            sure = sum(probabilities[row].max() for row in rows) / len(rows)
            error += len(rows) / count * abs(right - sure)
    found = statistics.figures()
    assert found["perplexity"] == pytest.approx(math.exp(sum(nats) / count), rel=1e-4)
    assert found["calibration_error"] == pytest.approx(error, abs=1e-4)


def test_references_of_any_number_and_length_are_counted_whole() -> None:
    """Token by token through the network, END among them, none cut and none counted twice."""
    network = tiny.network()
    torch.manual_seed(1)
    memory = network.memory(torch.randn(2, 9, tiny.KIND.features))
    references = [[[3, 4, 5, 1], [6, 1]], [[3] * 40 + [1]]]
    statistics, expected = ReferenceStatistics(), []
    statistics.add(*logits_before(network, memory, references, start=0))
    with torch.inference_mode():
        for picture, own in enumerate(references):
            alone = Memory(memory.features[picture : picture + 1], memory.keys[picture : picture + 1])
            for caption in own:
                state = network.start(alone)
                for before, token in zip([0, *caption], caption, strict=False):
                    state, step = network.step(alone, state, torch.tensor([[before]]))
                    expected.append(-float(torch.log_softmax(network.logits(step.output), -1)[0, 0, token]))
    assert statistics.count == len(expected) == 4 + 2 + 41
    assert statistics.nats == pytest.approx(sum(expected) / len(expected), rel=1e-5)


# ── Grounding ─────────────────────────────────────────────────────────────────────────────────────────────────────

def test_grounding_is_mass_over_share_beside_the_same_in_other_masks() -> None:
    masks = {"a": np.zeros((4, 4)), "b": np.zeros((4, 4)), "c": np.zeros((4, 4))}
    masks["a"][:2, :2], masks["b"][2:, 2:], masks["c"][0, :] = 1, 1, 1
    inside = np.array([[1.0, 0.0], [0.0, 0.0]])  # all of it in the upper left quarter
    grounding = Grounding(masks)
    grounding.add("a", ["a", "man", "runs"], np.stack([np.full((2, 2), 0.25), inside, inside[::-1]]))
    grounding.add("b", ["woman"], np.stack([np.full((2, 2), 0.25)]))
    grounding.add("nobody", ["man"], np.stack([inside]))  # has no mask
    found = grounding.figures()
    # Words: "man" of a has all its mass in a's mask (share 4/16), none in b's; "woman" of b is even: a quarter in each.
    there = (1.0 + 0.25) / (4 / 16 + 4 / 16)
    elsewhere = (0.0 + 0.25) / (4 / 16 + 4 / 16)
    assert found["attention_on_persons"] == pytest.approx(there)
    assert found["attention_grounding"] == pytest.approx(there / elsewhere)
    assert found["grounded_words"] == 2


def test_attention_that_knows_nothing_of_the_photograph_has_a_grounding_of_one() -> None:
    random = np.random.default_rng(0)
    masks = {str(number): (random.random((20, 20)) < 0.3).astype(float) for number in range(60)}
    grounding = Grounding(masks)
    habit = random.random((10, 10))
    for name in masks:
        grounding.add(name, ["man"], np.stack([habit / habit.sum()]))
    assert grounding.figures()["attention_grounding"] == pytest.approx(1.0, abs=1e-6)


@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 1000))
@settings(max_examples=30)
def test_a_map_keeps_its_mass_on_another_grid(old: int, new: int, seed: int) -> None:
    mass = np.random.default_rng(seed).random((old, old))
    found = resized(mass, (new, new))
    assert found.sum() == pytest.approx(mass.sum())
    if new % old == 0:
        times = new // old
        np.testing.assert_allclose(found, np.kron(mass, np.ones((times, times))) / times**2)


def test_a_captioner_is_judged_from_files(tmp_path: Path) -> None:
    tiny.write_data(tmp_path)
    said: list[tuple[int, int]] = []
    request = EvaluationRequest(data=tmp_path, beam=2, say=lambda *done: said.append(done))
    result = evaluate_captioner(tiny.stepper(), request)
    assert (result.split, result.count, result.beam) == ("dev", 2, 2)
    assert said[-1] == (2, 2)
    assert result.tokeniser
    assert set(result.metrics) == {"bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "cider",
                                      "perplexity", "calibration_error", "entropy", "vocabulary_used",
                                      "attention_entropy", "attention_change", "attention_fall_mean",
                                      "attention_fall_median"}
