"""A store at an address: what its server does not answer is said, and a document is brought here before it is looked at."""

from __future__ import annotations

import gc
import tempfile
import threading
from collections import deque
from contextlib import closing

import fsspec
import numpy as np
import pytest
from stores import CELL, HIDDEN, drawn

from unrolled.models.corpus.alike import units_like
from unrolled.models.corpus.nearest import nearest
from unrolled.models.corpus.search import search, search_text
from unrolled.models.corpus.state_map import principal_map
from unrolled.models.corpus.tracing import TraceRequest, trace_corpus
from unrolled.models.corpus.units import unit_statistics
from unrolled.models.store.copying import brought
from unrolled.models.store.layout import StoreError, UnreachableError
from unrolled.models.store.location import Location
from unrolled.models.store.own_folder import LOCK, PREFIX, OwnFolder
from unrolled.models.store.reading_ahead import ahead
from unrolled.models.store.step_array import StepArray
from unrolled.models.store.store import open_store
from unrolled.models.trace.bins import bins_of

ADDRESS = "memory://far/store"


@pytest.fixture(scope="module")
def far():
    made = drawn(ADDRESS, [700, 40, 6000], channels=(HIDDEN, CELL), shard=4096)
    made.write()
    yield made
    fsspec.filesystem("memory").rm("/far", recursive=True)


def removed():
    """By a thread, as soon as nobody has it."""
    gc.collect()
    for thread in threading.enumerate():
        if thread.name == "leftovers":
            thread.join()


def test_a_document_is_brought_here(far):
    number = 2
    there, told = open_store(ADDRESS).run(number), []
    trace = brought(open_store(ADDRESS), number, told.append)
    here, folder = trace.run, trace.folder.path
    assert (list(trace.words), list(trace.tokens)) == (list(far.texts[number]), far.tokens[number].tolist())
    assert np.array_equal(trace.log_probs, far.log_probs[number])
    assert (here.title, trace.provenance, trace.input_bytes) == (there.title, there.provenance, there.input_bytes())
    for name in ("hidden", "cell"):
        assert np.array_equal(here.kept(name), there.kept(name))
    bins = bins_of(0, len(here), len(here), 16.0, here.blocks)
    assert np.array_equal(here.reduced("cell", bins), there.reduced("cell", bins_of(0, len(here), len(here), 16.0, there.blocks)))
    assert told == sorted(told)
    del trace, here
    removed()
    assert not folder.exists()


def test_what_a_killed_process_left_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    held, left, begun, others = OwnFolder(), tmp_path / f"{PREFIX}left", tmp_path / f"{PREFIX}begun", tmp_path / "unrolled-other"
    for folder in (left, begun, others):
        (folder / "store").mkdir(parents=True)
        (folder / "store" / "zarr.json").touch()
    for folder in (left, others):
        (folder / LOCK).touch()
    (tmp_path / f"{PREFIX}link").symlink_to(others)
    again = OwnFolder()
    assert {held.path, again.path, begun, others} == {path for path in tmp_path.iterdir() if not path.is_symlink()}
    assert (others / LOCK).exists()
    del held, again
    removed()
    assert {begun, others} == {path for path in tmp_path.iterdir() if not path.is_symlink()}


def test_of_a_damaged_document_the_rest_is_brought(far, monkeypatch):
    read = StepArray.read

    def damaged(self, *where, **how):
        if self.name == "cell":
            raise StoreError("“cell” is damaged.")
        return read(self, *where, **how)

    monkeypatch.setattr(StepArray, "read", damaged)
    trace = brought(open_store(ADDRESS), 0, lambda _: None)
    assert list(trace.channels) == ["hidden"]
    assert trace.problems == [f"“cell” is damaged. {CELL.title} is not shown."]


def test_what_nobody_answers_ends_a_search_at_once(far, monkeypatch):
    store, asked = open_store(ADDRESS), []
    assert search(store, "hidden", on=[1], threshold=0.1).count

    def gone(self, key):
        asked.append(key)
        raise ConnectionError("Nobody answers.\nTry again.")

    monkeypatch.setattr(type(store.steps("by_unit/hidden", axis=1)._array), "__getitem__", gone)
    with pytest.raises(UnreachableError, match=f"^“{ADDRESS}” cannot be reached: Nobody answers\\.$"):
        search(store, "hidden", on=[1], threshold=0.1)
    assert len(asked) <= 2  # all parts together, then the first


@pytest.mark.parametrize("ask", [
    lambda store: unit_statistics(store, "hidden", units=(3,)), lambda store: unit_statistics(store, "hidden"),
    lambda store: units_like(store, "hidden", 3), lambda store: search_text(store, "a"),
    lambda store: nearest(store, "hidden", np.ones((1, 6), np.float32)), lambda store: principal_map(store, "hidden")])
def test_parts_are_read_side_by_side(far, tmp_path, monkeypatch, ask):
    """The answer is that of a store on this machine."""
    drawn(tmp_path / "store", [700, 40, 6000], channels=(HIDDEN, CELL), shard=4096).write()
    monkeypatch.setattr("unrolled.models.corpus.nearest._again", lambda store, channel, like, metric, places: list(places))
    here = ask(open_store(tmp_path / "store"))
    read, side_by_side = StepArray._read, threading.Barrier(2, timeout=30)

    def together(self, *where):
        side_by_side.wait()
        return read(self, *where)

    monkeypatch.setattr(StepArray, "_read", together)
    assert str(ask(open_store(ADDRESS))) == str(here)


def test_when_nobody_answers_nothing_more_is_asked():
    asked, both = [], threading.Barrier(2, timeout=30)

    def gone(number):
        asked.append(number)
        both.wait()
        raise UnreachableError("Nobody answers.")

    with closing(ahead(gone, range(8), 2)) as answers, pytest.raises(UnreachableError):
        deque((found() for found in answers), maxlen=0)
    assert sorted(asked) == [0, 1]


def test_what_is_there_is_asked_once(far, monkeypatch):
    store, asked = open_store(ADDRESS), []
    exists = type(store.location).exists
    monkeypatch.setattr(type(store.location), "exists", lambda self, name: asked.append(name) or exists(self, name))
    search(store, "hidden", on=[1], threshold=0.1)
    assert not asked


@pytest.mark.parametrize(("failure", "sentence"), [
    (OSError("Access Denied."), "“memory://other/store” cannot be reached: Access Denied."),
    (FileNotFoundError(), "There is no store of traces “memory://other/store”."),
])
def test_an_address_that_does_not_open_is_said(monkeypatch, failure, sentence):
    def fails(*_):
        raise failure

    monkeypatch.setattr("unrolled.models.store.location.open_group", fails)
    with pytest.raises((StoreError, UnreachableError)) as found:
        open_store("memory://other/store")
    assert str(found.value) == sentence


def test_where_nobody_answers_nothing_is_traced(tmp_path, monkeypatch):
    """Before all documents are read, and with the patience of who waits for an answer."""
    asked = []

    def gone(self, name="zarr.json"):
        asked.append(self._to_read)
        raise UnreachableError("Nobody answers.")

    monkeypatch.setattr(Location, "exists", gone)
    with pytest.raises(UnreachableError):
        trace_corpus(TraceRequest(corpus=tmp_path, output=ADDRESS, model="none"), None)
    assert asked == [True]
