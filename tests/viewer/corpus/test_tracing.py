"""Tracing started from the window: its progress in words, its end, and what it says when it fails."""

from __future__ import annotations

import sys

import pytest
from PySide6.QtCore import Qt

from unrolled.viewer.corpus.tracing import TracingOptions, duration, in_words
from unrolled.viewer.corpus.tracing_dialog import TracingDialog
from unrolled.viewer.state.commands import OpenStore

SCRIPT = """
import json, signal, sys, time
words = sys.argv[1:]
signal.signal(signal.SIGINT, signal.SIG_IGN)  # as where a shell started the window behind itself
signal.signal(signal.SIGTERM, signal.default_int_handler)
assert words[:2] == ["corpus", "trace"] and "--progress" in words
if words[2] == "broken":
    print("unrolled: There is no folder “broken”.", file=sys.stderr)
    sys.exit(1)
try:  # it may be stopped as soon as it has said anything
    print(json.dumps({"doing": "reading", "documents": 3, "of_documents": 3}), flush=True)
    print(json.dumps({"doing": "tracing", "steps": 500, "of_steps": 2000, "parts": 1, "of_parts": 4, "steps_a_second": 1234.5,
                      "seconds_left": 130}), flush=True)
    for number in range({"cut": 2, "many": 12}.get(words[2], 0)):
        print(f"unrolled: left out: “{number}<b>.txt” is empty.", file=sys.stderr)
    time.sleep(60 if words[2] in ("endless", "silent") else 0)
except KeyboardInterrupt:
    if words[2] != "silent":
        print("Interrupted before a part was done: the same again begins anew.", file=sys.stderr)
    sys.exit(130)
print("2,000 steps in 1.0 s")
"""


@pytest.fixture
def dialog(qtbot, tmp_path):
    script = tmp_path / "program.py"
    script.write_text(SCRIPT, encoding="utf-8")
    done = []
    made = TracingDialog([("chars-lstm", "Characters")], "chars-lstm", "hidden, cell", done.append,
                         program=[sys.executable, str(script)])
    made.asked = done
    qtbot.addWidget(made)
    made.show()
    yield made
    made.close()


def start(qtbot, dialog, corpus):
    dialog.corpus.setText(corpus)
    dialog.store.setText("somewhere")
    qtbot.mouseClick(dialog.start, Qt.MouseButton.LeftButton)


def test_what_was_traced_is_opened(qtbot, dialog):
    start(qtbot, dialog, "texts")
    qtbot.waitUntil(lambda: bool(dialog.asked))
    assert dialog.asked == [OpenStore("somewhere")]
    assert not dialog.isVisible()


@pytest.mark.parametrize(("corpus", "last"), [("cut", "left out: “1<b>.txt” is empty."), ("many", "… and 7 more.")])
def test_what_was_wrong_with_documents_stays_to_be_read(qtbot, dialog, corpus, last):
    start(qtbot, dialog, corpus)
    qtbot.waitUntil(lambda: bool(dialog.asked))
    assert dialog.isVisible()
    assert dialog.said.textFormat() == Qt.TextFormat.PlainText
    lines = dialog.said.text().splitlines()
    assert lines[:2] == ["The corpus is traced, and open.", "left out: “0<b>.txt” is empty."]
    assert lines[-1] == last
    qtbot.waitUntil(lambda: dialog.said.height() >= dialog.said.heightForWidth(dialog.said.width()))


def test_it_says_how_far_it_is_and_stops(qtbot, dialog):
    start(qtbot, dialog, "endless")
    qtbot.waitUntil(lambda: "a second" in dialog.said.text())
    assert dialog.said.text() == "500 of 2,000 steps  ·  1,234 a second  ·  2 min left"
    assert dialog.bar.value() == 250
    assert (dialog.start.text(), dialog.leave.text()) == ("Stop", "Stop and close")
    assert not dialog.store.isEnabled()  # what is opened at the end is what was traced
    qtbot.mouseClick(dialog.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: dialog.said.text() == "Interrupted before a part was done: the same again begins anew.")
    assert (dialog.start.text(), dialog.leave.text(), dialog.store.isEnabled()) == ("Trace", "Close", True)
    assert not dialog.asked


def test_stopped_before_it_can_say_how_much_is_done(qtbot, dialog):
    start(qtbot, dialog, "silent")
    qtbot.waitUntil(lambda: "a second" in dialog.said.text())
    qtbot.mouseClick(dialog.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: dialog.said.text().startswith("Stopped. Parts that were done are kept"))


def test_channels_are_those_of_the_model_on_screen(dialog):
    assert dialog.channels.toolTip().endswith(": hidden, cell")
    dialog.model.addItem("Another", "another")
    dialog.model.setCurrentIndex(1)
    assert dialog.channels.toolTip().endswith("between them")


def test_a_failure_is_said_and_nothing_is_needed_is_said(qtbot, dialog):
    qtbot.mouseClick(dialog.start, Qt.MouseButton.LeftButton)
    assert dialog.said.text().startswith("Choose what to trace")
    start(qtbot, dialog, "broken")
    qtbot.waitUntil(lambda: dialog.said.text() == "There is no folder “broken”.")


def test_closing_leaves_nothing_running(qtbot, dialog):
    start(qtbot, dialog, "endless")
    qtbot.waitUntil(lambda: "a second" in dialog.said.text())
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_words_of_progress_and_time():
    assert in_words({"doing": "reading", "documents": 1, "of_documents": 1200}) == ("Reading: 1 of 1,200 documents", 1 / 1200)
    assert [duration(seconds) for seconds in (3.2, 99, 600, 12_000)] == ["3 s", "99 s", "10 min", "3 h 20 min"]


def test_options_are_words_of_the_command_line():
    options = TracingOptions(corpus="a", store="b", model="m", channels="hidden,cell", workers=3)
    assert options.words[-4:] == ["--channels", "hidden,cell", "--workers", "3"]
