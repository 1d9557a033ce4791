"""The plots: numbers where they belong, ranges that a person chooses, levels that can be dragged or moved by keys."""

from __future__ import annotations

import base64
import csv
import io
import re

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QHelpEvent, QImage, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QScrollArea, QToolTip, QWidget

from unrolled.viewer.plotting.axis import Axis, Ticks
from unrolled.viewer.plotting.context_menu import FigureMenu
from unrolled.viewer.plotting.figure import svg_of
from unrolled.viewer.plotting.ink import ink
from unrolled.viewer.plotting.marks import lowest_and_highest
from unrolled.viewer.plotting.place_bars import Bars, PlaceBars
from unrolled.viewer.plotting.place_map import PlaceMap
from unrolled.viewer.plotting.plot import Plot
from unrolled.viewer.plotting.table import Table
from unrolled.viewer.theme.colour_maps import colour_table
from unrolled.viewer.theme.themes import DARK, LIGHT
from unrolled.viewer.widgets.range_dialog import RangeDialog

UPDATES = np.arange(1.0, 20_001)
VALUES = np.sin(UPDATES / 700) + 1.5


@pytest.fixture
def plot(qtbot):
    made = Plot("Loss over updates", Axis("update", whole=True), Axis("‖g‖", log=True), LIGHT,
                table=lambda: Table(("update", "loss"), (UPDATES, VALUES)))
    qtbot.addWidget(made)
    made.resize(480, 300)
    with qtbot.waitExposed(made):
        made.show()
    made.set_ranges((0.0, 20_000.0), (0.1, 10.0))
    return made


def at(plot, x, y):
    return plot.place_of(x, y).toPoint()


def wheel(plot, place, notches, modifiers=Qt.KeyboardModifier.NoModifier):
    """Turn the wheel as the system does, so that what is not taken goes on to what is around."""
    top = plot.window()
    QTest.wheelEvent(top.windowHandle(), QPointF(plot.surface.mapTo(top, place)), QPoint(0, 120 * notches), QPoint(), modifiers)
    QApplication.processEvents()


def drag(qtbot, plot, start, end, modifier=Qt.KeyboardModifier.NoModifier):
    qtbot.mouseMove(plot.surface, start)
    qtbot.mousePress(plot.surface, Qt.MouseButton.LeftButton, modifier, start)
    for part in (0.3, 0.6, 1.0):
        place = start + (end - start) * part
        QApplication.sendEvent(plot.surface, QMouseEvent(
            QEvent.Type.MouseMove, QPointF(place), QPointF(plot.surface.mapToGlobal(place)), Qt.MouseButton.NoButton,
            Qt.MouseButton.LeftButton, modifier))
        qtbot.wait(40)  # moves that follow one another faster are left out
    qtbot.mouseRelease(plot.surface, Qt.MouseButton.LeftButton, modifier, end)


def colour_at(plot, x, y):
    return plot.grab().toImage().pixelColor(plot.surface.mapTo(plot, at(plot, x, y))).name()


def test_a_line_is_drawn_where_its_numbers_are(plot):
    plot.line(ink("accent"), width=3.0).show(UPDATES, VALUES)

    assert colour_at(plot, 1100, 2.5) == LIGHT.accent
    assert colour_at(plot, 1100, 0.3) == LIGHT.panel
    plot.set_theme(DARK)
    assert colour_at(plot, 1100, 2.5) == DARK.accent
    assert colour_at(plot, 1100, 0.3) == DARK.panel


def test_a_line_that_was_given_before_the_plot_had_a_size_is_drawn_whole(qtbot):
    plot = Plot("A line", Axis("step"), Axis("loss"), LIGHT)
    qtbot.addWidget(plot)
    plot.set_ranges((0.0, 4.0), (0.0, 4.0))
    plot.line(ink("accent"), width=6.0).show(np.arange(5.0), np.array([0.0, 3.0, 1.0, 3.0, 0.0]))
    plot.resize(400, 300)
    with qtbot.waitExposed(plot):
        plot.show()
    qtbot.wait(20)
    assert colour_at(plot, 1.5, 2.0) == LIGHT.accent
    assert colour_at(plot, 2.5, 2.0) == LIGHT.accent
    assert colour_at(plot, 2.0, 2.7) == LIGHT.panel


