"""What is opened, dropped, pasted or chosen, and what it leaves of the run before."""

from __future__ import annotations

import pytest
import scripted
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication, QImage
from windows import run_to_end, words

from unrolled.models.inputs.inputs import typed
from unrolled.models.protocol.loading import Device
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.commands import Paste
from unrolled.viewer.window.toolbar import DEVICE


def drop(window, mime):
    event = QDropEvent(QPointF(100, 100), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton,
                       Qt.KeyboardModifier.NoModifier)
    window.dropEvent(event)


def test_a_dropped_file_is_opened_whatever_its_name(qtbot, window, tmp_path):
    path = tmp_path / "an ünusual name.png"
    path.write_bytes(scripted.picture(100, 80).data)
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    drop(window, mime)
    assert window.session.picture.name == path.name
    assert path.name in window.windowTitle()
    assert window.settings.recent() == [str(path)]


def test_a_dropped_text_file_is_a_sentence_over_the_input_and_nothing_is_lost(qtbot, window, tmp_path):
    run_to_end(qtbot, window)
    path = tmp_path / "words.jpg"
    path.write_text("no picture")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    drop(window, mime)
    assert "words.jpg" in window.layout_.said.message("input").text
    assert words(window) == scripted.CAPTION
    assert window.session.picture.name == "drawn.png"
    qtbot.wait(20)
    qtbot.mouseClick(window.layout_.said.banner.dismiss, Qt.MouseButton.LeftButton)
    assert window.layout_.said.message("input") is None


def test_paste_takes_a_picture_a_path_or_says_that_there_is_none(qtbot, window, tmp_path):
    clipboard = QGuiApplication.clipboard()
    image = QImage(64, 48, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.red)
    clipboard.setImage(image)
    window.do(Paste())
    assert window.session.picture.pixels.shape == (48, 64, 3)
    path = tmp_path / "copied.png"
    path.write_bytes(scripted.picture(90, 60).data)
    clipboard.setText(str(path))
    window.do(Paste())
    assert window.session.picture.name == "copied.png"
    clipboard.setText("a text, for a model that takes one")
    window.do(Paste())
    assert window.session.text.text == "a text, for a model that takes one"
    clipboard.clear()
    window.do(Paste())
    assert "clipboard" in window.layout_.said.message("input").text


@pytest.mark.parametrize(("text", "urls", "said"), [
    ("https://example.com/cats/cat.jpg", (), "on the web"), ("", ("https://example.com/cats/cat.jpg",), "on the web"),
    ("/no/such/picture.jpg", (), "no file"), ("~/no such picture.png", (), "no file"),
    ("file:///no/such/picture.jpg", (), "no file"), ("", ("file:///no/such/picture.jpg",), "no file"),
])
def test_what_cannot_be_opened_leaves_the_run(qtbot, window, text, urls, said):
    before = window.session.trace, window.session.input
    mime = QMimeData()
    if text:
        mime.setText(text)
    if urls:
        mime.setUrls([QUrl(url) for url in urls])
    drop(window, mime)
    assert said in window.layout_.said.message("input").text
    assert (window.session.trace, window.session.input) == before


def test_several_files_are_a_list_to_go_through(qtbot, window, tmp_path):
    paths = []
    for name in ("one.png", "two.png", "three.png"):
        (tmp_path / name).write_bytes(scripted.picture().data)
        paths.append(tmp_path / name)
    mime = QMimeData()
    mime.setText("\n".join(path.as_uri() for path in paths))
    drop(window, mime)
    assert window.session.input.name == "one.png"
    for name in ("two.png", "three.png"):
        assert name in window.layout_.said.message("run").action
        window.layout_.said.banner.action.click()
        assert window.session.input.name == name
    assert window.layout_.said.message("run") is None or "three" not in window.layout_.said.message("run").action


def test_a_large_picture_is_read_aside_and_a_failed_file_is_not_recent(qtbot, window, tmp_path):
    opened = []
    window.controller.voice.opened.connect(opened.append)
    path = tmp_path / "large.png"
    Image.new("L", (4000, 3000), 90).save(path)
    window.do(c.Open(path))
    assert window.session.input is None or window.session.input.name != "large.png"  # not yet
    qtbot.waitUntil(lambda: window.session.input is not None and window.session.input.name == "large.png")
    assert opened == [str(path)]
    for name in ("broken.png", "broken.mp4"):
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n broken")
        window.layout_.said.clear("input")
        window.do(c.Open(tmp_path / name))
        qtbot.waitUntil(lambda: window.layout_.said.message("input") is not None)
    assert opened == [str(path)]


