"""Branches on the backend's side: they share steps, cost the steps behind, and can be taken up from their tokens."""

from __future__ import annotations

import itertools

import pytest
import tiny_lines
import torch
from tiny_lines import GREEDY, always, captioner, characters, run_of, take

from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.searching import BeamStepped
from unrolled.models.runs.errors import EngineError
from unrolled.models.stepping.choosing import beam_search
from unrolled.models.trace.edits import ClampUnits, Edit, ForceToken

BEAM = Decoding(method="beam", beam_width=3)


class Counting:
    """Counts the steps that a stepper takes."""

    def __init__(self, stepper: object) -> None:
        self._stepper = stepper
        self.steps = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._stepper, name)

    def step(self, *arguments: object) -> object:
        self.steps += 1
        return self._stepper.step(*arguments)  # type: ignore[attr-defined]


def test_a_branch_costs_the_steps_behind_it_and_no_more() -> None:
    counting = Counting(captioner())
    run = run_of(counting)  # type: ignore[arg-type]
    run.fork(1, 0, 0, tiny_lines.forced(*tiny_lines.WORDS), ())
    take(run.branch(1))
    assert counting.steps == 6
    run.fork(2, 1, 4, (ClampUnits(channel="cell", first=4),), ())
    take(run.branch(2), start=4)
    assert counting.steps == 8
    run.fork(3, 2, 5, (ClampUnits(channel="cell", first=4), ForceToken(first=5, token=3)), ())  # a branch of a branch
    take(run.branch(3), start=5)
    assert counting.steps == 9
    assert run.branch(3).tokens[:4] == run.branch(1).tokens[:4]


def test_a_branch_leaves_its_parent_as_it_is() -> None:
    run = run_of(captioner())
    run.fork(1, 0, 0, tiny_lines.forced(*tiny_lines.WORDS), ())
    before = take(run.branch(1))
    run.fork(2, 1, 2, (ForceToken(first=2, token=3), ClampUnits(channel="hidden", first=3)), ())
    take(run.branch(2), start=2)
    run.branch(1).forget_from(2)
    again = take(run.branch(1), start=2)
    assert [(step.token, step.values) for step in again] == [(step.token, step.values) for step in before[2:]]


@pytest.mark.parametrize("edits", [(), (ClampUnits(channel="hidden", units=(3,), value=0.7, first=1, last=3),)])
def test_a_branch_that_is_taken_up_from_its_tokens_goes_on_with_the_same_bits(edits: tuple[Edit, ...]) -> None:
    run = run_of(captioner())
    words = tiny_lines.forced(*tiny_lines.WORDS)
    run.fork(1, 0, 0, (*words, *edits), ())
    whole = take(run.branch(1))
    run.fork(2, -1, 0, (*words, *edits), tuple(run.branch(1).tokens[:4]))
    assert [step.values for step in take(run.branch(2), start=4)] == [step.values for step in whole[4:]]
    run.fork(3, 2, 2, (*words, *edits), ())  # its own states are known again too
    assert [step.values for step in take(run.branch(3), start=2)] == [step.values for step in whole[2:]]


def test_a_branch_of_a_text_shares_what_was_read() -> None:
    run = run_of(characters("lstm"), "ab(cd)" * 100)
    while len(run.branch(0)) < 600:
        run.branch(0).advance(len(run.branch(0)), GREEDY, always, 256)
    whole = take(run.branch(0), start=600, stop=604)
    run.fork(1, 0, 602, (), ())
    assert [step.values for step in take(run.branch(1), start=602, stop=604)] == [step.values for step in whole[2:]]
    run.fork(2, 0, 300, (ClampUnits(channel="forget_gate", value=0.0, first=300),), ())
    block = run.branch(2).advance(300, GREEDY, always, 256)
    assert block.branch == 2
    assert block.step == 300


def test_what_is_not_there_is_said() -> None:
    run = run_of(captioner())
    with pytest.raises(EngineError, match="not there yet"):
        run.fork(1, 0, 3, (), ())
    with pytest.raises(EngineError, match="no branch 7"):
        run.fork(1, 7, 0, (), ())
    with pytest.raises(EngineError, match="no branch 1"):
        run.branch(1).advance(0, GREEDY, always)
    with pytest.raises(EngineError, match="not one of the model"):
        run.fork(1, -1, 0, (), (999,))
    with pytest.raises(EngineError, match="no unit 99"):
        run.fork(1, 0, 0, (ClampUnits(channel="cell", units=(99,)),), ())


# ── Beams ─────────────────────────────────────────────────────────────────────────────────────────────────────────

