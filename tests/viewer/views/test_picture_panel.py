"""What lies over the photograph at step t is the attention of step t, on a scale that does not move."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import scripted
import scripted_answers
from contexts import context, on_screen
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QComboBox, QScrollBar

from unrolled.models.inputs.inputs import InputPicture
from unrolled.models.protocol.questions import FollowGradients, OccludeStep
from unrolled.models.trace import Channel, Provenance, StepResult, Trace
from unrolled.models.trace.edits import SwapInput
from unrolled.viewer.drawing.overlay import WHOLE, fitted, part, photograph, signed_colours
from unrolled.viewer.state.attributions import GRADIENTS, OCCLUSION
from unrolled.viewer.state.branches import PlacedEdit
from unrolled.viewer.state.playhead import NOWHERE
from unrolled.viewer.theme.attention_colours import (
    attention_limits,
    attention_rgba,
    attention_table,
    uniform_level,
)
from unrolled.viewer.theme.themes import DARK
from unrolled.viewer.views.picture.picture import PictureView

CELLS = scripted.GRID[0] * scripted.GRID[1]


@pytest.fixture
def panel(qtbot, session):
    return on_screen(qtbot, PictureView(context(session)), 460, 430)


def go(session, panel, step):
    session.playhead.seek(step)
    panel.seek(session.playhead.step)


def test_what_is_shown_at_a_step_is_the_trace_at_that_step(session, panel):
    random = np.random.default_rng(1)
    for step in random.integers(0, len(session.trace), 40):
        go(session, panel, int(step))
        np.testing.assert_array_equal(panel.canvas.shown_map, session.trace.column("attention")[step])


@pytest.mark.parametrize("style", ["dimmed", "colours"])
def test_the_pixels_over_every_cell_have_the_colour_of_its_weight(session, panel, style):
    grey = 200
    trace = session.trace
    session.set_input(InputPicture("grey.png", b"", np.full((240, 320, 3), grey, np.uint8)))
    session.set_trace(trace)
    session.appearance.update(attention_smooth=False, attention_style=style)
    panel.refresh()
    for step in (0, 3, 8):
        go(session, panel, step)
        colours = attention_rgba(trace.column("attention")[step], smooth=False, style=style).astype(float)
        alpha = colours[..., 3:] / 255
        wanted = colours[..., :3] * alpha + grey * (1 - alpha)
        image = panel.canvas.grab().toImage()
        for row, column in np.ndindex(scripted.GRID):
            centre = panel.canvas.cell_place(row, column).center() * image.devicePixelRatio()
            colour = image.pixelColor(centre.toPoint())
            np.testing.assert_allclose(
                (colour.red(), colour.green(), colour.blue()), wanted[row, column], atol=2
            )


def test_the_absolute_scale_is_the_same_at_every_step(session, panel):
    seen = set()
    for step in range(len(session.trace)):
        go(session, panel, step)
        seen.add((panel.legend.low, panel.legend.high, panel.legend.uniform))
    assert len(seen) == 1
    assert seen.pop() == (0.0, pytest.approx(8 / CELLS), pytest.approx(1 / CELLS))
    assert panel.canvas.label == ""


def test_stretching_is_said_on_the_picture_and_in_the_legend(qtbot, session, panel):
    qtbot.mouseClick(panel.controls.stretched, Qt.MouseButton.LeftButton)
    assert session.appearance.values.attention_scale == "stretched"
    panel.refresh()
    go(session, panel, 4)
    weights = session.trace.column("attention")[4]
    assert (panel.legend.low, panel.legend.high) == (
        pytest.approx(weights.min()),
        pytest.approx(weights.max()),
    )
    assert panel.canvas.label.startswith("Stretched")
    assert "stretched" in panel.legend.toolTip()
    qtbot.mouseClick(panel.controls.absolute, Qt.MouseButton.LeftButton)
    panel.refresh()
    assert panel.canvas.label == ""


def test_switches_write_the_appearance_and_follow_it(qtbot, session, panel):
    controls, values = panel.controls, lambda: session.appearance.values
    qtbot.mouseClick(controls.cells, Qt.MouseButton.LeftButton)
    assert values().attention_smooth is False
    qtbot.mouseClick(controls.region, Qt.MouseButton.LeftButton)
    assert values().show_region is False
    controls.opacity.setFocus()
    before = values().attention_opacity
    qtbot.keyClick(controls.opacity, Qt.Key.Key_PageUp)
    assert values().attention_opacity == pytest.approx(before + 0.1)
    controls.colour_map.menu().aboutToShow.emit()
    next(action for action in controls.colour_map.menu().actions() if action.text() == "Cividis").trigger()
    assert values().attention_colour_map == "cividis"
    session.appearance.update(
        attention_smooth=True, attention_opacity=0.3, attention_colour_map="magma", show_region=True
    )
    panel.refresh()
    assert controls.smooth.isChecked()
    assert not controls.cells.isChecked()
    assert controls.region.isChecked()
    assert controls.opacity.value() == 30
    assert controls.colour_map.name == "magma"


def test_pointing_at_a_cell_reads_it_out(qtbot, session, panel):
    go(session, panel, 2)
    notes = []
    panel.note_changed.connect(notes.append)
    qtbot.mouseMove(panel.canvas, panel.canvas.cell_place(4, 6).center().toPoint())
    qtbot.waitUntil(lambda: panel.canvas.cell == (4, 6))
    weight = float(session.trace.column("attention")[2, 4, 6])
    assert "row 5, column 7" in notes[-1]
    assert f"{weight * CELLS:.1f} × uniform" in notes[-1]
    go(session, panel, 7)
    assert f"{float(session.trace.column('attention')[7, 4, 6]) * CELLS:.1f} × uniform" in panel.note


def test_it_says_what_the_model_saw(session, panel):
    assert panel.note == "model sees all of it at 224 × 224"
    cut = Trace(scripted.channels(), provenance=Provenance(region=(0.25, 0.0, 0.75, 1.0)))
    cut.append(scripted.step_result(0, "a"))
    session.set_trace(cut)
    panel.refresh()
    assert "outlined part" in panel.note
    whole, seen = panel.canvas.place(), panel.canvas.region_place()
    assert seen.width() == pytest.approx(whole.width() / 2)
    assert seen.left() == pytest.approx(whole.left() + whole.width() / 4)


def test_without_a_photograph_it_says_how_to_get_one(qtbot, session, panel):
    session.set_input(None)
    panel.refresh()
    panel.seek(NOWHERE)
    assert panel.canvas.shown_map is None
    assert not panel.canvas.grab().isNull()
    assert not panel.controls.isVisible()


def test_what_changes_attention_is_there_where_there_is_attention(session, panel):
    assert panel.controls.opacity.isVisible()
    session.set_model(msgspec.structs.replace(session.description, channels=()))
    plain = Trace(tuple(channel for channel in session.trace.channels.values() if channel.role != "attention"))
    session.set_trace(plain)
    panel.refresh()
    assert not any(part.isVisible() for part in (panel.controls.opacity, panel.controls.dimmed, panel.controls.absolute,
                                                 panel.controls.smooth, panel.controls.colour_map))
    assert panel.controls.region.isVisible()


def test_several_maps_have_a_picker(qtbot, session, panel):
    channels = tuple(
        Channel(name=name, role="attention", symbol="α", axes=("row", "column"), shape=(2, 2), low=0, high=1)
        for name in ("first", "second")
    )
    both = Trace(channels)
    maps = {name: np.full((2, 2), value, np.float32) for name, value in (("first", 0.25), ("second", 0.1))}
    both.append(StepResult(step=0, token=2, word="a", log_prob=-1.0, values=maps))
    session.set_trace(both)
    panel.refresh()
    assert panel.controls.channel.isVisible()
    np.testing.assert_array_equal(panel.canvas.shown_map, maps["first"])
    panel.controls.channel.setFocus()
    qtbot.keyClick(panel.controls.channel, Qt.Key.Key_Down)
    np.testing.assert_array_equal(panel.canvas.shown_map, maps["second"])


def test_the_picker_of_maps_is_whole_where_layer_and_head_have_pickers_of_their_own(session, panel):
    session.set_trace(Trace((
        Channel(name="cross_attention", role="cross_attention", symbol="α", axes=("layer", "head", "row", "column"),
                shape=(12, 12, 2, 2), low=0, high=1, label="cross attention"),
        Channel(name="attention", role="attention", symbol="α", axes=("row", "column"), shape=(2, 2), low=0, high=1,
                label="attention, mean of heads"))))
    panel.refresh()
    picker = panel.controls.channel
    titles = [picker.itemText(place) for place in range(picker.count())]
    assert titles == ["Cross attention", "Attention, mean of heads"]
    assert picker.width() >= picker.fontMetrics().horizontalAdvance(titles[1]) + 36  # of which 36 are the frame's and the arrow's


# ── What was found on demand, in place of the attention ───────────────────────────────────────────────────────────

def answer(session, panel, name):
    """The script's answer to what is asked under a name."""
    asked = session.questions.get(name)
    question = asked.question
    found = (scripted_answers.occluded(question.step) if name == OCCLUSION else
             scripted_answers.gradient_rows(question.first, question.last + 1 - question.first, question.first, question.last))
    session.questions.take_part(asked.number, found, done=True)
    panel.refresh()


