"""Runs a caption to its end in the window, and saves a picture of it: what `unrolled --screenshot` does."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QDeadlineTimer, QObject, QTimer

from unrolled.models.trace import FloatArray
from unrolled.models.trace.atomic import atomic_write
from unrolled.models.trace.names import printable
from unrolled.models.trace.streams import tell_errors
from unrolled.viewer.control.run_state import ModelPhase, RunPhase
from unrolled.viewer.drawing.images import file_of
from unrolled.viewer.plotting import warm_up
from unrolled.viewer.state.commands import Pause, Pin, RunToEnd, Seek
from unrolled.viewer.state.notice import Notice
from unrolled.viewer.window.main_window import MainWindow

LIMIT_MILLISECONDS = 120_000
SHOWN_UNITS = 3
WRITTEN_ON = 120  # characters that are written behind a text that was read
SETTLE_MILLISECONDS = 500  # longer than a panel waits until it asks about a run that stands still
STILL_MILLISECONDS = 2_000  # of a store, whose page begins to ask then, and of a model that has nothing to read
ANSWERS_MILLISECONDS = 20_000  # how long a picture waits for answers: of a long text the check takes longer


class Screenshot(QObject):
    """Watches the run, and takes the picture when it is over.

    Parameters
    ----------
    path : Path
        Where the picture goes; the suffix says the format.
    done : callable
        Called once with an empty text, or with the sentence that says why there is no picture.
    """

    def __init__(self, window: MainWindow, path: Path, done: Callable[[str], None]) -> None:
        super().__init__(window)
        self._window, self._path, self._done = window, path, done
        self._over = False
        self._patience = QDeadlineTimer()
        self._limit = QTimer(self, singleShot=True)
        self._limit.timeout.connect(lambda: self._finish("The caption was not finished within two minutes."))
        self._limit.start(LIMIT_MILLISECONDS)
        window.session.ended.connect(self._run_over)
        window.session.steps_added.connect(self._trace_changed)
        window.session.trace_changed.connect(self._trace_changed)
        window.session.open_store.changed.connect(self._store_opened)
        window.controller.voice.said.connect(self._said)
        window.controller.voice.state_changed.connect(self._trace_changed)
        self._trace_changed()

    def _trace_changed(self) -> None:
        trace = self._window.session.trace
        if self._has_nothing_to_run():
            QTimer.singleShot(STILL_MILLISECONDS, self, self._stand_still)
        if self._over or trace is None:
            return
        given = trace.provenance.prompt_tokens
        if trace.ended or (given and len(trace) >= given + WRITTEN_ON):
            self._run_over()
        elif self._window.controller.run.is_open and not self._window.controller.run.busy:
            self._window.do(RunToEnd())

    def _has_nothing_to_run(self) -> bool:
        """Whether a model is there and no input, as where a checkpoint alone is opened."""
        controller = self._window.controller
        state, is_reading = controller.run.state, controller.opener.is_reading
        return not self._over and state.model is ModelPhase.LOADED and state.phase is RunPhase.EMPTY and not is_reading

    def _store_opened(self) -> None:
        if not self._over and self._window.session.open_store.store is not None:
            self._over = True
            self._patience = QDeadlineTimer(LIMIT_MILLISECONDS)
            QTimer.singleShot(STILL_MILLISECONDS, self, self._settle)

    def _stand_still(self) -> None:
        if self._has_nothing_to_run():
            self._over = True
            self._settle()

    def _said(self, message: Notice) -> None:
        if message.kind == "error":
            self._finish(message.text)

    def _run_over(self) -> None:
        trace = self._window.session.trace
        if self._over or trace is None:
            return
        self._over = True
        self._window.do(Pause())
        entropy = trace.column("attention_entropy") if "attention_entropy" in trace.channels else None
        self._window.do(Seek(best_step(entropy, len(trace))))
        hidden = next((channel for channel in self._window.session.channels if channel.role == "hidden"), None)
        if hidden is not None and not self._window.session.selection.units:
            self._window.do(Pin(liveliest_units(trace.column(hidden.name))))
        if (said := self._window.layout_.said.message("input")) is not None:
            tell_errors(f"unrolled: {printable(said.text)}")
        for place in ("run", "input"):
            self._window.layout_.said.clear(place)
        self._patience = QDeadlineTimer(ANSWERS_MILLISECONDS)
        QTimer.singleShot(SETTLE_MILLISECONDS, self, self._settle)

    def _settle(self) -> None:
        """Wait until there can be plots and panels have their answers, and then for as long as they take to be drawn."""
        corpus = self._window.corpus
        unanswered = bool(self._window.session.questions.waiting) or (corpus is not None and corpus.is_busy)
        waits = warm_up.under_way() or (unanswered and not self._patience.hasExpired())
        QTimer.singleShot(SETTLE_MILLISECONDS, self, self._settle if waits else self._take)

    def _take(self) -> None:
        self._window.coordinator.flush()
        picture = self._window.grab()
        try:
            data = file_of(picture.toImage(), self._path.suffix.removeprefix("."))
            with atomic_write(self._path) as file:
                file.write(data)
        except OSError as error:
            self._over = False
            self._finish(f"“{self._path}” cannot be written: {error.strerror or error}.")
            return
        self._limit.stop()
        self._done("")

    def _finish(self, sentence: str) -> None:
        if not self._over:
            self._over = True
            self._limit.stop()
            self._done(sentence)


def liveliest_units(hidden: FloatArray) -> tuple[int, ...]:
    """The units that change most over a run, to be shown as lines; `hidden` has the shape (steps, units)."""
    change = hidden.reshape(len(hidden), -1).std(axis=0)
    return tuple(int(unit) for unit in np.argsort(change)[::-1][:SHOWN_UNITS])


def best_step(entropy: FloatArray | None, steps: int) -> int:
    """The word that the model looked for most sharply, not counting the last: the step with the least entropy."""
    if entropy is None or steps < 4:
        return max(steps // 2, 0)
    inner = entropy[1 : steps - 1].reshape(-1)
    return 1 + int(np.argmin(inner))
