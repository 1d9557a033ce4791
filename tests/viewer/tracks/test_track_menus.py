"""What a track's menu does: numbers and pictures that go out, colours, scales, the order of units, and frames."""

from __future__ import annotations

import csv
import io
import re

import msgspec
import numpy as np
import pytest
import scripted
from contexts import context
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QColor
from PySide6.QtWidgets import QApplication, QDialog, QMenu

from unrolled.models.analysis.unit_order import ORDERS
from unrolled.models.trace import Trace
from unrolled.viewer.plotting.figure import pdf_of, svg_of
from unrolled.viewer.state.appearance import Appearance, AppearanceValues
from unrolled.viewer.state.session import Compared, Session
from unrolled.viewer.theme.stylesheet import apply_theme
from unrolled.viewer.theme.themes import LIGHT
from unrolled.viewer.views.tracks import TracksView
from unrolled.viewer.views.tracks.menu import set_range
from unrolled.viewer.widgets.range_dialog import RangeDialog
from unrolled.viewer.window.application import make_application


@pytest.fixture
def session():
    made = Session()
    made.set_trace(scripted.trace(scripted.CAPTION[:-1] * 5))
    return made


@pytest.fixture
def panel(qtbot, session):
    make_application()  # whose style sheet draws controls as lines
    made = TracksView(context(session))
    qtbot.addWidget(made)
    made.resize(700, 900)
    made.show()
    up_to_date(made)
    return made


def up_to_date(panel):
    panel.refresh()
    panel.seek(panel.session.playhead.step)
    QApplication.processEvents()


def rows_of(table):
    header, *rows = csv.reader(io.StringIO(table.csv()))
    return header, rows


def menu_of(track):
    menu = QMenu(track)
    track.fill_menu(menu)
    return menu


def choose(track, beginning):
    menu = menu_of(track)
    next(action for action in menu.findChildren(QAction) if action.text().startswith(beginning)).trigger()


def test_numbers_are_those_recorded_at_the_steps_in_sight(panel, session):
    session.time_axis.show(10.0, 20.0)
    up_to_date(panel)
    header, rows = rows_of(panel.track("cell").table())
    assert header[:3] == ["step", "word", "cell[0]"]
    assert len(header) == 2 + scripted.UNITS
    assert [int(row[0]) for row in rows] == list(range(10, 20))
    assert [row[1] for row in rows] == list(session.trace.words[10:20])
    values = np.array([row[2:] for row in rows]).astype(np.float32)
    assert np.array_equal(values, session.trace.column("cell")[10:20])  # to the last bit
    for name in ("words", "attention_entropy", "pinned"):
        assert len(rows_of(panel.track(name).table())[1]) == 10


def test_a_run_seen_from_afar_gives_every_recorded_step(panel, session):
    session.set_trace(scripted.trace(tuple("a" for _ in range(3000))))
    up_to_date(panel)
    track = panel.track("hidden")
    assert track.geometry_of_time.stride() > 1.0
    assert len(rows_of(track.table())[1]) == 3000


def test_drawings_hold_lines_and_words_and_no_photograph_of_them(panel, session):
    apply_theme(LIGHT)  # whose boxes are no pictures
    session.selection.set((3, 17))
    session.time_axis.show(0.0, 9.0)
    up_to_date(panel)
    pinned = svg_of(panel.track("pinned"), "pinned units").decode()
    assert all(int(width) < 60 for width in re.findall(r'<image [^>]*?width="(\d+)"', pinned))  # icons of its controls alone
    assert pinned.count("<polyline") + pinned.count("<path") > 2
    words = svg_of(panel.track("words"), "probability").decode()
    assert ">dog<" in words.replace("\n", "")
    assert "image/jpeg" not in svg_of(panel.track("cell"), "cell").decode()
    assert b"DCTDecode" not in pdf_of(panel.track("cell"), "cell")


