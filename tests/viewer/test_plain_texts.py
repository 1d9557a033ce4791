"""A word that looks like HTML is shown as it is written, wherever it is shown, and nothing that it names is loaded."""

from __future__ import annotations

import numpy as np
import pytest
import scripted
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QToolTip, QWidget

from unrolled.models.trace import Trace
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.state.notice import Notice
from unrolled.viewer.window.application import make_application, make_window
from unrolled.viewer.window.settings import WindowSettings

EVIL = '<img src="file:///etc/hostname"> <b>bold</b>'
DELIBERATE = {"CompareBar"}  # rich, and escapes what it shows


@pytest.fixture
def window(qapp, scripted_command, tmp_path):
    make_application()
    made = make_window(WindowSettings(tmp_path / "settings.ini"), BackendProcess(scripted_command))
    made.remembers = False
    made.resize(1440, 900)
    made.show()
    yield made
    made.close()
    made.deleteLater()


def test_no_label_is_rich(qtbot, window):
    whole = scripted.trace()
    evil = Trace(scripted.channels(), provenance=whole.provenance, input_bytes=whole.input_bytes, ended=True)
    for step, word in enumerate(whole.words):
        result = scripted.step_result(step, word)
        evil.append(type(result)(step=step, token=result.token, word=EVIL, log_prob=result.log_prob, values=result.values,
                                 candidates=tuple(type(own)(own.token, EVIL, own.log_prob) for own in result.candidates)))
    given = scripted.picture()
    window.controller.opener.show_trace(evil, type(given)(EVIL, given.data, np.asarray(given.pixels)), step=4)
    window.layout_.say(Notice(place="run", text=EVIL))
    window.coordinator.flush()
    QApplication.processEvents()
    labels = [label for label in window.findChildren(QLabel) if label.isVisible()]
    assert any("img" in label.text() for label in labels)
    rich = [label for label in labels if label.textFormat() != Qt.TextFormat.PlainText
            and type(label.parent()).__name__ not in DELIBERATE]
    assert [label.text() for label in rich if label.text()] == []


def test_a_tooltip_is_plain(qtbot, window):
    QToolTip.showText(window.mapToGlobal(QPoint(200, 200)), EVIL, window)
    QTest.qWait(50)
    (tip,) = [widget for widget in QApplication.topLevelWidgets() if widget.inherits("QTipLabel") and widget.isVisible()]
    assert isinstance(tip, QWidget)
    assert tip.textFormat() == Qt.TextFormat.PlainText
    QToolTip.hideText()
