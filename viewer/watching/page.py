"""Somebody's own training: its curves, its gradients through time, and the probe's states and gates at any update seen."""

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QSlider, QStackedWidget, QWidget

from unrolled.models.protocol.watching import FollowTraining, WatchBegun, WatchedLosses, WatchedUpdate, WatchEnded
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.export.scenes.board import BoardScene
from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.plotting.plot import Plot
from unrolled.viewer.state import commands as c
from unrolled.viewer.state.appearance import Appearance
from unrolled.viewer.state.playhead import NOWHERE
from unrolled.viewer.state.session import Session
from unrolled.viewer.state.session_commands import session_commands
from unrolled.viewer.theme.icons import icon
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.training_room.plots import drawn_again
from unrolled.viewer.views.heads.picker import LayerHeadView, lengths_of
from unrolled.viewer.views.tracks import TracksView
from unrolled.viewer.views.view import ViewContext
from unrolled.viewer.watching.history import WatchHistory
from unrolled.viewer.watching.plots import NOTHING, GradientMapPlot, LossPlot, NormPlot, ProfilePlot, of_gradients, updates_table
from unrolled.viewer.widgets.banner import BannerPlace
from unrolled.viewer.widgets.building import countdown, in_column, in_row, muted_label, named, push_button
from unrolled.viewer.widgets.combo_box import ComboBox
from unrolled.viewer.widgets.section import Section
from unrolled.viewer.widgets.themed import dress

FRAME_MILLISECONDS = 33
WAITING = "Waiting for the first update…"


