"""The whole window, by clicking and typing: keys, buttons, looks, dialogs, sizes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import scripted
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QScrollBar,
    QWidget,
)
from windows import press, run_to_end, words

from unrolled.models.protocol.decoding import Decoding
from unrolled.viewer.corpus.tracing_dialog import TracingDialog
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.appearance import AppearanceValues
from unrolled.viewer.state.commands import OpenView
from unrolled.viewer.views.spec import Place
from unrolled.viewer.widgets.range_dialog import RangeDialog
from unrolled.viewer.window.decoding_popover import DecodingPopover
from unrolled.viewer.window.dialogs import AboutDialog, ShortcutsDialog
from unrolled.viewer.window.exporting.dialog import ExportDialog
from unrolled.viewer.window.main_window import LEAST_SIZE, first_size
from unrolled.viewer.window.open_model_dialog import OpenModelDialog
from unrolled.viewer.window.settings import WindowSettings

END = len(scripted.CAPTION) - 1


def test_space_writes_the_next_word(qtbot, window):
    for count in (1, 2, 3):
        press(qtbot, window, Qt.Key.Key_Space)
        qtbot.waitUntil(lambda count=count: len(words(window)) == count)
    assert words(window) == scripted.CAPTION[:3]
    assert window.session.playhead.step == 2


def test_keys_move_the_playhead(qtbot, window):
    run_to_end(qtbot, window)
    for key, step in ((Qt.Key.Key_Home, 0), (Qt.Key.Key_Right, 1), (Qt.Key.Key_Space, 2), (Qt.Key.Key_Left, 1),
                      (Qt.Key.Key_End, END)):
        press(qtbot, window, key)
        assert window.session.playhead.step == step


def test_the_play_button_plays_to_the_end_and_says_what_it_would_do(qtbot, window):
    window.controller.playback.set_speed(20)
    play = window.layout_.toolbar.play
    assert play.accessibleName() == "Play"
    qtbot.mouseClick(play, Qt.MouseButton.LeftButton)
    assert play.accessibleName() == "Pause"
    qtbot.waitUntil(lambda: window.session.trace.ended and not window.controller.playback.playing)
    assert play.accessibleName() == "Play"
    assert words(window) == scripted.CAPTION


def test_p_pauses_and_speed_has_keys(qtbot, window):
    before = window.controller.playback.speed
    press(qtbot, window, Qt.Key.Key_Plus)
    assert window.controller.playback.speed > before
    press(qtbot, window, Qt.Key.Key_Minus)
    assert window.controller.playback.speed == pytest.approx(before)
    press(qtbot, window, Qt.Key.Key_P)
    assert window.controller.playback.playing
    press(qtbot, window, Qt.Key.Key_P)
    assert not window.controller.playback.playing
    press(qtbot, window, Qt.Key.Key_L)
    assert window.controller.playback.loop


def test_a_button_reached_by_tab_keeps_the_space_bar(qtbot, window):
    loop = next(button for button in window.findChildren(QAbstractButton) if button.accessibleName() == "Loop")
    loop.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(loop, Qt.Key.Key_Space)
    assert window.controller.playback.loop
    qtbot.wait(50)
    assert words(window) == ()


def test_every_interactive_widget_has_an_accessible_name(qtbot, window):
    run_to_end(qtbot, window)
    for spec in window.host.at(Place.DRAWER):
        window.do(OpenView(spec.name))
        reached = [area for area in window.findChildren(QAbstractScrollArea) if area.isVisible()
                   and area.focusPolicy() & Qt.FocusPolicy.TabFocus and not area.accessibleName()]
        assert not reached, spec.name
    extra = [ShortcutsDialog(window.action_specs, window), AboutDialog(window.theme, "1", window),
             DecodingPopover(window.controller.decoding, window.do, window)]
    kinds = (QAbstractButton, QComboBox, QAbstractSlider, QAbstractSpinBox, QLineEdit)
    nameless = []
    for top in (window, *extra):
        for widget in (top, *top.findChildren(QWidget)):
            inside = isinstance(widget.parent(), QComboBox | QAbstractSpinBox) or widget.objectName().startswith("qt_")
            interactive = isinstance(widget, kinds) and not isinstance(widget, QScrollBar)
            focusable = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus) and widget.isVisibleTo(top)
            if (interactive or (focusable and type(widget).__module__.startswith("unrolled"))) and not inside:
                text = widget.accessibleName() or (widget.text() if isinstance(widget, QAbstractButton) else "")
                if not text:
                    nameless.append((type(widget).__name__, widget.objectName(), type(widget.parent()).__name__))
    assert not nameless
    assert all(action.text() for action in window.actions_by_name.values())


def test_no_two_actions_share_a_key(window):
    keys = [key.toString() for action in window.actions_by_name.values() for key in action.shortcuts()]
    assert len(keys) == len(set(keys))


def test_the_theme_is_switched_everywhere_and_remembered(qtbot, open_window, settings):
    window = open_window()
    before = window.theme.name
    press(qtbot, window, Qt.Key.Key_T)
    assert window.theme.name != before
    assert all(panel.theme is window.theme for panel in window.host.views.values())
    window.controller.playback.set_speed(7)
    window.close()
    again = open_window(started=False)
    assert again.theme.name == window.theme.name
    assert again.controller.playback.speed == 7
    assert again.settings.text("model") == "scripted"


def test_damaged_settings_are_as_good_as_none(qtbot, tmp_path):
    path = tmp_path / "settings.ini"
    path.write_text("[General]\nappearance=@ByteArray(zzz\nspeed=fast\nrecent={\ndecoding=[]\ngeometry=5\n")
    damaged = WindowSettings(path)
    assert damaged.kept("appearance", AppearanceValues) is None
    assert damaged.number("speed", 3.0) == 3.0
    assert damaged.recent() == []
    assert damaged.kept("decoding", Decoding) is None
    assert damaged.shape("geometry") is None


def test_decoding_is_changed_in_its_popover(qtbot, window):
    press(qtbot, window, Qt.Key.Key_D)
    popover = window.findChild(DecodingPopover)
    assert popover.isVisible()
    popover.method.setCurrentIndex(1)
    assert window.controller.decoding.method == "beam"
    popover.numbers["beam_width"].setValue(5)
    qtbot.waitUntil(lambda: window.controller.decoding.beam_width == 5)
    assert window.layout_.toolbar.decoding.text() == "Beam 5"
    popover.close()


@pytest.mark.parametrize(("width", "columns"), [(1440, 3), (1024, 2), (800, 1)])
def test_help_lists_every_shortcut_as_wide_as_the_screen(qtbot, window, monkeypatch, width, columns):
    monkeypatch.setattr(ShortcutsDialog, "screen", lambda _: SimpleNamespace(availableSize=lambda: QSize(width, 700)))
    press(qtbot, window, Qt.Key.Key_F1)
    dialog = window.findChild(ShortcutsDialog)
    assert isinstance(dialog, QDialog)
    caps = [label for label in dialog.findChildren(QWidget) if label.objectName() == "keyCap"]
    assert {"Space", "P", "Ctrl+E", "F1"} <= {cap.text() for cap in caps}
    assert len({cap.mapTo(dialog, QPoint()).x() for cap in caps if cap.x() == 0}) == columns
    inside = dialog.findChild(QScrollArea).widget()
    assert inside.mapTo(dialog, QPoint(inside.sizeHint().width(), 0)).x() <= dialog.width() < width
    dialog.close()


@pytest.mark.parametrize("layout", ["0", "3"])  # Windows’ and GNOME’s, whose orders are opposite
def test_dialogs_have_their_buttons_in_the_platforms_order(qtbot, qapp, window, settings, layout):
    run_to_end(qtbot, window)
    before, orders = qapp.styleSheet(), []
    qapp.setStyleSheet(f"{before} QDialogButtonBox {{ button-layout: {layout}; }}")
    for dialog in (ExportDialog(window.session, settings, window), TracingDialog([], "", "", window.do, window),
                   OpenModelDialog((), print, "", window), RangeDialog(window, "Range", (0.0, 1.0))):
        with qtbot.waitExposed(dialog):
            dialog.show()
        box = dialog.findChild(QDialogButtonBox)
        roles = [box.buttonRole(button) for button in sorted(box.buttons(), key=QWidget.x)]
        orders.append([role is QDialogButtonBox.ButtonRole.AcceptRole for role in roles])
        assert [button.text().rstrip("…") for button in dialog.findChildren(QPushButton) if button.isDefault()], dialog
        dialog.close()
    qapp.setStyleSheet(before)
    assert orders == [[layout == "0", layout != "0"]] * 4


def test_closing_while_a_caption_plays_leaves_nothing(qtbot, window):
    window.do(c.TogglePlay())
    qtbot.wait(30)
    assert window.close()
    assert not window.controller.backend.alive


def test_what_is_drawn_fits_small_and_large_windows(qtbot, window):
    run_to_end(qtbot, window)
    picture = window.host.views["picture"]
    for size in (LEAST_SIZE, (1024, 700), (1600, 1000)):
        window.resize(*size)
        qtbot.wait(30)
        assert window.size().width() == size[0]
        toolbar = window.layout_.toolbar
        wide = toolbar.model.minimumWidth()
        toolbar._fit_model()
        assert toolbar.model.minimumWidth() == wide  # all the room that there is was taken at once
        buttons = toolbar.findChildren(QAbstractButton)
        assert all(button.mapTo(window, QPoint(button.width(), 0)).x() <= size[0] for button in buttons)
        if not picture.controls.isHidden():
            assert picture.legend.geometry().bottom() < picture.controls.y()
        assert picture.legend.mapTo(window, QPoint(0, 12)).y() < window.layout_.sections["written"].mapTo(window, QPoint()).y()
        sizes = window.layout_.left.sizes()
        window.layout_._size_panes()
        assert window.layout_.left.sizes() == sizes  # as in a window that begins with this size
        drawer = window.layout_.drawer
        assert drawer.y() + drawer.height() == window.layout_.centre.height()  # no gap below tabs in one line that were in two


@pytest.mark.parametrize("room", [(1200, 700), (1366, 768), (1920, 1080), (3840, 2160)])
def test_the_first_window_fits_the_screen(room):
    size = first_size(QSize(*room))
    assert size.width() < room[0]
    assert size.height() < room[1] - 24  # its frame fits too
    assert size.width() <= 1440


def test_nothing_moves_when_a_branch_or_a_selector_appears(qtbot, window):
    run_to_end(qtbot, window)
    places = lambda: [part.mapTo(window, QPoint()) for part in (  # noqa: E731
        *window.layout_.sections.values(), window.host.views["scrub bar"], window.host.views["picture"].legend)]
    before = places()
    window.do(c.ChooseToken(4, scripted.WORDS.index("cat")))
    qtbot.waitUntil(lambda: len(window.session.branches.all) == 2 and not window.controller.run.busy)
    window.coordinator.flush()
    window.host.views["picture"].controls.set_channels({"attention": "attention", "occlusion": "occlusion"})
    qtbot.wait(30)
    assert places() == before


def test_no_beam_is_offered_over_labels_that_are_not_fed_back(qtbot, window):
    window.do(c.SetDecoding(Decoding(method="beam")))
    window.do(c.LoadModel("scripted-clip"))
    qtbot.waitUntil(lambda: window.session.description.name == "scripted-clip")
    assert window.controller.decoding.method == "greedy"
    window.do(c.ShowDialog("decoding"))
    popover = window.findChild(DecodingPopover)
    assert popover.method.findData("beam") < 0
    assert popover.method.findData("sampling") >= 0
    assert "beam" not in [name for name, tab in window.layout_.drawer.buttons.items() if not tab.isHidden()]


def test_the_window_stays_of_use_while_a_corpus_is_traced(qtbot, window):
    for _ in range(2):
        window.do(c.ShowDialog("trace corpus"))
    (dialog,) = window.findChildren(TracingDialog)
    assert dialog.isVisible()
    assert not dialog.isModal()
    window.close()
    assert not dialog.isVisible()