def test_of_many_numbers_a_pixel_shows_the_least_and_the_greatest():
    values = np.sin(np.arange(100_000.0))
    values[77_777], values[20:40] = 9.0, np.nan

    x, y = lowest_and_highest(np.arange(100_000.0), values, 500)

    assert len(x) == len(y) == 1000
    assert np.nanmax(y) == 9.0
    assert abs(x[np.nanargmax(y)] - 77_777) < 200


def test_the_wheel_zooms_round_the_pointer_and_0_resets(qtbot, plot):
    before = plot.ranges
    place = at(plot, 5000, 1.0)
    wheel(plot, place, 3)

    (left, right), (low, high) = plot.ranges
    assert right - left < 20_000
    assert low > 0.1
    assert high < 10
    assert (at(plot, 5000, 1.0) - place).manhattanLength() <= 2, "what lies under the pointer stays there"
    plot.set_ranges((0.0, 50_000.0), (0.1, 10.0))
    assert plot.ranges[0][1] == pytest.approx(right), "what a person chose stays while the run grows"
    qtbot.keyClick(plot, Qt.Key.Key_0)
    assert plot.ranges[0] == pytest.approx((0, 50_000))
    assert plot.ranges[1] == pytest.approx(before[1])


def test_in_a_page_that_scrolls_the_wheel_zooms_with_ctrl_or_once_the_plot_was_clicked(qtbot, plot):
    area, inside = QScrollArea(), QWidget()
    qtbot.addWidget(area)
    plot.setParent(inside)
    inside.resize(480, 900)
    area.setWidget(inside)
    area.resize(500, 400)
    with qtbot.waitExposed(area):
        area.show()
    plot.show()
    area.setFocus()
    qtbot.wait(20)
    before, place = plot.ranges, at(plot, 5000, 1.0)
    wheel(plot, place, -1)
    assert area.verticalScrollBar().value() > 0
    assert plot.ranges == before
    place = at(plot, 5000, 1.0)
    wheel(plot, place, 1, Qt.KeyboardModifier.ControlModifier)
    assert plot.ranges != before
    before = plot.ranges
    plot.setFocus()
    wheel(plot, place, 1)
    assert plot.ranges != before
    small = PlaceMap("attention α", LIGHT, signed_values=False, parent=inside)  # whose plot is a part of it
    small.set_values(np.arange(100, dtype=np.float32), (10, 10))
    small.show()
    qtbot.wait(20)
    qtbot.mouseClick(small._plot.surface, Qt.MouseButton.LeftButton)
    assert small.hasFocus()
    before = small._plot.ranges
    wheel(small._plot, at(small._plot, 5, 5), 1)
    assert small._plot.ranges != before
    plot.setParent(None)  # each of the two is closed by itself


def test_dragging_pans_and_with_shift_zooms_into_a_box(qtbot, plot):
    drag(qtbot, plot, at(plot, 10_000, 1.0), at(plot, 5000, 1.0))
    assert plot.ranges[0] == pytest.approx((5000, 25_000), rel=0.02)
    plot.reset()
    drag(qtbot, plot, at(plot, 4000, 5.0), at(plot, 8000, 0.5), Qt.KeyboardModifier.ShiftModifier)
    (left, right), (low, high) = plot.ranges
    assert (left, right) == pytest.approx((4000, 8000), rel=0.03)
    assert (low, high) == pytest.approx((0.5, 5.0), rel=0.05)


def test_keys_zoom_and_pan(qtbot, plot):
    qtbot.keyClick(plot, Qt.Key.Key_Plus)
    assert plot.ranges[0] == pytest.approx((2000, 18_000))
    qtbot.keyClick(plot, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert plot.ranges[0] == pytest.approx((3600, 19_600))
    qtbot.keyClick(plot, Qt.Key.Key_Minus)
    qtbot.keyClick(plot, Qt.Key.Key_0)
    assert plot.ranges[0] == pytest.approx((0, 20_000))


def typed(qtbot, figure, entry, low, high):
    """Choose a range in a figure's menu; whether it could be taken."""
    menu = figure.findChild(FigureMenu).menu()
    next(action for action in menu.actions() if action.text() == entry).trigger()
    menu.close()
    dialog = next(dialog for dialog in figure.findChildren(RangeDialog) if dialog.isVisible())
    for field, text in ((dialog.low, low), (dialog.high, high)):
        field.setText(text)
    ok = dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)
    possible = ok.isEnabled()
    qtbot.mouseClick(ok if possible else dialog.buttons.buttons()[1], Qt.MouseButton.LeftButton)
    return possible


