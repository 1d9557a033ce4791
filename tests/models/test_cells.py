"""The equations: against torch's own cell, against finite differences, and what attention promises."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from unrolled.models.cells import AdditiveAttention, LSTMCell


@pytest.mark.parametrize("batch", [1, 5])
def test_the_cell_is_torchs_bit_for_bit(batch: int) -> None:
    torch.manual_seed(0)
    theirs, ours = torch.nn.LSTMCell(24, 16), LSTMCell(24, 16)
    ours.load_state_dict(theirs.state_dict())
    hidden, cell = torch.randn(batch, 16), torch.randn(batch, 16)
    for _ in range(5):
        x = torch.randn(batch, 24)
        step = ours(x, hidden, cell)
        hidden, cell = theirs(x, (hidden, cell))
        assert torch.equal(step.hidden, hidden)
        assert torch.equal(step.cell, cell)


def test_the_gates_give_the_cell_and_the_hidden_state() -> None:
    torch.manual_seed(1)
    cell = LSTMCell(6, 4)
    before = torch.randn(3, 4)
    step = cell(torch.randn(3, 6), torch.randn(3, 4), before)
    assert torch.equal(step.cell, step.forget_gate * before + step.input_gate * step.cell_gate)
    assert torch.equal(step.hidden, step.output_gate * torch.tanh(step.cell))
    for gate in (step.input_gate, step.forget_gate, step.output_gate):
        assert bool(((gate > 0) & (gate < 1)).all())
    assert bool((step.cell_gate.abs() < 1).all())


def test_finite_differences_through_cell_and_attention() -> None:
    torch.manual_seed(2)
    attend = AdditiveAttention(features=3, hidden=4, size=5).double()
    cell = LSTMCell(3, 4).double()
    features = torch.randn(2, 6, 3, dtype=torch.float64, requires_grad=True)
    hidden = torch.randn(2, 2, 4, dtype=torch.float64, requires_grad=True)
    memory_cell = torch.randn(2, 2, 4, dtype=torch.float64, requires_grad=True)

    def step(features: Tensor, hidden: Tensor, memory_cell: Tensor) -> tuple[Tensor, ...]:
        attended = attend(hidden, features, attend.keys(features))
        after = cell(attended.context, hidden, memory_cell)
        return attended.weights, attended.context, after.hidden, after.cell

    assert torch.autograd.gradcheck(step, (features, hidden, memory_cell))


@settings(max_examples=30)
@given(cells=st.integers(1, 50), scale=st.floats(0, 1e3), seed=st.integers(0, 10_000))
def test_attention_sums_to_one(cells: int, scale: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    attend = AdditiveAttention(features=3, hidden=4, size=5)
    features = torch.randn(2, cells, 3, generator=generator) * scale
    with torch.no_grad():
        attended = attend(torch.randn(2, 3, 4, generator=generator) * scale, features, attend.keys(features))
    assert attended.weights.shape == (2, 3, cells)
    assert bool((attended.weights >= 0).all())
    torch.testing.assert_close(attended.weights.sum(-1), torch.ones(2, 3))


def test_attention_follows_the_equation() -> None:
    torch.manual_seed(3)
    attend = AdditiveAttention(features=3, hidden=4, size=5)
    features, hidden = torch.randn(1, 7, 3), torch.randn(1, 1, 4)
    attended = attend(hidden, features, attend.keys(features))
    for place in range(7):
        query = attend.hidden_to_size.weight @ hidden[0, 0]
        key = attend.features_to_size.weight @ features[0, place] + attend.features_to_size.bias
        score = attend.score.weight[0] @ torch.tanh(query + key)
        torch.testing.assert_close(attended.scores[0, 0, place], score)
    torch.testing.assert_close(attended.context[0, 0], attended.weights[0, 0] @ features[0])
