"""A document of a store in the usual panels: it is read from disk, and looks as the same run in memory does."""

from __future__ import annotations

import os
import re
import shutil
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import scripted
from PySide6.QtCore import QTimer
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QFileDialog
from stores import HIDDEN, drawn

from unrolled.models.store.layout import StoreError
from unrolled.models.store.store import open_store
from unrolled.models.store.stored_trace import StoredTrace, stored_run
from unrolled.models.trace.bins import bins_of, stride_of
from unrolled.models.trace.edits import ClampUnits
from unrolled.models.trace.envelope import Envelope
from unrolled.models.trace.pyramid import PlaceColumns
from unrolled.viewer.control.session_files import saved_session
from unrolled.viewer.corpus import unit_page
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.files import Kind, input_of_stored, kind_of
from unrolled.viewer.views.scrub_bar import ScrubRow
from unrolled.viewer.views.text.reader import ReaderView
from unrolled.viewer.views.text.reader_view import ReaderText
from unrolled.viewer.views.tracks.sources import blocks_of, lines_in, overview, places_in
from unrolled.viewer.views.tracks.tracks import TracksView
from unrolled.viewer.window import screenshot
from unrolled.viewer.window.unexpected import Unexpected


@pytest.fixture
def store(kept):
    return open_store(kept.location.folder)


def both(store, number):
    run = store.run(number)
    return StoredTrace(run), run.trace()


@pytest.mark.parametrize("columns", [7, 60, 640])
def test_a_track_is_painted_from_the_same_places(store, columns):
    stored, whole = both(store, 2)
    channel, units = stored.channels["hidden"], np.array([4, 0])
    bins = bins_of(0, len(stored), len(stored), stride_of(len(stored), columns), blocks_of(stored))
    in_memory = PlaceColumns(channel)
    in_memory.follow(whole)
    for chosen in (None, units):
        assert np.abs(places_in(stored, channel).reduced(bins, chosen).astype(int)
                      - in_memory.reduced(bins, chosen).astype(int)).max() <= 1


def test_another_scale_moves_the_places(store):
    import msgspec

    stored, whole = both(store, 2)
    channel = msgspec.structs.replace(stored.channels["hidden"], low=-0.5, high=0.5)
    bins = bins_of(100, 160, len(stored), 1.0, blocks_of(stored))
    in_memory = PlaceColumns(channel)
    in_memory.follow(whole)
    assert np.abs(places_in(stored, channel).reduced(bins).astype(int) - in_memory.reduced(bins).astype(int)).max() <= 1


def test_a_line_is_drawn_from_the_same_numbers(store):
    stored, whole = both(store, 2)
    bins = bins_of(0, len(stored), len(stored), stride_of(len(stored), 90), blocks_of(stored))
    line, envelope = lines_in(stored, "cell", [3])[0], Envelope()
    envelope.follow(whole.column("cell")[:, 3])
    for mine, theirs in zip(*(vars_of(found) for found in (line.over(bins), envelope.over(bins))), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=6 / 255)
    np.testing.assert_array_equal(line[5:90], whole.column("cell")[5:90, 3])
    assert line[17] == whole.column("cell")[17, 3]


def vars_of(ranges):
    return ranges.low, ranges.mean, ranges.high


def test_units_are_sorted_by_all_of_a_run(store):
    stored, whole = both(store, 2)
    assert overview(stored, "hidden").mean(axis=0) == pytest.approx(whole.column("hidden").mean(axis=0), abs=1e-2)


def test_a_folder_with_a_store_is_one(kept, tmp_path):
    assert kind_of(kept.location.folder) is Kind.STORE
    assert kind_of(tmp_path) is Kind.INPUT


def test_a_store_is_chosen_as_a_folder(qtbot, window, kept, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(kept.location.folder))
    action = window.actions_by_name["open_frames"]
    assert action.text() == "Open folder…"
    action.trigger()
    qtbot.waitUntil(lambda: window.corpus is not None and window.pages.currentWidget() is window.corpus)


def test_a_picture_waits_for_the_page_of_a_unit(qtbot, window, kept, tmp_path, monkeypatch):
    answer, may = unit_page.asked, threading.Event()
    monkeypatch.setattr(unit_page, "asked", lambda *how: may.wait(30) and answer(*how))
    for name in ("STILL_MILLISECONDS", "SETTLE_MILLISECONDS"):
        monkeypatch.setattr(screenshot, name, 1)
    path, done = tmp_path / "window.png", []
    picture = screenshot.Screenshot(window, path, done.append)
    looked, settle = [], picture._settle
    monkeypatch.setattr(picture, "_settle", lambda: looked.append(1) or settle())
    window.do(c.Open(kept.location.folder))
    qtbot.waitUntil(lambda: len(looked) > 20)
    assert not path.exists()
    may.set()
    qtbot.waitUntil(lambda: done == [""])
    assert path.exists()
    assert "on average" in window.corpus.unit.facts.text()


