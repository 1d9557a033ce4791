"""Where the keyboard is can be seen, wherever Tab goes."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QScrollArea

from unrolled.viewer.state import commands as c


def differing(before, after):
    """How many of every second pixel differ visibly."""
    places = ((x, y) for x in range(0, before.width(), 2) for y in range(before.height())
              if before.pixel(x, y) != after.pixel(x, y))
    colours = ((before.pixelColor(x, y).getRgb(), after.pixelColor(x, y).getRgb()) for x, y in places)
    return sum(sum(abs(one - other) for one, other in zip(*pair, strict=True)) > 40 for pair in colours)


@pytest.mark.parametrize(("theme", "opened"), [("light", "equations"), ("dark", "gates"), ("dark", "similar")])
def test_what_has_the_focus_is_in_sight_and_looks_so(qtbot, captioned, theme, opened):
    window = captioned
    window.resize(1024, 700)
    for command in (c.ChangeAppearance({"theme": theme}), c.Pin((3, 5)), c.OpenView(opened)):
        window.do(command)
    qtbot.waitUntil(lambda: not window.session.questions.waiting)
    window.coordinator.flush()
    bar = window.host.views["tracks"].findChild(QScrollArea).verticalScrollBar()
    bar.setValue(bar.maximum())
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)  # else the application says nothing of the focus
    window.layout_.toolbar.model.setFocus()
    reached = []
    while True:
        qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Tab)
        own = window.focusWidget()
        if own in reached:
            break
        reached.append(own)
        name = own.accessibleName()
        assert isinstance(own, QAbstractScrollArea) or not own.visibleRegion().isEmpty(), name
        place = QRect(own.mapTo(window, QPoint()), own.size()).adjusted(-2, -2, 2, 2)
        with_focus = window.grab(place).toImage()
        own.clearFocus()
        without = window.grab(place).toImage()
        own.setFocus(Qt.FocusReason.TabFocusReason)
        assert differing(with_focus, without) > 8, name
    assert len(reached) > 40
    views = [window.host.views[name] for name in ("picture", "written", "tracks", "candidates", "unit", "scrub bar")]
    order = [next(place for place, own in enumerate(reached) if view.isAncestorOf(own)) for view in views]
    assert order == sorted(order)  # as it is seen: from the left to the right, then the bottom
    assert QApplication.focusWidget() is not None
