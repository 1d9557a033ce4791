"""What `unrolled bench` measures of the window: a real one, in a process of its own, driven from inside.

A frame is what happens between a change of the session and the last pixel of it: the panels are brought up to date,
and Qt paints what became dirty.
"""

import json
import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer

from unrolled.models.trace import Trace
from unrolled.viewer.benchmarks.process import figures_of
from unrolled.viewer.benchmarks.reference import Reference
from unrolled.viewer.state.commands import RunToEnd
from unrolled.viewer.state.comparison import Compared
from unrolled.viewer.state.notice import Notice
from unrolled.viewer.window.main_window import MainWindow

STARTED_VARIABLE = "UNROLLED_BENCH_STARTED"
LIMIT_MILLISECONDS = 90_000
ROUNDS = 6  # captions played; the first is not counted
SCRUBS = 200
SIZE = "1600x1000"


class Driver(QObject):
    """Plays captions and scrubs in a window, and writes what it measured.

    Parameters
    ----------
    done : callable
        Called once with an empty text, or with a sentence that says why there are none.
    """

    def __init__(self, path: Path, window: MainWindow, done: Callable[[str], None]) -> None:
        super().__init__(window)
        self._window, self._path, self._done = window, path, done
        self._started = float(os.environ.get(STARTED_VARIABLE, time.time()))
        self._figures: dict[str, Any] = {}
        self._reference, self._times = Reference(), dict[str, list[float]]()
        self._over = False
        self._asked = False
        window.installEventFilter(self)
        window.controller.voice.state_changed.connect(self._look)
        window.controller.voice.said.connect(self._said)
        window.session.ended.connect(self._look)
        self._limit = QTimer(self, singleShot=True)
        self._limit.timeout.connect(lambda: self._finish("The window did not get through its benchmark in time."))
        self._limit.start(LIMIT_MILLISECONDS)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.UpdateRequest and "window_seconds" not in self._figures:
            QTimer.singleShot(0, self, self._first_paint)
        return super().eventFilter(watched, event)

    def _first_paint(self) -> None:
        if "window_seconds" not in self._figures:
            self._figures["window_seconds"] = round(time.time() - self._started, 3)
            self._window.removeEventFilter(self)

    def _look(self) -> None:
        controller, trace = self._window.controller, self._window.session.trace
        if self._over or trace is None:
            return
        if trace.ended and "first_caption_seconds" not in self._figures:
            self._figures["first_caption_seconds"] = round(time.time() - self._started, 3)
            QTimer.singleShot(500, self, self._measure)
        elif controller.run.is_open and not self._asked:
            self._asked = True
            controller.do(RunToEnd())

    def _measure(self) -> None:
        whole, chosen = self._window.session.trace, random.Random(0)
        assert whole is not None
        self._window.controller.run.cancel()
        self._reference.sample()
        self._drive("", whole, chosen, ROUNDS, SCRUBS)
        self._figures["window_rss_mb"] = round(resident_megabytes(), 1)
        backwards = Trace(whole.channels.values(), provenance=whole.provenance, input_bytes=whole.input_bytes)
        for step in range(len(whole)):  # so that every value is another
            backwards.append(replace(whole.step(len(whole) - 1 - step), step=step))
        self._drive("compare_", whole, chosen, ROUNDS // 2, SCRUBS // 2, Compared("the same backwards", backwards))
        self._figures |= {name: self._reference.spread(times) for name, times in self._times.items()}
        self._figures |= {"reference_ms": self._reference.milliseconds, "steps": len(whole)}
        self._finish("")

    def _drive(self, name: str, whole: Trace, chosen: random.Random, rounds: int, scrubs: int,
               beside: Compared | None = None) -> None:
        """Let the run grow some times, the first of which is not counted, and scrub through it; alone or with one beside it."""
        session, frames = self._window.session, list[float]()
        for number in range(rounds):
            grown = whole.truncated(0)
            session.set_trace(grown)
            session.compare(beside)
            self._paint()
            for step in range(len(whole)):
                grown.append(whole.step(step))
                took = self._timed(self._grow)
                if number:
                    frames.append(took)
        self._keep(f"{name}frame_ms", frames)
        self._keep(f"{name}scrub_ms", [
            self._timed(lambda: session.playhead.seek(_other(chosen, len(whole), session.playhead.step))) for _ in range(scrubs)])

    def _keep(self, name: str, times: list[float]) -> None:
        """Times of what was just done, with the reference measured beside them."""
        self._times[name] = times
        self._reference.sample()

    def _grow(self) -> None:
        self._window.session.grew()
        self._window.session.playhead.seek(self._window.session.playhead.length - 1)

    def _timed(self, change: Callable[[], object]) -> float:
        began = time.perf_counter()
        change()
        self._paint()
        return (time.perf_counter() - began) * 1000

    def _paint(self) -> None:
        self._window.coordinator.flush()
        QCoreApplication.sendPostedEvents()
        QCoreApplication.processEvents()

    def _said(self, message: Notice) -> None:
        if message.kind == "error":
            self._finish(message.text)

    def _finish(self, sentence: str) -> None:
        if self._over:
            return
        self._over = True
        self._limit.stop()
        if not sentence:
            self._path.write_text(json.dumps(self._figures), encoding="utf-8")
        self._done(sentence)


def measure_window() -> dict[str, Any]:
    """Open the window in a fresh home twice (the first warms the files) and give the second's figures. Raises `RuntimeError`
    when the window did not get through, with its own sentence.
    """
    figures: dict[str, Any] = {}
    for _ in range(2):
        figures = figures_of("unrolled.viewer", "--size", SIZE, "--report", **{STARTED_VARIABLE: repr(time.time())})
    steps = figures.pop("steps")
    figures["details"] = {
        "size": SIZE, "steps": steps, "frames": (ROUNDS - 1) * steps, "scrubs": SCRUBS,
        "frame": "from the change to the painted window, without a screen",
        "compare": "frame and scrub with two runs side by side, every track three times",
        "reference": "an image of 512 × 512 scaled to 1600 × 1000 and 200 words over it, painted in the same process",
        "limits": "frame and scrub: median 8, p95 16 ms; window 1.0 s; first caption 6 s; memory 300 MB",
    }
    return figures


def _other(chosen: random.Random, steps: int, current: int) -> int:
    step = chosen.randrange(steps - 1) if steps > 1 else 0
    return step + 1 if step >= current and steps > 1 else step


def own_megabytes() -> float:
    """What this process holds in memory without the files that are mapped into it, which the system can drop."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024
    except (OSError, StopIteration):
        return resident_megabytes()


def resident_megabytes() -> float:
    """What this process holds in memory; where the system does not say, the most that it held."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 2**20 if sys.platform == "darwin" else peak / 1024
