"""Changing the computation in the window: the form of edits, painting, swapping, and what is said where it cannot be."""

from __future__ import annotations

import pytest
import scripted
import scripted_traces
from PySide6.QtCore import QPoint, QRect, Qt
from windows import CAT, form, names, said, settled, words

from unrolled.models.protocol.connection import Failed
from unrolled.models.trace.edits import (
    AddNoise,
    ClampUnits,
    ForceToken,
    MaskAttention,
    ScaleUnits,
    SetAttention,
    SwapInput,
    UniformAttention,
)
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.commands import OpenView


@pytest.fixture
def window(captioned):
    return captioned


def choose(picker, name):
    picker.setCurrentIndex(picker.findData(name))
    assert picker.currentData() == name


def make(qtbot, window):
    before = len(window.session.branches.all)
    qtbot.mouseClick(form(window).button, Qt.MouseButton.LeftButton)
    settled(qtbot, window)
    assert len(window.session.branches.all) == before + 1, form(window).sentence.text()
    return window.session.branch.edits[-1].edit


def test_a_word_is_typed_and_the_run_goes_on_from_it(qtbot, window):
    window.session.playhead.seek(4)
    its = form(window)
    choose(its.kind, "word")
    qtbot.keyClicks(its.word, "cat")
    qtbot.keyClick(its.word, Qt.Key.Key_Return)
    settled(qtbot, window)
    assert words(window) == (*scripted.CAPTION[:4], "cat", *scripted.CAPTION[5:])
    assert window.session.playhead.step == 4
    assert words(window) != tuple(window.session.branches.all[0].trace.words)
    assert window.session.trace.provenance.edits == (ForceToken(first=4, last=4, token=CAT, word="cat"),)


def test_a_word_that_the_model_does_not_know_is_said_where_it_was_typed(qtbot, window):
    its = form(window)
    qtbot.keyClicks(its.word, "doge")
    qtbot.keyClick(its.word, Qt.Key.Key_Return)
    assert "“doge” is not one of the model’s" in its.sentence.text()
    assert "dog" in its.sentence.text().split("Near it")[1]
    assert names(window) == ["Run"]


@pytest.mark.parametrize(("operation", "expected"), [
    ("zero", ClampUnits(first=3, last=3, channel="cell", units=(1, 4, 5, 6), value=0.0)),
    ("clamp", ClampUnits(first=3, last=3, channel="cell", units=(1, 4, 5, 6), value=1.0)),
    ("scale", ScaleUnits(first=3, last=3, channel="cell", units=(1, 4, 5, 6), factor=2.0)),
    ("noise", AddNoise(first=3, last=3, channel="cell", units=(1, 4, 5, 6), deviation=0.5))])
def test_units_are_changed_at_the_step_that_is_shown(qtbot, window, operation, expected):
    window.session.playhead.seek(3)
    its = form(window)
    choose(its.kind, "units")
    choose(its.channel, "cell")
    its.units.setText("1, 4-6")
    choose(its.operation, operation)
    assert make(qtbot, window) == expected
    if operation == "zero":
        assert (window.session.trace.column("cell")[3, [1, 4, 5, 6]] == 0).all()
        assert (window.session.trace.column("cell")[4, [1, 4]] != 0).any()


def test_pinned_units_over_a_range_of_steps(qtbot, window):
    window.session.selection.set((7, 9))
    its = form(window)
    choose(its.kind, "units")
    choose(its.steps, "range")
    its.begin.setValue(2)
    its.end.setValue(4)
    edit = make(qtbot, window)
    assert (edit.first, edit.last, edit.units) == (1, 3, (7, 9))


def test_units_that_are_not_there_are_said(qtbot, window):
    its = form(window)
    choose(its.kind, "units")
    for text, sentence in (("64", "no unit 64"), ("x", "“x” is not a unit"), ("pinned", "No unit is pinned")):
        its.units.setText(text)
        qtbot.mouseClick(its.button, Qt.MouseButton.LeftButton)
        assert sentence in its.sentence.text()
    assert names(window) == ["Run"]


def test_all_fields_of_the_form_have_room_in_the_narrowest_window(qtbot, window):
    window.resize(1024, 700)
    its = form(window)
    choose(its.kind, "units")
    choose(its.operation, "noise")
    choose(its.steps, "range")
    qtbot.waitUntil(its.seed.isVisible)
    qtbot.wait(50)
    fields = [its.channel, its.units, its.operation, its.value, its.seed, its.steps, its.begin, its.end, its.button]
    boxes = [QRect(own.mapTo(its, QPoint()), own.size()) for own in fields]
    assert not any(one.intersects(other) for place, one in enumerate(boxes) for other in boxes[:place])
    assert its.visibleRegion().boundingRect().right() >= max(box.right() for box in boxes)


