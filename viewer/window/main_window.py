"""The window: panels in their places, menus, and everything that a person can do by key, button, drop or paste."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QGuiApplication,
    QKeyEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QMainWindow,
    QStackedWidget,
    QWidget,
)

from unrolled.assets import path as asset
from unrolled.models.inputs.inputs import typed
from unrolled.viewer.control.control import Controller
from unrolled.viewer.state.notice import Notice
from unrolled.viewer.state.session import Session
from unrolled.viewer.theme.icons import icon
from unrolled.viewer.theme.stylesheet import palette, stylesheet
from unrolled.viewer.theme.themes import DARK, LIGHT, Theme
from unrolled.viewer.views.view import View
from unrolled.viewer.window.actions import SPECS, key_text, make_actions, set_icons
from unrolled.viewer.window.coordinator import Coordinator
from unrolled.viewer.window.dialog_actions import Asking
from unrolled.viewer.window.drawer import TABS
from unrolled.viewer.window.key_guard import KeyGuard
from unrolled.viewer.window.layout import Layout
from unrolled.viewer.window.menus import Menus
from unrolled.viewer.window.pasting import path_of, picture_of
from unrolled.viewer.window.settings import WindowSettings

if TYPE_CHECKING:
    from unrolled.viewer.training_room.page import TrainingRoomPage

FIRST_SIZE, LEAST_SIZE = (1440, 900), (960, 620)
OPACITY_STEP = 0.1
SPEED_FACTOR = 1.25
ZOOM_FACTOR = 1.25


def current_theme(choice: str) -> Theme:
    """The theme that is chosen, or the system's."""
    if choice == "system":
        dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return DARK if dark else LIGHT
    return DARK if choice == "dark" else LIGHT