def pick(qtbot, panel, name):
    """Choose a map with the keyboard."""
    panel.controls.channel.setFocus()
    place = panel.controls.channel.findData(name)
    while panel.controls.channel.currentIndex() != place:
        down = panel.controls.channel.currentIndex() < place
        qtbot.keyClick(panel.controls.channel, Qt.Key.Key_Down if down else Qt.Key.Key_Up)


@pytest.fixture
def masked(session, panel):
    """What masking does is known of the first step."""
    session.questions.possible = True
    session.questions.ask(OCCLUSION, OccludeStep(0), session.branch.wire_id)
    answer(session, panel, OCCLUSION)
    return panel


def test_what_masking_found_can_be_picked_and_follows_the_playhead(qtbot, session, masked):
    np.testing.assert_array_equal(masked.canvas.shown_map, session.trace.column("attention")[0])
    pick(qtbot, masked, OCCLUSION)
    np.testing.assert_array_equal(masked.canvas.shown_map.ravel(), scripted_answers.occluded(0).drops())
    go(session, masked, 4)
    assert session.questions.get(OCCLUSION).question == OccludeStep(4)  # nobody else asks
    assert masked.canvas.shown_map is None  # those of another step are not drawn
    assert "computing" in masked.canvas.label
    answer(session, masked, OCCLUSION)
    np.testing.assert_array_equal(masked.canvas.shown_map.ravel(), scripted_answers.occluded(4).drops())
    assert masked.canvas.label == "drop in log p when masked"
    pick(qtbot, masked, "attention")
    np.testing.assert_array_equal(masked.canvas.shown_map, session.trace.column("attention")[4])
    assert masked.canvas.label == ""


