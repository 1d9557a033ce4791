"""What the tracks show at step t is the trace at step t, whatever a person does with them."""

from __future__ import annotations

import numpy as np
import pytest
import scripted
import scripted_traces
from contexts import context
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QColor, QFontMetrics
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QToolButton

from unrolled.models.trace import Channel, Trace
from unrolled.models.trace.pyramid import MISSING, PLACES, places_of
from unrolled.viewer.drawing.step_geometry import HEADER, Geometry
from unrolled.viewer.plotting.warm_up import WarmUp
from unrolled.viewer.state.commands import Seek
from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.theme.themes import DARK
from unrolled.viewer.views.tracks import TracksView, step_axis
from unrolled.viewer.views.tracks.header import title_lines
from unrolled.viewer.views.tracks.heat_track import HeatTrack
from unrolled.viewer.views.tracks.track import Track
from unrolled.viewer.views.tracks.tracks import AT_REST

HEAT = ("hidden", "cell", "input_gate", "forget_gate", "output_gate", "cell_gate")


@pytest.fixture
def panel(qtbot, session):
    made = TracksView(context(session))
    qtbot.addWidget(made)
    made.resize(700, 900)
    made.show()
    bring_up_to_date(made)
    return made


def bring_up_to_date(panel: TracksView) -> None:
    panel.refresh()
    panel.seek(panel.session.playhead.step)
    QApplication.processEvents()


def place_in(track: HeatTrack, step: int, unit: int) -> QPoint:
    return QPoint(round(track.canvas.x_of(step + 0.5)), round(track.y_of(unit)))


def shown(track: Track):
    """What is seen of the plot, and of nothing beside it."""
    QApplication.processEvents()
    return track.canvas.grab().toImage()


def test_tracks_are_chosen_by_axes(panel):
    assert [track.name for track in panel.tracks] == ["words", "attention_entropy", *HEAT, "pinned"]


def test_what_is_shown_at_a_step_is_the_trace_at_that_step(panel, session):
    random = np.random.default_rng(0)
    image_of = {name: panel.track(name) for name in HEAT}
    for step in random.integers(0, len(session.trace), 25):
        session.playhead.seek(int(step))
        panel.seek(session.playhead.step)
        for name, track in image_of.items():
            channel, values = track.channel, session.trace.column(name)[step]
            assert np.array_equal(track.columns.places[step], places_of(values, low=channel.low, high=channel.high))
    # And the pixel in the middle of a cell has the colour of its place.
    track = panel.track("forget_gate")
    picture = shown(track)
    for step, unit in ((0, 3), (4, 40), (9, 60)):
        spot = place_in(track, step, unit)
        expected = track.table_of_places[track.columns.places[step, unit]][:3]
        near = [picture.pixelColor(spot.x(), spot.y() + off) for off in (-1, 0, 1)]
        assert any((c.red(), c.green(), c.blue()) == tuple(int(v) for v in expected) for c in near)


def test_growing_step_by_step_equals_all_at_once(qtbot, panel, session):
    whole = session.trace
    grown = Trace(whole.channels.values())
    session.set_trace(grown)
    bring_up_to_date(panel)
    for step in range(len(whole)):
        grown.append(whole.step(step))
        session.grew()
        panel.refresh()
    for name in HEAT:
        channel = whole.channels[name]
        assert np.array_equal(panel.track(name).columns.places, places_of(whole.column(name), low=channel.low, high=channel.high))


def test_another_trace_leaves_nothing_of_the_old_one(panel, session):
    other = scripted.trace(scripted.CAPTION[:4], seed=5)
    session.set_trace(other)
    bring_up_to_date(panel)
    track = panel.track("cell")
    assert len(track.columns) == 4
    assert np.array_equal(track.columns.places, places_of(other.column("cell"), low=-3, high=3))
    session.set_trace(None)
    session.set_model(None)
    bring_up_to_date(panel)
    assert panel.tracks == []


@given(values=arrays.arrays(np.float32, (6, 4), elements=st.floats(-2, 2, width=32)), extreme=st.floats(-1e6, 1e6, width=32))
@settings(max_examples=50)
def test_a_later_extreme_changes_no_earlier_colour(values, extreme):
    channel = Channel(name="h", role="hidden", symbol="h", axes=("unit",), shape=(4,), low=-1, high=1)
    before = places_of(values, low=channel.low, high=channel.high)
    after = places_of(np.concatenate((values, np.full((1, 4), extreme, np.float32))), low=channel.low, high=channel.high)
    assert np.array_equal(before, after[:-1])
    assert before.max() < PLACES


def test_what_is_no_number_has_a_place_of_its_own():
    found = places_of(np.array([np.nan, np.inf, -np.inf, 0.0], np.float32), low=-1, high=1)
    assert list(found[:3]) == [MISSING, PLACES - 1, 0]


