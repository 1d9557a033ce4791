"""Sentences, texts and clips in the window: opened, typed, pasted, stepped, scrubbed, and what is wrong with them said."""

from __future__ import annotations

import io

import numpy as np
import pytest
import scripted
from PIL import Image
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QInputDialog, QMenu

from unrolled.models.inputs.encodings import decode_text, encoding_title
from unrolled.models.inputs.inputs import TYPED, typed
from unrolled.models.inputs.kinds import kind_named
from unrolled.models.protocol.decoding import Decoding
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.commands import Paste
from unrolled.viewer.views.alignment.alignment import AlignmentView
from unrolled.viewer.views.clip import ClipView
from unrolled.viewer.views.spec import Place
from unrolled.viewer.views.text.reader import ReaderView
from unrolled.viewer.views.text.text_input import TextView
from unrolled.viewer.window.application import make_application, make_window
from unrolled.viewer.window.settings import WindowSettings


@pytest.fixture
def window(qtbot, served, tmp_path):
    make_application()
    made = make_window(WindowSettings(tmp_path / "settings.ini"), BackendProcess(endpoint=served), model="scripted")
    qtbot.addWidget(made)
    made.resize(1440, 900)
    made.show()
    made.controller.start()
    made.do(c.OpenData(scripted.picture().data, "drawn.png"))
    qtbot.waitUntil(lambda: made.controller.run.is_open)
    yield made
    made.close()


def test_a_text_is_read_again_in_the_encoding_that_a_person_chooses(qtbot, window, tmp_path, monkeypatch):
    """Also a second time, from the bytes that its file has."""
    open_kind(qtbot, window, "text")
    (tmp_path / "a.txt").write_bytes("día".encode("mac_roman"))
    window.do(c.Open(tmp_path / "a.txt"))
    qtbot.waitUntil(lambda: window.session.input.name == "a.txt")
    offered = []
    monkeypatch.setattr(QInputDialog, "getItem", lambda *given: (offered.append(given[3][given[4]]), False))
    window.do(c.ShowDialog("encoding"))
    assert offered == [encoding_title(decode_text((tmp_path / "a.txt").read_bytes())[1])]
    for encoding, text in (("cp437", "dÆa"), ("mac_roman", "día")):
        window.do(c.ReadTextAs(encoding))
        qtbot.waitUntil(lambda text=text: window.session.input.text == text)
        assert window.controller.opener.encoding == encoding
    assert window.actions_by_name["encoding"].isEnabled()
    window.do(c.OpenText(typed("A dog.")))
    qtbot.waitUntil(lambda: window.session.input.text == "A dog.")
    window.do(c.ReadTextAs("cp437"))
    assert window.session.input.text == "A dog."


def test_what_the_model_says_of_an_input_stands_behind_what_was_said_of_its_file(qtbot, window, tmp_path):
    open_kind(qtbot, window, "text")
    (tmp_path / "a.txt").write_bytes("un café très fermé".encode("cp1252"))
    window.do(c.Open(tmp_path / "a.txt"))
    said = window.layout_.said
    qtbot.waitUntil(lambda: said.banner is not None and "Never seen" in said.banner.text.text())
    assert said.banner.text.text().startswith("“a.txt” is not UTF-8; it was read as Windows-1252. Never seen")


def panel(window, kind):
    return next(one for one in window.host.views.values() if isinstance(one, kind))


def length(window):
    return 0 if window.session.trace is None else len(window.session.trace)


def sections(window):
    left = {spec.name for spec in window.host.at(Place.LEFT)}
    return {name for name, section in window.layout_.sections.items() if name in left and not section.isHidden()}


def open_kind(qtbot, window, kind):
    window.do(c.LoadModel(f"scripted-{kind}"))
    qtbot.waitUntil(lambda: window.session.description is not None and window.session.description.input_kind == kind
                    and not window.controller.run.state.loading)


