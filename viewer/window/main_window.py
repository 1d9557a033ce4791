"""The window: panels in their places, menus, and everything that a person can do by key, button, drop or paste."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QWidget

from unrolled.assets import path as asset
from unrolled.models.inputs.inputs import NO_INPUT, InputText
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.dispatch import Dispatch, handles
from unrolled.viewer.control.control import Control
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.notice import Notice
from unrolled.viewer.state.session import Session
from unrolled.viewer.state.session_commands import session_commands
from unrolled.viewer.theme.icons import icon
from unrolled.viewer.theme.stylesheet import apply_theme
from unrolled.viewer.theme.themes import DARK, LIGHT, Theme
from unrolled.viewer.views.spec import ViewSpec
from unrolled.viewer.widgets.banner import BannerPlace
from unrolled.viewer.widgets.building import in_column
from unrolled.viewer.window.actions import action_specs, make_actions, set_icons
from unrolled.viewer.window.coordinator import Coordinator
from unrolled.viewer.window.dialog_actions import DialogActions
from unrolled.viewer.window.key_guard import KeyGuard
from unrolled.viewer.window.layout import Layout
from unrolled.viewer.window.menus import Menus, in_menu
from unrolled.viewer.window.settings import WindowSettings
from unrolled.viewer.window.view_host import ViewHost

if TYPE_CHECKING:
    from unrolled.viewer.corpus.page import CorpusPage
    from unrolled.viewer.training_room.page import TrainingRoomPage

FIRST_SIZE, LEAST_SIZE = (1440, 900), (960, 620)
OPENING = (c.Open, c.OpenAll, c.OpenNext, c.OpenData, c.OpenText, c.OpenSample, c.DrawInput, c.LoadModel, c.RestoreLast,
           c.ReturnToRun)
ABOUT_NO_PAGE = ("model", "input")  # places of messages: a document may be opened from any
FRAME_SIZE = 16, 48  # what the system draws around a window, at most


def current_theme(choice: str) -> Theme:
    """The theme that is chosen, or the system's."""
    if choice == "system":
        dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return DARK if dark else LIGHT
    return DARK if choice == "dark" else LIGHT


def first_size(room: QSize) -> QSize:
    """The size of a window that was never resized, on a screen with so much room in device-independent pixels."""
    return QSize(*FIRST_SIZE).boundedTo(room - QSize(*FRAME_SIZE)).expandedTo(QSize(*LEAST_SIZE))


