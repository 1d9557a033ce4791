"""The page of a store, by clicking and typing; what it says is computed again from what the store was made of."""

from __future__ import annotations

import os
import re
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from stores import ENTROPY, HIDDEN, drawn

from unrolled.models.corpus.alike import units_like
from unrolled.models.corpus.nearest import LikeWhat
from unrolled.models.corpus.search import Hit
from unrolled.models.corpus.state_map import principal_map
from unrolled.models.store.store import open_store
from unrolled.models.trace.files import save_trace
from unrolled.viewer.corpus.density import CELLS, coloured, grid_of, of_groups, owners
from unrolled.viewer.corpus.map_page import Drawn, _at, _property, by_document, found_in, spans_within
from unrolled.viewer.corpus.page import CorpusPage
from unrolled.viewer.corpus.question import Like, Matching, OnTogether, QuestionError, question_of
from unrolled.viewer.state.commands import FrameSteps, OpenDocument
from unrolled.viewer.state.open_store import OpenStore
from unrolled.viewer.theme.colour_maps import to_colours
from unrolled.viewer.theme.themes import LIGHT


@pytest.fixture
def page(qtbot, kept):
    state, done = OpenStore(), []
    made = CorpusPage(state, done.append, LIGHT)
    made.done = done
    qtbot.addWidget(made)
    state.set_store(open_store(kept.location.folder))
    made.resize(1400, 850)
    made.show()
    yield made
    made.close_page()


def all_values(kept, name):
    return np.concatenate([values[name] for values in kept.values])


def test_documents_are_listed_with_their_lengths(page):
    table = page.documents.table.documents
    assert [table.index(row, 0).data() for row in range(table.rowCount())] == [f"folder/{row:04d}.py" for row in range(4)]
    assert table.index(2, 1).data() == "5,000"
    page.documents.table.activated.emit(table.index(1, 0))
    assert page.done == [OpenDocument(1)]