def test_a_document_is_opened_at_its_step_and_saved_with_a_session(qtbot, window, kept):
    said = []
    window.controller.voice.said.connect(said.append)
    window.do(c.Open(kept.location.folder))
    qtbot.waitUntil(lambda: window.corpus is not None and window.pages.currentWidget() is window.corpus)
    window.do(c.OpenDocument(2, 123))
    qtbot.waitUntil(lambda: window.session.trace is not None)
    assert window.pages.currentWidget() is window.layout_
    assert window.session.playhead.step == 123
    assert stored_run(window.session.trace).number == 2
    assert window.session.text.text == kept.texts[2]
    window.coordinator.flush()
    saved = saved_session(window.session, window.controller.decoding)
    assert [len(trace) for trace in saved.traces] == [5000]
    assert "keeps hidden, cell. When you change it" in said[-1].text
    assert (said[-1].action, said[-1].act.args) == ("Run it", (c.RunDocument(),))
    window.do(c.ShowCorpus(on=True))
    assert window.actions_by_name["corpus"].isChecked()


def test_a_document_that_was_found_has_the_colours_of_its_line(qtbot, window, kept):
    window.do(c.Open(kept.location.folder))
    qtbot.waitUntil(lambda: window.corpus is not None)
    window.session.set_model(scripted.description())
    window.do(c.Pin((1, 3)))

    def opened(command):
        before = window.session.trace
        window.do(command)
        qtbot.waitUntil(lambda: window.session.trace is not before)
        window.coordinator.flush()
        reader = window.findChild(ReaderView)
        return reader.shown_channel.name, reader.unit.value(), window.session.selection.units

    assert opened(c.OpenDocument(2)) == ("cell", 0, ())
    assert opened(c.OpenDocument(2, 123, "hidden", 4)) == ("hidden", 4, (4,))
    channel = window.findChild(ReaderView).channel
    channel.setCurrentIndex(channel.findData("cell"))
    window.do(c.Pin((4, 5)))
    assert opened(c.OpenDocument(2, 200, "hidden", 4)) == ("hidden", 4, (5, 4))
    assert opened(c.OpenDocument(1, 0, "cell", 2)) == ("cell", 2, (5, 2))
    window.session.set_model(window.session.description)
    assert window.session.selection.units == (1, 3)


def test_a_document_that_is_too_long_is_not_changed(qtbot, window, kept, monkeypatch):
    said = []
    window.controller.voice.said.connect(said.append)
    monkeypatch.setattr("unrolled.viewer.control.stored_runs.input_of_stored", lambda store, trace: None)
    window.do(c.Open(kept.location.folder))
    qtbot.waitUntil(lambda: window.corpus is not None)
    window.do(c.OpenDocument(2, 123))
    qtbot.waitUntil(lambda: window.session.trace is not None)
    window.do(c.ApplyEdit(ClampUnits(first=123, channel="hidden", units=(1,))))
    assert said[-1].text == "This document cannot be changed: its input is too long, or not where it was."


@pytest.mark.parametrize(("title", "is_shown"), [("a.png", True), ("../b.png", False), ("/b.png", False), ("pipe.png", False)])
def test_no_file_is_looked_at_but_those_that_were_traced(tmp_path, title, is_shown):
    (tmp_path / "traced").mkdir()
    for name in ("traced/a.png", "b.png"):
        (tmp_path / name).write_bytes(scripted.picture(8, 8).data)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "traced" / "pipe.png")
    title = str(tmp_path / title[1:]) if title.startswith("/") else title
    trace = SimpleNamespace(provenance=SimpleNamespace(input_kind="picture", input_name=title), run=SimpleNamespace(title=title))
    store = SimpleNamespace(description=SimpleNamespace(source=str(tmp_path / "traced")))
    assert (input_of_stored(store, trace) is not None) == is_shown


def test_a_document_that_cannot_be_opened_is_said_where_it_was_chosen(qtbot, window, tmp_path):
    drawn(tmp_path / "store", [300, 40], channels=(HIDDEN,))
    window.do(c.Open(tmp_path / "store"))
    qtbot.waitUntil(lambda: window.corpus is not None)
    window.do(c.OpenDocument(1))
    qtbot.waitUntil(lambda: window.elsewhere.banner is not None)
    assert window.elsewhere.isVisible()
    assert "“folder/0001.py” has not been traced yet" in window.elsewhere.banner.text.text()
    assert window.pages.currentWidget() is window.corpus


def test_what_is_missing_of_a_document_is_named_and_the_rest_shown(qtbot, window, kept, tmp_path):
    shutil.copytree(kept.location.folder, tmp_path / "store")
    part = tmp_path / f"store/hidden/c/{kept.packing.begin[2] // kept.description.shard}/0"
    part.write_bytes(part.read_bytes()[:-40])
    window.do(c.Open(tmp_path / "store"))
    qtbot.waitUntil(lambda: window.corpus is not None)
    window.do(c.OpenDocument(2, 123))
    qtbot.waitUntil(lambda: window.session.trace is not None)
    said = window.layout_.said.message("document").text
    assert re.search(r"“hidden/c/\d+/0” of “store” is cut off or damaged\. hidden is not shown\.", said)
    assert list(window.session.trace.channels) == ["cell"]
    shutil.rmtree(tmp_path / "store")
    window.session.playhead.seek(2000)  # it is open, and stays
    window.coordinator.flush()
    assert window.session.trace.column("cell")[2000].any()
    assert window.layout_.said.message("document").text == said
    window.session.set_trace(scripted.trace())
    assert window.layout_.said.message("document") is None


