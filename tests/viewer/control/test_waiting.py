"""Several files and several sentences are gone through one after another."""

from __future__ import annotations

import pytest
import scripted
from PySide6.QtCore import QMimeData, Qt, QUrl

from unrolled.models.inputs.inputs import typed
from unrolled.models.inputs.texts import plain_line_ends
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.state import commands as c
from unrolled.viewer.window.application import make_application, make_window
from unrolled.viewer.window.settings import WindowSettings

LINES = "the small dog\n\n  a cat sleeps\r\nit <b>rains</b>\n"


@pytest.fixture
def window(qtbot, served, tmp_path):
    make_application()
    made = make_window(WindowSettings(tmp_path / "settings.ini"), BackendProcess(endpoint=served), model="scripted-sentence")
    qtbot.addWidget(made)
    made.show()
    made.controller.start()
    made.do(c.OpenText(typed("one")))
    qtbot.waitUntil(lambda: made.controller.run.is_open)
    yield made
    made.close()


def reads(qtbot, window, text):
    qtbot.waitUntil(lambda: window.controller.run.is_open and window.session.text.text == text)
    window.do(c.RunToEnd())
    qtbot.waitUntil(lambda: window.session.trace is not None and window.session.trace.ended)


def dropped(window, *, text="", paths=()):
    mime = QMimeData()
    if text:
        mime.setText(text)
    else:
        mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    window.dialogs.open_data(mime, "dropped.png")


def typed_in(window, tmp_path):
    window.host.views["text"].edit.setPlainText(LINES)
    window.host.views["text"].run()


def dropped_in(window, tmp_path):
    dropped(window, text=LINES)


def opened(window, tmp_path):
    (tmp_path / "three.txt").write_text(LINES)
    window.do(c.Open(tmp_path / "three.txt"))


@pytest.mark.parametrize("give", [typed_in, dropped_in, opened])
def test_several_lines_are_several_sentences(qtbot, window, tmp_path, give):
    give(window, tmp_path)
    reads(qtbot, window, "the small dog")
    assert window.session.text.name.endswith(":1")
    assert window.session.trace.provenance.source[-2:] == ("▁dog", "<end>")
    notice = window.layout_.said.message("run")
    assert notice.text == "2 more are waiting."
    assert notice.action == "Open “a cat sleeps”"
    window.layout_.said.banner.action.click()
    reads(qtbot, window, "  a cat sleeps")
    action = window.actions_by_name["open_next"]
    assert action.text() == "Next: “it <b>rains</b>” (of 1)"
    window.layout_.setFocus()
    qtbot.keyClick(window.layout_, Qt.Key.Key_N)
    reads(qtbot, window, "it <b>rains</b>")
    assert not action.isEnabled()
    assert window.layout_.said.message("run") is None
    assert [run.given.name.rpartition(":")[2] for run in window.controller.earlier.kept[:2]] == ["3", "1"]


def test_several_files_with_several_lines(qtbot, window, tmp_path):
    paths = [tmp_path / f"{number}.txt" for number in range(2)]
    for number, path in enumerate(paths):
        path.write_text(f"first of {number}\nsecond of {number}\n")
    dropped(window, paths=paths)
    for text in ("first of 0", "second of 0", "first of 1", "second of 1"):
        reads(qtbot, window, text)
        window.do(c.OpenNext())
    assert window.controller.waiting.titles == ()


def test_a_file_that_cannot_be_opened_does_not_lose_the_others(qtbot, window, tmp_path):
    (tmp_path / "here.txt").write_text("still here")
    dropped(window, paths=[tmp_path / "gone.txt", tmp_path / "here.txt"])
    qtbot.waitUntil(lambda: window.layout_.said.message("input") is not None)
    assert "no file" in window.layout_.said.banner.text.text()  # in front of what waits
    assert window.session.text.text == "one"
    window.do(c.OpenNext())
    reads(qtbot, window, "still here")


def test_a_text_for_a_character_model_is_one(qtbot, window):
    window.do(c.LoadModel("scripted-text"))
    qtbot.waitUntil(lambda: window.session.description.input_kind == "text" and window.controller.run.is_open)
    window.do(c.OpenText(typed(LINES)))
    qtbot.waitUntil(lambda: window.session.trace is not None and window.session.text.text == plain_line_ends(LINES))
    assert window.controller.waiting.titles == ()


def test_pictures_that_came_together(qtbot, captioned, tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(scripted.picture().data)
    dropped(captioned, paths=[tmp_path / "a.png", tmp_path / "b.png"])
    assert captioned.session.input.name == "a.png"
    assert captioned.layout_.said.message("run").action == "Open b.png"
