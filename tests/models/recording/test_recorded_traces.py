"""Traces of recordings as datasets; differences; the examples in the docstrings."""

from __future__ import annotations

import doctest
import math
import sys

import numpy as np
import pytest
import torch
from torch import nn

import unrolled
from unrolled import assets
from unrolled.models.adapters import recurrent_calls
from unrolled.models.adapters.captured import largest_difference
from unrolled.models.adapters.recurrent_gates import finish
from unrolled.models.analysis.fidelity import Agreed
from unrolled.models.notebook import opening, recording, showing
from unrolled.models.trace.datasets import variables
from unrolled.models.trace.files import load_trace

UNITS, FEATURES = 5, 3


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


def test_a_dataset_of_xarray_has_the_values_by_their_names():
    pytest.importorskip("xarray")
    net = nn.LSTM(FEATURES, UNITS, 2, bidirectional=True)
    x = torch.randn(4, 2, FEATURES)
    with unrolled.record(net) as record:
        output, (_, last_cell) = net(x)
    dataset = record.trace(item=1, tokens="abcd").to_xarray()
    assert "log_prob" not in dataset  # no words were chosen
    assert dict(dataset.sizes) == {"step": 4, "layer": 2, "unit": UNITS}
    assert dataset["word"].values.tolist() == list("abcd")
    assert dataset["forward/hidden"].attrs["symbol"] == "h›"
    top = dataset["backward/hidden"].isel(layer=1).values
    np.testing.assert_array_equal(top, output[:, 1, UNITS:].detach().numpy())
    first_cell = dataset["forward/cell"].isel(step=-1, layer=0).values
    np.testing.assert_allclose(first_cell, last_cell[0, 1].detach().numpy(), atol=1e-6)


# ── Channels of layers and heads ──────────────────────────────────────────────────────────────────────────────────────


def test_a_channel_has_the_values_of_all_its_layers():
    torch.manual_seed(1)
    for net in (nn.GRU(FEATURES, UNITS, 3, bidirectional=True), nn.RNN(FEATURES, UNITS, 2)):
        with unrolled.record(net) as record:
            net(torch.randn(4, 1, FEATURES))
        trace, columns = record.trace(), record.columns()
        for name, values in columns.items():
            layer, _, channel = name.partition("/")
            np.testing.assert_array_equal(trace.column(channel)[:, int(layer.removeprefix("layer_"))], values, err_msg=name)
        assert sum(channel.size for channel in trace.channels.values()) == sum(values.shape[1] for values in columns.values())


def test_modules_in_a_row_are_layers():
    torch.manual_seed(2)
    net = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 3).eval()
    with unrolled.record(net) as record:
        net(torch.randn(1, 4, 8))
    trace, columns = record.trace(), record.columns()
    attention = trace.channels["layers.self_attn/attention"]
    assert (attention.axes, attention.shape) == (("layer", "head", "key"), (3, 2, 4))
    assert trace.channels["layers/output"].axes == ("layer", "unit")
    for layer in range(3):
        for head in range(2):
            np.testing.assert_array_equal(trace.column(attention.name)[:, layer, head],
                                          columns[f"layers.{layer}.self_attn/head_{head}/attention"])
        np.testing.assert_array_equal(trace.column("layers/output")[:, layer], columns[f"layers.{layer}/output"])


def test_the_number_that_counts_layers_may_stand_anywhere():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.ModuleList([nn.GRU(FEATURES, FEATURES), nn.RNN(FEATURES, FEATURES)])

        def forward(self, x):
            return self.layer[1](self.layer[0](x)[0])[0]

    net = nn.Sequential()
    net.block = nn.Sequential(Block(), Block(), Block())
    with unrolled.record(net) as record:
        net(torch.randn(4, 1, FEATURES))
    channels = record.trace().channels
    assert channels["block.layer.0/reset_gate"].shape == (3, FEATURES)
    assert channels["block.layer.1/hidden"].axes == ("layer", "unit")