def test_a_text_is_there_though_its_colours_cannot_be_read(qtbot, window, kept, tmp_path, monkeypatch):
    shutil.copytree(kept.location.folder, tmp_path / "store")
    window.do(c.Open(tmp_path / "store"))
    qtbot.waitUntil(lambda: window.corpus is not None)
    window.do(c.OpenDocument(2))
    qtbot.waitUntil(lambda: window.session.trace is not None)
    window.coordinator.flush()
    told, reader = [], window.findChild(ReaderText)
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, where: told.append(str(error)))
    for part in (tmp_path / "store/cell/c").rglob("0"):
        if part.is_file():
            os.truncate(part, 100)
    picture = reader.viewport().grab().toImage()
    assert any("is cut off or damaged" in sentence for sentence in told)
    box = reader.box_of(40)
    assert len({picture.pixel(round(box.left()) + x, round(box.top()) + y) for x in range(40) for y in range(12)}) > 2


def test_a_store_that_is_taken_away_is_said_in_a_sentence(qtbot, window, tmp_path, capsys):
    net = Unexpected(window, tmp_path / "unrolled.log")
    try:
        QTimer.singleShot(0, gone)
        qtbot.waitUntil(lambda: window.layout_.said.message("run") is not None)
    finally:
        net.close()
    notice = window.layout_.said.message("run")
    assert (notice.text, notice.action) == ("“hidden/c/0/0” is missing from “store”.", "")
    assert not capsys.readouterr().err


def gone():
    raise StoreError("“hidden/c/0/0” is missing from “store”.")


def test_steps_that_are_framed_in_the_map_are_marked_in_the_open_document(qtbot, window, kept):
    window.do(c.Open(kept.location.folder))
    qtbot.waitUntil(lambda: window.corpus is not None)
    window.do(c.OpenDocument(2, 123))
    qtbot.waitUntil(lambda: window.session.trace is not None)
    window.coordinator.flush()
    row = window.findChild(ScrubRow)

    def marked(step):
        return row.grab().toImage().pixelColor(round(row.x_of(step) * row.devicePixelRatioF()), 3)

    ground, bar = marked(3000), QColor(row.theme.playhead)
    assert ground != bar
    window.do(c.FrameSteps({2: ((2000, 3999),), 1: ((0, 50),)}))
    window.coordinator.flush()
    assert [marked(step) == bar for step in (1000, 3000, 4500)] == [False, True, False]
    assert "framed in the map" in row.toolTip()
    for track in window.findChildren(TracksView)[0].tracks[:2]:
        picture, x = track.canvas.grab().toImage(), track.canvas.x_of
        found = [picture.pixelColor(round(x(step + 0.5)), 1) == bar for step in (1000, 2005, 3995, 4500)]
        assert found == [False, True, True, False]
    reader = window.findChild(ReaderText)
    reader.seek(2000)
    picture, boxes = reader.viewport().grab().toImage(), [reader.box_of(step).topLeft() for step in (1999, 2000, 2001)]
    assert [picture.pixelColor(round(box.x()) + 2, round(box.y()) + 1) == bar for box in boxes] == [False, True, True]
    window.do(c.OpenDocument(0, 0))
    qtbot.waitUntil(lambda: stored_run(window.session.trace).number == 0)
    assert window.session.framed_steps == ()
    window.session.run_changed.emit()  # by another run
    assert window.session.framed_steps == ()


def test_a_branch_shares_the_steps_before_it(store, monkeypatch):
    stored, whole = both(store, 0)
    begun = stored.truncated(12)
    assert begun.words == whole.words[:12]
    np.testing.assert_array_equal(begun.column("hidden"), whole.column("hidden")[:12])
    monkeypatch.setattr("unrolled.models.store.stored_trace.MOST_IN_MEMORY", 10)
    with pytest.raises(StoreError, match="up to step 10"):
        stored.truncated(12)


def test_what_is_no_store_says_so_and_nothing_is_lost(qtbot, window, tmp_path):
    said = []
    window.controller.voice.said.connect(lambda notice: said.append(notice.text))
    window.do(c.OpenStore(str(tmp_path / "nothing")))
    qtbot.waitUntil(lambda: any("no store" in text for text in said))
    assert window.session.open_store.store is None


def test_a_store_is_read_by_several_threads_at_once(store, monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.setattr("unrolled.models.store.step_array.MOST_OPEN", 1)
    monkeypatch.setattr("unrolled.models.store.documents.MOST_BLOCKS", 1)
    expected = [store.run(number).values("hidden") for number in range(4)]
    with ThreadPoolExecutor(6) as pool:
        for number, found in pool.map(lambda turn: (turn % 4, store.run(turn % 4).values("hidden")), range(120)):
            np.testing.assert_array_equal(found, expected[number])
