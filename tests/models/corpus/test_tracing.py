"""A traced corpus holds what the model does live, whoever traced it and however often it was interrupted."""

from __future__ import annotations

import json
import os
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
import tiny_captioner as tiny
import torch
from their_models import CharRNN, stirred
from tiny_corpus import LENGTHS, Died, Here, write_model, write_texts

from unrolled.models.adapters.registry import load
from unrolled.models.checkpoints.files import FORMAT_VERSION, Card, CheckpointError, Header, save_checkpoint
from unrolled.models.corpus import planning, stepping
from unrolled.models.corpus.listing import list_files
from unrolled.models.corpus.search import search_text
from unrolled.models.corpus.stepping import read_by
from unrolled.models.corpus.tracing import Outcome, TraceRequest, TracingProgress, trace_corpus
from unrolled.models.corpus.worker import WorkerSettings
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.stepping import Stepped
from unrolled.models.runs.branch import Branch
from unrolled.models.store import layout
from unrolled.models.store.layout import StoreError
from unrolled.models.store.store import open_store
from unrolled.models.store.verifying import verify
from unrolled.models.verbs import corpus as verb
from unrolled.models.verbs.arguments import parser


@pytest.fixture(scope="module", autouse=True)
def small_shards_and_one_thread():
    before = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(layout, "SHORTEST_SHARD", 1024)
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    write_model(folder / "tiny.safetensors")
    write_texts(folder / "texts")
    return folder


def request_of(place: Path, output: Path, **changes) -> TraceRequest:
    return TraceRequest(**{"corpus": place / "texts", "output": str(output), "model": str(place / "tiny.safetensors"),
                           "channels": ("hidden", "cell"), **changes})


def trace(place: Path, output: Path, *, hire=Here, say=lambda progress: None, **changes):
    request = request_of(place, output, **changes)
    return trace_corpus(request, load(request.model), hire=hire, say=say)


@pytest.fixture(scope="module")
def whole(place):
    """A store that was written in one go."""
    outcome = trace(place, place / "whole")
    assert (outcome.steps, outcome.deaths, outcome.left_out.count) == (sum(LENGTHS), 0, 0)
    return open_store(place / "whole")


def test_a_worker_s_model_is_loaded_with_its_first_part(place, tmp_path):
    """Of what a process raises before it has a part only its death is told."""
    crews = []
    with pytest.raises(CheckpointError, match="gone"):
        trace_corpus(request_of(place, tmp_path / "store", model=str(place / "gone.safetensors")),
                     load(str(place / "tiny.safetensors")), hire=lambda settings: crews.append(Here(settings)) or crews[0])
    assert crews


def files(store: Path) -> dict[str, bytes]:
    """Every shard of every array."""
    return {str(path.relative_to(store)): path.read_bytes() for path in sorted(store.rglob("c/**/*")) if path.is_file()}


def test_every_document_is_there_in_the_order_of_names(whole):
    assert [(whole.documents[number].title, whole.documents[number].steps) for number in range(len(LENGTHS))] == [
        (f"text{number}.txt", length) for number, length in enumerate(LENGTHS)]
    assert whole.description.parts > 2
    assert list(verify(whole)) == []


def as_live(place: Path, stepper, names: tuple[str, ...]) -> None:
    """Six texts in a store have the numbers that they have live."""
    store = open_store(place / "store")
    for number in range(6):
        run = store.run(number)
        encoded = stepper.read((place / "texts" / run.title).read_text())
        branch = Branch(0, 0, stepper, encoded, others={})
        block = branch.advance(0, Decoding(), lambda: True, 256).block(branch.channels, stepper.description.words)
        count = len(block.tokens)
        np.testing.assert_array_equal(run.tokens(0, count), block.tokens)
        np.testing.assert_allclose(run.log_probs(0, count), block.log_probs, atol=2e-6)
        for name in names:
            np.testing.assert_allclose(run.values(name, 0, count), block.values[name], atol=2e-6)


@pytest.mark.parametrize("is_ahead", [True, False])
@pytest.mark.parametrize("only", [(), ("hidden",)])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_numbers_are_those_of_a_live_run(tmp_path, monkeypatch, cell, only, is_ahead):
    if not is_ahead:
        monkeypatch.setattr(stepping, "ReadsAhead", ())  # as with models that take a step at a time
    write_texts(tmp_path / "texts", (300, 170, 170, 1, 64, 129))
    stepper = load(str(write_model(tmp_path / "tiny.safetensors", cell)))
    names = only or tuple(channel.name for channel in stepper.description.channels)
    trace(tmp_path, tmp_path / "store", dtype="float32", channels=names)
    as_live(tmp_path, stepper, names)
    store = open_store(tmp_path / "store")
    assert [store.run(number).text() for number in range(6)] == [
        (tmp_path / f"texts/text{number}.txt").read_text() for number in range(6)]