class WatchPage(QWidget):
    """The page; its backend is the training's own process."""

    # A person wants the other theme, or the plots in a file.
    theme_wanted = Signal()
    export_wanted = Signal()

    def __init__(self, backend: BackendProcess, appearance: Appearance, theme: Theme) -> None:
        super().__init__()
        self.theme, self._backend = theme, backend
        self.history: WatchHistory | None = None
        self.update_number = 0      # of the update that is looked at
        self._shown: WatchedUpdate | None = None
        self.session = Session(appearance)
        self._commands = session_commands(self.session)
        context = ViewContext(self.session, self.do, theme)
        self.tracks, self.slices = TracksView(context), LayerHeadView(context)
        self.tracks.set_empty("Give one sequence as probe=, and its states and gates are shown here at every update.")
        self.positive_loss, self.any_loss, self.norms = LossPlot(theme, log=True), LossPlot(theme, log=False), NormPlot(theme)
        self.losses = QStackedWidget()
        self.map, self.profile = GradientMapPlot(theme), ProfilePlot(theme)
        self.plots: tuple[Plot, ...] = (self.positive_loss, self.any_loss, self.norms, self.map, self.profile)
        for plot in self.plots[:2]:
            self.losses.addWidget(plot)
        self.layer = named(ComboBox(), "Layer", "The layer whose gradients are drawn")
        self.of_cell = named(QCheckBox("of c, not of h"), "Gradients of the cell",
                             "An LSTM’s gradients go back through its cell, past the gates")
        self.slider = named(QSlider(Qt.Orientation.Horizontal), "Update", "The update that is looked at (Left and Right)")
        self.slider.setRange(0, 0)
        self.live = named(QCheckBox("Live"), "Live", "Follow the newest update")
        self.live.setChecked(True)
        self.look = push_button("", "Switch between light and dark (T)", self.theme_wanted.emit, name="Light or dark")
        self.export = push_button("", "Save the plots, or their numbers (Ctrl+E)", self.export_wanted.emit, name="Export")
        for button in (self.look, self.export):
            button.setIconSize(QSize(16, 16))
        self.notices = BannerPlace(theme)
        self.title, self.said = muted_label("Watched training"), muted_label(WAITING)
        self.where, self.readout = muted_label(), muted_label()
        self.layer.setEnabled(False)
        self.of_cell.setEnabled(False)
        self.slices.hide()
        self.title.setObjectName("subtitle")
        self._timer = countdown(self, FRAME_MILLISECONDS, self.refresh)
        self._build()
        self._connect()
        self.set_theme(theme)
        if backend.connected:
            self._ask()
        self.refresh()

    def _build(self) -> None:
        self.setAccessibleName("Watched training")
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        for label in (self.said, self.readout):
            label.setMinimumWidth(1)
        self.readout.setFixedHeight(18)
        top = in_row(None, self.title, (self.said, 1), self.export, self.look, spacing=12)
        self.where.setMinimumWidth(150)
        bar = in_row(None, self.live, (self.slider, 1), self.where, spacing=12)
        titles = ("Loss", "Gradient norm", "Gradients over updates", "At this update")
        self.sections = tuple(Section(title, shown) for title, shown in zip(titles, (self.losses, *self.plots[2:]), strict=True))
        choices = in_row(None, (self.layer, 1), self.of_cell, spacing=10)
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(8)
        for place, section in enumerate(self.sections):
            section.content.setMinimumSize(1, 1)
            grid.addWidget(section, place // 2, place % 2)
        grid.addLayout(choices, 2, 0, 1, 2)
        for index in (0, 1):
            grid.setColumnStretch(index, 1)
            grid.setRowStretch(index, 1)
        left = QWidget()
        left.setLayout(grid)
        probe = QWidget()
        in_column(probe, self.slices, (self.tracks, 1), spacing=6)
        self.probe = Section("The probe: states and gates", probe)
        middle = in_row(None, (left, 11), (self.probe, 10), spacing=8)
        in_column(self, top, (middle, 1), bar, self.readout, self.notices, spacing=8).setContentsMargins(12, 10, 12, 4)

    def _connect(self) -> None:
        self._backend.started.connect(self._ask)
        self._backend.report.connect(self._take)
        self._backend.died.connect(self._lost)
        self.slider.valueChanged.connect(self._slid)
        self.live.toggled.connect(lambda on: self._schedule())
        self.layer.currentIndexChanged.connect(lambda _: self._schedule())
        self.of_cell.toggled.connect(lambda _: self._schedule())
        for plot in self.plots:
            plot.read_out.connect(self.readout.setText)
        self.tracks.note_changed.connect(self.readout.setText)
        for own in (self.positive_loss, self.any_loss, self.norms, self.map):
            own.clicked.connect(lambda x, _: self.go_to(round(x)))
        self.session.playhead.moved.connect(lambda _: self._schedule())
        for signal in (self.session.selection.changed, self.session.selection.hovered, self.session.time_axis.changed,
                       self.session.appearance.changed):
            signal.connect(self._schedule)

    @property
    def loss(self) -> LossPlot:
        """The one that has a place for every loss."""
        return self.positive_loss if self.history is None or self.history.loss_is_positive else self.any_loss

    def do(self, command: c.Command) -> None:
        """What the tracks ask for; what concerns no training is left undone."""
        self._commands.offer(command)

    def go_to(self, update: int) -> None:
        """Look at the newest update that is not after this one."""
        if self.history is not None and len(self.history.updates):
            place = max(self.history.place_of(update), 0)
            self.live.setChecked(place == len(self.history.updates) - 1)
            self.slider.setValue(place)

    def _slid(self, place: int) -> None:
        if self.history is not None and place < len(self.history.updates):
            if place < len(self.history.updates) - 1:
                self.live.setChecked(False)
            self.update_number = self.history.updates[place].update
            self._schedule()

    def _ask(self) -> None:
        self._backend.send(FollowTraining())

    def _take(self, report: object) -> None:
        try:
            if isinstance(report, WatchBegun) and (self.history is None or report.name != self.history.begun.name):
                self.history = WatchHistory(report)
            elif self.history is not None and isinstance(report, WatchBegun | WatchedUpdate | WatchedLosses | WatchEnded):
                self.history.take(report)
            else:
                return
        except ValueError as error:
            self.said.setText(f"The training reported something that does not fit: {error}.")
        self._schedule()

    def _lost(self, sentence: str) -> None:
        if self.history is None:
            self.said.setText(f"{sentence} There is nothing to see.")
            return
        self.history.ended = True
        self._schedule()

    def _schedule(self, *_: object) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def refresh(self) -> None:
        history = self.history
        if history is None:
            return
        shown = self._follow(history)
        self._show_layers(history)
        self.of_cell.setEnabled(self.layer.currentText() in history.cells)
        self._draw(history, shown, self.loss, self.norms, self.map, self.profile)
        self.losses.setCurrentWidget(self.loss)
        self.sections[2].set_note(self._norm)
        self.sections[3].set_title(f"At update {shown.update:,}" if shown is not None else "At this update")
        self.sections[3].set_note(of_gradients(self.profile.hidden))
        self._show_probe(history, shown)
        self._tell(history, shown)

    @property
    def _norm(self) -> str:
        """What the map of gradients shows."""
        return "‖∂L/∂cₜ‖" if self._of_cell else "‖∂L/∂hₜ‖"

    @property
    def _of_cell(self) -> bool:
        return self.of_cell.isEnabled() and self.of_cell.isChecked()

    def _draw(self, history: WatchHistory, shown: WatchedUpdate | None, loss: LossPlot, norms: NormPlot,
              gradients: GradientMapPlot, profile: ProfilePlot) -> None:
        layer, at = self.layer.currentText(), shown.update if shown is not None else 0
        hidden, cell = (history.gradients(shown, layer, of_cell=own) if shown is not None else NOTHING for own in (False, True))
        loss.show_update(history, at)
        norms.show_update(history, at)
        gradients.show_update(history, at, layer, of_cell=self._of_cell)
        profile.show_profile(hidden, cell if self.of_cell.isEnabled() else NOTHING)

    def board(self, settings: ExportSettings) -> BoardScene:
        """The plots for a file. Raises `ExportError` where there is no room for them."""
        history = self.history
        assert history is not None, "something was seen"
        self.refresh()

        def again(theme: Theme) -> tuple[Plot, ...]:
            loss, norms = LossPlot(theme, log=self.loss is self.positive_loss), NormPlot(theme)
            gradients, profile = GradientMapPlot(theme), ProfilePlot(theme)
            gradients.colours.top = self.map.colours.top
            self._draw(history, self._shown, loss, norms, gradients, profile)
            return loss, norms, gradients, profile

        layer = self.layer.currentText()
        plots = {"Loss": self.loss, "Gradient norm": self.norms, f"{self._norm} of {layer}": self.map,
                 f"{layer}, {self.sections[3].accessibleName().lower()}": self.profile}
        return drawn_again(plots, again, settings, updates_table(history), history.begun.name)

    def _follow(self, history: WatchHistory) -> WatchedUpdate | None:
        """The update that is looked at, and the slider there."""
        count = len(history.updates)
        if not count:
            return None
        place = count - 1 if self.live.isChecked() else max(history.place_of(self.update_number), 0)
        self.update_number = history.updates[place].update
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, count - 1)
            self.slider.setValue(place)
        return history.updates[place]

    def _show_layers(self, history: WatchHistory) -> None:
        names = history.layers
        if names and names != tuple(self.layer.itemText(place) for place in range(self.layer.count())):
            before = self.layer.currentText()
            with QSignalBlocker(self.layer):
                self.layer.offer(zip(names, names, strict=True), before if before in names else names[-1])
        self.layer.setEnabled(len(names) > 1)

    def _show_probe(self, history: WatchHistory, shown: WatchedUpdate | None) -> None:
        """The probe's trace at the update; the playhead and the part in sight stay where they are."""
        if shown is not None and shown is not self._shown:
            self._shown = shown
            trace = history.begun.trace(shown)
            if trace is not None:
                session = self.session
                step, axis = session.playhead.step, session.time_axis
                part = None if axis.following else (axis.start, axis.stop)
                session.set_trace(trace)
                session.playhead.seek(len(trace) - 1 if step == NOWHERE else step)
                if part is not None:
                    axis.show(*part)
            self.probe.set_note(f"update {shown.update:,}")
        self.slices.setVisible(lengths_of(history.begun.channels)[0] > 1)
        self.slices.refresh()
        self.tracks.refresh()
        self.tracks.seek(self.session.playhead.step)
        if self.tracks.unfinished:
            self._schedule()

    def _tell(self, history: WatchHistory, shown: WatchedUpdate | None) -> None:
        if shown is None:
            self.said.setText(WAITING)
            return
        begun = history.begun
        self.title.setText(f"{begun.name}, {begun.parameters:,} weights")
        facts = [f"every {begun.every:,} updates" if begun.every > 1 else "every update", f"{history.dropped:,} not shown",
                 f"held up {shown.milliseconds:.1f} ms"]
        facts += ["the training is over" if history.ended else ""]
        self.said.setText("  ·  ".join(fact for fact in (*facts, *begun.notes[-1:]) if fact))
        self.said.setToolTip("\n".join(begun.notes))
        self.where.setText(f"update {shown.update:,} of {history.last:,}")
        self.live.setEnabled(not history.ended)

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        dress(self, theme)
        self.export.setIcon(icon("export", theme))
        self.look.setIcon(icon("sun" if theme.name == "dark" else "moon", theme))
        self._schedule()

    def close_page(self) -> None:
        self._timer.stop()
        self.tracks.close()
