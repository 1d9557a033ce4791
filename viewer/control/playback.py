"""The clock of playing: ticks while a run is played, and is silent otherwise."""

from PySide6.QtCore import QObject, Qt, QTimer, Signal

SLOWEST, FASTEST, FIRST_SPEED = 0.5, 20.0, 3.0  # words a second


class Playback(QObject):
    """Whether a run is being played, how fast, and whether again from the beginning."""

    tick = Signal()  # the next word is due
    changed = Signal()  # playing began or ended, or speed or loop are others

    def __init__(self) -> None:
        super().__init__()
        self.speed = FIRST_SPEED  # words a second
        self.loop = False
        self._timer = QTimer(self, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.tick)

    @property
    def playing(self) -> bool:
        return self._timer.isActive()

    def start(self) -> None:
        """Play; the first tick comes at once."""
        if not self.playing:
            self.start_later()
            self.tick.emit()

    def start_later(self) -> None:
        """Play; the first tick comes after the time of one word."""
        if not self.playing:
            self._timer.start(self._interval())
            self.changed.emit()

    def stop(self) -> None:
        if self.playing:
            self._timer.stop()
            self.changed.emit()

    def set_speed(self, words_a_second: float) -> None:
        """Play so many words a second, from 0.5 to 20."""
        speed = min(max(words_a_second, SLOWEST), FASTEST)
        if speed != self.speed:
            self.speed = speed
            self._timer.setInterval(self._interval())
            self.changed.emit()

    def set_loop(self, loop: bool) -> None:
        if loop != self.loop:
            self.loop = loop
            self.changed.emit()

    def _interval(self) -> int:
        return round(1000 / self.speed)
