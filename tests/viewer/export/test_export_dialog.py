"""The export dialog: it writes what was chosen, says what went wrong, and cancels without a trace."""

from __future__ import annotations

import pytest
import scripted

from unrolled.viewer.state import commands as c
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.themes import LIGHT
from unrolled.viewer.window import export_worker
from unrolled.viewer.window.application import make_application
from unrolled.viewer.window.export_dialog import ExportDialog
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
    return made


def choose(dialog, suffix):
    dialog.format.setCurrentIndex(dialog.format.findData(suffix))


@pytest.mark.parametrize("suffix", ["gif", "svg", "json"])
def test_it_writes_the_file_and_closes(qtbot, dialog, tmp_path, suffix):
    choose(dialog, suffix)
    path, written = tmp_path / f"a napkin’s näme.{suffix}", []
    dialog.exported.connect(written.append)
    dialog.export_to(path)
    qtbot.waitUntil(lambda: not dialog.isVisible(), timeout=20_000)
    assert path.stat().st_size > 100
    assert written == [path]


def test_what_is_exported_from_the_window_says_end_and_where_it_lies(qtbot, captioned, tmp_path, monkeypatch):
    captioned.do(c.ShowDialog("export"))
    dialog = captioned.findChild(ExportDialog)
    choose(dialog, "svg")
    dialog.export_to(tmp_path / "a.svg")
    qtbot.waitUntil(lambda: captioned.layout_.message("run") is not None, timeout=20_000)
    written = (tmp_path / "a.svg").read_text()
    assert ">END<" in written
    assert "end&gt;" not in written
    shown = []
    monkeypatch.setattr("unrolled.viewer.window.dialog_actions.QDesktopServices.openUrl", shown.append)
    notice = captioned.layout_.message("run")
    assert str(tmp_path) in notice.text
    notice.act()
    assert shown[0].toLocalFile() == str(tmp_path)


def test_fields_that_do_not_matter_are_not_shown(dialog):
    choose(dialog, "mp4")
    assert dialog.seconds.isVisible()
    choose(dialog, "png")
    assert not dialog.seconds.isVisible()
    assert dialog.colour_map.isVisible()
    choose(dialog, "npz")
    assert not dialog.colour_map.isVisible()


def test_no_place_to_write_is_a_sentence_in_the_dialog(qtbot, dialog, tmp_path):
    choose(dialog, "json")
    dialog.export_to(tmp_path / "missing folder" / "a.json")
    qtbot.waitUntil(lambda: dialog.go.isEnabled(), timeout=10_000)
    assert dialog.isVisible()
    assert dialog.note.text().endswith(".")


def test_closing_cancels_and_leaves_no_file(qtbot, dialog, tmp_path, monkeypatch):
    choose(dialog, "gif")
    path = tmp_path / "cancelled.gif"
    dialog.seconds.setValue(9.0)
    dialog.width_.setValue(2000)
    dialog.export_to(path)
    dialog.reject()
    assert not path.exists()
    assert [file.suffix for file in tmp_path.iterdir() if file.suffix not in (".ini", ".lock")] == []
    assert export_worker.STOP_MILLISECONDS <= 5000
    assert LIGHT.name == "light"
