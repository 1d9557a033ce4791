"""The whole window, by clicking and typing, against a backend process that needs no torch."""

from __future__ import annotations

import os
import signal

import pytest
import scripted
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, QRect, QSize, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication, QImage
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QScrollBar,
    QWidget,
)

from unrolled.models.inputs.inputs import typed
from unrolled.models.protocol.decoding import Decoding
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.corpus.tracing_dialog import TracingDialog
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.appearance import AppearanceValues
from unrolled.viewer.state.commands import OpenView, Paste
from unrolled.viewer.views.spec import Place
from unrolled.viewer.window.application import make_application, make_window
from unrolled.viewer.window.decoding_popover import DecodingPopover
from unrolled.viewer.window.dialogs import AboutDialog, ShortcutsDialog
from unrolled.viewer.window.main_window import first_size
from unrolled.viewer.window.settings import WindowSettings

END = len(scripted.CAPTION) - 1


@pytest.fixture
def settings(tmp_path):
    return WindowSettings(tmp_path / "settings.ini")


@pytest.fixture
def open_window(qtbot, scripted_command, settings):
    """Opens windows, and closes them at the end."""
    windows = []

    def opener(*, started=True):
        make_application()
        window = make_window(settings, BackendProcess(scripted_command))
        windows.append(window)
        window.resize(1200, 800)
        with qtbot.waitExposed(window):
            window.show()
        window.do(c.OpenData(scripted.picture().data, "drawn.png"))
        if started:
            window.controller.start()
            qtbot.waitUntil(lambda: window.controller.run.is_open, timeout=10_000)
        return window

    yield opener
    for window in windows:
        window.close()
        window.deleteLater()


@pytest.fixture
def window(open_window):
    return open_window()


def words(window):
    return tuple(window.session.trace.words)


def press(qtbot, window, key, modifier=Qt.KeyboardModifier.NoModifier):
    qtbot.keyClick(window.focusWidget() or window, key, modifier)


def run_to_end(qtbot, window):
    press(qtbot, window, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: window.session.trace.ended and not window.controller.run.busy, timeout=5000)
    qtbot.waitUntil(lambda: not window.coordinator.waiting, timeout=1000)


def test_space_writes_the_next_word(qtbot, window):
    for count in (1, 2, 3):
        press(qtbot, window, Qt.Key.Key_Space)
        qtbot.waitUntil(lambda count=count: len(words(window)) == count, timeout=5000)
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
    qtbot.waitUntil(lambda: window.session.trace.ended and not window.controller.playback.playing, timeout=5000)
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


def test_a_killed_backend_is_said_with_a_way_out(qtbot, window):
    press(qtbot, window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: len(words(window)) == 1, timeout=5000)
    os.kill(window.controller.backend.process_id, signal.SIGKILL)
    qtbot.waitUntil(lambda: window.layout_.message("model") is not None, timeout=5000)
    banner = window.layout_.said.banner
    assert banner.isVisible()
    assert words(window) == scripted.CAPTION[:1]
    qtbot.mouseClick(banner.action, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.controller.run.is_open, timeout=10_000)
    assert window.layout_.message("model") is None
    run_to_end(qtbot, window)
    assert words(window) == scripted.CAPTION


def drop(window, mime):
    event = QDropEvent(QPointF(100, 100), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton,
                       Qt.KeyboardModifier.NoModifier)
    window.dropEvent(event)


def test_a_dropped_file_is_opened_whatever_its_name(qtbot, window, tmp_path):
    path = tmp_path / "an ünusual name.png"
    path.write_bytes(scripted.picture(100, 80).data)
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    drop(window, mime)
    assert window.session.picture.name == path.name
    assert path.name in window.windowTitle()
    assert window.settings.recent() == [str(path)]


