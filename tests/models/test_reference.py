"""The second computation agrees with what is recorded, and does not with anything that is computed or recorded otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import tiny_captioner as tiny
import torch
from PIL import Image
from tiny_lines import CELLS, always, captioner, characters, run_of, take, trace_of, written
from torch.nn import functional as F

from unrolled.models.analysis.fidelity import Fidelity
from unrolled.models.cells import AdditiveAttention, GRUCell, LSTMCell, decoder
from unrolled.models.cells.decoder import RecurrentDecoder
from unrolled.models.explaining.replay import replay
from unrolled.models.families.captioning.encoder import Encoder
from unrolled.models.families.captioning.network import Captioner
from unrolled.models.families.captioning.reference import CaptionerReference
from unrolled.models.protocol.stepping import Stepped
from unrolled.models.reference.cell import ReferenceCell
from unrolled.models.runs.branch import Branch
from unrolled.models.stepping.decoder_stepper import DecoderStepper
from unrolled.models.trace.edits import AddNoise, ClampUnits, MaskAttention, ScaleUnits, SetAttention

KINDS = [(cell, attention) for cell in CELLS for attention in (True, False)]


def held(line: Branch, reports: list[Stepped]) -> Fidelity:
    """What a line's steps, as recorded, are worth."""
    trace, fidelity = trace_of(line, reports), Fidelity()
    for part in replay(line, 0, len(line) - 1, always):
        assert fidelity.take(part, trace)
    assert fidelity.steps == len(line)
    return fidelity


@pytest.mark.parametrize(("cell", "attention"), KINDS)
@pytest.mark.parametrize("lengths", [{}, {"begin": "zeros", "query_word": True}])
def test_what_is_recorded_is_what_it_comes_to_a_second_time(cell: str, attention: bool, lengths: dict[str, Any]) -> None:
    if not attention:
        lengths = {name: value for name, value in lengths.items() if name != "query_word"}
    line, reports = written(captioner(cell, attention=attention, **lengths))
    found = held(line, reports)
    assert found.agrees
    assert 0 < found.largest <= 1e-5  # another precision: equal to the bit would mean that nothing was computed
    channels = {channel.name for channel in line.channels}
    assert set(found.by_channel) == channels | {"state_gap", "log_probs", "candidate_log_probs"}
    assert {"rnn": "nn.RNNCell", "lstm": "nn.LSTMCell", "gru": "nn.GRUCell"}[cell] in found.computed_by


@pytest.mark.parametrize("edit", [
    ClampUnits(channel="cell", units=(2,), value=0.5, first=1, last=2),
    ClampUnits(channel="output_gate", units=(2,), value=0.5, first=1, last=2),
    ScaleUnits(channel="forget_gate", units=(), factor=0.5, first=0, last=5),
    AddNoise(channel="hidden", units=(), deviation=0.5, seed=3, first=0, last=3),
    MaskAttention(places=(0, 4), first=0, last=5),
    SetAttention(weights=(0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0), first=2, last=3),
])
def test_an_edited_run_is_computed_with_its_edits(edit: Any) -> None:
    assert held(*written(captioner(), (edit,))).agrees


@pytest.mark.parametrize("cell", CELLS)
def test_a_text_of_many_blocks_is_computed_in_parts(cell: str) -> None:
    line = run_of(characters(cell), "ab(cd) " * 60).branch(0)
    reports = take(line, stop=400)
    assert [part.count for part in replay(line, 0, 399, always)] == [256, 144]
    assert held(line, reports).agrees


