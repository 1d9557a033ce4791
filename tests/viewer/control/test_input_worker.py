"""Files are read beside the window: it stays alive, says so after a while, and the reading can be given up."""

from __future__ import annotations

import threading

import pytest
import scripted
from PIL import Image

from unrolled.models.inputs import animations
from unrolled.models.trace import files
from unrolled.models.trace.files import load_trace, save_trace
from unrolled.viewer.control import input_worker
from unrolled.viewer.control.input_worker import InputWorker
from unrolled.viewer.control.voice import Voice
from unrolled.viewer.state import commands as c


@pytest.fixture
def said():
    return []


@pytest.fixture
def worker(qtbot, said):
    made = InputWorker(Voice(lambda _: made.forget()))
    made._patience.setInterval(0)
    made._voice.said.connect(lambda notice: said.append(notice))
    made._voice.unsaid.connect(lambda place: said.append(f"not {place}"))
    made._voice.status_changed.connect(lambda text, fraction: said.append((text, fraction)))
    yield made
    made.close()


def test_what_takes_long_is_said_with_how_far_it_is(qtbot, worker, said, monkeypatch):
    monkeypatch.setattr(input_worker, "TOLD_EVERY", 0.0)
    go_on, found = threading.Event(), []

    def read(say):
        assert go_on.wait(10)
        say(0.25)
        return "a trace"

    worker.read("run.json", read, found.append)
    qtbot.waitUntil(lambda: any(getattr(one, "action", "") == "Cancel" for one in said))  # the window is alive meanwhile
    assert not found
    go_on.set()
    qtbot.waitUntil(lambda: found == ["a trace"])
    assert ("Reading “run.json”…", 0.25) in said
    assert said[-2:] == ["not input", ("", -1.0)]


def test_it_can_be_given_up_and_ends(qtbot, worker, said):
    seen, found = threading.Event(), []

    def read(say):
        try:
            while True:
                say(0.5)
        finally:
            seen.set()

    worker.read("run.json", read, found.append)
    qtbot.waitUntil(lambda: any(getattr(one, "action", "") == "Cancel" for one in said))
    next(one for one in said if getattr(one, "action", "") == "Cancel").act()
    assert seen.wait(5)
    qtbot.wait(20)
    assert not found
    assert not any(getattr(one, "kind", "") == "error" for one in said)


def test_a_clip_that_is_given_up_is_decoded_no_further(qtbot, worker, said, tmp_path, monkeypatch):
    first, *others = [Image.new("L", (8, 8), number) for number in range(200)]
    first.save(tmp_path / "a.gif", save_all=True, append_images=others)
    begun, go_on, decoded = threading.Event(), threading.Event(), []

    def slow(image, *_):
        decoded.append(image)
        begun.set()
        assert go_on.wait(10)
        return image.convert("RGB")

    monkeypatch.setattr(animations, "as_rgb", slow)
    worker.read_input(tmp_path / "a.gif", "clip", said.append)
    qtbot.waitUntil(begun.is_set)
    worker.forget()
    go_on.set()
    for thread in worker._threads:
        thread.join(10)
        assert not thread.is_alive()
    assert len(decoded) <= 2


def test_a_trace_is_read_in_parts_and_says_how_far_it_is(tmp_path, monkeypatch):
    save_trace(scripted.trace(), tmp_path / "run.safetensors")
    monkeypatch.setattr(files, "MUCH", 1000)
    told = []
    load_trace(tmp_path / "run.safetensors", told.append)
    assert len(told) > 5
    assert told == sorted(told)
    assert told[-1] <= 1


def test_the_newest_alone_is_shown(qtbot, worker):
    found, first = [], threading.Event()
    worker.read("slow.json", lambda say: first.wait(10), lambda _: found.append("slow"))
    worker.read("quick.json", lambda say: "quick", found.append)
    qtbot.waitUntil(lambda: found == ["quick"])
    first.set()
    qtbot.wait(20)
    assert found == ["quick"]


@pytest.mark.parametrize(("error", "sentence"), [
    (ValueError("It is a sentence."), "It is a sentence."), (KeyError("x"), "“run.json” cannot be opened: KeyError: 'x'."),
    (OSError(5, "Input/output error"), "“run.json” cannot be read: Input/output error.")])
def test_whatever_a_file_does_to_its_reader_is_a_sentence(qtbot, worker, said, error, sentence):
    def read(say):
        raise error

    worker.read("run.json", read, lambda _: None)
    qtbot.waitUntil(lambda: any(getattr(one, "text", "") == sentence for one in said))


def test_a_trace_is_opened_beside_the_window(qtbot, captioned, tmp_path):
    save_trace(scripted.trace(), tmp_path / "kept.json")
    shown = captioned.session.trace
    captioned.do(c.Open(tmp_path / "kept.json"))
    assert captioned.session.trace is shown
    qtbot.waitUntil(lambda: captioned.session.trace is not shown)
    assert tuple(captioned.session.trace.words) == scripted.CAPTION


def test_what_waits_for_a_network_keeps_no_program_from_ending(qtbot, worker, monkeypatch):
    monkeypatch.setattr(input_worker, "CLOSE_SECONDS", 0.05)
    begun, answer = threading.Event(), threading.Event()
    worker.read("a document", lambda say: begun.set() or answer.wait(30), lambda found: None)
    assert begun.wait(10)
    worker.close()
    (thread,) = (one for one in threading.enumerate() if one.name == "reading")
    assert thread.daemon
    answer.set()
    thread.join(10)
