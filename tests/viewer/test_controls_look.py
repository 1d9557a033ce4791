"""Whatever can be pressed or chosen from looks so: a frame around every word that is a button, an arrow in every box."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, QRect, QSize
from PySide6.QtGui import QColor, QHelpEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QInputDialog,
    QLabel,
    QStyle,
    QStyleOptionComboBox,
    QToolTip,
)
from superqt import QElidingLabel

from unrolled.viewer.state import commands as c
from unrolled.viewer.theme.icons import BESIDE_TEXT, ICON_PIXELS, icon
from unrolled.viewer.widgets.building import elided_label
from unrolled.viewer.widgets.combo_box import ComboBox
from unrolled.viewer.window.decoding_popover import DecodingPopover
from unrolled.viewer.window.dialogs import TracebackDialog

AT_THE_RIGHT = 22  # pixels of a box, where its arrows are


def has_more_than_one_colour(image, place):
    colours = {image.pixel(x, y) for x in range(place.left(), place.right()) for y in range(place.top(), place.bottom())}
    return len(colours) > 1


def framed(image, box):
    """Whether there is a line above its middle that what lies over it has not."""
    x = box.center().x()
    column = [QColor(image.pixel(x, y)) for y in range(max(box.top() - 2, 0), box.top() + 3)]
    return len({colour.rgb() for colour in column}) > 1


def assert_looks_right(whole):
    image = whole.grab().toImage()
    seen = whole.rect()
    for widget in [*whole.findChildren(QAbstractButton), *whole.findChildren(QComboBox), *whole.findChildren(QAbstractSpinBox)]:
        box = QRect(widget.mapTo(whole, QPoint()), widget.size())
        visible = widget.visibleRegion().boundingRect().size() == widget.size()
        if not (widget.isVisible() and visible and seen.contains(box)):
            continue
        name = widget.accessibleName() or widget.objectName()
        if isinstance(widget, QComboBox | QAbstractSpinBox):
            assert has_more_than_one_colour(image, QRect(box.right() - AT_THE_RIGHT, box.top() + 4, AT_THE_RIGHT - 4,
                                                         box.height() - 8)), name
        if isinstance(widget, QAbstractSpinBox):
            assert widget.buttonSymbols() is not QAbstractSpinBox.ButtonSymbols.NoButtons, name
        if isinstance(widget, QAbstractButton) and not isinstance(widget, QCheckBox) and len(widget.text()) > 1 and \
                widget.icon().isNull():
            assert framed(image, box), name


def assert_nothing_is_cut(whole):
    """Of its controls and labels: what does not fit is reached by scrolling, or elided in so many words."""
    for widget in [*whole.findChildren(QAbstractButton), *whole.findChildren(QComboBox), *whole.findChildren(QAbstractSpinBox),
                   *whole.findChildren(QLabel)]:
        parent, name = widget.parentWidget(), widget.accessibleName() or widget.objectName() or getattr(widget, "text", str)()
        if not widget.isVisible() or parent is None or parent.objectName() in ("qt_scrollarea_viewport", "captionWords"):
            continue
        assert parent.rect().contains(widget.geometry()), name
        if isinstance(widget, QLabel) and not isinstance(widget, QElidingLabel) and widget.pixmap().isNull():
            if widget.wordWrap():
                assert widget.height() >= widget.heightForWidth(widget.width()) - 1, name
            else:
                assert widget.width() >= widget.sizeHint().width() - 1, name


@pytest.mark.parametrize("size", [(1440, 900), (1366, 720), (1024, 700)])
def test_everything_can_be_reached_in_every_view(qtbot, captioned, size):
    window = captioned
    window.resize(*size)
    window.do(c.Pin((1, 2, 3)))
    badge = window.host.views["fidelity"].label
    qtbot.waitUntil(lambda: "checking" not in badge.text() and badge.width() >= badge.sizeHint().width())
    for name, tab in window.layout_.drawer.buttons.items():
        if tab.isVisible():
            window.do(c.OpenView(name))
            window.coordinator.flush()
            qtbot.wait(30)
            assert_nothing_is_cut(window)


def test_an_icon_beside_a_text_keeps_clear_of_it(qtbot, captioned):
    made = icon("open", captioned.theme)
    for size, clear in ((BESIDE_TEXT, 6), (QSize(ICON_PIXELS, ICON_PIXELS), 0)):
        image = made.pixmap(size, 1.0).toImage()
        assert image.size() == size
        inked = [x for x in range(image.width()) for y in range(image.height()) if image.pixelColor(x, y).alpha() > 100]
        assert image.width() - 1 - max(inked) >= clear
        assert max(inked) >= ICON_PIXELS - 3


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_buttons_look_like_buttons_and_boxes_like_boxes(qtbot, captioned, theme):
    window = captioned
    window.session.appearance.update(theme=theme)
    window.resize(1440, 1000)
    window.do(c.Pin((1, 2)))
    for name, tab in window.layout_.drawer.buttons.items():
        if tab.isVisible():
            window.do(c.OpenView(name))
            window.coordinator.flush()
            qtbot.wait(20)
            assert_looks_right(window)
    window.do(c.ShowTrainingRoom(on=True))
    qtbot.wait(20)
    assert_looks_right(window)
    controls = window.room.controls
    assert controls.radius.x() == controls.threshold.x()
    assert abs(controls.clip.geometry().center().y() - controls.threshold.geometry().center().y()) <= 1
    window.do(c.ShowTrainingRoom(on=False))
    for asked in (c.ShowDialog("shortcuts"), c.ShowDialog("about"), c.ShowDialog("export"), c.ChooseFile("model")):
        window.do(asked)
        qtbot.wait(20)
        (dialog,) = (own for own in window.findChildren(QDialog) if own.isVisible())
        assert_looks_right(dialog)
        dialog.close()
        dialog.deleteLater()
    window.do(c.ShowDialog("decoding"))
    popover = window.findChild(DecodingPopover)
    for method in range(popover.method.count()):
        popover.method.setCurrentIndex(method)
        qtbot.wait(20)
        assert_looks_right(popover)
    popover.close()
    assert QApplication.activePopupWidget() is None


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_ticked_has_a_tick(qtbot, captioned, theme):
    captioned.session.appearance.update(theme=theme)
    box = QCheckBox("Anything")
    qtbot.addWidget(box)
    box.setChecked(True)
    box.show()
    image = box.grab().toImage()
    assert has_more_than_one_colour(image, QRect(3, box.height() // 2 - 4, 8, 8))


@pytest.mark.parametrize("text", ["h  hidden", "o  output gate", "w.r.t. h at each step"])
def test_a_box_that_is_as_wide_as_it_wants_to_be_cuts_nothing(qtbot, captioned, text):
    box = ComboBox(sizeAdjustPolicy=ComboBox.SizeAdjustPolicy.AdjustToContents)
    qtbot.addWidget(box)
    box.addItem(text)
    box.resize(box.sizeHint())
    box.show()
    option = QStyleOptionComboBox()
    box.initStyleOption(option)
    room = box.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, box)
    assert room.width() - 2 >= box.fontMetrics().horizontalAdvance(text)


def test_what_a_box_cuts_is_whole_in_its_tooltip(qtbot):
    box = ComboBox(toolTip="Which attention is drawn")
    qtbot.addWidget(box)
    box.addItem("cross attention of the decoder")
    for width, said in ((90, "cross attention of the decoder\nWhich attention is drawn"), (400, "Which attention is drawn")):
        box.resize(width, 28)
        box.show()
        QToolTip.hideText()
        QApplication.sendEvent(box, QHelpEvent(QEvent.Type.ToolTip, QPoint(5, 5), box.mapToGlobal(QPoint(5, 5))))
        assert QToolTip.text() == said


def test_what_a_line_cuts_is_whole_in_its_tooltip(qtbot):
    line = elided_label()
    qtbot.addWidget(line)
    line.setText("heapq.py: 23,023 characters")
    line.resize(60, 20)
    line.show()
    assert QLabel.text(line).endswith("…")
    assert line.toolTip() == "heapq.py: 23,023 characters"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_boxes_of_qts_own_dialogs_have_their_arrows(qtbot, captioned, theme):
    captioned.session.appearance.update(theme=theme)
    files = QFileDialog(captioned, "Open", "", "Texts (*.txt);;Pictures (*.png)")
    files.setOption(QFileDialog.Option.DontUseNativeDialog)
    choice = QInputDialog(captioned)
    choice.setComboBoxItems(["one", "another"])
    for dialog in (files, choice):
        dialog.show()
        qtbot.wait(20)
        assert_looks_right(dialog)
        dialog.close()
        dialog.deleteLater()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_programs_and_tracebacks_keep_their_type_in_every_theme(qtbot, captioned, theme):
    window = captioned
    window.do(c.LoadModel("scripted-text"))
    qtbot.waitUntil(lambda: window.session.text is not None and window.controller.run.is_open)
    window.coordinator.flush()
    window.do(c.ChangeAppearance({"theme": theme}))
    window.dialogs.show_traceback("A sentence.", "Traceback")
    dialog = window.findChild(TracebackDialog)
    for widget in (window.host.views["text"].edit, dialog.text):
        qtbot.waitUntil(lambda widget=widget: (widget.document().defaultFont().family(), widget.font().pixelSize()) == (
            "JetBrains Mono", 12))
    dialog.close()
