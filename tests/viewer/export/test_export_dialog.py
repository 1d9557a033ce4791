"""The export dialog: it writes what was chosen, says what went wrong, and cancels without a trace."""

from __future__ import annotations

import time

import numpy as np
import pytest
import scripted
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox

from unrolled.models.protocol.decoding import Decoding
from unrolled.models.trace.files import load_trace
from unrolled.viewer.drawing.images import pixels_of
from unrolled.viewer.export import export
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.themes import LIGHT
from unrolled.viewer.widgets import asking
from unrolled.viewer.widgets.saving import ask_where
from unrolled.viewer.window.application import make_application
from unrolled.viewer.window.exporting.dialog import ExportDialog
from unrolled.viewer.window.settings import WindowSettings


@pytest.fixture
def dialog(qtbot, tmp_path):
    make_application()
    session = Session()
    session.set_input(scripted.picture())
    session.set_trace(scripted.trace())
    made = ExportDialog(session, WindowSettings(tmp_path / "settings.ini"))
    qtbot.addWidget(made)
    made.show()
    yield made
    made.reject()


def pick(box, value):
    box.setCurrentIndex(box.findData(value))
    assert box.currentData() == value


def choose(dialog, suffix, what=""):
    usual = {"gif": "animation", "mp4": "animation", "webp": "animation", "json": "trace", "npz": "trace"}
    pick(dialog.what, what or usual.get(suffix, "attention"))
    pick(dialog.format, suffix)


def previewed(qtbot, dialog):
    """The preview, when there is one of what is chosen now."""
    dialog.preview.picture.set_image(None)
    dialog.fields.changed.emit()
    qtbot.waitUntil(lambda: dialog.preview.picture.image is not None)
    return pixels_of(dialog.preview.picture.image).astype(int)


@pytest.mark.parametrize("suffix", ["gif", "svg", "json"])
def test_it_writes_the_file_and_closes(qtbot, dialog, tmp_path, suffix):
    choose(dialog, suffix)
    path, written = tmp_path / f"a napkin’s näme.{suffix}", []
    dialog.exported.connect(written.append)
    dialog.export_to(path)
    qtbot.waitUntil(lambda: not dialog.isVisible())
    assert path.stat().st_size > 100
    assert written == [path]


def test_what_is_exported_from_the_window_says_end_and_where_it_lies(qtbot, captioned, tmp_path, monkeypatch):
    captioned.do(c.ShowDialog("export"))
    dialog = captioned.findChild(ExportDialog)
    choose(dialog, "svg")
    dialog.export_to(tmp_path / "a.svg")
    qtbot.waitUntil(lambda: captioned.layout_.said.message("run") is not None)
    written = (tmp_path / "a.svg").read_text()
    assert ">END<" in written
    assert "end&gt;" not in written
    shown = []
    monkeypatch.setattr("unrolled.viewer.window.dialog_actions.QDesktopServices.openUrl", shown.append)
    notice = captioned.layout_.said.message("run")
    assert str(tmp_path) in notice.text
    notice.act()
    assert shown[0].toLocalFile() == str(tmp_path)


def test_fields_that_do_not_matter_are_not_shown(dialog):
    fields = dialog.fields
    choose(dialog, "mp4")
    assert fields.seconds.isVisible()
    assert not fields.clear.isVisible()
    choose(dialog, "png")
    assert not fields.seconds.isVisible()
    assert fields.dpi.isVisible()
    assert not fields.colour_map.isVisible()  # what is dimmed has no colours
    pick(fields.style_, "colours")
    assert fields.colour_map.isVisible()
    choose(dialog, "svg", "tracks")
    assert not any(field.isVisible() for field in (fields.style_, fields.columns, fields.dpi))
    assert fields.outlines.isVisible()
    choose(dialog, "npz")
    assert not fields.width_.isVisible()


@pytest.mark.parametrize("height", [600, 360])
def test_all_fields_end_below_one_another_whether_they_scroll_or_not(dialog, qtbot, height):
    dialog.resize(860, height)
    choose(dialog, "png")
    qtbot.wait(50)
    ends = {field.mapTo(dialog, field.rect().topRight()).x() for field in
            (dialog.what, dialog.format, dialog.fields.width_, dialog.fields.steps, dialog.fields.scale)}
    assert len(ends) == 1