@pytest.mark.parametrize("cell", CELLS)
def test_torchs_own_module_has_the_gates_that_are_told_of_it(cell: str) -> None:
    """The rows that each gate is computed from, against the state of the module, which keeps its gates to itself."""
    torch.manual_seed(0)
    module = {"lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell, "rnn": torch.nn.RNNCell}[cell](5, 7, dtype=torch.float64)
    state = tuple(torch.randn(1, 7, dtype=torch.float64) for _ in range(2 if cell == "lstm" else 1))
    x = torch.randn(1, 5, dtype=torch.float64)
    found = ReferenceCell(module.state_dict()).step(x, state, lambda name, value: value)
    if cell == "lstm":
        new = found["forget_gate"] * state[1] + found["input_gate"] * found["cell_gate"]
        assert torch.allclose(found["cell"], new, atol=1e-12)
        assert torch.allclose(found["hidden"], found["output_gate"] * torch.tanh(new), atol=1e-12)
    elif cell == "gru":
        z = found["update_gate"]
        assert torch.allclose(found["hidden"], (1 - z) * found["candidate"] + z * state[0], atol=1e-12)
    expected = module(x, state if cell == "lstm" else state[0])
    assert torch.equal(found["hidden"], expected[0] if cell == "lstm" else expected)


# ── Mutations: each changes what is computed or what is recorded, and none may go unseen ─────────────────────────────

Patch = pytest.MonkeyPatch
Mutate = Callable[[Patch], None]
MUTATIONS: dict[str, tuple[str, dict[str, Any], Mutate]] = {}


def mutation(cell: str = "lstm", **lengths: Any) -> Callable[[Mutate], Mutate]:
    def add(function: Mutate) -> Mutate:
        MUTATIONS[function.__name__] = cell, lengths, function
        return function

    return add


def around(patch: Patch, owner: Any, name: str, change: Callable[..., Any]) -> None:
    """Replace a function by one that is given the old one first."""
    old = getattr(owner, name)
    patch.setattr(owner, name, lambda *given, **named: change(old, *given, **named))


@mutation()
def input_and_forget_gate_swapped_in_the_record(patch: Patch) -> None:
    around(patch, LSTMCell, "forward", lambda old, *given, **named: (lambda step: step._replace(
        input_gate=step.forget_gate, forget_gate=step.input_gate))(old(*given, **named)))


@mutation()
def output_and_input_gate_swapped_in_the_equations(patch: Patch) -> None:
    def swapped(old: Any, self: LSTMCell, x: Any, hidden: Any, cell: Any, hook: Any = None) -> Any:
        rows = torch.arange(4 * self.hidden_size).view(4, -1)[[3, 1, 2, 0]].flatten()
        weights = {name: value[rows] for name, value in self.state_dict().items()}
        return torch.func.functional_call(_plain(self), weights, (x, hidden, cell))

    around(patch, LSTMCell, "forward", swapped)


def _plain(cell: LSTMCell) -> torch.nn.Module:
    class Plain(torch.nn.Module):
        forward = ORIGINAL_LSTM

    plain = Plain()
    plain.hidden_size = cell.hidden_size
    for name, value in cell.named_parameters():
        plain.register_parameter(name, value)
    return plain


ORIGINAL_LSTM = LSTMCell.forward


@mutation()
def cell_in_the_place_of_hidden(patch: Patch) -> None:
    around(patch, LSTMCell, "forward", lambda old, *given, **named: (lambda step: step._replace(
        hidden=step.cell))(old(*given, **named)))


@mutation()
def attention_that_ignores_the_state(patch: Patch) -> None:
    around(patch, AdditiveAttention, "forward", lambda old, self, hidden, *given: old(self, torch.zeros_like(hidden), *given))


@mutation(query_word=True)
def attention_that_ignores_the_word(patch: Patch) -> None:
    around(patch, AdditiveAttention, "forward", lambda old, self, *given: old(self, *given[:-1], torch.zeros_like(given[-1])))


@mutation()
def the_map_reversed(patch: Patch) -> None:
    around(patch, DecoderStepper, "_packed", lambda old, self, log_probs, step: old(self, log_probs, step._replace(
        attended=step.attended._replace(weights=step.attended.weights.flip(-1)))))


@mutation()
def the_picture_s_cells_reversed(patch: Patch) -> None:
    around(patch, Captioner, "memory", lambda old, self, grid: old(self, grid.flip(1)))


@mutation()
def rows_and_columns_exchanged(patch: Patch) -> None:
    around(patch, Captioner, "memory", lambda old, self, grid: old(
        self, grid.unflatten(1, (3, 3)).transpose(1, 2).flatten(1, 2)))


@mutation()
def the_picture_mirrored(patch: Patch) -> None:
    around(patch, Encoder, "pixels", lambda old, self, picture: old(self, picture).flip(2))


@mutation()
def pixels_not_normalised(patch: Patch) -> None:
    around(patch, Encoder, "forward", lambda old, self, pixels: old(self, pixels // 2))


@mutation()
def attention_at_half_its_temperature(patch: Patch) -> None:
    def sharper(old: Any, self: AdditiveAttention, hidden: Any, features: Any, keys: Any, *given: Any) -> Any:
        found = old(self, hidden, features, keys, *given)
        weights = torch.softmax(2 * found.scores, dim=-1)
        return found._replace(weights=weights, context=weights @ features)

    around(patch, AdditiveAttention, "forward", sharper)


@mutation()
def the_context_is_the_mean(patch: Patch) -> None:
    around(patch, AdditiveAttention, "forward", lambda old, self, hidden, features, *given: (lambda found: found._replace(
        context=features.mean(1, keepdim=True).expand_as(found.context)))(old(self, hidden, features, *given)))


@mutation()
def the_entropy_of_something_else(patch: Patch) -> None:
    around(patch, DecoderStepper, "_entropy_scale", lambda old, self, places: 0.9 * old(self, places))


@mutation()
def logits_doubled(patch: Patch) -> None:
    def doubled(old: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
        return old(x, weight, bias) * (2 if len(weight) == len(tiny.WORDS) else 1)

    around(patch, F, "linear", doubled)


@mutation()
def a_log_probability_that_leaves_words_out(patch: Patch) -> None:
    def barred(old: Any, self: Any, log_probs: torch.Tensor, step: Any) -> Any:
        left = torch.log_softmax(log_probs.index_fill(-1, torch.tensor([0, 2]), float("-inf")), dim=-1)
        return old(self, left, step)

    around(patch, DecoderStepper, "_packed", barred)


@mutation()
def the_first_state_forgotten(patch: Patch) -> None:
    around(patch, RecurrentDecoder, "start", lambda old, *given: tuple(torch.zeros_like(part) for part in old(*given)))


@mutation()
def another_word_read(patch: Patch) -> None:
    around(patch, DecoderStepper, "step", lambda old, self, memory, state, tokens, *given: old(
        self, memory, state, [(token + 1) % len(tiny.WORDS) for token in tokens], *given))


@mutation()
def hidden_and_cell_exchanged_between_steps(patch: Patch) -> None:
    around(patch, decoder, "state_of", lambda old, *given: tuple(reversed(old(*given))))


@mutation("rnn")
def a_state_that_is_never_carried_on(patch: Patch) -> None:
    around(patch, decoder, "state_of", lambda old, *given: tuple(torch.zeros_like(part) for part in old(*given)))


@mutation("gru")
def a_state_that_fades_between_steps(patch: Patch) -> None:
    around(patch, decoder, "state_of", lambda old, *given: tuple(0.99 * part for part in old(*given)))


@mutation()
def candidates_named_after_each_other(patch: Patch) -> None:
    around(patch, Branch, "_candidates", lambda old, *given: (lambda own: tuple(
        msgspec.structs.replace(one, token=other.token) for one, other in zip(own, own[1:] + own[:1], strict=True)))(
            old(*given)))


@mutation()
def the_best_candidate_left_out(patch: Patch) -> None:
    around(patch, Branch, "_candidates", lambda old, *given: old(*given)[1:])


@mutation()
def another_word_recorded_than_was_written(patch: Patch) -> None:
    around(patch, Branch, "advance", lambda old, *given: (lambda made: msgspec.structs.replace(
        made, token=(made.token + 1) % len(tiny.WORDS)) if isinstance(made, Stepped) else made)(old(*given)))


@mutation("gru")
def a_reset_gate_that_is_not_used(patch: Patch) -> None:
    def without(old: Any, self: GRUCell, x: Any, hidden: Any, hook: Any = None) -> Any:
        step = old(self, x, hidden)
        candidate = torch.tanh(F.linear(x, self.weight_ih, self.bias_ih).chunk(3, -1)[2]
                               + F.linear(hidden, self.weight_hh, self.bias_hh).chunk(3, -1)[2])
        return step._replace(candidate=candidate, hidden=(1 - step.update_gate) * candidate + step.update_gate * hidden)

    around(patch, GRUCell, "forward", without)


@mutation("gru")
def the_update_gate_the_other_way_round(patch: Patch) -> None:
    around(patch, GRUCell, "forward", lambda old, self, x, hidden, hook=None: (lambda step: step._replace(
        hidden=step.update_gate * step.candidate + (1 - step.update_gate) * hidden))(old(self, x, hidden)))


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_is_seen(name: str, monkeypatch: Patch) -> None:
    cell, lengths, mutate = MUTATIONS[name]
    stepper = captioner(cell, **lengths)
    picture = Image.effect_noise((96, 96), 80).convert("RGB")  # nothing about it is symmetric

    def run() -> tuple[Branch, list[Stepped]]:
        run = run_of(stepper, picture)
        line = run.branch(0)
        return line, take(line)

    assert held(*run()).agrees
    with monkeypatch.context() as patch:
        mutate(patch)
        line, reports = run()
    found = held(line, reports)
    assert not found.agrees
    assert found.where


def test_a_weight_that_changed_in_memory_is_seen() -> None:
    stepper = captioner()
    stored = {name: value.clone() for name, value in stepper.network.state_dict().items()}
    stepper.weights = lambda: stored
    with torch.no_grad():
        stepper.network.deepen.weight[3, 2] += 0.1
    assert not held(*written(stepper)).agrees


def test_weights_and_picture_are_read_again_once_a_run(monkeypatch: Patch) -> None:
    """The badge asks after every few steps: what it needs each time must not be made each time."""
    stepper, asked = captioner(), []
    stepper.weights = lambda: asked.append("weights") or stepper.network.state_dict()
    around(monkeypatch, CaptionerReference, "read", lambda old, *given: asked.append("picture") or old(*given))
    run = run_of(stepper)
    line = run.branch(0)
    for step in range(3):
        take(line, start=step, stop=step + 1)
        assert list(replay(line, step, step, always))
    run.fork(1, 0, 2, (), ())
    take(run.branch(1), start=2, stop=3)
    assert list(replay(run.branch(1), 2, 2, always))
    assert asked == ["weights", "picture"]
