"""Somebody's own network, recorded: every gate is what a loop over torch's cells gives, and the network stays as it was."""

from __future__ import annotations

import copy
import doctest
import math
import sys
import warnings

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import unrolled
from unrolled import assets
from unrolled.models.adapters.captured import largest_difference
from unrolled.models.notebook import opening, recording, showing
from unrolled.models.trace.datasets import variables
from unrolled.models.trace.files import load_trace

UNITS, FEATURES = 5, 3
CELLS = {nn.RNN: nn.RNNCell, nn.LSTM: nn.LSTMCell, nn.GRU: nn.GRUCell}


# ── The reference: a loop over torch's cells ──────────────────────────────────────────────────────────────────────────


def cell_step(cell, hr, x, state):
    """One step of a cell, its gates written out; state and quantities by name."""
    if isinstance(cell, nn.LSTMCell):
        h, c = cell(x, state)
        sums = (nn.functional.linear(x, cell.weight_ih, cell.bias_ih)
                + nn.functional.linear(state[0], cell.weight_hh, cell.bias_hh))
        i, f, g, o = sums.chunk(4, -1)
        found = {"input_gate": i.sigmoid(), "forget_gate": f.sigmoid(), "cell_gate": g.tanh(), "output_gate": o.sigmoid(),
                 "cell": c, "hidden": h if hr is None else h @ hr.T}
        return (h, c), found
    h = cell(x, state[0])
    if not isinstance(cell, nn.GRUCell):
        return (h,), {"hidden": h}
    xs, hs = nn.functional.linear(x, cell.weight_ih, cell.bias_ih), nn.functional.linear(state[0], cell.weight_hh, cell.bias_hh)
    (xr, xz, xn), (hr_, hz, hn) = xs.chunk(3, -1), hs.chunk(3, -1)
    reset = (xr + hr_).sigmoid()
    return (h,), {"hidden": h, "reset_gate": reset, "update_gate": (xz + hz).sigmoid(), "candidate": (xn + reset * hn).tanh()}


def cell_of(module, layer, suffix):
    """A cell with the weights of one layer in one direction, and its projection."""
    weights = {name: getattr(module, f"{name}_l{layer}{suffix}").detach()
               for name in ("weight_ih", "weight_hh", *(("bias_ih", "bias_hh") if module.bias else ()))}
    hr = getattr(module, f"weight_hr_l{layer}{suffix}").detach() if module.proj_size else None
    if hr is not None:
        weights["weight_hh"] = weights["weight_hh"] @ hr  # the cell keeps what is projected
    extra = {"nonlinearity": module.nonlinearity} if isinstance(module, nn.RNN) else {}
    cell = CELLS[type(module)](weights["weight_ih"].shape[1], module.hidden_size, bias=module.bias, **extra).double()
    cell.load_state_dict(weights)
    return cell, hr


@torch.no_grad()
def by_cells(module, sequences, states, drop):
    """Of every sequence, (T, F), the quantities by channel name; `drop` applies the masks to a layer's outputs."""
    directions = ("forward", "backward") if module.bidirectional else ("",)
    found = [{} for _ in sequences]
    for layer in range(module.num_layers):
        outputs = [[] for _ in sequences]
        for number, direction in enumerate(directions):
            cell, hr = cell_of(module, layer, "_reverse" if number else "")
            for item, sequence in enumerate(sequences):
                state = tuple(value[layer * len(directions) + number, item] for value in states)
                steps = []
                for x in sequence.flip(0) if number else sequence:
                    state, quantities = cell_step(cell, hr, x, state)
                    steps.append(quantities)
                steps = steps[::-1] if number else steps
                for field in steps[0]:
                    prefix = [f"layer_{layer}"] if module.num_layers > 1 else []
                    name = "/".join([*prefix, *([direction] if direction else []), field])
                    found[item][name] = torch.stack([step[field] for step in steps])
                outputs[item].append(torch.stack([step["hidden"] for step in steps]))
        sequences = [torch.cat(parts, -1) for parts in outputs]
        if layer < module.num_layers - 1:
            sequences = drop(sequences)
    return found