def test_the_run_before_is_kept_with_its_branches_when_another_file_is_opened(qtbot, window):
    run_to_end(qtbot, window)
    window.do(c.ChooseToken(4, scripted.WORDS.index("cat")))
    qtbot.waitUntil(lambda: len(window.session.branches.all) == 2 and not window.controller.run.busy)
    changed, kept = words(window), window.controller.earlier.kept
    window.do(c.OpenText(typed("a dog")))
    qtbot.waitUntil(lambda: window.session.description.name == "scripted-sentence" and window.controller.run.is_open)
    run_to_end(qtbot, window)
    window.menus.earlier.aboutToShow.emit()
    (action,) = window.menus.earlier.actions()
    assert action.text().startswith("drawn.png: “a brown dog")
    action.trigger()
    assert words(window) == changed
    assert len(window.session.branches.all) == 2
    qtbot.waitUntil(lambda: window.session.description.name == "scripted" and window.controller.run.is_open)
    assert words(window) == changed
    assert [run.given.text for run in kept] == ["a dog"]
    window.do(c.ChooseToken(6, scripted.WORDS.index("cat")))  # it goes on
    qtbot.waitUntil(lambda: len(window.session.branches.all) == 3 and not window.controller.run.busy)


@pytest.mark.parametrize("well", [c.OpenSample("picture"), c.ReturnToRun(0)])
def test_what_was_wrong_with_a_file_goes_when_something_else_opens_well(captioned, tmp_path, well):
    captioned.do(c.OpenData(scripted.picture().data, "another.png"))
    captioned.do(c.Open(tmp_path / "missing.png"))
    assert captioned.layout_.said.message("input").kind == "error"
    captioned.do(well)
    assert captioned.layout_.said.message("input") is None


def test_what_the_model_refuses_cannot_be_played(qtbot, window):
    window.do(c.OpenData(scripted.picture().data, "bad.png"))
    qtbot.waitUntil(lambda: window.session.input_refused)
    assert not any(window.actions_by_name[name].isEnabled() for name in ("step", "play", "run_to_end"))
    window.do(c.OpenData(scripted.picture().data, "good.png"))
    qtbot.waitUntil(lambda: window.actions_by_name["play"].isEnabled())


def test_what_is_opened_from_the_training_room_is_seen_and_so_is_why_it_cannot_be(qtbot, window, tmp_path):
    for opened in (c.OpenData(scripted.picture(width=90).data, "another.png"), c.Open(tmp_path / "missing.jpg")):
        window.do(c.ShowTrainingRoom(on=True))
        assert window.layout_.isHidden()
        window.do(opened)
        assert window.layout_.isVisible()
        assert not window.actions_by_name["room"].isChecked()
    assert "missing.jpg" in window.layout_.said.banner.message.text
    assert window.layout_.said.isVisible()


def test_models_and_devices_can_be_picked(qtbot, window):
    toolbar = window.layout_.toolbar
    assert toolbar.model.currentText() == "Scripted captioner"
    assert [toolbar.device.itemData(index) for index in range(toolbar.device.count())] == ["auto", "cpu"]
    run_to_end(qtbot, window)
    toolbar.device.activated.emit(1)
    assert window.controller.choice.device == "cpu"
    for title in ("CPU (x86_64)", "NVIDIA H200", "openreg"):
        toolbar.set_devices((Device("cpu", title),), "cpu")
        assert toolbar.device._option().currentText == title  # and is not cut
    toolbar.set_devices((Device("cpu", "A processor of many words"),), "cpu")
    window.resize(960, 700)
    qtbot.waitUntil(lambda: DEVICE <= toolbar.device.width() < 2 * DEVICE)
    qtbot.waitUntil(lambda: window.controller.run.is_open)
    assert words(window) == scripted.CAPTION


def test_a_model_of_which_nobody_knows_how_far_it_is_can_be_given_up(captioned, qtbot):
    status, steps = captioned.layout_.status, words(captioned)
    status._patience.setInterval(0)
    captioned.do(c.LoadModel("slow-scripted-sentence"))
    qtbot.waitUntil(status.cancel.isVisible)
    status.cancel.click()
    assert not status.cancel.isVisible()
    assert (captioned.controller.choice.model, captioned.session.description.name) == ("scripted", "scripted")
    assert words(captioned) == steps


def test_pinned_units_belong_to_a_model(qtbot, window):
    window.do(c.Pin((3, 5)))
    window.do(c.LoadModel("scripted-sentence"))
    qtbot.waitUntil(lambda: window.session.description.name == "scripted-sentence")
    assert window.session.selection.units == ()
    window.do(c.LoadModel("scripted"))
    qtbot.waitUntil(lambda: window.session.description.name == "scripted")
    assert window.session.selection.units == (3, 5)
