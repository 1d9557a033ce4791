"""What a damaged or an edited run may hold: no numbers at all, and the largest that there are."""

from __future__ import annotations

import warnings

import msgspec
import numpy as np
import pytest
import scripted

from unrolled.models.trace import Trace
from unrolled.models.trace.files import TraceError, load_trace, save_trace
from unrolled.models.trace.pyramid import MISSING, PLACES, places_of
from unrolled.viewer.export import export
from unrolled.viewer.theme.attention_colours import attention_rgba


def filled(value: float, *, log_prob: float = -1.0, names: dict[str, str] | None = None) -> Trace:
    whole, renamed = scripted.trace(), names or {}
    channels = [msgspec.structs.replace(channel, name=renamed.get(channel.name, channel.name)) for channel in scripted.channels()]
    columns = {channel.name: np.full((len(whole), *channel.shape), value, np.float32) for channel in channels}
    return Trace.from_columns(channels, columns, words=whole.words, tokens=whole.tokens, candidates=whole.candidates,
                              log_probs=np.full(len(whole), log_prob, np.float32), provenance=whole.provenance,
                              input_bytes=whole.input_bytes, ended=True)


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize("value", [np.nan, 3e38, -3e38, np.inf])
@pytest.mark.parametrize("suffix", [".gif", ".png", ".svg"])
def test_they_are_drawn(tmp_path, value, suffix):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        export(filled(value), tmp_path / f"a{suffix}")


@pytest.mark.parametrize("value", [np.nan, 3e38, -3e38, np.inf])
@pytest.mark.parametrize("suffix", [".safetensors", ".npz", ".json", ".csv"])
def test_they_are_kept(tmp_path, value, suffix):
    save_trace(filled(value), tmp_path / f"a{suffix}")
    read = load_trace(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(read.column("hidden"), filled(value).column("hidden"))


@pytest.mark.parametrize("scale", ["absolute", "stretched"])
def test_missing_is_clear_and_beyond_is_the_end(scale):
    weights = np.array([[np.nan, 3e38], [0.0, -3e38]], np.float32)
    colours = attention_rgba(weights, scale=scale, smooth=False)
    assert colours[0, 0].tolist() == [0, 0, 0, 0]
    ends = attention_rgba(np.array([[0.0, 1.0]], np.float32), scale="absolute", smooth=False)
    if scale == "absolute":
        assert colours[0, 1].tolist() == ends[0, 1].tolist()
        assert colours[1, 1].tolist() == ends[0, 0].tolist()
    nothing = attention_rgba(np.full((2, 2), np.nan, np.float32), scale=scale, smooth=True, size=(20, 20))
    assert not nothing.any()


def test_places_of_a_track():
    places = places_of(np.array([np.nan, 3e38, -3e38, np.inf], np.float32), low=-1, high=1)
    assert places.tolist() == [MISSING, PLACES - 1, 0, PLACES - 1]


def test_a_probability_above_one_is_not_believed(tmp_path):
    save_trace(filled(0.5, log_prob=3e38), tmp_path / "a.npz")
    with pytest.raises(TraceError):
        load_trace(tmp_path / "a.npz")
    save_trace(filled(0.5, log_prob=np.nan), tmp_path / "a.npz")
    assert np.isnan(load_trace(tmp_path / "a.npz").log_probs).all()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "'="])
def test_a_spreadsheet_runs_nothing_of_a_table(tmp_path, start):
    path = tmp_path / "a.csv"
    name = f"{start}HYPERLINK(1)"
    trace = filled(0.25, names={"attention_entropy": name, "hidden": f"{name}2"})
    trace._words[:] = [f"{start}cmd|' /C calc'!A0"] * len(trace)
    save_trace(trace, path)
    import csv

    with path.open(encoding="utf-8", newline="") as file:
        file.readline()
        for row in csv.reader(file):
            assert not any(cell.startswith(("=", "+", "@", "\t", "\r")) for cell in row)
            assert all(cell.lstrip("-").replace(".", "").isdigit() for cell in row if cell.startswith("-"))
    read = load_trace(path)
    assert read.words == trace.words
    np.testing.assert_array_equal(read.column(name), trace.column(name))


def test_the_threshold_of_numbers_at_the_end_of_float32():
    from unrolled.models.analysis.similar import suggested_threshold

    values = np.array([[0.1, 0.2, 3e38, -3.4e38], [np.nan, np.inf, -np.inf, 0.1]], np.float32)
    with np.errstate(all="raise"):
        assert 0.2 < suggested_threshold(values) <= 3.4e38
