"""Where a model and its run are: every phase with every event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from inspect import isfunction
from typing import Any

import pytest
import scripted
from hypothesis import given
from hypothesis import strategies as st

from unrolled.viewer.control.run_state import ModelPhase, Opening, RunPhase, RunState

M, R = ModelPhase, RunPhase
OPENING = Opening(input=scripted.picture(), restart=True)
RUN, LOAD = 7, 3

SAME: dict[R, R] = {phase: phase for phase in R}
WAITS = dict.fromkeys(R, R.WAITING)


class Event:
    """What happens: the name of a method of `RunState`, and what it is given."""

    def __init__(self, name: str, *values: Any, **named: Any) -> None:
        self.name, self.values, self.named = name, values, named

    def __call__(self, state: RunState) -> RunState:
        made: RunState = getattr(state, self.name)(*self.values, **self.named)
        return made


# By event, what becomes of each phase of a run that has an opening and whose model is loaded.
RUNS: list[tuple[Event, dict[R, R]]] = [
    (Event("started"), WAITS),
    (Event("gone"), WAITS),
    (Event("load_asked"), WAITS),
    (Event("answered"), SAME),
    (Event("load_ended"), SAME),
    (Event("loaded", LOAD), SAME),
    (Event("load_failed", LOAD, kept=True), SAME),
    (Event("load_failed", LOAD, kept=False), SAME),
    (Event("shown", OPENING), WAITS),
    (Event("shown", None), dict.fromkeys(R, R.RECORDED)),
    (Event("cleared"), dict.fromkeys(R, R.EMPTY)),
    (Event("encode_asked", OPENING), SAME | {R.WAITING: R.ENCODING}),
    (Event("unfit"), SAME | {R.WAITING: R.RECORDED}),
    (Event("encoded", RUN, reading=True, ended=False), SAME | {R.ENCODING: R.READING}),
    (Event("encoded", RUN, reading=False, ended=False), SAME | {R.ENCODING: R.LIVE}),
    (Event("encoded", RUN, reading=False, ended=True), SAME | {R.ENCODING: R.ENDED}),
    (Event("encoded", RUN - 1, reading=False, ended=False), SAME),
    (Event("refused", RUN), SAME | {R.ENCODING: R.EMPTY}),
    (Event("refused", RUN - 1), SAME),
    (Event("read_enough"), SAME | {R.READING: R.LIVE, R.BESIDE: R.LIVE}),
    (Event("branch_shown", ended=True), SAME | {R.LIVE: R.ENDED}),
    (Event("branch_shown", ended=False), SAME | {R.ENDED: R.LIVE}),
]

# By event, what becomes of each phase of the model.
STAYS: dict[M, M] = {phase: phase for phase in M}
OF_THE_MODEL: list[tuple[Event, dict[M, M]]] = [
    (Event("started"), dict.fromkeys(M, M.STARTING)),
    (Event("gone"), dict.fromkeys(M, M.OFF)),
    (Event("answered"), STAYS | {M.STARTING: M.READY}),
    (Event("load_asked"), STAYS | dict.fromkeys((M.READY, M.LOADING, M.LOADED), M.LOADING)),
    (Event("load_ended"), STAYS | {M.LOADING: M.READY}),
    (Event("loaded", LOAD), STAYS | {M.LOADING: M.LOADED}),
    (Event("loaded", LOAD - 1), STAYS),
    (Event("load_failed", LOAD, kept=True), STAYS | {M.LOADING: M.LOADED}),
    (Event("load_failed", LOAD, kept=False), STAYS | {M.LOADING: M.READY}),
    (Event("load_failed", LOAD - 1, kept=True), STAYS),
]
MODELS = OF_THE_MODEL + [(event, STAYS) for event, _ in RUNS if event.name not in {own.name for own, _ in OF_THE_MODEL}]
EVENTS = [event for event, _ in RUNS + OF_THE_MODEL]


def test_every_event_is_in_the_tables() -> None:
    kinds = {name for name, own in vars(RunState).items() if isfunction(own) and not name.startswith("_")}
    for table in (RUNS, MODELS):
        assert {event.name for event, _ in table} == kinds


@pytest.mark.parametrize("phase", R)
@pytest.mark.parametrize(("event", "becomes"), RUNS)
def test_a_run(phase: R, event: Event, becomes: dict[R, R]) -> None:
    state = RunState(model=M.LOADED, phase=phase, number=RUN, load=LOAD, opening=OPENING)
    assert event(state).phase is becomes[phase]


@pytest.mark.parametrize("phase", M)
@pytest.mark.parametrize(("event", "becomes"), MODELS)
def test_a_model(phase: M, event: Event, becomes: dict[M, M]) -> None:
    state = RunState(model=phase, phase=R.ENCODING, number=RUN, load=LOAD, opening=OPENING)
    assert event(state).model is becomes[phase]


@pytest.mark.parametrize("model", [phase for phase in M if phase is not M.LOADED])
def test_nothing_is_encoded_without_a_model(model: M) -> None:
    state = RunState(model=model, phase=R.WAITING, opening=OPENING)
    assert state.encode_asked(OPENING) == state


@pytest.mark.parametrize("event", [RunState.started, RunState.gone, RunState.load_asked])
def test_what_has_no_input_waits_for_nothing(event: Callable[[RunState], RunState]) -> None:
    for phase in (R.EMPTY, R.RECORDED):
        assert event(RunState(model=M.LOADED, phase=phase)).phase is phase


def test_a_restart_is_asked_for_once() -> None:
    state = RunState(model=M.LOADED, phase=R.ENCODING, number=RUN, opening=OPENING)
    begun = state.encoded(RUN, reading=False, ended=False)
    assert begun.opening is not None
    assert not begun.opening.restart
    assert begun.opening.input is OPENING.input


def test_what_is_read_beside_is_not_open_and_takes_steps() -> None:
    for reading in (True, False):
        state = RunState(model=M.LOADED, phase=R.ENCODING, number=RUN, opening=replace(OPENING, beside=True))
        begun = state.encoded(RUN, reading=reading, ended=False)
        assert (begun.phase, begun.is_open, begun.takes_steps) == (R.BESIDE, False, True)
        assert begun.opening is not None
        assert not begun.opening.beside


@given(st.lists(st.sampled_from(EVENTS), max_size=30))
def test_whatever_happens(events: list[Event]) -> None:
    state = RunState()
    for event in events:
        if event.name in ("encoded", "refused"):  # sometimes of this run, as the backend would say it
            event = Event(event.name, state.number - (RUN - event.values[0]), **event.named)
        before, state = state, event(state)
        assert state.number >= before.number
        assert state.load >= before.load
        if before.is_open and not state.is_open:
            assert state.number > before.number  # so that nothing of the old run is believed any more
        if state.is_open or state.phase is R.ENCODING:
            assert state.model is M.LOADED
            assert state.opening is not None
        assert not (state.waiting and state.is_open)
