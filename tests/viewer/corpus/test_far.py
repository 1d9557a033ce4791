"""A store at an address: the window's thread, which paints, reads nothing of it."""

from __future__ import annotations

import threading

import fsspec
import pytest
from stores import HIDDEN, drawn

from unrolled.models.corpus.search import Hit
from unrolled.models.store.documents import Documents
from unrolled.models.store.step_array import StepArray
from unrolled.models.store.store import open_store
from unrolled.viewer.corpus.page import CorpusPage
from unrolled.viewer.state.open_store import OpenStore
from unrolled.viewer.theme.themes import LIGHT

ADDRESS = "memory://window/store"


@pytest.fixture
def store():
    made = drawn(ADDRESS, [700, 40, 300], channels=(HIDDEN,))
    made.write()
    opened = open_store(ADDRESS)
    assert opened.documents.room.sum() == 1040  # what is said of it at once is read where it is opened
    assert opened.is_whole
    yield opened
    fsspec.filesystem("memory").rm("/window", recursive=True)


def test_rows_and_lines_come_by_themselves(qtbot, store, monkeypatch):
    waited = []

    def watched(read):
        def reading(self, *where, **how):
            if threading.current_thread() is threading.main_thread():
                waited.append(where)
            return read(self, *where, **how)
        return reading

    for owner, name in ((StepArray, "read"), (Documents, "array")):
        monkeypatch.setattr(owner, name, watched(getattr(owner, name)))
    state = OpenStore()
    page = CorpusPage(state, lambda _: None, LIGHT)
    qtbot.addWidget(page)
    state.set_store(store)
    page.show()
    table, hit = page.documents.table.documents, Hit(2, 50, 52, 3.0)
    page.found.hits.set_rows((hit,))
    assert page.found.title_of(hit) == "document 2"
    qtbot.waitUntil(lambda: [table.index(row, 1).data() for row in range(3)] == ["700", "40", "300"])
    qtbot.waitUntil(lambda: len(page.found.line_at_hand(hit).colours) > 50)
    assert page.found.title_of(hit) == "folder/0002.py"
    qtbot.waitUntil(lambda: "1,040 steps" in page.unit.facts.text())
    page.close_page()
    assert not waited
    assert page.found.line_at_hand(hit).pieces == page.found.line_of(hit).pieces


def test_rows_that_cannot_be_read_are_asked_for_once(qtbot, store, monkeypatch):
    def gone(self, number):
        raise ValueError("Nobody answers.")

    monkeypatch.setattr(Documents, "__getitem__", gone)
    state = OpenStore()
    page, asked = CorpusPage(state, lambda _: None, LIGHT), []
    page.documents._reading.busy_changed.connect(asked.append)
    qtbot.addWidget(page)
    state.set_store(store)
    page.show()
    qtbot.waitUntil(lambda: page.documents.said.text() == "Nobody answers.")
    page.documents.table.viewport().update()
    qtbot.wait(30)
    assert page.documents.table.documents.index(0, 0).data() == "…"
    page.close_page()
    assert asked == [True, False]
