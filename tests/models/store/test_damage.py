"""What bad stores get: what is wrong is named, the rest is read."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import time
import tracemalloc
from dataclasses import replace

import google_crc32c
import msgspec
import numcodecs
import numpy as np
import pytest
from stores import HIDDEN, drawn

from unrolled.models.store.claim import NOTE, Claim
from unrolled.models.store.layout import StoreError
from unrolled.models.store.location import Location
from unrolled.models.store.store import open_store
from unrolled.models.store.verifying import verify
from unrolled.models.store.writing import PartWriter
from unrolled.models.trace.bins import bins_of

LENGTHS = [3000, 700, 9000, 120]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    made = drawn(tmp_path_factory.mktemp("whole") / "store", LENGTHS, channels=(HIDDEN,))
    made.write()
    return made


@pytest.fixture
def source(whole, tmp_path):
    """A copy, to damage."""
    shutil.copytree(whole.location.folder, tmp_path / "store")
    return replace(whole, location=Location(tmp_path / "store"))


def test_a_whole_store_has_nothing_wrong(source):
    done = []
    assert list(verify(open_store(source.location.address), progress=lambda *now: done.append(now))) == []
    assert done[-1][0] == done[-1][1] > 0


@pytest.mark.parametrize("name", ["hidden/c/0/0", "by_unit/hidden/c/0/0", "pyramid/64/hidden/c/0/0/0", "token/c/0",
                                  "log_prob/c/0", "character/c/0"])
@pytest.mark.parametrize("damage", ["missing", "cut off or damaged"])
def test_a_shard_is_named(source, name, damage):
    path = source.location.folder / name
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = list(verify(open_store(source.location.address)))
    assert len(found) == 1
    assert f"“{name}”" in found[0]
    assert damage in found[0]
    assert "folder/0002.py" in found[0]


@pytest.mark.parametrize("name", ["hidden/c/0/0", "by_unit/hidden/c/0/0", "pyramid/16/hidden/c/0/0/0", "token/c/0",
                                  "hidden/zarr.json", "title/zarr.json", "by_unit/zarr.json"])
def test_every_byte_is_compared(source, name):
    path = source.location.folder / name
    data = bytearray(path.read_bytes())
    for place in (0, len(data) // 3, len(data) - 3):
        changed = data.copy()
        changed[place] ^= 4
        path.write_bytes(changed)
        assert len(list(verify(open_store(source.location.address)))) == 1


@pytest.mark.parametrize("name", ["title", "begin", "room", "part_shard", "written"])
def test_so_is_every_byte_about_the_documents(source, name):
    path = source.location.folder / name / "c" / "0"
    data = path.read_bytes()
    for place in (0, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
        assert list(verify(open_store(source.location.address))) == [f"“{name}” of the store is cut off or damaged."]
    path.write_bytes(data[:-3])
    assert len(list(verify(open_store(source.location.address)))) == 1
    if name in ("title", "room"):
        path.unlink()
        assert list(verify(open_store(source.location.address))) == [f"A part of “{name}” is missing."]


def test_the_rest_of_a_damaged_store_is_shown(source):
    shard = source.packing.begin[2] // source.description.shard
    (source.location.folder / f"hidden/c/{shard}/0").unlink()
    (source.location.folder / f"by_unit/hidden/c/0/{shard}").unlink()
    store = open_store(source.location.address)
    with pytest.raises(StoreError, match=f"“hidden/c/{shard}/0” is missing from “store”"):
        store.run(2).values("hidden")
    with pytest.raises(StoreError, match="is missing"):
        store.run(2).unit("hidden", 0)
    assert store.run(2).text() == source.texts[2]
    other = next(number for number in range(4) if source.packing.begin[number] // source.description.shard not in
                 range(shard, shard + 3))
    np.testing.assert_allclose(store.run(other).values("hidden"), source.values[other]["hidden"], atol=1 / 255)


def test_what_is_taken_away_while_it_is_open_is_no_hole(source):
    store = open_store(source.location.address)
    assert len(store.run(2).text()) == len(source.texts[2])
    shutil.rmtree(source.location.folder)
    with pytest.raises(StoreError, match=r"“character/c/\d+” is missing from “store”"):
        store.run(2).text()
    assert store.documents.named("py").size == 0
    assert store.documents.problems == ["The titles of documents 0 to 3 cannot be read: numbers stand in their place."]


def test_documents_whose_titles_are_damaged_have_their_numbers(source, tmp_path):
    many = drawn(tmp_path / "many", [3] * 1500, channels=(HIDDEN,))
    many.write()
    path = tmp_path / "many/title/c/0"
    path.write_bytes(path.read_bytes()[:-5])
    store = open_store(tmp_path / "many")
    assert (store.documents[7].title, store.documents[7].steps, store.documents[7].is_named) == ("document 7", 3, False)
    assert (store.documents[1024].title, store.documents[1024].is_named) == ("folder/1024.py", True)
    assert store.run(7).text() == many.texts[7]
    assert store.documents.named("document 777").tolist() == [777]
    assert store.documents.named("1400").tolist() == [1400]
    assert store.documents.problems == ["The titles of documents 0 to 1,023 cannot be read: numbers stand in their place."]


def test_a_cut_shard_is_no_hole(source):
    path = source.location.folder / "hidden/c/0/0"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(StoreError, match="“hidden/c/0/0” of “store” is cut off or damaged"):
        open_store(source.location.address).run(2).values("hidden")


@pytest.mark.parametrize(("name", "read"), [
    ("hidden/c/0/0", lambda run: run.values("hidden")), ("by_unit/hidden/c/0/0", lambda run: run.unit("hidden", 0)),
    ("pyramid/16/hidden/c/0/0/0", lambda run: run.means("hidden", bins_of(0, 9000, 9000, 16, run.blocks)))])
def test_a_number_that_was_changed_is_not_given(source, name, read):
    path = source.location.folder / name
    data = bytearray(path.read_bytes())
    data[100] ^= 4
    path.write_bytes(data)
    with pytest.raises(StoreError, match=f"“{name}” of “store” is cut off or damaged"):
        read(open_store(source.location.address).run(2))


def test_a_channel_of_another_shape_is_left_out_and_named(source):
    path = source.location.folder / "zarr.json"
    text = json.loads(path.read_text())
    text["consolidated_metadata"]["metadata"]["by_unit/hidden"]["shape"][0] = 4
    path.write_text(json.dumps(text))
    store = open_store(source.location.address)
    assert store.description.channels == ()
    assert store.problems == ["“by_unit/hidden” is missing or has another shape than the description says; the channel "
                              "“hidden” is left out."]
    assert store.run(0).text() == source.texts[0]


def test_another_version_and_other_folders_say_so(source, tmp_path):
    path = source.location.folder / "zarr.json"
    text = json.loads(path.read_text())
    text["attributes"]["unrolled"]["version"] = 7
    path.write_text(json.dumps(text))
    with pytest.raises(StoreError, match=r"^“store” is a store of format 7; this Unrolled reads format 1\.$"):
        open_store(source.location.address)
    path.write_text("{")
    with pytest.raises(StoreError, match="The description of “store” is damaged"):
        open_store(source.location.address)
    with pytest.raises(StoreError, match="There is no store of traces “nothing”"):
        open_store(tmp_path / "nothing")
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store("nowhere://bucket/store")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("Dear")
    with pytest.raises(StoreError, match="The folder “full” is not empty"):
        drawn(tmp_path / "full", [3])
    assert (tmp_path / "full" / "letter.txt").read_text() == "Dear"


def described(source, name, **values):
    """Write other values into an array's description, or into the store's own."""
    path = source.location.folder / "zarr.json"
    text = json.loads(path.read_text())
    (text["consolidated_metadata"]["metadata"][name] if name else text["attributes"]["unrolled"]).update(values)
    path.write_text(json.dumps(text))


@pytest.mark.parametrize("values", [
    {"documents": 10**12}, {"documents": -1}, {"parts": 10**30}, {"parts": 2**40}, {"steps": 2**60}, {"steps": 7}, {"shard": 0},
    {"shard": 2**40}, {"channels": [{**msgspec.to_builtins(HIDDEN), "name": "/etc"}]}])
def test_lengths_that_no_store_has_are_damage(source, values):
    described(source, "", **values)
    with pytest.raises(StoreError, match="The description of “store” is damaged"):
        open_store(source.location.address)


@pytest.mark.parametrize(("name", "values"), [
    ("title", {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [0]}}}),
    ("begin", {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2**40]}}}),
    ("begin", {"data_type": "float64"}), ("character", {"shape": [7]}),
    ("room", {"codecs": [{"name": "bytes", "configuration": {"endian": "little"}},
                         {"name": "gzip", "configuration": {"level": 1}}]}),
])
def test_an_array_of_another_kind_is_named(source, name, values):
    described(source, name, **values)
    with pytest.raises(StoreError, match=f"“{name}” .* (another array|missing or damaged)"):
        open_store(source.location.address)


def test_a_chunk_that_would_unpack_to_all_memory_is_damage(source):
    zeros = bytes(numcodecs.Zstd(1).encode(bytes(2**28)))
    (source.location.folder / "title/c/0").write_bytes(zeros + int(google_crc32c.value(zeros)).to_bytes(4, "little"))
    documents = open_store(source.location.address).documents
    tracemalloc.start()
    with pytest.raises(StoreError, match="“title” of the store is cut off or damaged"):
        documents.array("title")
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


def test_what_else_lies_in_a_store_is_nothing(source):
    (source.location.folder / "written/c/²").touch()
    assert open_store(source.location.address).is_whole


def test_questions_without_an_answer(source):
    store = open_store(source.location.address)
    with pytest.raises(StoreError, match=r"The store has no channel “forget_gate”; it has hidden\."):
        store.column("forget_gate", 0, 0, 10)
    with pytest.raises(StoreError, match=r"There is no unit 6 of hidden; there are 6, counted from 0\."):
        store.column("hidden", 6, 0, 10)
    with pytest.raises(IndexError):
        store.run(4)


@pytest.mark.parametrize("why", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_and_what_is_written_stays(tmp_path, monkeypatch, why):
    source = drawn(tmp_path / "store", LENGTHS, channels=(HIDDEN,))
    source.write(1)
    writer = PartWriter(source.location, source.description)
    import zarr.storage._local as local

    def full(path, *_, **__):
        raise OSError(why, os.strerror(why))

    with monkeypatch.context() as patched:
        patched.setattr(local, "_put", full)
        with pytest.raises(StoreError, match=r"no room left on the disk for “store”: .* MB are free\. What is written"):
            writer.write(0, 0, source.part(0))
    store = open_store(tmp_path / "store")
    assert store.written.tolist() == [number == 1 for number in range(store.description.parts)]
    assert list(verify(store)) == []
    writer.write(0, 0, source.part(0))
    store.refresh()
    assert store.run(2).text() == source.texts[2]


def test_the_second_writer_is_told(source):
    with Claim(source.location):
        code = ("import sys\nfrom unrolled.models.store.claim import Claim\nfrom unrolled.models.store.location import Location\n"
                "try:\n    Claim(Location(sys.argv[1])).__enter__()\nexcept ValueError as error:\n    print(error)")
        told = subprocess.run([sys.executable, "-c", code, source.location.address], capture_output=True, text=True, check=True)
        assert told.stdout == (f"“store” is being written by another process, number {os.getpid()}. "
                               "Wait until it has ended, or end it.\n")
    assert source.location.read(NOTE) is None


@pytest.mark.parametrize("note", [{"host": "far", "process": 1, "at": 0.0}, {"host": "", "process": 2**22 + 1, "at": None}, {}])
def test_who_is_no_more_writes_no_more(source, note, monkeypatch):
    if "at" in note and note["at"] is None:
        monkeypatch.setattr("socket.gethostname", lambda: "")
        note["at"] = time.time()
    source.location.write(NOTE, json.dumps(note).encode())
    with Claim(Location(source.location.address)):
        assert json.loads(source.location.read(NOTE))["process"] == os.getpid()


def test_a_damaged_shard_of_captions_costs_the_list_no_other_row(tmp_path):
    made = drawn(tmp_path / "captions", [5, 12, 7] * 40, room=20, channels=(HIDDEN,), shard=512)
    made.write()
    begin, shard = made.packing.begin, made.description.shard
    gone = int(begin[-1]) // shard
    (tmp_path / "captions" / "token" / "c" / str(gone)).unlink()
    store = open_store(tmp_path / "captions")
    rows = [store.documents[number] for number in range(120)]
    assert [row.steps for row, place in zip(rows, begin.tolist(), strict=True) if place // shard != gone] \
        == [length for length, place in zip([5, 12, 7] * 40, begin.tolist(), strict=True) if place // shard != gone]
    with pytest.raises(StoreError, match=f"“token/c/{gone}” is missing"):
        store.run(119).words()