def test_no_place_to_write_is_a_sentence_in_the_dialog(qtbot, dialog, tmp_path):
    choose(dialog, "json")
    dialog.export_to(tmp_path / "missing folder" / "a.json")
    qtbot.waitUntil(lambda: dialog.go.isEnabled())
    assert dialog.isVisible()
    assert dialog.note.text().endswith(".")


def test_closing_cancels_and_leaves_no_file(qtbot, dialog, tmp_path, monkeypatch):
    choose(dialog, "gif")
    path = tmp_path / "cancelled.gif"
    dialog.fields.seconds.setValue(9.0)
    dialog.fields.width_.setValue(2000)
    dialog.export_to(path)
    dialog.reject()
    assert not path.exists()
    assert [file.suffix for file in tmp_path.iterdir() if file.suffix not in (".ini", ".lock")] == []
    assert asking.CLOSE_SECONDS <= 5
    assert LIGHT.name == "light"


def test_what_the_run_has_is_offered(dialog):
    assert [dialog.what.itemData(place) for place in range(dialog.what.count())] == ["attention", "animation", "tracks", "trace"]


def test_the_preview_follows_and_keeps_its_proportions(qtbot, dialog, tmp_path):
    choose(dialog, "png")
    light = previewed(qtbot, dialog)
    assert dialog.preview.size_.text().startswith("640 × ")
    for change in (lambda: dialog.fields.dark.setChecked(True), lambda: dialog.fields.columns.setValue(2)):
        change()
        assert previewed(qtbot, dialog).shape != light.shape or previewed(qtbot, dialog)[0, 0].sum() < light[0, 0].sum()
    dialog.fields.dpi.setValue(300)
    shown = previewed(qtbot, dialog)
    dialog.export_to(tmp_path / "a.png")
    qtbot.waitUntil(lambda: not dialog.isVisible())
    with Image.open(tmp_path / "a.png") as image:
        assert image.width == 2000
        assert shown.shape[1] / shown.shape[0] == pytest.approx(image.width / image.height, rel=0.01)
        small = np.asarray(image.convert("RGB").resize(shown.shape[1::-1], Image.Resampling.BOX)).astype(int)
    assert np.abs(small - shown).mean() < 6


def test_an_animation_stands_at_a_step_or_plays(qtbot, dialog):
    choose(dialog, "gif")
    first = previewed(qtbot, dialog)
    preview = dialog.preview
    assert preview.number.text() == f"1 of {len(scripted.CAPTION)}"
    preview.slider.setValue(4)
    qtbot.waitUntil(lambda: preview.number.text().startswith("5 of"))
    assert not np.array_equal(pixels_of(preview.picture.image), first)
    dialog.fields.seconds.setValue(0.05)
    preview.slider.setValue(0)
    qtbot.mouseClick(preview.play, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: preview.slider.value() >= 2)
    choose(dialog, "png")
    assert not preview.play.isChecked()


def test_what_cannot_be_drawn_is_said_at_its_field_and_not_exported(qtbot, dialog):
    choose(dialog, "png")
    fields = dialog.fields
    for name, change, back, sentence in (
        ("steps", lambda: fields.steps.setText("1-3,99"), lambda: fields.steps.setText(""), "no step 99"),
        ("steps", lambda: fields.steps.setText("0"), lambda: fields.steps.setText("1-3"), "counted from 1"),
        ("width", lambda: fields.width_.setValue(3), lambda: fields.width_.setValue(640), "3 pixels"),
        ("dpi", lambda: fields.dpi.setValue(1), lambda: fields.dpi.setValue(96), "1 dpi"),
        ("type_points", lambda: fields.type_size.setValue(1.0), lambda: fields.type_size.setValue(0.0), "1 points"),
        ("columns", lambda: fields.columns.setValue(999), lambda: fields.columns.setValue(0), "999 columns"),
    ):
        label = fields._rows[name][1]
        change()
        assert label.isVisible()
        assert sentence in label.text()
        assert not dialog.go.isEnabled()
        back()
        assert not label.isVisible()
        assert dialog.go.isEnabled()


