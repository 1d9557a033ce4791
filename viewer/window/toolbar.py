"""The bar at the top: open, model and device; the transport; decoding; export and theme."""

import math

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QFrame, QSlider, QToolButton

from unrolled.models.protocol.loading import Device, Family
from unrolled.models.trace import ModelListing
from unrolled.viewer.control.playback import FASTEST, SLOWEST
from unrolled.viewer.state.commands import ChooseFile, Do, LoadModel, SetDevice, SetSpeed
from unrolled.viewer.state.recent_models import RecentModel
from unrolled.viewer.theme.icons import BESIDE_TEXT, ICON_PIXELS, icon
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.widgets.building import in_row, muted_label, named
from unrolled.viewer.widgets.combo_box import BESIDE, ComboBox

OPEN_MODEL = "\0model"
SLIDER_STEPS = 100
MOST_IN_SIGHT = 24  # of the models that can be picked
LEAST_MODEL, MOST_MODEL = 164, 320  # device-independent pixels, of the picker of models: no name that comes moves the others
DEVICE = 84  # at least, of the picker of devices
ICON = QSize(ICON_PIXELS, ICON_PIXELS)
NARROW = 1180  # device-independent pixels; below, buttons are icons alone


class Toolbar(QFrame):
    def __init__(self, actions: dict[str, QAction], do: Do, theme: Theme) -> None:
        super().__init__()
        self._do = do
        self.setObjectName("toolbar")
        self._theme = theme
        self._actions = actions
        self._worded: list[QToolButton] = []
        self._playing = False
        self.setFixedHeight(52)
        self.model = self._combo("Model", "The model that is run", 172)
        self.model.setMaxVisibleItems(MOST_IN_SIGHT)
        self.model.activated.connect(self._model_activated)
        self.device = self._combo("Device", "The device that computes", DEVICE)
        self.device.activated.connect(lambda index: do(SetDevice(str(self.device.itemData(index)))))
        self.play = QToolButton()
        self.play.setObjectName("playButton")
        self.play.setFixedSize(34, 34)
        self.play.setIconSize(QSize(18, 18))
        self.play.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.play.clicked.connect(actions["play"].trigger)
        self.speed = named(QSlider(Qt.Orientation.Horizontal), "Speed in steps per second",
                           "Steps per second while playing (+ and −)")
        self.speed.setRange(0, SLIDER_STEPS)
        self.speed.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.speed.valueChanged.connect(lambda value: do(SetSpeed(_to_speed(value))))
        self.speed_text = muted_label()
        self.speed_text.setFixedWidth(58)
        self.decoding = self._button("decoding", "Greedy", worded=True, always=True)
        self.decoding.setAccessibleName("Decoding")
        row = in_row(self, self._button("open", "Open", worded=True), _line(), self.model, self.device, spacing=4)
        row.setContentsMargins(12, 8, 12, 8)
        row.addStretch(1)
        before, after = map(self._button, ("first", "back")), map(self._button, ("step", "last", "loop"))
        row.addLayout(in_row(None, *before, self.play, *after, spacing=4))
        row.addSpacing(8)
        row.addLayout(in_row(None, self.speed, self.speed_text, spacing=4))
        row.addStretch(1)
        row.addLayout(in_row(None, self.decoding, _line(), self._button("export", "Export", worded=True), self._button("theme"),
                           spacing=4))
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._draw_play()

    def set_playing(self, playing: bool, *, possible: bool) -> None:
        self._playing = playing
        self.play.setEnabled(possible)
        self._draw_play()

    def set_speed(self, steps_a_second: float) -> None:
        with QSignalBlocker(self.speed):
            self.speed.setValue(_to_slider(steps_a_second))
        self.speed_text.setText(f"{steps_a_second:.1f} /s" if steps_a_second < 10 else f"{steps_a_second:.0f} /s")
        self.speed_text.setToolTip(f"{steps_a_second:.1f} steps per second")

    def set_decoding(self, words: str) -> None:
        short = words.split(",")[0]
        self.decoding.setText(short[:1].upper() + short[1:])
        self.decoding.setToolTip(f"Decoding: {words} (D)")

    def set_models(self, models: tuple[ModelListing, ...], current: str, *, recent: tuple[RecentModel, ...] = (),
                   families: tuple[Family, ...] = (), title: str = "", loading: bool = False) -> None:
        """Show the models that can be chosen, those that were opened lately, and the one that is loaded or being loaded."""
        self.model.blockSignals(True)
        self.model.clear()
        for listing in models:
            self.model.addItem(listing.title, listing.name)
            self.model.setItemData(self.model.count() - 1, _model_tip(listing), Qt.ItemDataRole.ToolTipRole)
        for damaged in (own for own in families if own.is_damaged):
            self.model.addItem(f"{damaged.name} (damaged)")
            self.model.setItemData(self.model.count() - 1, damaged.error, Qt.ItemDataRole.ToolTipRole)
            self.model.setItemData(self.model.count() - 1, 0, Qt.ItemDataRole.UserRole - 1)  # no flags: it cannot be chosen
        if recent and models:
            self.model.insertSeparator(self.model.count())
        for own in recent:
            self.model.addItem(own.title, own.model)
            self.model.setItemData(self.model.count() - 1, own.model, Qt.ItemDataRole.ToolTipRole)
        if current and self.model.findData(current) < 0:
            self.model.addItem(title or current.replace("\\", "/").rsplit("/", 1)[-1], current)
        if not current:
            self.model.insertItem(0, "Starting…" if loading else "No model", "")
        if self.model.count():
            self.model.insertSeparator(self.model.count())
        self.model.addItem("Open model…", OPEN_MODEL)
        self.model.setCurrentIndex(max(0, self.model.findData(current)))
        self.model.setToolTip(self.model.currentText() if current else "The model that is run")
        self.model.blockSignals(False)
        self._fit_model()

    def set_devices(self, devices: tuple[Device, ...], wanted: str) -> None:
        with QSignalBlocker(self.device):
            self.device.offer((("auto", "Auto"), *((device.name, device.title) for device in devices)), wanted)
        self._fit_model()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() >= NARROW
        style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if wide else Qt.ToolButtonStyle.ToolButtonIconOnly
        for button in self._worded:
            button.setToolButtonStyle(style)
            button.setIconSize(BESIDE_TEXT if wide else ICON)
        self.speed.setFixedWidth(84 if wide else 60)
        self._fit_model()

    def _fit_model(self) -> None:
        """Make the pickers as wide as the device's title and most models' are, where there is room for it."""
        layout = self.layout()
        assert layout is not None
        layout.invalidate()
        layout.activate()  # its buttons may just have become icons alone, and rows within it know nothing of it
        free = self.width() - layout.totalSizeHint().width() + self.model.minimumWidth() + self.device.minimumWidth()
        wanted = self.device.fontMetrics().horizontalAdvance(self.device.currentText()) + BESIDE + 8  # rounded down
        self.device.setFixedWidth(max(min(wanted, 2 * DEVICE, free - LEAST_MODEL), DEVICE))
        free -= self.device.width()
        self.model.setFixedWidth(max(min(MOST_MODEL, free), LEAST_MODEL))

    def _model_activated(self, index: int) -> None:
        chosen = str(self.model.itemData(index) or "")
        if chosen == OPEN_MODEL:
            self._do(ChooseFile("model"))
        elif chosen:
            self._do(LoadModel(chosen))

    def _draw_play(self) -> None:
        colour = self._theme.accent_text if self.play.isEnabled() else self._theme.faint
        self.play.setIcon(icon("pause" if self._playing else "play", self._theme, colour=colour))
        name = "Pause" if self._playing else "Play"
        self.play.setAccessibleName(name)
        self.play.setToolTip(f"{name} (P)")

    def _button(self, name: str, text: str = "", *, worded: bool = False, always: bool = False) -> QToolButton:
        action = self._actions[name]
        button = QToolButton()
        button.setDefaultAction(action)
        button.setIconSize(BESIDE_TEXT if always else ICON)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keys with the panels
        button.setAccessibleName(action.text().rstrip("…"))
        button.setMinimumSize(34, 34)
        if text:
            action.setIconText(text)
        if always:
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        elif worded:
            self._worded.append(button)
        return button

    def _combo(self, name: str, tip: str, width: int) -> ComboBox:
        combo = named(ComboBox(), name, tip)
        combo.setFixedWidth(width)
        combo.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return combo


def _line() -> QFrame:
    line = QFrame()
    line.setObjectName("toolbarLine")
    line.setFixedSize(1, 24)
    holder = QFrame()
    in_row(holder, line).setContentsMargins(6, 0, 6, 0)
    return holder


def _model_tip(listing: ModelListing) -> str:
    parts = [listing.task, f"{listing.size_bytes / 1e6:.1f} MB"]
    parts += [f"{name.replace('_', ' ').upper()} {value:.3g}" for name, value in list(listing.quality.items())[:3]]
    return " · ".join(part for part in parts if part)


def _to_speed(value: int) -> float:
    """The slider is even in the logarithm of the speed."""
    return float(round(SLOWEST * math.exp(value / SLIDER_STEPS * math.log(FASTEST / SLOWEST)), 1))


def _to_slider(speed: float) -> int:
    return round(SLIDER_STEPS * math.log(speed / SLOWEST) / math.log(FASTEST / SLOWEST))
