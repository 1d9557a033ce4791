"""The searches of other people's code, each beside what its authors' own loop finds on random next-word tables."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import pytest
import torch
from torch import Tensor

from unrolled.models.families.image_captioning.adapter import WholeBeam
from unrolled.models.families.joey_nmt.search import JoeyNMTBeam
from unrolled.models.families.show_attend_tell.adapter import TutorialBeam
from unrolled.models.stepping.choosing import beam_search

END, WORDS, MOST = 1, 7, 9
Words = tuple[int, ...]


def table(seed: int) -> Callable[[Words], Tensor]:
    """What is written so far → log-probabilities of what is next, END the likelier the longer it is."""
    @cache
    def next_word(written: Words) -> Tensor:
        logits = torch.randn(WORDS, generator=torch.Generator().manual_seed(hash((seed, *written)) % 2**40)) * 2
        logits[END] += 0.4 * len(written) - 1
        return torch.log_softmax(logits, dim=0)
    return next_word


def found(next_word: Callable[[Words], Tensor], width: int, penalty: float, rule: Any) -> Words:
    def take_step(state: list[Words], words: Tensor) -> tuple[list[Words], Tensor]:
        state = [(*own, int(word)) for own, word in zip(state, words[0], strict=True)]
        return state, torch.stack([next_word(own[1:]) for own in state]).unsqueeze(0)

    own = beam_search([()], take_step, lambda state, rows: [state[row] for row in rows[0].tolist()], pictures=1, start=0, end=END,
                      width=width, length_penalty=penalty, maximum_steps=MOST, rule=rule)[0][0]
    return cut(own.tokens)


def cut(words: Words) -> Words:
    return words[: words.index(END)] if END in words else words


def best_of(rows: list[tuple[Words, float]], next_word: Callable[[Words], Tensor], count: int) -> list[tuple[int, Words, float]]:
    """The most probable ways to go on: the row that each is of, its words, its sum."""
    sums = torch.stack([total + next_word(words) for words, total in rows]).flatten()
    return [(int(place) // WORDS, (*rows[int(place) // WORDS][0], int(place) % WORDS), float(total))
            for total, place in zip(*sums.topk(count), strict=True)]


def tutorial(next_word: Callable[[Words], Tensor], width: int, _: float) -> Words:
    """caption.py of a PyTorch Tutorial to Image Captioning: k becomes less by what is complete."""
    rows, complete = [((), 0.0)], []
    for _step in range(MOST):
        kept = best_of(rows, next_word, width - len(complete))
        complete += [own for own in kept if own[1][-1] == END]
        rows = [own[1:] for own in kept if own[1][-1] != END]
        if not rows:
            break
    return cut(max(complete, key=lambda own: own[2])[1]) if complete else rows[0][0]


def whole(next_word: Callable[[Words], Tensor], width: int, penalty: float) -> Words:
    """CaptionModel.beam_search of ImageCaptioning.pytorch with avg_0 or nothing: an ended row's sum is 1000 less."""
    rows, done = [((), 0.0)], []
    for step in range(MOST):
        kept = best_of(rows, next_word, width)
        ended = [own[1][-1] == END or step == MOST - 1 for own in kept]
        done += [(own[2] / (step + 1) ** penalty, own[1]) for own, end in zip(kept, ended, strict=True) if end]
        rows = [(own[1], own[2] - 1000 * end) for own, end in zip(kept, ended, strict=True)]
    return cut(max(done)[1])


def joey(next_word: Callable[[Words], Tensor], width: int, alpha: float, *, first: bool) -> Words:
    """joeynmt.search.beam_search, of 1.5 (`first`) and of 2.3."""
    rows, hypotheses, finished = [((), 0.0)], [], [False] * width
    for step in range(MOST):
        kept = best_of(rows, next_word, width)
        rows = [own[1:] for own in kept]
        finished = [over or words[-1] == END or step + 1 == MOST for over, (words, _) in zip(finished, rows, strict=True)]
        for over, (words, total) in zip(finished, rows, strict=True):
            ends, last = words.count(END), words[-1] == END
            taken = ends < 2 if first else (ends == 0 and step + 1 == MOST) or (ends == 1 and last)
            if over and taken:
                hypotheses.append((total / ((5 + step + 1) / 6) ** alpha, words))
        if all(finished):
            break
    return cut(max(hypotheses, key=lambda own: own[0])[1])


@pytest.mark.parametrize("penalty", [0.0, 1.0])
@pytest.mark.parametrize(("rule", "theirs"), [
    (TutorialBeam, tutorial), (WholeBeam, whole), (JoeyNMTBeam, partial(joey, first=False)),
    (partial(JoeyNMTBeam, first=True), partial(joey, first=True))], ids=["tutorial", "whole", "joey 2", "joey 1"])
def test_a_search_finds_what_its_authors_find(rule: Any, theirs: Any, penalty: float) -> None:
    penalty = 0.0 if theirs is tutorial else penalty
    for seed in range(12):
        for width in (2, 4):
            assert found(table(seed), width, penalty, rule) == theirs(table(seed), width, penalty), (seed, width)