def test_modules_in_a_row_that_record_something_else_are_themselves():
    class Rows(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.GRU(FEATURES, UNITS), nn.LSTM(UNITS, UNITS), nn.GRU(UNITS, 2, 2)])

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)[0]

    with unrolled.record(net := Rows()) as record:
        net(torch.randn(4, 1, FEATURES))
    trace = record.trace()
    assert {"layers.0/hidden", "layers.1/hidden", "layers.2/hidden"} <= set(trace.channels)
    assert trace.channels["layers.2/hidden"].axes == ("layer", "unit")


def test_every_channel_says_how_well_it_agrees(monkeypatch, tmp_path):
    torch.manual_seed(3)
    net = nn.LSTM(FEATURES, UNITS)
    x = torch.randn(4, 1, FEATURES)
    with unrolled.record(net) as record:
        net(x)
    trace = record.trace()
    assert {own.channel for own in trace.provenance.agreements} == set(trace.channels)
    assert all(own.difference < 1e-6 for own in trace.provenance.agreements)
    assert Agreed(trace).within
    trace.save(tmp_path / "kept.safetensors")
    assert load_trace(tmp_path / "kept.safetensors").provenance == trace.provenance
    monkeypatch.setattr(recurrent_calls, "finish", lambda values, cell, weights: {
        **finish(values, cell, weights), "hidden": finish(values, cell, weights)["hidden"] + 0.25})
    wrong = Agreed(record.trace())  # equations that are not the module's are seen
    assert not wrong.within
    assert wrong.largest == pytest.approx(0.25, abs=1e-5)
    assert math.isclose(record.fidelity, 0.25, abs_tol=1e-5)


def test_what_is_not_a_number_is_said_and_drawn():
    net = nn.GRU(FEATURES, UNITS)
    with torch.no_grad():
        net.weight_ih_l0[0, 0] = torch.nan
    with unrolled.record(net) as record:
        net(torch.randn(3, 1, FEATURES))
    with pytest.warns(UserWarning, match="Not everything that was recorded is a finite number: hidden"):
        trace = record.trace()
    assert np.isnan(trace.column("reset_gate")).any()


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
    assert not list(tmp_path.glob("unrolled-*"))


def test_without_a_screen_it_is_drawn_with_the_report_under_it(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    with unrolled.record(net := nn.LSTM(FEATURES, UNITS, 2)) as record:
        net(torch.randn(3, 1, FEATURES))
    shown = unrolled.show(record.trace(tokens=["<b>", "&", "c"]))
    drawn = shown._repr_html_()
    assert "&lt;b&gt;" in drawn
    assert "<b>" not in drawn
    assert drawn.count("data:image/png") == 12  # six quantities of two layers
    assert "forget gate, layer\N{NO-BREAK SPACE}2" in drawn
    for said in ("agrees with what the network returned", "computed again from its gates", "hidden"):
        assert said in shown.report
    assert "nan" not in shown.report


def test_a_recording_is_no_trace():
    with unrolled.record(net := nn.LSTM(FEATURES, UNITS)) as record:
        net(torch.randn(3, 1, FEATURES))
    with pytest.raises(TypeError, match=r"as recording\.trace\(\).* of the type Recording\."):
        unrolled.show(record)


def test_with_a_screen_the_window_is_a_process_of_its_own(monkeypatch, tmp_path):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    window = unrolled.show(_trace(), window=True, options=("--theme", "dark"))
    assert window.is_open
    assert len(load_trace(window.file)) == 4
    window.close()
    assert not window.is_open
    assert not list(tmp_path.iterdir())


def test_a_difference_hides_nothing_that_is_not_finite():
    nan, infinity = float("nan"), float("inf")
    values = torch.tensor([1.0, nan, infinity])
    assert largest_difference(values, values.clone()) == 0.0
    assert largest_difference(values, torch.tensor([1.0, 0.0, infinity])) == infinity
    assert largest_difference(values, torch.tensor([1.0, nan, -infinity])) == infinity
