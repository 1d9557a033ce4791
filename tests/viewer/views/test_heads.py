"""Layer and head: the pickers, the small multiples, and what follows them."""

from __future__ import annotations

import numpy as np
import pytest
import scripted
import scripted_traces
from contexts import Doing, context, on_screen
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QStyle, QStyleOptionComboBox

from unrolled.models.protocol.questions import GradientRows
from unrolled.models.trace import Channel, Provenance, StepResult, Trace
from unrolled.models.trace.edits import SwitchHeadsOff
from unrolled.viewer.state.attributions import GRADIENTS, ask_gradients
from unrolled.viewer.state.commands import ApplyEdit, LookAt
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.colour_maps import to_colours
from unrolled.viewer.theme.fonts import load_fonts
from unrolled.viewer.views.alignment.alignment import AlignmentView
from unrolled.viewer.views.attribution.attribution import AttributionView
from unrolled.viewer.views.attribution.contributions import words_read
from unrolled.viewer.views.catalogue import BUILT_IN
from unrolled.viewer.views.heads.heads import HeadsView
from unrolled.viewer.views.heads.picker import LayerHeadView
from unrolled.viewer.views.picture.picture import PictureView
from unrolled.viewer.views.spec import Subject


def session_with(trace):
    made = Session()
    made.set_trace(trace)
    made.questions.possible = True
    return made


def shown(qtbot, kind, session, doing=None):
    made = kind(context(session, doing=doing))
    session.selection.changed.connect(made.refresh)
    return on_screen(qtbot, made, 640, 300)


def test_only_what_has_layers_and_heads_is_offered_them():
    layered = tuple(scripted_traces.layered_trace().channels.values())
    for name in ("layer and head", "heads", "lens"):
        spec = next(spec for spec in BUILT_IN if spec.name == name)
        assert spec.accepts(Subject(channels=layered))
        assert not spec.accepts(Subject(channels=scripted.channels()))
    equations = next(spec for spec in BUILT_IN if spec.name == "equations")
    assert not equations.accepts(Subject(channels=layered))


def test_pickers_choose_layer_and_head(qtbot):
    session = session_with(scripted_traces.layered_trace())
    picker = shown(qtbot, LayerHeadView, session)
    assert [picker.layer.itemText(place) for place in range(picker.layer.count())] == ["layer 1", "layer 2", "layer 3"]
    assert picker.layer.currentText() == "layer 3"
    assert [picker.head.itemText(place) for place in range(picker.head.count())] == [
        "mean", "rollout", "head 1", "head 2"]
    qtbot.keyClick(picker.head, Qt.Key.Key_End)
    qtbot.keyClick(picker.layer, Qt.Key.Key_Home)
    assert session.selection.at == {"head": "1", "layer": "0"}
    assert picker.layer.currentText() == "layer 1"


def test_the_photograph_shows_the_head_that_is_chosen(qtbot):
    session = session_with(scripted_traces.layered_trace())
    session.set_input(scripted.picture())
    session.set_trace(scripted_traces.layered_trace())
    view = shown(qtbot, PictureView, session)
    session.playhead.seek(4)
    column = session.trace.column("cross_attention")
    np.testing.assert_allclose(view.canvas.shown_map, column[4, 2].mean(axis=0), rtol=1e-6)
    session.selection.look_at("layer", "1")
    session.selection.look_at("head", "0")
    np.testing.assert_array_equal(view.canvas.shown_map, column[4, 1, 0])


def test_all_heads_are_drawn_as_they_were_recorded_and_a_click_chooses_one(qtbot):
    session = session_with(scripted_traces.layered_trace())
    view = shown(qtbot, HeadsView, session)
    session.playhead.seek(3)
    assert view.columns == ("0", "1", "mean", "rollout")
    column = session.trace.column("cross_attention")
    np.testing.assert_array_equal(view.tiles.values[2][1], column[3, 2, 1])
    box = view.tiles.place(1, 0)
    picture = view.tiles.grab().toImage()
    values = session.appearance.values
    wanted = to_colours(column[3, 1, 0], low=0.0, high=1.0, name=values.attention_colour_map)[0, 2, :3]
    ratio = picture.width() / view.tiles.width()
    colour = picture.pixelColor(round((box.left() + box.width() * 5 / 6) * ratio), round((box.top() + box.height() / 4) * ratio))
    assert np.abs(np.array(colour.getRgb()[:3]) - wanted).max() <= 3
    qtbot.mouseClick(view.tiles, Qt.MouseButton.LeftButton, pos=box.center().toPoint())
    assert session.selection.at == {"layer": "1", "head": "0"}
    assert view.tiles.chosen == (1, 0)
    view.tiles.setFocus()
    qtbot.keyClick(view.tiles, Qt.Key.Key_Down)
    qtbot.keyClick(view.tiles, Qt.Key.Key_Right)
    assert session.selection.at == {"layer": "2", "head": "1"}
    assert "layer 3, head 2: most on row" in view.tiles.text_of(2, 1)