def test_its_scale_is_symmetric_and_stays_unless_it_is_stretched(qtbot, session, masked):
    pick(qtbot, masked, OCCLUSION)
    assert (masked.legend.low, masked.legend.high) == (-1.0, 1.0)
    assert masked.legend.labels == ("−1", "drop in log p when masked", "1")
    qtbot.mouseClick(masked.controls.stretched, Qt.MouseButton.LeftButton)
    masked.refresh()
    largest = float(np.abs(scripted_answers.occluded(0).drops()).max())
    assert (masked.legend.low, masked.legend.high) == (pytest.approx(-largest), pytest.approx(largest))
    assert "Stretched" in masked.canvas.label
    assert "stretched" in masked.legend.toolTip()
    pick(qtbot, masked, "attention")
    assert masked.legend.labels[1].startswith("uniform")
    assert masked.legend.low >= 0


def test_gradients_are_on_one_scale_for_the_whole_run(qtbot, session, panel):
    session.questions.possible = True
    last = len(session.trace) - 1
    session.questions.ask(GRADIENTS, FollowGradients(0, last), session.branch.wire_id)
    answer(session, panel, GRADIENTS)
    pick(qtbot, panel, GRADIENTS)
    rows = scripted_answers.gradient_rows(0, last + 1, 0, last)
    places = rows.table(rows.places)
    ends = set()
    for step in (0, 3, last):
        go(session, panel, step)
        np.testing.assert_array_equal(panel.canvas.shown_map.ravel(), places[step])
        ends.add(panel.legend.high)
    assert ends == {float(np.abs(places).max())}
    qtbot.mouseMove(panel.canvas, QPoint(1, 1))  # it may have been there in another test
    qtbot.mouseMove(panel.canvas, panel.canvas.cell_place(4, 6).center().toPoint())
    qtbot.waitUntil(lambda: panel.canvas.cell == (4, 6))
    assert panel.note.startswith("row 5, column 7:")
    assert "uniform" not in panel.note


def test_what_was_found_before_an_edit_is_not_drawn_after_it(qtbot, session, masked):
    pick(qtbot, masked, OCCLUSION)
    branch = session.branch
    session.set_branches(session.branches.with_branch(branch.changed(wire_id=branch.wire_id + 1)))
    masked.refresh()
    assert masked.canvas.shown_map is None
    assert session.questions.get(OCCLUSION).wire_id == branch.wire_id + 1
    session.questions.fail(session.questions.get(OCCLUSION).number, "This step cannot be taken again.")
    masked.refresh()
    assert "cannot be taken again" in masked.canvas.label


def test_another_run_has_its_attention_alone(qtbot, session, masked):
    pick(qtbot, masked, OCCLUSION)
    session.set_trace(scripted.trace(("a", "dog")))
    masked.refresh()
    assert masked.controls.channel.findData(OCCLUSION) < 0
    np.testing.assert_array_equal(masked.canvas.shown_map, session.trace.column("attention")[0])