@st.composite
def networks(draw):
    kind = draw(st.sampled_from(list(CELLS)))
    layers = draw(st.integers(1, 3))
    options = {"num_layers": layers, "bidirectional": draw(st.booleans()), "bias": draw(st.booleans()),
               "batch_first": draw(st.booleans()), "dropout": draw(st.sampled_from((0.0, 0.4))) if layers > 1 else 0.0}
    if kind is nn.RNN:
        options["nonlinearity"] = draw(st.sampled_from(("tanh", "relu")))
    if kind is nn.LSTM:
        options["proj_size"] = draw(st.sampled_from((0, 2)))
    return kind, options


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(made=networks(), form=st.sampled_from(("batch", "packed", "one sequence")), lengths=st.lists(st.integers(1, 6), min_size=1,
       max_size=4), training=st.booleans(), with_state=st.booleans(), seed=st.integers(0, 999))
def test_gates_are_those_of_a_loop_over_cells(made, form, lengths, training, with_state, seed):
    torch.manual_seed(seed)
    kind, options = made
    module = kind(FEATURES, UNITS, **options).double().train(training)
    lengths = lengths if form == "packed" else lengths[:1] * (1 if form == "one sequence" else len(lengths))
    sequences = [torch.randn(length, FEATURES, dtype=torch.float64) for length in lengths]
    padded = nn.utils.rnn.pad_sequence(sequences, batch_first=module.batch_first)
    x = padded
    if form == "packed":
        x = pack_padded_sequence(padded, lengths, batch_first=module.batch_first, enforce_sorted=False)
    elif form == "one sequence":
        x = sequences[0]
    rows = module.num_layers * (2 if module.bidirectional else 1)
    sizes = (module.proj_size or UNITS, UNITS) if kind is nn.LSTM else (UNITS,)
    if with_state and not module.proj_size:
        states = [torch.randn(rows, len(lengths), size, dtype=torch.float64) for size in sizes]
        shown = [state[:, 0] for state in states] if form == "one sequence" else states
        arguments = (x, tuple(shown) if kind is nn.LSTM else shown[0])
    else:
        states = [torch.zeros(rows, len(lengths), UNITS, dtype=torch.float64) for _ in sizes]
        arguments = (x,)

    torch.manual_seed(seed)
    drawn_from = torch.get_rng_state()

    def drop(outputs):
        nonlocal drawn_from
        packed = pack_padded_sequence(nn.utils.rnn.pad_sequence(outputs), lengths, enforce_sorted=False)
        torch.set_rng_state(drawn_from)  # making the cells drew from it too
        if form == "packed":
            packed = packed._replace(data=nn.functional.dropout(packed.data, module.dropout, training))
            dropped = pad_packed_sequence(packed, True)[0]
        else:
            dropped = nn.functional.dropout(torch.stack(outputs, 1), module.dropout, training).transpose(0, 1)
        drawn_from = torch.get_rng_state()
        return [part[:length] for part, length in zip(dropped, lengths, strict=True)]

    torch.manual_seed(seed)
    plain = module(*arguments)
    after = torch.rand(1)
    torch.manual_seed(seed)
    with unrolled.record(module) as record:
        returned = module(*arguments)
    assert torch.equal(torch.rand(1), after)  # the person's own random numbers are what they were
    assert torch.equal(_data(returned), _data(plain))
    assert record.fidelity < 1e-12
    assert not record.notes
    for item, expected in enumerate(by_cells(module, sequences, states, drop)):
        columns = record.columns(item)
        assert columns.keys() == expected.keys()
        for name, values in expected.items():
            np.testing.assert_allclose(columns[name], values.numpy(), atol=1e-10, rtol=1e-10, err_msg=name)


def _data(returned):
    return returned[0].data


@pytest.mark.parametrize("kind", [nn.RNNCell, nn.LSTMCell, nn.GRUCell])
@pytest.mark.parametrize("batch", [(), (3,)])
def test_a_cell_in_a_loop_gives_a_step_a_call(kind, batch):
    torch.manual_seed(1)
    cell = kind(FEATURES, UNITS).double()
    xs = torch.randn(4, *batch, FEATURES, dtype=torch.float64)
    state, expected = None, []
    with unrolled.record(cell) as record:
        for x in xs:
            state = cell(x, state)
    own = tuple(torch.zeros(*batch, UNITS, dtype=torch.float64) for _ in range(2 if kind is nn.LSTMCell else 1))
    for x in xs:
        own, found = cell_step(cell, None, x, own)
        expected.append(found)
    item = len(xs[0]) - 1 if batch else 0
    columns = record.columns(item)
    for name in expected[0]:
        values = torch.stack([step[name] for step in expected]).detach().numpy()
        np.testing.assert_allclose(columns[name], values[:, item] if batch else values, atol=1e-10, err_msg=name)
    assert record.fidelity < 1e-12