def test_a_click_on_a_row_pins_its_unit_and_goes_there(qtbot, panel, session):
    track = panel.track("input_gate")
    qtbot.mouseClick(track.canvas.viewport(), Qt.MouseButton.LeftButton, pos=place_in(track, 6, 21))
    assert session.selection.units == (21,)
    assert session.playhead.step == 6
    qtbot.mouseClick(track.canvas.viewport(), Qt.MouseButton.LeftButton, pos=place_in(track, 6, 21))
    assert session.selection.units == ()


def test_a_drag_moves_the_playhead_and_pins_nothing(qtbot, panel, session):
    track = panel.track("hidden")
    qtbot.mousePress(track.canvas.viewport(), Qt.MouseButton.LeftButton, pos=place_in(track, 1, 10))
    for step in (3, 7, 5):
        qtbot.mouseMove(track.canvas.viewport(), place_in(track, step, 10))
        assert session.playhead.step == step
    qtbot.mouseRelease(track.canvas.viewport(), Qt.MouseButton.LeftButton, pos=place_in(track, 5, 10))
    assert session.selection.units == ()


def test_pinned_units_are_lines_of_the_trace(panel, session):
    session.selection.set((3, 17))
    bring_up_to_date(panel)
    pinned = panel.track("pinned")
    for number, channel in enumerate(HEAT):
        pinned.picker.setCurrentIndex(number)
        for unit, (_, values) in zip((3, 17), pinned.lines(), strict=True):
            assert np.array_equal(values, session.trace.column(channel)[:, unit])


def wheel(track: HeatTrack, at: QPoint, notches: int, modifiers=Qt.KeyboardModifier.NoModifier) -> None:
    window = track.window()
    place = track.canvas.viewport().mapTo(window, at)
    QTest.wheelEvent(window.windowHandle(), QPointF(place), QPoint(0, 120 * notches), stateKey=modifiers)


def test_a_number_at_the_left_end_does_not_lie_over_what_is_counted(panel, session):
    def left_of_the_tracks(start: float):
        session.time_axis.start, session.time_axis.stop = start, start + 12  # as of a long run
        bring_up_to_date(panel)
        return panel.axis.grab(QRect(0, 0, int(HEADER) - 2, panel.axis.height())).toImage()

    assert left_of_the_tracks(99_999.5) == left_of_the_tracks(99_997.0)


def test_a_number_at_the_right_end_is_not_cut(panel, session, monkeypatch):
    ends = []
    monkeypatch.setattr(step_axis.QPainter, "drawStaticText", lambda _, place, text: ends.append(place.x() + text.size().width()))
    session.time_axis.start, session.time_axis.stop = 0, 100_000  # as of a long run
    bring_up_to_date(panel)
    panel.axis.grab()
    assert len(ends) > 3
    assert max(ends) <= panel.axis.width()


def test_the_wheel_scrolls_and_with_a_key_zooms_pans_and_moves(panel, session):
    session.set_trace(scripted.trace(scripted.CAPTION[:-1] * 5))
    bring_up_to_date(panel)
    track = panel.track("hidden")
    spot = place_in(track, 20, 5)
    session.playhead.seek(10)
    panel.resize(700, 400)  # too low for all tracks
    QApplication.processEvents()
    before = panel._scroll.verticalScrollBar().value()
    wheel(track, spot, -1)
    assert session.playhead.step == 10
    assert panel._scroll.verticalScrollBar().value() > before
    wheel(track, spot, -1, Qt.KeyboardModifier.AltModifier)
    assert session.playhead.step == 11
    under = track.geometry_of_time.time(spot.x())
    for _ in range(3):
        wheel(track, spot, 1, Qt.KeyboardModifier.ControlModifier)
    assert session.time_axis.stop - session.time_axis.start < 30
    assert track.geometry_of_time.time(spot.x()) == pytest.approx(under)
    start = session.time_axis.start
    wheel(track, spot, -1, Qt.KeyboardModifier.ShiftModifier)
    assert session.time_axis.start > start
    session.playhead.seek(44)
    panel.seek(44)
    assert session.time_axis.stop >= 45  # the playhead is never out of sight


@given(left=st.floats(0, 200), width=st.floats(10, 2000), start=st.floats(0, 1000), span=st.floats(3, 1000), x=st.floats(0, 1))
def test_places_in_time_and_on_screen_are_each_others_inverse(left, width, start, span, x):
    geometry = Geometry(left, width, start, start + span)
    at = left + x * width
    assert geometry.x(geometry.time(at)) == pytest.approx(at, abs=1e-6 * max(1.0, at))


