"""Long runs: what is drawn from few columns is the mean, the least and the greatest of the steps in them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.models.trace import Channel, Trace
from unrolled.models.trace.bins import bins_of
from unrolled.models.trace.envelope import Envelope
from unrolled.models.trace.pyramid import MISSING, PlaceColumns, places_of
from unrolled.viewer.benchmarks.long_runs import drawn_trace, measure

CHANNEL = Channel(name="hidden", role="hidden", symbol="h", axes=("unit",), shape=(3,), low=-1, high=1)


def trace_of(values):
    length = len(values)
    return Trace.from_columns((CHANNEL,), {"hidden": values}, words=["a"] * length, tokens=[0] * length,
                              log_probs=np.zeros(length, np.float32), candidates=[()] * length)


def values_of(length, seed, missing):
    random = np.random.default_rng(seed)
    values = random.uniform(-1.2, 1.2, (length, 3)).astype(np.float32)
    if missing:
        values[random.random((length, 3)) < 0.2] = np.nan
    return values


@given(st.integers(1, 3000), st.integers(0, 99), st.booleans(), st.floats(1.0, 700.0), st.floats(0, 0.9))
@settings(max_examples=60)
def test_a_column_is_the_mean_of_its_steps(length, seed, missing, stride, begin):
    columns = PlaceColumns(CHANNEL)
    columns.follow(trace_of(values_of(length, seed, missing)))
    bins = bins_of(begin * length, length, length, stride)
    if bins is None:
        return
    found = columns.reduced(bins)
    assert found.shape == (3, len(bins))
    for number, (first, last) in enumerate(zip(bins.edges[:-1], bins.edges[1:], strict=True)):
        for unit in range(3):
            part = columns.places[first:last, unit].astype(float)
            part[part == MISSING] = np.nan
            if len(part) % bins.block == 0 and last % bins.block == 0:
                # Of means of blocks; where values are missing, a block with few of them counts as much as one with all.
                blocks = part.reshape(-1, bins.block)
                part = np.array([np.nanmean(block) for block in blocks if not np.isnan(block).all()])
            if not np.isfinite(part).any():
                assert found[unit, number] == MISSING
            else:  # means of blocks are kept as bytes, and their mean is rounded once more
                assert abs(found[unit, number] - np.nanmean(part)) <= 1.01


@given(st.integers(1, 3000), st.integers(0, 99), st.booleans(), st.floats(1.0, 700.0))
@settings(max_examples=60)
def test_a_line_from_afar_has_the_range_of_its_steps(length, seed, missing, stride):
    values = values_of(length, seed, missing)[:, 0]
    line = Envelope()
    line.follow(values[: length // 2])  # a run that grows
    line.follow(values)
    bins = bins_of(0, length, length, stride)
    ranges = line.over(bins)
    for number, (first, last) in enumerate(zip(bins.edges[:-1], bins.edges[1:], strict=True)):
        part = values[first:last]
        part = part[np.isfinite(part)]
        if len(part):
            assert ranges.low[number] == part.min()
            assert ranges.high[number] == part.max()
            assert ranges.mean[number] == pytest.approx(part.mean(dtype=np.float64), abs=1e-4)
        else:
            assert np.isnan(ranges.mean[number])


@given(st.integers(100, 3000), st.floats(1.0, 300.0), st.floats(0, 500), st.floats(0, 500))
@settings(max_examples=100)
def test_how_steps_are_put_together_does_not_depend_on_where_the_range_begins(length, stride, one, other):
    first, second = bins_of(one, length, length, stride), bins_of(other, length, length, stride)
    if first is None or second is None:
        return
    shared = max(first.edges[0], second.edges[0])
    assert np.array_equal(first.edges[first.edges >= shared], second.edges[second.edges >= shared])


@given(length=st.integers(1, 3000), stride=st.floats(1, 700), begin=st.floats(0, 0.99))
@settings(max_examples=200)
def test_every_step_up_to_the_last_is_in_a_bin(length, stride, begin):
    bins = bins_of(begin * length, length, length, stride)
    assert bins is not None
    assert bins.edges[-1] == length
    assert (np.diff(bins.edges) > 0).all()


def test_the_last_step_is_drawn_where_its_edge_is_rounded_down():
    bins = bins_of(0, 321, 321, 14.0)
    assert bins.edges[-1] == 321


def test_steps_are_taken_over_in_parts_and_cut_off_again():
    values = values_of(5000, 1, False)
    columns, whole = PlaceColumns(CHANNEL), trace_of(values)
    parts = 0
    while columns.follow(whole, most=1024):
        parts += 1
    assert parts == 5
    assert np.array_equal(columns.places, places_of(values, low=-1, high=1))
    assert columns.follow(trace_of(values[:700]))
    assert len(columns) == 700
    bins = bins_of(0, 700, 700, 100.0)
    again = PlaceColumns(CHANNEL)
    again.follow(trace_of(values[:700]))
    assert np.array_equal(columns.reduced(bins), again.reduced(bins))


def test_the_benchmark_of_long_texts_drives_a_window_through_one(tmp_path, qapp):
    trace = drawn_trace(600, 8)
    assert len(trace) == 600
    assert all(np.isfinite(trace.column(name)).all() for name in trace.channels)
    measure(tmp_path / "report.json", steps=600, units=8)
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["details"]["steps"] == 600
    assert report["long_scrub_ms"]["median"] > 0
    assert report["reference_ms"] > 0
    for figure in (report["long_scrub_ms"], report["long_zoom_ms"]):
        assert figure["of_reference"] == pytest.approx(figure["median"] / report["reference_ms"], abs=0.01)
    assert report["long_memory_mb"] is not None
    assert report["details"]["pan_zoomed_in_ms"]["median"] > 0.3  # something was painted: the range was not at its end