@pytest.mark.parametrize(("dtype", "most"), [(torch.float32, 1e-6), (torch.bfloat16, 2e-2)])
def test_the_difference_is_that_of_the_precision(dtype, most):
    torch.manual_seed(2)
    module = nn.LSTM(FEATURES, UNITS, 2, bidirectional=True).to(dtype)
    with unrolled.record(module) as record:
        output, _ = module(torch.randn(7, 2, FEATURES, dtype=dtype))
    assert 0 < record.fidelity < most
    np.testing.assert_array_equal(record.columns(1)["layer_1/backward/hidden"], output[:, 1, UNITS:].float().detach().numpy())


@pytest.mark.parametrize("module", [nn.LSTM(4, 4, 2), nn.GRU(4, 4, 2, bidirectional=True), nn.LSTMCell(4, 4),
                                    nn.MultiheadAttention(4, 2)], ids=lambda module: type(module).__name__)
@pytest.mark.parametrize("automatic", [True, False])
def test_half_precision_by_itself_or_by_autocast(module, automatic):
    net = module if automatic else copy.deepcopy(module).bfloat16()
    x = torch.randn(3, 2, 4, dtype=torch.float32 if automatic else torch.bfloat16)
    x = x[0] if isinstance(net, nn.LSTMCell) else x
    with torch.autocast("cpu", torch.bfloat16, enabled=automatic), unrolled.record(net) as record:
        net(*(x,) * (3 if isinstance(net, nn.MultiheadAttention) else 1))
    assert not record.notes
    assert record.fidelity < 3e-2
    assert all(values.dtype == np.float32 for values in record.columns().values())


def test_what_is_recorded_is_not_changed_afterwards_and_training_goes_on():
    torch.manual_seed(3)
    net = nn.LSTM(FEATURES, UNITS)
    x = torch.randn(4, 1, FEATURES)
    with unrolled.record(net) as record:
        output, _ = net(x)
    before = {name: values.copy() for name, values in record.columns().items()}
    output.relu().sum().backward()
    gradient = net.weight_hh_l0.grad.clone()
    with torch.no_grad():
        output.zero_()
        for weight in net.parameters():
            weight.zero_()
    for name, values in record.columns().items():
        np.testing.assert_array_equal(values, before[name])
    assert gradient.abs().max() > 0
    net(x)
    assert len(record.columns()["hidden"]) == 4  # nothing is recorded behind the block
    assert not net._forward_hooks
    assert not net._forward_pre_hooks


# ── Attention ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=60, deadline=None)
@given(batch_first=st.booleans(), bias=st.booleans(), extra=st.booleans(), zero=st.booleans(), other=st.booleans(),
       mask=st.sampled_from(("none", "causal", "numbers", "by head")), padding=st.booleans(), seed=st.integers(0, 99))
def test_attention_weights_are_those_that_the_module_gives(batch_first, bias, extra, zero, other, mask, padding, seed):
    torch.manual_seed(seed)
    heads, batch, targets, sources = 2, 3, 4, 5
    sizes = {"kdim": 6, "vdim": 7} if other else {}
    module = nn.MultiheadAttention(8, heads, batch_first=batch_first, bias=bias, add_bias_kv=extra, add_zero_attn=zero,
                                   **sizes).double().eval()
    query, key, value = (torch.randn(length, batch, size, dtype=torch.float64) for length, size in
                         ((targets, 8), (sources, sizes.get("kdim", 8)), (sources, sizes.get("vdim", 8))))
    if batch_first:
        query, key, value = (part.transpose(0, 1) for part in (query, key, value))
    masks = {"none": None, "causal": torch.ones(targets, sources, dtype=torch.bool).triu(1),
             "numbers": torch.randn(targets, sources, dtype=torch.float64),
             "by head": torch.rand(batch * heads, targets, sources) < 0.3}
    if mask == "by head":
        masks[mask][..., 0] = False
    hidden = torch.zeros(batch, sources, dtype=torch.bool)
    hidden[1, 3:] = padding
    options = {"attn_mask": masks[mask], "key_padding_mask": hidden if padding else None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of masks of different types
        expected = module(query, key, value, average_attn_weights=False, **options)[1]      # (B, heads, T, S)
        with unrolled.record(module) as record:
            module(query, key, value, need_weights=False, **options)
    assert not record.notes
    for item in range(batch):
        columns = record.columns(item)
        for head in range(heads):
            np.testing.assert_allclose(columns[f"head_{head}/attention"], expected[item, head].detach().numpy(), atol=1e-10)
    assert record.fidelity < 1e-12


def test_a_transformers_layers_are_found_by_their_names():
    torch.manual_seed(4)
    net = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), 2).eval()
    causal = nn.Transformer.generate_square_subsequent_mask(3)
    with torch.inference_mode(), unrolled.record(net) as record:
        net(torch.randn(1, 3, 8), torch.randn(1, 5, 8), tgt_mask=causal)
    assert record.modules == tuple(f"layers.{layer}.{part}" for layer in range(2) for part in ("self_attn", "multihead_attn"))
    trace = record.trace(tokens=["a", "b", "c"], source=list("vwxyz"))
    own, cross = (trace.channels[f"layers.1.{part}/head_1/attention"] for part in ("self_attn", "multihead_attn"))
    assert (own.axes, own.shape, cross.axes, cross.shape) == (("key",), (3,), ("source",), (5,))
    assert trace.column("layers.0.self_attn/head_0/attention")[0].tolist() == [1.0, 0.0, 0.0]
    assert record.fidelity < 1e-5


