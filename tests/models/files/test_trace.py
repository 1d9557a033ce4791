"""A trace grows without changing what was read of it, and takes nothing that does not belong."""

from __future__ import annotations

import numpy as np
import pytest
import scripted

from unrolled.models.trace import Channel, StepResult, Trace


def test_columns_are_views_that_later_steps_do_not_change():
    trace = Trace(scripted.channels())
    views = []
    for step in range(100):  # past several doublings
        trace.append(scripted.step_result(step, "dog"))
        views.append(trace.column("hidden"))
    for length, view in enumerate(views, 1):
        assert view.shape == (length, scripted.UNITS)
        assert np.array_equal(view, trace.column("hidden")[:length])
    assert np.shares_memory(trace.column("hidden"), trace.column("hidden"))


def test_a_step_that_is_not_the_next_or_does_not_fit_changes_nothing():
    trace = scripted.trace(scripted.CAPTION[:2])
    with pytest.raises(ValueError, match="does not follow"):
        trace.append(scripted.step_result(5, "dog"))
    with pytest.raises(ValueError, match="hidden"):
        trace.append(StepResult(step=2, token=0, word="x", log_prob=0.0, values={}))
    assert len(trace) == 2
    assert list(trace.words) == list(scripted.CAPTION[:2])


def test_truncated_shares_the_first_steps_and_goes_its_own_way():
    trace = scripted.trace()
    branch = trace.truncated(4)
    branch.append(scripted.step_result(4, "cat", seed=9))
    assert np.array_equal(branch.column("cell")[:4], trace.column("cell")[:4])
    assert not np.array_equal(branch.column("cell")[4], trace.column("cell")[4])
    assert len(trace) == len(scripted.CAPTION)


def test_a_channel_needs_a_name_axes_that_fit_and_a_range():
    good = {"name": "h", "role": "hidden", "symbol": "h", "axes": ("unit",), "shape": (3,), "low": 0.0, "high": 1.0}
    assert Channel(**good).size == 3
    for bad in ({"name": ""}, {"shape": (3, 4)}, {"shape": (0,)}, {"low": 1.0}, {"high": float("nan")}):
        with pytest.raises(ValueError, match="channel"):
            Channel(**(good | bad))