def test_steps_are_typed_while_a_large_preview_is_made(qtbot, dialog):
    choose(dialog, "webp")
    dialog.fields.width_.setValue(8000)
    began = time.perf_counter()
    qtbot.keyClicks(dialog.fields.steps, "1-5,7,9,2-4")
    assert time.perf_counter() - began < 1.0
    assert dialog.fields.steps.text() == "1-5,7,9,2-4"


def test_what_was_chosen_is_remembered(qtbot, dialog, tmp_path):
    choose(dialog, "svg", "tracks")
    fields = dialog.fields
    fields.width_.setValue(900)
    fields.type_size.setValue(8.0)
    fields.steps.setText("2-4")
    for switch in (fields.end, fields.outlines, fields.dark, fields.clear):
        switch.toggle()
    chosen = dialog._chosen
    dialog.reject()
    again = ExportDialog(dialog._session, WindowSettings(tmp_path / "settings.ini"))
    qtbot.addWidget(again)
    assert (again.content.name, again.format.currentData(), again._chosen) == ("tracks", "svg", chosen)
    again.reject()
    dialog._session.set_trace(scripted.trace(scripted.CAPTION[:2]))  # which has no fourth step
    other = ExportDialog(dialog._session, WindowSettings(tmp_path / "settings.ini"))
    qtbot.addWidget(other)
    assert other.fields.steps.text() == ""
    other.reject()


def test_a_gradient_map_is_followed_when_it_is_chosen(qtbot, captioned, tmp_path):
    captioned.do(c.ShowDialog("export"))
    dialog = captioned.findChild(ExportDialog)
    choose(dialog, "svg", "gradients")
    qtbot.waitUntil(lambda: dialog.preview.picture.image is not None)
    dialog.export_to(tmp_path / "a.svg")
    qtbot.waitUntil(lambda: (tmp_path / "a.svg").exists())
    assert "∂ log p" in (tmp_path / "a.svg").read_text()


def test_of_a_long_run_it_is_said_which_steps_the_gradient_map_has(qtbot, captioned, monkeypatch):
    monkeypatch.setattr("unrolled.viewer.state.attributions.UNASKED_AT_MOST", 3)
    captioned.do(c.Seek(3))
    captioned.do(c.ShowDialog("export"))
    dialog = captioned.findChild(ExportDialog)
    choose(dialog, "svg", "gradients")
    qtbot.waitUntil(lambda: dialog.preview.picture.image is not None)
    assert dialog.note.text().endswith(f"Words 1 to 4 of {len(captioned.session.trace)}.")
    dialog.reject()


def test_a_run_taken_up_with_another_decoding_has_ended_when_it_is_over(qtbot, captioned, tmp_path):
    captioned.do(c.Seek(2))
    captioned.do(c.SetDecoding(Decoding(method="sampling", temperature=0.5, seed=3)))
    assert len(captioned.session.branches.all) == 2
    assert not captioned.session.trace.ended
    captioned.do(c.RunToEnd())
    qtbot.waitUntil(lambda: captioned.session.trace.ended and not captioned.controller.run.busy)
    export(captioned.session.trace, tmp_path / "a.npz")
    again = load_trace(tmp_path / "a.npz")
    assert again.ended
    export(again, tmp_path / "a.svg")
    assert ">END<" in (tmp_path / "a.svg").read_text()


@pytest.mark.parametrize(("answer", "typed", "chosen"), [("Yes", "kept", "kept.gif"), ("No", "kept", None),
                                                         ("No", "new", "new.gif")])
def test_a_suffix_that_is_added_does_not_replace_a_file_unasked(qapp, tmp_path, monkeypatch, answer, typed, chosen):
    (tmp_path / "kept.gif").write_bytes(b"good")
    asked = []
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / typed), "GIF animation (*.gif)"))
    monkeypatch.setattr(QMessageBox, "exec", lambda box: asked.append(box.text()) or QMessageBox.StandardButton[answer])
    path = ask_where(None, "Export", tmp_path / "a.gif", {".png": "PNG picture", ".gif": "GIF animation"})
    assert path == (tmp_path / chosen if chosen else None)
    assert asked == (["“kept.gif” already exists. Replace it?"] if typed == "kept" else [])
