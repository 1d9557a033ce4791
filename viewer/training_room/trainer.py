"""Talks to the backend's training room: starts, steps and pauses a training, and keeps what it brings.

At most two updates are under way at a time, so that a pause is immediate, what is changed counts from the next update
on, and a run of the microscope comes in between. It has no widgets.
"""

import time

import msgspec
from PySide6.QtCore import QObject, Signal

from unrolled.models.protocol.training_room import (
    StartTrainingRoom,
    StepTrainingRoom,
    StopTrainingRoom,
    TrainingRoomChanges,
    TrainingRoomFailed,
    TrainingRoomSettings,
    TrainingRoomStarted,
    TrainingRoomUpdated,
)
from unrolled.viewer.client.backend_client import BackendProcess
from unrolled.viewer.training_room.history import History

UNDER_WAY = 2
SLOW_MILLISECONDS = 30.0   # an update that takes longer is waited for before the next is asked for
MAP_SECONDS = 0.05         # between two maps, which cost as much as an update


class Trainer(QObject):
    changed = Signal()
    state_changed = Signal()
    said = Signal(str)  # what went wrong, in one sentence
    process_missed = Signal()  # nothing can be trained, since the backend's process has ended

    def __init__(self, backend: BackendProcess, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._backend = backend
        self.history: History | None = None  # what it has brought so far; kept when it ends
        self.changes = TrainingRoomChanges()  # what is in force for the next update
        self.running = False
        self.milliseconds = 0.0
        self._number = 0
        # Whether it can be stepped: it has started, and the backend still has it.
        self.alive = False     # the backend holds the training
        self.starting = False  # whether it was asked for and has not started yet
        self._wanted = 0        # single updates to make once it has started
        self.under_way = 0  # how many updates were asked for and have not arrived
        self._map_at = 0.0
        backend.report.connect(self._take)
        backend.died.connect(self._lost)

    def start(self, settings: TrainingRoomSettings, *, run: bool) -> None:
        """Begin anew; the same settings and seed give the same numbers."""
        self.stop()
        if not self._backend.connected:
            if self._backend.alive:
                self.said.emit("The model’s process is not running yet.")
            else:
                self.process_missed.emit()
            return
        self._number += 1
        self.starting, self.running = True, run
        self._backend.send(StartTrainingRoom(self._number, settings))
        self.state_changed.emit()

    def stop(self) -> None:
        """End the training; what it brought is kept."""
        if self.alive or self.starting:
            self._backend.send(StopTrainingRoom(self._number))
        self.alive = self.starting = self.running = False
        self.under_way = self._wanted = 0
        self.state_changed.emit()

    def run(self) -> None:
        if self.alive or self.starting:
            self.running = True
            self._ask()
            self.state_changed.emit()

    def pause(self) -> None:
        """Ask for no more updates; what is under way still arrives."""
        if self.running:
            self.running = False
            self.state_changed.emit()

    def step(self) -> None:
        self.pause()
        if self.alive:
            self._send(picture=True)
        elif self.starting:
            self._wanted += 1

    def _ask(self) -> None:
        most = 1 if self.milliseconds > SLOW_MILLISECONDS else UNDER_WAY
        while self.running and self.alive and self.under_way < most:
            now = time.monotonic()
            self._send(picture=now - self._map_at >= MAP_SECONDS)

    def _send(self, *, picture: bool) -> None:
        if picture:
            self._map_at = time.monotonic()
        self.under_way += 1
        self._backend.send(StepTrainingRoom(self._number, self.changes, 1, picture))

    def change(self, **changes: float) -> None:
        """Put another threshold, window or learning rate in force, from the next update on."""
        self.changes = msgspec.structs.replace(self.changes, **changes)

    def _take(self, report: object) -> None:
        if isinstance(report, TrainingRoomUpdated) and report.room == self._number and self.alive:
            self._updated(report)
        elif isinstance(report, TrainingRoomStarted) and report.room == self._number and self.starting:
            self.history = History(report)
            self.alive, self.starting = True, False
            self.under_way, self._map_at, self.milliseconds = 0, 0.0, 0.0
            for _ in range(self._wanted):
                self._send(picture=True)
            self._wanted = 0
            self._ask()
            self.state_changed.emit()
            self.changed.emit()
        elif isinstance(report, TrainingRoomFailed) and report.room == self._number:
            self.under_way = max(self.under_way - 1, 0)
            self.running = False
            if not report.exploded:
                self.alive = self.starting = False
            self.said.emit(report.sentence)
            self.state_changed.emit()

    def _updated(self, report: TrainingRoomUpdated) -> None:
        assert self.history is not None
        self.under_way = max(self.under_way - 1, 0)
        self.milliseconds += 0.2 * (report.milliseconds - self.milliseconds)
        try:
            self.history.append(report)
        except ValueError as error:
            self.pause()
            self.said.emit(f"The training reported something that does not fit: {error}.")
        self._ask()
        self.changed.emit()

    def _lost(self, _: str) -> None:
        """The process ended, which the window says."""
        was_there = self.alive or self.starting
        self.alive = self.starting = self.running = False
        self.under_way = self._wanted = 0
        if was_there:
            self.said.emit("What was drawn is kept.")
        self.state_changed.emit()
