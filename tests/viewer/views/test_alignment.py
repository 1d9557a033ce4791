"""The alignment: rows grow with the run, words on both sides are linked, and what is drawn is what was recorded."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scripted
import scripted_traces
from contexts import context, on_screen
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from unrolled.models.trace import Trace
from unrolled.models.trace.edits import MaskAttention, SetAttention
from unrolled.viewer.drawing.alignment_geometry import alignment_geometry, shown_labels
from unrolled.viewer.drawing.alignment_painting import weight_colour
from unrolled.viewer.drawing.alignment_rows import AlignmentRows, whole_word, written_label
from unrolled.viewer.drawing.contrast import text_on
from unrolled.viewer.plotting.context_menu import FigureMenu
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.colour_maps import SEQUENTIAL, colour_table
from unrolled.viewer.theme.themes import DARK
from unrolled.viewer.views.alignment.alignment import AlignmentView
from unrolled.viewer.views.catalogue import BUILT_IN
from unrolled.viewer.views.spec import Subject


def colour_of(canvas, row, column):
    return tuple(canvas.table[canvas.view.places[row, column]][:3].tolist())


@pytest.fixture
def session():
    made = Session()
    made.set_trace(scripted_traces.translation_trace())
    return made


@pytest.fixture
def panel(qtbot, session):
    made = AlignmentView(context(session))
    session.appearance.changed.connect(made.refresh)
    session.steps_added.connect(lambda _: made.refresh())
    session.trace_changed.connect(made.refresh)
    return on_screen(qtbot, made, 376, 560)


def cell_point(panel, row, column):
    geometry = panel.canvas.geometry_of_cells
    return QPoint(round(geometry.left + (column + 0.5) * geometry.cell_width),
                  round(geometry.top + (row + 0.5) * geometry.cell_height))


def test_it_is_chosen_by_axes_alone(session):
    spec = next(spec for spec in BUILT_IN if spec.name == "alignment")
    assert spec.accepts(Subject(channels=tuple(session.trace.channels.values()), input_kind="sentence"))
    assert not spec.accepts(Subject(channels=scripted.channels(), input_kind="sentence"))


def test_what_is_lit_up_is_the_playheads_row(session, panel):
    weights = session.trace.column("attention")
    for step in np.random.default_rng(5).integers(0, len(session.trace), 40):
        session.playhead.seek(int(step))
        assert panel.canvas.view.step == step
        assert np.array_equal(panel.words.weights, weights[step])
        assert np.array_equal(panel.canvas.view.row_weights, weights[step])
        table = panel.canvas.table
        assert [colour.getRgb()[:3] for colour in panel.words.colours] == [
            weight_colour(float(weight), (0.0, 1.0), table).getRgb()[:3] for weight in weights[step]]


def test_its_switches_lie_over_no_cell_where_it_is_low(qtbot, panel):
    for height in (200, 106):  # without the words above it, and as in the least window
        panel.resize(344, height)
        qtbot.wait(20)
    assert panel.height() == 106
    assert panel.canvas.mapTo(panel, panel.canvas.rect().bottomLeft()).y() < panel.legend.mapTo(panel, QPoint()).y()


def test_cells_have_the_colours_of_their_weights_on_one_scale(session, panel):
    weights = session.trace.column("attention")
    table = colour_table("inferno").astype(int)
    seen = panel.canvas.grab().toImage()
    for row, column in ((0, 0), (2, 1), (4, 4), (8, 9), (9, 2)):
        found = np.array(colour_of(panel.canvas, row, column))
        assert np.abs(found - table[round(float(weights[row, column]) * 255)][:3]).max() <= 6
        point = cell_point(panel, row, column)
        assert seen.pixelColor(point).getRgb()[:3] == tuple(found)


def test_rows_are_coloured_once_and_never_again_while_it_grows(session, panel):
    whole = scripted_traces.translation_trace()
    growing = Trace(whole.channels.values(), provenance=whole.provenance)
    session.set_trace(growing)
    heights = set()
    for step in range(len(whole)):
        growing.append(whole.step(step))
        session.grew()
        session.playhead.seek(step)
        before = panel._rows.places.copy()
        panel.refresh()
        assert np.array_equal(panel._rows.places[: len(before)], before)
        heights.add(panel.canvas.geometry_of_cells.cell_height)
    assert panel._rows.made == len(whole)
    assert len(heights) == 1  # nothing jumps
    assert panel.canvas.view.written[-1] == "END"


def turned(canvas, place, notches, modifiers=Qt.KeyboardModifier.NoModifier):
    QApplication.sendEvent(canvas, QWheelEvent(
        QPointF(place), QPointF(canvas.mapToGlobal(place)), QPoint(), QPoint(0, 120 * notches), Qt.MouseButton.NoButton,
        modifiers, Qt.ScrollPhase.NoScrollPhase, False))


def test_ctrl_and_the_wheel_show_a_part_larger_with_the_words_beside_it(qtbot, session, panel):
    canvas, colours = panel.canvas, [[colour_of(panel.canvas, row, column) for column in range(10)] for row in range(10)]
    before, place = canvas.geometry_of_cells, cell_point(panel, 6, 5)
    turned(canvas, place, -2)
    assert session.playhead.step == 2, "the wheel alone moves the playhead"
    turned(canvas, place, 4, Qt.KeyboardModifier.ControlModifier)
    assert session.playhead.step == 2
    geometry = canvas.geometry_of_cells
    assert geometry.cell_width == pytest.approx(1.25**4 * before.cell_width)
    assert canvas.cell_at(QPointF(place)) == (6, 5)
    assert (geometry.label_width, geometry.label_height) == pytest.approx((before.left, before.top))
    image = canvas.grab().toImage()
    for row, column in ((6, 5), (5, 4), (7, 5)):
        assert image.pixelColor(cell_point(panel, row, column)).getRgb()[:3] == colours[row][column]
    assert cell_point(panel, 6, 0).x() < geometry.label_width, "that column is out of sight"
    assert canvas.cell_at(QPointF(geometry.label_width - 4, place.y())) == (6, None)
    assert canvas.cell_at(QPointF(place.x(), geometry.label_height - 4)) == (None, 5)
    boxes = [mark for mark in canvas._marks if hasattr(mark, "side")]
    assert panel.canvas.view.source[0] not in [label.text for label in boxes]
    assert panel.canvas.view.source[5] in [label.text for label in boxes]
    turned(canvas, place, 1, Qt.KeyboardModifier.ShiftModifier)
    assert canvas.geometry_of_cells.left == pytest.approx(geometry.left + 0.1 * (before.right - before.left))
    assert session.playhead.step == 2
    qtbot.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=place)
    assert canvas.geometry_of_cells == before


def test_a_frame_is_shown_larger_and_the_playhead_is_followed(qtbot, session, panel):
    canvas, before, shift = panel.canvas, panel.canvas.geometry_of_cells, Qt.KeyboardModifier.ShiftModifier
    start, stop = cell_point(panel, 4, 4), cell_point(panel, 7, 7)
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, shift, start)
    QTest.mouseMove(canvas, stop)
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, shift, stop)
    assert session.playhead.step == 0, "a frame goes nowhere"
    assert canvas.geometry_of_cells.cell_width > 2 * before.cell_width
    assert canvas.cell_at(QPointF(canvas.width() - 3, canvas.height() - 3))[0] < 9
    session.playhead.seek(9)
    geometry = canvas.geometry_of_cells
    assert geometry.label_height <= cell_point(panel, 9, 0).y() < canvas.height()
    session.playhead.seek(0)
    geometry = canvas.geometry_of_cells
    assert geometry.label_height <= cell_point(panel, 0, 0).y() < canvas.height()
    canvas.setFocus()
    qtbot.keyClick(canvas, Qt.Key.Key_0)
    assert canvas.geometry_of_cells == before
    qtbot.keyClick(canvas, Qt.Key.Key_Plus)
    menu = canvas.findChild(FigureMenu).menu()
    next(action for action in menu.actions() if action.text().startswith("Show all")).trigger()
    assert canvas.geometry_of_cells == before


def test_a_click_on_a_row_goes_there(qtbot, session, panel):
    for row in (4, 0, 9):
        qtbot.mouseClick(panel.canvas, Qt.MouseButton.LeftButton, pos=cell_point(panel, row, 3))
        assert session.playhead.step == row
    geometry = panel.canvas.geometry_of_cells
    label = QPoint(10, round(geometry.top + 2.5 * geometry.cell_height))
    qtbot.mouseClick(panel.canvas, Qt.MouseButton.LeftButton, pos=label)
    assert session.playhead.step == 2


def test_hovering_reads_out_both_words_and_the_weight(qtbot, session, panel):
    qtbot.mouseMove(panel.canvas, cell_point(panel, 4, 4))
    weight = float(session.trace.column("attention")[4, 4])
    assert panel.note.startswith(f"“running” → “court”  {weight * 100:.1f}%")
    assert panel.canvas.accessibleDescription() == panel.note
    assert np.array_equal(panel.canvas.view.column_weights, session.trace.column("attention")[:, 4])
    assert np.array_equal(panel.words.weights, session.trace.column("attention")[4])  # of the row under the pointer
    panel.canvas.leaveEvent(None)
    assert panel.note == ""
    assert panel.canvas.view.column_weights is None


def test_a_source_word_is_followed_from_either_place(qtbot, session, panel):
    place = panel.words.place(2).center().toPoint()
    qtbot.mouseClick(panel.words, Qt.MouseButton.LeftButton, pos=place)
    assert panel.chosen == 2
    assert np.array_equal(panel.canvas.view.column_weights, session.trace.column("attention")[:, 2])
    panel.words.leaveEvent(None)
    assert panel.note.startswith("“dog” is attended to most by “chien”")
    geometry = panel.canvas.geometry_of_cells
    head = QPoint(round(geometry.left + 2.5 * geometry.cell_width), 12)
    qtbot.mouseClick(panel.canvas, Qt.MouseButton.LeftButton, pos=head)
    assert panel.chosen is None


def test_the_keyboard_reaches_all_of_it(qtbot, session, panel):
    assert panel.canvas.focusPolicy() == Qt.FocusPolicy.TabFocus
    panel.canvas.setFocus()
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Up):
        qtbot.keyClick(panel.canvas, key)
    assert session.playhead.step == 1
    qtbot.keyClick(panel.canvas, Qt.Key.Key_Right)
    qtbot.keyClick(panel.canvas, Qt.Key.Key_Right)
    assert panel.chosen == 1
    qtbot.keyClick(panel.canvas, Qt.Key.Key_Escape)
    assert panel.chosen is None
    assert panel.canvas.accessibleName()
    assert panel.words.accessibleName()
    assert panel.accessibleName()


def test_the_scale_is_absolute_and_its_uniform_level_marked(qtbot, session, panel):
    assert (panel.legend.low, panel.legend.high) == (0.0, 1.0)
    assert panel.legend.uniform == pytest.approx(1 / len(scripted_traces.SOURCE))
    assert panel.legend.labels == ("0", "uniform 9.1%", "100%")
    qtbot.mouseClick(panel.stretched, Qt.MouseButton.LeftButton)
    weights = session.trace.column("attention")[session.playhead.step]
    assert (panel.legend.low, panel.legend.high) == (pytest.approx(weights.min()), pytest.approx(weights.max()))
    assert panel._rows.places.max(axis=1).tolist() == [254] * len(session.trace)


def test_pieces_are_written_as_people_read_words():
    assert [written_label(word, "pieces") for word in ("▁run", "ning", ".", "<end>")] == ["run", "·ning", ".", "END"]
    words = scripted_traces.SOURCE
    assert whole_word(words, 4, "pieces") == whole_word(words, 5, "pieces") == "running"
    assert whole_word(words, 9, "pieces") == "."
    assert whole_word(words, 10, "pieces") == "END"
    assert whole_word(("▁l", "'", "herbe"), 2, "pieces") == "herbe"


def test_a_long_sentence_fits(qtbot, session, panel):
    source = (*tuple(f"▁source{number}" for number in range(199)), "<end>")
    written = (*tuple(f"▁written{number}" for number in range(199)), "<end>")
    session.set_trace(scripted_traces.translation_trace(source, written))
    geometry = panel.canvas.geometry_of_cells
    assert geometry.right <= panel.canvas.width()
    assert geometry.bottom <= panel.canvas.height()
    for step in np.random.default_rng(2).integers(0, 200, 20):
        session.playhead.seek(int(step))
        panel.canvas.grab()
        assert panel.canvas.view.step == step
    for row, column in ((0, 0), (77, 131), (199, 199)):
        assert panel.canvas.cell_at(QPointF(cell_point(panel, row, column))) is not None
        assert geometry.row_at(geometry.top + (row + 0.5) * geometry.cell_height) == row
        assert geometry.column_at(geometry.left + (column + 0.5) * geometry.cell_width) == column


def test_labels_are_left_out_evenly_and_those_that_matter_stay():
    assert shown_labels(10, 20.0, 14.0) == list(range(10))
    shown = shown_labels(100, 2.0, 14.0, (33,))
    assert 33 in shown
    assert all(second - first >= 7 for first, second in itertools.pairwise(shown))


def test_words_on_a_tint_are_legible(qapp):
    def luminance(colour):
        parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.getRgbF()[:3]]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    from unrolled.viewer.drawing.alignment_painting import alignment_table
    for name in SEQUENTIAL:
        for weight in np.linspace(0, 1, 60):
            ground = weight_colour(float(weight), (0, 1), alignment_table(name, "#ff0000"))
            low, high = sorted((luminance(ground), luminance(text_on(ground))))
            assert (high + 0.05) / (low + 0.05) > 4.0


def test_what_is_no_number_and_a_shorter_run_do_no_harm(session, panel):
    trace = scripted_traces.translation_trace()
    trace.column("attention")[3] = np.nan
    session.set_trace(trace)
    session.playhead.seek(3)
    panel.canvas.grab()
    panel.set_theme(DARK)
    session.set_trace(trace.truncated(2))
    assert len(panel._rows) == 2
    session.set_trace(None)
    assert panel.note == ""
    rows = AlignmentRows(trace.channels["attention"])
    assert rows.follow(trace)
    assert rows.follow(trace.truncated(1))
    assert len(rows.places) == 1


def test_the_geometry_keeps_within_its_box():
    for rows, columns in ((0, 1), (1, 1), (3, 40), (60, 3), (200, 200)):
        geometry = alignment_geometry(300, 240, rows=rows, columns=columns, label_width=500, label_height=500)
        assert geometry.right <= 300
        assert geometry.bottom <= 240


def test_attention_is_painted_on_the_source_words(qtbot, panel, session):
    brush = session.brush
    brush.set_mode("mask")
    panel.refresh()
    for word in (1, 3, 1):
        place = panel.words.place(word).center().toPoint()
        qtbot.mouseClick(panel.words, Qt.MouseButton.LeftButton, pos=place)
    assert brush.weights == {3: 1.0}  # a second click wipes it
    assert panel.chosen is None
    assert brush.edit(len(session.trace.provenance.source), first=2, last=2) == MaskAttention(places=(3,), first=2, last=2)
    panel.canvas.column_clicked.emit(0)
    assert set(brush.weights) == {0, 3}
    brush.set_mode("attend")
    assert brush.edit(11, first=0, last=-1) is None  # what was painted with another brush is wiped away
    brush.strength = 0.5
    brush.paint(2)
    brush.paint(4)
    brush.strength = 1.0
    brush.paint(5)
    assert brush.edit(6, first=0, last=-1) == SetAttention(weights=(0.0, 0.0, 0.5, 0.0, 0.5, 1.0))
    brush.set_mode("off")
    qtbot.mouseClick(panel.words, Qt.MouseButton.LeftButton, pos=panel.words.place(4).center().toPoint())
    assert not brush.weights
    assert panel.chosen == 4
