"""Panels are told what changed, at most once per frame, and nothing runs while nothing changes."""

from __future__ import annotations

import pytest
import scripted
from contexts import context

from unrolled.viewer.state import commands as c
from unrolled.viewer.state.session import Session
from unrolled.viewer.views.view import View
from unrolled.viewer.window.coordinator import FRAME_MILLISECONDS, Coordinator


class Recorder(View):
    """Writes down what it is told."""

    def __init__(self, session):
        super().__init__(context(session))
        self.told = []

    def refresh(self):
        self.told.append("refresh")

    def seek(self, step):
        self.told.append(step)


@pytest.fixture
def parts(qtbot):
    session = Session()
    panel = Recorder(session)
    qtbot.addWidget(panel)
    coordinator = Coordinator(session, [panel], panel)
    session.set_trace(scripted.trace())
    coordinator.flush()
    panel.told.clear()
    return session, panel, coordinator


def test_many_moves_are_one_seek_to_the_last(qtbot, parts):
    session, panel, coordinator = parts
    for step in (1, 5, 2, 7):
        session.playhead.seek(step)
    assert panel.told == []
    qtbot.waitUntil(lambda: not coordinator.waiting)
    assert panel.told == [7]


def test_what_changed_is_refreshed_before_the_seek(qtbot, parts):
    session, panel, coordinator = parts
    session.selection.toggle(3)
    session.playhead.seek(4)
    qtbot.waitUntil(lambda: not coordinator.waiting)
    assert panel.told == ["refresh", 4]


def test_a_view_that_asks_for_itself_costs_the_others_nothing(qtbot, parts):
    session, panel, coordinator = parts
    other = Recorder(session)
    qtbot.addWidget(other)
    coordinator.add(other)
    coordinator.flush()
    for view in (panel, other):
        view.told.clear()
    other.refresh_wanted.emit()
    qtbot.waitUntil(lambda: not coordinator.waiting)
    assert (panel.told, other.told) == ([], ["refresh", session.playhead.step])


def test_a_storm_of_changes_is_at_most_a_frame_each_16_milliseconds(qtbot, parts):
    session, _, coordinator = parts
    before = coordinator.frames
    for number in range(60):
        session.playhead.seek(number % 9 + 1)
        qtbot.wait(2)
    assert 1 <= coordinator.frames - before <= 60 * 20 / FRAME_MILLISECONDS


def test_nothing_runs_while_idle(qtbot, parts):
    _, _, coordinator = parts
    before = coordinator.frames
    qtbot.wait(60)
    assert not coordinator.waiting
    assert coordinator.frames == before


def test_a_view_that_fails_costs_the_others_nothing(qtbot, monkeypatch):
    class Broken(Recorder):
        def refresh(self):
            raise ValueError("broken")

    session, told = Session(), []
    panels = [Broken(session), Recorder(session)]
    for panel in panels:
        qtbot.addWidget(panel)
    coordinator = Coordinator(session, panels, panels[0])
    monkeypatch.setattr("sys.excepthook", lambda kind, error, where: told.append(str(error)))
    session.set_trace(scripted.trace())
    coordinator.flush()
    assert told == ["broken"]
    assert panels[1].told[0] == "refresh"


def test_the_playhead_is_never_drawn_out_of_sight(qtbot, captioned):
    """A step beyond the part that is shown: the part is moved in the frame in which the playhead is."""
    window = captioned
    window.do(c.Seek(0))
    window.do(c.ShowSteps(0, 4))
    window.coordinator.flush()
    tracks, axis = window.host.views["tracks"], window.session.time_axis
    qtbot.waitUntil(lambda: all(track.canvas is not None for track in tracks.tracks))
    for step in (3, 4, 6, 2, 0):
        window.do(c.Seek(step))
        window.coordinator.flush()
        assert axis.start <= step <= axis.stop - 1
        for track in tracks._in_sight():
            assert track._drawn_for[2:4] == (axis.start, axis.stop), track.name
