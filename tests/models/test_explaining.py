"""Explanations against independent sources: torch's own modules, finite differences, and doing it by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tiny_captioner as tiny
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_lines import CELLS, always, captioner, characters, run_of, take, torch_cell, values_of, written
from torch import nn

from unrolled.models.analysis.attention_statistics import attention_statistics
from unrolled.models.analysis.occlusion import LEAST_DROP, summarise, verdict
from unrolled.models.explaining.answers import answers
from unrolled.models.explaining.equations import explain
from unrolled.models.explaining.gradients import ROWS_AT_ONCE, gradients
from unrolled.models.explaining.occlusion import occlude
from unrolled.models.protocol.questions import Equation, FollowGradients, GradientRows, OccludeStep
from unrolled.models.runs.branch import Branch
from unrolled.models.runs.errors import EngineError, Superseded
from unrolled.models.stepping.editing import hook_at
from unrolled.models.trace.edits import ClampUnits, MaskAttention, ScaleUnits, SetAttention, UniformAttention

KINDS = [(cell, attention) for cell in CELLS for attention in (True, False)]


def tables(line: Branch, first: int, last: int) -> dict[str, np.ndarray]:
    parts = list(gradients(line, first, last, always))
    names = ("hidden", "cell", "forget_path", "other_paths", "words", "places", "first_state")
    return {name: np.concatenate([part.table(getattr(part, name)) for part in parts]) for name in names
            if all(getattr(part, name) for part in parts) or name != "first_state"}


# ── Gradients ─────────────────────────────────────────────────────────────────────────────────────────────────────

def by_torch(line: Branch, t: int) -> dict[str, list[torch.Tensor]]:
    """∂ log p(word_t) by the states of all steps, through torch's own cell and plain autograd, one word alone."""
    stepper = line.stepper
    network, memory = stepper.network, line.encoded.memory
    module = torch_cell(stepper.structure.cell)
    features = memory.features.clone().requires_grad_()
    state = [own.clone()[0] for own in network.start(memory)]                                # each (1, hidden)
    hidden, cells, words, result = [], [], [], None
    for step in range(t + 1):
        word = network.embed.weight[line.token_before(step)].unsqueeze(0).clone().requires_grad_()
        words.append(word)
        if network.attend is not None:
            keys = network.attend.features_to_size(features[0])
            scores = network.attend.score(torch.tanh(network.attend.hidden_to_size(state[0]) + keys))[:, 0]
            context = (torch.softmax(scores, 0) @ features[0]).unsqueeze(0)
        else:
            context = features[0].mean(dim=0, keepdim=True)
        x = torch.cat((word, context), dim=-1)
        if isinstance(module, nn.LSTMCell):
            state = list(module(x, (state[0], state[1])))
            cells.append(state[1])
        else:
            state = [module(x, state[0])]
        hidden.append(state[0])
        output = torch.tanh(network.deepen(torch.cat((state[0], context), dim=-1)) + word)
        scores = (output @ network.embed.weight.T + network.word_bias) / network.temperature
        result = torch.log_softmax(scores, -1)[0, line.tokens[step]]
    found = torch.autograd.grad(result, [*hidden, *cells, *words, features])
    count = len(hidden)
    return {"hidden": list(found[:count]), "cell": list(found[count : count + len(cells)]),
            "words": [own * word for own, word in zip(found[count + len(cells) : -1], words, strict=True)],
            "places": [(found[-1] * features)[0]]}


@pytest.mark.parametrize(("cell", "attention"), KINDS)
def test_gradients_are_those_of_autograd_through_torchs_modules(cell: str, attention: bool) -> None:
    line, _ = written(captioner(cell, attention=attention))
    found = tables(line, 0, 5)
    for t in range(6):
        expected = by_torch(line, t)
        for name in ("hidden", "cell"):
            norms = [float(own.norm()) for own in expected[name]]
            if norms:
                assert found[name][t, : t + 1] == pytest.approx(norms, rel=2e-3, abs=1e-6)
                assert (found[name][t, t + 1 :] == 0).all()
        causes = [float(own.detach().sum()) for own in expected["words"]]
        assert found["words"][t, : t + 1] == pytest.approx(causes, rel=2e-3, abs=1e-5)
        assert np.allclose(found["places"][t], expected["places"][0].sum(dim=-1).detach(), rtol=2e-3, atol=1e-5)
    if cell != "lstm":
        assert not found["cell"].size


