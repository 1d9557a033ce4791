"""A picture is gone into by wheel, frame, keys and menu, moved, and shown whole again; its cells stay under the pointer."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from unrolled.viewer.theme.themes import LIGHT
from unrolled.viewer.views.picture.canvas import PictureCanvas
from unrolled.viewer.widgets.magnifier import NEAREST

LEFT, NONE, SHIFT = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
ROWS, COLUMNS = 3, 4


@pytest.fixture
def canvas(qtbot):
    """A picture whose every cell has a colour of its own."""
    made = PictureCanvas(LIGHT)
    qtbot.addWidget(made)
    made.resize(400, 300)
    cells = np.arange(ROWS * COLUMNS, dtype=np.uint8).reshape(ROWS, COLUMNS) * 20
    grey = np.ascontiguousarray(np.repeat(np.repeat(cells, 40, axis=0), 40, axis=1))
    made.set_photo(QImage(grey.data, 160, 120, 160, QImage.Format.Format_Grayscale8).copy())
    made.set_map(np.zeros((ROWS, COLUMNS), np.float32), None, smooth=False)
    with qtbot.waitExposed(made):
        made.show()
    made.grab()
    return made


def colour_at(canvas, x, y):
    return canvas.grab().toImage().pixelColor(x, y).red()


def wheel(canvas, place, notches):
    event = QWheelEvent(QPointF(place), QPointF(canvas.mapToGlobal(place)), QPoint(), QPoint(0, 120 * notches),
                        Qt.MouseButton.NoButton, NONE, Qt.ScrollPhase.NoScrollPhase, False)
    QApplication.sendEvent(canvas, event)


def dragged(canvas, start, stop, modifier=NONE):
    QTest.mousePress(canvas, LEFT, modifier, start)
    for share in (0.5, 1.0):
        QTest.mouseMove(canvas, start + (stop - start) * share)
    QTest.mouseRelease(canvas, LEFT, modifier, stop)


def test_the_wheel_zooms_round_the_pointer(canvas):
    here = QPoint(350, 50)
    assert (colour_at(canvas, 350, 50), colour_at(canvas, 235, 50)) == (60, 40)
    wheel(canvas, here, 4)
    assert canvas.magnifier.factor == pytest.approx(1.25 ** 4)
    assert colour_at(canvas, 350, 50) == 60
    assert colour_at(canvas, 235, 50) == 60, "the cell is larger"
    QTest.mouseMove(canvas, QPoint(351, 51))
    assert canvas.cell == (0, 3)
    wheel(canvas, here, -30)
    assert canvas.place() == QRectF(0, 0, 400, 300)
    wheel(canvas, here, 99)
    assert canvas.magnifier.factor == NEAREST


def test_a_frame_is_shown_as_large_as_it_fits(canvas):
    dragged(canvas, QPoint(200, 100), QPoint(300, 200), SHIFT)
    assert canvas.magnifier.factor == pytest.approx(3.0, abs=0.1)
    assert {colour_at(canvas, x, y) for x in (90, 200, 310) for y in (20, 150, 280)} == {120}
    QTest.mouseDClick(canvas, LEFT, NONE, QPoint(5, 5))
    assert canvas.magnifier.factor == 1.0


def test_dragging_and_keys_move_it_no_further_than_its_edges(canvas):
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_Plus)
    QTest.keyClick(canvas, Qt.Key.Key_Plus)
    left = canvas.place().left()
    dragged(canvas, QPoint(100, 100), QPoint(120, 90))
    assert canvas.place().left() == pytest.approx(left + 20)
    QTest.keyClick(canvas, Qt.Key.Key_Right, SHIFT)
    assert canvas.place().left() == pytest.approx(left + 20 - 40)
    dragged(canvas, QPoint(10, 10), QPoint(390, 290))
    assert canvas.place().topLeft() == QPointF(0, 0)
    QTest.keyClick(canvas, Qt.Key.Key_0)
    assert canvas.place() == QRectF(0, 0, 400, 300)


def test_a_brush_has_the_button_for_itself_and_paints_what_is_under_it(canvas):
    wheel(canvas, QPoint(350, 50), 4)
    canvas.set_painting("mask", {})
    strokes = []
    canvas.painted.connect(lambda *stroke: strokes.append(stroke[:2]))
    place = canvas.place()
    QTest.mouseMove(canvas, QPoint(235, 50))
    QTest.mousePress(canvas, LEFT, NONE, QPoint(235, 50))
    QTest.mouseRelease(canvas, LEFT, NONE, QPoint(235, 50))
    assert set(strokes) == {(0, 3)}  # the pointer that was moved there may come after the press
    assert canvas.place() == place


def test_the_menu_and_another_picture(canvas):
    menu = QMenu(canvas)
    canvas.magnifier.add_to(menu)
    zoom_in, _, whole = menu.actions()
    assert not whole.isEnabled()
    zoom_in.trigger()
    assert canvas.magnifier.factor == 1.25
    canvas.set_photo(QImage(10, 10, QImage.Format.Format_Grayscale8))
    assert canvas.magnifier.factor == 1.0
    assert canvas.event(QEvent(QEvent.Type.Leave))
