"""Small untrained models of every kind, each with a branch that has been run: for tests of edits and explanations."""

from __future__ import annotations

from typing import Any

import msgspec
import tiny_captioner as tiny
import torch
from torch import nn

from unrolled.models.cells import Cell
from unrolled.models.families.captioning.encoder import Encoder
from unrolled.models.families.captioning.network import Captioner, CaptionerStepper
from unrolled.models.families.characters.network import CharacterConfig, CharacterModel, CharacterStepper
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.stepping import Ended, Stepped
from unrolled.models.runs.branch import Branch
from unrolled.models.runs.run import Run
from unrolled.models.stepping.stepper import AnyStepper, EncodedInput
from unrolled.models.tokenizers.symbols import CharTokenizer, WordTokenizer
from unrolled.models.trace import Trace
from unrolled.models.trace.edits import Edit, ForceToken

GREEDY = Decoding()
CELLS = ("rnn", "lstm", "gru")
STEPS = 6


def always() -> bool:
    return True


def captioner(cell: str = "lstm", *, attention: bool = True, seed: int = 0, double: bool = False, device: str = "cpu",
              **lengths: Any) -> CaptionerStepper:
    """A captioner whose scores and states are far from 0, so that choices differ and nothing is hidden by rounding."""
    tiny.add_encoder()
    torch.manual_seed(seed)
    config = msgspec.structs.replace(tiny.config(), cell=cell, attention=10 if attention else 0, **lengths)
    network = Captioner(config).eval()
    with torch.no_grad():
        network.embed.weight.mul_(6)
        network.cell.weight_hh.mul_(2)
        network.cell.weight_ih.mul_(2)
        if network.attend is not None:
            network.attend.score.weight.mul_(8)
    encoder = Encoder(tiny.ENCODER)
    if double:
        network, encoder = network.double(), encoder.double()
    return CaptionerStepper(network, encoder, WordTokenizer(tiny.WORDS), device=device, maximum_steps=20)


def characters(cell: str = "gru", seed: int = 0, device: str = "cpu") -> CharacterStepper:
    """A character model."""
    torch.manual_seed(seed)
    alphabet = CharTokenizer.of(["abcdefgh ()\n"], at_least=1)
    network = CharacterModel(CharacterConfig(vocabulary=len(alphabet), cell=cell, embedding=7, hidden=11)).eval()
    return CharacterStepper(network, alphabet, device=device)


def torch_cell(cell: Cell) -> nn.LSTMCell | nn.GRUCell | nn.RNNCell:
    """Torch's module for a cell, with the cell's own weights."""
    kind = {"LSTMCell": nn.LSTMCell, "GRUCell": nn.GRUCell, "RNNCell": nn.RNNCell}[type(cell).__name__]
    module: nn.LSTMCell | nn.GRUCell | nn.RNNCell = kind(cell.weight_ih.shape[1], cell.hidden_size, dtype=cell.weight_ih.dtype)
    module.load_state_dict(cell.state_dict())
    return module.requires_grad_(False)


def trace_of(line: Branch, reports: list[Stepped]) -> Trace:
    """What the window would have of a line."""
    trace = Trace(line.channels)
    for report in reports:
        trace.append(report.result(line.channels))
    return trace


def encoded(stepper: AnyStepper, given: Any = None) -> EncodedInput[Any]:
    """What a stepper reads: a drawing, or a text."""
    if given is None:
        given = tiny.drawing("red", "circle") if stepper.description.input_kind == "picture" else "abc(de)\n"
    return stepper.read(given)


def run_of(stepper: AnyStepper, given: Any = None) -> Run:
    """A run that nothing has been asked of."""
    return Run(1, stepper, encoded(stepper, given))


def forced(*tokens: int) -> tuple[Edit, ...]:
    """These tokens, whatever the model prefers."""
    return tuple(ForceToken(first=step, last=step, token=token) for step, token in enumerate(tokens))


def take(line: Branch, *, start: int = 0, stop: int = STEPS, decoding: Decoding = GREEDY) -> list[Stepped]:
    """Take steps, one by one, until there are `stop` or the line has ended."""
    found: list[Stepped] = []
    for step in range(start, stop):
        report = line.advance(step, decoding, always)
        if isinstance(report, Ended):
            break
        assert isinstance(report, Stepped)
        found.append(report)
    return found


def values_of(line: Branch, reports: list[Stepped]) -> dict[str, torch.Tensor]:
    """What was recorded, by channel: (steps, size)."""
    results = [report.result(line.channels) for report in reports]
    return {channel.name: torch.stack([torch.from_numpy(result.values[channel.name].copy()).reshape(-1) for result in results])
            for channel in line.channels}


WORDS = (3, 4, 7, 5, 8, 6)  # tokens that END is not among


def written(stepper: AnyStepper, edits: tuple[Edit, ...] = (), *, steps: int = STEPS) -> tuple[Branch, list[Stepped]]:
    """A line of forced words with more edits, and its steps."""
    run = run_of(stepper)
    given = len(encoded(stepper).prompt_tokens)
    words = () if given else forced(*(WORDS * 4)[:steps])
    run.fork(1, 0, 0, (*words, *edits), ())
    line = run.branch(1)
    return line, take(line, stop=max(steps, given))
