"""What is written comes back: by step, by unit, from the pyramid, and through xarray, which knows nothing of us."""

from __future__ import annotations

import os
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
import pytest
from stores import CELL, CHANNELS, ENTROPY, HIDDEN, drawn

from unrolled.models.store import making
from unrolled.models.store.layout import StoreError
from unrolled.models.store.step_array import ShardFile
from unrolled.models.store.store import is_store, open_store
from unrolled.models.store.stored_trace import StoredTrace
from unrolled.models.trace.bins import bins_of
from unrolled.models.trace.envelope import Envelope
from unrolled.models.trace.pyramid import places_of

LENGTHS = [3000, 1, 700, 9000, 120, 4096, 50, 2500]
TOLERANCE = {"uint8": 1 / 510 + 1e-6, "float16": 1e-3, "float32": 0.0}


@pytest.fixture(scope="module", params=["uint8", "float16", "float32"])
def made(request, tmp_path_factory):
    found = drawn(tmp_path_factory.mktemp("stores") / request.param, LENGTHS, dtype=request.param)
    found.write()
    return found, open_store(found.location.address)


def test_documents_are_listed_and_read(made):
    source, store = made
    assert len(store.documents) == len(LENGTHS)
    assert [tuple(store.documents[number]) for number in range(len(LENGTHS))] == [
        (number, source.titles[number], length, True, True) for number, length in enumerate(LENGTHS)]
    assert store.is_whole
    assert store.problems == []
    for number, length in enumerate(LENGTHS):
        run = store.run(number)
        assert len(run) == length
        assert run.text() == source.texts[number]
        np.testing.assert_array_equal(run.tokens(), source.tokens[number])
        np.testing.assert_array_equal(run.log_probs(), source.log_probs[number])
        assert run.words(2, 9) == list(source.texts[number][2:9])


@pytest.mark.parametrize(("steps", "chunks"), [(8192, 8), (5000, 5)])
def test_a_chunk_of_nothing_but_a_hole_takes_no_place(tmp_path, steps, chunks):
    wide = msgspec.structs.replace(HIDDEN, shape=(512,))
    made = drawn(tmp_path / "store", [steps], channels=(wide,), shard=8192)
    made.write()
    [file] = [path for path in (tmp_path / "store" / "hidden" / "c").rglob("*") if path.is_file()]
    assert file.stat().st_size // 2**19 == chunks
    np.testing.assert_array_equal(open_store(made.location.address).run(0).kept("hidden"), made.part(0).values["hidden"][:steps])


def test_values_are_right_to_what_the_type_promises(made):
    source, store = made
    for number in range(len(LENGTHS)):
        run = store.run(number)
        for channel in CHANNELS:
            reach = (channel.high - channel.low) * TOLERANCE[store.description.dtype]
            np.testing.assert_allclose(run.values(channel.name), source.values[number][channel.name], rtol=0, atol=reach)
            part = run.values(channel.name, 17, 41)
            np.testing.assert_array_equal(part, run.values(channel.name)[17:41])
        np.testing.assert_array_equal(run.unit("hidden", 3, 5, 600), run.values("hidden", 5, 600)[:, 3])


def test_bytes_are_the_places_of_the_windows_colour_maps(made):
    source, store = made
    run, values = store.run(0), source.values[0]["cell"]
    if store.description.dtype == "uint8":
        np.testing.assert_array_equal(run.kept("cell"), places_of(values, low=CELL.low, high=CELL.high))
    kept = places_of(run.values("cell"), low=CELL.low, high=CELL.high)
    assert np.abs(kept.astype(int) - places_of(values, low=CELL.low, high=CELL.high)).max() <= 1


def test_a_run_becomes_a_trace(made):
    source, store = made
    trace = store.run(2).trace()
    assert (len(trace), "".join(trace.words), trace.provenance.model) == (700, source.texts[2], "drawn")
    np.testing.assert_array_equal(trace.column("hidden"), store.run(2).values("hidden"))


