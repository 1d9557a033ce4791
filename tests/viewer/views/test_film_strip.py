"""The film strip: a picture a word, made once, following the playhead."""

from __future__ import annotations

import numpy as np
import pytest
import scripted
from contexts import context, on_screen
from PySide6.QtCore import Qt

from unrolled.models.inputs.inputs import InputPicture
from unrolled.models.trace import Trace
from unrolled.models.trace.edits import SwapInput
from unrolled.viewer.state.branches import PlacedEdit
from unrolled.viewer.state.playhead import NOWHERE
from unrolled.viewer.theme.themes import DARK
from unrolled.viewer.views.picture.film_strip import FilmStripView


@pytest.fixture
def panel(qtbot, session):
    return on_screen(qtbot, FilmStripView(context(session)), 360, 112)


def test_a_picture_for_every_word(session, panel):
    assert tuple(frame.word for frame in panel.frames.rows) == (*scripted.CAPTION[:-1], "END")
    pictures = {
        panel.picture_of(step).toImage().constBits().tobytes() for step in range(len(session.trace))
    }
    assert len(pictures) == len(session.trace)  # each has another attention


def test_it_follows_the_playhead_and_keeps_it_in_sight(session, panel):
    for step in np.random.default_rng(3).integers(0, len(session.trace), 30):
        session.playhead.seek(int(step))
        assert panel.delegate.current == step
        place = panel.view.visualRect(panel.frames.index(int(step), 0))
        assert place.left() >= 0
        assert place.right() <= panel.view.viewport().width()


def test_it_scrolls_only_as_far_as_needed(session, panel):
    bar = panel.view.horizontalScrollBar()
    session.playhead.seek(0)
    session.playhead.seek(1)
    assert bar.value() == 0


def test_pictures_are_made_once(session, panel):
    every = range(len(session.trace))
    for step in every:
        panel.picture_of(step)
    made = panel.made
    for step in every:
        session.playhead.seek(step)
        panel.refresh()
        panel.grab()
    assert panel.made == made
    session.appearance.update(sequential_colour_map="cividis", show_region=False)
    panel.refresh()
    assert panel.made == made  # nothing that they show
    session.appearance.update(attention_colour_map="viridis")
    panel.refresh()
    for step in every:
        panel.picture_of(step)
    assert panel.made == made + len(session.trace)


def test_pictures_out_of_sight_are_not_made(session, panel):
    for step in range(len(session.trace), 3000):
        session.trace.append(scripted.step_result(step, "dog"))
    session.grew()
    panel.refresh()
    panel.grab()
    assert panel.made < 20
    assert len(panel.frames.rows) == 3000


def test_two_pictures_of_one_name_are_two(session, panel):
    """As two folders may have them."""
    edits = []
    for step, grey in ((2, 20), (3, 240)):
        session.other_inputs[str(step)] = InputPicture("other.png", b"", np.full((240, 320, 3), grey, np.uint8))
        edits.append(PlacedEdit(SwapInput(input_hash=str(step), name="other.png", first=step, last=step)))
    session.set_branches(session.branches.with_branch(session.branch.changed(edits=tuple(edits))))
    session.appearance.update(attention_opacity=0.0)
    panel.refresh()
    one, other = (panel.picture_of(step).toImage() for step in (2, 3))
    middle = one.rect().center()
    assert one.pixelColor(middle).red() < 60 < 200 < other.pixelColor(middle).red()


def test_one_more_word_is_one_more_picture(session, panel):
    growing = Trace(scripted.channels())
    session.set_trace(growing)
    panel.refresh()
    assert panel.frames.rows == ()
    for step, word in enumerate(scripted.CAPTION):
        growing.append(scripted.step_result(step, word))
        session.grew()
        made = panel.made
        panel.refresh()
        session.playhead.seek(step)
        panel.grab()
        assert panel.made == made + 1


def test_a_click_goes_there(qtbot, session, panel):
    place = panel.view.visualRect(panel.frames.index(2, 0)).center()
    qtbot.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert session.playhead.step == 2


def test_arrow_keys_go_there(qtbot, session, panel):
    panel.view.setFocus()
    qtbot.keyClick(panel.view, Qt.Key.Key_Right)
    assert session.playhead.step == 1
    qtbot.keyClick(panel.view, Qt.Key.Key_End)
    assert session.playhead.step == len(session.trace) - 1


def test_it_can_be_read_out(panel):
    assert panel.view.accessibleName()
    for step in range(len(panel.frames.rows)):
        assert f"word {step + 1}" in panel.frames.data(
            panel.frames.index(step, 0), Qt.ItemDataRole.AccessibleTextRole
        )


def test_pictures_are_as_high_as_the_pane(qtbot, panel):
    low = panel.delegate.picture.height()
    panel.resize(360, 160)
    qtbot.waitUntil(lambda: panel.delegate.picture.height() > low)
    assert panel.picture_of(0).deviceIndependentSize().height() == panel.delegate.picture.height()


def test_a_theme_or_no_photograph_harms_nothing(session, panel):
    panel.set_theme(DARK)
    session.set_input(None)
    panel.refresh()
    panel.seek(NOWHERE)
    assert tuple(frame.word for frame in panel.frames.rows) == ()
    session.set_trace(scripted.trace())
    panel.refresh()
    assert len(panel.frames.rows) == len(scripted.CAPTION)


def test_a_narrower_strip_still_shows_the_playhead(qtbot, session, panel):
    panel.resize(900, 112)
    session.playhead.seek(len(session.trace) - 1)
    panel.resize(200, 112)
    place = panel.view.visualRect(panel.frames.index(session.playhead.step, 0))
    assert 0 <= place.left() < place.right() <= panel.view.viewport().width()
