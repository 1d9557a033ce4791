"""The training room in a real window with the real backend: trained, paused, changed while it trains, begun again."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox

from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.theme.themes import DARK
from unrolled.viewer.window.application import make_application, make_window
from unrolled.viewer.window.exporting.dialog import ExportDialog
from unrolled.viewer.window.settings import WindowSettings


@pytest.fixture
def window(qtbot, tmp_path):
    make_application()
    made = make_window(WindowSettings(tmp_path / "settings.ini"), BackendProcess(), model="chars-rnn")
    qtbot.addWidget(made)
    made.resize(1440, 900)
    made.show()
    made.controller.start()
    qtbot.waitUntil(lambda: made.controller.backend.connected)
    yield made
    made.close()


def history(window):
    return window.room.trainer.history


def begin(qtbot, window):
    window.actions_by_name["room"].trigger()
    qtbot.waitUntil(lambda: window.room.trainer.alive)
    return window.room


def train(qtbot, window, updates):
    room = window.room
    for _ in range(updates):
        before = len(history(window))
        qtbot.mouseClick(room.one, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda before=before: len(history(window)) == before + 1)


def test_a_network_is_trained_before_ones_eyes(qtbot, window):
    room = begin(qtbot, window)
    assert window.pages.currentWidget() is room
    train(qtbot, window, 3)
    room.refresh()
    first = history(window).column("loss").copy()
    assert room.drawn.loss.history is history(window)
    shown = room.drawn.map.shown
    assert shown.steps == room.controls.steps.value()
    assert np.array_equal(shown.hidden, np.tril(shown.hidden))  # no state touches a loss before it
    # The same seed gives the same numbers.
    qtbot.mouseClick(room.again, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: room.trainer.alive and len(history(window)) == 0)
    train(qtbot, window, 3)
    assert np.array_equal(history(window).column("loss"), first)
    # The threshold is moved in the plot by keys, and holds from the next update on.
    room.drawn.norms.setFocus()
    for _ in range(3):
        qtbot.keyClick(room.drawn.norms, Qt.Key.Key_Down)
    threshold = room.controls.threshold.value()
    assert threshold < 1.0
    train(qtbot, window, 1)
    assert history(window).column("threshold")[-1] == pytest.approx(threshold, rel=1e-3)
    assert history(window).column("after")[-1] <= threshold * 1.01
    room.controls.truncation.setValue(5)
    train(qtbot, window, 1)
    room.refresh()
    assert room.drawn.map.truncation == 5
    # It trains on by itself, pauses, and the run of the microscope is where it was.
    qtbot.mouseClick(room.play, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(history(window)) > 15)
    qtbot.keyClick(room, Qt.Key.Key_Escape)
    assert window.pages.currentWidget() is window.layout_
    assert not room.trainer.running


def test_its_keys_do_what_its_buttons_say_though_no_run_is_open(qtbot, window):
    room = begin(qtbot, window)
    for focused in (room, room.drawn.loss):
        focused.setFocus()
        before = len(history(window))
        qtbot.keyClick(focused, Qt.Key.Key_Right)
        qtbot.waitUntil(lambda before=before: len(history(window)) == before + 1)
        assert not room.trainer.running
    qtbot.keyClick(room, Qt.Key.Key_Home)
    qtbot.waitUntil(lambda: room.trainer.alive and len(history(window)) == 0)
    qtbot.keyClick(room, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: len(history(window)) > 2)
    qtbot.keyClick(room, Qt.Key.Key_Space)
    assert not room.trainer.running


def test_another_cell_begins_anew_and_everything_has_a_name(qtbot, window):
    room = begin(qtbot, window)
    room.controls.cell.setCurrentIndex(room.controls.cell.findData("lstm"))
    qtbot.waitUntil(lambda: room.trainer.alive and history(window).started.settings.cell == "lstm")
    train(qtbot, window, 1)
    room.of_cell.setChecked(True)
    room.refresh()
    assert room.drawn.map.of_cell
    assert history(window).latest_map.cell is not None
    room.set_theme(DARK)
    for kind in (QAbstractButton, QAbstractSpinBox, QComboBox):
        for widget in room.findChildren(kind):
            assert widget.accessibleName(), widget
            assert widget.toolTip() or isinstance(widget, QAbstractButton), widget
    window.remembers = True
    window.close()
    assert '"lstm"' in window.settings.text("room")


def test_cells_are_laid_over_one_another_and_all_of_it_is_exported(qtbot, window, tmp_path):
    room = begin(qtbot, window)
    window.actions_by_name["export"].trigger()
    assert window.findChild(ExportDialog) is None
    assert "no curves yet" in room.said.text()
    for cell in ("rnn", "lstm", "gru"):
        room.controls.cell.setCurrentIndex(room.controls.cell.findData(cell))
        qtbot.waitUntil(lambda cell=cell: room.trainer.alive and history(window).started.settings.cell == cell)
        train(qtbot, window, 2)
    room.refresh()
    assert [cell for cell, line in room.drawn.loss._others.items() if line.visible] == ["rnn", "lstm"]
    assert [cell for cell, line in room.drawn.decay._others.items() if line.visible] == ["rnn", "lstm"]
    for suffix, what in (("svg", "curves"), ("pdf", "curves"), ("png", "curves"), ("csv", "updates")):
        window.actions_by_name["export"].trigger()
        dialog = window.findChild(ExportDialog)
        dialog.what.setCurrentIndex(dialog.what.findData(what))
        dialog.format.setCurrentIndex(dialog.format.findData(suffix))
        dialog.fields.dpi.setValue(192)
        if what == "curves":
            qtbot.waitUntil(lambda dialog=dialog: dialog.preview.picture.image is not None)
        dialog.export_to(tmp_path / f"plots.{suffix}")
        del dialog
        qtbot.waitUntil(lambda: window.findChild(ExportDialog) is None)
        assert str(tmp_path) in room.said.text()
        assert room.folder.isVisible()
    drawing = (tmp_path / "plots.svg").read_text(encoding="utf-8").replace("\u00a0", " ")
    assert all(f">{name}<" in drawing for name in ("LSTM before", "GRU, smoothed", "Gradient norm"))
    page = (tmp_path / "plots.pdf").read_bytes()
    assert page.startswith(b"%PDF")
    assert b"DCTDecode" not in page  # no cell of the map went through a JPEG
    with Image.open(tmp_path / "plots.png") as picture:
        assert picture.width == 1280
        assert picture.info["dpi"] == pytest.approx((192, 192), abs=0.1)
    assert (tmp_path / "plots.csv").read_text().splitlines()[2].startswith("2,")
    room.controls.hidden.setValue(9)  # another network altogether
    qtbot.waitUntil(lambda: room.trainer.alive and history(window).started.settings.hidden == 9)
    room.refresh()
    assert not any(line.visible for line in room.drawn.loss._others.values())


def test_a_backend_that_dies_is_said_and_what_was_drawn_is_kept(qtbot, window):
    room = begin(qtbot, window)
    train(qtbot, window, 2)
    window.controller.backend._process.kill()
    qtbot.waitUntil(lambda: room.said.text() != "")
    assert "kept" in room.said.text()
    assert window.elsewhere.banner.action.text() == "Start it again"
    assert len(history(window)) == 2