def test_a_run_is_a_trace_that_is_not_in_memory(made):
    _, store = made
    run = store.run(3)
    stored, whole = StoredTrace(run), run.trace()
    assert (len(stored), stored.words, stored.tokens) == (len(whole), whole.words, whole.tokens)
    assert stored.input_bytes == whole.input_bytes == "".join(whole.words).encode()
    assert stored.with_role("cell") == CELL
    np.testing.assert_array_equal(stored.step(77).values["hidden"], whole.step(77).values["hidden"])
    with pytest.raises(IndexError):
        stored.step(9000)
    for name in whole.channels:
        column, expected = stored.column(name), whole.column(name)
        assert (column.shape, column.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_array_equal(column, expected)
        for key in (5, -1, slice(3, 99), slice(None, None, 7), slice(50, 10, -3)):
            np.testing.assert_array_equal(column[key], expected[key])
    units, expected = stored.column("hidden"), whole.column("hidden")
    for key in ((slice(None), 2), (slice(5, 5000, 3), -1), (slice(0, 9), [1, 4]), (8, 3)):
        np.testing.assert_array_equal(units[key], expected[key])


def test_a_few_steps_of_a_unit_are_read_without_its_whole_line(made, monkeypatch):
    _, store = made
    monkeypatch.setattr("unrolled.models.store.run.StoredRun.unit", lambda *_: pytest.fail("the line is read"))
    units, expected = StoredTrace(store.run(3)).column("hidden"), store.run(3).values("hidden")
    np.testing.assert_array_equal(units[40:90, 2], expected[40:90, 2])


@pytest.mark.parametrize(("start", "stop", "stride"), [(0, 9000, 40.0), (0, 9000, 137.5), (2000, 5000, 9.0), (8000, 9000, 300.0),
                                                       (0, 9000, 9000.0), (100, 150, 1.0), (4000, 9000, 20.0)])
def test_bins_are_means_least_and_greatest_of_all_their_steps(made, start, stop, stride):
    _, store = made
    run = store.run(3)
    bins = bins_of(start, stop, len(run), stride, run.blocks)
    assert bins is not None
    values = run.values("hidden")
    parts = [values[first:last] for first, last in zip(bins.edges[:-1], bins.edges[1:], strict=True)]
    exact = places_of(np.stack([part.mean(axis=0) for part in parts]), low=HIDDEN.low, high=HIDDEN.high).astype(int)
    assert np.abs(run.reduced("hidden", bins).T.astype(int) - exact).max() <= 1
    np.testing.assert_array_equal(run.reduced("hidden", bins, np.array([4, 1])), run.reduced("hidden", bins)[[4, 1]])
    [found] = run.ranges("hidden", bins, [2])
    step = 2 / 255 if store.description.dtype == "uint8" else 2e-3
    np.testing.assert_allclose(found.low, [part[:, 2].min() for part in parts], atol=1e-6)
    np.testing.assert_allclose(found.high, [part[:, 2].max() for part in parts], atol=1e-6)
    np.testing.assert_allclose(found.mean, [part[:, 2].mean() for part in parts], atol=step)


def test_a_number_a_step_is_drawn_as_the_window_draws_it_from_memory(made):
    _, store = made
    run = store.run(3)
    bins = bins_of(0, 9000, 9000, 64.0, store.blocks)
    envelope = Envelope()
    envelope.follow(run.values(ENTROPY.name))
    expected, [found] = envelope.over(bins), run.ranges(ENTROPY.name, bins)
    np.testing.assert_allclose(found.low, expected.low, atol=1e-6)
    np.testing.assert_allclose(found.high, expected.high, atol=1e-6)
    np.testing.assert_allclose(found.mean, expected.mean, atol=1 / 255 if store.description.dtype == "uint8" else 1e-3)


def test_the_order_by_unit_is_the_order_by_step_turned(made):
    _, store = made
    for start, stop in store.spans():
        for unit in range(HIDDEN.size):
            by_step = store.steps("hidden").read(start, stop)[:, unit]
            np.testing.assert_array_equal(store.column("hidden", unit, start, stop), by_step)


def test_places_on_the_axis_know_their_documents(made):
    source, store = made
    documents, steps = store.at(np.arange(store.description.steps))
    for number, length in enumerate(LENGTHS):
        own = np.flatnonzero(documents == number)
        np.testing.assert_array_equal(own, source.packing.begin[number] + np.arange(length))
        np.testing.assert_array_equal(steps[own], np.arange(length))
    assert (documents >= 0).sum() == sum(LENGTHS)


def test_xarray_opens_it(made):
    xarray = pytest.importorskip("xarray")
    source, store = made
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it is opened as any other Zarr is
        dataset = xarray.open_zarr(store.location.address)
        by_unit = xarray.open_zarr(store.location.address, group="by_unit")
        level = xarray.open_zarr(store.location.address, group="pyramid/64")
    begin, length = int(dataset.begin[3]), int(dataset.room[3])
    found = dataset.hidden[begin : begin + length]
    assert found.dims == ("step", "unit")
    reach = 2 * TOLERANCE[store.description.dtype]
    np.testing.assert_allclose(found, source.values[3]["hidden"], rtol=0, atol=reach)
    assert dataset.title[3] == source.titles[3]
    assert by_unit.hidden.dims == ("unit", "step")
    np.testing.assert_array_equal(by_unit.hidden[2, begin : begin + length], found[:, 2])
    assert level.hidden.dims == ("statistic", "step", "unit")
    np.testing.assert_array_equal(level.hidden[2, begin // 64], found[:64].max(axis=0))
    holes = np.setdiff1d(np.arange(store.description.steps), np.concatenate(
        [place + np.arange(length) for place, length in zip(source.packing.begin, LENGTHS, strict=True)]))
    assert np.isnan(dataset.hidden.values[holes]).all()
    assert (dataset.token.values[holes] == -1).all()


def test_captions_end_where_they_end(tmp_path):
    source = drawn(tmp_path / "captions", [5, 12, 1, 7], room=12)
    source.write()
    store = open_store(tmp_path / "captions")
    assert [store.documents[number].steps for number in range(4)] == [5, 12, 1, 7]
    assert store.run(0).words() == [store.description.model.words[token] for token in source.tokens[0]]
    documents, _ = store.at(np.arange(store.description.steps))
    assert np.bincount(documents[documents >= 0]).tolist() == [5, 12, 1, 7]


def test_a_store_that_is_being_written_shows_what_is_there(tmp_path):
    source = drawn(tmp_path / "store", LENGTHS)
    store = open_store(tmp_path / "store")
    assert not store.written.any()
    with pytest.raises(StoreError, match=r"“folder/0000\.py” has not been traced yet"):
        store.run(0)
    source.write(1)
    assert store.refresh()
    assert not store.refresh()
    there = [row.number for row in map(store.documents.__getitem__, range(len(LENGTHS))) if row.is_there]
    assert there == [number for number, place in enumerate(source.packing.begin)
                     if store.spans()[0][0] <= place < store.spans()[0][1]]
    assert store.run(there[0]).text() == source.texts[there[0]]


def test_a_folder_is_known_as_a_store(tmp_path):
    drawn(tmp_path / "store", [100])
    assert is_store(tmp_path / "store")
    assert not is_store(tmp_path)
    assert not is_store(tmp_path / "missing")


def test_threads_open_shards_one_after_another(tmp_path, monkeypatch):
    monkeypatch.setattr("unrolled.models.store.step_array.MOST_OPEN", 1)
    made = drawn(tmp_path / "store", [600] * 4, channels=(HIDDEN,), shard=512)
    made.write()
    store, opening, most = open_store(tmp_path / "store"), [], []

    class Watched(ShardFile):
        def __init__(self, path: Path, *of: object) -> None:
            opening.append(path)
            most.append(opening.count(path))
            time.sleep(0.005)
            super().__init__(path, *of)
            opening.remove(path)

    monkeypatch.setattr("unrolled.models.store.step_array.ShardFile", Watched)

    def read(_: int) -> None:
        np.testing.assert_allclose(store.run(2).values("hidden"), made.values[2]["hidden"], atol=1 / 255)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(read, range(8)))
    assert max(most) == 1


def test_a_shard_that_is_cut_off_while_it_is_open_is_named(tmp_path):
    drawn(tmp_path / "store", [4000], channels=(HIDDEN,), shard=4096).write()
    run = open_store(tmp_path / "store").run(0)
    by_step, bins = run.kept("hidden"), bins_of(0, 4000, 4000, 16.0, run.blocks)
    before, means = by_step.copy(), run.means("hidden", bins).copy()
    for path in (tmp_path / "store").rglob("hidden/c/**/0"):
        if path.is_file():
            os.truncate(path, 100)
    np.testing.assert_array_equal(by_step, before)
    np.testing.assert_array_equal(run.means("hidden", bins), means)
    for again in (lambda: run.kept("hidden"), lambda: run.kept("hidden", 3000, 3001), lambda: run.unit("hidden", 3)):
        with pytest.raises(StoreError, match=r"hidden/c/0/0” of “store” is cut off"):
            again()


def test_stores_whose_units_were_compressed_are_read(tmp_path, monkeypatch):
    create = making._create
    monkeypatch.setattr(making, "_create", lambda *of, compress: create(*of, compress=True))
    older = drawn(tmp_path / "store", LENGTHS, channels=(HIDDEN,))
    older.write()
    run = open_store(tmp_path / "store").run(3)
    for unit in range(6):
        np.testing.assert_allclose(run.unit("hidden", unit), older.values[3]["hidden"][:, unit], atol=1 / 254)
    np.testing.assert_array_equal(run.unit("hidden", 3, 5, 6000), run.values("hidden", 5, 6000)[:, 3])