def clip_bytes(count=8):
    stream = io.BytesIO()
    np.save(stream, np.stack([np.full((32, 48, 3), 25 * number, np.uint8) for number in range(count)]))
    return stream.getvalue()


def test_a_typed_sentence_is_translated_and_its_words_are_linked(qtbot, window):
    open_kind(qtbot, window, "sentence")
    qtbot.waitUntil(lambda: window.controller.run.is_open)  # with the sample, until something is typed
    assert sections(window) == {"text", "written", "alignment"}
    text = panel(window, TextView)
    text.edit.selectAll()
    qtbot.keyClicks(text.edit, "the small dog")
    qtbot.keyClick(text.edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: window.controller.run.is_open and window.session.text.name == TYPED)
    window.do(c.RunToEnd())
    qtbot.waitUntil(lambda: window.session.trace.ended)
    window.coordinator.flush()
    trace, alignment = window.session.trace, panel(window, AlignmentView)
    assert trace.provenance.source == ("▁the", "▁small", "▁dog", "<end>")
    for step in (1, 0, 2):
        window.session.playhead.seek(step)
        window.coordinator.flush()
        assert alignment.canvas.view.step == step


def test_scrubbing_keeps_panels_at_the_traces_step(qtbot, window):
    window.do(c.OpenData(clip_bytes(), "clip.npy", "clip"))
    qtbot.waitUntil(lambda: window.session.description.input_kind == "clip" and window.controller.run.is_open)
    assert sections(window) == {"clip", "written"}
    window.do(c.RunToEnd())
    qtbot.waitUntil(lambda: window.session.trace.ended)
    assert length(window) == 8
    shown = panel(window, ClipView)
    for step in (5, 0, 7, 2):
        window.session.playhead.seek(step)
        window.coordinator.flush()
        assert shown.view.shown_frame == step
        assert shown.view._image.pixelColor(0, 0).red() == 25 * step
        assert f"frame {step + 1} of 8" in shown.note
    track = next(one for one in window.host.views["tracks"].tracks if one.name == "label_probability")
    values = window.session.trace.column("label_probability")
    assert [np.array_equal(line, values[:, label]) for label, (_, line) in enumerate(track.lines())] == [True, True]
    assert "moving 75%" in track.value_text(1, 0)


def test_a_text_is_read_by_itself_and_written_on_by_space(qtbot, window, tmp_path):
    path = tmp_path / "some code.py"
    text = "x = (\"a\")\n" * 60  # several blocks
    path.write_text(text, encoding="utf-8")
    window.do(c.Open(path))
    qtbot.waitUntil(lambda: length(window) == len(text))
    assert sections(window) == {"text", "reader"}
    window.coordinator.flush()
    reader = panel(window, ReaderView)
    assert reader.view.text == text == "".join(window.session.trace.words)
    assert window.session.trace.provenance.prompt_tokens == len(text)
    window.session.playhead.seek(len(text) - 1)
    window.layout_.setFocus()
    qtbot.keyClick(window.layout_, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: length(window) == len(text) + 1)
    window.coordinator.flush()
    assert window.session.playhead.step == len(text)
    box = reader.view.box_of(len(text) - 3)
    qtbot.mouseClick(reader.view.viewport(), Qt.MouseButton.LeftButton, pos=QPointF(box.center()).toPoint())
    assert window.session.playhead.step == len(text) - 3
    reader.unit.setValue(4)
    assert window.session.selection.units == (4,)
    window.coordinator.flush()
    assert "[4]" in reader.note


@pytest.mark.parametrize("decoding", [Decoding(), Decoding(method="beam", beam_width=2)], ids=["greedy", "beam"])
def test_a_short_text_is_run_to_its_end_though_it_is_still_read(qtbot, window, decoding):
    """Whether a person or the reading is quicker makes no difference; a search begins behind what the input gives."""
    open_kind(qtbot, window, "text")
    window.do(c.SetDecoding(decoding))
    window.do(c.OpenData(b"x = 1\n" * 9, "slow.txt", "text"))
    qtbot.waitUntil(lambda: window.controller.run.is_open and window.session.input.name == "slow.txt")
    assert length(window) < 54
    window.do(c.RunToEnd())
    qtbot.waitUntil(lambda: window.session.trace.ended)
    assert length(window) == 54 + 30 == window.session.playhead.length
    assert (window.session.search.begin if decoding.method == "beam" else 54) == 54