def test_what_is_written_meanwhile_is_shown(qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr("unrolled.viewer.corpus.page.LOOK_MILLISECONDS", 20)
    source, state = drawn(tmp_path / "store", [3000, 3000, 3000], shard=4096, channels=(HIDDEN,)), OpenStore()
    made = CorpusPage(state, lambda _: None, LIGHT)
    qtbot.addWidget(made)
    made.show()
    state.set_store(open_store(tmp_path / "store"))
    parts = source.description.parts
    assert made.about.text().endswith(f"{parts} of {parts} parts are not there yet.")
    table = made.documents.table.documents
    assert [table.index(row, 1).data() for row in range(3)] == ["not yet"] * 3
    qtbot.waitUntil(lambda: made.unit.facts.text() == "There is no step to go through. No part of the store is there yet.")
    assert not made.unit.follows.text()
    for part in range(parts):
        source.write(part)
        missing = parts - part - 1
        rest = f"{missing} of {parts} parts {'is' if missing == 1 else 'are'} not there yet." if missing else "values in 8 bits"
        qtbot.waitUntil(lambda rest=rest: made.about.text().endswith(rest))
    assert [table.index(row, 1).data() for row in range(3)] == ["3,000"] * 3
    qtbot.waitUntil(lambda: "9,000 steps" in made.unit.facts.text())
    qtbot.waitUntil(lambda: not made._look.isActive())
    made.close_page()


def test_documents_are_found_by_their_names(qtbot, page, monkeypatch):
    monkeypatch.setattr("unrolled.models.store.documents.TITLES_READ", 3)
    table = page.documents.table.documents
    qtbot.keyClicks(page.documents.field, "FOLDER 3.p")
    qtbot.waitUntil(lambda: table.rowCount() == 1)
    assert (table.index(0, 0).data(), table.index(0, 1).data()) == ("folder/0003.py", "1,300")
    assert page.documents.said.text() == "1 of 4 documents"
    page.documents.table.activated.emit(table.index(0, 0))
    assert page.done == [OpenDocument(3)]
    qtbot.keyClicks(page.documents.field, "x")
    qtbot.waitUntil(lambda: page.documents.said.text() == "0 of 4 documents")
    assert table.rowCount() == 0
    page.documents.field.clear()
    qtbot.waitUntil(lambda: table.rowCount() == 4)
    assert not page.documents.said.isVisible()


def test_a_question_that_is_typed_is_answered(qtbot, page, kept):
    qtbot.keyClicks(page.question, "on 2 off 4 threshold 0.25")
    qtbot.keyClick(page.question, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "match" in page.status.text())
    expected = 0
    for values in kept.values:
        on = (values["cell"][:, 2] >= 0.25) & (values["cell"][:, 4] < 0.25)
        expected += int((np.diff(on.astype(int), prepend=0) == 1).sum())
    said = int(re.match(r"([\d,]+)", page.status.text())[1].replace(",", ""))
    assert abs(said - expected) <= max(3, expected // 50)  # a byte's width round the threshold
    hit = page.found.hits.rows[0]
    values = kept.values[hit.document]["cell"][hit.first : hit.last + 1]
    assert (values[:, 2] >= 0.25 - 6 / 255).all()
    assert (values[:, 4] < 0.25 + 6 / 255).all()
    line = page.found.line_of(hit)
    around = kept.texts[hit.document][hit.first - line.first : hit.first - line.first + len(line.pieces)]
    assert "".join(line.pieces).replace("⏎", "\n") == around
    first = page.found.visualRect(page.found.hits.index(0, 0))
    qtbot.mouseClick(page.found.viewport(), Qt.MouseButton.LeftButton, pos=first.center())
    assert not page.done  # it is selected, for “More like this”
    qtbot.mouseDClick(page.found.viewport(), Qt.MouseButton.LeftButton, pos=first.center())
    assert page.done == [OpenDocument(hit.document, hit.first, "cell", 2)]  # its colours are those of the line


def test_a_text_is_found_and_more_like_it(qtbot, page, kept):
    page.question.setText("text a\\(")
    page.search()
    qtbot.waitUntil(lambda: "match" in page.status.text())
    assert f"{sum(len(re.findall(chr(97) + '[(]', text)) for text in kept.texts):,} match" in page.status.text()
    hit = page.found.hits.rows[0]
    first = page.found.visualRect(page.found.hits.index(0, 0))
    qtbot.mouseClick(page.found.viewport(), Qt.MouseButton.LeftButton, pos=first.center())
    qtbot.mouseClick(page.like, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not page.asking.busy)
    assert page.question.text() == f"like {hit.document}:{hit.first + 1}-{hit.last + 1}"  # as the list counts
    assert page.found.hits.rows[0].score == pytest.approx(1.0, abs=1e-5)
    assert page.found.hits.rows[0] == Hit(hit.document, hit.first, hit.last, page.found.hits.rows[0].score)
    assert page.status.text() == "The 50 spans of 2 steps most like it among 7,040 steps of all documents, the nearest first."
    page.found.setCurrentIndex(page.found.hits.index(40, 0))
    qtbot.mouseClick(page.like, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not page.asking.busy)
    assert page.found.currentIndex().row() == 0  # the same place as before
    assert page.found.verticalScrollBar().value() == 0
    page.question.setText("text a\\(")
    page.search()
    qtbot.waitUntil(lambda: not page.asking.busy)
    assert not page.found.selectedIndexes()
    qtbot.mouseClick(page.like, Qt.MouseButton.LeftButton)
    assert page.status.text() == "Select a place in the list first."


def test_what_is_no_question_is_said(qtbot, page):
    page.question.setText("on twelve")
    page.search()
    assert page.status.text().startswith("After “on” come numbers of units, such as 12,40.")
    page.question.setText("like 99:1")
    page.search()
    qtbot.waitUntil(lambda: not page.asking.busy)
    assert page.status.text() == "There is no document 99; there are 4, counted from 0."
    page.question.setText("like 1:30-41")
    page.search()
    qtbot.waitUntil(lambda: not page.asking.busy)
    assert page.status.text() == "“folder/0001.py” has only 40 steps."


def test_states_like_those_of_a_file_are_found(qtbot, page, kept, tmp_path):
    page.unit.channel.setCurrentIndex(page.unit.channel.findData("hidden"))
    save_trace(open_store(kept.location.folder).run(2).trace(), tmp_path / "a run.npz")
    for metric, score in (("cosine", 1.0), ("euclid", 0.0)):
        page.question.setText(f"like {tmp_path}/a run.npz:8-10 metric {metric}")
        page.search()
        qtbot.waitUntil(lambda: not page.asking.busy)
        best = page.found.hits.rows[0]
        assert (best.document, best.first, best.last, best.score) == (2, 7, 9, pytest.approx(score, abs=1e-5))


def test_a_unit_over_all_documents(qtbot, page, kept):
    page.unit.look_at(3)
    qtbot.waitUntil(lambda: not page.unit.asking.busy)
    values = all_values(kept, "cell")[:, 3]
    mean = float(page.unit.facts.text().split()[0].replace("\N{MINUS SIGN}", "-"))
    assert mean == pytest.approx(float(values.mean()), abs=0.02)
    best = page.unit.greatest.hits.rows[0]
    assert kept.values[best.document]["cell"][best.first, 3] == pytest.approx(values.max(), abs=6 / 255)
    table = page.unit._table()
    assert int(np.sum(table.columns[2])) == len(values)
    assert len(page.unit._bars._item.polygon()) > 2
    page.unit.unit.setValue(4)
    assert not len(page.unit._bars._item.polygon())  # no other unit's under its name while it is computed


def test_a_bar_thinner_than_a_pixel_is_as_tall_as_its_number(qtbot, page):
    page.unit.look_at(3)
    qtbot.waitUntil(lambda: not page.unit.asking.busy)
    histogram = np.zeros_like(page.unit._answer.unit.histogram)
    histogram[len(histogram) // 2] = 5000
    plot, unit = page.unit.plot, page.unit._answer.unit._replace(histogram=histogram)
    plot.setFixedWidth(200)
    page.unit._show(replace(page.unit._answer, unit=unit))
    qtbot.wait(20)
    image = plot.grab().toImage()
    middle = plot.place_of(0.0, 4000.0).toPoint()
    accent = QColor(LIGHT.accent)
    assert min(abs(image.pixelColor(x, middle.y()).red() - accent.red()) for x in range(middle.x() - 3, middle.x() + 4)) < 60


def test_a_store_without_units_is_read(qtbot, page, tmp_path):
    made = drawn(tmp_path / "store", [30, 12], channels=(ENTROPY,))
    made.write()
    page._open.set_store(open_store(tmp_path / "store"))
    assert page.unit._nothing.isVisibleTo(page)
    assert not page.unit.plot.isVisibleTo(page)
    page.question.setText("text \\S")
    page.search()
    qtbot.waitUntil(lambda: not page.asking.busy)
    hit = page.found.hits.rows[0]
    assert "".join(page.found.line_of(hit).pieces).replace("⏎", "\n") == made.texts[hit.document]
    page.grab()
    page.question.setText("on 1")
    page.search()
    assert page.status.text() == "This store keeps no channel of units: only its texts can be searched."
    page.map.make.click()
    assert page.map.said.text() == "This store keeps no channel of units: there is no map of its states."


def test_units_alike_are_those_of_numpy(kept):
    found = units_like(open_store(kept.location.folder), "hidden", 1)
    expected = np.corrcoef(all_values(kept, "hidden").T)[1]
    assert found.steps == 7040
    np.testing.assert_allclose(found.correlation, expected, atol=5e-3)


def test_the_map_is_that_of_a_singular_value_decomposition(kept):
    found = principal_map(open_store(kept.location.folder), "hidden")
    store = open_store(kept.location.folder)
    values = np.concatenate([store.run(number).values("hidden") for number in range(4)]).astype(np.float64)
    centred = values - values.mean(axis=0)
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    documents, steps = store.at(found.places)
    order = np.lexsort((steps, documents))
    for axis in range(2):
        expected = centred @ axes[axis]
        mine = found.points[order, axis]
        assert np.abs(np.abs(np.corrcoef(mine, expected)[0, 1]) - 1) < 1e-6
        assert found.explained[axis] == pytest.approx(sizes[axis] ** 2 / (sizes**2).sum(), rel=1e-4)


def test_a_frame_in_the_map_lists_the_steps_within(qtbot, page, kept):
    page.tabs.setCurrentIndex(1)
    qtbot.mouseClick(page.map.make, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.map._drawn is not None)
    qtbot.mouseClick(page.map.frame, Qt.MouseButton.LeftButton)
    surface = page.map.plot.surface
    for press, place in ((qtbot.mousePress, QPoint(120, 60)), (qtbot.mouseMove, QPoint(300, 200)),
                         (qtbot.mouseRelease, QPoint(420, 330))):
        press(surface, Qt.MouseButton.LeftButton, pos=place) if press is not qtbot.mouseMove else press(surface, pos=place)
    assert page.tabs.currentIndex() == 0
    assert "within the frame" in page.status.text()
    corners = [page.map.plot.values_at(QPoint(*place)) for place in ((120, 60), (420, 330))]
    (x, y), points = zip(*corners, strict=True), page.map._drawn.states.points
    inside = ((points >= (min(x), min(y))) & (points <= (max(x), max(y)))).all(axis=1)
    for hit in page.found.hits.rows[:5]:
        drawn = page.map._drawn
        at = (drawn.documents == hit.document) & (drawn.steps >= hit.first) & (drawn.steps <= hit.last)
        assert inside[at].mean() > 0.9
    drawn = page.map._drawn
    x, y = zip(*(page.map.plot.values_at(QPoint(*place)) for place in ((120, 60), (300, 200))), strict=True)  # where it moved to
    inside = ((points >= (min(x), min(y))) & (points <= (max(x), max(y)))).all(axis=1)
    framed_steps, = (command.steps for command in page.done if isinstance(command, FrameSteps))
    for number, spans in framed_steps.items():
        framed = {step for first, last in spans for step in range(first, last + 1)}
        assert framed == set(drawn.steps[inside & (drawn.documents == number)].tolist())
    assert set(framed_steps) == set(drawn.documents[inside].tolist())


@pytest.mark.parametrize("by", range(8))
def test_the_map_takes_every_colour(qtbot, page, by):
    page.map.make.click()
    qtbot.waitUntil(lambda: page.map._drawn is not None)
    qtbot.waitUntil(lambda: not page.map._colouring.busy)
    before = page.map.meaning.text()
    page.map.colour.setCurrentIndex(by)
    page.map.colour_again()
    assert page.map.meaning.text() == before  # until the colours are what it says
    qtbot.waitUntil(lambda: not page.map._colouring.busy)
    assert page.map.meaning.text().startswith("Colour")
    assert (page.map.meaning.text() == before) == (by == 0)


def test_the_axes_of_the_map_are_named_after_how_it_was_made(qtbot, page):
    def names():
        return [page.map.plot._axes[side].labelText for side in ("bottom", "left")]

    page.map.make.click()
    qtbot.waitUntil(lambda: page.map._drawn is not None)
    principal = page.map._drawn
    assert names() == ["component 1", "component 2"]
    page.map._show(replace(principal, states=principal.states._replace(explained=(np.nan, np.nan))))
    assert names() == ["UMAP 1", "UMAP 2"]
    page.map._show(principal)
    assert names() == ["component 1", "component 2"]


def test_a_key_says_what_the_colours_of_the_map_mean(qtbot, page, kept):
    page.map.make.click()
    qtbot.waitUntil(lambda: page.map._drawn is not None)
    drawn_map, bar = page.map._drawn, page.map._bar
    page.map.set_unit("hidden", 1)

    def coloured_by(what):
        page.map.colour.setCurrentIndex(page.map.colour.findData(what))
        page.map.colour_again()
        qtbot.waitUntil(lambda: not page.map._colouring.busy)
        page.grab()
        return [round(end, 6) for end in bar._box.viewRange()[1]], sorted(bar._ticks._texts.values())

    assert coloured_by("density") == ([0, 1], ["1", f"{drawn_map.grid.counts.max():,}"])
    assert coloured_by("unit")[0] == [-1, 1]
    assert coloured_by("inside a string")[1] == ["no", "yes"]
    coloured_by("document")
    assert not bar._box.isVisible()
    shown = page.map.swatches.shown
    assert {swatch.words for swatch in shown} == {f"{number:04d}.py" for number in set(drawn_map.owner.tolist()) - {-1}}
    for swatch in shown:
        assert swatch.colour == LIGHT.series[int(swatch.words[:4])]
    row, column = np.argwhere(drawn_map.grid.counts)[0]
    grid = drawn_map.grid
    said = page.map.plot.reading(grid.left + (column + 0.5) * grid.width, grid.low + (row + 0.5) * grid.height)
    own = drawn_map.documents[grid.cell == row * len(grid.counts) + column]
    assert f"{len(own):,} state" in said
    assert f"folder/{np.bincount(own).argmax():04d}.py" in said or np.ptp(np.bincount(own)) == 0


def test_the_map_leaves_empty_what_cannot_be_read(qtbot, page, tmp_path):
    made = drawn(tmp_path / "store", [400, 400, 400], channels=(HIDDEN,), shard=512)
    made.write()
    gone = int(made.packing.begin[1]) // made.description.shard
    for name in ("by_unit/hidden/c/0", "character/c"):
        (tmp_path / "store" / name / str(gone)).unlink()
    page._open.set_store(open_store(tmp_path / "store"))
    page.map.make.click()
    qtbot.waitUntil(lambda: page.map._drawn is not None)
    drawn_map = page.map._drawn
    lost = drawn_map.documents == 1
    for values in (_at(page.store, "hidden", 2, drawn_map.states.places), _property(page.store, "inside a string", drawn_map)):
        assert np.isnan(values[lost]).all()
        assert np.isfinite(values[~lost]).any()
    page.map._colouring.failed.emit("This cannot be read.")
    assert page.map.meaning.text() == "This cannot be read."


def test_what_is_damaged_is_named_in_a_few_words(qtbot, page, tmp_path):
    made = drawn(tmp_path / "store", [400] * 9, channels=(HIDDEN,), shard=512)
    made.write()
    for place in [*(tmp_path / "store/by_unit/hidden/c/0").iterdir(), *(tmp_path / "store/title/c").iterdir()]:
        os.truncate(place, 3)
    page._open.set_store(open_store(tmp_path / "store"))
    damaged = "The titles of documents 0 to 8 cannot be read: numbers stand in their place."
    assert page.about.text().endswith(damaged)
    table = page.documents.table.documents
    assert [table.index(1, column).data() for column in range(2)] == ["document 1", "400"]
    page.documents.field.setText("8")
    qtbot.waitUntil(lambda: page.documents.said.text() == f"1 of 9 documents {damaged}")
    page.question.setText("on 1")
    page.search()
    qtbot.waitUntil(lambda: not page.asking.busy and not page.unit.asking.busy)
    for said in (page.status, page.unit.facts):
        assert said.text().count("is cut off or damaged") == 3
        assert said.text().endswith(" … and 6 more.")


def test_spans_within_a_frame_end_with_a_document():
    from unrolled.models.corpus.state_map import StateMap

    points = np.zeros((5, 2), np.float32)
    drawn = Drawn(StateMap(points, np.arange(5), (1.0, 0.0), ()), grid_of(points), np.array([0, 0, 1, 1, 1]),
                  np.array([7, 8, 9, 10, 12]), np.zeros(0))
    spans = spans_within(drawn, (-1, 1), (-1, 1))
    assert [(hit.document, hit.first, hit.last) for hit in found_in(drawn, spans).hits] == [(0, 7, 8), (1, 9, 10), (1, 12, 12)]
    assert by_document(spans) == {0: ((7, 8),), 1: ((9, 10), (12, 12))}
    nothing = spans_within(drawn, (1, 2), (1, 2))
    assert (found_in(drawn, nothing).count, by_document(nothing)) == (0, {})


def test_cells_have_the_mean_and_the_most_frequent():
    points = np.array([[0, 0], [0, 0], [0, 0], [1, 1]], np.float32)
    grid = grid_of(points)
    assert grid.counts[0, 0] == 3
    last = grid.counts.shape[0] - 1
    assert grid.counts[last, last] == 1
    high, low = (coloured(grid, np.array(values), low=0, high=1, name="viridis")[0, 0, :3]
                 for values in ([1.0, 1.0, np.nan, 0.0], [0.0, 0.0, np.nan, 0.0]))
    assert (high != low).any()
    few = coloured(grid, None, low=0, high=1, name="viridis")[last, last]
    assert few.tolist() == [*to_colours(np.full((1, 1), 0.25, np.float32), low=0, high=1, name="viridis")[0, 0, :3], 255]
    assert grid_of(np.random.default_rng(0).normal(size=(50_000, 2)).astype(np.float32)).counts.shape == (CELLS, CELLS)
    unread = coloured(grid, np.array([np.nan, np.nan, np.nan, 0.5]), low=0, high=1, name="viridis")
    assert (unread[0, 0, 3], unread[last, last, 3] > 0) == (0, True)
    groups = of_groups(grid, owners(grid, np.array([5, 1, 5, 2])), np.arange(18, dtype=np.uint8).reshape(6, 3))
    assert groups[0, 0, :3].tolist() == [15, 16, 17]


@pytest.mark.parametrize(("written", "question"), [
    ("on 12,40 off 7 threshold 0.3 for 4", OnTogether((12, 40), (7,), 0.3, 4)),
    ("--on 12,40 --off 7", OnTogether((12, 40), (7,))),
    ("like 3:120-140", Like(LikeWhat("3", 119, 139))),
    ("--like 3:5 metric euclid", Like(LikeWhat("3", 4, 4), "euclid")),
    ("like C:/for us/on it.npz:9-5", Like(LikeWhat("C:/for us/on it.npz", 4, 8))),
    ("text def .*:", Matching("def .*:")),
    ("import os", Matching("import os")),
    ("for x in range", Matching("for x in range")),
])
def test_questions_are_read_as_they_are_written(written, question):
    assert question_of(written) == question


@pytest.mark.parametrize("written", ["", "on a", "like 3", "on 1 threshold high", "text ", "on 1 for nan", "on 1 for 1e400",
                                     "on ²", "like 1:2 metric length", "like 1:0-3"])
def test_what_cannot_be_read_is_said(written):
    with pytest.raises(QuestionError):
        question_of(written)
