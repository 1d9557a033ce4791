"""Where a model and its run are: every phase with every event."""

from __future__ import annotations

from dataclasses import replace

import pytest
import scripted
from hypothesis import given
from hypothesis import strategies as st

from unrolled.viewer.control.run_state import (
    BranchShown,
    EncodeAsked,
    Encoded,
    Event,
    Happened,
    LoadFailed,
    ModelLoaded,
    ModelPhase,
    Opening,
    Refused,
    RunPhase,
    RunState,
    Shown,
    after,
)

M, R = ModelPhase, RunPhase
OPENING = Opening(input=scripted.picture(), restart=True)
RUN, LOAD = 7, 3

SAME: dict[R, R] = {phase: phase for phase in R}
WAITS = dict.fromkeys(R, R.WAITING)

# By event, what becomes of each phase of a run that has an opening and whose model is loaded.
RUNS: list[tuple[Event, dict[R, R]]] = [
    (Happened.STARTED, WAITS),
    (Happened.GONE, WAITS),
    (Happened.LOAD_ASKED, WAITS),
    (Happened.ANSWERED, SAME),
    (Happened.LOAD_ENDED, SAME),
    (ModelLoaded(LOAD), SAME),
    (LoadFailed(LOAD, True), SAME),
    (LoadFailed(LOAD, False), SAME),
    (Shown(OPENING), WAITS),
    (Shown(None), dict.fromkeys(R, R.RECORDED)),
    (Happened.CLEARED, dict.fromkeys(R, R.EMPTY)),
    (EncodeAsked(OPENING), SAME | {R.WAITING: R.ENCODING}),
    (Happened.UNFIT, SAME | {R.WAITING: R.RECORDED}),
    (Encoded(RUN, True, False), SAME | {R.ENCODING: R.READING}),
    (Encoded(RUN, False, False), SAME | {R.ENCODING: R.LIVE}),
    (Encoded(RUN, False, True), SAME | {R.ENCODING: R.ENDED}),
    (Encoded(RUN - 1, False, False), SAME),
    (Refused(RUN), SAME | {R.ENCODING: R.EMPTY}),
    (Refused(RUN - 1), SAME),
    (Happened.READ_ENOUGH, SAME | {R.READING: R.LIVE, R.BESIDE: R.LIVE}),
    (BranchShown(True), SAME | {R.LIVE: R.ENDED}),
    (BranchShown(False), SAME | {R.ENDED: R.LIVE}),
]

# By event, what becomes of each phase of the model.
STAYS: dict[M, M] = {phase: phase for phase in M}
MODELS: list[tuple[Event, dict[M, M]]] = [
    (Happened.STARTED, dict.fromkeys(M, M.STARTING)),
    (Happened.GONE, dict.fromkeys(M, M.OFF)),
    (Happened.ANSWERED, STAYS | {M.STARTING: M.READY}),
    (Happened.LOAD_ASKED, STAYS | dict.fromkeys((M.READY, M.LOADING, M.LOADED), M.LOADING)),
    (Happened.LOAD_ENDED, STAYS | {M.LOADING: M.READY}),
    (ModelLoaded(LOAD), STAYS | {M.LOADING: M.LOADED}),
    (ModelLoaded(LOAD - 1), STAYS),
    (LoadFailed(LOAD, True), STAYS | {M.LOADING: M.LOADED}),
    (LoadFailed(LOAD, False), STAYS | {M.LOADING: M.READY}),
    (LoadFailed(LOAD - 1, True), STAYS),
    *((event, STAYS) for event in (Shown(OPENING), Shown(None), Happened.CLEARED, EncodeAsked(OPENING), Happened.UNFIT,
                                   Happened.READ_ENOUGH, Encoded(RUN, True, False), Refused(RUN), BranchShown(True))),
]
EVENTS = [event for event, _ in RUNS] + [event for event, _ in MODELS]


def test_every_event_is_in_the_tables() -> None:
    kinds = {*Happened, *(kind for kind in Event.__args__ if kind is not Happened)}
    for table in (RUNS, MODELS):
        assert {event if isinstance(event, Happened) else type(event) for event, _ in table} == kinds


@pytest.mark.parametrize("phase", R)
@pytest.mark.parametrize(("event", "becomes"), RUNS)
def test_a_run(phase: R, event: Event, becomes: dict[R, R]) -> None:
    state = RunState(model=M.LOADED, phase=phase, number=RUN, load=LOAD, opening=OPENING)
    assert after(state, event).phase is becomes[phase]


@pytest.mark.parametrize("phase", M)
@pytest.mark.parametrize(("event", "becomes"), MODELS)
def test_a_model(phase: M, event: Event, becomes: dict[M, M]) -> None:
    state = RunState(model=phase, phase=R.ENCODING, number=RUN, load=LOAD, opening=OPENING)
    assert after(state, event).model is becomes[phase]


@pytest.mark.parametrize("model", [phase for phase in M if phase is not M.LOADED])
def test_nothing_is_encoded_without_a_model(model: M) -> None:
    state = RunState(model=model, phase=R.WAITING, opening=OPENING)
    assert after(state, EncodeAsked(OPENING)) == state


@pytest.mark.parametrize("event", [Happened.STARTED, Happened.GONE, Happened.LOAD_ASKED])
def test_what_has_no_input_waits_for_nothing(event: Event) -> None:
    for phase in (R.EMPTY, R.RECORDED):
        assert after(RunState(model=M.LOADED, phase=phase), event).phase is phase


def test_a_restart_is_asked_for_once() -> None:
    state = RunState(model=M.LOADED, phase=R.ENCODING, number=RUN, opening=OPENING)
    begun = after(state, Encoded(RUN, False, False))
    assert begun.opening is not None
    assert not begun.opening.restart
    assert begun.opening.input is OPENING.input


def test_what_is_read_beside_is_not_open_and_takes_steps() -> None:
    for reading in (True, False):
        state = RunState(model=M.LOADED, phase=R.ENCODING, number=RUN, opening=replace(OPENING, beside=True))
        begun = after(state, Encoded(RUN, reading, False))
        assert (begun.phase, begun.is_open, begun.takes_steps) == (R.BESIDE, False, True)
        assert begun.opening is not None
        assert not begun.opening.beside


@given(st.lists(st.sampled_from(EVENTS), max_size=30))
def test_whatever_happens(events: list[Event]) -> None:
    state = RunState()
    for event in events:
        if isinstance(event, Encoded | Refused):  # sometimes of this run, as the backend would say it
            event = replace(event, run=state.number - (RUN - event.run))
        before, state = state, after(state, event)
        assert state.number >= before.number
        assert state.load >= before.load
        if before.is_open and not state.is_open:
            assert state.number > before.number  # so that nothing of the old run is believed any more
        if state.is_open or state.phase is R.ENCODING:
            assert state.model is M.LOADED
            assert state.opening is not None
        assert not (state.waiting and state.is_open)