@pytest.mark.parametrize(("cell", "layers"), [("gru", 1), ("lstm", 2)])
def test_their_texts_are_read_side_by_side_too(tmp_path, monkeypatch, cell, layers):
    """Where a text's first character is what the first step reads."""
    torch.save(stirred(lambda: CharRNN(cell, layers)), tmp_path / "shakespeare.pt")
    write_texts(tmp_path / "texts", (300, 170, 170, 2, 64, 129))
    (tmp_path / "texts" / "short.txt").write_text("x")
    monkeypatch.setattr(stepping, "_alone", None)
    stepper = load(str(tmp_path / "shakespeare.pt"))
    names = tuple(channel.name for channel in stepper.description.channels)
    said = trace(tmp_path, tmp_path / "store", model=str(tmp_path / "shakespeare.pt"), dtype="float32", channels=names)
    assert said.left_out.sentences == ["“short.txt” is too short for a step of this model."]
    assert "The first character, “⏎”" in stepper.read("\n\n").notes[-1]
    as_live(tmp_path, stepper, names)


def test_bytes_are_right_to_a_255th(place, whole):
    trace(place, place / "exact", dtype="float32")
    exact = open_store(place / "exact")
    for number in range(len(LENGTHS)):
        for channel in whole.description.channels:
            one, other = whole.run(number).values(channel.name), exact.run(number).values(channel.name)
            np.testing.assert_allclose(one, other, atol=(channel.high - channel.low) / 510 + 1e-6)


@pytest.mark.parametrize("size", [2, 5])
def test_how_many_trace_and_in_what_order_does_not_show(place, whole, tmp_path, monkeypatch, size):
    from unrolled.models.corpus import tracing

    monkeypatch.setattr(tracing, "missing_parts", lambda location, parts: list(reversed(range(parts))))
    trace(place, tmp_path / "store", hire=partial(Here, size=size))
    assert files(tmp_path / "store") == files(place / "whole")


def test_interrupted_it_goes_on(place, whole, tmp_path):
    def interrupt(part: int) -> None:
        if part == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trace(place, tmp_path / "store", hire=partial(Here, fail=interrupt))
    store = open_store(tmp_path / "store")
    assert store.written.tolist() == [part < 2 for part in range(store.description.parts)]
    assert list(verify(store)) == []
    said: list[tuple[int, int]] = []
    outcome = trace(place, tmp_path / "store", say=lambda progress: said.append((progress.parts, progress.steps)))
    assert outcome.parts == store.description.parts - 2
    assert said[-1] == (store.description.parts, sum(LENGTHS))
    assert said == sorted(said)
    assert files(tmp_path / "store") == files(place / "whole")
    assert trace(place, tmp_path / "store").parts == 0


def test_a_worker_that_dies_costs_its_part_again_and_nothing_else(place, whole, tmp_path):
    done: list[int] = []

    def die(part: int) -> None:
        done.append(part)
        if done.count(part) == 1 and part == 1:
            raise Died

    outcome = trace(place, tmp_path / "store", hire=partial(Here, fail=die))
    assert outcome.deaths == 1
    assert sorted(done) == sorted([*range(open_store(tmp_path / "store").description.parts), 1])
    assert files(tmp_path / "store") == files(place / "whole")


def test_a_part_over_which_workers_die_is_named(place, tmp_path):
    def die(part: int) -> None:
        if part == 1:
            raise Died

    with pytest.raises(StoreError, match=r"Workers have died 3 times over part 1, with the document “text\d\.txt”"):
        trace(place, tmp_path / "store", hire=partial(Here, fail=die))
    assert open_store(tmp_path / "store").written.tolist()[:2] == [True, False]


def test_rate_and_time_left_are_said():
    assert TracingProgress(of_steps=100, steps=20, rate=4.0).seconds_left == 20.0
    assert np.isnan(TracingProgress(of_steps=100).seconds_left)