class MainWindow(QMainWindow):
    """The one window.

    Parameters
    ----------
    session : Session
        What is shown.
    controller : Controller
        What does things.
    settings : WindowSettings
        What is remembered.

    Attributes
    ----------
    closing : Signal()
        The window is about to close; the session is still there.
    remembers : bool
        Whether settings are written when it closes.
    """

    closing = Signal()
    remembers = True

    def __init__(self, session: Session, controller: Controller, settings: WindowSettings) -> None:
        super().__init__()
        self.session = session
        self.controller = controller
        self.settings = settings
        self.theme = current_theme(session.appearance.values.theme)
        self.setWindowTitle("Unrolled")
        self.setAcceptDrops(True)
        self.resize(*FIRST_SIZE)
        self.setMinimumSize(*LEAST_SIZE)
        self.actions_by_name = make_actions(self)
        self._apply_theme()
        self.layout_ = Layout(session, self.actions_by_name, self.theme, self)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.layout_)
        self.room: TrainingRoomPage | None = None  # made when it is first entered
        self.setCentralWidget(self.pages)
        self.layout_.setFocus()  # otherwise the first button has it, and Space would open a file
        self.coordinator = Coordinator(session, self.layout_.panels, self)
        self.asking = Asking(self)
        self.menus = Menus(self)
        self._key_guard = KeyGuard(self)
        self._connect()
        self._restore()
        self.update_actions()
        self._update_title()
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._system_theme_changed)

    # ── Building ──────────────────────────────────────────────────────────────────────────────────────────────

    def _connect(self) -> None:
        controller, session, layout, asking = self.controller, self.session, self.layout_, self.asking
        handlers: dict[str, Callable[[], object]] = {
            "open": asking.ask_open, "open_frames": asking.ask_frames, "paste": asking.paste,
            "open_checkpoint": asking.ask_checkpoint, "save_session": asking.ask_save, "export": asking.ask_export,
            "draw_input": controller.draw_input, "restore": asking.restore_last, "quit": self.close,
            "step": self._in_room(lambda: self.room.toggle() if self.room is not None else None, controller.step_forward),
            "back": controller.step_back, "first": controller.go_first,
            "last": controller.go_last, "run_to_end": controller.run_to_end, "play": controller.toggle_play,
            "faster": lambda: controller.playback.set_speed(controller.playback.speed * SPEED_FACTOR),
            "slower": lambda: controller.playback.set_speed(controller.playback.speed / SPEED_FACTOR),
            "decoding": asking.open_decoding, "run_again": controller.run_again, "theme": self.switch_theme,
            "more_opaque": lambda: self._change_opacity(OPACITY_STEP),
            "less_opaque": lambda: self._change_opacity(-OPACITY_STEP),
            "clear_pins": session.selection.clear,
            "zoom_in": lambda: self._zoom(1 / ZOOM_FACTOR), "zoom_out": lambda: self._zoom(ZOOM_FACTOR),
            "undo": controller.history.undo, "redo": controller.history.redo, "swap": asking.ask_swap,
            "compare_model": asking.ask_compare_model, "compare_input": asking.ask_compare_input,
            "compare_trace": asking.ask_compare_trace, "compare_end": controller.end_comparison,
            **{tab.name: partial(layout.drawer.toggle, tab.name) for tab in TABS},
            "zoom_reset": session.time_axis.reset, "shortcuts": asking.show_shortcuts, "about": asking.show_about,
        }
        for name, handler in handlers.items():
            self.actions_by_name[name].triggered.connect(lambda _=False, handler=handler: handler())
        appearance = session.appearance
        for name, react in (
            ("loop", controller.playback.set_loop),
            ("attention_scale", lambda on: appearance.update(attention_scale="stretched" if on else "absolute")),
            ("attention_smooth", lambda on: appearance.update(attention_smooth=on)),
            ("show_region", lambda on: appearance.update(show_region=on)),
            ("room", self.show_room),
            ("full_screen", lambda on: self.showFullScreen() if on else self.showNormal()),
        ):
            self.actions_by_name[name].toggled.connect(react)
        toolbar = layout.toolbar
        toolbar.model_chosen.connect(controller.load_model)
        toolbar.device_chosen.connect(controller.set_device)
        toolbar.checkpoint_wanted.connect(self.asking.ask_checkpoint)
        toolbar.speed_chosen.connect(controller.playback.set_speed)
        controller.said.connect(layout.say)
        controller.unsaid.connect(layout.unsay)
        controller.status_changed.connect(layout.status.set_activity)
        controller.state_changed.connect(self.update_actions)
        controller.opened_file.connect(self.opened_file)
        self.coordinator.flushed.connect(self._flushed)
        controller.history.indexChanged.connect(lambda _: self.update_actions())
        layout.drawer.made.connect(self._drawer_panel_made)
        rows = layout.branches.rows
        rows.show_wanted.connect(controller.show_branch)
        rows.rename_wanted.connect(controller.rename_branch)
        rows.remove_wanted.connect(controller.remove_branch)
        rows.compare_wanted.connect(controller.compare_branch)
        layout.drawer.set_hints({spec.name: key_text(spec.keys[0]) for spec in SPECS if spec.keys})
        session.input_changed.connect(self._update_title)
        session.appearance.changed.connect(self._appearance_changed)
        session.ended.connect(self._run_ended)

    # ── What follows the state ────────────────────────────────────────────────────────────────────────────────

    def update_actions(self) -> None:
        """Say of every action whether it can be done, and what is chosen."""
        controller, session, toolbar = self.controller, self.session, self.layout_.toolbar
        has_run = session.trace is not None or session.input is not None
        has_steps = session.trace is not None and len(session.trace) > 0
        for name in ("step", "play", "run_to_end"):
            self.actions_by_name[name].setEnabled(has_run)
        history = controller.history
        for name, possible, text in (("undo", history.canUndo(), history.undoText()),
                                     ("redo", history.canRedo(), history.redoText())):
            self.actions_by_name[name].setEnabled(possible)
            self.actions_by_name[name].setText(f"{name.capitalize()}: {text}" if text else name.capitalize())
        for name in ("swap", "compare_model", "compare_input", "compare_trace"):
            self.actions_by_name[name].setEnabled(has_steps)
        self.actions_by_name["compare_end"].setEnabled(session.compared is not None)
        for name in ("back", "first", "last"):
            self.actions_by_name[name].setEnabled(has_run)
        draws = session.description.draws if session.description is not None else ""
        self.actions_by_name["draw_input"].setText(f"New {draws or 'scene'}")
        self.actions_by_name["draw_input"].setVisible(bool(draws))
        self.actions_by_name["export"].setEnabled(has_steps)
        self.actions_by_name["save_session"].setEnabled(has_run)
        self.actions_by_name["run_again"].setEnabled(session.input is not None and session.description is not None)
        playback = controller.playback
        self.actions_by_name["play"].setText("Pause" if playback.playing else "Play")
        self.actions_by_name["loop"].setChecked(playback.loop)
        toolbar.set_playing(playback.playing, possible=has_run)
        toolbar.set_speed(playback.speed)
        toolbar.set_decoding(controller.decoding.in_words)
        description = session.description
        current = description.name if description is not None and not controller.loading else controller.wanted_model
        toolbar.set_models(controller.models, current, title=description.title if description is not None else "",
                           loading=controller.backend.alive)
        toolbar.set_devices(controller.devices, controller.wanted_device)
        values = session.appearance.values
        for name, on in (("attention_scale", values.attention_scale == "stretched"),
                         ("attention_smooth", values.attention_smooth), ("show_region", values.show_region)):
            self.actions_by_name[name].setChecked(on)

    def _flushed(self) -> None:
        session, controller = self.session, self.controller
        has_steps = session.trace is not None and len(session.trace) > 0
        if self.actions_by_name["export"].isEnabled() != has_steps:
            self.actions_by_name["export"].setEnabled(has_steps)
        facts = []
        if controller.last_milliseconds > 0:
            facts.append(f"{controller.last_milliseconds:.1f} ms a step")
        if session.description is not None:
            titles = {device.name: device.title for device in controller.devices}
            facts.append(f"{session.description.title} on {titles.get(session.device, session.device)}")
        self.layout_.status.facts.setText("  ·  ".join(facts))

    def _update_title(self) -> None:
        given = self.session.input
        self.setWindowTitle(f"{given.name} – Unrolled" if given is not None else "Unrolled")

    def _appearance_changed(self) -> None:
        theme = current_theme(self.session.appearance.values.theme)
        if theme is not self.theme:
            self.theme = theme
            self._apply_theme()
            self.layout_.set_theme(theme)
            if self.room is not None:
                self.room.set_theme(theme)
        self.update_actions()

    def _system_theme_changed(self) -> None:
        self._appearance_changed()

    def _apply_theme(self) -> None:
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.setPalette(palette(self.theme))
        application.setStyleSheet(stylesheet(self.theme))
        set_icons(self.actions_by_name, self.theme)
        self.actions_by_name["theme"].setIcon(icon("sun" if self.theme is DARK else "moon", self.theme))

    def _run_ended(self) -> None:
        if not self.settings.switch("hints_seen"):
            self.settings.put("hints_seen", True)
            self.layout_.unsay("run")

    # ── Actions ───────────────────────────────────────────────────────────────────────────────────────────────

    def show_room(self, shown: bool) -> None:
        """Go to the training room, or back; the run that is inspected stays as it is."""
        if shown and self.room is None:
            from unrolled.viewer.training_room.page import TrainingRoomPage

            self.room = TrainingRoomPage(self.controller.backend, self.theme, self.settings.text("room"))
            self.pages.addWidget(self.room)
            self.room.left.connect(lambda: self.actions_by_name["room"].setChecked(False))
            self.room.backend_wanted.connect(self.controller.restart_backend)
        if self.room is None:
            return
        if shown:
            self.controller.playback.stop()
            self.pages.setCurrentWidget(self.room)
            self.room.setFocus()
            self.room.enter()
        else:
            self.room.leave()
            self.pages.setCurrentWidget(self.layout_)
            self.layout_.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape leaves the training room."""
        if event.key() == Qt.Key.Key_Escape and self.actions_by_name["room"].isChecked():
            self.actions_by_name["room"].setChecked(False)
        else:
            super().keyPressEvent(event)

    def _in_room(self, do: Callable[[], object], otherwise: Callable[[], object]) -> Callable[[], object]:
        """What a key does in the training room, and what in the microscope."""
        return lambda: do() if self.room is not None and self.pages.currentWidget() is self.room else otherwise()

    def _drawer_panel_made(self, panel: View) -> None:
        """Connect what a panel of the drawer asks for, and keep it up to date."""
        controller = self.controller
        wants: tuple[tuple[str, Callable[..., object]], ...] = (
            ("edits_wanted", controller.set_edits), ("followed", controller.follow_hypothesis),
            ("swap_wanted", lambda _: self.asking.ask_swap()), ("trace_wanted", lambda name: controller.open_file(Path(name))))
        for name, react in wants:
            signal = getattr(panel, name, None)
            if signal is not None:
                signal.connect(react)
        self.coordinator.add(panel)

    def switch_theme(self) -> None:
        """From light to dark or back."""
        self.session.appearance.update(theme="light" if self.theme is DARK else "dark")

    def show_first_hints(self) -> None:
        """On the first run, say in a few words what to do."""
        if not self.settings.switch("hints_seen"):
            self.layout_.say(Notice(
                place="run", kind="info", action="All shortcuts", act=self.asking.show_shortcuts,
                text="Space writes the next word, P plays. Drag the bar below to move through the words. "
                     "Drop a picture anywhere to open it."))

    def _change_opacity(self, by: float) -> None:
        values = self.session.appearance.values
        self.session.appearance.update(attention_opacity=round(min(max(values.attention_opacity + by, 0.0), 1.0), 2))

    def _zoom(self, factor: float) -> None:
        self.session.time_axis.zoom(factor, max(self.session.playhead.step, 0) + 0.5)

    def opened_file(self, name: str) -> None:
        """Remember a file that was opened or saved; not a sample, and not what is kept by itself."""
        if self.asking.last_session is not None and Path(name) == self.asking.last_session:
            return
        if not Path(name).is_relative_to(asset("samples")):
            self.settings.put_recent(name)
            self.settings.put("folder", str(Path(name).parent))

    # ── Dropping, keys, closing ───────────────────────────────────────────────────────────────────────────────

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Say that it can be dropped."""
        mime = event.mimeData()
        if path_of(mime) is not None or mime.hasImage() or mime.hasText():
            event.acceptProposedAction()
            self.layout_.show_drop_hint(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """It was carried on."""
        self.layout_.show_drop_hint(False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        self.layout_.show_drop_hint(False)
        path, picture = path_of(event.mimeData()), picture_of(event.mimeData())
        event.acceptProposedAction()
        if path is not None:
            self.controller.open_file(path)
        elif picture is not None:
            self.controller.open_bytes(picture, "dropped.png")
        elif event.mimeData().hasText():
            self.controller.open_text(typed(event.mimeData().text()))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember everything, stop everything."""
        if self.remembers:
            self._remember()
        self.closing.emit()
        for dialog in self.findChildren(QWidget):
            if dialog.isWindow() and dialog.isVisible():
                dialog.close()
        if self.room is not None:
            self.room.close_room()
        self.controller.close()
        self.layout_.close_panels()
        super().closeEvent(event)

    def _remember(self) -> None:
        settings, controller = self.settings, self.controller
        settings.put_shape("geometry", self.saveGeometry())
        self.layout_.remember(settings)
        settings.put_appearance(self.session.appearance.values)
        settings.put_decoding(controller.decoding)
        settings.put("speed", controller.playback.speed)
        settings.put("loop", controller.playback.loop)
        if self.room is not None:
            settings.put("room", self.room.remembered)
        if self.session.description is not None:
            settings.put("model", controller.wanted_model)
            settings.put("device", controller.wanted_device)
        settings.save()

    def _restore(self) -> None:
        settings = self.settings
        geometry = settings.shape("geometry")
        if geometry is not None:
            self.restoreGeometry(geometry)
        self.layout_.restore(settings)
        self.controller.decoding = settings.decoding()
        self.controller.playback.set_speed(settings.number("speed", self.controller.playback.speed))
        self.controller.playback.set_loop(settings.switch("loop"))
        self.controller.preferred_model = settings.text("model")
        self.controller.wanted_device = settings.text("device", "auto")

    def after_first_paint(self, then: Callable[[], None]) -> None:
        """Call something once the window has been seen."""
        QTimer.singleShot(1, self, then)
