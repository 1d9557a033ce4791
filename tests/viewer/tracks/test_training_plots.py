"""The training room's plots without a backend: levels and cuts that are dragged, and the numbers behind them."""

from __future__ import annotations

import csv
import gc
import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QMouseEvent, QPainter
from PySide6.QtWidgets import QApplication, QMenu

from unrolled.models.protocol.training_room import (
    TrainingRoomChanges,
    TrainingRoomSettings,
    TrainingRoomStarted,
    TrainingRoomUpdated,
)
from unrolled.viewer.drawing.images import pixels_of
from unrolled.viewer.drawing.vector_files import svg_file
from unrolled.viewer.export.failure import ExportError
from unrolled.viewer.export.scenes.board import BoardStill
from unrolled.viewer.export.scenes.ground import blank
from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.plotting.figure import pdf_of, svg_of
from unrolled.viewer.theme.themes import DARK, LIGHT
from unrolled.viewer.training_room.controls import CELLS
from unrolled.viewer.training_room.curves import LossCurves, NormCurves, other_lines
from unrolled.viewer.training_room.gradient_plots import DecayPlot, MapPlot
from unrolled.viewer.training_room.history import History
from unrolled.viewer.training_room.plots import TITLES, TrainingPlots, draw_board
from unrolled.viewer.training_room.sentences import of_loss, of_map

STEPS = 24
STARTED = TrainingRoomStarted(room=1, settings=TrainingRoomSettings(), sentence="", chance_loss=0.6, chance_accuracy=0.5,
                              chance_note="", blocks=("h",), parameters=10)


def trained(updates=60):
    """A history whose numbers are known: the norm before clipping goes up, the loss down."""
    history = History(STARTED)
    states = np.arange(STEPS)
    hidden = np.where(states[:, None] >= states, 0.8 ** (states[:, None] - states), 0.0).astype("<f4")
    for update in range(1, updates + 1):
        before = 0.1 * update
        history.append(TrainingRoomUpdated(
            room=1, update=update, loss=2.0 / update, accuracy=0.5, norm_before=before, norm_after=min(before, 1.0),
            threshold=1.0, hidden=hidden.tobytes(), counted=bytes([1] * STEPS), radii=(0.8,), norms=(0.9,),
            window=0, milliseconds=1.0))
    return history


@pytest.fixture
def shown(qtbot):
    def show(figure):
        qtbot.addWidget(figure)
        figure.resize(500, 320)
        with qtbot.waitExposed(figure):
            figure.show()
        qtbot.wait(20)
        return figure

    return show


def widgets_left(qapp):
    """How many there are when those of other tests, which nothing holds any more, have gone."""
    gc.collect()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    return len(qapp.allWidgets())


def board(qapp, **look):
    """Plots as an export draws them, the same training once more as if of another cell."""
    page, one, changes = TrainingPlots(DARK), trained(), TrainingRoomChanges(window=6)

    def show_on(plots):
        plots.show(one, {"lstm": one}, changes, threshold=1.0, clipping=True, of_cell=False)

    show_on(page)
    before = widgets_left(qapp)
    try:
        return draw_board(page, show_on, ExportSettings(**look))
    finally:
        assert widgets_left(qapp) <= before, "every preview would leave its plots behind"


@pytest.mark.parametrize("columns", [1, 2, 3, 4])
def test_all_plots_are_exported_in_columns_as_wide_as_asked_for(qapp, columns):
    drawn = board(qapp, width=900, columns=columns, type_points=4.5)
    still = BoardStill(drawn, ExportSettings(width=900))
    drawing = svg_file(still.size, lambda painter: still.paint(painter, fineness=3, told=print), title="",
                       outlines=False).decode().replace("\u00a0", " ")
    assert still.size.width() == 900
    assert [drawing.count(f">{title}<") for title in TITLES] == [1, 1, 1, 1]
    assert "LSTM before" in drawing
    place = r'matrix\([^)]*,([\d.]+),[\d.]+\)"[^>]*>\s*<text[^>]*>'
    places = [found for title in TITLES for found in re.findall(f"{place}{re.escape(title)}<", drawing)]
    assert len(places) == 4
    assert len(set(places)) == columns


def test_plots_for_a_file_have_lines_for_its_resolution_and_no_ground(qapp):
    def thickness(dpi):
        still = BoardStill(board(qapp, dpi=dpi, clear=True), ExportSettings(dpi=dpi, clear=True))
        image = blank((still.size.toSizeF() * (dpi / 96)).toSize(), ExportSettings(clear=True))
        with QPainter(image) as painter:
            painter.scale(dpi / 96, dpi / 96)
            still.paint(painter, fineness=dpi / 96, told=print)
        pixels = pixels_of(image)
        assert pixels[0, 0, 3] == 0
        return (pixels[..., 3] > 0).mean()

    assert thickness(384) == pytest.approx(thickness(96), rel=0.25)  # of thin lines a third would be left


