"""Networks of any kind: names, wrappers, what is left out, and that the network stays as it was."""

from __future__ import annotations

import contextlib
import copy
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

import unrolled
from unrolled.models.trace.files import load_trace

UNITS, FEATURES = 5, 3


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(10, FEATURES)
        self.rnn = nn.GRU(FEATURES, UNITS, batch_first=True)
        self.head = nn.Linear(UNITS, 2)

    def forward(self, tokens):
        return self.head(self.rnn(self.embed(tokens))[0])


def test_any_other_module_is_recorded_by_its_name(tmp_path):
    torch.manual_seed(5)
    net = Tagger()
    tokens = torch.tensor([[1, 2, 3], [4, 5, 6]])
    with unrolled.record(net, others=["head"]) as record:
        output = net(tokens)
    trace = record.trace(item=1, tokens=["x", "y", "x"])
    np.testing.assert_array_equal(trace.column("head/output"), output[1].detach().numpy())
    assert {"rnn/hidden", "rnn/reset_gate", "rnn/update_gate", "rnn/candidate", "head/output"} == set(trace.channels)
    assert list(trace.words) == ["x", "y", "x"]
    assert list(trace.tokens) == [0, 1, 0]
    for suffix in (".safetensors", ".npz", ".json", ".csv"):
        trace.save(tmp_path / f"run{suffix}")
        again = load_trace(tmp_path / f"run{suffix}")
        assert again.channels == trace.channels
        assert again.provenance == trace.provenance
        np.testing.assert_array_equal(again.column("rnn/hidden"), trace.column("rnn/hidden"))


def test_modules_with_other_numbers_of_steps_are_left_out_and_said():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder = nn.GRU(FEATURES, UNITS), nn.GRUCell(FEATURES, UNITS)

        def forward(self, x):
            state = self.encoder(x)[1][0]
            for step in range(2):
                state = self.decoder(x[step], state)

    net = Both()
    with unrolled.record(net) as record:
        net(torch.randn(5, 1, FEATURES))
    with pytest.warns(UserWarning, match="decoder"):
        assert len(record.trace()) == 5
    assert len(record.trace(modules=["decoder"])) == 2
    with pytest.raises(ValueError, match="5"):
        record.trace(modules=["decoder", "encoder"])
    with pytest.raises(KeyError, match="was not called"):
        record.trace(modules=["attention"])
    with pytest.raises(ValueError, match="3 tokens for 2 steps"):
        record.trace(modules=["decoder"], tokens="abc")
    with pytest.raises(IndexError):
        record.trace(item=1)


def test_a_compiled_and_a_data_parallel_module_are_unwrapped():
    net = nn.LSTM(FEATURES, UNITS)
    for wrapped in (torch.compile(net), nn.DataParallel(net)):
        with unrolled.record(wrapped) as record:
            wrapped(torch.randn(3, 1, FEATURES))
        assert record.trace().column("cell").shape == (3, UNITS)


def test_what_is_inside_is_recorded_or_a_sentence_says_why_not():
    net = nn.LSTM(FEATURES, UNITS)
    several = nn.DataParallel(net)
    several.device_ids = [0, 1]
    with pytest.raises(TypeError, match="DataParallel copies the module to every device"), unrolled.record(several):
        pass
    distributed = nn.parallel.DistributedDataParallel.__new__(nn.parallel.DistributedDataParallel)  # without a process group
    nn.Module.__init__(distributed)
    distributed.module = torch.compile(net)
    with unrolled.record(distributed) as record:
        net(torch.randn(3, 1, FEATURES))
    assert len(record.columns()["cell"]) == 3


def test_a_part_that_is_compiled_runs_as_it_is_written():
    class Inside(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = torch.compile(nn.GRU(FEATURES, UNITS), backend="eager")

        def forward(self, x):
            return self.rnn(x)[0]

    with unrolled.record(net := Inside()) as record:
        output = net(torch.randn(3, 1, FEATURES))
    assert record.modules == ("rnn",)
    np.testing.assert_array_equal(record.columns()["hidden"], output[:, 0].detach().numpy())


def test_an_error_in_the_block_is_the_persons():
    net = Tagger()
    with pytest.raises(KeyError, match="mine"), unrolled.record(net):
        raise KeyError("mine")
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())
    with unrolled.record(net) as record:  # and it can be recorded again
        net(torch.tensor([[1, 2]]))
    assert len(record.columns()["hidden"]) == 2