def test_ranges_can_be_typed(qtbot, plot):
    assert typed(qtbot, plot, "Range of update…", "100", "2000")
    assert not typed(qtbot, plot, "Range of ‖g‖…", "−1", "2"), "a logarithmic axis has no place for it"
    assert typed(qtbot, plot, "Range of ‖g‖…", "0.5", "2")
    assert plot.ranges[0] == pytest.approx((100, 2000))
    assert plot.ranges[1] == pytest.approx((0.5, 2))


def test_what_is_typed_for_one_axis_of_a_square_plot_is_shown(qtbot):
    plot = Plot("A map", Axis("k"), Axis("t"), LIGHT, downwards=True, square=True)
    qtbot.addWidget(plot)
    plot.resize(500, 300)
    with qtbot.waitExposed(plot):
        plot.show()
    plot.set_ranges((0.0, 24.0), (0.0, 24.0))
    assert typed(qtbot, plot, "Range of k…", "4", "10")
    assert plot.ranges[0] == pytest.approx((4, 10))
    assert typed(qtbot, plot, "Range of t…", "2", "6")
    assert plot.ranges[1] == pytest.approx((2, 6))


def test_a_place_is_what_stands_there_on_any_axis(plot):
    for x, y in ((5000, 1.0), (12_000, 0.2)):
        assert plot.values_at(plot.place_of(x, y)) == pytest.approx((x, y), rel=0.01)


def test_a_level_is_dragged_and_moved_by_keys_within_its_limits(qtbot, plot):
    moved = []

    def move(value):
        moved.append(value)
        level.show(value, f"threshold {value:.2g}")

    level = plot.level(ink("playhead"), "threshold", moved=move, limits=(0.2, 5.0))
    level.show(1.0, "threshold 1.0")
    drag(qtbot, plot, at(plot, 5000, 1.0), at(plot, 5000, 2.0))
    assert level.value == pytest.approx(2.0, rel=0.05)
    assert plot.ranges[0] == pytest.approx((0, 20_000)), "it is the level that is dragged, not the plot"
    drag(qtbot, plot, at(plot, 5000, level.value), at(plot, 5000, 9.0))
    assert level.value == pytest.approx(5.0)
    level.show(1.0, "threshold 1.0")
    for key, value in ((Qt.Key.Key_Up, 1.1), (Qt.Key.Key_PageDown, 0.55), (Qt.Key.Key_Down, 0.5)):
        qtbot.keyClick(plot, key)
        assert level.value == pytest.approx(value)


def test_the_pointer_reads_out_and_a_click_is_a_place(qtbot, plot):
    plot.reading = lambda x, y: f"{x:.0f}, {y:.1f}"
    said, clicked = [], []
    plot.read_out.connect(said.append)
    plot.clicked.connect(lambda x, y: clicked.append((x, y)))
    place = at(plot, 5000, 1.0)
    qtbot.mouseMove(plot.surface, place)
    qtbot.waitUntil(lambda: bool(said))
    assert said[-1].endswith(", 1.0")
    qtbot.mouseClick(plot.surface, Qt.MouseButton.LeftButton, pos=place)
    assert clicked[0] == pytest.approx((5000, 1.0), rel=0.02)


@pytest.mark.parametrize("width", range(200, 280, 10))
def test_a_legend_breaks_between_names_alone(qtbot, plot, width):
    for name in ("‖∂L/∂hₜ‖", "‖∂L/∂cₜ‖", "‖∂L/∂xₜ‖"):
        plot.line(ink("accent"), name).show(UPDATES, VALUES)
    plot.show_legend()
    plot.resize(width, 300)
    qtbot.wait(20)
    block = plot._legend.item.document().firstBlock()
    lines = [block.layout().lineAt(number) for number in range(block.layout().lineCount())]
    assert len(lines) > 1
    assert all(block.text()[line.textStart()] == "━" for line in lines)