def test_where_there_is_no_room_for_the_plots_a_sentence_says_so(qapp):
    with pytest.raises(ExportError, match="no room"):
        board(qapp, columns=4, type_points=20)


@pytest.mark.parametrize("width", [500, 262])
def test_a_legend_goes_on_in_another_line_and_is_not_cut(qtbot, shown, width):
    figure = shown(LossCurves(LIGHT))
    figure.resize(width, 220)
    one = trained()
    figure.show_history(one, {"lstm": one})
    legend = figure._legend
    qtbot.waitUntil(lambda: legend.height() > 14)
    lines = legend.item.document().firstBlock().layout().lineCount()
    assert (lines > 1) == (width < 300)
    assert legend.item.document().idealWidth() <= legend.width() < width
    assert legend.height() >= 14 * lines


def drag(qtbot, plot, start, end):
    qtbot.mouseMove(plot.surface, start.toPoint())
    qtbot.mousePress(plot.surface, Qt.MouseButton.LeftButton, pos=start.toPoint())
    for part in (0.3, 0.6, 1.0):
        place = start + (end - start) * part
        QApplication.sendEvent(plot.surface, QMouseEvent(
            QEvent.Type.MouseMove, QPointF(place.toPoint()), QPointF(plot.surface.mapToGlobal(place.toPoint())),
            Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier))
        qtbot.wait(40)  # moves that follow one another faster are left out
    qtbot.mouseRelease(plot.surface, Qt.MouseButton.LeftButton, pos=end.toPoint())


