"""The cells against torch's own modules, and the attention decoder against the lecture's formulas, written out plainly."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from unrolled.models.cells import make_cell, run_sequence
from unrolled.models.cells.decoder import DecoderConfig, RecurrentDecoder

TORCHS = {"rnn": nn.RNNCell, "lstm": nn.LSTMCell, "gru": nn.GRUCell}


def twins(kind: str) -> tuple[nn.Module, nn.Module]:
    """Our cell and torch's with the same weights."""
    torch.manual_seed(3)
    ours, theirs = make_cell(kind, 5, 7), TORCHS[kind](5, 7)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


@pytest.mark.parametrize("kind", list(TORCHS))
def test_every_cell_is_torchs_own(kind: str) -> None:
    ours, theirs = twins(kind)
    x, hidden, cell = torch.randn(4, 5), torch.randn(4, 7).tanh(), torch.randn(4, 7)
    state = (hidden, cell) if kind == "lstm" else (hidden,)
    step = ours(x, *state)
    expected = theirs(x, state if kind == "lstm" else hidden)
    for own, other in zip(step, expected if kind == "lstm" else (expected,), strict=False):
        torch.testing.assert_close(own, other, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", list(TORCHS))
def test_a_sequence_at_once_is_its_steps_one_by_one(kind: str) -> None:
    ours, _ = twins(kind)
    inputs = torch.randn(6, 3, 5)
    state = tuple(torch.zeros(3, 7) for _ in range(ours.state_size))
    outputs, last = run_sequence(ours, inputs, state)
    for x, output in zip(inputs, outputs, strict=True):
        state = tuple(ours(x, *state)[: ours.state_size])
        torch.testing.assert_close(output, state[0], rtol=1e-5, atol=1e-6)
    for own, other in zip(last, state, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-5, atol=1e-6)


def matrix_times(matrix: torch.Tensor, vector: list[float], bias: torch.Tensor | None = None) -> list[float]:
    """W x + b, number by number."""
    return [sum(float(matrix[i, j]) * vector[j] for j in range(len(vector))) + (float(bias[i]) if bias is not None else 0.0)
            for i in range(matrix.shape[0])]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_the_decoder_with_attention_is_the_lectures(cell: str) -> None:
    """e_tj = f_att(s_{t-1}, h_j); a_t = softmax(e_t); c_t = Σ a_tj h_j; s_t = f(word, c_t, s_{t-1}): no tensors, only loops."""
    torch.manual_seed(5)
    network = RecurrentDecoder(DecoderConfig(vocabulary=6, cell=cell, features=4, embedding=3, hidden=5, attention=3,
                                             dropout=0.0)).double().eval().requires_grad_(False)
    features = torch.randn(1, 7, 4, dtype=torch.float64)
    memory = network.remember(features)
    state = network.start(memory)
    attend = network.attend
    assert attend is not None
    for word in (1, 4, 2):
        before = [float(value) for value in state[0][0, 0]]
        cell_before = [float(value) for value in state[-1][0, 0]]
        state, step = network.step(memory, state, torch.tensor([[word]]))
        rows = [[float(value) for value in row] for row in features[0]]
        weights = plain_attention(attend, before, rows)
        assert step.attended is not None
        assert [float(value) for value in step.attended.weights[0, 0]] == pytest.approx(weights, abs=1e-12)
        context = [sum(weight * row[i] for weight, row in zip(weights, rows, strict=True)) for i in range(4)]
        assert [float(value) for value in step.attended.context[0, 0]] == pytest.approx(context, abs=1e-12)
        x = [float(value) for value in network.embed.weight[word]] + context
        expected = plain_cell(network.cell, cell, x, before, cell_before)
        assert [float(value) for value in state[0][0, 0]] == pytest.approx(expected, abs=1e-12)


def plain_attention(attend: nn.Module, state: list[float], rows: list[list[float]]) -> list[float]:
    """Additive attention (Bahdanau et al. 2015): e_j = v · tanh(W_s s + W_h h_j + b), then the softmax."""
    parts = dict(attend.named_parameters())
    of_state = next(value for name, value in parts.items() if value.shape == (3, 5))
    of_row = next(value for name, value in parts.items() if value.shape == (3, 4))
    biases = [value for value in parts.values() if value.shape == (3,)]
    score = next(value for value in parts.values() if value.shape == (1, 3))
    from_state = matrix_times(of_state, state)
    energies = []
    for row in rows:
        from_row = matrix_times(of_row, row)
        inside = [math.tanh(a + b + sum(float(bias[i]) for bias in biases))
                  for i, (a, b) in enumerate(zip(from_state, from_row, strict=True))]
        energies.append(sum(float(score[0, i]) * value for i, value in enumerate(inside)))
    most = max(energies)
    powers = [math.exp(energy - most) for energy in energies]
    return [power / sum(powers) for power in powers]


def plain_cell(cell: nn.Module, kind: str, x: list[float], hidden: list[float], memory: list[float]) -> list[float]:
    """The new state of each cell, as the lecture writes it."""
    def sigmoid(value: float) -> float:
        return 1.0 / (1.0 + math.exp(-value))

    n = len(hidden)
    from_x = matrix_times(cell.weight_ih, x, cell.bias_ih)
    from_h = matrix_times(cell.weight_hh, hidden, cell.bias_hh)
    if kind == "rnn":
        return [math.tanh(a + b) for a, b in zip(from_x, from_h, strict=True)]
    both = [a + b for a, b in zip(from_x, from_h, strict=True)]
    if kind == "lstm":
        i, f, g, o = (both[k * n : (k + 1) * n] for k in range(4))
        c = [sigmoid(f[k]) * memory[k] + sigmoid(i[k]) * math.tanh(g[k]) for k in range(n)]
        return [sigmoid(o[k]) * math.tanh(c[k]) for k in range(n)]
    r, z = ([sigmoid(value) for value in both[k * n : (k + 1) * n]] for k in range(2))
    candidate = [math.tanh(from_x[2 * n + k] + r[k] * from_h[2 * n + k]) for k in range(n)]
    return [(1 - z[k]) * candidate[k] + z[k] * hidden[k] for k in range(n)]
