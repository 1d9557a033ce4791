"""Somebody's model is opened from a file, a folder or a name, and stands in the picker from then on."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from scripted_backend import THEIRS

from unrolled.models.protocol.loading import Family
from unrolled.viewer.state.files import Kind, kind_of
from unrolled.viewer.state.recent_models import MOST, RecentModel, full_name, recent_models, remember_model
from unrolled.viewer.window.open_model_dialog import OpenModelDialog
from unrolled.viewer.window.toolbar import OPEN_MODEL


def picked(window, text):
    """Choose an entry of the picker, as a click does."""
    picker = window.layout_.toolbar.model
    row = picker.findText(text)
    assert row >= 0, [picker.itemText(number) for number in range(picker.count())]
    picker.setCurrentIndex(row)
    picker.activated.emit(row)


def asked(qtbot, window):
    """The dialog that “Open model…” brings."""
    picked(window, "Open model…")
    qtbot.waitUntil(lambda: any(own.isVisible() for own in window.findChildren(OpenModelDialog)))
    return next(own for own in window.findChildren(OpenModelDialog) if own.isVisible())


def test_what_is_typed_is_opened_and_stands_in_the_picker(qtbot, captioned, tmp_path):
    picker, path = captioned.layout_.toolbar.model, tmp_path / THEIRS
    path.write_bytes(b"theirs")
    dialog = asked(qtbot, captioned)
    assert not dialog.open_button.isEnabled()
    assert any("Captioners of theirs" in label.text() for label in dialog.findChildren(type(dialog.findChild(object, "muted"))))
    qtbot.keyClicks(dialog.line, f"  {path} ")
    qtbot.keyClick(dialog.line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: picker.currentText() == "Their captioner")
    assert picker.currentData() == str(path)
    assert recent_models() == (RecentModel(str(path), "Their captioner"),)
    picked(captioned, "Scripted captioner")
    qtbot.waitUntil(lambda: captioned.session.description.name == "scripted"
                    and not captioned.controller.run.state.loading)
    picked(captioned, "Their captioner")
    qtbot.waitUntil(lambda: captioned.session.description.name == THEIRS)
    captioned.controller.messages.clear()
    qtbot.keyClicks(asked(qtbot, captioned).line, "no such model")
    qtbot.mouseClick(next(own for own in captioned.findChildren(OpenModelDialog) if own.isVisible()).open_button,
                     Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(captioned.controller.messages))
    assert captioned.controller.messages[-1].text == "There is no model “no such model”."
    qtbot.waitUntil(lambda: picker.currentData() == str(path))  # the one that is there is wanted again


@pytest.mark.parametrize("button", ["file", "of_folder"])
def test_a_file_or_a_folder_that_is_chosen_is_opened_at_once(qtbot, captioned, tmp_path, monkeypatch, button):
    path = tmp_path / THEIRS
    path.write_bytes(b"theirs")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(path))
    qtbot.mouseClick(getattr(asked(qtbot, captioned), button), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: captioned.session.description.name == THEIRS)


def test_a_folder_that_is_dropped_is_a_model_where_it_holds_one(tmp_path):
    assert kind_of(tmp_path) is Kind.INPUT
    (tmp_path / "frame 1.png").touch()
    assert kind_of(tmp_path) is Kind.INPUT
    (tmp_path / "decoder-5-3000.ckpt").touch()
    assert kind_of(tmp_path) is Kind.CHECKPOINT
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "config.json").touch()
    assert kind_of(tmp_path / "hub") is Kind.CHECKPOINT


def test_to_cancel_leaves_the_model_that_is_there(qtbot, captioned):
    dialog = asked(qtbot, captioned)
    qtbot.keyClick(dialog.line, Qt.Key.Key_Escape)
    picker = captioned.layout_.toolbar.model
    assert (picker.currentText(), picker.currentData()) == ("Scripted captioner", "scripted")
    assert picker.itemData(picker.count() - 1) == OPEN_MODEL


def test_what_was_opened_is_kept_while_it_is_there(tmp_path, captioned):
    description, listed = captioned.session.description, captioned.controller.choice.models
    paths = [tmp_path / f"{number}.pth" for number in range(MOST + 2)]
    for path in paths:
        path.touch()
        remember_model(str(path), description, listed)
    remember_model("hf:somebody/model", description, listed)
    remember_model("scripted", description, listed)             # listed anyway,
    remember_model(str(tmp_path / "gone.pth"), description, listed)  # and not there
    kept = [own.model for own in recent_models()]
    assert kept == ["hf:somebody/model", *(str(path) for path in reversed(paths[-MOST + 1 :]))]
    paths[-1].unlink()
    assert str(paths[-1]) not in [own.model for own in recent_models()]
    assert full_name("hf:somebody/model") == "hf:somebody/model"


def test_a_shipped_model_that_is_damaged_is_greyed_and_says_why(window):
    damaged, sentence = Family("chars-rnn", error="“chars-rnn.safetensors” is cut off."), Qt.ItemDataRole.ToolTipRole
    picker = window.layout_.toolbar.model
    window.layout_.toolbar.set_models((), "", families=(Family("of others", "picture"), damaged))
    place = picker.findText("chars-rnn (damaged)")
    assert picker.itemData(place, sentence) == damaged.error
    assert not picker.model().index(place, 0).flags() & Qt.ItemFlag.ItemIsEnabled
    assert picker.findText("of others (damaged)") < 0