def copied(qtbot, plot):
    plot.activateWindow()
    plot.setFocus()
    qtbot.waitUntil(plot.hasFocus)
    qtbot.keyClick(plot, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    return np.array(list(csv.reader(io.StringIO(QGuiApplication.clipboard().text())))[1:], np.float64)


def test_the_threshold_is_dragged(qtbot, shown):
    norms = shown(NormCurves(LIGHT))
    norms.show_history(trained())
    norms.set_threshold(1.0, clipping=True)
    moved = []
    norms.threshold_changed.connect(moved.append)
    plot = norms
    before = plot.ranges
    drag(qtbot, plot, plot.place_of(20, 1.0), plot.place_of(20, 3.0))
    assert moved[-1] == pytest.approx(3.0, rel=0.1)
    assert norms.threshold == moved[-1]
    assert plot.ranges == before


def test_the_cut_is_dragged_by_its_grip_and_by_its_edge(qtbot, shown):
    chart = shown(MapPlot(LIGHT, "inferno"))
    chart.show_map(trained().latest_map, of_cell=False)
    moved = []
    chart.window_changed.connect(moved.append)
    plot = chart
    drag(qtbot, plot, plot.place_of(0.5, STEPS + 0.5), plot.place_of(6.0, 16.0))  # not truncated: the grip is in the corner
    assert chart.truncation == 10
    assert moved[-1] == 10
    drag(qtbot, plot, plot.place_of(2.5, 12.5), plot.place_of(2.5, 8.0))  # a corner of the edge, away from the grip
    assert chart.truncation in (5, 6)
    for key, window in ((Qt.Key.Key_Home, 1), (Qt.Key.Key_Left, 2), (Qt.Key.Key_End, 0)):
        qtbot.keyClick(plot, key)
        assert chart.truncation == window


def test_what_is_read_out_is_what_was_measured(qtbot, shown):
    history = trained()
    loss, chart, decay = shown(LossCurves(LIGHT)), shown(MapPlot(LIGHT, "inferno")), shown(DecayPlot(LIGHT))
    loss.show_history(history)
    chart.show_map(history.latest_map, of_cell=False)
    chart.set_window(3)
    decay.show_history(history, of_cell=False, window=3)
    assert loss.reading(10.2, 0.0) == "update 10: loss 0.20, 50% right"
    assert loss.reading(99.0, 0.0) == ""
    assert chart.reading(2.0, 6.0) == "‖∂L(6)/∂h(2)‖ = 0.41, cut off"
    assert chart.reading(6.0, 2.0) == "loss 2 comes before state 6"
    assert decay.reading(4.1, 1.0) == "4 steps back: × 0.41, bound 0.66"


def test_the_tables_are_the_history(qtbot, shown):
    history = trained()
    norms, chart = shown(NormCurves(LIGHT)), shown(MapPlot(LIGHT, "inferno"))
    norms.show_history(history)
    chart.show_map(history.latest_map, of_cell=False)
    table = copied(qtbot, norms)
    np.testing.assert_array_equal(table[:, 0], np.arange(1, 61))
    np.testing.assert_array_equal(table[:, 1], history.column("before"))
    np.testing.assert_array_equal(copied(qtbot, chart)[:, 1:].astype(np.float32), history.latest_map.hidden)


def test_what_was_trained_before_is_in_the_tables_too(qtbot, shown):
    history, longer = trained(), trained(90)
    loss, decay = shown(LossCurves(LIGHT)), shown(DecayPlot(LIGHT))
    loss.show_history(history, {"gru": longer})
    decay.show_history(history, of_cell=False, window=0, others={"gru": longer})
    table = copied(qtbot, loss)
    np.testing.assert_array_equal(table[:, 0], np.arange(1, 91))
    np.testing.assert_array_equal(table[:, 4], longer.column("loss"))
    np.testing.assert_array_equal(np.isnan(table[:, 1]), np.arange(90) >= 60)
    np.testing.assert_array_equal(copied(qtbot, decay)[:, -1].astype(np.float32),
                                  longer.latest_map.decay(False).middle.astype(np.float32))


def test_no_two_cells_are_told_apart_by_colour_alone(shown):
    assert len({line.style for line in other_lines(shown(LossCurves(LIGHT))).values()}) == len(CELLS)


def test_other_colours_are_chosen_in_the_maps_menu(qtbot, shown):
    chart = shown(MapPlot(LIGHT, "inferno"))
    chart.show_map(trained().latest_map, of_cell=False)
    before = chart.grab().toImage()
    menu = QMenu()
    qtbot.addWidget(menu)
    chart.extend_menu(menu)
    colours = menu.findChild(QMenu)
    assert next(action for action in colours.actions() if action.isChecked()).text() == "Inferno"
    next(action for action in colours.actions() if action.text() == "Viridis").trigger()
    assert chart.colour_map == "viridis"
    assert chart.grab().toImage() != before


def test_nothing_is_drawn_of_a_training_that_is_no_more(qtbot, shown):
    for figure in (LossCurves(LIGHT), NormCurves(DARK)):
        shown(figure).show_history(trained())
        with_history = figure.grab().toImage()
        figure.show_history(None)
        assert figure.grab().toImage() != with_history


def test_drawings_have_no_lossy_pictures_and_nothing_beyond_the_axes(qtbot, shown):
    chart, decay = shown(MapPlot(LIGHT, "inferno")), shown(DecayPlot(LIGHT))
    chart.show_map(trained().latest_map, of_cell=False)
    chart.set_window(9)
    decay.show_history(trained(), of_cell=False, window=9)
    page = pdf_of(chart, "Gradients")
    assert b"/Image" in page
    assert b"DCTDecode" not in page, "a JPEG"
    drawing = ElementTree.fromstring(svg_of(decay, "Decay"))
    clips = {clip.get("id") for clip in drawing.iter("{http://www.w3.org/2000/svg}clipPath")}
    used = {group.get("clip-path") for group in drawing.iter("{http://www.w3.org/2000/svg}g") if group.get("clip-path")}
    assert used
    assert {use.removeprefix("url(#").rstrip(")") for use in used} <= clips


def test_a_verdict_waits_until_it_holds():
    history = trained(0)

    def go_on(*losses, factor=0.8):
        states = np.arange(STEPS)
        hidden = np.where(states[:, None] >= states, factor ** (states[:, None] - states), 0.0).astype("<f4")
        for loss in losses:
            history.append(TrainingRoomUpdated(
                room=1, update=len(history) + 1, loss=loss, accuracy=0.5, norm_before=1.0, norm_after=1.0, threshold=1.0,
                hidden=hidden.tobytes(), counted=bytes([1] * STEPS), radii=(0.8,), norms=(0.9,), window=0, milliseconds=1.0))

    go_on(0.1)
    assert "too early" in of_loss(history)  # one lucky batch
    go_on(*[0.6] * 60)
    assert "not settled" in of_loss(history) or "about what chance" in of_loss(history)
    go_on(*[0.1] * 200)
    assert "so it remembers" in of_loss(history)
    assert "vanish" in of_map(history.recent_maps, 0, of_cell=False)
    go_on(0.1, factor=1.2)
    assert of_map(history.recent_maps, 0, of_cell=False).startswith("Not settled")  # one map is no verdict
    go_on(*[0.1] * 20, factor=1.2)
    assert "explode" in of_map(history.recent_maps, 0, of_cell=False)