def test_gradients_are_finite_differences() -> None:
    """The hidden state of step 2 is nudged along a direction; log p of the word of step 4 changes as the gradient says."""
    stepper = captioner(double=True)
    line, _ = written(stepper)
    direction = torch.randn(16, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    direction /= direction.norm()

    def log_prob(by: float) -> float:
        def nudge(name: str, value: torch.Tensor, /) -> torch.Tensor:
            return value + by * direction if name == "hidden" else value

        state = stepper.start(line.encoded.memory)
        for step in range(5):
            change = nudge if step == 2 else line.hook_at(step)
            state, record = stepper.step(line.encoded.memory, state, [line.token_before(step)], change)
        return float(record.log_probs[0, line.tokens[4]])

    slope = (log_prob(1e-5) - log_prob(-1e-5)) / 2e-5
    gradient = by_torch(line, 4)["hidden"][2][0]
    assert slope == pytest.approx(float(gradient @ direction), rel=1e-5)
    assert float(gradient.norm()) == pytest.approx(float(tables(line, 0, 5)["hidden"][4, 2]), rel=1e-4)


def test_the_path_through_the_forget_gates_is_their_product() -> None:
    edit = ScaleUnits(channel="cell", units=(1, 2), factor=0.5, first=3, last=3)
    for edits in ((), (edit,)):
        line, reports = written(captioner(), edits)
        found, values = tables(line, 0, 5), values_of(line, reports)
        factors = torch.ones(6, 16)
        if edits:
            factors[3, [1, 2]] = 0.5
        for t in (5, 2):
            arriving = by_torch(line, t)["cell"][t][0] if not edits else None
            for k in range(t, -1, -1):
                along = torch.prod(values["forget_gate"][k + 1 : t + 1] * factors[k + 1 : t + 1], dim=0)
                if arriving is not None:
                    path = along * arriving
                    assert float(path.norm()) == pytest.approx(float(found["forget_path"][t, k]), rel=2e-3, abs=1e-6)
                    rest = by_torch(line, t)["cell"][k][0] - path
                    assert float(rest.norm()) == pytest.approx(float(found["other_paths"][t, k]), rel=5e-3, abs=1e-5)
            assert found["other_paths"][t, t] == pytest.approx(0.0, abs=1e-6)
            assert (found["forget_path"][t, : t + 1] <= found["cell"][t, : t + 1] + found["other_paths"][t, : t + 1] + 1e-5).all()


def test_a_closed_forget_gate_cuts_its_path() -> None:
    line, _ = written(captioner(), (ClampUnits(channel="forget_gate", value=0.0, first=3, last=3),))
    found = tables(line, 0, 5)
    assert (found["forget_path"][5, :3] == 0).all()
    assert (found["forget_path"][5, 3:] > 0).all()


@pytest.mark.parametrize("cell", CELLS)
def test_a_long_text_is_followed_back_in_parts(cell: str) -> None:
    steps = 2 * ROWS_AT_ONCE + 5
    run = run_of(characters(cell), "ab(cd) " * 12)
    line = run.branch(0)
    take(line, stop=steps)
    parts = list(gradients(line, 0, steps - 1, always))
    assert [part.rows for part in parts] == [ROWS_AT_ONCE, ROWS_AT_ONCE, 5]
    whole = np.concatenate([part.table(part.hidden) for part in parts])
    last = np.concatenate([part.table(part.hidden) for part in gradients(line, 10, steps - 1, always)])
    assert whole.shape == (steps, steps)
    assert np.allclose(np.triu(whole, 1), 0)
    assert np.allclose(whole[10:, 10:], last, rtol=1e-3, atol=1e-7)
    assert not parts[0].places


def test_gradients_that_nobody_waits_for_are_given_up() -> None:
    line, _ = written(captioner())
    asked = iter([True, True, False])
    with pytest.raises(Superseded):
        list(gradients(line, 0, 5, lambda: next(asked)))


@pytest.mark.parametrize("cell", CELLS)
def test_the_picture_s_way_through_the_first_state_is_a_part_of_its_own(cell: str) -> None:
    """With what is looked at it adds up to the whole derivative, taken by one graph over start and steps together."""
    line, _ = written(captioner(cell))
    found, network, memory = tables(line, 0, 5), line.stepper.network, line.encoded.memory
    assert found["first_state"].shape == (6, 9)
    for t in (0, 2, 5):
        features = memory.features.clone().requires_grad_()
        whole = network.remember(features)
        state = network.start(whole)
        for step in range(t + 1):
            state, taken = network.step(whole, state, torch.tensor([[line.token_before(step)]]))
        log_prob = torch.log_softmax(network.logits(taken.output), -1)[0, 0, line.tokens[t]]
        (gradient,) = torch.autograd.grad(log_prob, features)
        expected = (gradient * features).sum(-1)[0].detach().numpy()
        np.testing.assert_allclose(found["places"][t] + found["first_state"][t], expected, atol=2e-5)
    assert np.abs(found["first_state"][0]).max() > 1e-3  # for an early word it is no trifle


def test_a_state_that_begins_from_nothing_has_no_such_part_and_neither_has_a_later_beginning() -> None:
    line, _ = written(captioner(begin="zeros"))
    assert all(not part.first_state for part in gradients(line, 0, 5, always))
    line, _ = written(captioner())
    assert all(not part.first_state for part in gradients(line, 2, 5, always))


# ── Equations ─────────────────────────────────────────────────────────────────────────────────────────────────────

def value_of(equation: Equation) -> float:
    function = {"σ": lambda x: 1 / (1 + math.exp(-x)), "tanh": math.tanh, "": lambda x: x}[equation.function]
    return function(equation.total) * math.prod(factor for _, factor in equation.outside)


@pytest.mark.parametrize(("cell", "attention"), KINDS)
def test_an_equations_parts_sum_to_what_was_recorded(cell: str, attention: bool) -> None:
    line, reports = written(captioner(cell, attention=attention))
    recorded = values_of(line, reports)
    for step in (0, 3, 5):
        for unit in (0, 15):
            found = explain(line, step, unit, always)
            assert found.cell == cell
            for equation in found.equations:
                assert sum(part.value for part in equation.parts) == pytest.approx(equation.total, abs=1e-9)
                assert equation.value == float(recorded[equation.channel][step, unit])
                assert value_of(equation) == pytest.approx(equation.value, abs=2e-6)
                assert not equation.edited
                for part in equation.parts:
                    if part.factors:
                        assert math.prod(factor for _, factor in part.factors) == pytest.approx(part.value, abs=1e-9)
                    if part.contributors:
                        assert sum(own.value for own in part.contributors) + part.rest == pytest.approx(part.value, abs=1e-9)
                    sizes = [abs(own.value) for own in part.contributors]
                    assert sizes == sorted(sizes, reverse=True)
            channels = {channel.name for channel in line.channels if channel.axes == ("unit",)}
            assert {equation.channel for equation in found.equations} == channels


@pytest.mark.parametrize("cell", CELLS)
def test_the_pre_activation_is_that_of_torchs_linear_layers(cell: str) -> None:
    line, _ = written(captioner(cell))
    weights = line.stepper.structure.cell
    state, memory = line.state(3, always), line.encoded.memory
    word = line.stepper.network.embed.weight[line.token_before(3)]
    attended = line.stepper.network.attend(state[0], memory.features, memory.keys)
    x = torch.cat((word, attended.context[0, 0]))
    own = nn.functional.linear(x, weights.weight_ih, weights.bias_ih)
    other = nn.functional.linear(state[0][0, 0], weights.weight_hh, weights.bias_hh)
    by_name = {equation.channel: equation for equation in explain(line, 3, 7, always).equations}
    for number, name in enumerate({"rnn": ("hidden",), "lstm": ("input_gate", "forget_gate", "cell_gate", "output_gate"),
                                   "gru": ("reset_gate", "update_gate")}[cell]):
        place = 16 * number + 7
        assert by_name[name].total == pytest.approx(float(own[place] + other[place]), abs=1e-5)


def test_contributors_name_the_unit_the_word_and_the_place() -> None:
    line, reports = written(captioner())
    hidden, attention = values_of(line, reports)["hidden"], values_of(line, reports)["attention"]
    gate = explain(line, 3, 2, always).equations[1]
    word, context, recurrent, _ = gate.parts
    assert (word.contributors[0].kind, word.contributors[0].index) == ("word", 2)
    assert word.contributors[0].name == tiny.WORDS[line.tokens[2]]
    weights = line.stepper.structure.cell.weight_hh
    for own in recurrent.contributors:
        assert own.weight == float(weights[16 + 2, own.index])  # the forget gate is the second block
        assert own.activity == float(hidden[2, own.index])
        assert own.value == pytest.approx(own.weight * own.activity)
    for own in context.contributors:
        assert own.weight == float(attention[3, own.index])
    assert explain(line, 0, 2, always).equations[0].parts[0].contributors[0].index == -1  # START


def test_attention_in_numbers() -> None:
    line, reports = written(captioner())
    found = explain(line, 4, 0, always)
    weights = values_of(line, reports)["attention"][4]
    assert found.places == 9
    assert [own.weight for own in found.looked] == sorted(weights.tolist(), reverse=True)
    for own in found.looked:
        assert math.exp(own.score - found.score_max) / found.score_sum == pytest.approx(own.weight, abs=1e-6)
    context = weights @ line.encoded.memory.features[0]
    assert found.context_norm == pytest.approx(float(context.norm()), rel=1e-5)


def test_an_edited_quantity_is_named() -> None:
    line, _ = written(captioner(), (ClampUnits(channel="forget_gate", units=(3,), value=0.25, first=2, last=2),))
    edited = {equation.channel: equation for equation in explain(line, 2, 3, always).equations}
    assert [name for name, equation in edited.items() if equation.edited] == ["forget_gate"]
    assert edited["forget_gate"].value == 0.25
    assert edited["cell"].parts[0].factors[0] == ("f_t", 0.25)
    assert not any(equation.edited for equation in explain(line, 2, 4, always).equations)


def test_a_unit_or_a_step_that_is_not_there_is_said() -> None:
    line, _ = written(captioner())
    with pytest.raises(EngineError, match="no unit 16"):
        explain(line, 0, 16, always)
    with pytest.raises(EngineError, match="not there yet"):
        list(answers(line, OccludeStep(6), always))
    with pytest.raises(EngineError, match="comes before"):
        list(answers(line, FollowGradients(4, 2), always))


# ── Occlusion ─────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("edits", [
    (), (MaskAttention(places=(0, 4)),), (ClampUnits(channel="cell", value=0.1, first=2, last=2),)])