def test_a_dropped_text_file_is_a_sentence_over_the_input_and_nothing_is_lost(qtbot, window, tmp_path):
    run_to_end(qtbot, window)
    path = tmp_path / "words.jpg"
    path.write_text("no picture")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    drop(window, mime)
    assert "words.jpg" in window.layout_.message("input").text
    assert words(window) == scripted.CAPTION
    assert window.session.picture.name == "drawn.png"
    qtbot.wait(20)
    qtbot.mouseClick(window.layout_.said.banner.dismiss, Qt.MouseButton.LeftButton)
    assert window.layout_.message("input") is None


def test_paste_takes_a_picture_a_path_or_says_that_there_is_none(qtbot, window, tmp_path):
    clipboard = QGuiApplication.clipboard()
    image = QImage(64, 48, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.red)
    clipboard.setImage(image)
    window.do(Paste())
    assert window.session.picture.pixels.shape == (48, 64, 3)
    path = tmp_path / "copied.png"
    path.write_bytes(scripted.picture(90, 60).data)
    clipboard.setText(str(path))
    window.do(Paste())
    assert window.session.picture.name == "copied.png"
    clipboard.setText("a text, for a model that takes one")
    window.do(Paste())
    assert window.session.text.text == "a text, for a model that takes one"
    clipboard.clear()
    window.do(Paste())
    assert "clipboard" in window.layout_.message("input").text


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


def test_models_and_devices_can_be_picked(qtbot, window):
    toolbar = window.layout_.toolbar
    assert toolbar.model.currentText() == "Scripted captioner"
    assert [toolbar.device.itemData(index) for index in range(toolbar.device.count())] == ["auto", "cpu"]
    run_to_end(qtbot, window)
    toolbar.device.activated.emit(1)
    assert window.controller.choice.device == "cpu"
    qtbot.waitUntil(lambda: window.controller.run.is_open, timeout=5000)
    assert words(window) == scripted.CAPTION


def test_decoding_is_changed_in_its_popover(qtbot, window):
    press(qtbot, window, Qt.Key.Key_D)
    popover = window.findChild(DecodingPopover)
    assert popover.isVisible()
    popover.method.setCurrentIndex(1)
    assert window.controller.decoding.method == "beam"
    popover.numbers["beam_width"].setValue(5)
    qtbot.waitUntil(lambda: window.controller.decoding.beam_width == 5, timeout=2000)
    assert window.layout_.toolbar.decoding.text() == "Beam 5"
    popover.close()


def test_help_lists_every_shortcut(qtbot, window):
    press(qtbot, window, Qt.Key.Key_F1)
    dialog = window.findChild(ShortcutsDialog)
    assert isinstance(dialog, QDialog)
    shown = {label.text() for label in dialog.findChildren(QWidget) if label.objectName() == "keyCap"}
    assert {"Space", "P", "Ctrl+E", "F1"} <= shown
    caps = [label for label in dialog.findChildren(QWidget) if label.objectName() == "keyCap"]
    assert len({cap.mapTo(dialog, QPoint()).x() for cap in caps if cap.x() == 0}) == 3  # one a column
    dialog.close()


def test_closing_while_a_caption_plays_leaves_nothing(qtbot, window):
    window.do(c.TogglePlay())
    qtbot.wait(30)
    assert window.close()
    assert not window.controller.backend.alive


def test_what_is_drawn_fits_small_and_large_windows(qtbot, window):
    run_to_end(qtbot, window)
    for size in ((1024, 700), (1600, 1000)):
        window.resize(*size)
        qtbot.wait(30)
        assert window.size().width() == size[0]
        buttons = window.layout_.toolbar.findChildren(QAbstractButton)
        assert all(button.mapTo(window, QPoint(button.width(), 0)).x() <= size[0] for button in buttons)


@pytest.mark.parametrize(("text", "urls", "said"), [
    ("https://example.com/cats/cat.jpg", (), "on the web"), ("", ("https://example.com/cats/cat.jpg",), "on the web"),
    ("/no/such/picture.jpg", (), "no file"), ("~/no such picture.png", (), "no file"),
    ("file:///no/such/picture.jpg", (), "no file"), ("", ("file:///no/such/picture.jpg",), "no file"),
])
def test_what_cannot_be_opened_leaves_the_run(qtbot, window, text, urls, said):
    before = window.session.trace, window.session.input
    mime = QMimeData()
    if text:
        mime.setText(text)
    if urls:
        mime.setUrls([QUrl(url) for url in urls])
    drop(window, mime)
    assert said in window.layout_.message("input").text
    assert (window.session.trace, window.session.input) == before