# ── Networks, names, traces ───────────────────────────────────────────────────────────────────────────────────────────


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


def test_what_cannot_be_recorded_is_said_in_a_sentence():
    scripted = torch.jit.script(nn.Linear(2, 2))
    for wrong, error, sentence in ((scripted, TypeError, "TorchScript"), (len, TypeError, "torch.nn.Module"),
                                   (nn.Linear(2, 2), ValueError, "no RNN")):
        with pytest.raises(error, match=sentence), unrolled.record(wrong):
            pass
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


# ── Traces as datasets, and the examples ──────────────────────────────────────────────────────────────────────────────


def _trace():
    net = nn.Sequential(nn.LSTM(FEATURES, UNITS, proj_size=2))
    with unrolled.record(net) as record:
        net(torch.randn(4, 1, FEATURES))
    return record.trace(tokens="abcd")


def test_the_variables_of_a_dataset_have_their_dimensions():
    trace = _trace()
    found = variables(trace)
    assert found["hidden"][0] == ("step", "unit")
    assert found["forget_gate"][0] == ("step", f"unit_{UNITS}")
    np.testing.assert_array_equal(found["cell"][1], trace.column("cell"))
    assert not np.shares_memory(found["cell"][1], trace.column("cell"))


def test_a_dataset_of_xarray():
    pytest.importorskip("xarray")
    dataset = _trace().to_xarray()
    assert dataset.sizes["step"] == 4
    assert dataset["word"].values.tolist() == list("abcd")
    assert dataset["hidden"].attrs["symbol"] == "h"


def test_without_xarray_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ImportError, match="pip install xarray"):
        _trace().to_xarray()


@pytest.mark.parametrize("module", [recording, opening, showing], ids=lambda module: module.__name__.rpartition(".")[2])
def test_the_examples(module, monkeypatch, tmp_path):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    names = {"photo": assets.path("samples", "dog.jpg")}
    results = doctest.testmod(module, globs={**vars(module), **names}, raise_on_error=False)
    assert results.attempted
    assert not results.failed
    assert not list(tmp_path.iterdir())


def test_a_difference_hides_nothing_that_is_not_finite():
    nan, infinity = float("nan"), float("inf")
    values = torch.tensor([1.0, nan, infinity])
    assert largest_difference(values, values.clone()) == 0.0
    assert largest_difference(values, torch.tensor([1.0, 0.0, infinity])) == infinity
    assert largest_difference(values, torch.tensor([1.0, nan, -infinity])) == infinity


def test_a_class_with_a_forward_of_its_own_is_named():
    class Reversed(nn.GRU):
        def forward(self, x):
            return super().forward(x.flip(0))[0]

    net = nn.Sequential(Reversed(FEATURES, UNITS))
    with unrolled.record(net) as record:
        net(torch.randn(2, 1, FEATURES))
    assert record.notes == ("“0”: It could not be recorded: Reversed computes GRU in a way of its own.",)


def test_networks_are_not_copied_or_changed():
    net = Tagger()
    before = copy.deepcopy(net.state_dict())
    with unrolled.record(net):
        net(torch.tensor([[1, 2]]))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