def test_units_are_ranked_by_what_they_follow(qtbot, window, tmp_path):
    path = tmp_path / "code.py"
    path.write_text("a = 'bc'\n" * 20, encoding="utf-8")
    window.do(c.Open(path))
    qtbot.waitUntil(lambda: length(window) == 180)
    window.coordinator.flush()
    reader = panel(window, ReaderView)
    reader.followed.setCurrentIndex(reader.followed.findData("inside a string"))
    reader.followed.activated.emit(reader.followed.currentIndex())
    qtbot.waitUntil(lambda: reader.ranked.count() == 6)
    values = window.session.trace.column("hidden")
    inside = np.array([character in "'bc" for character in reader.view.text], float)
    expected = np.corrcoef(values[:, 0], inside)[0, 1]
    assert f"{abs(expected):.2f}" in reader.ranked.item(0).text()
    item = reader.ranked.item(0)
    qtbot.mouseClick(reader.ranked.viewport(), Qt.MouseButton.LeftButton, pos=reader.ranked.visualItemRect(item).center())
    assert window.session.selection.units == (item.data(Qt.ItemDataRole.UserRole),)


def test_characters_that_are_unknown_are_shown_and_said(qtbot, window):
    open_kind(qtbot, window, "text")
    QGuiApplication.clipboard().setText("a 猫 b")
    window.do(Paste())
    qtbot.waitUntil(lambda: length(window) == 5)
    window.coordinator.flush()
    assert "猫" in window.layout_.said.message("input").text
    assert panel(window, ReaderView).view.text == "a \N{REPLACEMENT CHARACTER} b"


def test_what_cannot_be_read_is_said_and_nothing_is_lost(qtbot, window, tmp_path):
    open_kind(qtbot, window, "text")
    QGuiApplication.clipboard().setText("kept")
    window.do(Paste())
    qtbot.waitUntil(lambda: length(window) == 4)
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "binary.txt").write_bytes(bytes(range(256)) * 4)
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    Image.new("RGB", (20, 20)).save(tmp_path / "one.gif")
    folder = tmp_path / "mixed"
    folder.mkdir()
    for number in (1, 2):
        Image.new("RGB", (20 * number, 20)).save(folder / f"{number}.png")
    for name, sentence in (("empty.txt", "empty"), ("binary.txt", "binary"), ("broken.mp4", "not a clip"), ("mixed", "size")):
        window.layout_.said.clear("input")
        window.do(c.Open(tmp_path / name))
        qtbot.waitUntil(lambda sentence=sentence: sentence in getattr(window.layout_.said.message("input"), "text", ""))
        assert window.session.text.text == "kept"
        assert length(window) == 4
    text = panel(window, TextView)
    text.edit.clear()
    qtbot.mouseClick(text.button, Qt.MouseButton.LeftButton)
    assert "no text" in window.layout_.said.message("input").text
    assert length(window) == 4


def test_going_back_to_another_kind_brings_its_input_back(qtbot, window):
    open_kind(qtbot, window, "text")
    QGuiApplication.clipboard().setText("typed before")
    window.do(Paste())
    qtbot.waitUntil(lambda: length(window) == 12)
    window.do(c.LoadModel("scripted"))
    qtbot.waitUntil(lambda: window.session.picture is not None and window.controller.run.is_open)
    assert window.session.picture.name == "drawn.png"
    assert sections(window) == {"picture", "written", "film strip"}
    open_kind(qtbot, window, "text")
    qtbot.waitUntil(lambda: length(window) == 12)
    assert window.session.text.text == "typed before"


