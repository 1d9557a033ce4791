"""The state without Qt: it stays within its bounds whatever is asked of it, and says so only when something changed."""

from __future__ import annotations

import itertools

import msgspec
import pytest
import scripted
from hypothesis import given
from hypothesis import strategies as st

from unrolled.viewer.state.appearance import Appearance
from unrolled.viewer.state.comparison import Compared
from unrolled.viewer.state.playhead import NOWHERE, Playhead
from unrolled.viewer.state.selection import MOST_PINNED, Selection
from unrolled.viewer.state.session import Session
from unrolled.viewer.state.time_axis import FEWEST_SHOWN, SHORTEST_SPAN, TimeAxis

moves = st.lists(st.tuples(st.booleans(), st.integers(-5, 60)), max_size=30)


@given(moves)
def test_the_playhead_is_always_on_a_step_that_there_is(asked):
    playhead, heard = Playhead(), []
    playhead.moved.connect(heard.append)
    last = playhead.step
    for is_seek, number in asked:
        if is_seek:
            playhead.seek(number)
        else:
            playhead.set_length(max(number, 0))
        if playhead.length == 0:
            assert playhead.step == NOWHERE
        else:
            assert NOWHERE <= playhead.step < playhead.length
        if playhead.step != last:
            assert heard[-1] == playhead.step
        last = playhead.step
    assert all(one != other for one, other in itertools.pairwise(heard))


@given(st.lists(st.integers(0, 20), max_size=40))
def test_no_more_units_are_pinned_than_can_be_told_apart(units):
    selection = Selection()
    for unit in units:
        was_pinned = unit in selection.units
        selection.toggle(unit)
        assert (unit in selection.units) != was_pinned
        assert len(selection.units) == len(set(selection.units)) <= MOST_PINNED


@given(length=st.integers(0, 5000), asked=st.lists(st.tuples(st.sampled_from(["zoom", "pan", "reveal", "length"]),
                                                             st.floats(0.1, 10), st.floats(-100, 6000)), max_size=20))
def test_the_time_axis_stays_within_the_run(length, asked):
    axis = TimeAxis()
    axis.set_length(length)
    for what, factor, number in asked:
        if what == "zoom":
            axis.zoom(factor, number)
        elif what == "pan":
            axis.pan(number)
        elif what == "reveal":
            axis.reveal(int(number))
        else:
            length = int(abs(number))
            axis.set_length(length)
            axis.pan(0.0) if not axis.following else None
        longest = max(length, FEWEST_SHOWN)
        assert axis.start >= -1e-6
        assert axis.stop <= longest + 1e-6
        assert axis.stop - axis.start >= min(SHORTEST_SPAN, longest) - 1e-6


@given(length=st.integers(13, 5000), where=st.floats(0, 1), factor=st.floats(0.2, 0.9))
def test_zooming_in_keeps_the_place_under_the_pointer(length, where, factor):
    axis = TimeAxis()
    axis.set_length(length)
    around = where * length
    share = (around - axis.start) / (axis.stop - axis.start)
    axis.zoom(factor, around)
    assert (around - axis.start) / (axis.stop - axis.start) == pytest.approx(share, abs=1e-6)
    axis.reset()
    assert (axis.start, axis.stop) == (0.0, float(length))


def test_a_revealed_step_is_in_sight():
    axis = TimeAxis()
    axis.set_length(500)
    axis.zoom(0.05, 0)
    for step in (0, 499, 250, 251, 3):
        axis.reveal(step)
        assert axis.start <= step
        assert step + 1 <= axis.stop + 1e-9


def test_appearance_sends_a_signal_only_when_something_differs():
    appearance, heard = Appearance(), []
    appearance.changed.connect(lambda: heard.append(1))
    appearance.update(attention_opacity=appearance.values.attention_opacity)
    assert heard == []
    appearance.update(attention_opacity=0.1, show_region=False)
    assert heard == [1]
    with pytest.raises(TypeError):
        appearance.update(no_such_field=1)


def test_another_picture_takes_the_trace_with_it_and_another_trace_begins_at_its_start():
    session = Session()
    session.set_trace(scripted.trace())
    session.playhead.seek(5)
    session.set_trace(scripted.trace(seed=3))
    assert session.playhead.step == 0
    session.set_input(scripted.picture())
    assert session.trace is None
    assert session.playhead.step == NOWHERE


def test_the_time_axis_is_as_long_as_the_longer_of_two_compared_runs():
    session = Session()
    session.set_trace(scripted.trace(("a",) * 14))
    session.compare(Compared("longer", scripted.trace(("a",) * 20)))
    assert (session.time_axis.stop, session.playhead.length) == (20, 14)
    session.compare(None)
    assert session.time_axis.stop == 14


def test_pinned_units_belong_to_a_model():
    session = Session()
    first, second = (msgspec.structs.replace(scripted.description(), name=name) for name in ("first", "second"))
    session.set_model(first)
    session.selection.set((3, 5))
    session.set_model(first, "cuda")  # on another device it is the same
    assert session.selection.units == (3, 5)
    session.set_model(second)
    assert session.selection.units == ()
    session.selection.set((1,))
    session.set_model(first)
    assert session.selection.units == (3, 5)
    session.set_model(second)
    assert session.selection.units == (1,)