def test_folding_gives_room_and_is_remembered(qtbot, panel):
    track = panel.track("cell")
    before = panel.track("hidden").height()
    qtbot.mouseClick(track.findChild(QToolButton), Qt.MouseButton.LeftButton)
    QApplication.processEvents()
    assert track.folded
    assert panel.remembered == ("cell",)
    assert panel.track("hidden").height() > before
    panel.recall(())
    assert not track.folded


def test_pointing_reads_out_unit_step_word_and_value(qtbot, panel, session):
    track = panel.track("cell")
    qtbot.mouseMove(track.canvas.viewport(), place_in(track, 2, 30))
    value = session.trace.column("cell")[2, 30]
    assert "“dog”" in panel.note
    assert "unit 30" in panel.note
    assert f"{value:+.4f}" in panel.note
    assert session.selection.hover == 30


def test_every_control_has_a_name(panel):
    for kind in (QToolButton, QComboBox):
        for widget in panel.findChildren(kind):
            assert widget.accessibleName()


def test_the_theme_changes_colours_and_not_values(panel, session):
    before = panel.track("hidden").columns.places.copy()
    panel.set_theme(DARK)
    QApplication.processEvents()
    assert np.array_equal(panel.track("hidden").columns.places, before)
    assert panel.track("hidden").colour_map == DARK.diverging


def test_a_person_may_look_away_from_the_playhead(panel, session):
    session.set_trace(scripted.trace(scripted.CAPTION[:-1] * 5))
    bring_up_to_date(panel)
    track = panel.track("hidden")
    spot = place_in(track, 30, 5)
    for _ in range(6):
        wheel(track, spot, 1, Qt.KeyboardModifier.ControlModifier)
        bring_up_to_date(panel)  # as the window does after every change of the time axis
    assert session.playhead.step == 0
    assert session.time_axis.start > 20
    assert int(track.geometry_of_time.time(spot.x())) == 30
    session.playhead.seek(1)
    bring_up_to_date(panel)
    assert session.time_axis.start <= 1  # but a playhead that moves is followed


