"""Choosing words: beam search against greedy and against trying everything, and sampling."""

from __future__ import annotations

import itertools
import math

import pytest
import tiny_captioner as tiny
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_lines import captioner, run_of, take

from unrolled.models.evaluation.decoder_figures import BeamSearch
from unrolled.models.families.captioning.network import Captioner, CaptionerStepper
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.stepping.choosing import Hypothesis, beam_search, choose, sampling_log_probs, select_rows

START, END, UNKNOWN = 0, 1, 2


def search(seed: int, *, width: int, length_penalty: float = 0.7) -> list[list[Hypothesis]]:
    torch.manual_seed(seed + 100)
    grid = torch.randn(2, 9, tiny.KIND.features)
    network = sharp_network(seed)
    return BeamSearch(start=START, end=END, width=width, length_penalty=length_penalty, maximum_steps=5,
                      forbidden=(START, UNKNOWN))(network, network.memory(grid))


def sharp_network(seed: int) -> Captioner:
    """Untrained scores are nearly equal; made larger, the choices differ."""
    network = tiny.network(seed)
    with torch.no_grad():
        network.embed.weight.mul_(6)
    return network


@pytest.mark.parametrize("seed", range(5))
def test_a_beam_of_one_is_greedy(seed: int) -> None:
    network = sharp_network(seed)
    torch.manual_seed(seed + 100)
    grid = torch.randn(2, 9, tiny.KIND.features)
    found = search(seed, width=1)
    for picture in range(2):
        with torch.inference_mode():
            memory = network.memory(grid[picture : picture + 1])
            state, token, greedy, log_probs = network.start(memory), START, [], []
            while token != END and len(greedy) < 5:
                state, step = network.step(memory, state, torch.tensor([[token]]))
                scores = torch.log_softmax(network.logits(step.output), -1)[0, 0]
                scores[[START, UNKNOWN]] = -math.inf
                token = int(scores.argmax())
                greedy.append(token)
                log_probs.append(float(scores[token]))
        assert found[picture][0].tokens == tuple(greedy)
        assert found[picture][0].log_probs == pytest.approx(log_probs, abs=1e-4)