def test_importing_brings_neither_torch_nor_qt():
    code = "import sys, unrolled; print([name for name in ('torch', 'PySide6', 'numpy') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_what_a_module_returns_is_recorded_however_it_is_wrapped():
    class Wrapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.rows, self.named, self.picture = nn.Identity(), nn.Identity(), nn.Identity()

        def forward(self, x):
            for step in x:
                self.rows((step, None))
            self.named({"last": x.transpose(0, 1)})
            self.picture(x.view(1, *x.shape))

    x = torch.randn(4, 2, 3)
    with unrolled.record(net := Wrapped(), others=["rows", "named", "picture"]) as record:
        net(x)
    for module in ("rows", "named"):
        np.testing.assert_array_equal(record.columns(1, modules=[module])["output"], x[:, 1].numpy())
    assert record.notes == ("“picture”: It could not be recorded: what it returned has the shape (1, 4, 2, 3), and should be "
                            "(batch, units) or (batch, steps, units).",)


def test_what_cannot_be_recorded_is_said_in_a_sentence():
    scripted = torch.jit.script(nn.Linear(2, 2))
    for wrong, sentence in ((scripted, "TorchScript"), (len, "torch.nn.Module")):
        with pytest.raises(TypeError, match=sentence), unrolled.record(wrong):
            pass
    with unrolled.record(net := nn.Sequential(nn.Linear(2, 2), nn.ReLU())) as record:
        net(torch.zeros(1, 2))
    with pytest.raises(ValueError, match="in this Sequential ran Sequential, Linear, ReLU, and no RNN"):
        record.trace()
    with pytest.raises(ValueError, match="There is no module “hed”"), unrolled.record(Tagger(), others=["hed"]):
        pass
    with unrolled.record(Tagger()) as record:
        pass
    with pytest.raises(ValueError, match="inside the “with” block"):
        record.trace()
    assert math.isnan(record.fidelity)


def test_a_module_that_fails_fails_as_without_recording():
    net = nn.LSTM(FEATURES, UNITS)
    with pytest.raises(RuntimeError), unrolled.record(net):
        net(torch.zeros(2, 1, FEATURES + 1))
    assert not net._forward_hooks


def test_a_class_with_a_forward_of_its_own_is_recorded_where_it_calls_torch():
    class Reversed(nn.GRU):
        def forward(self, x):
            return super().forward(x.flip(0))[0]

    net = nn.Sequential(Reversed(FEATURES, UNITS))
    with unrolled.record(net) as record:
        output = net(torch.randn(2, 1, FEATURES))
    np.testing.assert_array_equal(record.columns()["hidden"], output[:, 0].detach().numpy())


def test_networks_are_not_copied_or_changed():
    net = Tagger()
    before = copy.deepcopy(net.state_dict())
    with unrolled.record(net):
        net(torch.tensor([[1, 2]]))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


# ── Functions of torch, called by the network itself ──────────────────────────────────────────────────────────────────


class Functional(nn.Module):
    """Two LSTM cells and a GRU by their functions, the weights its own parameters."""

    def __init__(self, compute=None):
        super().__init__()
        self.cells = nn.ModuleList([nn.LSTMCell(FEATURES, UNITS), nn.LSTMCell(UNITS, UNITS)])
        self.rnn = nn.GRU(UNITS, UNITS)
        self.compute = compute

    def forward(self, x):
        states = [(x.new_zeros(x.shape[1], UNITS),) * 2 for _ in self.cells]
        found = []
        for step in x:
            for layer, cell in enumerate(self.cells):
                weights = (cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh)
                states[layer] = torch.lstm_cell(step, states[layer], *weights) if self.compute is None else self.compute(
                    cell, step, states[layer])
                step = states[layer][0]
            found.append(step)
        hidden = x.new_zeros(1, x.shape[1], UNITS)
        if self.compute is not None:
            return self.rnn(torch.stack(found), hidden)[0]
        return torch.gru(torch.stack(found), hidden, self.rnn._flat_weights, True, 1, 0.0, False, False, False)[0]


def test_functions_called_directly_are_recorded_as_their_modules_are():
    torch.manual_seed(6)
    net = Functional().double()
    x = torch.randn(4, 2, FEATURES, dtype=torch.float64)
    with unrolled.record(net) as record:
        output = net(x)
    net.compute = lambda cell, step, state: cell(step, state)
    with unrolled.record(net) as by_modules:
        assert torch.equal(net(x), output)
    assert record.modules == ("", "(2)", "(3)")  # one for each set of weights
    own, expected = record.columns(1), by_modules.columns(1)
    for name, values in expected.items():
        module, _, quantity = name.rpartition("/")
        place = {"cells.0": "", "cells.1": "(2)/", "rnn": "(3)/"}[module]
        np.testing.assert_array_equal(own[place + quantity], values)