@pytest.mark.parametrize(("counts", "rates"), [((0, 0, 0, 5, 10, 25), [0, 0, 0, 5, 5, 25 / 3, 40 / 3]),
                                              ((0, 0, 0, 0), [0, 0, 0, 0, 10])])
def test_the_rate_is_of_workers_that_have_loaded(place, tmp_path, monkeypatch, counts, rates):
    """A second passes with each look at a worker; one of a cluster tells nothing until its part is done."""
    from unrolled.models.corpus import tracing

    now, job_of = [0.0], []

    class Slow(Here):
        def submit(self, job):
            job_of.append((job, Future()))
            return job_of[-1][1]

        @property
        def steps(self):
            now[0] += 1
            if now[0] == len(counts):
                job, future = job_of[-1]
                future.set_result(self._worker.work(job))
            return counts[int(now[0]) - 1]

        @steps.setter
        def steps(self, value):
            pass

    write_texts(tmp_path / "texts", (40,))
    monkeypatch.setattr(tracing, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(tracing, "OFTEN", 0.001)
    said: list[float] = []
    trace(place, tmp_path / "store", corpus=tmp_path / "texts", hire=Slow, say=lambda progress: said.append(progress.rate))
    assert said == rates


def test_a_cluster_may_have_a_gpu_that_this_machine_has_not(place, tmp_path, monkeypatch):
    wanted = []
    monkeypatch.setattr(verb, "trace_corpus", lambda request, *_, **__: wanted.append(request.device) or Outcome())
    monkeypatch.setattr("signal.signal", lambda number, handler: None)
    words = ["corpus", "trace", str(place / "texts"), "-o", str(tmp_path / "s"), "--model", str(place / "tiny.safetensors"),
             "--progress", "lines", "--json", "--device", "xpu:3"]
    verb.trace(parser().parse_args([*words, "--ray", "head:6379"]))
    assert wanted == ["xpu:3"]
    with pytest.raises(ValueError, match="no device “xpu:3”"):
        verb.trace(parser().parse_args(words))


def test_what_libraries_print_is_no_answer(place, tmp_path, monkeypatch, capsys):
    def traced(request, stepper, *, reading, say):
        print("A worker died.")
        say(TracingProgress(of_steps=40, of_parts=1, steps=40, parts=1))
        return trace_corpus(request, stepper, hire=Here)

    monkeypatch.setattr(verb, "trace_corpus", traced)
    monkeypatch.setattr("signal.signal", lambda number, handler: None)
    write_texts(tmp_path / "texts", (40,))
    words = ["corpus", "trace", str(tmp_path / "texts"), "-o", str(tmp_path / "s"), "--model", str(place / "tiny.safetensors")]
    assert verb.trace(parser().parse_args([*words, "--progress", "lines", "--json"])) == 0
    printed = capsys.readouterr()
    assert [json.loads(line)["steps"] for line in printed.out.splitlines()] == [40, 40]
    assert printed.err == "A worker died.\n"


def test_a_store_goes_on_only_with_what_it_was_begun_with(place, whole, tmp_path):
    with pytest.raises(StoreError, match="“whole” was begun with other channels"):
        trace(place, place / "whole", channels=("hidden",))
    with pytest.raises(StoreError, match="“whole” was begun with another type of number"):
        trace(place, place / "whole", dtype="float16")
    other = write_model(tmp_path / "gru.safetensors", "gru")
    with pytest.raises(StoreError, match="“whole” was begun with another model, tiny"):
        trace(place, place / "whole", model=str(other), channels=("hidden",))
    write_texts(tmp_path / "texts", seed=1)
    with pytest.raises(StoreError, match="“whole” was begun with other documents"):
        trace(place, place / "whole", corpus=tmp_path / "texts")


def test_bad_corpora_are_said(place, tmp_path):
    def said(corpus: Path) -> str:
        with pytest.raises(StoreError) as error:
            trace(place, tmp_path / "store", corpus=corpus)
        assert not (tmp_path / "store").exists()
        return str(error.value)

    (tmp_path / "empty").mkdir()
    assert said(tmp_path / "empty") == "The folder “empty” holds no files."
    assert said(tmp_path / "nowhere") == f"There is no folder or list “{tmp_path / 'nowhere'}”."
    (tmp_path / "binary").mkdir()
    (tmp_path / "binary" / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    assert said(tmp_path / "binary") == "There is nothing in “binary” that tiny can read: “photo.png” is no text."
    (tmp_path / "list.txt").write_text("list.txt\nmissing.txt\n")
    assert said(tmp_path / "list.txt") == ("Line 2 of “list.txt” names no file; a list has the path of a file in each line.")
    (tmp_path / "list.txt").write_text("\n")
    assert said(tmp_path / "list.txt") == "The list “list.txt” is empty."
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="“store” cannot be written: Not a directory"):
        trace(place, tmp_path / "file/store")
    with pytest.raises(SystemExit):
        parser().parse_args(["corpus", "trace", "texts", "-o", "store", "--workers", "-3"])
    with pytest.raises(StoreError, match="The model has no channel “gates”; it has hidden, cell, input_gate"):
        trace(place, tmp_path / "store", channels=("gates",))


def test_what_cannot_be_read_is_left_out_and_named(place, tmp_path):
    texts = write_texts(tmp_path / "texts", (30, 20))
    with (texts / "large.txt").open("wb") as file:
        file.write(b"a" * 100)
        file.truncate(300 * 2**20)
    (texts / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    (texts / "none.txt").write_text("")
    (texts / ".hidden").write_text("hidden")
    outcome = trace(place, tmp_path / "store", corpus=texts)
    assert outcome.steps == 50
    assert outcome.left_out.count == 3
    assert any("“large.txt”" in sentence for sentence in outcome.left_out.sentences)
    assert "“picture.png” is no text." in outcome.left_out.sentences
    store = open_store(tmp_path / "store")
    assert [store.documents[number].title for number in range(len(store.documents))] == ["text0.txt", "text1.txt"]


def test_links_that_lead_to_no_file_are_named(tmp_path):
    texts = write_texts(tmp_path / "texts", (30,))
    (texts / "deep").mkdir()
    (texts / "deep" / "gone.txt").symlink_to(tmp_path / "nothing")
    (texts / "round.txt").symlink_to(texts / "round.txt")
    (texts / "folder").symlink_to(texts)
    (texts / "also.txt").symlink_to(texts / "text0.txt")
    os.mkfifo(texts / "pipe.txt")
    found = list_files(texts)
    assert [path.name for path in found.paths] == ["also.txt", "text0.txt"]
    assert sorted(found.left_out.sentences) == [
        "“deep/gone.txt” is a link that leads to nothing.", "“folder” is a link to a folder, which is not followed.",
        "“pipe.txt” is not a file.", "“round.txt” is a link that leads to nothing."]
    (tmp_path / "lost").mkdir()
    (tmp_path / "lost" / "gone.txt").symlink_to(tmp_path / "nothing")
    with pytest.raises(StoreError, match=r"holds no files that can be read: “gone\.txt” is a link that leads to nothing"):
        list_files(tmp_path / "lost")


def test_folders_that_cannot_be_read_are_named(tmp_path, monkeypatch):
    """Permissions keep nothing from those who may do everything, as tests may be."""
    texts = write_texts(tmp_path / "texts", (30,))
    (texts / "closed").mkdir()
    scandir = os.scandir

    def closed(path):
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    found = list_files(texts)
    assert [path.name for path in found.paths] == ["text0.txt"]
    assert found.left_out.sentences == ["The folder “closed” cannot be read: Permission denied."]


def test_how_texts_were_read_is_said(place, tmp_path):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "dash.txt").write_text("a—b ∫")
    (tmp_path / "texts" / "old.txt").write_bytes("où est la fenêtre".encode("cp1252"))
    outcome = trace(place, tmp_path / "store", corpus=tmp_path / "texts")
    assert "“old.txt” is not UTF-8; it was read as Windows-1252." in outcome.notes.sentences
    assert any(note.startswith("“dash.txt”: Never seen in training, and read as unknown: ") for note in outcome.notes.sentences)
    store = open_store(tmp_path / "store")
    assert store.run(0).text() == "a—b ∫"  # the text's own signs, though the model reads them as unknown
    (hit,) = search_text(store, "b.∫").hits
    assert (hit.first, hit.last) == (2, 4)


def test_a_store_is_no_documents(place, whole, tmp_path):
    texts = write_texts(tmp_path / "texts", (30, 20))
    assert trace(place, texts / "deep" / "store", corpus=texts).steps == 50
    assert trace(place, texts / "deep" / "store", corpus=texts).parts == 0  # it lies among them, and is none of them
    with pytest.raises(StoreError, match=r"^“store” is a store itself; name the folder of the documents\.$"):
        trace(place, tmp_path / "other", corpus=texts / "deep" / "store")


def test_a_list_names_documents(place, tmp_path):
    texts = write_texts(tmp_path / "texts", (30, 20, 10))
    (tmp_path / "list.txt").write_text("\ufefftexts/text2.txt\n\ntexts/text0.txt\n", encoding="utf-8")
    trace(place, tmp_path / "store", corpus=tmp_path / "list.txt")
    store = open_store(tmp_path / "store")
    assert [store.documents[number].title for number in range(2)] == ["texts/text2.txt", "texts/text0.txt"]
    assert store.run(1).text() == (texts / "text0.txt").read_text()


def test_a_model_that_is_broken_is_no_corpus(place, tmp_path):
    stepper = load(str(place / "tiny.safetensors"))

    class Broken(Here):
        def __init__(self, settings: WorkerSettings) -> None:
            super().__init__(settings)
            with torch.no_grad():
                self._worker._stepper.network.cell.weight_hh[0, 0] = float("nan")

    with pytest.raises(StoreError, match=r"“text0\.txt” has numbers that are not finite"):
        trace_corpus(request_of(place, tmp_path / "store"), stepper, hire=Broken)


def test_texts_longer_than_a_window_reads_are_traced_whole(place, tmp_path, monkeypatch):
    from unrolled.models.families.characters import network

    monkeypatch.setattr(network, "LONGEST_TEXT", 50)
    texts = write_texts(tmp_path / "texts", (120,))
    trace(place, tmp_path / "store", corpus=texts)
    assert open_store(tmp_path / "store").run(0).text() == (texts / "text0.txt").read_text()
    assert planning.BATCH == 64


def test_photographs_are_captioned_as_they_are_live(tmp_path):
    tiny.add_encoder()
    header = Header(version=FORMAT_VERSION, model="caption-attend-lstm", config=msgspec.structs.asdict(tiny.config()),
                    words=tiny.WORDS, encoder=tiny.ENCODER, encoder_hash="0" * 64, card=Card(title="Tiny", task="captioning"))
    save_checkpoint(tmp_path / "tiny.safetensors", header, tiny.network().state_dict())
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    for number, (colour, shape) in enumerate([("red", "circle"), ("blue", "square"), ("green", "circle")]):
        tiny.drawing(colour, shape).save(photographs / f"{number}.png")
    (photographs / "3.png").write_bytes((photographs / "0.png").read_bytes()[:100])  # too little to show anything of
    (photographs / "4.png").write_bytes((photographs / "1.png").read_bytes()[:-60])
    (photographs / "notes.txt").write_text("no picture")
    request = TraceRequest(corpus=photographs, output=str(tmp_path / "store"), model=str(tmp_path / "tiny.safetensors"),
                           channels=("hidden", "attention", "attention_entropy"), dtype="float32")
    stepper = load(request.model)
    outcome = trace_corpus(request, stepper, hire=Here)
    assert outcome.left_out.count == 2
    (note,) = outcome.notes.sentences
    assert note.startswith("“4.png” is cut short")
    store = open_store(tmp_path / "store")
    assert (store.description.decoding, store.documents[3].steps) == ("greedy", 0)
    for number in range(3):
        encoded, _ = read_by(stepper, (photographs / f"{number}.png").read_bytes(), "x.png")
        branch, steps = Branch(0, 0, stepper, encoded, others={}), []
        while isinstance(step := branch.advance(len(branch), Decoding(), lambda: True), Stepped):
            steps.append(step.result(branch.channels))
        run = store.run(number)
        assert run.words() == [step.word for step in steps]
        for name in ("hidden", "attention", "attention_entropy"):
            np.testing.assert_array_equal(run.values(name), np.stack([step.values[name] for step in steps]))
    for number in (0, 1, 2, 4):
        (photographs / f"{number}.png").unlink()
    with pytest.raises(StoreError, match=r"There is nothing in “photographs” that tiny can read: “notes\.txt” is no picture"):
        trace_corpus(replace(request, output=str(tmp_path / "nothing")), stepper, hire=Here)
    assert not (tmp_path / "nothing").exists()


def test_a_text_with_tabs_is_read_to_its_end(place, tmp_path):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "tabs.txt").write_text("a\tb\n\tlast")
    said = trace(place, tmp_path / "store", corpus=tmp_path / "texts")
    assert open_store(tmp_path / "store").run(0).text() == "a    b\n    last"
    assert said.notes.sentences == ["“tabs.txt”: The model reads a tab as four spaces."]