def test_occlusion_is_masking_one_place_by_hand(edits: tuple) -> None:
    """The step is computed by the independent reference, whose logits are read off on their way."""
    stepper = captioner()
    line, _ = written(stepper, edits)
    found, token, barred = occlude(line, 3, always), line.tokens[3], stepper.suppressed_tokens
    reference = stepper.reference()
    memory, state = reference.read(line.encoded.given_input), tuple(part[0].double() for part in line.state(3, always))

    def values(*masks: MaskAttention) -> dict[str, float]:
        change, seen = hook_at((*edits, *masks), 3), {}

        def hook(name: str, value: torch.Tensor) -> torch.Tensor:
            seen[name] = change(name, value)
            return seen[name]

        log_probs = reference.step(memory, state, line.token_before(3), 3, hook)["log_probs"]
        logits = seen["logits"].flatten()
        others = [(float(logit), place) for place, logit in enumerate(logits) if place not in (token, *barred)]
        return {"log_prob": float(log_probs[token]), "logit": float(logits[token]),
                "margin": float(logits[token]) - max(others)[0], "runner_up": max(others)[1]}

    plain = values()
    for name in ("log_prob", "logit", "margin", "runner_up"):
        assert getattr(found, name) == pytest.approx(plain[name], abs=1e-5)
    for place in range(9):
        masked = values(MaskAttention(places=(place,), first=3, last=3))
        for name in ("log_prob", "logit", "margin"):
            assert float(found.drops(name)[place]) == pytest.approx(plain[name] - masked[name], abs=1e-5)