def test_several_files_are_a_list_to_go_through(qtbot, window, tmp_path):
    paths = []
    for name in ("one.png", "two.png", "three.png"):
        (tmp_path / name).write_bytes(scripted.picture().data)
        paths.append(tmp_path / name)
    mime = QMimeData()
    mime.setText("\n".join(path.as_uri() for path in paths))
    drop(window, mime)
    assert window.session.input.name == "one.png"
    for name in ("two.png", "three.png"):
        assert name in window.layout_.message("run").action
        window.layout_.said.banner.action.click()
        assert window.session.input.name == name
    assert window.layout_.message("run") is None or "three" not in window.layout_.message("run").action


def test_a_large_picture_is_read_aside_and_a_failed_file_is_not_recent(qtbot, window, tmp_path):
    opened = []
    window.controller.voice.opened.connect(opened.append)
    path = tmp_path / "large.png"
    Image.new("L", (4000, 3000), 90).save(path)
    window.do(c.Open(path))
    assert window.session.input is None or window.session.input.name != "large.png"  # not yet
    qtbot.waitUntil(lambda: window.session.input is not None and window.session.input.name == "large.png", timeout=5000)
    assert opened == [str(path)]
    for name in ("broken.png", "broken.mp4"):
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n broken")
        window.layout_.unsay("input")
        window.do(c.Open(tmp_path / name))
        qtbot.waitUntil(lambda: window.layout_.message("input") is not None, timeout=5000)
    assert opened == [str(path)]


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
    qtbot.waitUntil(lambda: len(window.session.branches.all) == 2 and not window.controller.run.busy, timeout=5000)
    window.coordinator.flush()
    window.host.views["picture"].controls.set_channels({"attention": "attention", "occlusion": "occlusion"})
    qtbot.wait(30)
    assert places() == before


def test_what_is_pressed_while_the_model_loads_is_seen(qtbot, open_window):
    window = open_window(started=False)
    window.controller.start()
    press(qtbot, window, Qt.Key.Key_Space)
    press(qtbot, window, Qt.Key.Key_Space)
    assert "goes on to step 2" in window.layout_.message("pressed").text
    qtbot.waitUntil(lambda: window.session.playhead.step == 1, timeout=10_000)
    assert window.layout_.message("pressed") is None


def test_pinned_units_belong_to_a_model(qtbot, window):
    window.do(c.Pin((3, 5)))
    window.do(c.LoadModel("scripted-sentence"))
    qtbot.waitUntil(lambda: window.session.description.name == "scripted-sentence", timeout=5000)
    assert window.session.selection.units == ()
    window.do(c.LoadModel("scripted"))
    qtbot.waitUntil(lambda: window.session.description.name == "scripted", timeout=5000)
    assert window.session.selection.units == (3, 5)


def test_the_run_before_is_kept_with_its_branches_when_another_file_is_opened(qtbot, window):
    run_to_end(qtbot, window)
    window.do(c.ChooseToken(4, scripted.WORDS.index("cat")))
    qtbot.waitUntil(lambda: len(window.session.branches.all) == 2 and not window.controller.run.busy, timeout=5000)
    changed, kept = words(window), window.controller.earlier.kept
    window.do(c.OpenText(typed("a dog")))
    qtbot.waitUntil(lambda: window.session.description.name == "scripted-sentence" and window.controller.run.is_open,
                    timeout=10_000)
    run_to_end(qtbot, window)
    window.menus.earlier.aboutToShow.emit()
    (action,) = window.menus.earlier.actions()
    assert action.text().startswith("drawn.png: “a brown dog")
    action.trigger()
    assert words(window) == changed
    assert len(window.session.branches.all) == 2
    qtbot.waitUntil(lambda: window.session.description.name == "scripted" and window.controller.run.is_open, timeout=10_000)
    assert words(window) == changed
    assert [run.given.text for run in kept] == ["a dog"]
    window.do(c.ChooseToken(6, scripted.WORDS.index("cat")))  # it goes on
    qtbot.waitUntil(lambda: len(window.session.branches.all) == 3 and not window.controller.run.busy, timeout=5000)


