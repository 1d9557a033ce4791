"""What a store is asked, against the same question asked in plain NumPy of what the store was made of."""

from __future__ import annotations

import os
import re

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stores import CELL, HIDDEN, drawn

from unrolled.models.analysis.ranking import Ranking, area_under_curve
from unrolled.models.analysis.text_properties import PROPERTIES
from unrolled.models.corpus import index
from unrolled.models.corpus.alike import from_middle, units_like
from unrolled.models.corpus.nearest import nearest
from unrolled.models.corpus.search import Hit, search, search_text
from unrolled.models.corpus.state_map import principal_map, umap_map
from unrolled.models.corpus.units import EXTREMES, property_named, unit_statistics
from unrolled.models.store.layout import StoreError, values_of
from unrolled.models.store.step_array import StepArray
from unrolled.models.store.store import open_store
from unrolled.models.trace import Channel
from unrolled.models.trace.pyramid import MISSING

WIDE, GATE = (Channel(name="hidden", role="hidden", symbol="h", axes=("unit",), shape=(64,), low=low, high=1.0)
              for low in (-1.0, 0.0))
LENGTHS = [3000, 1, 700, 5000, 120, 4096, 50, 4096]


@pytest.fixture(scope="module", params=["uint8", "float32"])
def store(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("stores") / request.param
    drawn(path, LENGTHS, dtype=request.param, channels=(HIDDEN, CELL)).write()
    return open_store(path)


@pytest.fixture(scope="module")
def captions(tmp_path_factory):
    path = tmp_path_factory.mktemp("stores") / "captions"
    drawn(path, [5, 12, 1, 7, 3], room=12, channels=(HIDDEN,)).write()
    return open_store(path)


def spans_of(flags: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False]))))
    return [(int(first), int(stop) - 1) for first, stop in edges.reshape(-1, 2)]


@given(on=st.lists(st.integers(0, 5), max_size=3), off=st.lists(st.integers(0, 5), max_size=2),
       threshold=st.sampled_from([-0.9, -0.25, 0.0, 0.5, 0.8, 1.5]), length=st.integers(1, 40))
@settings(max_examples=12)
def test_units_are_on_where_they_are(store, on, off, threshold, length):
    if not on and not off:
        return
    expected = []
    # A byte is known to a place: one counts as at the threshold from the next border of a place on.
    step = 2 / 255
    border = np.ceil((threshold + 1) / step - 1e-6) * step - 1 if store.description.dtype == "uint8" else threshold
    for number in range(len(LENGTHS)):
        values = store.run(number).values("hidden")
        flags = (values[:, on] >= border).all(axis=1) & (values[:, off] < border).all(axis=1)
        expected += [Hit(number, first, last, last - first + 1.0) for first, last in spans_of(flags)
                     if last - first + 1 >= length]
    found = search(store, "hidden", on=on, off=off, threshold=threshold, length=length, most=10_000)
    assert sorted(found.hits) == sorted(expected)
    assert found.count == len(expected)
    assert found.steps == sum(LENGTHS)
    few = search(store, "hidden", on=on, off=off, threshold=threshold, length=length, most=3)
    assert few.hits == found.hits[:3]
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in expected), reverse=True)


@pytest.mark.parametrize("metric", ["cosine", "euclid"])
@pytest.mark.parametrize("length", [1, 7])
def test_the_nearest_are_nearest(store, metric, length):
    like = store.run(3).values("hidden", 1000, 1000 + length)
    found = nearest(store, "hidden", like, metric=metric, most=20)
    every = []
    for number in range(len(LENGTHS)):
        values = store.run(number).values("hidden").astype(np.float64)
        for first in range(len(values) - length + 1):
            rows = values[first : first + length]
            sizes = np.maximum(np.linalg.norm(rows, axis=1) * np.linalg.norm(like, axis=1), 1e-30)  # a state may be 0
            score = -np.linalg.norm(rows - like, axis=1).mean() if metric == "euclid" else \
                ((rows * like).sum(axis=1) / sizes).mean()
            every.append((score, number, first))
    best: list[tuple[float, int, int]] = []
    for score, number, first in sorted(every, reverse=True):  # none overlaps a nearer one
        if len(best) < 20 and all(other != number or abs(start - first) >= length for _, other, start in best):
            best.append((score, number, first))
    np.testing.assert_allclose([hit.score for hit in found.hits], [score for score, _, _ in best], atol=1e-6)
    assert (found.hits[0].document, found.hits[0].first, found.hits[0].last) == (3, 1000, 1000 + length - 1)
    assert found.steps == sum(LENGTHS)