def test_a_colour_map_is_one_track_s_and_is_remembered(panel, session):
    track, other = panel.track("input_gate"), panel.track("forget_gate")
    choose(track, "Magma")
    up_to_date(panel)
    assert (track.colour_map, other.colour_map) == ("magma", "viridis")
    spot = QPoint(round(track.canvas.x_of(4.5)), round(track.y_of(20)))
    seen = track.canvas.grab().toImage().pixelColor(spot)
    assert (seen.red(), seen.green(), seen.blue()) == tuple(track.table_of_places[track.columns.places[4, 20]][:3])
    again = Session(Appearance(session.appearance.values))
    assert again.appearance.values.track_colour_maps == {"input_gate": "magma"}
    choose(track, "As in all tracks")
    up_to_date(panel)
    assert track.colour_map == "viridis"


def test_another_scale_is_drawn_and_said_and_given_back(panel, session):
    track = panel.track("cell")
    set_range(track, track.recorded, (-0.25, 0.25))
    up_to_date(panel)
    assert track.ends == ("≤−0.25", "≥0.25")
    assert track.columns.channel.high == 0.25
    assert "−0.25 to 0.25" in track.value_text(0, track.y_of(int(np.abs(session.trace.column("cell")[0]).argmax())))
    assert track.stretched
    assert "not its own" in track.about
    pinned = panel.track("pinned")
    pinned.picker.setCurrentIndex(1)  # the same channel's lines
    assert (pinned.channel.low, pinned.channel.high) == (-0.25, 0.25)
    choose(track, "Fixed: −3 to 3")
    up_to_date(panel)
    assert (track.channel.low, track.channel.high) == (-3, 3)
    assert not track.stretched


def test_a_difference_has_its_own_scale_colours_and_order(panel, session):
    other = scripted.trace(scripted.CAPTION[:-1] * 5, seed=1)
    session.compare(Compared("another", other))
    up_to_date(panel)
    choose(panel.track("input_gate"), "Magma")
    set_range(panel.track("input_gate"), panel.track("input_gate").recorded, (0.0, 0.5))
    less = panel.track("difference input_gate")
    up_to_date(panel)
    assert less.colour_map == LIGHT.diverging
    assert not less.stretched
    assert (panel.track("other input_gate").colour_map, panel.track("other input_gate").channel.high) == ("magma", 0.5)
    header, rows = rows_of(less.table())
    assert header[2] == "difference input_gate[0]"
    recorded = session.trace.column("input_gate") - other.column("input_gate")
    assert np.array_equal(np.array([row[2:] for row in rows]).astype(np.float32), recorded)
    choose(less, "By activity of A−B input gate")
    up_to_date(panel)
    assert np.array_equal(panel.track("input_gate").order, ORDERS["activity"].of(recorded))


def test_a_second_layer_is_named_in_both_runs_and_their_difference(panel, session):
    def second_layer(seed):
        first = scripted.trace(seed=seed)
        channels = tuple(msgspec.structs.replace(channel, layer=1) for channel in first.channels.values())
        return Trace.from_columns(channels, {name: first.column(name) for name in first.channels}, words=first.words,
                                  tokens=first.tokens, log_probs=first.log_probs, candidates=first.candidates,
                                  provenance=first.provenance, ended=True)

    session.set_trace(second_layer(0))
    session.compare(Compared("another", second_layer(1)))
    up_to_date(panel)
    assert [panel.track(f"{which}cell").title for which in ("", "other ", "difference ")] == [
        "A cell · layer 2", "B cell · layer 2", "A−B cell · layer 2"]


def test_a_scale_that_fits_goes_from_the_least_to_the_greatest_value_in_sight(panel, session):
    session.time_axis.show(5.0, 15.0)
    track = panel.track("hidden")
    choose(track, "Fit to what is shown")
    part = session.trace.column("hidden")[5:15]
    assert session.appearance.values.track_ranges["hidden"] == (float(part.min()), float(part.max()))
    up_to_date(panel)
    assert all(len(end) <= len("≤−0.123") for end in track.ends)  # beside its name


