"""`unrolled corpus …` on a small store: what is printed, what is JSON, and what goes wrong in one sentence."""

from __future__ import annotations

import json
import os
import re

import msgspec
import numpy as np
import pytest
from PIL import Image
from stores import CELL, HIDDEN, drawn

from unrolled.models.store.store import open_store
from unrolled.models.trace.files import save_trace
from unrolled.viewer.cli.main import main

LENGTHS = [300, 1, 700, 120]


@pytest.fixture(scope="module")
def store(tmp_path_factory, threads_of_zarr):
    path = tmp_path_factory.mktemp("stores") / "drawn"
    drawn(path, LENGTHS, channels=(HIDDEN, CELL)).write()
    return path


@pytest.fixture
def corpus(capsys, threads_of_zarr):
    """Run the verb, and give its status, what it printed, and its complaints."""
    def run(*words: object) -> tuple[int, str, str]:
        try:
            status = main(["corpus", *map(str, words)])
        except SystemExit as error:
            status = int(str(error.code))
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def test_info(corpus, store):
    status, printed, _ = corpus("info", store)
    assert status == 0
    assert "drawn: 4 documents, read by drawn" in printed
    assert "steps     1,121" in printed
    said = json.loads(corpus("info", store, "--json", "--documents")[1])
    assert (said["documents"], said["steps"], said["dtype"], said["parts"]) == (4, sum(LENGTHS), "uint8", said["parts_there"])
    assert [row["steps"] for row in said["list"]] == LENGTHS
    assert said["list"][2]["title"] == "folder/0002.py"


def test_documents_of_damaged_titles_are_listed(corpus, tmp_path):
    drawn(tmp_path / "lost", LENGTHS, channels=(HIDDEN,)).write()
    os.truncate(tmp_path / "lost/title/c/0", 9)
    sentence = "The titles of documents 0 to 3 cannot be read: numbers stand in their place."
    status, printed, said = corpus("info", tmp_path / "lost", "--documents")
    assert (status, said) == (0, f"unrolled: {sentence}\n")
    assert [line.split() for line in printed.splitlines()[-4:]] == [
        [str(number), str(length), "document", str(number)] for number, length in enumerate(LENGTHS)]
    as_json = json.loads(corpus("info", tmp_path / "lost", "--documents", "--json")[1])
    assert ([row["is_named"] for row in as_json["list"]], as_json["problems"]) == ([False] * 4, [sentence])
    assert "  document 3:" in corpus("search", tmp_path / "lost", "--on", "1")[1]


def test_verify(corpus, store, tmp_path):
    assert corpus("verify", store)[:2] == (0, "Every checksum is right.\n")
    source = drawn(tmp_path / "cut", LENGTHS, channels=(HIDDEN,))
    source.write()
    (tmp_path / "cut" / "hidden/c/0/0").write_bytes(b"cut")
    status, printed, _ = corpus("verify", tmp_path / "cut")
    assert status == 1
    assert printed.startswith("“hidden/c/0/0” of “cut” is cut off or damaged; it holds steps of “folder/0002.py” and 3 more")
    assert len(json.loads(corpus("verify", tmp_path / "cut", "--json")[1])["problems"]) == 1
    described = tmp_path / "cut" / "zarr.json"
    described.write_text(re.sub(r'("version":\s*)1\b', r"\g<1>2", described.read_text()))
    status, printed, _ = corpus("verify", tmp_path / "cut", "--json")
    assert (status, json.loads(printed)["problems"]) == (1, ["“cut” is a store of format 2; this Unrolled reads format 1."])


def test_search(corpus, store, tmp_path):
    said = json.loads(corpus("search", store, "--on", "1,2", "--off", 4, "--threshold", 0.4, "--json")[1])
    opened = open_store(store)
    assert said["steps"] == sum(LENGTHS)
    assert said["count"] >= len(said["hits"]) > 3
    for hit in said["hits"]:
        run = opened.run(hit["document"])
        values = run.values("hidden", hit["first"], hit["last"] + 1)
        assert (values[:, [1, 2]] > 0.4).all()
        assert (values[:, 4] < 0.41).all()
        assert hit["words"] == run.words(hit["first"], hit["last"] + 1)
    status, printed, _ = corpus("search", store, "--text", "ab", "--most", 2)
    assert status == 0
    assert "places among 1,121 steps" in printed
    assert "[ab]" in printed
    first = opened.run(0).text().index("ab")
    assert printed.splitlines()[1].startswith(f"  folder/0000.py:{first}-{first + 1}  ")
    save_trace(opened.run(2).trace(), tmp_path / "run.npz")
    for like in (f"{tmp_path / 'run.npz'}:120-124", "2:120-124", "#2:120-124"):
        hits = json.loads(corpus("search", store, "--like", like, "--metric", "euclid", "--json")[1])["hits"]
        assert (hits[0]["document"], hits[0]["first"], hits[0]["last"]) == (2, 120, 124)
        assert hits[0]["score"] == pytest.approx(0, abs=1e-6)
    other = opened.run(2).trace()
    other.provenance = msgspec.structs.replace(other.provenance, model="another", weights_hash="12")
    save_trace(other, tmp_path / "other.npz")
    _, printed, complaint = corpus("search", store, "--like", f"{tmp_path / 'other.npz'}:3")
    assert "“other.npz” is of another, the store of drawn: that units have the same numbers means nothing." in complaint