def test_weights_that_are_made_anew_at_every_step_are_one_series():
    class Normed(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = nn.utils.parametrizations.weight_norm(nn.GRUCell(FEATURES, UNITS), "weight_hh")

        def forward(self, x):
            state = None
            for step in x:
                state = self.cell(step, state)

    with unrolled.record(net := Normed()) as record:
        net(torch.randn(4, 1, FEATURES))
    assert record.columns()["hidden"].shape == (4, UNITS)
    assert record.fidelity < 1e-6


def test_several_calls_of_the_network_are_joined_or_taken_by_their_number():
    torch.manual_seed(7)
    net = Tagger()
    batches = [torch.tensor([[1, 2, 3], [4, 5, 6]]), torch.tensor([[7, 8], [9, 1]])]
    with unrolled.record(net) as record:
        for batch in batches:
            net(batch)
    assert record.forwards == 2
    whole = record.columns(1)["hidden"]
    for forward, batch in enumerate(batches):
        with torch.no_grad():
            expected = net.rnn(net.embed(batch))[0][1]
        np.testing.assert_allclose(record.columns(1, forward=forward)["hidden"], expected.numpy(), atol=1e-6)
    assert len(whole) == 5
    with pytest.raises(IndexError, match="no call 2 of the network; of 2"):
        record.columns(forward=2)


def test_what_is_computed_again_for_gradients_is_recorded_once():
    class Checkpointed(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.GRU(FEATURES, UNITS)

        def forward(self, x):
            return torch.utils.checkpoint.checkpoint(self.rnn, x, use_reentrant=False)[0]

    with unrolled.record(net := Checkpointed()) as record:
        net(torch.randn(3, 1, FEATURES, requires_grad=True)).sum().backward()
    assert len(record.columns()["hidden"]) == 3
    assert net.rnn.weight_hh_l0.grad is not None


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_gradients_are_those_of_the_module(dropout):
    net = nn.LSTM(FEATURES, UNITS, 3, bidirectional=True, dropout=dropout, batch_first=True)
    x, found = torch.randn(2, 4, FEATURES), []
    for recorded in (False, True):
        net.zero_grad()
        torch.manual_seed(8)
        with unrolled.record(net) if recorded else contextlib.nullcontext():
            net(x)[0].square().sum().backward()
        found.append([weight.grad.clone() for weight in net.parameters()])
    for plain, own in zip(*found, strict=True):
        torch.testing.assert_close(own, plain, atol=1e-7, rtol=1e-6)


def test_after_an_error_everything_is_as_before():
    class Failing(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.GRU(FEATURES, UNITS)

        def forward(self, x):
            self.rnn(x)
            raise KeyError("of the person")

    net = Failing()
    net.rnn.register_forward_hook(lambda *_: None)
    before, state = {name: dict(module._forward_hooks) for name, module in net.named_modules()}, torch.get_rng_state()
    x = torch.ones(2, 1, FEATURES)
    with unrolled.record(net) as record:
        for _ in range(2):
            with pytest.raises(KeyError, match="of the person"):
                net(x)
    assert {name: dict(module._forward_hooks) for name, module in net.named_modules()} == before
    assert not any(module._forward_pre_hooks or module._forward_hooks_always_called for module in net.modules())
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.is_grad_enabled()
    assert len(record.columns()["hidden"]) == 4  # what came before the error is kept, at its place
    assert record.modules == ("rnn",)


def test_one_recording_at_a_time_of_a_network():
    net = Tagger()
    with unrolled.record(net), pytest.raises(RuntimeError, match="being recorded already"), unrolled.record(net.rnn):
        pass
    with unrolled.record(net) as first, unrolled.record(other := Tagger()) as second:
        net(torch.tensor([[1, 2]]))
        other(torch.tensor([[3]]))
    assert (len(first.columns()["hidden"]), len(second.columns()["hidden"])) == (2, 1)


def test_a_part_that_cannot_be_looked_into_is_named():
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.rnn = torch.jit.script(nn.Linear(FEATURES, FEATURES)), nn.GRU(FEATURES, UNITS)

        def forward(self, x):
            return self.rnn(self.embed(x))

    with unrolled.record(net := Mixed()) as record:
        net(torch.randn(3, 1, FEATURES))
    assert record.notes == ("“embed”: A TorchScript module cannot be looked into: it is not recorded.",)
    assert len(record.columns()["hidden"]) == 3


def test_a_module_that_is_made_when_it_is_first_called():
    class Lazy(nn.Module):
        def __init__(self):
            super().__init__()
            self.project, self.rnn = nn.LazyLinear(FEATURES), None

        def forward(self, x):
            self.rnn = self.rnn or nn.GRU(FEATURES, UNITS)
            return self.rnn(self.project(x))[0]

    with unrolled.record(net := Lazy()) as record:
        output = net(torch.randn(3, 1, 7))
    np.testing.assert_array_equal(record.columns()["hidden"], output[:, 0].detach().numpy())
    assert record.modules == ("",)  # it was not there yet when recording began, and what it called is the network's own
