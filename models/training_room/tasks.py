"""Three tasks that need memory, drawn from a seed: copying, adding, matching brackets.

A task says what a network without memory reaches, so that a curve has something to be compared with. It knows
nothing of networks.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

BRACKETS = "([{"
CLOSERS = ")]}"
CLOSE_ENOUGH = 0.08  # of 2, the range of a sum; Hochreiter and Schmidhuber take 0.04 of a range of 1


@dataclass(frozen=True, slots=True)
class Batch:
    inputs: Tensor   # (T, B, input)
    targets: Tensor  # (T, B): classes, int64, or numbers, float32
    counted: Tensor  # bool, (T,): the steps that have a loss
    asked: Tensor    # bool, (T,): the steps whose answers count for the accuracy


class Task(Protocol):
    """What is learned."""

    name: str
    sentence: str
    steps: int        # T, the length of every sequence
    input_size: int
    output_size: int
    # chance_loss, chance_accuracy: what the best guess reaches that knows only the present step's input
    chance_loss: float
    chance_accuracy: float
    chance_note: str  # where those come from, in a sentence

    def draw(self, count: int, generator: torch.Generator) -> Batch:
        """Draw `count` sequences."""

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The loss of every step, shape (...), of outputs (..., output) and targets (...)."""

    def right(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Whether every step's answer is right, shape (...)."""


class _Classes:
    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        flat = F.cross_entropy(outputs.flatten(0, -2), targets.flatten(), reduction="none")
        return flat.view(targets.shape)

    def right(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return outputs.argmax(-1) == targets


class Copying(_Classes):
    """Symbols are shown, then nothing for a while, then they are asked for again in the same order.

    The copying task of Hochreiter and Schmidhuber 1997 as Arjovsky, Shah and Bengio 2016 write it, but with the
    question asked at every step of the answer: T = symbols + delay + symbols, a loss at every step (blank is the right
    answer until they are asked for). Without memory the symbols can only be guessed, so the loss per step is
    S ln K / T for S symbols of K kinds.
    """

    name = "copy"

    def __init__(self, steps: int, *, kinds: int = 4) -> None:
        self.steps, self.kinds = steps, kinds
        self.symbols = max(1, min(4, steps // 5))
        self.input_size = kinds + 2   # the symbols, blank, the question
        self.output_size = kinds + 1  # the symbols, blank
        self.chance_loss = self.symbols * math.log(kinds) / steps
        self.chance_accuracy = 1 / kinds
        delay = steps - 2 * self.symbols
        self.sentence = (f"{_count(self.symbols, 'symbol')} of {kinds} kinds, {delay} empty steps, then the same "
                         f"{'symbol' if self.symbols == 1 else 'symbols'} again.")
        self.chance_note = "without memory the symbols can only be guessed"

    def draw(self, count: int, generator: torch.Generator) -> Batch:
        steps, symbols, kinds = self.steps, self.symbols, self.kinds
        shown = torch.randint(kinds, (symbols, count), generator=generator)
        inputs = torch.full((steps, count), kinds)
        inputs[:symbols] = shown
        inputs[-symbols:] = kinds + 1
        targets = torch.full((steps, count), kinds)
        targets[-symbols:] = shown
        asked = torch.zeros(steps, dtype=torch.bool)
        asked[-symbols:] = True
        return Batch(F.one_hot(inputs, self.input_size).float(), targets, torch.ones(steps, dtype=torch.bool), asked)


class Adding:
    """Two of many numbers are marked; at the end their sum is asked for.

    The adding problem of Hochreiter and Schmidhuber 1997, with numbers between 0 and 1: a number is marked in each half
    of the sequence (never the last one), and the loss is the squared error of the last step's answer. Without memory
    the best guess is 1, whose expected loss is the variance of the sum, 1/6.
    """

    name = "adding"
    input_size, output_size = 2, 1
    chance_loss = 1 / 6
    chance_accuracy = 1 - (1 - CLOSE_ENOUGH) ** 2  # the sum of two uniform numbers is so near to 1

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.sentence = f"{steps} numbers, two of them marked; at the last step, the sum of the two."
        self.chance_note = "without memory the best guess is always 1"

    def draw(self, count: int, generator: torch.Generator) -> Batch:
        steps = self.steps
        numbers = torch.rand(steps, count, generator=generator)
        first = torch.randint(steps // 2, (count,), generator=generator)
        second = torch.randint(steps // 2, steps - 1, (count,), generator=generator)
        marks = torch.zeros(steps, count)
        every = torch.arange(count)
        marks[first, every] = 1.0
        marks[second, every] = 1.0
        targets = torch.zeros(steps, count)
        targets[-1] = (numbers * marks).sum(0)
        counted = torch.zeros(steps, dtype=torch.bool)
        counted[-1] = True
        return Batch(torch.stack([numbers, marks], -1), targets, counted, counted)

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs.squeeze(-1) - targets) ** 2

    def right(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs.squeeze(-1) - targets).abs() < CLOSE_ENOUGH


class Brackets(_Classes):
    """Brackets of three kinds open and close; at each step: which one could close now, or none?

    Well-nested strings up to a depth (a Dyck language, which needs a stack): the answer is the kind of the innermost
    bracket that is open. Without memory the best guess knows only this step's bracket; what it reaches is counted on
    sequences of their own.
    """

    name = "brackets"
    kinds, depth, open_share = len(BRACKETS), 4, 0.55
    input_size, output_size = 2 * len(BRACKETS), len(BRACKETS) + 1

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.sentence = (f"{steps} brackets {' '.join(a + b for a, b in zip(BRACKETS, CLOSERS, strict=True))}, nested up to "
                         f"{self.depth} deep; at each step, which of them may close next.")
        sample = self.draw(1500, torch.Generator().manual_seed(0))
        self.chance_loss, self.chance_accuracy = _best_guess(sample)
        self.chance_note = "without memory a closing bracket does not say what is still open"

    def draw(self, count: int, generator: torch.Generator) -> Batch:
        steps, kinds = self.steps, self.kinds
        stack = torch.zeros(count, self.depth, dtype=torch.long)
        height = torch.zeros(count, dtype=torch.long)
        chosen = torch.randint(kinds, (steps, count), generator=generator)
        opens = torch.rand(steps, count, generator=generator) < self.open_share
        every = torch.arange(count)
        symbols, targets = torch.empty(steps, count, dtype=torch.long), torch.empty(steps, count, dtype=torch.long)
        for step in range(steps):
            opening = (opens[step] | (height == 0)) & (height < self.depth)
            innermost = stack[every, (height - 1).clamp(min=0)]
            symbols[step] = torch.where(opening, chosen[step], kinds + innermost)
            place = height.clamp(max=self.depth - 1)
            stack[every, place] = torch.where(opening, chosen[step], stack[every, place])
            height = height + torch.where(opening, 1, -1)
            innermost = stack[every, (height - 1).clamp(min=0)]
            targets[step] = torch.where(height > 0, innermost, kinds)  # the last class: nothing is open
        counted = torch.ones(steps, dtype=torch.bool)
        return Batch(F.one_hot(symbols, self.input_size).float(), targets, counted, counted)


def _best_guess(sample: Batch) -> tuple[float, float]:
    """Loss and accuracy of the best guess that knows only the present input: the entropy of targets given inputs."""
    symbols, classes = sample.inputs.shape[-1], int(sample.targets.max()) + 1
    pairs = sample.inputs.argmax(-1).flatten() * classes + sample.targets.flatten()
    joint = torch.bincount(pairs, minlength=symbols * classes).view(symbols, classes).double()
    joint /= joint.sum()
    given = joint / joint.sum(1, keepdim=True).clamp(min=1e-12)
    return float(-(joint * given.clamp(min=1e-12).log()).sum()), float(joint.max(1).values.sum())


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


TASKS: dict[str, Callable[[int], Task]] = {task.name: task for task in (Copying, Adding, Brackets)}