def told(seed: int, *, width: int = 3, edits: tuple[Edit, ...] = ()) -> tuple[tiny_lines.Branch, list[BeamStepped]]:
    run = run_of(captioner(seed=seed))
    run.fork(1, 0, 0, edits, ())
    reports: list[BeamStepped] = []
    run.branch(1).search(Decoding(method="beam", beam_width=width), reports.append, always)
    return run.branch(1), reports


@pytest.mark.parametrize("seed", range(6))
def test_what_is_told_of_a_search_is_what_it_does(seed: int) -> None:
    line, reports = told(seed)
    nodes = {own.number: own for report in reports for own in report.hypotheses}
    steps = {own.number: report.step for report in reports for own in report.hypotheses}
    values = {own.number: result.values for report in reports
              for own, result in zip(report.hypotheses, report.results(line.channels), strict=True)}
    assert sorted(nodes) == list(range(len(nodes)))

    def chain(number: int) -> list[int]:
        return [*chain(nodes[number].parent), number] if nodes[number].parent >= 0 else [number]

    ended = [own for own in nodes.values() if own.finished]
    assert ended
    for own in nodes.values():
        links = chain(own.number)
        assert [steps[link] for link in links] == list(range(len(links)))
        total = sum(nodes[link].log_prob for link in links)
        assert own.score == pytest.approx(total / len(links) ** 0.7, abs=1e-4)
        assert not any(nodes[link].finished for link in links[:-1])
    best = max(ended, key=lambda own: own.score)
    tokens = [nodes[link].token for link in chain(best.number)]
    taken = take(line, stop=20, decoding=BEAM)
    assert line.tokens == tokens  # the steps that are taken follow it
    for step, link in zip(taken, chain(best.number), strict=True):
        result = step.result(line.channels)
        for name, array in values[link].items():  # its rows are its parents' rows
            torch.testing.assert_close(torch.from_numpy(array.copy()), torch.from_numpy(result.values[name].copy()),
                                       atol=1e-4, rtol=1e-3)
        assert step.log_prob == pytest.approx(nodes[link].log_prob, abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_a_wide_beam_is_an_exhaustive_search(seed: int) -> None:
    """All texts of up to three words, tried one by one, against a beam that is wide enough to lose none."""
    stepper = captioner(seed=seed)
    words, end, barred = len(stepper.description.words), stepper.description.end_token, set(stepper.suppressed_tokens)
    run = run_of(stepper)
    allowed = [token for token in range(words) if token not in barred]
    best, best_score = (), -float("inf")
    for length in (1, 2, 3):
        for text in itertools.product(allowed, repeat=length):
            if end in text[:-1] or (text[-1] != end and length < 3):
                continue
            run.fork(1, 0, 0, tiny_lines.forced(*text), ())
            score = sum(step.log_prob for step in take(run.branch(1), stop=length)) / length**0.7
            best, best_score = (text, score) if score > best_score else (best, best_score)
    line = run.branch(0)

    def take_step(state: object, tokens: torch.Tensor) -> tuple[object, torch.Tensor]:
        state, record = stepper.step(line.encoded.memory, state, tokens[0].tolist())
        return state, record.log_probs.unsqueeze(0)

    with torch.inference_mode():
        found = beam_search(stepper.start(line.encoded.memory), take_step, stepper.select, pictures=1,
                            start=stepper.description.start_token, end=end, width=len(allowed) ** 2 + 1, length_penalty=0.7,
                            maximum_steps=3, forbidden=tuple(barred))[0]
    assert found[0].tokens == best
    assert found[0].score == pytest.approx(best_score, abs=1e-4)


def test_a_forced_word_is_in_every_hypothesis() -> None:
    line, reports = told(1, edits=(ForceToken(first=1, last=1, token=5),))
    assert {own.token for own in reports[1].hypotheses} == {5}
    assert take(line, stop=20, decoding=BEAM)[1].token == 5
    _, of_none = told(1, edits=(ForceToken(first=1, last=1, token=2),))  # a word that is never written by itself
    assert {own.token for own in of_none[1].hypotheses} == {2}


def test_behind_a_forced_word_the_search_begins_anew() -> None:
    run = run_of(captioner(seed=2))
    take(run.branch(0), stop=20, decoding=BEAM)
    run.fork(1, 0, 1, (ForceToken(first=1, last=1, token=5),), ())
    found = take(run.branch(1), start=1, stop=20, decoding=BEAM)
    assert found[0].token == 5
    run.fork(2, 0, 1, (ForceToken(first=1, last=1, token=5),), ())
    reports: list[BeamStepped] = []
    run.branch(2).search(BEAM, reports.append, always)
    assert [step.token for step in found] == [step.token for step in take(run.branch(2), start=1, stop=20, decoding=BEAM)]