@pytest.mark.parametrize("size", [(1440, 900), (1366, 720), (1024, 700)])
def test_what_is_said_covers_nothing_and_moves_the_tracks_alone(qtbot, window, size):
    window.resize(*size)
    for name in ("", "equations"):
        window.do(OpenView(name))
        qtbot.wait(30)
        layout = window.layout_
        parts = {**layout.sections, **layout.drawer.buttons, "scrub bar": window.host.views["scrub bar"],
                 "branches": window.host.views["branches"], "status": layout.status, "toolbar": layout.toolbar}
        places = {part: QRect(widget.mapTo(layout, QPoint()), widget.size()) for part, widget in parts.items()}
        window.settings.put("hints_seen", False)
        window.show_first_hints()
        window.controller.voice.say_notes(("Never seen: é.", "A second sentence about the same sentence."))
        qtbot.wait(30)
        said = QRect(layout.said.mapTo(layout, QPoint()), layout.said.size())
        for part, widget in parts.items():
            place = QRect(widget.mapTo(layout, QPoint()), widget.size())
            assert not widget.isVisible() or not said.intersects(place), part
            assert part == "tracks" or place == places[part], part
        assert layout.sections["tracks"].height() >= 120
        for place in ("run", "input"):
            layout.unsay(place)
        qtbot.wait(30)
        assert QRect(parts["tracks"].mapTo(layout, QPoint()), parts["tracks"].size()) == places["tracks"]


def test_messages_are_gone_through_one_at_a_time(qtbot, window):
    voice, said = window.controller.voice, window.layout_.said
    voice.say_notes(("Never seen: é.", "Cut at 64 pieces."))
    assert said.banner.text.text() == "Never seen: é. Cut at 64 pieces."
    voice.say("run", "Step 3 gave numbers that are not finite.")
    assert (said.banner.message.place, said.banner.next.text()) == ("run", "1 of 2")
    voice.say_notes(("Never seen: é.",))  # said again as the input is read again: the error stays in sight
    assert said.banner.message.place == "run"
    said.banner.next.click()
    assert said.banner.message.place == "input"
    said.banner.dismiss.click()
    assert (said.banner.message.place, said.banner.next.isHidden()) == ("run", True)
    voice.unsaid.emit("run")
    assert said.banner is None
    assert said.isHidden()


def test_what_the_model_refuses_cannot_be_played(qtbot, window):
    window.do(c.OpenData(scripted.picture().data, "bad.png"))
    qtbot.waitUntil(lambda: window.session.input_refused, timeout=5000)
    assert not any(window.actions_by_name[name].isEnabled() for name in ("step", "play", "run_to_end"))
    window.do(c.OpenData(scripted.picture().data, "good.png"))
    qtbot.waitUntil(lambda: window.actions_by_name["play"].isEnabled(), timeout=5000)


def test_a_backend_that_dies_or_is_silent_is_said_in_the_training_room_too(qtbot, window):
    window.do(c.ShowTrainingRoom(on=True))
    assert window.elsewhere.banner is None
    window.controller.backend.silent.emit(True)
    assert window.elsewhere.isVisible()
    assert "stopped answering" in window.elsewhere.banner.text.text()
    window.controller.backend.silent.emit(False)
    assert window.elsewhere.banner is None
    window.controller.backend._process.kill()
    qtbot.waitUntil(lambda: window.elsewhere.banner is not None, timeout=5000)
    window.elsewhere.banner.dismiss.click()
    assert window.elsewhere.banner is None
    window.room.play.click()
    assert window.elsewhere.banner.text.text() == "The model’s process is not running."
    window.elsewhere.banner.action.click()
    qtbot.waitUntil(lambda: window.controller.run.is_open, timeout=10_000)
    assert window.elsewhere.banner is None
    window.do(c.ShowTrainingRoom(on=False))
    assert not window.elsewhere.isVisible()



