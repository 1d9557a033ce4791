"""Pinned units at a step: their recorded values, and the LSTM's equation done again."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scripted
from contexts import context, on_screen
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics

from unrolled.models.trace import Channel, StepResult, Trace
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.fonts import mono_font
from unrolled.viewer.theme.themes import DARK
from unrolled.viewer.views.units.lstm_check import lstm_channels, lstm_step
from unrolled.viewer.views.units.unit import UnitView
from unrolled.viewer.views.units.unit_table import NARROWEST_CELL, _number_pixels, short

UNIT_CHANNELS = ("hidden", "cell", "input_gate", "forget_gate", "output_gate", "cell_gate")


def lstm_trace(steps: int = 6, *, wrong: bool = False) -> Trace:
    """A trace whose numbers obey the equations, in float32."""
    random = np.random.default_rng(7)
    made = Trace(scripted.channels())
    cell = np.zeros(scripted.UNITS, np.float32)
    for step in range(steps):
        i, f, o = (random.random(scripted.UNITS, dtype=np.float32) for _ in range(3))
        g = random.uniform(-1, 1, scripted.UNITS).astype(np.float32)
        cell = f * cell + i * g
        values = {
            "input_gate": i,
            "forget_gate": f,
            "output_gate": o,
            "cell_gate": g,
            "cell": cell + (0.1 if wrong else 0),
            "hidden": o * np.tanh(cell),
            "attention": np.full(scripted.GRID, 1 / 48, np.float32),
            "attention_entropy": np.asarray(1.0, np.float32),
        }
        made.append(StepResult(step=step, token=2, word="a", log_prob=-1.0, values=values))
    return made


@pytest.fixture
def session():
    made = Session()
    made.set_trace(lstm_trace())
    return made


@pytest.fixture
def panel(qtbot, session):
    made = UnitView(context(session))
    session.selection.changed.connect(made.refresh)
    session.selection.hovered.connect(lambda _: made.refresh())
    return on_screen(qtbot, made, 232, 300)


def test_the_values_are_the_traces(session, panel):
    session.selection.set((3, 41, 63))
    for step in np.random.default_rng(5).integers(0, len(session.trace), 30):
        session.playhead.seek(int(step))
        assert [row.unit for row in panel.table.units.rows] == [3, 41, 63]
        for row in panel.table.units.rows:
            assert row.values == tuple(float(session.trace.column(name)[step, row.unit]) for name in UNIT_CHANNELS)


def test_a_pinned_unit_can_be_let_go(qtbot, session, panel):
    session.selection.set((3, 41))
    table, last = panel.table, panel.table.units.columnCount() - 1
    crosses = [table.units.index(row, last) for row in (0, 1)]
    names = [cross.data(Qt.ItemDataRole.AccessibleTextRole).split(" (")[0] for cross in crosses]
    assert names == ["Unpin unit 3", "Unpin unit 41"]
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=table.visualRect(crosses[0]).center())
    assert session.selection.units == (41,)
    assert [row.unit for row in panel.table.units.rows] == [41]


def test_units_are_gone_through_and_let_go_by_keys(qtbot, session, panel):
    session.selection.set((3, 41, 63))
    panel.table.setFocus()
    qtbot.keyClick(panel.table, Qt.Key.Key_Down)
    qtbot.keyClick(panel.table, Qt.Key.Key_Delete)
    assert session.selection.units == (3, 63)
    qtbot.keyClick(panel.table, Qt.Key.Key_Delete)  # the place is kept
    assert session.selection.units == (3,)
    session.selection.set_hover(9)
    qtbot.keyClick(panel.table, Qt.Key.Key_Down)
    qtbot.keyClick(panel.table, Qt.Key.Key_Delete)  # what is pointed at is not pinned
    assert session.selection.units == (3,)


def test_pointing_at_a_unit_shows_it_and_moves_nothing(session, panel):
    session.selection.set((3,))
    height = panel.table.height()
    session.selection.set_hover(9)
    assert [row.unit for row in panel.table.units.rows] == [3, 9]
    assert panel.equation.result.unit == 9
    assert panel.table.height() == height
    session.selection.set_hover(None)
    assert [row.unit for row in panel.table.units.rows] == [3]


def test_the_equation_agrees_with_the_model(session, panel):
    session.selection.set((5,))
    for step in range(len(session.trace)):
        session.playhead.seek(step)
        result = panel.equation.result
        assert result.agrees
        assert (result.before is None) == (step == 0)
        assert any("agrees" in text for text, kind in panel.equation.lines() if kind == "good")
    assert panel.equation.accessibleDescription()


def test_the_first_word_claims_no_more_than_was_done_again(session, panel):
    session.selection.set((5,))
    session.playhead.seek(0)
    first = [text for text, _ in panel.equation.lines()]
    assert any("start state, not recorded" in text for text in first)
    assert any("as recorded" in text for text in first)
    assert "h agrees with the model" in first[-1]
    session.playhead.seek(1)
    second = [text for text, _ in panel.equation.lines()]
    assert len(second) == len(first)  # nothing moves from word to word
    assert not any("recorded" in text for text in second)


def test_a_difference_is_said(session, panel):
    session.set_trace(lstm_trace(wrong=True))
    panel.refresh()
    session.selection.set((5,))
    session.playhead.seek(2)
    assert not panel.equation.result.agrees
    assert any("differs" in text for text, kind in panel.equation.lines() if kind == "bad")


def test_other_models_have_the_table_and_no_equation(session, panel):
    plain = Trace(
        (Channel(name="state", role="hidden", symbol="s", axes=("unit",), shape=(4,), low=-1, high=1),)
    )
    plain.append(
        StepResult(
            step=0, token=2, word="a", log_prob=-1.0, values={"state": np.arange(4, dtype=np.float32) / 4}
        )
    )
    session.set_trace(plain)
    session.selection.set((2, 50))
    panel.refresh()
    second, fiftieth = panel.table.units.rows
    assert second.values == (0.5,)
    assert math.isnan(fiftieth.values[0])
    assert not panel.equation.isVisible()
    assert not panel.grab().isNull()


def test_layers_of_different_width_are_not_one_lstm():
    channels = [channel for channel in scripted.channels() if channel.axes == ("unit",)]
    assert lstm_channels(channels) is not None
    assert lstm_channels(channels[:-1]) is None
    odd = Channel(name="cell_gate", role="cell_gate", symbol="g", axes=("unit",), shape=(3,), low=-1, high=1)
    assert lstm_channels([*channels[:-1], odd]) is None


def test_each_value_can_be_read_in_full(session, panel):
    session.selection.set((5,))
    session.playhead.seek(1)
    tip = panel.table.units.index(0, 2).data(Qt.ItemDataRole.ToolTipRole)
    assert f"{session.trace.column('cell')[1, 5]:.5f}".lstrip("-") in tip
    head = panel.table.units.headerData(2, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
    assert head.startswith("c: ")


def test_nothing_pinned_says_how_to_pin(session, panel):
    assert panel._empty.isVisible()
    session.selection.set((1,))
    assert not panel._empty.isVisible()
    session.set_trace(None)
    panel.refresh()
    assert panel.table.units.rows == ()
    assert panel._empty.isVisible()
    panel.set_theme(DARK)


@given(st.floats(-999, 999))
def test_short_numbers_are_short(value):
    text = short(value)
    assert len(text) <= 4
    assert float(text.replace("−", "-")) == pytest.approx(value, abs=0.51 if abs(value) >= 9.9 else 0.06)


@settings(max_examples=20)
@given(st.integers(0, 5), st.integers(0, scripted.UNITS - 1))
def test_done_again_it_is_what_was_recorded(step, unit):
    trace = lstm_trace()
    result = lstm_step(trace, lstm_channels(trace.channels.values()), step=step, unit=unit)
    assert result.difference < 1e-6


def test_numbers_of_many_channels_stay_apart(qtbot):
    wide = QFontMetrics(mono_font(_number_pixels(NARROWEST_CELL))).horizontalAdvance("−.53")
    assert wide < NARROWEST_CELL
