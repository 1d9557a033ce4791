"""Each command has one handler, and does what it says."""

from __future__ import annotations

import pytest

from unrolled.models.protocol.dispatch import Dispatch
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.control.control import Control
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.session import Session
from unrolled.viewer.state.session_commands import session_commands

WINDOWS_OWN = {c.OpenView, c.ToggleView, c.SwitchTheme, c.ChooseFile, c.ChooseReplacement, c.ChooseModelToCompare, c.Paste,
               c.RestoreLast, c.ShowDialog, c.ShowTrainingRoom, c.ShowCorpus, c.ShowFullScreen, c.Quit}


@pytest.fixture
def session(qtbot: object) -> Session:
    return Session()


@pytest.fixture
def do(session: Session) -> Dispatch:
    return Dispatch(Control(session, BackendProcess()).commands, session_commands(session))


def test_all_but_the_windows_own_are_handled_without_a_window(do: Dispatch) -> None:
    assert set(do.missing(c.Command.__subclasses__())) == WINDOWS_OWN


def test_pinning(session: Session, do: Dispatch) -> None:
    do(c.Pin((3, 5, 8)))
    do(c.TogglePin(5))
    assert session.selection.units == (3, 8)
    do(c.TogglePin(77))
    assert session.selection.units == (3, 8, 77)
    do(c.Pin(()))
    assert session.selection.units == ()


def test_the_steps_in_sight(session: Session, do: Dispatch) -> None:
    session.time_axis.set_length(100)
    do(c.ShowSteps(20, 40))
    assert (session.time_axis.start, session.time_axis.stop) == (20, 40)
    do(c.ShowSteps(50, 51))
    assert (session.time_axis.start, session.time_axis.stop) == (49, 52)
    do(c.RevealStep(60))
    assert (session.time_axis.start, session.time_axis.stop) == (58, 61)
    do(c.ShowWholeRun())
    assert (session.time_axis.start, session.time_axis.stop) == (0, 100)
    assert session.time_axis.following


def test_opacity_stays_within_its_range(session: Session, do: Dispatch) -> None:
    do(c.ShiftOpacity(0.2))
    assert session.appearance.values.attention_opacity == pytest.approx(0.75)
    do(c.ShiftOpacity(0.9))
    assert session.appearance.values.attention_opacity == 1.0