class MainWindow(QMainWindow):
    """The one window.

    Parameters
    ----------
    views : tuple of ViewSpec, optional
        What can be shown; by default the catalogue's.
    """

    closing = Signal()  # the session is still there
    remembers = True  # whether settings are written when it closes

    def __init__(self, session: Session, controller: Control, settings: WindowSettings,
                 views: tuple[ViewSpec, ...] | None = None) -> None:
        super().__init__()
        self.session = session
        self.controller = controller
        self.settings = settings
        self.theme = current_theme(session.appearance.values.theme)
        self.setWindowTitle("Unrolled")
        self.setAcceptDrops(True)
        self.resize(first_size(self.screen().availableSize()))
        self.setMinimumSize(*LEAST_SIZE)
        self.host = ViewHost(session, self.do, self.theme, lambda view: settings.kept(f"view_{view}", list[str]), views, self)
        self.action_specs = action_specs(self.host.specs)
        self.actions_by_name = make_actions(self, self.action_specs)
        self._apply_theme()
        self.layout_ = Layout(session, self.host, self.actions_by_name, self.do, self.theme, self)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.layout_)
        self.room: TrainingRoomPage | None = None  # made when it is first entered
        self.corpus: CorpusPage | None = None      # made when a store is first opened
        self._hint: Notice | None = None
        self.elsewhere = BannerPlace(self.theme)  # what is said while another page than the run's is shown
        self.pages.currentChanged.connect(lambda _: self.elsewhere.clear_all())  # the run's page has them all
        central = QWidget()
        below = QWidget(visible=False)  # its margin is there with a message alone
        in_column(below, self.elsewhere).setContentsMargins(12, 0, 12, 8)
        self.elsewhere.fitted.connect(lambda: below.setHidden(self.elsewhere.isHidden()))
        in_column(central, (self.pages, 1), below, spacing=0)
        self.setCentralWidget(central)
        self.layout_.setFocus()  # otherwise the first button has it, and Space would open a file
        self.coordinator = Coordinator(session, self.host.views.values(), self)
        self.dialogs = DialogActions(self)
        self._dispatch = Dispatch(session_commands(session), controller.commands, self.layout_.drawer, self.dialogs, self)
        self.menus = Menus(self)
        self._key_guard = KeyGuard(self)
        self._connect()
        self._restore()
        self.update_actions()
        self._update_title()
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._appearance_changed)

    def do(self, command: c.Command) -> None:
        """Have a command done: all that a person asks for passes here."""
        if isinstance(command, OPENING):
            self._show_run()
        self._dispatch(command)

    def say(self, notice: Notice) -> None:
        """Say what is about no page alone on whichever is shown."""
        self.layout_.said.show_message(notice)
        if self.pages.currentWidget() is not self.layout_:
            self.elsewhere.show_message(notice)

    def _connect(self) -> None:
        controller, session, layout = self.controller, self.session, self.layout_
        for spec in self.action_specs:
            action = self.actions_by_name[spec.name]
            signal = action.toggled if spec.checkable else action.triggered
            signal.connect(lambda on=False, spec=spec: self.do(spec.do(on) if spec.checkable else spec.do()))
        controller.voice.said.connect(
            lambda notice: (self.say if notice.place in ABOUT_NO_PAGE else layout.said.show_message)(notice))
        for place in (layout.said, self.elsewhere):
            controller.voice.unsaid.connect(place.clear)
        controller.voice.status_changed.connect(
            lambda text, fraction: layout.status.set_activity(text, fraction, loading=controller.run.state.loading and (
                fraction >= 0 or controller.run.loaded is not None)))  # there is a model to go back to
        controller.voice.state_changed.connect(self.update_actions)
        controller.voice.opened.connect(self.opened_file)
        controller.traceback_wanted.connect(self.dialogs.show_traceback)
        controller.history.indexChanged.connect(self.update_actions)
        self.coordinator.flushed.connect(self._flushed)
        self.host.made.connect(self.coordinator.add)
        session.input_changed.connect(self._update_title)
        session.open_store.changed.connect(lambda: self.do(c.ShowCorpus(on=True)))
        session.open_store.document_changed.connect(lambda: self.do(c.ShowCorpus(on=False)))
        session.appearance.changed.connect(self._appearance_changed)
        session.ended.connect(self._run_ended)

    @property
    def in_room(self) -> bool:
        return self.room is not None and self.pages.currentWidget() is self.room

    def update_actions(self) -> None:
        """Say of every action whether it can be done, and what is chosen."""
        controller, session, toolbar, actions = self.controller, self.session, self.layout_.toolbar, self.actions_by_name
        given, description, waiting = session.input, session.description, controller.waiting.titles
        has_run = session.trace is not None or controller.run.state.waiting or (given is not None and not session.input_refused)
        has_steps = session.trace is not None and len(session.trace) > 0
        in_sight = has_run and self.pages.currentWidget() is self.layout_  # other pages have keys of their own
        for possible, *names in (
                (in_sight, "step", "back", "first", "last", "play", "run_to_end"),
                (has_run, "save_session"),
                (has_steps, "compare_model", "compare_trace"),
                (has_steps and given is not None and given.medium != NO_INPUT, "swap", "compare_input"),
                (controller.comparing.is_on, "compare_end"),
                (has_steps or self.in_room, "export"),
                (given is not None and description is not None, "run_again"),
                (isinstance(given, InputText), "encoding"),
                (session.open_store.store is not None, "corpus"),
                (bool(waiting), "open_next")):
            for name in names:
                actions[str(name)].setEnabled(bool(possible))
        history = controller.history
        for name, can, text in (("undo", history.canUndo(), history.undoText()), ("redo", history.canRedo(), history.redoText())):
            actions[name].setEnabled(can)
            actions[name].setText(f"{name.capitalize()}: {in_menu(text)}" if text else name.capitalize())
        for name, page in (("corpus", self.corpus), ("room", self.room)):
            with QSignalBlocker(actions[name]):
                actions[name].setChecked(page is not None and self.pages.currentWidget() is page)
        draws = description.draws if description is not None else ""
        actions["draw_input"].setText(f"New {draws or 'scene'}")
        actions["draw_input"].setVisible(bool(draws))
        actions["open_next"].setText(
            f"Next: {in_menu(waiting[0])} (of {len(waiting):,})" if waiting else "Next of what is waiting")
        playback = controller.playback
        actions["play"].setText("Pause" if playback.playing else "Play")
        actions["loop"].setChecked(playback.loop)
        toolbar.set_playing(playback.playing, possible=has_run)
        toolbar.set_speed(playback.speed)
        toolbar.set_decoding(controller.decoding.in_words)
        current = controller.choice.model or (description.name if description is not None else "")
        there = description is not None and not controller.run.state.loading
        toolbar.set_models(controller.choice.models, current, recent=controller.choice.recent,
                           families=controller.choice.families,
                           title=description.title if there and description is not None else "", loading=controller.backend.alive)
        toolbar.set_devices(controller.choice.devices, controller.choice.device)
        values = session.appearance.values
        for name, on in (("attention_scale", values.attention_scale == "stretched"),
                         ("attention_style", values.attention_style == "dimmed"),
                         ("attention_smooth", values.attention_smooth), ("show_region", values.show_region),
                         ("candidates_log", values.candidates_logarithmic)):
            actions[name].setChecked(on)

    def _flushed(self) -> None:
        session, controller = self.session, self.controller
        has_steps = session.trace is not None and len(session.trace) > 0
        self.actions_by_name["export"].setEnabled(has_steps or self.in_room)
        facts = []
        if has_steps and controller.recording.last_milliseconds > 0:
            facts.append(f"{controller.recording.last_milliseconds:.1f} ms per step")
        if session.description is not None:
            titles = {device.name: device.title for device in controller.choice.devices}
            facts.append(f"{session.description.title} on {titles.get(session.device, session.device)}")
        self.layout_.status.set_facts("  ·  ".join(facts))

    def _update_title(self) -> None:
        given = self.session.input
        name = given.name.replace("[*]", "[*][*]") if given is not None else ""  # or Qt takes it away
        self.setWindowTitle(f"{name} – Unrolled" if name else "Unrolled")

    def _appearance_changed(self) -> None:
        theme = current_theme(self.session.appearance.values.theme)
        if theme is not self.theme:
            self.theme = theme
            self._apply_theme()
            self.layout_.set_theme(theme)
            self.elsewhere.set_theme(theme)
            for page in (self.room, self.corpus):
                if page is not None:
                    page.set_theme(theme)
        self.update_actions()

    def _apply_theme(self) -> None:
        apply_theme(self.theme)
        set_icons(self.actions_by_name, self.theme)
        self.actions_by_name["theme"].setIcon(icon("sun" if self.theme is DARK else "moon", self.theme))

    def _run_ended(self) -> None:
        if not self.settings.switch("hints_seen"):
            self.settings.put("hints_seen", True)
            if self.layout_.said.message("run") is self._hint:
                self.layout_.said.clear("run")

    @handles(c.ShowTrainingRoom)
    def show_room(self, command: c.ShowTrainingRoom) -> None:
        """Go to the training room, or back; the run that is inspected stays as it is."""
        shown = command.on
        if shown and self.room is None:
            from unrolled.viewer.training_room.page import TrainingRoomPage

            self.room = TrainingRoomPage(self.controller.backend, self.theme, self.settings.text("room"))
            self.pages.addWidget(self.room)
            self.room.left.connect(lambda: self.actions_by_name["room"].setChecked(False))
            self.room.backend_wanted.connect(self.controller.voice.say_not_running)
        if self.room is None:
            return
        if shown:
            self.do(c.Pause())
            self.pages.setCurrentWidget(self.room)
            self.room.setFocus()
            self.room.enter()
        else:
            self.room.leave()
            self.pages.setCurrentWidget(self.layout_)
            self.layout_.setFocus()
        self.update_actions()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape leaves the training room, and the corpus."""
        shown = next((name for name in ("room", "corpus") if self.actions_by_name[name].isChecked()), "")
        if event.key() == Qt.Key.Key_Escape and shown:
            self.actions_by_name[shown].setChecked(False)
        else:
            super().keyPressEvent(event)

    @handles(c.ShowCorpus)
    def show_corpus(self, command: c.ShowCorpus) -> None:
        """Go to the page of the store that is open, or back."""
        shown = command.on and self.session.open_store.store is not None
        if shown and self.corpus is None:
            from unrolled.viewer.corpus.page import CorpusPage

            self.corpus = CorpusPage(self.session.open_store, self.do, self.theme)
            self.pages.addWidget(self.corpus)
            self.corpus.left.connect(lambda: self.do(c.ShowCorpus(on=False)))
        if shown and self.corpus is not None:
            self.do(c.Pause())
            self.actions_by_name["room"].setChecked(False)
            self.pages.setCurrentWidget(self.corpus)
            self.corpus.question.setFocus()
        elif self.pages.currentWidget() is self.corpus:
            self.pages.setCurrentWidget(self.layout_)
            self.layout_.setFocus()
        self.update_actions()

    def _show_run(self) -> None:
        """Leave the training room and the corpus: what is opened is seen, and what is said of it."""
        if self.in_room:
            self.do(c.ShowTrainingRoom(on=False))
        self.do(c.ShowCorpus(on=False))

    @handles(c.ShowFullScreen)
    def show_full_screen(self, command: c.ShowFullScreen) -> None:
        if command.on:
            self.showFullScreen()
        else:
            self.showNormal()

    @handles(c.Quit)
    def quit(self, _: c.Quit) -> None:
        self.close()

    @handles(c.SwitchTheme)
    def switch_theme(self, _: c.SwitchTheme) -> None:
        self.session.appearance.update(theme="light" if self.theme is DARK else "dark")

    def show_first_hints(self) -> None:
        """On the first run, say in a few words what to do."""
        if not self.settings.switch("hints_seen"):
            self._hint = Notice(
                place="run", kind="info", action="All shortcuts", act=lambda: self.do(c.ShowDialog("shortcuts")),
                text="Press Space for the next step, P to play. Drag the bar below to scrub through the run. "
                     "Drop a file anywhere to open it.")
            self.layout_.said.show_message(self._hint)

    def opened_file(self, name: str) -> None:
        """Remember a file that was opened or saved; not a sample, and not what is kept by itself."""
        if self.dialogs.last_session is not None and Path(name) == self.dialogs.last_session:
            return
        if not Path(name).is_relative_to(asset("samples")):
            self.settings.put_recent(name)
            self.settings.put("folder", str(Path(name).parent))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        mime = event.mimeData()
        if event.source() is None and (mime.hasUrls() or mime.hasImage() or mime.hasText()):  # no words selected in here
            event.acceptProposedAction()
            self.layout_.show_drop_hint(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.layout_.show_drop_hint(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self.layout_.show_drop_hint(False)
        event.acceptProposedAction()
        if not self.dialogs.open_data(event.mimeData(), "dropped.png"):
            self.controller.voice.say("input", "There is no picture, text or file in what was dropped.", "info")

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.remembers:
            self._remember()
        self.hide()  # whatever has to be waited for
        self.closing.emit()
        for dialog in self.findChildren(QWidget):
            if dialog.isWindow() and dialog.isVisible():
                dialog.close()
        if self.room is not None:
            self.room.close_room()
        if self.corpus is not None:
            self.corpus.close_page()
        self.controller.close()
        self.host.close()
        super().closeEvent(event)

    def _remember(self) -> None:
        settings, controller = self.settings, self.controller
        settings.put("geometry", self.saveGeometry())
        self.layout_.remember(settings)
        settings.keep("appearance", self.session.appearance.values)
        settings.keep("decoding", controller.chosen_decoding)
        settings.put("speed", controller.playback.speed)
        settings.put("loop", controller.playback.loop)
        if self.room is not None:
            settings.put("room", self.room.remembered)
        if self.session.description is not None:
            settings.put("model", controller.choice.model)
            settings.put("model_kind", self.session.description.input_kind if not self.session.description.draws else "")
            settings.put("device", controller.choice.device)
        settings.save()

    def _restore(self) -> None:
        settings = self.settings
        geometry = settings.shape("geometry")
        if geometry is not None:
            self.restoreGeometry(geometry)
        self.layout_.restore(settings)
        self.controller.begin_with(decoding=settings.kept("decoding", Decoding), preferred=settings.text("model"),
                                   preferred_kind=settings.text("model_kind"), preferred_device=settings.text("device"))
        self.controller.playback.set_speed(settings.number("speed", self.controller.playback.speed))
        self.controller.playback.set_loop(settings.switch("loop"))

    def after_first_paint(self, then: Callable[[], None]) -> None:
        """Call something once the window has been seen."""
        QTimer.singleShot(1, self, then)