def test_a_wide_beam_finds_what_trying_everything_finds() -> None:
    """Three steps of a made-up model over five words: all captions are few enough to be listed."""
    torch.manual_seed(0)
    table = torch.log_softmax(2 * torch.randn(5, 5), dim=-1)  # the next word depends on the last alone

    def take_step(state: torch.Tensor, words: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return words.unsqueeze(-1), table[words]

    def select(state: torch.Tensor, parents: torch.Tensor) -> torch.Tensor:
        return state.gather(1, parents.unsqueeze(-1))

    def total(caption: tuple[int, ...]) -> float:
        return float(sum(table[a, b] for a, b in itertools.pairwise((START, *caption))))

    everything = [words for length in (1, 2, 3) for words in itertools.product(range(5), repeat=length)
                  if START not in words and UNKNOWN not in words and END not in words[:-1]
                  and (words[-1] == END or length == 3)]
    found = beam_search(torch.zeros(1, 1, 1, dtype=torch.long), take_step, select, pictures=1, start=START,
                        end=END, width=40, length_penalty=0.0, maximum_steps=3, forbidden=(START, UNKNOWN))[0]
    best = sorted(everything, key=total, reverse=True)
    assert [hypothesis.tokens for hypothesis in found] == best
    assert found[0].score == pytest.approx(total(best[0]), abs=1e-5)


@settings(max_examples=15)
@given(seed=st.integers(0, 1000), width=st.integers(1, 5), penalty=st.floats(0, 2))
def test_hypotheses_are_whole(seed: int, width: int, penalty: float) -> None:
    for own in search(seed, width=width, length_penalty=penalty):
        assert 1 <= len(own) <= width
        assert [h.score for h in own] == sorted((h.score for h in own), reverse=True)
        assert len({h.tokens for h in own}) == len(own)
        for hypothesis in own:
            assert len(hypothesis.tokens) == len(hypothesis.log_probs) <= 5
            assert END not in hypothesis.tokens[:-1]
            assert not {START, UNKNOWN} & set(hypothesis.tokens)
            expected = sum(hypothesis.log_probs) / len(hypothesis.tokens) ** penalty
            assert hypothesis.score == pytest.approx(expected, rel=1e-4)


def test_a_picture_is_captioned_alike_alone_and_among_others() -> None:
    network = sharp_network(7)
    torch.manual_seed(0)
    grid = torch.randn(4, 9, tiny.KIND.features)

    def captions(grid: torch.Tensor) -> list[tuple[int, ...]]:
        found = BeamSearch(start=START, end=END, width=3, length_penalty=0.7, maximum_steps=6,
                           forbidden=(START, UNKNOWN))(network, network.memory(grid))
        return [own[0].tokens for own in found]

    assert captions(grid) == [captions(grid[p : p + 1])[0] for p in range(4)]


def test_selected_rows_are_the_parents() -> None:
    state = (torch.arange(6.0).view(1, 3, 2), torch.arange(6.0).view(1, 3, 2) + 10)
    chosen = select_rows(state, torch.tensor([[2, 0]]))
    assert chosen[0].tolist() == [[[4.0, 5.0], [0.0, 1.0]]]
    assert chosen[1].tolist() == [[[14.0, 15.0], [10.0, 11.0]]]


LOG_PROBS = torch.log(torch.tensor([0.5, 0.3, 0.15, 0.05]))


def test_top_k_and_top_p_keep_what_they_say() -> None:
    three = sampling_log_probs(LOG_PROBS, temperature=1.0, top_k=3).exp()
    torch.testing.assert_close(three, torch.tensor([0.5, 0.3, 0.15, 0.0]) / 0.95)
    enough = sampling_log_probs(LOG_PROBS, temperature=1.0, top_p=0.7).exp()
    torch.testing.assert_close(enough, torch.tensor([0.5, 0.3, 0.0, 0.0]) / 0.8)
    assert sampling_log_probs(LOG_PROBS, temperature=1.0, top_p=1e-9).exp().tolist() == [1.0, 0.0, 0.0, 0.0]


def test_low_temperature_is_greedy_and_high_is_even() -> None:
    assert sampling_log_probs(LOG_PROBS, temperature=0.01).exp()[0] == pytest.approx(1.0)
    assert sampling_log_probs(LOG_PROBS, temperature=100.0).exp().tolist() == pytest.approx([0.25] * 4, abs=0.01)


def test_a_draw_depends_on_seed_and_step_alone() -> None:
    decoding = Decoding(method="sampling", seed=4)
    drawn = [choose(LOG_PROBS, decoding, step=step) for step in range(40)]
    assert drawn == [choose(LOG_PROBS, decoding, step=step) for step in range(40)]
    assert drawn != [choose(LOG_PROBS, Decoding(method="sampling", seed=5), step=step) for step in range(40)]
    assert len(set(drawn)) > 1
    assert choose(LOG_PROBS, Decoding(), step=0) == 0


@pytest.mark.parametrize("width", [1, 3])
def test_the_window_searches_as_evaluation_does_and_the_unknown_word_keeps_its_probability(width: int) -> None:
    """The unknown word is by far the most probable; it is never written, and what it had is not shared out."""
    stepper = captioner()
    with torch.no_grad():
        stepper.network.word_bias[UNKNOWN] += 9.0
    stepper = CaptionerStepper(stepper.network, stepper.encoder, stepper.vocabulary, maximum_steps=8)
    line = run_of(stepper).branch(0)
    reports = take(line, stop=8, decoding=Decoding(method="beam", beam_width=width))
    found = BeamSearch(start=START, end=END, width=width, length_penalty=Decoding().length_penalty, maximum_steps=8,
                       forbidden=(START, UNKNOWN))(stepper.network, line.encoded.memory)[0][0]
    assert tuple(report.token for report in reports) == found.tokens
    assert [report.log_prob for report in reports] == pytest.approx(list(found.log_probs), abs=1e-5)
    for report in reports:
        assert report.token != UNKNOWN
        assert UNKNOWN in [own.token for own in report.candidates]
        total = sum(math.exp(own.log_prob) for own in report.candidates)
        assert 0.9 < total <= 1 + 1e-5  # of the whole distribution
    assert any(report.candidates[0].token == UNKNOWN for report in reports)
    assert UNKNOWN in stepper.description.suppressed_tokens