def test_the_numbers_that_are_copied_are_all_that_were_recorded(qtbot, plot):
    plot.line(ink("accent")).show(UPDATES, VALUES)
    plot.setFocus()
    qtbot.keyClick(plot, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    rows = list(csv.reader(io.StringIO(QGuiApplication.clipboard().text())))
    assert len(rows) == 20_001
    assert [float(row[1]) for row in rows[1:]] == VALUES.tolist()


def test_a_heat_map_has_its_first_row_on_top_and_keeps_its_cells_in_drawings(qtbot):
    plot = Plot("A map", Axis("k"), Axis("t"), LIGHT, downwards=True, square=True)
    qtbot.addWidget(plot)
    plot.resize(300, 300)
    with qtbot.waitExposed(plot):
        plot.show()
    plot.set_ranges((0.0, 2.0), (0.0, 2.0))
    colours = colour_table("viridis")[[[0, 80], [160, 255]]]
    plot.heatmap().show(colours)
    names = [[QColor(*(int(part) for part in cell)).name() for cell in row] for row in colours]
    assert [[colour_at(plot, x, y) for x in (0.5, 1.5)] for y in (0.5, 1.5)] == names
    pictures = [QImage.fromData(base64.b64decode(found)) for found in re.findall(rb"base64,([^\"]+)", svg_of(plot, "A map"))]
    assert [picture.width() for picture in pictures] == [1024]
    assert [pictures[0].pixelColor(x, 0).name() for x in (0, 511, 512, 1023)] == [
        names[0][0], names[0][0], names[0][1], names[0][1]], "cells have edges, however large a viewer draws them"


@pytest.mark.parametrize(("axis", "low", "high", "texts"), [
    (Axis("loss"), 0.0, 1.0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    (Axis("update", whole=True), 0.0, 3.0, ["0", "1", "2", "3"]),
    (Axis("a"), -2000.0, 2000.0, ["−2,000", "−1,000", "0", "1,000", "2,000"]),
    (Axis("steps"), -1e6, 1.5e6, ["−1M", "−500k", "0", "500k", "1M", "1.5M"]),
    (Axis("‖g‖", log=True), -3.0, 1.0, ["10⁻³", "10⁻²", "10⁻¹", "1", "10"]),
    (Axis("‖g‖", log=True), 0.1, 0.9, ["2", "5"]),
])
def test_axes_have_round_numbers(qapp, axis, low, high, texts):
    ticks = Ticks(axis, "left")
    (spacing, places), = ticks.tickValues(low, high, 170)
    assert ticks.tickStrings(places, 1.0, spacing) == texts


def test_an_axis_has_two_numbers_at_least(qapp):
    ticks = Ticks(Axis("value"), "bottom")
    (spacing, places), = ticks.tickValues(-3.0, 3.0, 215)
    assert ticks.tickStrings(places, 1.0, spacing) == ["−2", "0", "2"]


def test_words_are_plain_text_wherever_a_plot_writes_them(qtbot):
    word = "<img src=x onerror=y>"
    bars = PlaceBars("What each word did", LIGHT)
    qtbot.addWidget(bars)
    bars.set_bars((word, "dog"), (Bars(word, "α", np.array([0.5, 1.0], np.float32), False, 1.0),))
    bars.resize(300, bars.sizeHint().height())
    with qtbot.waitExposed(bars):
        bars.show()
    qtbot.wait(20)
    figure = bars.findChild(FigureMenu)
    figure.place = bars.plots[0].geometry().center()
    menu = figure.menu()
    assert [entry.text() for entry in menu.actions() if "Range of" in entry.text()] == [f"Range of {word}…"]
    menu.close()
    drawing = svg_of(bars, "Bars").decode()
    assert "dog" in drawing
    assert "<img" not in drawing
    first = bars.plots[0]
    place = first.place_of(0.2, 0).toPoint()
    qtbot.mouseMove(first.surface, place)
    qtbot.waitUntil(lambda: bars.marked == -1 or bars.marked == 0)
    spot = first.surface.mapTo(first, place)
    QApplication.sendEvent(first, QHelpEvent(QEvent.Type.ToolTip, spot, first.mapToGlobal(spot)))
    assert QToolTip.text().startswith(f"“{word}”")  # which the program's style sheet has shown as it is written
    QToolTip.hideText()


def test_a_small_map_reads_out_its_cells_and_marks_what_is_beyond_its_scale(qtbot):
    small = PlaceMap("attention α", LIGHT, signed_values=False)
    qtbot.addWidget(small)
    values = np.arange(6, dtype=np.float32) / 10
    small.set_values(values, (2, 3), top=0.4)
    with qtbot.waitExposed(small):
        small.show()
    assert small.reading(2.5, 1.5) == "row 2, column 3: 0.5000"
    assert small.reading(0.5, 0.5) == "row 1, column 1: 0.0000"
    assert small.reading(3.5, 0.5) == ""
    assert small.scale_ends == ("0", "≥ 0.4")
    signed = PlaceMap("gradient × input", LIGHT, signed_values=True)
    qtbot.addWidget(signed)
    signed.set_values(values - 0.3, (2, 3))
    assert signed.scale_ends == ("−0.3", "0.3")


def test_a_small_map_is_zoomed_and_shown_whole_again(qtbot):
    small = PlaceMap("attention α", LIGHT, signed_values=False)
    qtbot.addWidget(small)
    small.set_values(np.arange(100, dtype=np.float32), (10, 10))
    with qtbot.waitExposed(small):
        small.show()
    plot = small._plot
    whole = plot.ranges
    wheel(plot, at(plot, 7.5, 2.5), 3, Qt.KeyboardModifier.ControlModifier)
    (left, right), (low, high) = plot.ranges
    assert 0 < left < 7.5 < right < 10
    assert 0 < low < 2.5 < high < 10
    small.setFocus()
    qtbot.keyClick(small, Qt.Key.Key_0)
    assert plot.ranges == whole
    drag(qtbot, plot, at(plot, 2, 2), at(plot, 4, 4), Qt.KeyboardModifier.ShiftModifier)
    assert plot.ranges[0] == pytest.approx((2, 4), abs=0.2)
    qtbot.mouseDClick(plot.surface, Qt.MouseButton.LeftButton, pos=at(plot, 3, 3))
    assert plot.ranges == whole
    qtbot.keyClick(small, Qt.Key.Key_Plus)
    menu = small.findChild(FigureMenu).menu()
    next(action for action in menu.actions() if action.text().startswith("Reset ranges")).trigger()
    assert plot.ranges == whole


def test_columns_of_bars_have_the_same_rows_in_sight(qtbot):
    bars = PlaceBars("What each word did", LIGHT)
    qtbot.addWidget(bars)
    values = np.linspace(0, 1, 12, dtype=np.float32)
    bars.set_bars(tuple("abcdefghijkl"), tuple(Bars(name, name, values, False, 1.0) for name in "xy"))
    bars.resize(400, bars.sizeHint().height())
    with qtbot.waitExposed(bars):
        bars.show()
    first, second = bars.plots
    whole = first.ranges
    wheel(second, at(second, 0.2, 3), 3, Qt.KeyboardModifier.ControlModifier)
    assert first.ranges[1] == pytest.approx(second.ranges[1], abs=0.2)
    assert first.ranges[1][1] - first.ranges[1][0] < 11
    assert first.ranges[0] == whole[0]
    bars.setFocus()
    qtbot.keyClick(bars, Qt.Key.Key_0)
    assert (first.ranges, second.ranges) == (whole, whole)


def test_what_a_plot_says_while_it_is_empty_is_seen(qtbot):
    plot = Plot("Loss", Axis("update"), Axis("loss"), LIGHT)
    qtbot.addWidget(plot)
    plot.resize(400, 300)
    plot.show()
    qtbot.wait(20)
    empty = plot.grab().toImage()
    numbers = plot.grab().toImage().copy(80, 266, 280, 10)  # below the axis
    plot.say("The loss of every update will be drawn here.")
    none = plot.grab().toImage().copy(80, 266, 280, 10)
    colours = [len({image.pixel(x, y) for x in range(280) for y in range(10)}) for image in (none, numbers)]
    assert colours[0] <= 2 < colours[1]  # marks without numbers: nothing is measured yet
    assert plot.grab().toImage() != empty
    plot.say("")
    assert plot.grab().toImage() == empty
