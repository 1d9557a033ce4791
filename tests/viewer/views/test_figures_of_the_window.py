"""Every picture of the window has a menu, and what it copies are the numbers that were recorded."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
import scripted
import scripted_traces
from contexts import context
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QMenu

from unrolled.models.inputs.inputs import typed
from unrolled.viewer.plotting.context_menu import FigureMenu
from unrolled.viewer.plotting.figure import image_of, svg_of
from unrolled.viewer.state.commands import LoadModel, OpenText, Seek
from unrolled.viewer.state.session import Session
from unrolled.viewer.views.alignment.alignment import AlignmentView
from unrolled.viewer.views.text.candidates import CandidatesView
from unrolled.viewer.views.units.unit_table import UnitTable

COPIES = ["Copy picture", "Copy as SVG", "Copy data as CSV", "Save as…"]


def menu_of(widget):
    """The menu that a right click on a widget opens."""
    place = QPoint(5, 5)
    target = widget.viewport() if isinstance(widget, QAbstractScrollArea) else widget
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, target.mapToGlobal(place))
    QApplication.sendEvent(target, event)
    return next((menu for menu in widget.findChildren(QMenu) if menu.isVisible()), None)


def press(qtbot, menu, text):
    """Click an entry."""
    action = next(action for action in menu.actions() if action.text() == text)
    qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(action).center())


def copied():
    return list(csv.reader(io.StringIO(QGuiApplication.clipboard().text())))


def figures(window):
    layout = window.layout_
    return {"picture": layout.sections["picture"].content.canvas, "strip": layout.sections["film strip"].content.view,
            "caption": layout.sections["written"].content, "candidates": window.findChild(CandidatesView)}


def test_drawings_hold_no_pixels_of_the_screen_and_pictures_twice_as_many(qtbot, captioned):
    figure = figures(captioned)
    figure["run"] = captioned.host.views["scrub bar"].row
    for step in (1, 2, 1):  # what is painted for a playhead that moves is kept
        captioned.do(Seek(step))
        captioned.coordinator.flush()
        qtbot.wait(20)
    for name in ("candidates", "run", "caption"):
        assert b"<image" not in svg_of(figure[name], name), name
    image = image_of(figure["picture"])
    place = figure["picture"].place().toAlignedRect().adjusted(2, 2, -2, -2)
    assert any(image.pixel(2 * x, 2 * y) != image.pixel(2 * x + 1, 2 * y + 1)
               for x in range(place.left(), place.right()) for y in range(place.top(), place.bottom(), 7))


def test_figures_are_called_what_stands_over_them(qtbot, captioned):
    captioned.do(LoadModel("scripted-sentence"))
    captioned.do(OpenText(typed("a dog")))
    qtbot.waitUntil(lambda: captioned.session.description.name == "scripted-sentence")
    heading = captioned.layout_.sections["written"].accessibleName()
    assert heading != "Caption"
    assert captioned.host.views["written"].findChild(FigureMenu)._title() == heading


@pytest.mark.parametrize("name", ["picture", "strip", "caption", "candidates"])
def test_a_right_click_offers_to_copy_and_to_save(qtbot, captioned, name):
    figure = figures(captioned)[name]
    menu = menu_of(figure)
    assert [action.text() for action in menu.actions()][:4] == COPIES
    press(qtbot, menu, "Copy picture")
    image = QGuiApplication.clipboard().image()
    assert image.width() == 2 * figure.width()
    seen = {image.pixel(x, y) for x in range(0, image.width(), 7) for y in range(0, image.height(), 7)}
    assert len(seen) > 1, "something is drawn"


def test_the_picture_gives_the_attention_of_its_step(qtbot, captioned):
    captioned.session.playhead.seek(3)
    captioned.coordinator.flush()
    press(qtbot, menu_of(figures(captioned)["picture"]), "Copy data as CSV")
    weights = np.array([row[1:] for row in copied()[1:]], np.float32)
    np.testing.assert_array_equal(weights, captioned.session.trace.column("attention")[3])


def test_the_pictures_colours_are_chosen_in_its_menu_too(qtbot, captioned):
    menu = menu_of(figures(captioned)["picture"])
    colours = menu.findChild(QMenu)
    next(action for action in colours.actions() if action.text() == "Cividis").trigger()
    menu.close()
    assert captioned.session.appearance.values.attention_colour_map == "cividis"


def test_the_picture_has_no_menu_while_a_brush_wants_the_right_button(captioned):
    captioned.session.brush.set_mode("mask")
    captioned.coordinator.flush()
    assert menu_of(figures(captioned)["picture"]) is None


def test_the_film_strip_gives_every_step(qtbot, captioned):
    trace = captioned.session.trace
    press(qtbot, menu_of(figures(captioned)["strip"]), "Copy data as CSV")
    header, *rows = copied()
    assert header[:4] == ["step", "word", "log_prob", "attention[0,0]"]
    assert [row[1] for row in rows] == list(trace.words)
    np.testing.assert_array_equal(np.array([row[2] for row in rows], np.float32), trace.log_probs)
    np.testing.assert_array_equal(np.array([row[3:] for row in rows], np.float32),
                                  trace.column("attention").reshape(len(trace), -1))


def test_the_pinned_units_give_every_channel_at_every_step(qtbot, captioned):
    captioned.session.selection.set((7,))
    captioned.coordinator.flush()
    trace = captioned.session.trace
    press(qtbot, menu_of(captioned.findChild(UnitTable)), "Copy data as CSV")
    header, *rows = copied()
    assert len(rows) == len(trace)
    for name in ("hidden", "forget_gate"):
        written = [row[header.index(f"{name}[7]")] for row in rows]
        np.testing.assert_array_equal(np.array(written, np.float32), trace.column(name)[:, 7])


def test_the_caption_can_be_copied_as_a_sentence(qtbot, captioned):
    press(qtbot, menu_of(figures(captioned)["caption"]), "Copy text")
    assert QGuiApplication.clipboard().text() == " ".join(scripted.CAPTION[:-1])


def test_the_candidates_are_all_that_were_recorded(qtbot, captioned):
    captioned.session.playhead.seek(2)
    captioned.coordinator.flush()
    press(qtbot, menu_of(figures(captioned)["candidates"]), "Copy data as CSV")
    listed = captioned.session.trace.candidates[2]
    assert [row[1] for row in copied()[1:]] == [own.word for own in listed]


def test_the_alignment_gives_its_weights(qtbot):
    session = Session()
    session.set_trace(scripted_traces.translation_trace())
    view = AlignmentView(context(session))
    qtbot.addWidget(view)
    view.resize(600, 500)
    with qtbot.waitExposed(view):
        view.show()
    view.refresh()
    press(qtbot, menu_of(view.canvas), "Copy data as CSV")
    np.testing.assert_array_equal(np.array([row[3:] for row in copied()[1:]], np.float32), session.trace.column("attention"))


def test_the_picture_shows_where_the_keyboard_is_but_not_in_what_is_copied(qtbot, captioned):
    canvas = figures(captioned)["picture"]
    captioned.activateWindow()
    canvas.setFocus()
    qtbot.waitUntil(canvas.hasFocus)
    before = canvas.grab().toImage()
    accent = captioned.theme.accent
    edge = {before.pixelColor(x, 0).name() for x in range(20, before.width() - 20)}
    assert accent in edge
    qtbot.keyClick(canvas, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    image = QGuiApplication.clipboard().image()
    assert accent not in {image.pixelColor(x, y).name() for x in range(40, image.width() - 40) for y in (0, 1)}
    assert canvas.hasFocus()