def test_units(corpus, store):
    said = json.loads(corpus("units", store, "--property", "inside-string", "--json")[1])
    assert (said["steps"], said["property"], len(said["units"])) == (sum(LENGTHS), "inside a string", HIDDEN.size)
    assert sum(said["units"][3]["histogram"]) == sum(LENGTHS)
    printed = corpus("units", store)[1].splitlines()
    assert len(printed) == 2 + HIDDEN.size
    status, text, _ = corpus("units", store, "--channel", "cell", "--unit", 5)
    one, *places = text.splitlines()[2:]
    assert (status, one.split()[0], len(places)) == (0, "5", 10)
    values = np.concatenate([open_store(store).run(number).values("cell")[:, 5] for number in range(4)])
    assert places[0].split()[:2] == ["greatest", f"{values.max():.3f}"]
    assert places[5].split()[:2] == ["least", f"{values.min():.3f}"]
    name, step = places[0].split()[2].split(":")
    run = open_store(store).run(int(name.removeprefix("folder/")[:4]))
    assert run.values("cell", int(step), int(step) + 1)[0, 5] == values.max()


def test_export(corpus, store, tmp_path):
    opened = open_store(store)
    whole = np.concatenate([opened.run(number).values("hidden") for number in range(4)])
    assert corpus("export", store, "-o", tmp_path / "all.npz")[:2] == (0, f"{tmp_path / 'all.npz'}: 1,121 steps of 4 documents\n")
    with np.load(tmp_path / "all.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["hidden"], whole)
        assert file["title"].tolist() == [f"folder/{number:04d}.py" for number in range(4)]
        begin, steps = int(file["begin"][2]), int(file["steps"][2])
        assert file["character"][begin : begin + steps].tobytes().decode("utf-32-le") == opened.run(2).text()
        np.testing.assert_array_equal(file["token"][begin : begin + steps], opened.run(2).tokens())
    parquet = pytest.importorskip("pyarrow.parquet")
    said = json.loads(corpus("export", store, "-o", tmp_path / "some.parquet", "--document", 2, "--channels", "hidden",
                             "--json")[1])
    assert said["steps"] == 700
    table = parquet.read_table(tmp_path / "some.parquet")
    assert table.column_names == ["document", "title", "step", "word", "token", "log_prob", "hidden"]
    np.testing.assert_array_equal(np.stack(table["hidden"].to_numpy()), opened.run(2).values("hidden"))
    assert "".join(table["word"].to_pylist()) == opened.run(2).text()


@pytest.mark.parametrize(("words", "status", "sentence"), [
    (("info", "nowhere"), 1, "There is no store of traces “nowhere”."),
    (("search", "STORE"), 2, "Ask one thing: --on and --off, or --like, or --text."),
    (("search", "STORE", "--on", "1,b"), 2, "“1,b” is not a list of units"),
    (("search", "STORE", "--on", "77"), 1, "There is no unit 77 of hidden; there are 6, counted from 0."),
    (("search", "STORE", "--on", "1", "--channel", "gate"), 1, "The store has no channel “gate”; it has hidden, cell."),
    (("search", "STORE", "--text", "("), 1, "“(” is not a regular expression"),
    (("search", "STORE", "--like", "#2"), 2, "--like is written as TRACE:120-140 or 7:120-140"),
    (("search", "STORE", "--like", "#9:1"), 1, "There is no document 9; there are 4, counted from 0."),
    (("search", "STORE", "--like", "#1:5"), 1, "“folder/0001.py” has only 1 step."),
    (("search", "STORE", "--like", "gone.npz:5"), 1, "There is no file “gone.npz”."),
    (("units", "STORE", "--property", "rhyme"), 1, "There is no property “rhyme”"),
    (("export", "STORE", "-o", "out.xlsx"), 1, "“out.xlsx” should end in one of .parquet, .npz."),
    (("export", "STORE", "-o", "out.npz", "--document", "8"), 1, "There is no document 8; there are 4, counted from 0."),
    (("export", "STORE", "-o", "no/such/out.npz"), 1, "There is no folder"),
])
def test_what_goes_wrong_is_one_sentence(corpus, store, words, status, sentence):
    found, _, complaint = corpus(*(store if word == "STORE" else word for word in words))
    assert found == status
    assert sentence in complaint
    assert "Traceback" not in complaint


def test_a_picture_of_a_store_is_its_page(run, store, tmp_path):
    result = run("--screenshot", tmp_path / "page.png", "--size", "1024x700", "--theme", "light", store)
    assert (result.returncode, result.stderr) == (0, "")
    with Image.open(tmp_path / "page.png") as image:
        assert image.size == (1024, 700)
        heading = image.convert("L").crop((170, 40, 700, 66))  # beside the way back stands what the store is
        assert np.asarray(heading).min() < 128