def test_a_typed_scale_needs_two_numbers_in_order(qtbot, panel):
    found = []
    dialog = RangeDialog.ask(panel, "Scale", (-1.0, 1.0), found.append)
    ok = dialog.buttons.button(dialog.buttons.StandardButton.Ok)
    for text, fits in (("x", False), ("2", False), ("nan", False), ("−0.5", True)):
        dialog.low.setText(text)
        assert ok.isEnabled() == fits
    dialog.accept()
    assert found == [(-0.5, 1.0)]
    assert dialog.result() == QDialog.DialogCode.Accepted


@pytest.mark.parametrize("name", ORDERS)
def test_units_are_sorted_in_all_heat_maps_and_found_where_they_are(qtbot, panel, session, name):
    track, other = panel.track("cell"), panel.track("hidden")
    choose(track, f"{ORDERS[name].title} of cell")
    up_to_date(panel)
    order = ORDERS[name].of(session.trace.column("cell"))
    assert np.array_equal(track.order, order)
    assert np.array_equal(other.order, order)
    picture = other.canvas.grab().toImage()
    for row in (0, 7, 40, 63):
        unit = int(order[row])
        y = other.y_of(unit)
        assert y == pytest.approx((row + 0.5) / 64 * other.canvas.height())
        assert other.unit_at(y) == unit
        seen = picture.pixelColor(round(other.canvas.x_of(6.5)), int(y))
        assert seen == QColor(*(int(part) for part in other.table_of_places[other.columns.places[6, unit]][:3]))
    qtbot.mouseClick(other.canvas.viewport(), Qt.MouseButton.LeftButton,
                     pos=QPoint(round(other.canvas.x_of(6.5)), int(other.y_of(int(order[7])))))
    assert session.selection.units == (int(order[7]),)
    header, _ = rows_of(other.table())
    assert header[2] == f"hidden[{order[0]}]"
    choose(track, "By index")
    up_to_date(panel)
    assert other.order is None


def test_a_frame_shows_its_steps_and_its_units(qtbot, panel, session):
    track = panel.track("cell")
    view, shift = track.canvas.viewport(), Qt.KeyboardModifier.ShiftModifier
    start, stop = (QPoint(round(track.canvas.x_of(step)), round(track.y_of(unit))) for step, unit in ((10, 8), (25, 31)))
    step = session.playhead.step
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, shift, pos=start)
    qtbot.mouseMove(view, stop)
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, shift, pos=stop)
    up_to_date(panel)
    assert session.time_axis.start == pytest.approx(10, abs=0.2)
    assert session.time_axis.stop == pytest.approx(25, abs=0.2)
    assert track.unit_at(0.0) == 8
    assert track.unit_at(track.canvas.height() - 1.0) == 31
    assert [text for text, _ in track.ticks()][::2] == ["8", "31"]
    assert (session.playhead.step, session.selection.units) == (step, ())
    header, _ = rows_of(track.table())
    assert header[2:] == [f"cell[{unit}]" for unit in range(8, 32)]
    qtbot.mouseDClick(view, Qt.MouseButton.LeftButton, pos=start)
    assert (session.time_axis.start, session.time_axis.stop) == (0.0, 45.0)
    assert track.unit_at(0.0) == 0


def test_units_are_gone_through_by_keys(qtbot, panel, session):
    track = panel.track("hidden")
    session.playhead.seek(4)
    for _ in range(3):
        qtbot.keyClick(track, Qt.Key.Key_Down)
    assert session.selection.hover == 2
    assert f"{session.trace.column('hidden')[4, 2]:+.4f}".replace("-", "−") in panel.note
    qtbot.keyClick(track, Qt.Key.Key_Return)
    assert session.selection.units == (2,)


def test_what_is_remembered_is_read_back():
    values = AppearanceValues(track_colour_maps={"cell": "magma"}, track_ranges={"cell": (-1.0, 2.0)},
                              unit_order=("peak", "cell"))
    assert msgspec.json.decode(msgspec.json.encode(values), type=AppearanceValues) == values
    assert msgspec.json.decode(b"{}", type=AppearanceValues) == AppearanceValues()
