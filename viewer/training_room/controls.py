"""What is trained in the room, and how: controls for what is fixed from the start, and for what can be changed meanwhile."""

from typing import TypeVar

import msgspec
from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QSpinBox,
    QWidget,
)

from unrolled.models.protocol.training_room import TrainingRoomChanges, TrainingRoomSettings
from unrolled.viewer.widgets.building import in_column, named
from unrolled.viewer.widgets.combo_box import ComboBox

CELLS = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
TASKS = {"brackets": "Close the brackets", "copy": "Copy after a pause", "adding": "Add two marked numbers"}
OPTIMISERS = {"adam": "Adam", "sgd": "SGD"}
AnySpinBox = TypeVar("AnySpinBox", QSpinBox, QDoubleSpinBox)


def _choice(names: dict[str, str], label: str, tip: str) -> ComboBox:
    made = named(ComboBox(), label, tip)
    made.offer(names.items())
    return made


def _number(made: AnySpinBox, label: str, tip: str) -> AnySpinBox:
    made.setKeyboardTracking(False)
    return named(made, label, tip)


def _whole(low: int, high: int, label: str, tip: str) -> QSpinBox:
    return _number(QSpinBox(minimum=low, maximum=high), label, tip)


def _real(low: float, high: float, decimals: int, step: float, label: str, tip: str) -> QDoubleSpinBox:
    return _number(QDoubleSpinBox(decimals=decimals, singleStep=step, minimum=low, maximum=high), label, tip)


class TrainingRoomControls(QWidget):
    settings_changed = Signal()  # of what is fixed from the start: the training begins anew
    changes_changed = Signal()  # from the next update on

    def __init__(self, settings: TrainingRoomSettings, changes: TrainingRoomChanges, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cell = _choice(CELLS, "Cell", "The cell to train; restarts the training")
        self.task = _choice(TASKS, "Task", "What the network has to learn; restarts the training")
        self.optimiser = _choice(OPTIMISERS, "Optimiser", "How the weights follow the gradient; restarts the training")
        self.steps = _whole(8, 120, "Steps", "The length of every sequence; restarts the training")
        self.hidden = _whole(1, 256, "Hidden units", "How many units the state has; restarts the training")
        self.seed = _whole(0, 1_000_000, "Seed", "Of the weights and of every batch; restarts the training")
        self.radius = _real(0.05, 5.0, 2, 0.05, "Spectral radius",
                            "Of Wₕₕ at the start: below 1 gradients vanish, far above 1 they may explode; restarts the training")
        self.learning_rate = _real(0.00001, 100.0, 5, 0.001, "Learning rate", "From the next update on")
        self.clip = named(QCheckBox("Clip at"), "Clip gradients",
                          "Scale down a gradient whose norm exceeds the threshold, from the next update on")
        self.threshold = _real(0.001, 1e6, 3, 0.1, "Threshold", "The largest norm; the line in the plot can be dragged too")
        self.truncation = _whole(0, 120, "Truncate backpropagation after",
                             "Backpropagate each loss through this many steps; the line in the map can be dragged too")
        self.truncation.setSpecialValueText("all steps")
        groups: tuple[tuple[str, tuple[tuple[str | QCheckBox, QWidget], ...]], ...] = (
            ("Before training", (("Task", self.task), ("Cell", self.cell), ("Units", self.hidden), ("Steps", self.steps),
                                ("Radius of Wₕₕ", self.radius), ("Optimiser", self.optimiser), ("Seed", self.seed))),
            ("During training", (("Learning rate", self.learning_rate), (self.clip, self.threshold),
                                 ("Truncate after", self.truncation))),
        )
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(6)
        for title, rows in groups:
            heading = QLabel(title)
            heading.setObjectName("subtitle")
            heading.setContentsMargins(0, 6 if grid.count() else 0, 0, 0)
            grid.addWidget(heading, grid.rowCount(), 0, 1, 2)
            for label, field in rows:
                row = grid.rowCount()
                grid.addWidget(QLabel(label) if isinstance(label, str) else label, row, 0)
                grid.addWidget(field, row, 1)
        grid.setColumnStretch(1, 1)
        in_column(self, grid, spacing=10).addStretch(1)
        self.put(settings, changes)
        for choice in (self.cell, self.task, self.optimiser):
            choice.currentIndexChanged.connect(lambda _: self.settings_changed.emit())
        for fixed in (self.steps, self.hidden, self.seed, self.radius):
            fixed.valueChanged.connect(lambda _: self.settings_changed.emit())
        self.clip.toggled.connect(self._clip_toggled)
        for changed in (self.learning_rate, self.threshold, self.truncation):
            changed.valueChanged.connect(lambda _: self.changes_changed.emit())

    @property
    def settings(self) -> TrainingRoomSettings:
        return TrainingRoomSettings(cell=self.cell.currentData(), task=self.task.currentData(), steps=self.steps.value(),
                            hidden=self.hidden.value(), optimiser=self.optimiser.currentData(),
                            spectral_radius=self.radius.value(), seed=self.seed.value())

    @property
    def changes(self) -> TrainingRoomChanges:
        return TrainingRoomChanges(learning_rate=self.learning_rate.value(),
                           threshold=self.threshold.value() if self.clip.isChecked() else 0.0, window=self.truncation.value())

    def put(self, settings: TrainingRoomSettings, changes: TrainingRoomChanges) -> None:
        for choice, key in ((self.cell, settings.cell), (self.task, settings.task), (self.optimiser, settings.optimiser)):
            choice.setCurrentIndex(max(choice.findData(key), 0))
        self.steps.setValue(settings.steps)
        self.hidden.setValue(settings.hidden)
        self.seed.setValue(settings.seed)
        self.radius.setValue(settings.spectral_radius)
        self.learning_rate.setValue(changes.learning_rate)
        self.clip.setChecked(changes.threshold > 0)
        self.threshold.setValue(changes.threshold or 1.0)
        self.threshold.setEnabled(self.clip.isChecked())
        self.truncation.setValue(changes.window)

    def _clip_toggled(self, on: bool) -> None:
        self.threshold.setEnabled(on)
        self.changes_changed.emit()


def as_text(controls: TrainingRoomControls) -> str:
    """The controls' values, to be remembered."""
    return msgspec.json.encode((controls.settings, controls.changes)).decode()


def from_text(text: str) -> tuple[TrainingRoomSettings, TrainingRoomChanges]:
    """What `as_text` wrote; the usual values where it is something else."""
    try:
        return msgspec.json.decode(text, type=tuple[TrainingRoomSettings, TrainingRoomChanges])
    except (msgspec.DecodeError, RecursionError):
        return TrainingRoomSettings(), TrainingRoomChanges()