def test_a_session_keeps_every_kind_of_input(qtbot, window, tmp_path):
    window.do(c.OpenData(clip_bytes(), "clip.npy", "clip"))
    qtbot.waitUntil(lambda: window.session.description.input_kind == "clip" and window.controller.run.is_open)
    window.do(c.RunToEnd())
    qtbot.waitUntil(lambda: window.session.trace.ended)
    window.dialogs.save_session(tmp_path / "kept.unrolled")
    window.dialogs.wait_until_saved()
    window.do(c.OpenData(scripted.picture().data, "drawn.png"))
    qtbot.waitUntil(lambda: window.controller.run.is_open and window.session.picture is not None)
    window.do(c.Open(tmp_path / "kept.unrolled"))
    qtbot.waitUntil(lambda: window.session.clip is not None)
    assert len(window.session.clip.frames) == 8
    assert length(window) == 8
    assert sections(window) == {"clip", "written"}


def test_an_animation_is_a_picture_or_a_clip_as_the_model_takes_it(qtbot, window, tmp_path):
    first, *others = [Image.new("RGB", (20, 20), (60 * number, 0, 0)) for number in range(4)]
    first.save(tmp_path / "moving.gif", save_all=True, append_images=others)
    window.do(c.Open(tmp_path / "moving.gif"))
    qtbot.waitUntil(lambda: window.controller.run.is_open)
    assert window.session.picture.name == "moving.gif"
    open_kind(qtbot, window, "clip")
    qtbot.waitUntil(lambda: window.session.clip is not None and window.controller.run.is_open)
    assert len(window.session.clip.frames) == 4
    assert window.session.clip.name == "moving.gif"


# ── Models that draw their own inputs ─────────────────────────────────────────────────────────────────────────────

def test_a_model_of_drawn_scenes_brings_one_in_place_of_a_sample_and_draws_others(qtbot, window):
    action = window.actions_by_name["draw_input"]
    window.do(c.OpenSample())
    qtbot.waitUntil(lambda: window.session.input.name == "skier.jpg")
    assert not action.isVisible()
    window.do(c.LoadModel("scripted-scene"))
    qtbot.waitUntil(lambda: window.session.input is not None and window.session.input.name == "scene 1.png")
    assert (action.isVisible(), action.text()) == (True, "New scene")
    action.trigger()
    qtbot.waitUntil(lambda: window.session.input.name == "scene 2.png")
    window.do(c.LoadModel("scripted"))  # the photograph comes back: a scene says nothing to it
    qtbot.waitUntil(lambda: window.session.input.name == "skier.jpg")


def test_a_photograph_that_a_person_opened_stays_with_a_model_of_scenes(qtbot, window):
    window.do(c.LoadModel("scripted-scene"))
    qtbot.waitUntil(lambda: window.session.description.name == "scripted-scene" and window.controller.run.is_open)
    assert window.session.input.name == "drawn.png"


def test_a_scene_is_not_given_to_a_captioner_by_way_of_another_kind_of_model(qtbot, window):
    window.do(c.OpenSample())
    qtbot.waitUntil(lambda: window.session.input.name == "skier.jpg")
    for model, name in (("scripted-scene", "scene 1.png"), ("scripted-text", "program.txt"), ("scripted", "skier.jpg"),
                        ("scripted-text", "program.txt"), ("scripted-scene", "scene 1.png")):
        window.do(c.LoadModel(model))
        qtbot.waitUntil(lambda name=name: window.session.input is not None and window.session.input.name == name)


# ── Samples ───────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize(("entry", "kind", "name"), [
    ("Sentence", "sentence", "sentence.txt"), ("Program", "text", "program.txt"), ("Bouncing", "clip", "bouncing.gif"),
    ("Surfer", "picture", "surfer.jpg")])