def test_a_head_is_switched_off_from_the_playhead_on(qtbot):
    session = session_with(scripted_traces.layered_trace(places=()))
    doing = Doing(session)
    view = shown(qtbot, HeadsView, session, doing)
    assert not view.off.isEnabled()  # a mean is no head
    doing(LookAt("layer", "1"))
    doing(LookAt("head", "1"))
    session.playhead.seek(5)
    qtbot.mouseClick(view.off, Qt.MouseButton.LeftButton)
    assert doing.done == [ApplyEdit(SwitchHeadsOff(channel="self_attention", layer=1, heads=(1,), first=5))]


@pytest.mark.parametrize("places", [(), (4,)])
def test_attention_over_what_was_written_has_its_words_on_both_sides(qtbot, places):
    session = session_with(scripted_traces.layered_trace(places=places))
    view = shown(qtbot, AlignmentView, session)
    if places:
        view._pick(view.picker.findData("self_attention[layer=2,head=mean]"))
    words = session.trace.words
    assert view.words.words[1:4] == ("un", "chien", "mar")
    assert len(view.words.words) == len(words)
    session.playhead.seek(4)
    weights = session.trace.column("self_attention[layer=2,head=mean]")[4, : len(words)]
    np.testing.assert_array_equal(view.canvas.view.row_weights, weights)
    session.selection.look_at("head", "0")
    np.testing.assert_array_equal(view.canvas.view.row_weights, session.trace.column("self_attention")[4, 2, 0, : len(words)])


def test_attention_that_is_implied_says_so_and_offers_no_choice(qtbot):
    implied = Channel(name="implied_attention", role="implied_attention", symbol="α", axes=("layer", "key"), shape=(2, 4), low=0,
                      high=1)
    trace = Trace((implied,), provenance=Provenance(model="scripted", input_kind="text", detokenization="pieces"))
    trace.append(StepResult(step=0, token=1, word="▁a", log_prob=-0.5, values={"implied_attention": np.ones((2, 4), np.float32)}))
    view = shown(qtbot, AlignmentView, session_with(trace))
    assert view.picker.isHidden()
    assert view.note == "implied attention, layer\N{NO-BREAK SPACE}2"


def test_without_a_state_that_steps_hand_on_words_are_attributed_alone(qtbot):
    trace = scripted_traces.layered_trace(places=())
    session = session_with(trace)
    view = shown(qtbot, AttributionView, session)
    assert view.map.isHidden()  # nor is it promised
    session.questions.answered.connect(lambda _: view.refresh())
    session.playhead.seek(3)
    length = len(trace)
    asked = session.questions.get(GRADIENTS) or ask_gradients(session, view.do)
    words = np.tril(np.random.default_rng(2).normal(0, 1, (length, length))).astype("<f4")
    session.questions.take_part(asked.number, GradientRows(
        row=0, rows=length, column=0, columns=length, hidden=b"", words=words.tobytes()), done=True)
    assert view.map.isHidden()
    assert view.by.isHidden()
    assert view._chart.isHidden()  # all the room is the others'
    assert view.words.isVisible()
    assert words_read(trace, GradientRows(row=0, rows=length, column=0, columns=length, hidden=b"", words=words.tobytes()),
                      3).names[:2] == ("first", "un")  # the text's own first piece, which the first step read
    assert not view._empty.isVisible()


def test_the_pickers_of_layer_and_head_cut_neither_in_the_narrowest_window(qtbot, captioned):
    load_fonts()
    view = shown(qtbot, LayerHeadView, session_with(scripted_traces.layered_trace()))  # `captioned` brought the style sheet
    view.resize(230, 40)
    qtbot.wait(20)
    for box in (view.layer, view.head):
        option = QStyleOptionComboBox()
        box.initStyleOption(option)
        room = box.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, box)
        assert room.width() - 2 >= box.fontMetrics().horizontalAdvance(box.currentText()), box.currentText()
