"""Gates of recurrent modules: every one is what a loop over torch's cells gives, whatever the module's options."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import unrolled
from unrolled.models.adapters import module_hooks

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


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
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


def test_a_packed_batch_that_is_given_by_its_name_keeps_its_order():
    torch.manual_seed(4)
    module = nn.GRU(FEATURES, UNITS)
    sequences = [torch.randn(length, FEATURES) for length in (2, 5, 3)]
    with unrolled.record(module) as record:
        module(input=nn.utils.rnn.pack_sequence(sequences, enforce_sorted=False), hx=None)
    for item, sequence in enumerate(sequences):
        with torch.no_grad():
            np.testing.assert_allclose(record.columns(item)["hidden"], module(sequence)[0].numpy(), atol=1e-6)


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


# ── Other devices, where a stack is one call ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_layers_that_return_nothing_are_run_again_where_they_are_one_call(monkeypatch, packed, dropout):
    torch.manual_seed(5)
    module = nn.LSTM(FEATURES, UNITS, 3, bidirectional=True, dropout=dropout).double()
    x = torch.randn(6, 2, FEATURES, dtype=torch.float64)
    given = pack_padded_sequence(x, [6, 4]) if packed else x
    with unrolled.record(module) as layered:
        torch.manual_seed(6)
        module(given)
    monkeypatch.setattr(module_hooks, "by_layers", lambda *_: None)  # as on a GPU
    with unrolled.record(module) as whole:
        torch.manual_seed(6)
        module(given)
    expected, found = layered.columns(1), whole.columns(1)
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], atol=1e-12, err_msg=name)
    if dropout:  # its masks are not known: behind the first layer there is what was returned
        returned = {f"layer_2/{direction}/hidden" for direction in ("forward", "backward")}
        assert found.keys() == {name for name in expected if name.startswith("layer_0/")} | returned
        assert "masks that dropout drew" in whole.notes[0]
        assert not layered.notes
        trace = whole.trace(1)
        assert trace.channels["layer_0/forward/cell"].axes == ("unit",)
    else:
        assert found.keys() == expected.keys()
    assert whole.fidelity < 1e-12


@pytest.mark.gpu
@pytest.mark.parametrize(("dtype", "most"), [(torch.float64, 1e-10), (torch.float32, 1e-4), (torch.bfloat16, 5e-2)])
@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_on_a_gpu_the_gates_are_those_of_the_cpu(accelerator, monkeypatch, kind, dtype, most):
    if accelerator == "mps" and dtype == torch.float64:
        pytest.skip("Apple's GPUs know no double precision")
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    torch.manual_seed(7)
    module = kind(FEATURES, UNITS, 2, bidirectional=True).to(dtype)
    x = torch.randn(6, 2, FEATURES, dtype=dtype)
    on_gpu = copy.deepcopy(module).to(accelerator)
    plain = on_gpu(x.to(accelerator))[0]
    with unrolled.record(module.double()) as expected:
        module(x.double())
    with unrolled.record(on_gpu) as found:
        returned = on_gpu(x.to(accelerator))[0]
    assert torch.equal(returned, plain)
    assert found.fidelity < most
    for name, values in expected.columns(1).items():
        np.testing.assert_allclose(found.columns(1)[name], values, atol=most, err_msg=name)
