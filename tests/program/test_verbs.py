"""Each verb, from outside."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from typing import cast

import msgspec
import pytest
import scripted
from PIL import Image, ImageColor
from program_checks import assert_one_sentence

from unrolled import assets
from unrolled.models.protocol.client import BackendClient
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.loading import Loaded
from unrolled.models.protocol.stepping import Advance, Opened
from unrolled.models.trace.files import load_trace
from unrolled.viewer.cli.doctor import Finding
from unrolled.viewer.cli.main import main
from unrolled.viewer.cli.running import run_trace
from unrolled.viewer.theme.themes import LIGHT


@pytest.fixture(scope="module")
def captioned(run, dog, tmp_path_factory):
    """One backend for all photographs: an awkward name, a bad one in the middle, two forms of the same picture."""
    folder = tmp_path_factory.mktemp("photographs")
    awkward = folder / "ein Hund – 犬.jpg"
    awkward.write_bytes(dog.read_bytes())
    bad = folder / "text.jpg"
    bad.write_text("this is not a picture")
    with Image.open(dog) as image:
        image.save(folder / "lossless.png")
    return run("caption", awkward, bad, folder / "lossless.png", "--json", "--device", "cpu")


def test_caption_gives_an_object_a_line_and_goes_on_after_a_bad_file(captioned):
    assert captioned.returncode == 1  # one of them could not be read
    assert "text.jpg" in captioned.stderr
    assert "Traceback" not in captioned.stderr
    lines = [json.loads(line) for line in captioned.stdout.splitlines()]
    assert len(lines) == 2
    for line in lines:
        assert set(line) == {"file", "caption", "tokens", "logprobs", "model", "device", "seconds"}
        assert line["model"] == "caption-attend-lstm"
        assert line["device"] == "cpu"
        assert len(line["tokens"]) == len(line["logprobs"])
        assert all(value <= 0 for value in line["logprobs"])
        assert line["tokens"][-1] == "<end>"
        assert line["caption"] == " ".join(line["tokens"][:-1])
    assert lines[0]["tokens"] == lines[1]["tokens"]
    assert "shepherd" in lines[0]["caption"].split()


def test_trace_saves_what_export_then_draws_and_the_window_opens(run, dog, tmp_path):
    traced = run("trace", dog, "-o", tmp_path / "dog.safetensors", "--beam", 3)
    assert traced.returncode == 0, traced.stderr
    trace = load_trace(tmp_path / "dog.safetensors")
    assert trace.provenance.decoding == "beam 3"
    assert trace.ended
    attention = trace.column("attention")
    assert attention.reshape(len(trace), -1).sum(1) == pytest.approx(1.0, abs=1e-4)
    exported = run("export", tmp_path / "dog.safetensors", "-o", tmp_path / "dog.gif", "--width", 200)
    assert exported.returncode == 0, exported.stderr
    with Image.open(tmp_path / "dog.gif") as image:
        assert image.width == 200
    drawn = run("export", tmp_path / "dog.safetensors", "-o", tmp_path / "dog.png", "--what", "tracks", "--steps", "0-2",
                "--dpi", 192, "--width", 400, "--clear", "--type-size", 8)
    assert drawn.returncode == 0, drawn.stderr
    with Image.open(tmp_path / "dog.png") as image:
        assert (image.width, image.mode, round(image.info["dpi"][0])) == (800, "RGBA", 192)
    shown = run("--screenshot", tmp_path / "window.png", "--size", "1024x700", "--theme", "dark", tmp_path / "dog.safetensors")
    assert shown.returncode == 0, shown.stderr
    with Image.open(tmp_path / "window.png") as image:
        assert image.size == (1024, 700)
        assert len(image.convert("RGB").getcolors(1 << 20)) > 500  # a window, not an empty sheet


def test_screenshot_runs_a_photograph_to_its_end_and_says_what_was_wrong_with_it(run, dog, tmp_path):
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(dog.read_bytes()[:-2000])
    result = run("--screenshot", tmp_path / "window.png", "--size", "1440x900", "--theme", "light", cut)
    assert result.returncode == 0, result.stderr
    assert "unrolled: “cut.jpg” is cut short" in result.stderr
    with Image.open(tmp_path / "window.png") as image:
        assert image.size == (1440, 900)
        status = image.convert("RGB").crop((0, 860, 1440, 900))
        assert ImageColor.getrgb(LIGHT.good) in {colour for _, colour in status.getcolors(1 << 16)}  # the badge has its verdict


def test_a_screenshot_of_a_checkpoint_is_of_the_window_that_waits_for_its_input(run, tmp_path):
    checkpoint = tmp_path / "mine.safetensors"
    checkpoint.write_bytes(assets.path("checkpoints", "chars-rnn.safetensors").read_bytes())
    result = run("--screenshot", tmp_path / "window.png", "--size", "1024x700", checkpoint)
    assert result.returncode == 0, result.stderr
    assert Image.open(tmp_path / "window.png").size == (1024, 700)


def test_models_names_task_size_quality_and_source(run):
    result = run("models", "--json")
    assert result.returncode == 0, result.stderr
    model = next(model for model in json.loads(result.stdout) if model["name"] == "caption-attend-lstm")
    assert model["task"] == "captioning"
    assert 1_000_000 < model["size_bytes"] <= 12_000_000
    assert "bleu_4" in model["quality"]
    assert "Flickr8k" in model["source"]


def test_doctor_finds_this_machine_well(run):
    result = run("doctor", "--json")
    assert result.returncode == 0, result.stdout
    report = json.loads(result.stdout)
    assert report["well"]
    assert {"torch", "PySide6-Essentials", "device cpu", "model caption-attend-lstm"} <= {f["name"] for f in report["findings"]}


def test_doctor_tells_good_from_bad_where_a_terminal_has_few_signs(monkeypatch):
    for kind, good in (("devices", True), ("qt", False), ("families", True)):  # what other processes are asked for
        monkeypatch.setattr(f"unrolled.viewer.cli.doctor._{kind}", lambda kind=kind, good=good: [Finding(kind, "", good)])
    shown = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", shown)
    assert main(["doctor"]) == 1
    shown.seek(0)
    marks = {line[2:].split()[0]: line[0] for line in shown.read().splitlines()}
    assert (marks["devices"], marks["qt"]) == ("+", "!")


def test_help_and_version_are_quick_and_import_neither_qt_nor_torch(run):
    assert run("--version").stdout.strip() == f"unrolled {version('unrolled')}"
    for words in (("--help",), ("caption", "--help"), ("train", "--help"), ("evaluate", "--help"), ("bench", "--help")):
        result = run(*words)
        assert result.returncode == 0, result.stderr
        assert "usage: unrolled" in result.stdout
    code = ("import sys; from unrolled.viewer.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
            "assert not {'torch', 'PySide6', 'timm'} & set(sys.modules), sorted(sys.modules)")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_the_window_imports_no_torch():
    code = ("import sys, unrolled.viewer.window.main_window, unrolled.viewer.window.application\n"
            "assert not {'torch', 'timm', 'torchvision'} & set(sys.modules)")
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert result.returncode == 0, result.stderr


def test_a_translator_opens_without_what_only_its_evaluation_needs():
    code = ("import sys\nfrom unrolled.models.adapters.registry import load\nload('translate-en-fr')\n"
            "assert 'sacrebleu' not in sys.modules")
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_an_interrupt_ends_it_quietly_and_its_backend_too(tmp_path):
    text = tmp_path / "long.txt"
    text.write_text("while True:\n" * 100)
    process = subprocess.Popen([sys.executable, "-m", "unrolled.viewer", "caption", "--model", "chars-rnn", *[str(text)] * 200],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()  # it is in the middle
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in complaint
    time.sleep(0.1)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_a_signal_leaves_nothing_half_written(tmp_path):
    lines = ("import pathlib, signal, sys, time", "from unrolled.models.trace.atomic import atomic_path",
             "from unrolled.viewer.cli import models", "from unrolled.viewer.cli.main import main",
             "def write(_):", "    with atomic_path(pathlib.Path(sys.argv[1])):",
             "        signal.raise_signal(signal.SIGTERM)", "        time.sleep(9)", "models.models = write", "main(['models'])")
    done = subprocess.run([sys.executable, "-c", "\n".join(lines), tmp_path / "a.npz"], capture_output=True, check=False)
    assert (done.returncode, done.stderr, [*tmp_path.iterdir()]) == (-signal.SIGTERM, b"", [])


def test_the_licences_can_be_read(run):
    done = run("doctor", "--licences")
    assert done.returncode == 0
    for word in ("LGPL", "x264", "GPL-2.0", "Open Font License", "torch "):
        assert word in done.stdout


def test_the_benchmark_of_animations_goes_without_its_peer_and_says_so(run, tmp_path):
    (tmp_path / "matplotlib.py").write_text("raise ImportError('hidden')\n", encoding="utf-8")
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    result = run("bench", "--only", "animation", "--json", PYTHONPATH=path)
    assert result.returncode == 0, result.stderr
    figures = json.loads(result.stdout)
    assert set(figures) == {"details"}
    assert figures["details"]["animation"]["seconds"] > 0
    assert "matplotlib is not installed" in figures["details"]["animation"]["compared_with"]


def test_a_beam_is_not_searched_where_nothing_that_is_said_is_read_again(run, dog):
    result = run("caption", dog.with_name("bouncing.gif"), "--model", "clip-lstm", "--beam", "3")
    assert result.returncode == 2
    assert "nothing to search" in result.stderr


def test_a_text_from_the_command_line_is_exported_and_traced(run, tmp_path):
    out = tmp_path / "out.safetensors"
    assert run("trace", "--text", "A dog runs.", "--model", "translate-en-fr", "-o", out).returncode == 0
    assert load_trace(out).provenance.input_name == "typed text"
    assert run("export", "--text", "A dog runs.", "--model", "translate-en-fr", "-o", tmp_path / "out.svg").returncode == 0
    assert b"<svg" in (tmp_path / "out.svg").read_bytes()


@pytest.mark.parametrize(("verb", "suffix"), [("export", "svg"), ("trace", "json"), ("analyze", "html")])
def test_a_text_or_a_file_is_read_and_not_both(run_here, verb, suffix):
    for words in ((), ("a.jpg", "--text", "b")):
        assert "--text" in assert_one_sentence(run_here(verb, *words, "-o", f"no.{suffix}"), 2)


def test_a_text_as_long_as_can_be_read_is_written_on():
    """No message asks for more steps than its type allows."""
    asked: list[Advance] = []

    class Client:
        def open(self, run: int, data: bytes, name: str) -> Opened:
            return Opened(run, (0, 0, 1, 1), prompt_tokens=100_000, maximum_steps=200_000)

        def advance(self, request: Advance) -> tuple[()]:
            asked.append(msgspec.convert(msgspec.to_builtins(request), Advance))
            return ()

    run_trace(cast(BackendClient, Client()), Loaded(scripted.description(), "cpu", 0), run=0, name="a.txt", data=b"a",
              decoding=Decoding(), write=7)
    assert [request.step for request in asked] == [0, *(before.step + before.count for before in asked[:-1])]
    assert asked[-1].step + asked[-1].count == 100_007
