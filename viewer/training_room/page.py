"""The training room: a small network is trained live, its loss and its gradients drawn as they come."""

from collections.abc import Callable

import msgspec
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QPushButton, QWidget

from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.export.scenes.board import BoardScene
from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.state.notice import Notice
from unrolled.viewer.theme.icons import icon
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.training_room.controls import TrainingRoomControls, as_text, from_text
from unrolled.viewer.training_room.history import History
from unrolled.viewer.training_room.plots import TITLES, TrainingPlots, draw_board
from unrolled.viewer.training_room.sentences import of_decay, of_loss, of_map, of_norms
from unrolled.viewer.training_room.trainer import Trainer
from unrolled.viewer.widgets.building import countdown, elided_label, in_column, in_row, muted_label, named, push_button, scrolled

FRAME_MILLISECONDS = 16
CONTROLS_WIDTH = 264
SENTENCE_LINES, NARROW, NARROW_LINES = 3, 1200, 4  # lines below a plot, and so many in a page of fewer pixels


class TrainingRoomPage(QWidget):
    left = Signal()
    backend_wanted = Signal()

    def __init__(self, backend: BackendProcess, theme: Theme, remembered: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setAccessibleName("Training room")
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.trainer = Trainer(backend, self)
        self.controls = TrainingRoomControls(*from_text(remembered))
        self.drawn = TrainingPlots(theme)
        self.plots = self.drawn.all
        self.back = self._button("Back to the microscope", "back", "Back to the microscope (Ctrl+T or Escape)", self.left.emit)
        self.play = self._button("Train", "play", "Train, or pause (Space)", self.toggle, "Space")
        self.one = self._button("One update", "step", "Make one update (→)", self.step, "Right")
        self.again = self._button("Start again", "again", "Start again with the same seed (Home)", self.begin_again, "Home")
        self.of_cell = named(QCheckBox("of the cell c, not of h"), "Gradients of the cell",
                             "An LSTM’s gradients go back through its cell, past the gates")
        self.folder = self._button("Show in folder", "open", "Open the folder it was saved in", self._open_folder)
        self.folder.hide()
        self._show_folder: Callable[[], object] | None = None
        self.said = muted_label(wrapped=True)
        self.said.setMinimumWidth(1)
        self.readout = elided_label(look="muted")
        self.readout.setFixedHeight(18)
        self.readout.setAccessibleName("Value under the pointer")
        self._timer = countdown(self, FRAME_MILLISECONDS, self.refresh)
        self._begun = False
        self._others: dict[str, History] = {}  # by cell: what was trained on the same task before
        self._sentences = {plot: self._sentence() for plot in self.plots}
        self._build()
        self._connect()
        self._state_changed()
        self.refresh()

    def _button(self, text: str, name: str, tip: str, act: Callable[[], object], keys: str = "") -> QPushButton:
        made = push_button(text, tip, act, drawing=icon(name, self.theme))
        if keys:  # not the button’s own, which another text would take away
            QShortcut(QKeySequence(keys), self, made.click)
        return made

    @staticmethod
    def _sentence() -> QLabel:
        made = muted_label(wrapped=True)
        made.setAlignment(Qt.AlignmentFlag.AlignTop)
        made.setMinimumWidth(1)
        return made

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        lines = NARROW_LINES if self.width() < NARROW else SENTENCE_LINES  # whatever is said, so that no plot changes its height
        for sentence in self._sentences.values():
            sentence.setFixedHeight(lines * 16 + 4)

    def _build(self) -> None:
        bar = in_row(None, self.back, self.play, self.one, self.again, (self.said, 1), self.folder, spacing=8)
        plots = QGridLayout()
        plots.setSpacing(10)
        for place, (plot, title) in enumerate(zip(self.plots, TITLES, strict=True)):
            card = QWidget()
            card.setObjectName("section")
            card.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
            heading = QLabel(title)
            heading.setObjectName("sectionHeading")
            heading.setMinimumWidth(1)
            plot.setMinimumWidth(1)
            line = in_row(None, (heading, 1), *((self.of_cell,) if plot is self.drawn.map else ()))
            in_column(card, line, (plot, 1), self._sentences[plot], spacing=4).setContentsMargins(10, 8, 10, 6)
            plots.addWidget(card, place // 2, place % 2)
        for index in (0, 1):
            plots.setColumnStretch(index, 1)
            plots.setRowStretch(index, 1)
        scroll = scrolled(self.controls)
        scroll.setFixedWidth(CONTROLS_WIDTH + 20)
        self.controls.setFixedWidth(CONTROLS_WIDTH)
        plots.setContentsMargins(0, 0, 0, 0)
        middle = in_row(None, scroll, (plots, 1), spacing=14)
        in_column(self, bar, (middle, 1), self.readout, spacing=10).setContentsMargins(12, 12, 12, 4)

    def _connect(self) -> None:
        trainer = self.trainer
        trainer.changed.connect(self._schedule)
        trainer.state_changed.connect(self._state_changed)
        trainer.said.connect(self._say)
        trainer.process_missed.connect(self.backend_wanted)
        self.controls.settings_changed.connect(self._settings_changed)
        self.controls.changes_changed.connect(self._changes_changed)
        self.drawn.norms.threshold_changed.connect(self.controls.threshold.setValue)
        self.drawn.map.window_changed.connect(self.controls.truncation.setValue)
        self.of_cell.toggled.connect(lambda _: self.refresh())
        for plot in self.plots:
            plot.read_out.connect(self.readout.setText)

    def enter(self) -> None:
        """The page is shown: a training stands ready."""
        if not self._begun:
            self.begin_again()

    def leave(self) -> None:
        """The page is hidden: nothing is trained unseen."""
        self.trainer.pause()

    def toggle(self) -> None:
        if self.trainer.running:
            self.trainer.pause()
        elif self.trainer.alive or self.trainer.starting:
            self.trainer.run()
        else:
            self.begin_again(run=True)

    def step(self) -> None:
        if not (self.trainer.alive or self.trainer.starting):
            self.begin_again()
        self.trainer.step()

    def has_curves(self) -> bool:
        """Whether anything was trained; if not, that is said."""
        there = bool(self.trainer.history)
        if not there:
            self._say("There are no curves yet: press Train (Space) first.")
        return there

    def board(self, settings: ExportSettings) -> BoardScene:
        self.refresh()
        return draw_board(self.drawn, self._show_on, settings)

    def _open_folder(self) -> None:
        if self._show_folder is not None:
            self._show_folder()

    def say(self, notice: Notice) -> None:
        self._say(notice.text)
        self._show_folder = notice.act
        self.folder.setVisible(notice.act is not None)

    def begin_again(self, *, run: bool = False) -> None:
        self._say("")
        self._keep_curves()
        self._begun = True
        self.trainer.changes = self.controls.changes
        self.drawn.map.begin(self.controls.steps.value())
        self.trainer.start(self.controls.settings, run=run)

    def _keep_curves(self) -> None:
        """Lay what was trained under what is trained now, where nothing but the cell is another."""
        history, settings = self.trainer.history, self.controls.settings
        if history is not None and len(history):
            self._others[history.started.settings.cell] = history
        self._others = {cell: other for cell, other in self._others.items() if cell != settings.cell
                        and msgspec.structs.replace(other.started.settings, cell=settings.cell) == settings}

    def _settings_changed(self) -> None:
        if self._begun:
            self.begin_again(run=self.trainer.running)

    def _changes_changed(self) -> None:
        changes = self.controls.changes
        self.trainer.change(learning_rate=changes.learning_rate, threshold=changes.threshold, window=changes.window)
        self._schedule()

    @property
    def remembered(self) -> str:
        return as_text(self.controls)

    def refresh(self) -> None:
        history, changes = self.trainer.history, self.trainer.changes
        self.of_cell.setVisible(self.controls.cell.currentData() == "lstm")
        of_cell = self._of_cell
        self._show_on(self.drawn)
        if history is None:
            texts = ("Getting the task ready…", "", "", "")
        else:
            texts = (of_loss(history), of_norms(history, changes.threshold),
                     of_map(history.recent_maps, changes.window, of_cell=of_cell), of_decay(history))
        for label, text in zip(self._sentences.values(), texts, strict=True):
            if label.text() != text:
                label.setText(text)
                label.setToolTip(text)

    @property
    def _of_cell(self) -> bool:
        return self.controls.cell.currentData() == "lstm" and self.of_cell.isChecked()

    def _show_on(self, plots: TrainingPlots) -> None:
        plots.show(self.trainer.history, self._others, self.trainer.changes, threshold=self.controls.threshold.value(),
                   clipping=self.controls.clip.isChecked(), of_cell=self._of_cell)

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        for plot in self.plots:
            plot.set_theme(theme)
        for button, name in ((self.back, "back"), (self.one, "step"), (self.again, "again")):
            button.setIcon(icon(name, theme))
        self._state_changed()

    def close_room(self) -> None:
        """Stop for good."""
        self._timer.stop()
        self.trainer.stop()

    def _schedule(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _state_changed(self) -> None:
        running = self.trainer.running
        self.play.setText("Pause" if running else "Train")
        self.play.setAccessibleName(self.play.text())
        self.play.setIcon(icon("pause" if running else "play", self.theme))
        self._schedule()

    def _say(self, sentence: str) -> None:
        self.said.setText(sentence)
        self.folder.hide()