@pytest.mark.parametrize("channel", [WIDE, GATE])
def test_states_of_zeros_are_like_nothing(tmp_path, channel):
    """Each document begins with one; there are more of them than are compared again."""
    made = drawn(tmp_path / "store", [40] * 300, channels=(channel,))
    for values in made.values:
        values["hidden"][0] = 0.0
    made.write()
    store = open_store(tmp_path / "store")
    rows = np.concatenate([store.run(number).values("hidden").astype(np.float64) for number in range(300)])
    like = rows[40 * 7 + 20]
    cosines = rows @ like / np.linalg.norm(rows, axis=1).clip(1e-30) / np.linalg.norm(like)
    found = nearest(store, "hidden", like[None].astype(np.float32), most=30)
    assert (found.hits[0].document, found.hits[0].first) == (7, 20)
    np.testing.assert_allclose([hit.score for hit in found.hits], np.sort(cosines)[:-31:-1], atol=1e-6)


@pytest.fixture
def umap_that(tmp_path, monkeypatch):
    """A library of that name that does as it is told, and says which process it is in."""
    def make(fit: str) -> None:
        (tmp_path / "umap.py").write_text(
            "import os, time, pathlib\n"
            "class UMAP:\n"
            "    def __init__(self, **_): pass\n"
            "    def fit_transform(self, states):\n"
            f"        pathlib.Path({str(tmp_path / 'process')!r}).write_text(str(os.getpid()))\n"
            f"        {fit}\n")
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", ""))))
    return make


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32"])
def test_sums_are_of_what_is_left_of_the_middle(dtype):
    own = msgspec.structs.replace(HIDDEN, low=-1.0, high=3.0)
    kept = np.array([[0, 127, 254, MISSING]], np.uint8) if dtype == "uint8" else np.array([[-1, 1, 3, np.nan]], dtype)
    np.testing.assert_allclose(from_middle(kept, own), np.nan_to_num(values_of(kept, own) - 1), atol=1e-6)


def test_umap_is_given_evenly_spread_states(store, umap_that, monkeypatch):
    monkeypatch.setattr("unrolled.models.corpus.state_map.MOST_OF_UMAP", 2_000)
    umap_that("return states[:, :2]")
    found = umap_map(store, "hidden")
    assert len(found.points) == len(found.places) > 1_000
    document, step = (int(own[7]) for own in store.at(found.places))
    np.testing.assert_allclose(found.points[7], store.run(document).values("hidden", step, step + 1)[0, :2], rtol=1e-6)
    assert "one state in" in found.notes[-1]
    umap_that("raise RuntimeError('too few neighbours')")
    with pytest.raises(StoreError, match="UMAP ended without a map: RuntimeError: too few neighbours"):
        umap_map(store, "hidden")


def test_umap_ends_when_nobody_waits(store, umap_that, tmp_path):
    umap_that("time.sleep(600)")
    process = tmp_path / "process"
    found = umap_map(store, "hidden", wanted=lambda: not process.exists() or not process.read_text())
    assert len(found.points) == len(found.places) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(int(process.read_text()), 0)


def test_texts_match(store):
    pattern = r"a\n?b"
    expected = [Hit(number, match.start(), match.end() - 1, float(len(match[0]))) for number in range(len(LENGTHS))
                for match in re.finditer(pattern, store.run(number).text())]
    found = search_text(store, pattern, most=10_000)
    assert list(found.hits) == expected
    assert found.count == len(expected) > 10
    with pytest.raises(StoreError, match="“\\(” is not a regular expression"):
        search_text(store, "(")