def test_what_is_opened_from_the_training_room_is_seen_and_so_is_why_it_cannot_be(qtbot, window, tmp_path):
    for opened in (c.OpenData(scripted.picture(width=90).data, "another.png"), c.Open(tmp_path / "missing.jpg")):
        window.do(c.ShowTrainingRoom(on=True))
        assert window.layout_.isHidden()
        window.do(opened)
        assert window.layout_.isVisible()
        assert not window.actions_by_name["room"].isChecked()
    assert "missing.jpg" in window.layout_.said.banner.message.text
    assert window.layout_.said.isVisible()


@pytest.mark.parametrize(("size", "opened", "low"), [((1440, 900), "gates", False), ((1024, 700), "", False),
                                                     ((1024, 700), "gates", True)])
def test_where_there_is_little_height_a_message_is_a_line_until_it_is_clicked(qtbot, window, size, opened, low):
    window.resize(*size)
    window.do(OpenView(opened))
    qtbot.wait(30)
    text = "A long sentence about what was opened. " * 4
    window.controller.voice.say_notes((text,))
    qtbot.wait(30)
    banner, said = window.layout_.said.banner, window.layout_.said
    assert (banner.text.text() == text) is not low
    assert (banner.accessibleName(), banner.text.toolTip()) == (text, text if low else "")
    assert (said.height() <= 40) is low
    qtbot.mouseClick(banner.text, Qt.MouseButton.LeftButton)
    qtbot.wait(30)
    assert banner.text.text() == text
    assert banner.text.heightForWidth(banner.text.width()) <= banner.text.height()


def test_an_error_is_not_said_of_the_next_run(qtbot, window):
    window.controller.voice.say("run", "Step 3 gave numbers that are not finite.")
    window.do(c.OpenData(scripted.picture(width=90).data, "another.png"))
    assert window.layout_.message("run") is None


def test_no_beam_is_offered_over_labels_that_are_not_fed_back(qtbot, window):
    window.do(c.SetDecoding(Decoding(method="beam")))
    window.do(c.LoadModel("scripted-clip"))
    qtbot.waitUntil(lambda: window.session.description.name == "scripted-clip", timeout=5000)
    assert window.controller.decoding.method == "greedy"
    window.do(c.ShowDialog("decoding"))
    popover = window.findChild(DecodingPopover)
    assert popover.method.findData("beam") < 0
    assert popover.method.findData("sampling") >= 0
    assert "beam" not in [name for name, tab in window.layout_.drawer.buttons.items() if not tab.isHidden()]


def test_a_narrow_status_line_cuts_what_is_said_and_never_the_badge(qtbot, window):
    window.resize(960, 700)
    status, badge = window.layout_.status, QLabel("✓ verified to 1.5·10⁻⁶")
    status.add_badge(badge)
    status.set_facts("4.1 ms per step  ·  " + "A model of a very long name " * 4)
    status.set_activity("Fetching a model of a very long name " * 3, 0.5, loading=True)
    qtbot.waitUntil(lambda: badge.width() > 0, timeout=2000)
    status.layout().activate()
    assert badge.width() >= badge.sizeHint().width()
    for label in (status.facts, status.activity):
        assert QLabel.text(label).endswith("…")
    status.set_facts("short")
    status.set_activity("", 0)
    status.layout().activate()
    assert QLabel.text(status.facts) == "short"


def test_the_window_stays_of_use_while_a_corpus_is_traced(qtbot, window):
    for _ in range(2):
        window.do(c.ShowDialog("trace corpus"))
    (dialog,) = window.findChildren(TracingDialog)
    assert dialog.isVisible()
    assert not dialog.isModal()
    window.close()
    assert not dialog.isVisible()
