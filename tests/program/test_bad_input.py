"""What cannot be done is said in one sentence, and nothing is lost or left behind."""

from __future__ import annotations

import pytest
import scripted
from program_checks import assert_one_sentence

from unrolled import assets
from unrolled.models.trace.files import save_trace
from unrolled.viewer.state.session_file import SavedSession, SessionLayout, save_session


@pytest.mark.parametrize(("words", "expected"), [
    (("caption", "missing.jpg"), "There is no file"),
    (("caption", "."), "is a folder"),
    (("trace", "missing.jpg", "-o", "out.npz"), "There is no file"),
    (("export", "missing.npz", "-o", "out.gif"), "There is no file"),
    (("trace", "x.jpg", "-o", "no/such/folder/out.npz"), "There is no folder"),
    (("missing.jpg",), "There is no file"),
])
def test_files_that_are_not_there(run_here, words, expected):
    assert expected in assert_one_sentence(run_here(*words))


def test_it_is_the_same_from_outside(run):
    assert "There is no file" in assert_one_sentence(run("caption", "missing.jpg"))
    assert_one_sentence(run("caption", "x.jpg", "--beam", "0"), status=2)
    result = run("train")
    assert (result.returncode, "usage: unrolled" in result.stderr) == (2, True)


@pytest.mark.parametrize("words", [
    ("trace", "x.jpg", "-o", "out.txt"), ("export", "x.jpg", "-o", "out.txt"), ("caption", "x.jpg", "--beam", "0"),
    ("caption", "x.jpg", "--beam", "3", "--temperature", "1"), ("caption", "x.jpg", "--temperature", "0"),
    ("caption", "x.jpg", "--top-p", "2"), ("export", "x.jpg", "-o", "a.gif", "--opacity", "7"),
    ("export", "x.jpg", "-o", "a.gif", "--width", "1"), ("export", "x.jpg", "-o", "a.png", "--steps", "3-1"),
    ("export", "x.jpg", "-o", "a.mp4", "--clear"), ("export", "x.jpg", "-o", "a.gif", "--what", "tracks"),
])
def test_wrong_use_is_two(run_here, words):
    assert_one_sentence(run_here(*words), status=2)


@pytest.mark.parametrize(("words", "sentence"), [
    (("--beam", "0"), "--beam must be at least 1."), (("--temperature", "-3"), "--temperature must be above 0."),
    (("--top-p", "3"), "--top-p must be at most 1."), (("--seed", "-1"), "--seed must be at least 0."),
    (("--beam", "2", "--length-penalty", "9"), "--length-penalty must be at most 5.")])
def test_what_a_number_must_be_is_said_in_words(run_here, words, sentence):
    assert sentence in assert_one_sentence(run_here("caption", "x.jpg", *words), status=2)


@pytest.mark.parametrize("words", [("caption",), ("export", "x.jpg"), ("--size", "wide"), ("bench", "--only", "x")])
def test_words_that_do_not_parse_are_two(run_here, words):
    result = run_here(*words)
    assert result.returncode == 2
    assert "usage: unrolled" in result.stderr


def test_a_device_that_is_not_there(run, dog):
    assert "cuda" in assert_one_sentence(run("caption", dog, "--device", "cuda", CUDA_VISIBLE_DEVICES=""))


def test_checkpoints_that_cannot_be_used(run, dog, tmp_path):
    whole = next(assets.path("checkpoints").glob("*.safetensors")).read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    assert "cut" in assert_one_sentence(run("caption", dog, "--model", tmp_path / "cut.safetensors"))
    assert "no model" in assert_one_sentence(run("caption", dog, "--model", "nosuchmodel"))


def test_a_checkpoint_that_would_run_something(run, dog, tmp_path):
    (tmp_path / "theirs.pth.tar").write_bytes(b"cos\nsystem\n(S'touch it-ran'\ntR.")
    assert "os.system" in assert_one_sentence(run("caption", dog, "--model", tmp_path / "theirs.pth.tar"))
    assert not (tmp_path / "it-ran").exists()


def test_no_screen(run, dog):
    sentence = assert_one_sentence(run(dog, without=("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY")))
    assert "no screen" in sentence
    assert "unrolled caption" in sentence


def test_a_screen_that_does_not_answer(run, dog):
    sentence = assert_one_sentence(run(dog, without=("QT_QPA_PLATFORM", "WAYLAND_DISPLAY"), DISPLAY=":987"))
    assert "unrolled caption" in sentence


def test_debug_shows_where(run):
    result = run("trace", "missing.jpg", "-o", "a.npz", "--debug")
    assert result.returncode == 1
    assert "Traceback" in result.stderr


def test_training_and_evaluation_without_data(capsys, tmp_path, monkeypatch):
    from unrolled.models.__main__ import main

    monkeypatch.setattr("tqdm.tqdm.monitor_interval", 0)  # or a thread watches over the bar, as long as the process lasts

    for words in (("train", "caption-attend-lstm", "--data", tmp_path / "no", "-o", tmp_path / "a.safetensors"),
                  ("evaluate", "caption-attend-lstm", "--data", tmp_path)):
        assert main([*map(str, words)]) == 1
        complaint = capsys.readouterr().err
        assert complaint.startswith("unrolled: ")
        assert complaint.count("\n") == 1
        assert str(tmp_path) in complaint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "taken"), [
    ("a.npz", "analyze take traces"), ("a.csv", "analyze take traces"), ("a.unrolled", "a session"), ("a.safetensors", "--model"),
])
def test_what_the_program_writes_is_no_input(run_here, tmp_path, name, taken):
    """A session's file holds its picture as it was given, which would be found in it and captioned."""
    path = tmp_path / name
    if name == "a.unrolled":
        save_session(path, SavedSession(SessionLayout(), scripted.picture().data, (scripted.trace(),)))
    elif name == "a.safetensors":
        path.write_bytes(assets.path("checkpoints", "chars-rnn.safetensors").read_bytes()[:10_000])
    else:
        save_trace(scripted.trace(), path)
    assert taken in assert_one_sentence(run_here("caption", path))


def test_a_session_without_a_run_is_not_analyzed(run_here, tmp_path):
    save_session(tmp_path / "a.unrolled", SavedSession(SessionLayout(), b"", ()))
    assert "holds no run" in assert_one_sentence(run_here("analyze", tmp_path / "a.unrolled", "-o", tmp_path / "a.json"))