def test_texts_are_read_together_however_many_there_are(tmp_path, monkeypatch):
    drawn(tmp_path / "store", [5] * 300, channels=(HIDDEN,)).write()
    store, asked, read = open_store(tmp_path / "store"), [], StepArray.read
    monkeypatch.setattr(StepArray, "read", lambda self, *span: asked.append(span) or read(self, *span))
    first = store.run(0).text()
    assert Hit(0, 0, 4, 5.0) in search_text(store, re.escape(first), most=300).hits
    assert len(asked) <= 1 + len(store.spans())


def test_words_match_in_captions(captions):
    found = search_text(captions, "b|é", most=1000)
    expected = [(number, step) for number in range(5) for step, word in enumerate(captions.run(number).words()) if word in "bé"]
    assert [(hit.document, hit.first) for hit in found.hits] == expected != []
    assert found.steps == 28


def test_captions_are_searched_where_they_are(captions):
    found = search(captions, "hidden", on=[0], threshold=-1.0, most=100)
    assert sorted((hit.document, hit.first, hit.last) for hit in found.hits) == [
        (0, 0, 4), (1, 0, 11), (2, 0, 0), (3, 0, 6), (4, 0, 2)]
    assert found.steps == 28
    like = captions.run(3).values("hidden", 5, 7)
    hits = nearest(captions, "hidden", like, most=100).hits
    lengths = (5, 12, 1, 7, 3)
    assert all(hit.last == hit.first + 1 < lengths[hit.document] for hit in hits)
    assert len({(hit.document, step) for hit in hits for step in (hit.first, hit.last)}) == 2 * len(hits)  # none overlaps
    assert sum((length + 1) // 3 for length in lengths) <= len(hits) <= sum(length // 2 for length in lengths)
    assert (hits[0].document, hits[0].first) == (3, 5)


@pytest.mark.parametrize("follows", ["inside a string", "position in the line"])
def test_units_are_what_they_are_over_all_steps(store, follows):
    found = unit_statistics(store, "hidden", properties=("depth of brackets", follows))
    values = np.concatenate([store.run(number).values("hidden") for number in range(len(LENGTHS))])
    followed = np.concatenate([PROPERTIES[follows](store.run(number).text()) for number in range(len(LENGTHS))])
    ranking = Ranking(values, followed)
    while not ranking.finished:
        ranking.run_part()
    assert found.steps == len(values) == sum(LENGTHS)
    for one in found.units:
        column = values[:, one.unit]
        assert one.histogram.sum() == len(column)
        expected, _ = np.histogram(column, np.linspace(-1, 1, 256))
        assert np.abs(np.cumsum(one.histogram) - np.cumsum(expected)).max() <= len(column) / 100
        assert one.mean == pytest.approx(column.mean(dtype=np.float64), abs=1e-6)
        assert one.deviation == pytest.approx(column.std(dtype=np.float64), abs=1e-6)
        assert one.follows[follows].correlation == pytest.approx(ranking.correlations()[one.unit], abs=1e-6)
        area = area_under_curve(column, followed > 0) if follows == "inside a string" else float("nan")
        assert one.follows[follows].area == pytest.approx(area, abs=2e-3, nan_ok=True)
        lines = [store.run(number).values("hidden")[:, one.unit] for number in range(len(LENGTHS))]
        assert [place.value for place in one.greatest] == sorted(peaks_of(lines), reverse=True)[:EXTREMES]
        assert [-place.value for place in one.least] == sorted(peaks_of([-line for line in lines]), reverse=True)[:EXTREMES]
        for place in (*one.greatest, *one.least):
            assert store.run(place.document).values("hidden", place.step, place.step + 1)[0, one.unit] == place.value
        runs = {True: [], False: []}
        for number in range(len(LENGTHS)):
            above = store.run(number).values("hidden")[:, one.unit] >= 0
            for side in (True, False):
                runs[side] += [last - first + 1 for first, last in spans_of(above == side)]
        assert one.above == pytest.approx(np.mean(runs[True]))
        assert one.below == pytest.approx(np.mean(runs[False]))


def peaks_of(lines):
    """The values at the tops of all hills, one a hill."""
    return [max(hill) for line in lines for hill in hills_of(line.tolist())]


def hills_of(line):
    """A line cut behind every valley: down to it, and what comes behind it goes up."""
    hill, rising = [], True
    for value in line:
        if hill and not rising and value > hill[-1]:
            yield hill
            hill, rising = [], True
        elif hill and value < hill[-1]:
            rising = False
        hill.append(value)
    yield hill


def test_a_hill_is_one_place(tmp_path):
    made = drawn(tmp_path / "store", [900, 700], channels=(HIDDEN,))
    for values in made.values:
        values["hidden"][:] = 0.0
    made.values[0]["hidden"][100:160] = np.sin(np.linspace(0, np.pi, 60), dtype=np.float32)[:, None]
    made.values[1]["hidden"][300:303] = 0.25
    made.write()
    (unit,) = unit_statistics(open_store(tmp_path / "store"), "hidden", units=(2,)).units
    first, second, *rest = unit.greatest
    assert first.document == 0
    assert 128 <= first.step <= 131
    assert (second.document, second.step) == (1, 302)
    assert all(place.value == pytest.approx(0.0, abs=1 / 255) for place in rest)


def test_places_of_a_saturated_unit_are_of_many_documents(tmp_path):
    made = drawn(tmp_path / "store", [900, 700, 800, 600], channels=(HIDDEN,))
    for values in made.values:
        values["hidden"][:] = 1.0
    made.write()
    (unit,) = unit_statistics(open_store(tmp_path / "store"), "hidden", units=(2,)).units
    assert [place.value for place in unit.greatest] == pytest.approx([1.0] * 4, abs=1 / 255)
    assert {place.document for place in unit.greatest} == {0, 1, 2, 3}


def test_some_units_and_properties_by_their_names(store):
    assert [one.unit for one in unit_statistics(store, "cell", units=(4, 1)).units] == [4, 1]
    assert property_named("inside-string") == property_named("Inside a string") == "inside a string"
    assert property_named("position-in-line") == "position in the line"
    with pytest.raises(StoreError, match="There is no property “rhyme”; there are inside-string, inside-comment"):
        property_named("rhyme")


def test_questions_that_cannot_be_asked(store, captions):
    with pytest.raises(StoreError, match="There is no unit 99 of hidden; there are 6"):
        search(store, "hidden", on=[99])
    with pytest.raises(StoreError, match="Name at least one unit"):
        search(store, "hidden", on=[])
    with pytest.raises(StoreError, match="The threshold should be a finite number"):
        search(store, "hidden", on=[1], threshold=float("nan"))
    with pytest.raises(StoreError, match="Spans of at most 256 steps are compared; this one has 257"):
        nearest(store, "hidden", np.ones((257, 6), np.float32))
    with pytest.raises(StoreError, match="The store has no channel “gates”"):
        nearest(store, "gates", np.zeros((1, 6), np.float32))
    with pytest.raises(StoreError, match="should be of 6 units of hidden"):
        nearest(store, "hidden", np.zeros((1, 5), np.float32))
    with pytest.raises(StoreError, match="Properties are of texts that are read character by character"):
        unit_statistics(captions, "hidden", properties=("inside a string",))


def test_all_properties_cost_one_pass(store, monkeypatch):
    read, asked = StepArray.read, []
    monkeypatch.setattr(StepArray, "read", lambda self, *span: asked.append((self.name, *span[:2])) or read(self, *span))
    (unit,) = unit_statistics(store, "hidden", units=(2,), properties=tuple(PROPERTIES)).units
    assert sorted(own for own in asked if own[1:] != (0, 0)) == sorted(
        (name, *span) for name in ("by_unit/hidden", "character") for span in store.spans())
    for name, one in unit.follows.items():
        (alone,) = unit_statistics(store, "hidden", units=(2,), properties=(name,)).units
        assert one == pytest.approx(alone.follows[name], nan_ok=True)


def test_an_answer_about_a_part_says_so(tmp_path):
    source = drawn(tmp_path / "store", LENGTHS, channels=(HIDDEN,))
    source.write(0, 1)
    store = open_store(tmp_path / "store")
    note = f"Of {store.description.parts} parts of the store 2 are there; the answer is about those alone."
    inside = sum(row.steps for row in map(store.documents.__getitem__, range(len(LENGTHS))) if row.is_there)
    for found in (search(store, "hidden", on=[1]), nearest(store, "hidden", np.ones((1, 6), np.float32)),
                  search_text(store, "a"), unit_statistics(store, "hidden")):
        assert note in found.notes
        assert found.steps == inside < sum(LENGTHS)
    shard = store.spans()[0][0] // store.description.shard
    (tmp_path / "store" / f"by_unit/hidden/c/0/{shard}").unlink()
    store.refresh()
    found = search(open_store(tmp_path / "store"), "hidden", on=[1])
    assert f"“by_unit/hidden/c/0/{shard}” is missing from “store”." in found.notes
    assert found.steps < inside


@pytest.mark.parametrize("array", ["token/c/{}", "hidden/c/{}/0", "by_unit/hidden/c/0/{}"])
def test_a_damaged_part_costs_no_question_the_others(tmp_path, array):
    """Captions: which of a part's steps are some document's is read from its tokens."""
    made = drawn(tmp_path / "captions", [5, 12, 7] * 40, room=20, channels=(HIDDEN, CELL), shard=512)
    made.write()
    gone = int(made.packing.begin[-1]) // 512
    path = tmp_path / "captions" / array.format(gone)
    path.write_bytes(path.read_bytes()[:9])
    store = open_store(tmp_path / "captions")
    like = np.ones((1, 6), np.float32)
    for ask in (lambda: search(store, "hidden", on=[1]), lambda: nearest(store, "hidden", like),
                lambda: unit_statistics(store, "hidden"), lambda: units_like(store, "hidden", 0),
                lambda: principal_map(store, "hidden")):
        found = ask()
        named = [note for note in found.notes if array.format(gone) in note]
        steps = getattr(found, "steps", None) or len(found.places)
        assert 0 < steps <= sum([5, 12, 7] * 40)
        assert bool(named) == (steps < sum([5, 12, 7] * 40))


def test_a_question_can_be_given_up(store, monkeypatch):
    monkeypatch.setattr("unrolled.models.corpus.search.READ_TOGETHER", 1)
    asked = []

    def wanted() -> bool:
        asked.append(1)
        return len(asked) < 2

    assert search(store, "hidden", on=[1], wanted=wanted).steps < sum(LENGTHS)
    assert len(asked) == 2


def test_a_large_store_is_asked_through_an_index(tmp_path, monkeypatch):
    pytest.importorskip("faiss")
    monkeypatch.setattr(index, "FROM", 1000)
    monkeypatch.setattr(index, "STEPS_A_LIST", 200)
    drawn(tmp_path / "store", LENGTHS, channels=(HIDDEN,)).write()
    store = open_store(tmp_path / "store")
    like = store.run(3).values("hidden", 1000, 1003)
    for metric in ("cosine", "euclid"):
        exact = nearest(store, "hidden", like, metric=metric, most=5, exact=True)
        assert exact.notes == ()
        for _ in range(2):  # made, and read again
            found = nearest(store, "hidden", like, metric=metric, most=5)
            assert found.hits[0] == exact.hits[0]
            assert len({*found.hits} & {*exact.hits}) >= 3
            assert found.notes[0].startswith(f"Looked up in an index of {sum(LENGTHS):,} states")
        path = tmp_path / "store" / "written" / f"nearest-hidden-{metric}.faiss"
        path.write_bytes(path.read_bytes()[:100])
        assert nearest(store, "hidden", like, metric=metric, most=5).hits[0] == exact.hits[0]
    assert store.written.all()


def test_an_expression_that_never_ends_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("unrolled.models.corpus.search.PATIENCE", 0.2)
    monkeypatch.setattr("unrolled.models.corpus.search._words", lambda *_: "x" * 60)
    made = drawn(tmp_path / "store", [60])
    made.write()
    found = search_text(open_store(tmp_path / "store"), r"(x+x+)+y|(x|x)*z")
    assert found.notes == ("“folder/0000.py” was given up: the expression took over 0.2 s with it.",)