def test_a_step_that_looked_at_another_picture_shows_that_one_and_its_name(session, panel):
    other = InputPicture("other.png", b"other", np.full((240, 320, 3), (250, 0, 0), np.uint8))
    session.other_inputs["hash"] = other
    swap = SwapInput(input_hash="hash", name="other.png", first=4, last=6)
    branch = session.branch
    session.set_branches(session.branches.with_branch(branch.changed(edits=(PlacedEdit(swap),))))
    panel.refresh()
    session.appearance.update(attention_opacity=0.0)
    for step, swapped in ((3, False), (4, True), (6, True), (7, False)):
        go(session, panel, step)
        corner = panel.canvas.place().bottomRight() - QPointF(6, 6)
        image = panel.canvas.grab().toImage()
        colour = image.pixelColor((corner * image.devicePixelRatio()).toPoint())
        assert (colour.red() > 240 and colour.green() < 10) == swapped
        assert ("other.png" in panel.canvas.label) == swapped


@given(arrays.arrays(np.float32, 16, elements=st.floats(-4, 4, width=32)), st.floats(0, 1))
def test_signed_colours_differ_by_sign_and_grow_with_size(values, opacity):
    colours = signed_colours(values, largest=2.0, opacity=opacity).astype(int)
    opposite = signed_colours(-values, largest=2.0, opacity=opacity).astype(int)
    order = np.argsort(np.abs(values), kind="stable")
    assert (np.diff(colours[order, 3]) >= 0).all()
    np.testing.assert_array_equal(colours[:, 3], opposite[:, 3])
    seen = np.abs(values) > 1e-3
    assert (colours[seen & (values > 0), 0] > colours[seen & (values > 0), 2]).all()  # red for, blue against
    assert (colours[seen & (values < 0), 2] > colours[seen & (values < 0), 0]).all()
    assert colours[:, 3].max(initial=0) <= round(255 * opacity)


def test_every_control_has_a_name_and_a_tooltip(panel):
    for kind in (QAbstractButton, QAbstractSlider, QComboBox):
        for control in panel.findChildren(kind):
            if isinstance(control, QScrollBar):
                continue  # of a list that is not open
            assert control.accessibleName(), control
            assert control.toolTip(), control.accessibleName()


def test_another_theme_changes_no_number(session, panel):
    go(session, panel, 5)
    before = panel.canvas.shown_map.copy()
    panel.set_theme(DARK)
    np.testing.assert_array_equal(panel.canvas.shown_map, before)


@given(
    st.integers(1, 5000),
    st.integers(1, 5000),
    st.integers(20, 900),
    st.integers(20, 900),
    st.sampled_from((1.0, 1.25, 1.5, 2.0)),
)
def test_a_picture_fits_and_lies_on_whole_pixels(width, height, box_width, box_height, ratio):
    place = fitted(QSize(width, height), QRectF(0, 0, box_width, box_height), ratio)
    assert place.width() <= box_width + 1 / ratio
    assert place.height() <= box_height + 1 / ratio
    for edge in (place.x(), place.y(), place.width(), place.height()):
        assert edge * ratio == pytest.approx(round(edge * ratio))
    assert part(place, WHOLE) == place


@settings(max_examples=30)
@given(arrays.arrays(np.float32, (4, 6), elements=st.floats(0, 1, width=32)), st.booleans())
def test_the_same_weight_has_the_same_colour(weights, smooth):
    """On the absolute scale a cell's colour depends on its own weight alone."""
    low, high = attention_limits(weights)
    assert (low, high) == (0.0, pytest.approx(8 * uniform_level(24)))
    colours = attention_rgba(weights, opacity=0.5, colour_map="viridis")
    levels = np.clip(weights.astype(np.float64) / high * 255 + 0.5, 0, 255).astype(int)
    near = [attention_table("viridis", 0.5)[np.clip(levels + by, 0, 255)] for by in (-1, 0, 1)]
    assert np.any([np.all(colours == table, axis=-1) for table in near], axis=0).all()
    assert attention_rgba(weights, smooth=smooth, size=(30, 20)).shape == (20, 30, 4)


def test_nothing_attended_shows_the_photograph():
    weights = np.zeros((3, 3), np.float32)
    weights[1, 1] = np.nan
    assert (attention_rgba(weights)[..., 3] == 0).all()
    assert (attention_rgba(np.full((3, 3), 1.0, np.float32), opacity=1.0)[..., 3] == 255).all()


def test_a_very_large_picture_is_kept_small(qapp):
    assert photograph(np.zeros((40, 6000, 3), np.uint8)).width() == 2560
