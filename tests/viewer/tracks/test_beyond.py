"""Values beyond a fixed scale: marked in heat maps, lines and numbers; and axes whose numbers stand where they belong."""

from __future__ import annotations

import numpy as np
import pytest
import scripted
from contexts import context
from PySide6.QtGui import QColor

from unrolled.viewer.state.session import Session
from unrolled.viewer.state.wording import finite
from unrolled.viewer.theme.themes import DARK, LIGHT
from unrolled.viewer.views.tracks.heat_track import HeatTrack
from unrolled.viewer.views.tracks.line_track import PinnedTrack
from unrolled.viewer.views.tracks.word_track import WordTrack


@pytest.fixture(params=[LIGHT, DARK], ids=["light", "dark"])
def theme(request):
    return request.param


@pytest.fixture
def session():
    made = Session()
    trace = scripted.trace()
    trace.column("cell")[:] = 0.5
    trace.column("cell")[3, 10], trace.column("cell")[5, 20] = 4.0, -7.0
    made.set_trace(trace)
    return made


def shown(qtbot, track, height=200):
    qtbot.addWidget(track)
    if track.canvas is None:
        track.attach()
    track.resize(720, height)
    with qtbot.waitExposed(track):
        track.show()
    track.refresh()
    return track.canvas.grab().toImage()


def colours(image):
    """The colours that the plot has, with how many pixels."""
    found = {}
    for x in range(image.width()):
        for y in range(image.height()):
            name = QColor(image.pixel(x, y)).name()
            found[name] = found.get(name, 0) + 1
    return found


def channel(session, name):
    return session.trace.channels[name]


def test_a_heat_map_marks_what_lies_beyond_its_scale_and_nothing_else(qtbot, session, theme):
    track = HeatTrack(context(session, theme), channel(session, "cell"))
    found = colours(shown(qtbot, track))
    assert found.get(theme.above, 0) > 0
    assert found.get(theme.below, 0) > 0
    assert track.ends == ("≤−3", "≥3")
    assert "beyond the scale of −3 to 3" in track.value_text(3, track.y_of(10))
    assert "beyond" not in track.value_text(3, track.y_of(11))
    bounded = HeatTrack(context(session, theme), channel(session, "forget_gate"))
    session.trace.column("forget_gate")[:, 5] = 1.0  # at the very end, which is not beyond it
    found = colours(shown(qtbot, bounded))
    assert theme.above not in found
    assert bounded.ends == ("0", "1")


def test_a_run_seen_from_afar_marks_what_is_beyond_throughout(qtbot, theme):
    made = Session()
    trace = scripted.trace(tuple("a" for _ in range(6000)))
    trace.column("cell")[:] = 0.0
    trace.column("cell")[2000:4000, 30:40] = 5.0
    made.set_trace(trace)
    track = HeatTrack(context(made, theme), channel(made, "cell"))
    shown(qtbot, track)
    while track.unfinished:
        track.follow_part()
    found = colours(shown(qtbot, track))
    assert found.get(theme.above, 0) > 100
    assert theme.below not in found


def test_a_line_has_a_mark_where_it_goes_on(qtbot, session, theme):
    session.selection.set((10, 20))
    track = PinnedTrack(context(session, theme), [channel(session, "cell")])
    found = colours(shown(qtbot, track, 120))
    assert found.get(theme.above, 0) > 4
    assert found.get(theme.below, 0) > 4
    assert "beyond the scale" in track.value_text(3, 0.0)


def test_numbers_beside_a_line_stand_where_their_values_lie(qtbot, session):
    track = PinnedTrack(context(session, LIGHT), [channel(session, "hidden")])
    shown(qtbot, track, 120)
    ticks = dict(track.ticks())
    assert set(ticks) == {"1", "0", "−1"}
    for text, y in ticks.items():
        assert y == pytest.approx(track.canvas.geometry().y() + track.canvas.y_of(finite(text)))
    assert ticks["0"] == pytest.approx(track.plot.center().y(), abs=1.0)


def test_the_first_track_says_what_a_step_is(session):
    about = WordTrack(context(session, LIGHT)).about
    assert "Step t holds the state after the word of step t − 1 was read" in about
    assert "counted from 1 here, and from 0 in files" in about
    assert "counted from 0 in files" in session.trace.provenance.convention


def test_what_is_no_number_is_not_beyond(qtbot, session, theme):
    session.trace.column("cell")[:] = np.nan
    track = HeatTrack(context(session, theme), channel(session, "cell"))
    found = colours(shown(qtbot, track))
    assert theme.above not in found
    assert theme.below not in found