def test_a_gate_is_switched_off_from_here_on(qtbot, window):
    window.session.playhead.seek(5)
    its = form(window)
    choose(its.kind, "gate")
    choose(its.gate, "forget_gate")
    choose(its.steps, "on")
    assert make(qtbot, window) == ClampUnits(first=5, channel="forget_gate", value=0.0)
    assert (window.session.trace.column("forget_gate")[5:] == 0).all()


def test_attention_is_painted_on_the_picture(qtbot, window):
    window.session.playhead.seek(2)
    its = form(window)
    choose(its.kind, "attention")
    choose(its.look, "attend")
    canvas = window.layout_.sections["picture"].content.canvas
    window.coordinator.flush()
    for row, column in ((0, 0), (0, 1), (2, 3)):
        place = canvas.cell_place(row, column).center().toPoint()
        qtbot.mouseMove(canvas, place)
        qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=place)
        qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=place)
    columns = scripted.GRID[1]
    assert set(window.session.brush.weights) == {0, 1, 2 * columns + 3}
    place = canvas.cell_place(0, 1).center().toPoint()
    qtbot.mouseMove(canvas, place)
    qtbot.mousePress(canvas, Qt.MouseButton.RightButton, pos=place)  # wipes
    edit = make(qtbot, window)
    assert isinstance(edit, SetAttention)
    assert [number for number, weight in enumerate(edit.weights) if weight] == [0, 2 * columns + 3]
    assert not window.session.brush.weights


def test_attention_is_masked_or_made_even(qtbot, window):
    its = form(window)
    choose(its.kind, "attention")
    assert make(qtbot, window) == UniformAttention(first=window.session.playhead.step, last=window.session.playhead.step)
    choose(its.look, "mask")
    qtbot.mouseClick(its.button, Qt.MouseButton.LeftButton)
    assert "Paint on the picture first" in its.sentence.text()
    for place in (3, 1):
        window.session.brush.paint(place)
    assert make(qtbot, window) == MaskAttention(places=(1, 3), first=window.session.playhead.step,
                                                last=window.session.playhead.step)
    window.do(OpenView(""))
    assert window.session.brush.mode == "off"  # the brush goes with the form


def test_the_picture_is_swapped_from_a_step_on(qtbot, window, tmp_path):
    path = tmp_path / "other.png"
    path.write_bytes(scripted.picture(200, 200).data)
    window.do(c.ReplaceInput(path, 4))
    qtbot.waitUntil(lambda: len(names(window)) == 2)
    settled(qtbot, window)
    edit = window.session.branch.edits[-1].edit
    assert isinstance(edit, SwapInput)
    assert edit.first == 4
    canvas = window.layout_.sections["picture"].content.canvas
    for step, shape in ((2, (240, 320)), (6, (200, 200))):
        window.session.playhead.seek(step)
        window.coordinator.flush()
        assert (canvas._photo.height(), canvas._photo.width()) == shape
    window.do(c.ReplaceInput(tmp_path / "nothing.png", 4))
    qtbot.waitUntil(lambda: "no file" in said(window))


def test_what_cannot_be_changed_is_said_and_nothing_is_lost(qtbot, window):
    before = words(window)
    for edit, sentence in ((ForceToken(first=40, token=CAT), "not there yet"), (ForceToken(first=1, token=999), "no word 999"),
                           (ClampUnits(channel="candidate"), "could be changed")):
        window.do(c.ApplyEdit(edit))
        assert sentence in said(window)
    assert names(window) == ["Run"]
    assert words(window) == before


def test_numbers_that_are_none_in_a_layer_are_shown_there(qtbot, window):
    window.session.set_trace(scripted_traces.layered_trace())
    window.controller.run.reported.emit(Failed(window.controller.run.state.number, "step", "", step=3, unit=12,
                                               channel="residual_stream"))
    assert "Step 4" in said(window)
    assert "residual stream, layer 2, unit 4" in said(window)
    assert window.session.selection.units == (4,)
    assert window.session.selection.at["layer"] == "1"


def test_numbers_that_are_none_are_shown_where_they_began(qtbot, window):
    window.do(c.ApplyEdit(ScaleUnits(channel="cell", factor=1e30, first=3)))
    qtbot.waitUntil(lambda: "not finite" in said(window))
    assert "Step 4" in said(window)
    assert "cell, unit 3" in said(window)
    assert window.session.selection.units == (3,)
    assert words(window) == scripted.CAPTION[:3]  # what came before is kept
    assert window.layout_.said.message("step") is not None
    window.controller.history.undo()
    assert words(window) == scripted.CAPTION
    assert window.layout_.said.message("step") is None


def test_what_a_step_raised_is_not_said_any_more_when_it_could_be_taken(captioned):
    session = captioned.session
    captioned.controller.failed(Failed(0, "step", "next_token raised LookupError.", branch=session.branch.wire_id))
    assert captioned.layout_.said.message("step") is not None
    session.grew()
    assert captioned.layout_.said.message("step") is None
