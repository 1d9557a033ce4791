"""What a person asks for reaches the backend, and what it reports reaches the session."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import scripted
from PIL import Image
from scripted_backend import THEIRS

from unrolled.models.protocol.connection import Failed
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.loading import Device, Loaded, Ready
from unrolled.viewer.client import backend_client
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.control.control import Control
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.beginning import empty_text
from unrolled.viewer.state.session import Session

END = len(scripted.CAPTION) - 1
own_process = pytest.mark.parametrize("backend", ["its own process"], indirect=True)


@pytest.fixture
def backend(request, scripted_command, served):
    return BackendProcess(scripted_command) if getattr(request, "param", "") else BackendProcess(endpoint=served)


@pytest.fixture
def controller(qtbot, backend):
    made = Control(Session(), backend)
    made.messages = []
    made.voice.said.connect(made.messages.append)
    yield made
    made.close()


@pytest.fixture
def ready(qtbot, controller):
    """A picture is open and the model waits for its first step."""
    controller.start()
    controller.do(c.OpenData(scripted.picture().data, "drawn.png"))
    qtbot.waitUntil(lambda: controller.run.is_open)
    return controller


def words(controller):
    trace = controller.session.trace
    return () if trace is None else tuple(trace.words)


def wait_for_steps(qtbot, controller, count):
    qtbot.waitUntil(lambda: len(words(controller)) >= count)


def run_to_end(qtbot, controller):
    controller.do(c.RunToEnd())
    qtbot.waitUntil(lambda: controller.session.trace.ended and not controller.run.busy)


def test_a_picture_opened_before_the_model_is_there_is_sent_when_it_is(qtbot, controller):
    controller.do(c.OpenData(scripted.picture().data, "drawn.png"))
    assert controller.session.picture.name == "drawn.png"
    controller.start()
    controller.do(c.StepForward())  # a press of the key that comes too early is not lost
    wait_for_steps(qtbot, controller, 1)
    assert words(controller) == scripted.CAPTION[:1]


def test_the_end_that_is_run_to_before_the_model_is_there_is_the_models_own(qtbot, controller):
    controller.begin_with(model="scripted-text")
    controller.do(c.OpenData(b"x = 1\n" * 5, "some.py", "text"))
    controller.start()
    controller.do(c.RunToEnd())
    assert "runs to the end" in controller.messages[-1].text
    qtbot.waitUntil(lambda: controller.session.trace is not None and controller.session.trace.ended)
    assert len(words(controller)) == 30 + 30


def test_each_step_is_one_word_and_the_playhead_follows(qtbot, ready):
    for count in (1, 2, 3):
        ready.do(c.StepForward())
        wait_for_steps(qtbot, ready, count)
        assert ready.session.playhead.step == count - 1
    qtbot.wait(50)
    assert words(ready) == scripted.CAPTION[:3]


def test_quick_presses_are_as_many_words(qtbot, ready):
    for _ in range(4):
        ready.do(c.StepForward())
    wait_for_steps(qtbot, ready, 4)
    qtbot.wait(50)
    assert words(ready) == scripted.CAPTION[:4]
    assert ready.session.playhead.step == 3


def test_stepping_within_what_is_recorded_asks_for_nothing(qtbot, ready):
    run_to_end(qtbot, ready)
    ready.do(c.GoFirst())
    ready.do(c.StepForward())
    assert ready.session.playhead.step == 1
    ready.do(c.StepBack())
    ready.do(c.StepBack())
    assert ready.session.playhead.step == 0
    ready.do(c.GoLast())
    assert ready.session.playhead.step == END
    ready.do(c.StepForward())
    assert ready.session.playhead.step == END
    assert words(ready) == scripted.CAPTION


def test_provenance_says_where_it_comes_from(qtbot, ready):
    ready.do(c.StepForward())
    wait_for_steps(qtbot, ready, 1)
    provenance = ready.session.trace.provenance
    assert (provenance.model, provenance.input_name, provenance.decoding, provenance.device) == (
        "scripted", "drawn.png", "greedy", "cpu")
    assert len(provenance.input_hash) == 64
    assert ready.session.trace.input_bytes == scripted.picture().data


def test_playing_writes_the_caption_and_stops_at_its_end(qtbot, ready):
    ready.playback.set_speed(20)
    ready.do(c.TogglePlay())
    qtbot.waitUntil(lambda: ready.session.trace.ended and not ready.playback.playing)
    assert words(ready) == scripted.CAPTION
    assert ready.session.playhead.step == END


def test_playing_in_a_loop_begins_again(qtbot, ready):
    run_to_end(qtbot, ready)
    ready.playback.set_speed(20)
    ready.playback.set_loop(True)
    seen = []
    ready.session.playhead.moved.connect(seen.append)
    ready.do(c.TogglePlay())
    qtbot.waitUntil(lambda: seen.count(0) >= 2)
    ready.do(c.TogglePlay())
    assert not ready.playback.playing


def test_a_hand_on_the_playhead_is_not_pulled_away(qtbot, ready):
    ready.do(c.StepForward())
    wait_for_steps(qtbot, ready, 1)
    ready.do(c.RunToEnd())
    qtbot.waitUntil(lambda: len(words(ready)) > 3)
    ready.session.playhead.seek(1)
    qtbot.waitUntil(lambda: ready.session.trace.ended)
    assert ready.session.playhead.step in (1, END)  # END only where the run had ended before the hand came


def test_another_word_is_written_and_the_run_goes_on_from_it(qtbot, ready):
    run_to_end(qtbot, ready)
    cat = scripted.WORDS.index("cat")
    ready.do(c.ChooseToken(2, cat))
    qtbot.waitUntil(lambda: ready.session.trace.ended and not ready.run.busy)
    assert words(ready) == (*scripted.CAPTION[:2], "cat", *scripted.CAPTION[3:])
    assert ready.session.playhead.step == 2


def test_another_word_while_the_run_is_on_its_way(qtbot, ready):
    ready.do(c.StepForward())
    ready.do(c.StepForward())
    wait_for_steps(qtbot, ready, 2)
    ready.do(c.RunToEnd())
    ready.do(c.ChooseToken(1, scripted.WORDS.index("cat")))
    qtbot.waitUntil(lambda: not ready.run.busy)
    assert words(ready)[:2] == ("a", "cat")
    run_to_end(qtbot, ready)
    assert words(ready) == ("a", "cat", *scripted.CAPTION[2:])


@pytest.mark.parametrize("wanted", [1, END + 1], ids=["run a little", "run to its end"])
def test_the_end_that_is_wanted_while_a_model_is_loaded_is_that_of_its_own_run(qtbot, ready, tmp_path, wanted):
    """What is shown meanwhile gives way, and does not take the wish with it."""
    ready.do(c.StepForward() if wanted == 1 else c.RunToEnd())
    wait_for_steps(qtbot, ready, wanted)
    before, path = ready.session.trace, tmp_path / THEIRS
    path.write_bytes(b"")
    ready.do(c.LoadModel(str(path)))
    ready.do(c.RunToEnd())
    qtbot.waitUntil(lambda: ready.session.trace is not before and ready.session.trace is not None)
    wait_for_steps(qtbot, ready, END + 1)


def test_words_are_chosen_as_a_models_own_code_has_it_until_a_person_chooses(controller):
    own, chosen = Decoding(method="beam", beam_width=4, length_penalty=2.0), Decoding(method="sampling")

    def loaded(decoding):
        controller.run.reported.emit(Loaded(scripted.description(), "cpu", 0, decoding))
        return controller.decoding

    assert (loaded(own), controller.chosen_decoding) == (own, Decoding())  # which is remembered for other models
    assert loaded(Decoding()) == Decoding()
    controller.do(c.SetDecoding(chosen))
    assert (loaded(own), controller.chosen_decoding) == (chosen, chosen)
    controller.do(c.SetDecoding(Decoding()))
    assert loaded(own) == Decoding()  # as when the model goes to another device


def test_other_decoding_writes_the_run_again(qtbot, ready):
    run_to_end(qtbot, ready)
    ready.do(c.SetDecoding(Decoding(method="beam", beam_width=2)))
    qtbot.waitUntil(lambda: ready.session.trace.ended and not ready.run.busy)
    assert words(ready) == scripted.CAPTION
    assert ready.session.trace.provenance.decoding == "beam 2"


def test_a_picture_opened_while_another_is_encoded_wins(qtbot, ready):
    ready.do(c.OpenData(scripted.picture(64, 64).data, "slow.png"))
    ready.do(c.StepForward())
    qtbot.wait(100)
    ready.do(c.OpenData(scripted.picture(80, 60).data, "quick.png"))
    ready.do(c.StepForward())
    with qtbot.waitSignal(ready.voice.state_changed, timeout=900):
        pass
    wait_for_steps(qtbot, ready, 1)
    assert ready.session.picture.name == "quick.png"
    assert ready.session.trace.provenance.input_name == "quick.png"
    qtbot.wait(1100)
    assert words(ready) == scripted.CAPTION[:1]


def test_a_picture_opened_while_another_runs_wins(qtbot, ready):
    ready.do(c.RunToEnd())
    ready.do(c.OpenData(scripted.picture(80, 60).data, "new.png"))
    qtbot.waitUntil(lambda: ready.run.is_open)
    qtbot.wait(100)
    assert words(ready) == ()
    ready.do(c.StepForward())
    wait_for_steps(qtbot, ready, 1)
    assert words(ready) == scripted.CAPTION[:1]


@own_process
def test_killed_in_mid_caption_the_trace_stays_and_goes_on_after_a_restart(qtbot, ready):
    for _ in range(4):
        ready.do(c.StepForward())
    wait_for_steps(qtbot, ready, 4)
    before = ready.session.trace
    hidden = before.column("hidden").copy()
    os.kill(ready.backend._process.processId(), signal.SIGKILL)
    qtbot.waitUntil(lambda: bool(ready.messages))
    message = ready.messages[-1]
    assert message.action == "Start it again"
    assert "kept" in message.text
    assert ready.session.trace is before
    ready.do(c.StepBack())
    assert ready.session.playhead.step == 2
    message.act()
    qtbot.waitUntil(lambda: ready.run.is_open)
    ready.do(c.GoLast())
    ready.do(c.StepForward())
    wait_for_steps(qtbot, ready, 5)
    run_to_end(qtbot, ready)
    assert words(ready) == scripted.CAPTION
    np.testing.assert_array_equal(ready.session.trace.column("hidden")[:4], hidden)


@own_process
def test_a_backend_that_ends_during_a_step_is_said_and_started_again(qtbot, ready):
    ready.do(c.OpenData(scripted.picture().data, "crash.png"))
    ready.do(c.RunToEnd())
    qtbot.waitUntil(lambda: bool(ready.messages))
    assert words(ready) == scripted.CAPTION[:3]
    assert not ready.run.is_open


@pytest.mark.parametrize(("data", "name"), [
    (b"", "empty.jpg"), (b"These are words.", "words.jpg"), (scripted.picture().data[:40], "cut.png"),
])
def test_a_malformed_picture_is_a_sentence_and_loses_nothing(qtbot, ready, data, name):
    ready.do(c.StepForward())
    wait_for_steps(qtbot, ready, 1)
    trace, picture = ready.session.trace, ready.session.picture
    ready.do(c.OpenData(data, name))
    assert ready.messages[-1].place == "input"
    assert name in ready.messages[-1].text
    assert ready.session.trace is trace
    assert ready.session.picture is picture
    ready.do(c.StepForward())
    wait_for_steps(qtbot, ready, 2)


def test_malformed_files_are_sentences(qtbot, ready, tmp_path):
    (tmp_path / "not a träce.npz").write_bytes(b"nothing of the kind")
    (tmp_path / "nor a session.unrolled").write_bytes(b"PK\x03\x04 cut off")
    picture = ready.session.picture
    for path in (tmp_path, tmp_path / "missing.jpg", tmp_path / "not a träce.npz", tmp_path / "nor a session.unrolled"):
        ready.messages.clear()
        ready.do(c.Open(path))
        qtbot.waitUntil(lambda: len(ready.messages) == 1)  # a folder is read in a thread
        assert ready.messages[0].text.endswith("."), ready.messages[0].text
        assert ready.session.picture is picture


def test_a_picture_that_the_model_refuses_is_said_at_the_input(qtbot, ready):
    ready.do(c.OpenData(scripted.picture().data, "bad.png"))
    qtbot.waitUntil(lambda: bool(ready.messages))
    assert ready.messages[-1].place == "input"
    ready.do(c.StepForward())
    assert "nothing to run" in ready.messages[-1].text
    assert empty_text(ready.session, "Each {}.") == "Each word. This photograph could not be read: open another."
    ready.do(c.OpenData(scripted.picture().data, "good.png"))
    assert empty_text(ready.session, "Each {}.") == "Each word. Press Space for the first step."


def test_nothing_is_left_of_a_run_that_was_not_begun_where_another_model_refuses_its_input(ready):
    assert len(ready.session.trace) == 0
    ready.run.reported.emit(Failed(ready.run.state.number, "input", "It is too long."))
    assert ready.session.trace is None
    assert "could not be read" in empty_text(ready.session, "Each {}.")


def test_a_large_picture_is_decoded_aside(qtbot, ready):
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (1100, 1100, 3), dtype=np.uint8)
    Image.fromarray(noise).save(stream, "PNG")
    ready.do(c.OpenData(stream.getvalue(), "large.png"))
    assert ready.session.picture.name == "drawn.png"
    qtbot.waitUntil(lambda: ready.session.picture.name == "large.png")
    qtbot.waitUntil(lambda: ready.run.is_open)


def test_an_unknown_model_is_said_and_the_old_one_stays(qtbot, ready):
    ready.do(c.StepForward())
    wait_for_steps(qtbot, ready, 1)
    ready.do(c.LoadModel("no-such-model"))
    qtbot.waitUntil(lambda: bool(ready.messages))
    assert ready.messages[-1].place == "model"
    assert ready.session.description.name == "scripted"
    qtbot.waitUntil(lambda: ready.run.is_open)
    ready.do(c.StepForward())
    wait_for_steps(qtbot, ready, 2)


def test_somebodys_checkpoint_that_is_opened_as_a_file_is_the_model_that_is_wanted(qtbot, ready, tmp_path):
    path = tmp_path / "BEST_checkpoint.pth.tar"
    path.write_bytes(b"\x80\x02}.")
    asked = []
    load = ready.run.load
    ready.run.load = lambda name, device: asked.append(name) or load(name, device)
    ready.do(c.Open(path))
    qtbot.waitUntil(lambda: bool(ready.messages))  # the scripted backend has no such model
    assert asked[0] == str(path)
    assert [message.place for message in ready.messages] == ["model"]
    qtbot.waitUntil(lambda: ready.run.is_open and ready.session.description.name == "scripted")


@pytest.mark.parametrize("pause", [0, 20, 520])
@pytest.mark.parametrize("models", [("scripted-text", "scripted-clip"), ("slow-scripted-text", "scripted"),
                                    ("scripted-sentence", "scripted-text", "scripted-scene"), ("no-such-model", "scripted-text")])
def test_of_models_chosen_one_right_after_another_the_last_one_runs(qtbot, ready, models, pause):
    run_to_end(qtbot, ready)
    for model in models:
        ready.do(c.LoadModel(model))
        qtbot.wait(pause)
    qtbot.waitUntil(lambda: ready.run.is_open and ready.session.description.name == models[-1])
    qtbot.wait(100)
    assert ready.session.trace.provenance.model == models[-1]
    assert ready.choice.model == models[-1]
    ready.do(c.RunToEnd())
    qtbot.waitUntil(lambda: ready.session.trace.ended or len(words(ready)) > 20)


def test_a_model_that_fails_after_another_was_chosen_says_nothing(qtbot, ready):
    ready.do(c.LoadModel("slow-no-such-model"))
    qtbot.wait(100)
    ready.do(c.LoadModel("scripted-scene"))
    qtbot.waitUntil(lambda: ready.run.is_open)
    assert ready.session.description.name == "scripted-scene"
    assert not ready.messages


def test_a_device_is_chosen_by_its_kind_or_its_own_name(ready):
    there = tuple(Device(name, name) for name in ("cuda:0", "cuda:1", "cpu"))
    for wanted, found in (("cuda", "cuda:0"), ("cuda:1", "cuda:1"), ("auto", "auto"), ("cuda:7", "cuda:7")):
        ready.choice.device = wanted
        ready.choice.take(Ready(there, ready.choice.models, ready.choice.families), None)
        assert ready.choice.device == found


@pytest.mark.parametrize("wanted", ["auto", "cpu"])
def test_a_model_that_cannot_be_loaded_leaves_the_device_that_was_wanted(qtbot, ready, wanted):
    ready.do(c.SetDevice(wanted))
    qtbot.waitUntil(lambda: ready.run.is_open)
    ready.do(c.LoadModel("no-such-model"))
    qtbot.waitUntil(lambda: bool(ready.messages))
    assert ready.choice.device == wanted


def test_a_model_that_cannot_be_loaded_leaves_a_trace_of_another_alone(qtbot, ready):
    trace = scripted.trace()
    trace.provenance = type(trace.provenance)(model="another", input_name="drawn.png")
    ready.opener.show_trace(trace, scripted.picture())
    ready.do(c.LoadModel("no-such-model"))
    qtbot.waitUntil(lambda: bool(ready.messages))
    qtbot.wait(50)
    assert ready.session.trace is trace
    assert not ready.run.is_open


def test_a_model_chosen_while_a_text_is_read_is_there_at_once(qtbot, ready):
    ready.do(c.LoadModel("scripted-text"))
    qtbot.waitUntil(lambda: ready.session.description.name == "scripted-text" and ready.run.is_open)
    ready.do(c.OpenData(b"a text. " * 1000, "slow.txt", "text"))
    wait_for_steps(qtbot, ready, 16)
    assert ready.run.busy
    ready.do(c.LoadModel("scripted"))
    qtbot.waitUntil(lambda: ready.session.description.name == "scripted" and ready.run.is_open, timeout=1500)
    assert ready.session.picture is not None


def test_a_backend_that_stops_answering_is_said_and_can_be_started_again(qtbot, monkeypatch, scripted_command):
    monkeypatch.setattr(backend_client, "PING_MILLISECONDS", 20)
    control, said, unsaid = Control(Session(), BackendProcess(scripted_command)), [], []
    control.voice.said.connect(said.append)
    control.voice.unsaid.connect(unsaid.append)
    control.start()
    control.do(c.OpenData(scripted.picture().data, "drawn.png"))
    qtbot.waitUntil(lambda: control.run.is_open)
    control.do(c.StepForward())
    wait_for_steps(qtbot, control, 1)
    os.kill(control.backend._process.processId(), signal.SIGSTOP)
    qtbot.waitUntil(lambda: bool(said))
    assert "stopped answering" in said[0].text
    said[0].act()
    assert unsaid[-1] == "model"
    qtbot.waitUntil(lambda: control.run.is_open)
    run_to_end(qtbot, control)
    assert words(control) == scripted.CAPTION
    control.close()


def test_a_recorded_trace_is_shown_without_a_model_and_stays_when_one_is_loaded(qtbot, controller):
    trace = scripted.trace()
    trace.provenance = type(trace.provenance)(model="another", input_name="drawn.png")
    trace.ended = False
    controller.opener.show_trace(trace, scripted.picture(), step=3)
    assert controller.session.playhead.step == 3
    controller.start()
    qtbot.waitUntil(lambda: controller.session.description is not None)
    qtbot.wait(50)
    assert controller.session.trace is trace
    controller.do(c.GoLast())
    controller.do(c.StepForward())
    assert "another model" in controller.messages[-1].text
    controller.messages[-1].act()
    qtbot.waitUntil(lambda: controller.run.is_open)
    assert words(controller) == ()


def test_a_trace_without_its_input_says_that_it_ends(controller):
    trace = scripted.trace()
    trace.ended = False
    controller.opener.show_trace(trace, None)
    controller.do(c.RunToEnd())
    assert "without its input" in controller.messages[-1].text
    assert controller.session.trace is trace


def test_closing_during_an_encoding_leaves_nothing(qtbot, ready):
    ready.do(c.OpenData(scripted.picture().data, "slow.png"))
    ready.do(c.TogglePlay())
    qtbot.wait(30)
    ready.close()
    assert not ready.playback.playing


def test_it_needs_no_widgets():
    program = "import sys, unrolled.viewer.control.control; sys.exit(not {'PySide6.QtWidgets', 'torch'}.isdisjoint(sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