def test_attention_that_an_edit_sets_can_be_occluded_too() -> None:
    for edit in (UniformAttention(), SetAttention(weights=tuple(range(9)))):
        line, _ = written(captioner(), (edit,))
        drops = occlude(line, 2, always).drops()
        assert np.isfinite(drops).all()
        assert np.abs(drops[1:]).max() > 0


def test_without_attention_nothing_can_be_masked() -> None:
    line, _ = written(captioner(attention=False))
    with pytest.raises(EngineError, match="no attention"):
        occlude(line, 0, always)


@given(st.lists(st.tuples(st.floats(-2, 2, width=32), st.floats(0, 1, width=32)), min_size=2, max_size=60,
                unique_by=(lambda own: own[0], lambda own: own[1])))
@settings(max_examples=80)
def test_the_share_of_what_masking_takes_is_counted_place_by_place(pairs: list[tuple[float, float]]) -> None:
    drops, attention = np.array(pairs, np.float32).T
    found = summarise(drops, attention)
    ranked = sorted(range(len(pairs)), key=lambda place: -attention[place])
    taken = [max(float(drop), 0.0) for drop in drops]
    assert found.attended == max(len(pairs) // 10, 1)
    assert found.largest_drop == pytest.approx(max(taken))
    if sum(taken) > 0:
        assert found.share == pytest.approx(sum(taken[place] for place in ranked[: found.attended]) / sum(taken))
        assert ranked[found.rank - 1] == taken.index(max(taken))
    assert found.means_something == (max(taken) >= LEAST_DROP)
    assert ("too little" in verdict(found)) != found.means_something


# ── Answers ───────────────────────────────────────────────────────────────────────────────────────────────────────

def test_every_part_of_an_answer_comes_with_its_table() -> None:
    line, _ = written(captioner())
    part = next(answers(line, FollowGradients(0, 5), always))
    assert isinstance(part, GradientRows)
    with pytest.raises(ValueError, match="multiple of element size"):
        part.table(b"\0" * 7)


def test_even_attention_over_what_was_read_so_far_has_all_the_entropy_there_is() -> None:
    maps = np.zeros((6, 64), np.float32)
    for step in range(6):
        maps[step, : step + 1] = 1 / (step + 1)
    found = attention_statistics(maps, growing=True)
    np.testing.assert_allclose(found.entropy, [0, 1, 1, 1, 1, 1], atol=1e-6)
    assert found.even == 1.0
    np.testing.assert_allclose(found.coverage, np.cumsum(1 / np.arange(6, 0, -1))[::-1], atol=1e-6)
