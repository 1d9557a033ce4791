"""Turns the session's signals into painting: each view is told at most once per frame, idle nothing runs."""

import sys
from collections.abc import Iterable
from functools import partial

from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal

from unrolled.viewer.state.session import Session
from unrolled.viewer.views.view import View

FRAME_MILLISECONDS = 16


class Coordinator(QObject):
    """Collects what changed, and brings the views up to date one frame later at the latest."""

    flushed = Signal()  # all views are up to date

    def __init__(self, session: Session, views: Iterable[View], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._views: list[View] = []
        self._must_refresh = False
        self._must_seek = False
        self._wanting: set[View] = set()  # that ask for themselves alone: shown, resized, or not finished
        self.frames = 0
        self._since_last = QElapsedTimer()
        self._timer = QTimer(self, singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.flush)
        for signal in (session.input_changed, session.model_changed, session.trace_changed, session.ended,
                       session.selection.changed, session.time_axis.changed, session.appearance.changed,
                       session.branches_changed, session.search_changed, session.compared_changed,
                       session.brush.changed, session.open_store.framed_changed, session.questions.answered,
                       session.steps_added, session.selection.hovered):
            signal.connect(self._refresh)
        session.playhead.moved.connect(self._moved)
        for view in views:
            self._follow(view)

    def add(self, view: View) -> None:
        """Bring one more view up to date from now on."""
        self._follow(view)
        self._refresh()

    @property
    def waiting(self) -> bool:
        """Whether something changed that is not painted yet."""
        return self._timer.isActive()

    def flush(self) -> None:
        self._timer.stop()
        self._since_last.start()
        refresh, self._must_refresh = self._must_refresh, False
        seek, self._must_seek = self._must_seek, False
        wanting, self._wanting = self._wanting, set()
        if not (refresh or seek or wanting):
            return
        step = self._session.playhead.step
        for view in self._views:
            wants = refresh or view in wanting
            try:
                if wants:
                    view.refresh()
                if wants or seek:
                    view.seek(step)
            except Exception:
                sys.excepthook(*sys.exc_info())  # told as any fault; what the others show goes on
        self.frames += 1
        self.flushed.emit()
        self._wanting |= {view for view in self._views if view.unfinished}
        if self._wanting:
            self._schedule()

    def _follow(self, view: View) -> None:
        self._views.append(view)
        view.refresh_wanted.connect(partial(self._want, view))

    def _want(self, view: View) -> None:
        self._wanting.add(view)
        self._schedule()

    def _refresh(self) -> None:
        self._must_refresh = True
        self._schedule()

    def _moved(self) -> None:
        self._must_seek = True
        self._schedule()

    def _schedule(self) -> None:
        if not self._timer.isActive():
            elapsed = self._since_last.elapsed() if self._since_last.isValid() else FRAME_MILLISECONDS
            self._timer.start(max(1, FRAME_MILLISECONDS - int(elapsed)))
