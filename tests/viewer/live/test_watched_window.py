"""The window on somebody's own training: what its process tells is drawn, and the slider goes back through it."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from PySide6.QtCore import Qt

from unrolled.models.protocol.watching import LayerGradients, WatchBegun, WatchedLosses, WatchedUpdate, WatchEnded
from unrolled.models.trace import Channel
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.appearance import Appearance, AppearanceValues
from unrolled.viewer.watching.history import WatchHistory
from unrolled.viewer.window.exporting.dialog import ExportDialog
from unrolled.viewer.window.watch_window import WatchWindow

STEPS, UNITS = 4, 3
CHANNEL = Channel(name="hidden", role="hidden", symbol="h", axes=("unit",), shape=(UNITS,), low=-1.0, high=1.0)
BEGUN = WatchBegun("Net", 10, 1234, (CHANNEL,), tuple("abcd"))


def f4(*values):
    return np.array(values, "<f4").tobytes()


def update(number, dropped=0):
    """Its probe holds its number, and its gradients halve from step to step."""
    layers = (LayerGradients("rnn · L0", f4(1, 2, 4, 8), f4(2, 4, 8, 16)), LayerGradients("rnn · L1", f4(8, 4, 2, 1)))
    return WatchedUpdate(number, 2.0, 0.5, layers if number else (), np.full(STEPS * UNITS, number / 100, "<f4").tobytes(), 1.5,
                         dropped)


@pytest.fixture
def window(qtbot):
    made = WatchWindow(BackendProcess([]), Appearance(AppearanceValues(theme="light")))
    made.resize(1440, 900)
    made.show()
    yield made
    made.close()
    made.deleteLater()


@pytest.fixture
def told(window):
    tell = window.page._backend.report.emit
    tell(BEGUN)
    tell(WatchedLosses(np.arange(1, 41, dtype="<i4").tobytes(), (2.0 / np.arange(1, 41)).astype("<f4").tobytes()))
    for number in (0, 1, 10, 20, 30, 40):
        tell(update(number, dropped=number // 40))
    window.page.refresh()
    return window.page


def test_it_waits_and_then_follows_the_newest(window, told):
    assert told.where.text() == "update 40 of 40"
    assert told.title.text() == "Net, 1,234 weights"
    assert "1 not shown" in told.said.text()
    np.testing.assert_allclose(told.session.trace.column("hidden"), 0.4, atol=1e-6)
    window.page._backend.report.emit(update(50))
    told.refresh()
    assert told.where.text() == "update 50 of 50"


def test_the_slider_goes_back_and_live_comes_forward_again(qtbot, told):
    told.do(c.Seek(2))
    told.do(c.TogglePin(1))
    told.slider.setFocus()
    qtbot.keyClick(told.slider, Qt.Key.Key_Left)
    told.refresh()
    assert not told.live.isChecked()
    assert told.update_number == 30
    np.testing.assert_allclose(told.session.trace.column("hidden"), 0.3, atol=1e-6)
    assert told.session.playhead.step == 2        # comparable: the same step of the same probe
    assert told.session.selection.units == (1,)
    told._backend.report.emit(update(60))
    told.refresh()
    assert told.update_number == 30               # nobody is pulled away from what they look at
    told.loss.clicked.emit(14.0, 0.1)
    told.refresh()
    assert told.where.text() == "update 10 of 60"
    qtbot.mouseClick(told.live, Qt.MouseButton.LeftButton, pos=told.live.rect().center() * 0.2 + told.live.rect().topLeft())
    told.refresh()
    assert told.where.text() == "update 60 of 60"


def test_layers_and_cells_can_be_chosen(told):
    assert [told.layer.itemText(place) for place in range(told.layer.count())] == ["rnn · L0", "rnn · L1"]
    assert told.layer.currentText() == "rnn · L1"
    assert not told.of_cell.isEnabled()
    assert told.sections[3]._note.text() == "largest at step 1"
    told.layer.setCurrentIndex(0)
    told.refresh()
    assert told.sections[3]._note.text() == "at step 1 × 0.12 of step 4"
    told.of_cell.setChecked(True)
    told.refresh()
    assert told.sections[2]._note.text() == "‖∂L/∂cₜ‖"
    told.slider.setValue(0)
    told.refresh()
    assert told.update_number == 0  # which has no gradients: those of the others are drawn as before
    assert told.of_cell.isEnabled()
    assert told.sections[2]._note.text() == "‖∂L/∂cₜ‖"
    told.slider.setValue(told.slider.maximum())
    told.refresh()
    assert told.map._read(25.0, 4.0) == "about update 25, step 4: 16"
    assert told.profile._read(2.0, 0.0) == "step 2: ∂L/∂h 2.0, ∂L/∂c 4.0"
    assert told.norms._read(33.0, 0.0) == "update 30: 2.0 before, 0.50 after clipping"
    assert told.loss._read(4.0, 0.0) == "update 4: loss 0.50"


def test_the_end_a_lost_process_and_what_does_not_fit(window, told):
    window.page._backend.report.emit(WatchedUpdate(70, values=b"123"))
    assert "does not fit" in told.said.text()
    window.page._backend.report.emit(WatchEnded(70))
    told.refresh()
    assert "the training is over" in told.said.text()
    assert not told.live.isEnabled()
    window.page._backend.died.emit("The connection to the backend ended.")
    told.refresh()
    assert told.where.text() == "update 40 of 40"


def test_losses_below_zero_have_an_axis_of_their_own(told):
    assert told.losses.currentWidget() is told.positive_loss
    told._backend.report.emit(WatchedLosses(np.array([41], "<i4").tobytes(), f4(-3)))
    told.refresh()
    assert told.losses.currentWidget() is told.any_loss
    (left, right), (low, high) = told.loss.ranges
    assert (left, right) == (0.0, 50.0)
    assert low < -2 < 1.5 < high


def test_light_and_dark(qtbot, window, told):
    assert window.theme.name == "light"
    qtbot.mouseClick(told.look, Qt.MouseButton.LeftButton)
    assert (window.theme.name, told.tracks.theme.name, told.loss.theme.name) == ("dark",) * 3


def test_the_map_shows_at_each_update_the_newest_before_it():
    history = WatchHistory(BEGUN)
    for number in (1, 10, 20, 40):
        history.take(WatchedUpdate(number, gradients=(LayerGradients("h", f4(number, 1)),)))
    table, first, width = history.gradient_map("h", 100, of_cell=False)
    assert table.shape == (2, 3)
    assert first == 1
    assert width == 13
    assert table[0].tolist() == [1, 20, 20]


def test_the_maps_numbers_are_those_of_every_update_that_was_seen(told):
    header, *rows = csv.reader(io.StringIO(told.map._table().csv()))
    assert header == ["update", *(f"step {step}" for step in range(STEPS))]
    assert [int(row[0]) for row in rows] == [1, 10, 20, 30, 40], "not a column of the picture, in which some are left out"
    assert [float(cell) for cell in rows[2][1:]] == [8, 4, 2, 1]
    for plot in (told.loss, told.norms):
        assert next(csv.reader(plot._table().csv().splitlines()[1:]))[0] == "1"


def test_a_probe_of_several_layers_is_looked_at_a_layer_at_a_time(window):
    page, tell = window.page, window.page._backend.report.emit
    layered = Channel(name="hidden", role="hidden", symbol="h", axes=("layer", "unit"), shape=(2, UNITS), low=-1.0, high=1.0)
    tell(WatchBegun("Net", 10, 1234, (layered,), ("a", "b")))
    tell(WatchedUpdate(1, values=f4(*range(12))))
    page.refresh()
    assert page.slices.isVisible()
    assert page.slices.layer.currentText() == "layer 2"
    page.slices.layer.activated.emit(0)
    page.refresh()
    assert page.session.selection.at["layer"] == "0"


def test_its_plots_and_their_numbers_are_exported(qtbot, window, told, tmp_path):
    qtbot.keyClick(window, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    dialog = window.findChild(ExportDialog)
    assert dialog.isVisible()
    assert {dialog.what.itemData(place) for place in range(dialog.what.count())} == {"curves", "updates"}
    for what, suffix in (("curves", ".svg"), ("updates", ".csv")):
        dialog = window.findChild(ExportDialog) or window.export() or window.findChild(ExportDialog)
        dialog.what.setCurrentIndex(dialog.what.findData(what))
        dialog.format.setCurrentIndex(next(place for place in range(dialog.format.count())
                                           if suffix[1:].upper() in dialog.format.itemText(place)))
        with qtbot.waitSignal(dialog.exported, timeout=10_000):
            dialog.export_to(tmp_path / f"plots{suffix}")
        qtbot.waitUntil(lambda: window.findChild(ExportDialog) is None)
    drawing = (tmp_path / "plots.svg").read_text().replace("\u00a0", " ")
    assert drawing.count("‖∂L/∂hₜ‖ of rnn · L1") == 1
    rows = (tmp_path / "plots.csv").read_text().splitlines()
    assert rows[0] == "update,loss,norm_before,norm_after"
    assert rows[10] == "10,0.20000000298023224,2.0,0.5"
    assert len(rows) == 41
    assert "plots.csv" in window.page.notices.message("run").text


def test_before_the_first_update_it_says_that_there_are_no_curves(qtbot, window):
    qtbot.mouseClick(window.page.export, Qt.MouseButton.LeftButton)
    assert "no curves yet" in window.page.notices.banner.message.text
