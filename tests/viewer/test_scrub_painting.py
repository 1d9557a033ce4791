"""A scrub paints what changed and no more: the screen is as if all had been painted, and nothing is laid out again."""

from __future__ import annotations

import random

import numpy as np
import pytest
import scripted
import scripted_traces
from PySide6.QtCore import QCoreApplication, QEvent, QObject
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget

from unrolled.viewer.benchmarks.long_runs import drawn_trace

TRACES = {"caption": scripted.trace, "translation": scripted_traces.translation_trace, "clip": scripted_traces.clip_trace,
          "characters": lambda: drawn_trace(300, 24), "long": lambda: drawn_trace(5000, 24)}
SEEKS = 13
ROUNDING = 1  # of 255: a smooth line that is painted in part


class Painted(QObject):
    """How often a window paints its own ground, behind the panels, and which widgets lay out what they hold."""

    def __init__(self):
        super().__init__()
        self.grounds, self.laid_out = 0, []

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and isinstance(watched, QMainWindow):
            self.grounds += 1
        if event.type() == QEvent.Type.LayoutRequest and isinstance(watched, QWidget) and watched.layout() is not None:
            self.laid_out.append(type(watched).__name__)
        return False


def on_screen(window):
    image = window.screen().grabWindow(window.winId()).toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)[..., :3].astype(int)


def still(window):
    for _ in range(50):
        window.coordinator.flush()
        QCoreApplication.sendPostedEvents()
        QCoreApplication.processEvents()
        if not window.coordinator.waiting:
            return


def painted_whole(window):
    for widget in window.findChildren(QWidget):
        widget.update()
    still(window)
    return on_screen(window)


@pytest.mark.parametrize("name", TRACES)
def test_a_scrub_paints_what_changed(qtbot, window, name):
    trace = TRACES[name]()
    window.session.set_trace(trace)
    window.session.selection.set((1, 7))
    still(window)
    chosen, painted = random.Random(0), Painted()
    for step in (1, 0):  # the first time lays out
        window.session.playhead.seek(step)
        qtbot.wait(100)  # the plots are there
        still(window)
    painted_whole(window)  # from what is kept of a run that does not grow
    for number in range(SEEKS):
        QApplication.instance().installEventFilter(painted)
        window.session.playhead.seek(chosen.randrange(len(trace)))
        still(window)
        QApplication.instance().removeEventFilter(painted)
        if number % 4 == 0:
            seen = on_screen(window)
            rows, columns = np.nonzero(np.abs(seen - painted_whole(window)).max(axis=2) > ROUNDING)
            places = zip(columns.tolist(), rows.tolist(), strict=True)
            assert {type(window.childAt(x, y).parentWidget()).__name__ for x, y in places} == set()
    assert painted.laid_out == []
    assert painted.grounds == 0