def test_a_sample_of_the_menu_comes_with_a_model_that_it_says_something_to(qtbot, window, entry, kind, name):
    for before in ("scripted", "scripted-sentence"):
        window.do(c.LoadModel(before))
        qtbot.waitUntil(lambda: window.controller.run.is_open)
        samples = next(menu for menu in window.findChildren(QMenu) if menu.title() == "Samples")
        samples.aboutToShow.emit()
        next(action for action in samples.actions() if action.text() == entry).trigger()
        qtbot.waitUntil(lambda: window.session.input is not None and window.session.input.name == name
                        and window.session.description.input_kind == kind and window.controller.run.is_open)
        assert window.session.input.medium == kind_named(kind).medium


def test_what_the_captioners_get_wrong_is_named_so(window):
    samples = next(menu for menu in window.findChildren(QMenu) if menu.title() == "Samples")
    samples.aboutToShow.emit()
    fails = next(menu for menu in samples.findChildren(QMenu) if menu.title() == "Where it fails")
    assert [action.text() for action in fails.actions()] == ["Dog", "Horses"]
    assert [action.text() for action in samples.actions() if action.text() and not action.menu()] == [
        "Bird on rock", "Cyclist", "Football", "Motorcyclist", "Skier", "Surfer", "Sentence", "Program", "Bouncing"]


def test_choosing_a_model_never_leaves_a_sample_that_says_nothing_to_it(qtbot, window):
    window.do(c.OpenSample("text"))
    for model, name in (("scripted-sentence", "sentence.txt"), ("scripted-clip", "bouncing.gif"), ("scripted", "drawn.png"),
                        ("scripted-text", "program.txt"), ("scripted-sentence", "sentence.txt")):
        window.do(c.LoadModel(model))
        qtbot.waitUntil(lambda name=name: window.session.input is not None and window.session.input.name == name
                        and window.controller.run.is_open)


def test_a_person_s_own_program_may_be_given_to_a_translator(qtbot, window, tmp_path):
    (tmp_path / "program.txt").write_text("while True:\n    pass\n", "utf-8")
    window.do(c.Open(tmp_path / "program.txt"))
    qtbot.waitUntil(lambda: window.session.description.input_kind == "text" and window.controller.run.is_open)
    open_kind(qtbot, window, "sentence")
    assert window.session.input.text.startswith("while True")


@pytest.mark.parametrize(("key", "playing"), [(Qt.Key.Key_Space, False), (Qt.Key.Key_P, True)])
def test_what_is_pressed_while_another_kind_of_model_loads_holds_for_what_it_brings(qtbot, window, key, playing):
    window.do(c.LoadModel("scripted-sentence"))
    window.layout_.setFocus()
    qtbot.keyClick(window.layout_, key)
    assert window.layout_.said.message("pressed").text.endswith("it goes on to step 1 as soon as it is.")
    qtbot.waitUntil(lambda: length(window) > 0 and window.session.input.medium == "text")
    assert window.layout_.said.message("pressed") is None
    assert window.controller.playback.playing == playing


def test_what_is_pressed_while_a_model_loads_is_promised_of_nothing_that_is_opened_then(qtbot, window):
    window.do(c.LoadModel("scripted-sentence"))
    window.layout_.setFocus()
    qtbot.keyClick(window.layout_, Qt.Key.Key_Space)
    window.do(c.OpenText(typed("another one")))
    assert window.layout_.said.message("pressed") is None
    qtbot.waitUntil(lambda: window.controller.run.is_open)
    assert length(window) == 0


def test_what_is_said_of_a_run_that_ends_here_and_its_playing_end_with_it(qtbot, window):
    window.controller.opener.show_trace(scripted.trace(), None)
    window.do(c.TogglePlay())
    assert window.controller.playback.playing
    window.do(c.OpenData(scripted.picture().data, "other.png"))
    assert not window.controller.playback.playing
    trace = scripted.trace()
    trace.ended = False
    window.controller.opener.show_trace(trace, None)
    window.do(c.RunToEnd())
    assert "ends here" in window.layout_.said.message("pressed").text
    window.do(c.OpenData(scripted.picture().data, "other.png"))
    assert window.layout_.said.message("pressed") is None
