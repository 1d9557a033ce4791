"""Two runs held against each other: unit by unit where the weights are the same, by summary curves where they are not."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import scripted

from unrolled.models.analysis.differences import Differences
from unrolled.viewer.theme.themes import LIGHT
from unrolled.viewer.views.tracks.compare_bar import OTHER_WEIGHTS, CompareBar


def runs(one_hash: str, other_hash: str):
    traces = [scripted.trace(seed=seed) for seed in (0, 1)]
    for trace, weights_hash in zip(traces, (one_hash, other_hash), strict=True):
        trace.provenance = msgspec.structs.replace(trace.provenance, weights_hash=weights_hash)
    found = Differences(*traces)
    assert found.follow()
    return traces, found


def test_the_same_weights_are_compared_unit_by_unit():
    (one, other), found = runs("a" * 64, "a" * 64)
    assert found.same_units
    np.testing.assert_allclose(found.trace.column("difference hidden"), one.column("hidden") - other.column("hidden"))


def test_units_of_other_weights_are_compared_by_their_mean_size_alone():
    (one, other), found = runs("a" * 64, "b" * 64)
    assert not found.same_units
    channel = found.trace.channels["difference hidden"]
    assert (channel.axes, channel.shape) == ((), ())
    assert channel.title == "A−B mean |hidden|"
    for step in range(len(found.trace)):
        expected = [sum(abs(float(value)) for value in trace.column("hidden")[step]) / scripted.UNITS for trace in (one, other)]
        assert float(found.trace.column("difference hidden")[step]) == pytest.approx(expected[0] - expected[1], abs=1e-6)
    # What has a meaning of its own in both is compared as it is.
    np.testing.assert_allclose(found.trace.column("difference attention"), one.column("attention") - other.column("attention"))


def test_networks_of_other_sizes_can_be_compared_too():
    one, other = scripted.trace(), scripted.trace(units=32)
    other.provenance = msgspec.structs.replace(other.provenance, weights_hash="b" * 64)
    one.provenance = msgspec.structs.replace(one.provenance, weights_hash="a" * 64)
    found = Differences(one, other)
    assert found.follow()
    assert found.trace.column("difference hidden").shape == (len(one),)


def test_the_bar_says_why(qtbot):
    traces, found = runs("a" * 64, "b" * 64)
    bar = CompareBar(LIGHT)
    qtbot.addWidget(bar)
    bar.tell(one="A", other="B", traces=tuple(traces), first_divergence=None, largest=found.largest, same_units=False)
    assert OTHER_WEIGHTS in bar.text.text()
    assert "unit " not in bar.text.text().replace(OTHER_WEIGHTS, "")
    bar.tell(one="A", other="B", traces=tuple(traces), first_divergence=None, largest=None, same_units=True)
    assert OTHER_WEIGHTS not in bar.text.text()


def test_the_bar_takes_no_more_room_as_the_runs_grow(qtbot):
    traces, found = runs("a" * 64, "a" * 64)
    bar = CompareBar(LIGHT)
    qtbot.addWidget(bar)
    bar.resize(750, 40)
    bar.show()
    heights = set()
    for part, largest in ((None, None), (3, None), (3, found.largest)):
        bar.tell(one="A", other="B", traces=tuple(traces), first_divergence=part, largest=largest)
        heights.add(bar.text.minimumHeight())
    assert len(heights) == 1, heights