def test_a_double_click_shows_the_whole_run_and_pins_nothing(qtbot, panel, session):
    session.set_trace(scripted.trace(scripted.CAPTION[:-1] * 5))
    session.selection.set((1, 2, 3))
    bring_up_to_date(panel)
    track = panel.track("cell")
    session.time_axis.zoom(0.3, 10.0)
    spot = place_in(track, 10, 33)
    qtbot.mouseClick(track.canvas.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    qtbot.mouseDClick(track.canvas.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert session.selection.units == (1, 2, 3)
    assert (session.time_axis.start, session.time_axis.stop) == (0.0, 45.0)


def test_the_unit_under_the_pointer_is_the_one_whose_colour_is_seen(qtbot, session):
    session.set_trace(scripted.trace(units=512))  # several units share a pixel
    panel = TracksView(context(session))
    qtbot.addWidget(panel)
    panel.resize(700, 900)
    panel.show()
    bring_up_to_date(panel)
    track = panel.track("hidden")
    assert track.canvas.height() < 512
    picture = shown(track)
    x = round(track.canvas.x_of(3.5))
    for y in range(track.canvas.height()):
        seen = picture.pixelColor(x, y)
        units = [track.unit_at(y) + off for off in (-1, 0, 1)]  # the painter rounds in its own way between two rows
        expected = [tuple(int(v) for v in track.table_of_places[track.columns.places[3, unit]][:3]) for unit in units]
        assert (seen.red(), seen.green(), seen.blue()) in expected


def test_the_readout_says_nothing_of_a_run_that_is_gone(qtbot, panel, session):
    track = panel.track("cell")
    for unit in (20, 30):  # where the pointer was before is no movement
        qtbot.mouseMove(track.canvas.viewport(), place_in(track, 2, unit))
    assert "dog" in panel.note
    session.set_trace(scripted.trace(scripted.CAPTION[:1], seed=5))
    bring_up_to_date(panel)
    assert "dog" not in panel.note


def test_words_are_thinned_where_steps_are_narrow(qtbot, panel, session):
    words = panel.track("words")
    session.set_trace(scripted.trace(scripted.CAPTION[:-1] * 9))
    bring_up_to_date(panel)
    ground = words.theme.missing
    picture, row = shown(words), 9
    written = [x for x in range(words.canvas.width())
               if any(picture.pixelColor(x, row + off).name() != ground for off in range(-5, 6))]
    assert len(written) > 50  # some stand there


def test_nothing_of_a_long_run_is_painted_step_by_step_before_it_is_drawn(panel, session, monkeypatch):
    placed, x = [], Geometry.x
    monkeypatch.setattr(Geometry, "x", lambda geometry, step: placed.append(step) or x(geometry, step))
    length = 5000
    session.set_trace(Trace.from_columns((), {}, words=["a"] * length, tokens=[0] * length,
                                         log_probs=np.zeros(length, np.float32), candidates=[()] * length))
    canvas = panel.track("words").canvas
    canvas._stale = True  # as where its place on the screen has changed meanwhile
    canvas.grab()
    assert len(placed) < 1000


def test_a_run_that_grew_looks_as_one_that_came_whole(qtbot, panel, session):
    whole = session.trace
    session.selection.set((3, 40))
    grown = Trace(whole.channels.values())
    session.set_trace(grown)
    bring_up_to_date(panel)
    for step in range(len(whole)):
        grown.append(whole.step(step))
        session.grew()
        panel.refresh()
        bring_up_to_date(panel)
    pictures = {track.name: (track.grab().toImage(), shown(track)) for track in panel.tracks}
    again = TracksView(context(session))  # that sees all of them at once
    qtbot.addWidget(again)
    again.resize(panel.size())
    again.show()
    bring_up_to_date(again)
    for track in again.tracks:
        assert (track.grab().toImage(), shown(track)) == pictures[track.name], track.name


def test_tracks_have_their_places_before_there_are_plots(qtbot, session):
    warm_up = WarmUp()
    try:
        panel = TracksView(context(session))
        qtbot.addWidget(panel)
        panel.resize(700, 900)
        panel.show()
        bring_up_to_date(panel)
        assert [track.canvas for track in panel.tracks] == [None] * len(panel.tracks)
        places = {track.name: (track.geometry(), track.plot) for track in panel.tracks}
        warm_up.start()
    finally:
        warm_up.join()
    qtbot.waitUntil(lambda: all(track.canvas is not None for track in panel.tracks))
    bring_up_to_date(panel)
    assert {track.name: (track.geometry(), track.plot) for track in panel.tracks} == places
    assert all(track.canvas.geometry() == track.plot.toRect() for track in panel.tracks)
    assert panel.track("hidden").canvas.playhead == 0.5


def test_a_short_run_after_a_long_one_is_not_said_to_be_seen_from_afar(qtbot, session, panel):
    session.set_trace(scripted_traces.clip_trace())  # other channels: all tracks are made anew
    panel.refresh()
    assert panel.note == AT_REST


def test_what_is_new_looks_as_it_does_from_the_pixmaps(panel, session):
    session.selection.set((3,))
    bring_up_to_date(panel)
    for track in panel.tracks:
        track.canvas.redraw()
        first = track.canvas.grab().toImage()
        assert track.canvas.grab().toImage() == first


@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_a_long_title_takes_the_lines_that_there_is_room_for(qapp, count):
    """Nothing of it is cut while there is a line more."""
    metrics, rooms = QFontMetrics(text_font(11)), [66] + 6 * [80]
    title = "entropy, layer\N{NO-BREAK SPACE}12, mean of heads · cross_document_attention"
    lines = title_lines(title, metrics, rooms[:count])
    assert len(lines) <= count
    assert all(metrics.horizontalAdvance(line) <= room for line, room in zip(lines, rooms, strict=False))
    assert lines[0].startswith("ent")
    assert not any("…" in line for line in lines[:-1])
    if count == 7:
        assert " ".join(lines[:-1]) == title.rpartition(" ")[0]
        assert lines[-1].startswith("cro")
    assert lines[-1].endswith("n")  # what it is of stands at its end


def test_the_numbers_of_the_steps_stand_under_them_when_the_width_changes(panel):
    for width in (700, 520, 900):
        panel.resize(width, 900)
        QApplication.processEvents()
        QApplication.processEvents()
        track, image = panel.tracks[0].canvas, panel.axis.grab().toImage()
        ground = image.pixelColor(image.width() - 1, 1)
        marks = [x for x in range(int(HEADER), image.width()) if image.pixelColor(x, 1) != ground]
        left = track.mapTo(panel, QPoint()).x()
        middles = [track.x_of(step + 0.5) + left for step in range(len(panel.session.trace))]
        below = [min(range(len(middles)), key=lambda step: abs(middles[step] - x)) for x in marks if x <= middles[-1] + 2]
        assert len(below) >= 3, width
        assert all(abs(middles[step] - x) <= 1.0 for step, x in zip(below, marks, strict=False)), (width, marks, middles)


def test_the_playhead_goes_through_no_words(qtbot, captioned):
    """Where no unit is pinned."""
    plot = captioned.host.views["tracks"].track("pinned").canvas
    steps = range(len(captioned.session.trace))
    step = min(steps, key=lambda step: abs(plot.x_of(step + 0.5) - plot.width() / 2))
    captioned.do(Seek(step))
    captioned.coordinator.flush()
    qtbot.wait(20)
    image, x = plot.grab().toImage(), int(plot.x_of(step + 0.5))
    line = [abs(y - image.height() / 2) > 5 for y in range(image.height())
            if QColor(captioned.theme.playhead) in (image.pixelColor(x, y), image.pixelColor(x - 1, y))]
    assert line
    assert all(line)
