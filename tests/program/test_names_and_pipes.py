"""Names that are no UTF-8, pipes that close, signals that end: what a shell does to a program."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
import scripted
from program_checks import assert_one_sentence

from unrolled.models.trace.files import load_trace, save_trace
from unrolled.viewer.benchmarks.process import measuring
from unrolled.viewer.cli.telling import progress, tell

pytestmark = pytest.mark.skipif(os.name != "posix", reason="as POSIX has it")

PROGRAM = [sys.executable, "-m", "unrolled.viewer"]


def test_a_name_that_is_no_utf_8(run, tmp_path):
    odd, usual = os.fsencode(tmp_path) + b"/caf\xe9.txt", tmp_path / "usual.txt"
    usual.write_text("if")
    try:
        with open(odd, "wb") as file:  # noqa: PTH123
            file.write(b"if")
    except OSError:
        pytest.skip("this system's names are UTF-8")
    done = run("caption", usual, os.fsdecode(odd), usual, "--model", "chars-rnn", "--write", 2)
    assert done.returncode == 0
    assert done.stdout.count("usual.txt: ") == 2
    assert "caf\N{REPLACEMENT CHARACTER}.txt: " in done.stdout
    done = run("trace", os.fsdecode(odd), "-o", tmp_path / "t.json", "--model", "chars-rnn")
    assert (done.returncode, done.stderr) == (0, "")
    assert load_trace(tmp_path / "t.json").provenance.input_name == "caf\N{REPLACEMENT CHARACTER}.txt"


def assert_printable(done):
    assert all(sign.isprintable() or sign in "\n\t" for sign in done.stdout + done.stderr), done.args
    assert "Traceback" not in done.stderr


def test_nothing_of_a_file_reaches_the_terminal_raw(run, tmp_path):
    text = tmp_path / "three.txt"
    text.write_bytes("A dog runs.\n\x1b[31mTwo men\x07 play.\n“It’s” fine\N{RIGHT-TO-LEFT OVERRIDE}.\n".encode())
    for words in (("caption", "--model", "translate-en-fr", text), ("evaluate", tmp_path / "no\x1b[31m\nsuch.safetensors"),
                  ("train", "--no\x1b[31m")):
        assert_printable(run(*words))


@pytest.mark.parametrize("words", [("export", "no\x1b[31m\nsuch.safetensors", "-o", "a.png"), ("models", "\x1b[31m"),
                                   ("caption", "--what\x07"), ("corpus", "\x1b")])
def test_nothing_that_is_refused_reaches_it_raw(run_here, words):
    assert_printable(run_here(*words))


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("train", "--help")])
def test_a_closed_pipe_is_no_error(words):
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = subprocess.Popen([*PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=buffered)
    process.stdout.close()
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


def test_a_failure_that_nobody_reads_is_one():
    process = subprocess.Popen([*PROGRAM, "caption", "nosuch.jpg"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    process.stdout.close()
    assert process.wait(timeout=60) == 1


@pytest.mark.parametrize("words", [("models",), ("evaluate", "nosuch")])
def test_standard_output_that_was_closed_before_takes_all(words):
    done = subprocess.run([*PROGRAM, *words], stderr=subprocess.PIPE, text=True, preexec_fn=lambda: os.close(1), check=False)
    if words[0] == "evaluate":
        assert_one_sentence(done)
    else:
        assert (done.returncode, done.stderr) == (0, "")


def test_whatever_a_number_can_be_is_analyzed_quietly(run, tmp_path):
    trace = scripted.trace()
    save_trace(trace, tmp_path / "odd.npz")
    with np.load(tmp_path / "odd.npz", allow_pickle=False) as file:
        arrays = {name: np.full_like(file[name], 3e38) if name.startswith("channel.") else file[name] for name in file}
    np.savez(tmp_path / "odd.npz", **arrays)
    done = run("analyze", tmp_path / "odd.npz", "-o", tmp_path / "r.html")
    assert done.returncode == 0
    assert "Warning" not in done.stderr


def test_a_trace_names_no_path_to_open(run, tmp_path):
    trace = scripted.trace()
    trap = tmp_path / "trap.safetensors"
    trap.write_bytes(b"nothing of the kind")
    trace.provenance = msgspec.structs.replace(trace.provenance, model=str(trap))
    save_trace(trace, tmp_path / "named.safetensors")
    done = run("analyze", tmp_path / "named.safetensors", "-o", tmp_path / "r.html")
    assert done.returncode == 0
    assert "--model" in done.stderr
    assert "cut off" not in done.stderr  # it was not looked into


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL])
def test_what_ends_a_training_leaves_nothing_that_computes(tmp_path, number):
    process = subprocess.Popen([*PROGRAM, "train", "frames-lstm", "-o", str(tmp_path / "a.safetensors")],
                               stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        deadline = time.monotonic() + 30
        while b"unrolled.models" not in Path(f"/proc/{process.pid}/cmdline").read_bytes() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)  # nobody of its group
    finally:
        process.kill()
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    assert "Traceback" not in errors
    assert "%|" not in errors  # bars are for terminals


def test_what_ends_a_benchmark_leaves_nothing_that_measures():
    process = subprocess.Popen([*PROGRAM, "bench", "--only", "long"], stderr=subprocess.PIPE, text=True, start_new_session=True)
    children, deadline = Path(f"/proc/{process.pid}/task/{process.pid}/children"), time.monotonic() + 30
    try:
        while not children.read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.terminate()
        _, errors = process.communicate(timeout=20)
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
    finally:
        process.kill()
    assert (process.returncode, errors) == (-signal.SIGTERM, "")


def test_a_benchmark_that_was_just_begun_ends_too(monkeypatch):
    begun = []

    class Begun(subprocess.Popen):
        def __init__(self, *words, **more):
            super().__init__(*words, **more)
            begun.append(self)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(subprocess, "Popen", Begun)
    try:
        with pytest.raises(KeyboardInterrupt):
            measuring("timeit", "-n", "1", "import time; time.sleep(60)")
        assert begun[0].poll() is not None
    finally:
        begun[0].kill()
        begun[0].communicate()


def test_any_texts_train_a_character_model(run, tmp_path):
    texts = tmp_path / "Winter tales 1.5"
    texts.mkdir()
    (texts / "a.txt").write_text("Once upon a time in winter. " * 200)
    (texts / "b.md").write_bytes("Il était une fois. ".encode("cp1252") * 200)
    (texts / "c.jpg").write_bytes(b"\xff\xd8\xff\0\0")
    out = tmp_path / "tales.safetensors"
    done = run("train", "chars-rnn", "--data", texts, "-o", out, "--updates", "2", "--hidden", "16", "--option", "rows=4",
               "--option", "truncation=16", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    from unrolled.models.checkpoints.files import read_header

    header = read_header(out)
    assert header.card.title == "Characters of Winter tales 1.5, RNN"
    assert "2 files" in header.card.data
    assert "Python" not in header.card.terms
    assert "é" in header.words


def test_several_lines_are_several_sentences(run, tmp_path):
    path = tmp_path / "three.txt"
    path.write_bytes("A dog runs.\r\n\r\nA man sings “loudly”.\nTwo girls play.\n".encode("cp1252"))
    done = run("caption", path, "--model", "translate-en-fr")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert [line.partition(": ")[0].rpartition(":")[2] for line in lines] == ["1", "3", "4"]
    assert len({line.partition(": ")[2] for line in lines}) == 3


def test_what_goes_wrong_takes_the_line_of_what_was_going_on(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    progress("Searching")(1, 4)
    tell("There is no such unit.")
    assert sys.stderr.getvalue().split("\r\x1b[K") == ["", "Searching: 25 %…", "unrolled: There is no such unit.\n"]
